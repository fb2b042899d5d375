/* The table of libraries of a module. */
#include "image/needs.h"

int ia_fuzz_needs(const uint8_t *data, size_t size);

int ia_fuzz_needs(const uint8_t *data, size_t size)
{
  IA_AUTOV(ia_buf) out = {0};
  ia_err e;

  (void)!ia_needs_of(&out, ia_span_of(data, size), &e);
  return 0;
}
