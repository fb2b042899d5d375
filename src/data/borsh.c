/* Borsh leaves. */
#include "data/borsh.h"

#include <math.h>

bool ia_i128_parse(ia_i128 *out, ia_span text, ia_err *e)
{
  unsigned __int128 v = 0;
  const unsigned __int128 top = (unsigned __int128)1 << 127;
  bool negative = text.len > 0 && text.ptr[0] == '-';
  size_t i = negative ? 1 : 0;

  if (i == text.len || (text.ptr[i] == '0' && text.len > i + 1))
    return ia_fail(e, IA_E_BAD_INPUT_TYPE, "not a decimal integer");
  for (; i < text.len; i++) {
    unsigned digit = (unsigned)text.ptr[i] - '0';

    if (digit > 9)
      return ia_fail(e, IA_E_BAD_INPUT_TYPE, "not a decimal integer");
    if (__builtin_mul_overflow(v, (unsigned __int128)10, &v) ||
        __builtin_add_overflow(v, (unsigned __int128)digit, &v))
      v = ~(unsigned __int128)0;
    if (v > top)
      break;
  }
  if (v > top || (v == top && !negative))
    return ia_fail(e, IA_E_I128_RANGE, "Unsupported integer value: out of i128 range");
  if (negative)
    v = ~v + 1;
  for (int b = 0; b < 16; b++)
    out->le[b] = (uint8_t)(v >> (8 * b));
  return true;
}

ia_text48 ia_i128_text(const ia_i128 *in)
{
  ia_text48 t = {0};
  char rev[48];
  size_t n = 0, at = 0;
  unsigned __int128 v = 0;

  for (int b = 15; b >= 0; b--)
    v = v << 8 | in->le[b];
  if (in->le[15] & 0x80) {
    v = ~v + 1;
    t.s[at++] = '-';
  }
  do {
    rev[n++] = (char)('0' + (int)(v % 10));
    v /= 10;
  } while (v > 0);
  while (n > 0)
    t.s[at++] = rev[--n];
  return t;
}

double ia_f64_le(const uint8_t le[8])
{
  uint64_t bits = 0;
  double v;

  for (int b = 7; b >= 0; b--)
    bits = bits << 8 | le[b];
  memcpy(&v, &bits, sizeof(v));
  return v;
}

void ia_f64_put(uint8_t le[8], double v)
{
  uint64_t bits;

  memcpy(&bits, &v, sizeof(bits));
  for (int b = 0; b < 8; b++)
    le[b] = (uint8_t)(bits >> (8 * b));
}

void ia_borsh_put_bool(ia_buf *out, bool v)
{
  ia_buf_u8(out, v);
}

bool ia_borsh_put_f64(ia_buf *out, double v, ia_err *e)
{
  uint8_t le[8];

  if (!isfinite(v))
    return ia_fail(e, IA_E_NOT_FINITE, "Unsupported number value: infinity");
  ia_f64_put(le, v);
  ia_buf_put(out, le, sizeof(le));
  return ia_buf_ok(out, e);
}

void ia_borsh_put_i128(ia_buf *out, const ia_i128 *v)
{
  ia_buf_put(out, v->le, sizeof(v->le));
}

bool ia_borsh_put_string(ia_buf *out, ia_span utf8, ia_err *e)
{
  if (!ia_utf8_valid(utf8))
    return ia_fail(e, IA_E_BAD_INPUT_UTF, "text that is not valid UTF-8");
  if (utf8.len > UINT32_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "text of more than 4 GiB");
  ia_buf_u32le(out, (uint32_t)utf8.len);
  ia_buf_span(out, utf8);
  return ia_buf_ok(out, e);
}

static bool exact(ia_span in, size_t want, const char *type, ia_err *e)
{
  if (in.len < want)
    return ia_fail(e, IA_E_BORSH_SHORT, "%s: %zu bytes, want %zu", type, in.len, want);
  if (in.len > want)
    return ia_fail(e, IA_E_BORSH_TRAILING, "%s: %zu bytes, want %zu", type, in.len, want);
  return true;
}

bool ia_borsh_bool(bool *out, ia_span in, ia_err *e)
{
  if (!exact(in, 1, "bool", e))
    return false;
  if (in.ptr[0] > 1)
    return ia_fail(e, IA_E_BORSH_BOOL, "bool: byte %u, want 0 or 1", in.ptr[0]);
  *out = in.ptr[0] == 1;
  return true;
}

bool ia_borsh_f64(double *out, ia_span in, ia_err *e)
{
  if (!exact(in, 8, "f64", e))
    return false;
  *out = ia_f64_le(in.ptr);
  if (!isfinite(*out))
    return ia_fail(e, IA_E_NOT_FINITE, "f64: not a finite number");
  return true;
}

bool ia_borsh_i128(ia_i128 *out, ia_span in, ia_err *e)
{
  if (!exact(in, 16, "i128", e))
    return false;
  memcpy(out->le, in.ptr, 16);
  return true;
}

bool ia_borsh_string(ia_span *out, ia_span in, ia_err *e)
{
  uint32_t len;

  if (!ia_span_u32le(&in, &len))
    return ia_fail(e, IA_E_BORSH_SHORT, "string: shorter than its length field");
  if (!exact(in, len, "string", e))
    return false;
  if (!ia_utf8_valid(in))
    return ia_fail(e, IA_E_BORSH_UTF8, "string: not valid UTF-8");
  *out = in;
  return true;
}
