/* Texts. */
#include "text.h"

#include <string.h>

size_t text_char(uint32_t *point, const char *p, size_t n)
{
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  uint8_t first = n > 0 ? (uint8_t)*p : 0xff;
  size_t len = first < 0x80             ? 1
               : (first & 0xe0) == 0xc0 ? 2
               : (first & 0xf0) == 0xe0 ? 3
               : (first & 0xf8) == 0xf0 ? 4
                                        : 0;

  if (len == 0 || len > n)
    return 0;
  *point = len == 1 ? first : (uint32_t)(first & (0x7f >> len));
  for (size_t i = 1; i < len; i++) {
    if (((uint8_t)p[i] & 0xc0) != 0x80)
      return 0;
    *point = *point << 6 | ((uint8_t)p[i] & 0x3f);
  }
  if (*point < least[len] || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000))
    return 0;
  return len;
}

bool text_is_utf8(const char *p, size_t n)
{
  uint32_t point;

  for (size_t at = 0, len; at < n; at += len) {
    len = text_char(&point, p + at, n - at);
    if (len == 0)
      return false;
  }
  return true;
}

size_t text_utf16_units(const char *p, size_t n)
{
  size_t units = 0;
  uint32_t point = 0;

  for (size_t at = 0, len; at<n; at += len, units += point> 0xffff ? 2 : 1) {
    len = text_char(&point, p + at, n - at);
    if (len == 0)
      len = 1;
  }
  return units;
}

void text_put_char(FILE *out, uint32_t point)
{
  static const uint8_t mark[] = {0, 0, 0xc0, 0xe0, 0xf0};
  size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

  putc((int)(mark[len] | point >> 6 * (len - 1)), out);
  for (size_t i = len - 1; i-- > 0;)
    putc((int)(0x80 | (point >> 6 * i & 0x3f)), out);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Three bytes, or the one or two that are left. */
static void quantum(char out[4], const uint8_t *b, size_t n)
{
  uint32_t v = (uint32_t)b[0] << 16 | (n > 1 ? (uint32_t)b[1] << 8 : 0) | (n > 2 ? b[2] : 0);

  for (size_t i = 0; i < 4; i++)
    out[i] = i <= n ? alphabet[v >> (18 - 6 * i) & 63] : '=';
}

void text_put_base64(FILE *out, const void *p, size_t n, size_t line)
{
  const uint8_t *b = p;
  char chars[80];
  size_t most = line > 0 && line <= sizeof(chars) ? line : sizeof(chars);

  while (n > 0) {
    size_t at = 0;

    for (; at + 4 <= most && n > 0; at += 4) {
      size_t some = n < 3 ? n : 3;

      quantum(chars + at, b, some);
      b += some;
      n -= some;
    }
    (void)fwrite(chars, 1, at, out);
    if (line > 0 && n > 0)
      (void)fputs("\r\n", out);
  }
}

bool text_get_base64(uint8_t *out, size_t want, const char *text)
{
  size_t chars = (want * 8 + 5) / 6, pad = (4 - chars % 4) % 4;
  uint32_t bits = 0;
  unsigned held = 0;

  if (strlen(text) != chars + pad || strspn(text + chars, "=") != pad)
    return false;
  for (size_t i = 0; i < chars; i++) {
    const char *hit = strchr(alphabet, text[i]);

    if (!hit || !text[i])
      return false;
    bits = (bits << 6 | (uint32_t)(hit - alphabet)) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      *out++ = (uint8_t)(bits >> held);
    }
  }
  return (bits & ((1u << held) - 1)) == 0; /* bits that stand for nothing are zero */
}
