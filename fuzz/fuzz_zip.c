/* Zip archives: strict, as results, lenient; every value of what opens. */
#include "data/plain.h"
#include "data/result.h"

int ia_fuzz_zip(const uint8_t *data, size_t size);

static void read_all(ia_blob blob, unsigned zip_flags, unsigned read_flags)
{
  IA_AUTO(ia_zip) *z = NULL;
  ia_err e = {0};

  if (!ia_zip_open(&z, blob, zip_flags, &e))
    return;
  for (size_t i = 0; i < ia_zip_count(z) && i < 64; i++) {
    const ia_zip_entry *t = ia_zip_at(z, i);

    for (int type = 0; type <= IA_TYPE_OCTETS; type++) {
      IA_AUTOV(ia_value) v = {.bytes = {.cap = 1 << 20}};
      IA_AUTOV(ia_buf) text = {0};

      if (ia_read_entry(&v, z, t, (ia_type)type, read_flags, &e) && !ia_value_plain(&text, &v, &e))
        abort();
    }
    (void)ia_plain_type(z, t);
  }
}

int ia_fuzz_zip(const uint8_t *data, size_t size)
{
  ia_blob blob = ia_blob_mem(ia_span_of(data, size));

  read_all(blob, IA_ZIP_PROTECTED, 0);
  read_all(blob, 0, IA_READ_LEGACY);
  read_all(blob, IA_ZIP_PROTECTED | IA_ZIP_LENIENT, IA_READ_LENIENT);
  (void)ia_result_is_encrypted(&blob);
  return 0;
}
