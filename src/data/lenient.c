/* Tolerant decoding. */
#include "data/lenient.h"

#include <math.h>

static bool enough(ia_span in, size_t want, ia_err *e)
{
  if (in.len < want)
    return ia_fail(e, IA_E_BORSH_SHORT, "%zu bytes, want %zu", in.len, want);
  return true;
}

/* borsh-js: the lead byte alone tells the length, continuation bytes are not looked at. */
static void borsh_js_text(ia_buf *out, ia_span in)
{
  for (size_t i = 0; i < in.len;) {
    uint8_t b = in.ptr[i];
    size_t n = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    uint32_t c = n == 1 ? b : n == 2 ? b & 0x1fU : n == 3 ? b & 0x0fU : b & 0x07U;

    for (size_t k = 1; k < n; k++)
      c = c << 6 | (i + k < in.len ? in.ptr[i + k] & 0x3fU : 0);
    ia_buf_utf8(out, c);
    i += n;
  }
}

/* WHATWG TextDecoder without "fatal", but one U+FFFD a bad byte. */
static void replaced_text(ia_buf *out, ia_span in)
{
  for (size_t i = 0; i < in.len;) {
    uint8_t b = in.ptr[i];
    size_t n = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;

    if (n > in.len - i || !ia_utf8_valid(ia_span_of(in.ptr + i, n))) {
      ia_buf_utf8(out, 0xfffd);
      i++;
      continue;
    }
    ia_buf_put(out, in.ptr + i, n);
    i += n;
  }
}

/* "Optimistic": Borsh first, the whole content as text when that fails. */
static bool lenient_string(ia_value *v, bool legacy, ia_err *e)
{
  ia_span in = ia_buf_view(&v->bytes), rest = in, text;
  ia_buf out = {.secret = true, .cap = v->bytes.cap};
  uint32_t len;

  if (!legacy && ia_span_u32le(&rest, &len) && ia_span_take(&rest, len, &text))
    borsh_js_text(&out, text);
  else
    replaced_text(&out, in);
  if (!ia_buf_ok(&out, e)) {
    ia_buf_free(&out);
    return false;
  }
  ia_buf_free(&v->bytes);
  v->bytes = out;
  return true;
}

/* JavaScript's Number(text): blanks around it, "" is 0, 0x 0b 0o, anything else NaN. */
static double js_number(ia_span in)
{
  char text[64] = "";
  char *end;

  while (in.len > 0 && in.ptr[0] <= ' ')
    in = ia_span_of(in.ptr + 1, in.len - 1);
  while (in.len > 0 && in.ptr[in.len - 1] <= ' ')
    in.len--;
  if (in.len == 0)
    return 0;
  if (in.len >= sizeof(text))
    return NAN;
  memcpy(text, in.ptr, in.len);
  if (text[0] == '0' && (text[1] | 0x20) == 'x') {
    double v = (double)strtoull(text + 2, &end, 16);

    return *end || !text[2] ? NAN : v;
  }
  double v;
  return ia_f64_parse(&v, in) ? v : NAN;
}

bool ia_lenient_decode(ia_value *v, bool legacy, ia_err *e)
{
  ia_span in = ia_buf_view(&v->bytes);

  switch (v->type) {
  case IA_TYPE_BOOL:
  case IA_TYPE_BOOLEAN:
    if (!enough(in, 1, e))
      return false;
    v->boolean = in.ptr[0] != 0;
    return true;
  case IA_TYPE_F64:
    if (!enough(in, 8, e))
      return false;
    v->number = ia_f64_le(in.ptr);
    return true;
  case IA_TYPE_I128:
    if (!enough(in, 16, e))
      return false;
    memcpy(v->i128.le, in.ptr, 16);
    return true;
  case IA_TYPE_NUMBER: v->number = js_number(in); return true;
  case IA_TYPE_STRING: return lenient_string(v, legacy, e);
  default: return true;
  }
}
