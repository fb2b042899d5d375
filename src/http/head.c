/* Heads and chunks, byte by byte. */
#include "http/head.h"

#include <string.h>

ia_scan ia_head_scan(ia_span bytes, size_t *at)
{
  for (; *at < bytes.len; (*at)++) {
    uint8_t c = bytes.ptr[*at];
    bool after_cr = *at > 0 && bytes.ptr[*at - 1] == '\r';

    if (after_cr != (c == '\n') || (c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
      return IA_SCAN_BAD;
    if (c != '\n')
      continue;
    if (*at < 3) /* an empty line before the request */
      return IA_SCAN_BAD;
    if (bytes.ptr[*at - 2] == '\n') {
      (*at)++;
      return IA_SCAN_END;
    }
  }
  return bytes.len > IA_HEAD_MAX ? IA_SCAN_BAD : IA_SCAN_MORE;
}

/* The next line without its CRLF. */
static bool line_of(ia_span *in, ia_span *line)
{
  const uint8_t *lf = in->len > 0 ? memchr(in->ptr, '\n', in->len) : NULL;
  size_t n = lf ? (size_t)(lf - in->ptr) : 0;
  ia_span skip;

  return lf && n > 0 && ia_span_take(in, n - 1, line) && ia_span_take(in, 2, &skip);
}

static bool word_of(ia_span *line, ia_span *word)
{
  const uint8_t *blank = line->len > 0 ? memchr(line->ptr, ' ', line->len) : NULL;
  ia_span skip;

  return blank && ia_span_take(line, (size_t)(blank - line->ptr), word) && word->len > 0 &&
         ia_span_take(line, 1, &skip);
}

static bool request_line(ia_head *h, ia_span line, ia_err *e)
{
  if (!word_of(&line, &h->method) || !word_of(&line, &h->target))
    return ia_fail(e, IA_E_INVALID, "the request line is not METHOD TARGET HTTP/1.1");
  for (size_t i = 0; i < h->method.len; i++)
    if (h->method.ptr[i] < 'A' || h->method.ptr[i] > 'Z')
      return ia_fail(e, IA_E_INVALID, "a method is made of A to Z");
  h->minor = ia_span_is(line, "HTTP/1.1");
  return h->minor == 1 || ia_span_is(line, "HTTP/1.0") || ia_fail(e, IA_E_INVALID, "want HTTP/1.1");
}

bool ia_head_parse(ia_head *h, ia_span head, ia_err *e)
{
  ia_span line;

  *h = (ia_head){0};
  if (!line_of(&head, &line))
    return ia_fail(e, IA_E_INVALID, "no request line");
  if (!request_line(h, line, e))
    return false;
  for (;;) {
    if (!line_of(&head, &line))
      return ia_fail(e, IA_E_INVALID, "a header line without an end");
    if (line.len == 0)
      break;
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
      return ia_fail(e, IA_E_INVALID, "a folded header line");
    const uint8_t *colon = memchr(line.ptr, ':', line.len);
    if (!colon)
      return ia_fail(e, IA_E_INVALID, "a header line without a colon");
    if (h->n_fields == IA_FIELDS_MAX)
      return ia_fail(e, IA_E_INVALID, "more than %d header fields", IA_FIELDS_MAX);
    size_t n = (size_t)(colon - line.ptr);
    h->fields[h->n_fields++] =
        (ia_field){ia_span_of(line.ptr, n), ia_span_trim(ia_span_of(colon + 1, line.len - n - 1))};
  }
  if (!ia_front_check(h->target, h->fields, h->n_fields, e))
    return false;
  if (h->minor == 0 && ia_head_field(h, "transfer-encoding").len > 0)
    return ia_fail(e, IA_E_INVALID, "transfer-encoding in HTTP/1.0");
  return true;
}

ia_span ia_head_field(const ia_head *h, const char *name)
{
  for (size_t i = 0; i < h->n_fields; i++)
    if (ia_span_is_nocase(h->fields[i].name, name))
      return h->fields[i].value;
  return ia_span_of("", 0);
}

bool ia_head_lists(const ia_head *h, const char *name, const char *word)
{
  for (size_t i = 0; i < h->n_fields; i++) {
    ia_span v = h->fields[i].value, one, skip;

    if (!ia_span_is_nocase(h->fields[i].name, name))
      continue;
    while (v.len > 0) {
      const uint8_t *comma = memchr(v.ptr, ',', v.len);

      if (!ia_span_take(&v, comma ? (size_t)(comma - v.ptr) : v.len, &one))
        break;
      if (ia_span_is_nocase(ia_span_trim(one), word))
        return true;
      if (comma && !ia_span_take(&v, 1, &skip))
        break;
    }
  }
  return false;
}

static int digit(uint8_t c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of a size line, or of the CRLF behind a chunk's data. */
static ia_scan framing(ia_chunks *c, uint8_t b)
{
  static const uint8_t crlf[] = {'\r', '\n'};
  int d = digit(b);

  /* the size: 1 to 15 digits, then CRLF; after the last chunk's line one more CRLF */
  if (c->ends == 0 && !c->in_data && d >= 0 && c->digits < 15) {
    c->left = c->left * 16 + (uint64_t)d;
    c->digits++;
    return IA_SCAN_MORE;
  }
  if ((c->digits == 0 && !c->in_data) || b != crlf[c->ends % 2])
    return IA_SCAN_BAD;
  c->ends++;
  if (c->in_data && c->ends == 2) {
    *c = (ia_chunks){0};
  } else if (!c->in_data && c->ends == 2 && c->left > 0) {
    c->in_data = true;
    c->ends = 0;
  } else if (!c->in_data && c->ends == 4) {
    c->last = true;
  }
  return IA_SCAN_MORE;
}

ia_scan ia_chunks_take(ia_chunks *c, ia_span *in, ia_span *out)
{
  *out = ia_span_of(NULL, 0);
  while (!c->last && in->len > 0) {
    ia_span one;

    if (c->in_data && c->left > 0) {
      size_t n = c->left < in->len ? (size_t)c->left : in->len;

      c->left -= n;
      return ia_span_take(in, n, out) ? IA_SCAN_END : IA_SCAN_BAD;
    }
    if (!ia_span_take(in, 1, &one) || framing(c, one.ptr[0]) == IA_SCAN_BAD)
      return IA_SCAN_BAD;
  }
  return c->last ? IA_SCAN_END : IA_SCAN_MORE;
}
