/* libFuzzer's entry calls the one target of this program. */
#include <stddef.h>
#include <stdint.h>

int IA_FUZZ(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  return IA_FUZZ(data, size);
}
