/* Borsh leaves and number texts: what decodes encodes to the same bytes. */
#include "data/borsh.h"

int ia_fuzz_borsh(const uint8_t *data, size_t size);

static void same(const ia_buf *out, ia_span in)
{
  if (!ia_span_eq(ia_buf_view(out), in))
    abort();
}

int ia_fuzz_borsh(const uint8_t *data, size_t size)
{
  ia_span in = ia_span_of(data, size), text;
  IA_AUTOV(ia_buf) b = {0}, f = {0}, i = {0}, s = {0};
  bool flag;
  double v, back;
  ia_i128 n;

  if (ia_borsh_bool(&flag, in, NULL)) {
    ia_borsh_put_bool(&b, flag);
    same(&b, in);
  }
  if (ia_borsh_f64(&v, in, NULL)) {
    if (!ia_borsh_put_f64(&f, v, NULL) || !ia_f64_parse(&back, ia_span_str(ia_f64_text(v).s)) ||
        memcmp(&v, &back, sizeof(v)) != 0)
      abort();
    same(&f, in);
  }
  if (ia_borsh_i128(&n, in, NULL)) {
    if (!ia_i128_parse(&n, ia_span_str(ia_i128_text(&n).s), NULL))
      abort();
    ia_borsh_put_i128(&i, &n);
    same(&i, in);
  }
  if (ia_borsh_string(&text, in, NULL)) {
    if (!ia_borsh_put_string(&s, text, NULL))
      abort();
    same(&s, in);
  }
  (void)!ia_i128_parse(&n, in, NULL);
  (void)!ia_f64_parse(&v, in);
  return 0;
}
