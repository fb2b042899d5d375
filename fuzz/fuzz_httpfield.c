/* Request targets, header fields, percent escapes, ranges: first line the target, then fields. */
#include <stdint.h>

#include "http/fields.h"

int ia_fuzz_httpfield(const uint8_t *p, size_t n);

static ia_span line_of(ia_span *in)
{
  const uint8_t *nl = in->len > 0 ? memchr(in->ptr, '\n', in->len) : NULL;
  ia_span line = *in, skip;
  size_t n = nl ? (size_t)(nl - in->ptr) : in->len;

  if (ia_span_take(in, n, &line))
    (void)!ia_span_take(in, in->len > 0 ? 1 : 0, &skip);
  return line;
}

int ia_fuzz_httpfield(const uint8_t *p, size_t n)
{
  IA_AUTOV(ia_buf) out = {.cap = 1 << 20};
  ia_span in = ia_span_of(p, n), target = line_of(&in);
  ia_field fields[32];
  size_t n_fields = 0;
  uint64_t from = 0, len = 0;
  ia_err e;

  while (in.len > 0 && n_fields < IA_COUNT(fields)) {
    ia_span line = line_of(&in);
    const uint8_t *colon = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
    size_t k = colon ? (size_t)(colon - line.ptr) : line.len;

    fields[n_fields++] =
        (ia_field){ia_span_of(line.ptr, k), colon ? ia_span_of(colon + 1, line.len - k - 1) : line};
    if (ia_range_parse(line, 1000, &from, &len) == IA_RANGE_PART &&
        (len == 0 || from >= 1000 || len > 1000 - from))
      abort();
  }
  (void)!ia_front_check(target, fields, n_fields, &e);
  (void)!ia_percent_decode(&out, target, true);
  return 0;
}
