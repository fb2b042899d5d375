/* Multipart bodies: the first line is the content type, its first byte the size of the pieces. */
#include <stdint.h>

#include "http/multipart.h"

int ia_fuzz_multipart(const uint8_t *p, size_t n);

static bool begin(void *ctx, const ia_part *p, ia_err *e)
{
  (void)e;
  *(size_t *)ctx += strlen(p->name) + strlen(p->filename) + strlen(p->type);
  return true;
}

static bool data(void *ctx, ia_span bytes, ia_err *e)
{
  (void)e;
  *(size_t *)ctx += bytes.len;
  return true;
}

static bool end(void *ctx, ia_err *e)
{
  (void)ctx;
  (void)e;
  return true;
}

int ia_fuzz_multipart(const uint8_t *p, size_t n)
{
  IA_AUTO(ia_multipart) *m = NULL;
  size_t seen = 0;
  ia_multipart_sink sink = {begin, data, end, &seen};
  ia_span in = ia_span_of(p, n), type, part;
  uint8_t piece;
  ia_err e;

  const uint8_t *nl = n > 1 ? memchr(p, '\n', n) : NULL;
  if (!nl || !ia_span_u8(&in, &piece) || nl == p ||
      !ia_span_take(&in, (size_t)(nl - p) - 1, &type) || !ia_span_take(&in, 1, &part) ||
      !ia_multipart_new(&m, type, 4, &sink, &e))
    return 0;
  while (in.len > 0) {
    size_t k = (size_t)piece + 1 < in.len ? (size_t)piece + 1 : in.len;

    if (!ia_span_take(&in, k, &part) || !ia_multipart_feed(m, part, &e))
      return 0;
  }
  (void)!ia_multipart_finish(m, &e);
  if (seen > n)
    abort(); /* more came out than went in */
  return 0;
}
