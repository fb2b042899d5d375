/* Numbers of 256 bits as text that sorts by value. */
#include <stdio.h>
#include <string.h>

#include "service/graph/store.h"

graph_big graph_big_of(const ia_u256 *v)
{
  ia_text80 dec = ia_u256_dec(v);
  graph_big out;

  (void)snprintf(out.s, sizeof(out.s), "%02u%s", (unsigned)strlen(dec.s), dec.s);
  return out;
}

/* "-" sorts below every digit. */
static bool below_zero(graph_big *out)
{
  (void)snprintf(out->s, sizeof(out->s), "-");
  return true;
}

bool graph_big_parse(graph_big *out, ia_span text, unsigned scale, ia_err *e)
{
  char digits[96];
  size_t n = 0, i = 0;
  unsigned after = 0;
  bool minus = text.len > 0 && text.ptr[0] == '-', point = false;

  for (i = minus; i < text.len; i++) {
    uint8_t c = text.ptr[i];

    if (c == '.' && !point && scale > 0) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9' || n >= 78 || (point && after == scale && c != '0'))
      return ia_fail(e, IA_E_PARSE, "\"%.*s\" is no number that is taken here",
                     (int)(text.len < 40 ? text.len : 40), (const char *)text.ptr);
    if (point && after == scale)
      continue;
    after += point;
    digits[n++] = (char)c;
  }
  if (n == 0)
    return ia_fail(e, IA_E_PARSE, "a number has digits");
  while (after++ < scale)
    digits[n++] = '0';
  for (i = 0; i + 1 < n && digits[i] == '0';)
    i++;
  if (minus && !(n - i == 1 && digits[i] == '0'))
    return below_zero(out);
  if (n - i > 78)
    return ia_fail(e, IA_E_PARSE, "a number of more than 256 bits");
  (void)snprintf(out->s, sizeof(out->s), "%02zu%.*s", n - i, (int)(n - i), digits + i);
  return true;
}

bool graph_big_read(ia_u256 *out, const char *coded, ia_err *e)
{
  return ia_u256_parse(out, ia_span_str(strlen(coded) > 2 ? coded + 2 : ""), e);
}

void graph_big_show(ia_buf *out, const char *coded, unsigned scale)
{
  const char *digits = strlen(coded) > 2 ? coded + 2 : "0";
  size_t n = strlen(digits), whole = n > scale ? n - scale : 0;

  if (whole == 0)
    ia_buf_u8(out, '0');
  ia_buf_put(out, digits, whole);
  size_t end = n;
  while (end > whole && digits[end - 1] == '0')
    end--;
  if (scale == 0 || end == whole)
    return;
  ia_buf_u8(out, '.');
  for (size_t i = n; i < scale; i++)
    ia_buf_u8(out, '0');
  ia_buf_put(out, digits + whole, end - whole);
}
