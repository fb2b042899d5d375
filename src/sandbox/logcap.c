/* Head and tail of an output: the tail is a ring of `cap` bytes until the end. */
#include "sandbox/logcap.h"

void ia_logcap_add(ia_sandbox_log *log, ia_span bytes, size_t cap)
{
  ia_span part;
  size_t head = log->head.len < cap ? cap - log->head.len : 0;

  if (head > bytes.len)
    head = bytes.len;
  log->total += bytes.len;
  if (!ia_span_take(&bytes, head, &part))
    return;
  ia_buf_span(&log->head, part);
  while (bytes.len > 0) {
    /* where the next byte of the stream belongs in the ring */
    size_t at = (size_t)((log->total - bytes.len - log->head.len) % cap);
    size_t n = cap - at < bytes.len ? cap - at : bytes.len;

    if (log->tail.len < at + n && log->tail.len < cap) {
      size_t more = at + n - log->tail.len;
      uint8_t *room = ia_buf_reserve(&log->tail, more);

      if (!room)
        return; /* counted, not kept */
      log->tail.len += more;
    }
    if (!ia_span_take(&bytes, n, &part))
      return;
    memcpy(log->tail.ptr + at, part.ptr, n);
  }
}

static void reverse(uint8_t *p, size_t n)
{
  for (size_t i = 0; i < n / 2; i++) {
    uint8_t t = p[i];

    p[i] = p[n - 1 - i];
    p[n - 1 - i] = t;
  }
}

void ia_logcap_end(ia_sandbox_log *log, size_t cap)
{
  size_t n = log->tail.len;
  size_t at = n == cap ? (size_t)((log->total - log->head.len) % cap) : 0;

  /* rotate left by `at`, in place */
  reverse(log->tail.ptr, at);
  reverse(log->tail.ptr ? log->tail.ptr + at : NULL, n - at);
  reverse(log->tail.ptr, n);
}

void ia_logcap_free(ia_sandbox_log *log)
{
  log->head.secret = log->tail.secret = true; /* what an app prints may be its data */
  ia_buf_free(&log->head);
  ia_buf_free(&log->tail);
}
