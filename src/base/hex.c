/* Hex and base64 without tables: no branch and no index depends on the data being encoded. */
#include "base/hex.h"

static char nibble(unsigned v)
{
  /* '0' + v, plus 39 when v > 9 ('a' - '0' - 10) */
  return (char)('0' + v + (((9U - v) >> 8) & 39U));
}

void ia_hex(char *out, const void *p, size_t len)
{
  const uint8_t *b = p;

  for (size_t i = 0; i < len; i++) {
    out[2 * i] = nibble(b[i] >> 4);
    out[2 * i + 1] = nibble(b[i] & 15U);
  }
  out[2 * len] = '\0';
}

void ia_buf_hex0x(ia_buf *b, ia_span s)
{
  ia_buf_put(b, "0x", 2);
  char *at = (char *)ia_buf_reserve(b, 2 * s.len + 1);
  if (!at)
    return;
  ia_hex(at, s.ptr, s.len);
  b->len += 2 * s.len;
}

/* 0..15, or a value with bit 8 set when c is no digit. */
static unsigned unnibble(uint8_t c)
{
  unsigned digit = c - '0', alpha = (c | 0x20U) - 'a';
  unsigned is_digit = (digit - 10U) >> 8 & 1U & ~(digit >> 8);
  unsigned is_alpha = (alpha - 6U) >> 8 & 1U & ~(alpha >> 8);

  return (digit & (0U - is_digit)) | ((alpha + 10U) & (0U - is_alpha)) |
         ((1U - (is_digit | is_alpha)) << 8);
}

static ia_span strip0x(ia_span t)
{
  if (t.len >= 2 && t.ptr[0] == '0' && (t.ptr[1] == 'x' || t.ptr[1] == 'X'))
    return ia_span_of(t.ptr + 2, t.len - 2);
  return t;
}

bool ia_unhex(void *out, size_t n, ia_span text)
{
  ia_span t = strip0x(text);
  uint8_t *dst = out;
  unsigned bad = 0;

  if (t.len != 2 * n)
    return false;
  for (size_t i = 0; i < n; i++) {
    unsigned v = unnibble(t.ptr[2 * i]) << 4 | unnibble(t.ptr[2 * i + 1]);

    bad |= unnibble(t.ptr[2 * i]) | unnibble(t.ptr[2 * i + 1]);
    dst[i] = (uint8_t)v;
  }
  return bad < 256;
}

bool ia_unhex_buf(ia_buf *out, ia_span text)
{
  ia_span t = strip0x(text);

  if (t.len % 2)
    return false;
  uint8_t *at = ia_buf_reserve(out, t.len / 2);
  if (!at || !ia_unhex(at, t.len / 2, t))
    return false;
  out->len += t.len / 2;
  return true;
}

ia_text43 ia_addr_lower(const ia_addr *a)
{
  ia_text43 t = {.s = "0x"};

  ia_hex(t.s + 2, a->b, sizeof(a->b));
  return t;
}

ia_text67 ia_h256_text(const ia_h256 *h)
{
  ia_text67 t = {.s = "0x"};

  ia_hex(t.s + 2, h->b, sizeof(h->b));
  return t;
}

bool ia_h256_parse(ia_h256 *h, ia_span text)
{
  return text.len == 66 && text.ptr[0] == '0' && text.ptr[1] == 'x' &&
         ia_unhex(h->b, sizeof(h->b), text);
}

static char b64_char(unsigned v)
{
  unsigned c = v + 'A';

  c += ((25U - v) >> 8 & 1U) * ('a' - 'Z' - 1U);
  c -= ((51U - v) >> 8 & 1U) * ('z' + 1U - '0');
  c -= ((61U - v) >> 8 & 1U) * ('9' + 1U - '+');
  c += ((62U - v) >> 8 & 1U) * ('/' - '+' - 1U);
  return (char)c;
}

void ia_buf_base64(ia_buf *b, ia_span s)
{
  for (size_t i = 0; i < s.len; i += 3) {
    size_t n = s.len - i < 3 ? s.len - i : 3;
    unsigned v = (unsigned)s.ptr[i] << 16;

    if (n > 1)
      v |= (unsigned)s.ptr[i + 1] << 8;
    if (n > 2)
      v |= s.ptr[i + 2];
    char t[4] = {b64_char(v >> 18), b64_char(v >> 12 & 63), n > 1 ? b64_char(v >> 6 & 63) : '=',
                 n > 2 ? b64_char(v & 63) : '='};
    ia_buf_put(b, t, 4);
  }
}

/* 1 when lo <= c <= hi. */
static unsigned within(unsigned c, unsigned lo, unsigned hi)
{
  return ~((c - lo) | (hi - c)) >> 31;
}

static unsigned b64_value(uint8_t c)
{
  unsigned up = within(c, 'A', 'Z'), low = within(c, 'a', 'z'), dig = within(c, '0', '9');
  unsigned plus = within(c, '+', '+'), slash = within(c, '/', '/');

  return up * (c - 'A') + low * (c - 'a' + 26U) + dig * (c - '0' + 52U) + plus * 62U + slash * 63U +
         ((1U - (up + low + dig + plus + slash)) << 8);
}

bool ia_unbase64(ia_buf *out, ia_span text)
{
  if (text.len % 4)
    return false;
  size_t pad = 0;
  while (pad < 2 && pad < text.len && text.ptr[text.len - 1 - pad] == '=')
    pad++;
  uint8_t *at = ia_buf_reserve(out, text.len / 4 * 3);
  if (!at)
    return false;
  unsigned bad = 0, v = 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned d = i >= text.len - pad ? 0 : b64_value(text.ptr[i]);

    bad |= d;
    v = v << 6 | (d & 63U);
    if (i % 4 == 3) {
      *at++ = (uint8_t)(v >> 16);
      *at++ = (uint8_t)(v >> 8);
      *at++ = (uint8_t)v;
    }
  }
  size_t n = text.len / 4 * 3;
  for (size_t i = 1; i <= pad; i++)
    bad |= (unsigned)at[-(ptrdiff_t)i] << 9; /* bits behind the last byte must be zero */
  if (bad >= 256)
    return false;
  out->len += n - pad;
  return true;
}
