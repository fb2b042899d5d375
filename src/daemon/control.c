/* One line of JSON each way over a socket pair. */
#include "daemon/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"

bool ia_control_send(int fd, const json_t *line, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {.cap = IA_CONTROL_MAX};

  if (!line)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!ia_json_write(&text, line, e))
    return false;
  ia_buf_u8(&text, '\n');
  return ia_buf_ok(&text, e) && ia_fd_write_all(fd, ia_buf_view(&text), e);
}

/* 1 = read something, 0 = nothing there now, -1 = ended. */
static int more(int fd, ia_buf *buf, int flags)
{
  uint8_t *at = ia_buf_reserve(buf, 4096);
  ssize_t n;

  if (!at || buf->len > IA_CONTROL_MAX)
    return -1;
  do
    n = recv(fd, at, 4096, flags);
  while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return 0;
  if (n <= 0)
    return -1;
  buf->len += (size_t)n;
  return 1;
}

static bool whole_line(ia_buf *buf, json_t **out, ia_err *e)
{
  const uint8_t *end = buf->len > 0 ? memchr(buf->ptr, '\n', buf->len) : NULL;

  *out = NULL;
  if (!end)
    return true;
  size_t n = (size_t)(end - buf->ptr);
  *out = ia_json_parse(ia_span_of(buf->ptr, n), 0, e);
  memmove(buf->ptr, buf->ptr + n + 1, buf->len - n - 1);
  buf->len -= n + 1;
  return *out != NULL;
}

bool ia_control_receive(int fd, json_t **out, ia_err *e)
{
  IA_AUTOV(ia_buf) buf = {0};

  for (;;) {
    if (more(fd, &buf, 0) < 0)
      return ia_fail(e, IA_E_UNAVAILABLE, "the other side ended");
    if (!whole_line(&buf, out, e))
      return false;
    if (*out)
      return true;
  }
}

bool ia_control_take(int fd, ia_buf *buf, json_t **out, ia_err *e)
{
  *out = NULL;
  for (;;) {
    int got = more(fd, buf, MSG_DONTWAIT);

    if (got < 0)
      return ia_fail(e, IA_E_UNAVAILABLE, "the other side ended");
    if (!whole_line(buf, out, e))
      return false;
    if (*out || got == 0)
      return true;
  }
}
