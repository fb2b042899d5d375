/* Front check, percent-decoding, byte ranges. */
#include "http/fields.h"

#include <string.h>

bool ia_span_is_nocase(ia_span a, const char *literal)
{
  size_t n = strlen(literal);

  if (a.len != n)
    return false;
  for (size_t i = 0; i < n; i++) {
    uint8_t x = a.ptr[i], y = (uint8_t)literal[i];

    x = x >= 'A' && x <= 'Z' ? (uint8_t)(x + 32) : x;
    y = y >= 'A' && y <= 'Z' ? (uint8_t)(y + 32) : y;
    if (x != y)
      return false;
  }
  return true;
}

ia_span ia_span_trim(ia_span s)
{
  while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
    s.ptr++;
    s.len--;
  }
  while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
    s.len--;
  return s;
}

/* RFC 9110 5.6.2 */
static bool is_token(ia_span s)
{
  for (size_t i = 0; i < s.len; i++) {
    uint8_t c = s.ptr[i];
    bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

    if (!alnum && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
      return false;
  }
  return s.len > 0;
}

static bool has_control(ia_span s)
{
  for (size_t i = 0; i < s.len; i++)
    if ((s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
      return true;
  return false;
}

static bool is_digits(ia_span s)
{
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] < '0' || s.ptr[i] > '9')
      return false;
  return s.len > 0 && s.len <= 19;
}

static bool check_target(ia_span target, ia_err *e)
{
  if (target.len == 0 || target.ptr[0] != '/')
    return ia_fail(e, IA_E_INVALID, "the request target must begin with /");
  for (size_t i = 0; i < target.len; i++)
    if (target.ptr[i] <= 0x20 || target.ptr[i] >= 0x7f || target.ptr[i] == '#')
      return ia_fail(e, IA_E_INVALID, "a byte in the request target must be percent-encoded");
  return true;
}

bool ia_front_check(ia_span target, const ia_field *fields, size_t n, ia_err *e)
{
  static const char *const once[] = {
      "content-length", "transfer-encoding", "host",   "authorization", "content-type",
      "origin",         "sec-fetch-site",    "referer"};
  size_t count[IA_COUNT(once)] = {0};

  if (!check_target(target, e))
    return false;
  for (size_t i = 0; i < n; i++) {
    if (!is_token(fields[i].name))
      return ia_fail(e, IA_E_INVALID, "a field name holds a byte that is not allowed");
    if (has_control(fields[i].value))
      return ia_fail(e, IA_E_INVALID, "a field value holds a control byte");
    ia_span v = ia_span_trim(fields[i].value);
    for (size_t k = 0; k < IA_COUNT(once); k++) {
      if (!ia_span_is_nocase(fields[i].name, once[k]))
        continue;
      if (++count[k] > 1)
        return ia_fail(e, IA_E_INVALID, "field %s is given twice", once[k]);
      if (k == 0 && !is_digits(v))
        return ia_fail(e, IA_E_INVALID, "content-length is not a number");
      if (k == 1 && !ia_span_is_nocase(v, "chunked"))
        return ia_fail(e, IA_E_INVALID, "transfer-encoding other than chunked");
    }
  }
  if (count[0] && count[1])
    return ia_fail(e, IA_E_INVALID, "content-length together with transfer-encoding");
  return true;
}

static int hex_digit(uint8_t c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

bool ia_percent_decode(ia_buf *out, ia_span text, bool plus)
{
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.ptr[i];

    if (c == '%') {
      bool whole = text.len - i > 2;
      int hi = whole ? hex_digit(text.ptr[i + 1]) : -1;
      int lo = whole ? hex_digit(text.ptr[i + 2]) : -1;

      if (hi < 0 || lo < 0 || (hi == 0 && lo == 0))
        return false;
      c = (uint8_t)(hi << 4 | lo);
      i += 2;
    } else if (c == '+' && plus) {
      c = ' ';
    }
    ia_buf_u8(out, c);
  }
  return !out->bad;
}

static bool number(ia_span s, uint64_t *v)
{
  *v = 0;
  if (!is_digits(s))
    return false;
  for (size_t i = 0; i < s.len; i++)
    *v = *v * 10 + (uint64_t)(s.ptr[i] - '0'); /* 19 digits fit */
  return true;
}

ia_range ia_range_parse(ia_span field, uint64_t size, uint64_t *from, uint64_t *n)
{
  ia_span s = ia_span_trim(field), unit, first, last;
  uint64_t a = 0, b = 0;

  if (!ia_span_take(&s, 6, &unit) || !ia_span_is_nocase(unit, "bytes="))
    return IA_RANGE_WHOLE;
  s = ia_span_trim(s);
  const uint8_t *dash = s.len > 0 ? memchr(s.ptr, '-', s.len) : NULL;
  if (!dash || !ia_span_take(&s, (size_t)(dash - s.ptr), &first))
    return IA_RANGE_WHOLE;
  last = ia_span_of(s.ptr + 1, s.len - 1);
  if ((first.len > 0 && !number(first, &a)) || (last.len > 0 && !number(last, &b)) ||
      (first.len == 0 && last.len == 0))
    return IA_RANGE_WHOLE;
  if (first.len == 0) { /* the last b bytes */
    if (b == 0 || size == 0)
      return IA_RANGE_BAD;
    *n = b < size ? b : size;
    *from = size - *n;
    return IA_RANGE_PART;
  }
  if (last.len > 0 && b < a)
    return IA_RANGE_WHOLE;
  if (a >= size)
    return IA_RANGE_BAD;
  *from = a;
  *n = last.len > 0 && b < size ? b - a + 1 : size - a;
  return IA_RANGE_PART;
}
