/* Frames between guest and host. */
#include "base/frame.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"

static const char *const names[] = {
    [IA_FRAME_HELLO] = "HELLO",     [IA_FRAME_TASK] = "TASK",   [IA_FRAME_QUOTE] = "QUOTE",
    [IA_FRAME_POST] = "POST",       [IA_FRAME_FETCH] = "FETCH", [IA_FRAME_PUT] = "PUT",
    [IA_FRAME_EXTEND] = "EXTEND",   [IA_FRAME_LOG] = "LOG",     [IA_FRAME_USAGE] = "USAGE",
    [IA_FRAME_RUN] = "RUN",         [IA_FRAME_END] = "END",     [IA_FRAME_PREPARE] = "PREPARE",
    [IA_FRAME_STARTED] = "STARTED",
};

const char *ia_frame_name(uint8_t type)
{
  return type < IA_COUNT(names) && names[type] ? names[type] : "?";
}

bool ia_frame_take(ia_span *in, ia_frame *out, bool *whole, ia_err *e)
{
  ia_span at = *in;
  uint32_t len;

  *whole = false;
  if (!ia_span_u32be(&at, &len))
    return true;
  if (len > IA_FRAME_MAX)
    return ia_fail(e, IA_E_PARSE, "frame of %u bytes", len);
  if (!ia_span_u8(&at, &out->type))
    return true;
  if (out->type == 0 || out->type > IA_FRAME_LAST)
    return ia_fail(e, IA_E_PARSE, "frame of unknown type %u", out->type);
  if (!ia_span_u32be(&at, &out->stream) || !ia_span_take(&at, len, &out->payload))
    return true;
  *in = at;
  *whole = true;
  return true;
}

static void put_head(uint8_t head[IA_FRAME_HEAD], uint8_t type, uint32_t stream, size_t len)
{
  for (unsigned i = 0; i < 4; i++) {
    head[i] = (uint8_t)(len >> (24 - 8 * i));
    head[5 + i] = (uint8_t)(stream >> (24 - 8 * i));
  }
  head[4] = type;
}

void ia_frame_put(ia_buf *out, uint8_t type, uint32_t stream, ia_span payload)
{
  uint8_t head[IA_FRAME_HEAD];

  if (payload.len > IA_FRAME_MAX) {
    out->bad = true;
    return;
  }
  put_head(head, type, stream, payload.len);
  ia_buf_put(out, head, sizeof(head));
  ia_buf_span(out, payload);
}

/* Moves an iovec list past n written bytes. */
static void advance(struct iovec *v, size_t count, size_t n)
{
  for (size_t i = 0; i < count && n > 0; i++) {
    size_t step = n < v[i].iov_len ? n : v[i].iov_len;

    v[i].iov_base = (uint8_t *)v[i].iov_base + step;
    v[i].iov_len -= step;
    n -= step;
  }
}

bool ia_frame_write2(int fd, uint8_t type, uint32_t stream, ia_span first, ia_span second,
                     ia_err *e)
{
  uint8_t head[IA_FRAME_HEAD];
  struct iovec v[3] = {{head, sizeof(head)},
                       {(void *)(uintptr_t)first.ptr, first.len},
                       {(void *)(uintptr_t)second.ptr, second.len}};
  size_t left, len;

  if (!ia_add(first.len, second.len, &len) || len > IA_FRAME_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "%s frame of %zu bytes", ia_frame_name(type), len);
  put_head(head, type, stream, len);
  left = sizeof(head) + len;
  while (left > 0) {
    struct msghdr m = {.msg_iov = v, .msg_iovlen = IA_COUNT(v)};
    ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);

    if (n < 0 && errno == ENOTSOCK)
      n = writev(fd, v, IA_COUNT(v));
    if (n < 0 && errno == EAGAIN) {
      struct pollfd p = {.fd = fd, .events = POLLOUT};

      (void)poll(&p, 1, -1);
      continue;
    }
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
      return ia_fail(e, IA_E_UNAVAILABLE, "frame stream closed");
    if (n < 0)
      return ia_fail_errno(e, "frame stream");
    advance(v, IA_COUNT(v), (size_t)n);
    left -= (size_t)n;
  }
  return true;
}

bool ia_frame_write(int fd, uint8_t type, uint32_t stream, ia_span payload, ia_err *e)
{
  return ia_frame_write2(fd, type, stream, payload, (ia_span){0}, e);
}

void ia_frame_reader_init(ia_frame_reader *r, int fd)
{
  *r = (ia_frame_reader){.fd = fd};
  r->in.cap = 2 * (IA_FRAME_MAX + IA_FRAME_HEAD);
  r->in.secret = true;
}

void ia_frame_reader_free(ia_frame_reader *r)
{
  ia_buf_free(&r->in);
  r->taken = 0;
}

/* Drops what was handed out, then reads once more. */
static bool fill(ia_frame_reader *r, int timeout_ms, ia_err *e)
{
  struct pollfd p = {.fd = r->fd, .events = POLLIN};

  if (r->taken > 0) {
    memmove(r->in.ptr, r->in.ptr + r->taken, r->in.len - r->taken);
    r->in.len -= r->taken;
    r->taken = 0;
  }
  uint8_t *at = ia_buf_reserve(&r->in, 65536);
  if (!at)
    return ia_buf_ok(&r->in, e);
  int ready = poll(&p, 1, timeout_ms);
  if (ready == 0)
    return ia_fail(e, IA_E_TIMEOUT, "no frame in %d ms", timeout_ms);
  ssize_t n = ready < 0 ? -1 : read(r->fd, at, 65536);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return true;
  if (n == 0 || (n < 0 && errno == ECONNRESET))
    return ia_fail(e, IA_E_UNAVAILABLE, "frame stream closed");
  if (n < 0)
    return ia_fail_errno(e, "frame stream");
  r->in.len += (size_t)n;
  return true;
}

bool ia_frame_read(ia_frame_reader *r, ia_frame *out, int timeout_ms, ia_err *e)
{
  uint64_t end = timeout_ms < 0 ? 0 : ia_mono_ms() + (uint64_t)timeout_ms;

  for (;;) {
    ia_span view = ia_buf_view(&r->in);
    ia_span skipped;
    bool whole;

    if (!ia_span_take(&view, r->taken, &skipped))
      return ia_fail(e, IA_E_INTERNAL, "frame reader");

    if (!ia_frame_take(&view, out, &whole, e))
      return false;
    if (whole) {
      r->taken = r->in.len - view.len;
      return true;
    }
    uint64_t now = timeout_ms < 0 ? 0 : ia_mono_ms();
    int wait = timeout_ms < 0 ? -1 : now >= end ? 0 : (int)(end - now);
    if (!fill(r, wait, e))
      return false;
  }
}
