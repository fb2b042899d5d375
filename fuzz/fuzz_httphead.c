/* The bytes of a request: the head, whole and in pieces, then a body in chunks. Where the pieces
 * are cut must not change what is read. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "http/head.h"

int ia_fuzz_httphead(const uint8_t *p, size_t n);

static void check_that(bool ok)
{
  if (!ok)
    abort();
}

/* The body as chunks of it arrive, `piece` bytes at a time. */
static ia_scan read_body(ia_buf *out, ia_span body, size_t piece)
{
  ia_chunks c = {0};
  ia_span in, data;
  ia_scan got = IA_SCAN_MORE;

  while (body.len > 0 && got == IA_SCAN_MORE) {
    check_that(ia_span_take(&body, body.len < piece ? body.len : piece, &in));
    do {
      got = ia_chunks_take(&c, &in, &data);
      ia_buf_span(out, data);
    } while (got == IA_SCAN_END && data.len > 0);
  }
  return got;
}

static void check_head(ia_span head)
{
  ia_head h;

  if (!ia_head_parse(&h, head, NULL))
    return;
  check_that(h.n_fields <= IA_FIELDS_MAX && h.minor <= 1 && h.target.len > 0);
  for (size_t i = 0; i < h.n_fields; i++)
    for (size_t k = 0; k < h.fields[i].value.len; k++)
      check_that(h.fields[i].value.ptr[k] >= 0x20 || h.fields[i].value.ptr[k] == '\t');
  (void)ia_head_lists(&h, "connection", "close");
}

int ia_fuzz_httphead(const uint8_t *p, size_t n)
{
  IA_AUTOV(ia_buf) whole = {.cap = 1 << 20};
  IA_AUTOV(ia_buf) pieces = {.cap = 1 << 20};
  size_t at = 0, again = 0;
  ia_scan got = ia_head_scan(ia_span_of(p, n), &at), then = IA_SCAN_MORE;

  for (size_t len = 1; len <= n && then == IA_SCAN_MORE; len++)
    then = ia_head_scan(ia_span_of(p, len), &again);
  check_that(n == 0 || n > IA_HEAD_MAX || (then == got && (got != IA_SCAN_END || again == at)));
  if (got == IA_SCAN_END)
    check_head(ia_span_of(p, at));
  ia_span body = got == IA_SCAN_END ? ia_span_of(p + at, n - at) : ia_span_of(p, n);
  got = read_body(&whole, body, body.len + 1);
  check_that(read_body(&pieces, body, 1) == got);
  check_that(ia_span_eq(ia_buf_view(&whole), ia_buf_view(&pieces)));
  return 0;
}
