/* Escapes of foreign text. */
#include "base/show.h"

/* Unicode 14: general categories Cc, Cf, Zl, Zp; Default_Ignorable_Code_Point; the blank Braille
 * pattern. Noncharacters are computed. */
static const struct range {
  uint32_t first, last;
} hidden[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x034f, 0x034f},
    {0x0600, 0x0605},   {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},
    {0x0890, 0x0891},   {0x08e2, 0x08e2},   {0x115f, 0x1160},   {0x17b4, 0x17b5},
    {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
    {0x2800, 0x2800},   {0x3164, 0x3164},   {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},
    {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe0fff},
};

bool ia_hidden_char(uint32_t c)
{
  if ((c & 0xfffe) == 0xfffe)
    return true;
  for (size_t i = 0; i < IA_COUNT(hidden); i++)
    if (c >= hidden[i].first && c <= hidden[i].last)
      return true;
  return false;
}

size_t ia_utf8_char(ia_span s, uint32_t *c)
{
  for (size_t n = 1; n <= 4 && n <= s.len; n++) {
    if (!ia_utf8_valid(ia_span_of(s.ptr, n)))
      continue;
    *c = n == 1 ? s.ptr[0] : s.ptr[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++)
      *c = *c << 6 | (s.ptr[i] & 0x3fU);
    return n;
  }
  return 0;
}

bool ia_is_plain_text(ia_span s)
{
  uint32_t c;

  for (size_t n; s.len > 0; s = ia_span_of(s.ptr + n, s.len - n)) {
    n = ia_utf8_char(s, &c);
    if (n == 0 || ia_hidden_char(c))
      return false;
  }
  return true;
}

static bool is_blank(uint32_t c)
{
  return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

static void escape(ia_buf *out, uint32_t c)
{
  const char *letter = c == '\n' ? "n" : c == '\r' ? "r" : c == '\t' ? "t" : NULL;

  if (letter)
    ia_buf_printf(out, "\\%s", letter);
  else if (c < 0x80)
    ia_buf_printf(out, "\\x%02x", c);
  else
    ia_buf_printf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
}

void ia_show_value(ia_buf *out, ia_span text)
{
  bool after_blank = false;
  uint32_t c = 0;

  for (size_t n; text.len > 0; text = ia_span_of(text.ptr + n, text.len - n)) {
    size_t valid = ia_utf8_char(text, &c);

    n = valid > 0 ? valid : 1;
    if (valid == 0)
      ia_buf_printf(out, "\\x%02x", text.ptr[0]);
    else if (ia_hidden_char(c) || (after_blank && is_blank(c)))
      escape(out, c);
    else if (c == '\\')
      ia_buf_str(out, "\\\\");
    else
      ia_buf_put(out, text.ptr, n);
    after_blank = valid > 0 && is_blank(c);
  }
}

void ia_show_text(ia_buf *out, ia_span text)
{
  uint32_t c = 0;

  for (size_t n; text.len > 0; text = ia_span_of(text.ptr + n, text.len - n)) {
    size_t valid = ia_utf8_char(text, &c);

    n = valid > 0 ? valid : 1;
    if (valid == 0)
      ia_buf_printf(out, "\\x%02x", text.ptr[0]);
    else if (ia_hidden_char(c) && c != '\n' && c != '\t')
      escape(out, c);
    else
      ia_buf_put(out, text.ptr, n);
  }
}

void ia_show_json(ia_buf *out, ia_span json)
{
  uint32_t c = 0;

  for (size_t n; json.len > 0; json = ia_span_of(json.ptr + n, json.len - n)) {
    n = ia_utf8_char(json, &c);
    if (n == 0) {
      /* the writer of JSON lets no such byte through; U+FFFD keeps the text valid */
      n = 1;
      ia_buf_str(out, "\\ufffd");
    } else if (c < 0x20 || !ia_hidden_char(c)) {
      ia_buf_put(out, json.ptr, n);
    } else if (c > 0xffff) {
      ia_buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
    } else {
      ia_buf_printf(out, "\\u%04x", c);
    }
  }
}
