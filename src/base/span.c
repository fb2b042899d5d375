/* Cursor reading of fixed-width integers, and UTF-8 validation. */
#include "base/span.h"

static bool take_be(ia_span *in, size_t n, uint64_t *v)
{
  ia_span s;

  if (!ia_span_take(in, n, &s))
    return false;
  *v = 0;
  for (size_t i = 0; i < n; i++)
    *v = *v << 8 | s.ptr[i];
  return true;
}

static bool take_le(ia_span *in, size_t n, uint64_t *v)
{
  ia_span s;

  if (!ia_span_take(in, n, &s))
    return false;
  *v = 0;
  for (size_t i = n; i-- > 0;)
    *v = *v << 8 | s.ptr[i];
  return true;
}

#define TAKE(name, type, how)                                                                      \
  bool name(ia_span *in, type *v)                                                                  \
  {                                                                                                \
    uint64_t wide;                                                                                 \
                                                                                                   \
    if (!how(in, sizeof(*v), &wide))                                                               \
      return false;                                                                                \
    *v = (type)wide;                                                                               \
    return true;                                                                                   \
  }

TAKE(ia_span_u8, uint8_t, take_be)
TAKE(ia_span_u16be, uint16_t, take_be)
TAKE(ia_span_u32be, uint32_t, take_be)
TAKE(ia_span_u64be, uint64_t, take_be)
TAKE(ia_span_u16le, uint16_t, take_le)
TAKE(ia_span_u32le, uint32_t, take_le)
TAKE(ia_span_u64le, uint64_t, take_le)

bool ia_span_lp(ia_span *in, ia_span *out)
{
  ia_span at = *in;
  uint32_t n;

  if (!ia_span_u32be(&at, &n) || !ia_span_take(&at, n, out))
    return false;
  *in = at;
  return true;
}

/* Length of the sequence that starts with byte b, 0 when none does; *min = least code point. */
static size_t utf8_len(uint8_t b, uint32_t *min)
{
  if (b < 0x80) {
    *min = 0;
    return 1;
  }
  if ((b & 0xe0) == 0xc0) {
    *min = 0x80;
    return 2;
  }
  if ((b & 0xf0) == 0xe0) {
    *min = 0x800;
    return 3;
  }
  if ((b & 0xf8) == 0xf0) {
    *min = 0x10000;
    return 4;
  }
  return 0;
}

bool ia_utf8_valid(ia_span s)
{
  for (size_t i = 0; i < s.len;) {
    uint32_t min;
    size_t n = utf8_len(s.ptr[i], &min);

    if (n == 0 || n > s.len - i)
      return false;
    uint32_t cp = n == 1 ? s.ptr[i] : s.ptr[i] & (0x7fU >> n);
    for (size_t k = 1; k < n; k++) {
      if ((s.ptr[i + k] & 0xc0) != 0x80)
        return false;
      cp = cp << 6 | (s.ptr[i + k] & 0x3fU);
    }
    if (cp < min || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
      return false;
    i += n;
  }
  return true;
}

bool ia_text_is_plain(ia_span s)
{
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
      return false;
  return ia_utf8_valid(s);
}

/* Second bytes that a lead byte admits: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
static bool admits_second(uint8_t lead, uint8_t b)
{
  uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

  return b >= low && b <= high;
}

size_t ia_utf8_next(ia_span s, bool *valid)
{
  uint8_t lead = s.ptr[0];
  uint32_t min;
  size_t want = lead == 0xc0 || lead == 0xc1 || lead > 0xf4 ? 0 : utf8_len(lead, &min), have = 1;

  *valid = false;
  if (want == 0)
    return 1;
  while (have < want && have < s.len &&
         (have == 1 ? admits_second(lead, s.ptr[1]) : (s.ptr[have] & 0xc0) == 0x80))
    have++;
  *valid = have == want;
  return have;
}
