/* Blobs and sinks over memory and descriptors. */
#include "data/stream.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"

static bool mem_read(void *ctx, uint64_t at, void *out, size_t n, ia_err *e IA_UNUSED)
{
  if (n > 0)
    memcpy(out, (const uint8_t *)ctx + at, n);
  return true;
}

ia_blob ia_blob_mem(ia_span bytes)
{
  return (ia_blob){mem_read, (void *)(uintptr_t)bytes.ptr, bytes.len};
}

static bool fd_read(void *ctx, uint64_t at, void *out, size_t n, ia_err *e)
{
  uint8_t *to = out;

  while (n > 0) {
    ssize_t got = pread((int)(intptr_t)ctx, to, n, (off_t)at);

    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return ia_fail_errno(e, "read");
    if (got == 0)
      return ia_fail(e, IA_E_CORRUPT, "the file became shorter while it was read");
    to += got;
    at += (uint64_t)got;
    n -= (size_t)got;
  }
  return true;
}

bool ia_blob_fd(ia_blob *out, int fd, ia_err *e)
{
  struct stat st;

  if (fstat(fd, &st) != 0)
    return ia_fail_errno(e, "stat");
  if (!S_ISREG(st.st_mode))
    return ia_fail(e, IA_E_INVALID, "not a regular file");
  *out = (ia_blob){fd_read, (void *)(intptr_t)fd, (uint64_t)st.st_size};
  return true;
}

bool ia_blob_read(const ia_blob *b, uint64_t at, void *out, size_t n, ia_err *e)
{
  if (at > b->size || n > b->size - at)
    return ia_fail(e, IA_E_CORRUPT, "read beyond the end");
  return b->read_at(b->ctx, at, out, n, e);
}

bool ia_blob_copy(const ia_blob *b, ia_sink to, ia_err *e)
{
  ia_autofree uint8_t *chunk = malloc(IA_CHUNK);

  if (!chunk)
    return ia_fail(e, IA_E_MEMORY, "no memory for a chunk");
  for (uint64_t at = 0; at < b->size;) {
    size_t n = b->size - at < IA_CHUNK ? (size_t)(b->size - at) : IA_CHUNK;

    if (!ia_blob_read(b, at, chunk, n, e) || !ia_sink_write(to, ia_span_of(chunk, n), e))
      return false;
    at += n;
  }
  return true;
}

static bool buf_write(void *ctx, ia_span data, ia_err *e)
{
  ia_buf_span(ctx, data);
  return ia_buf_ok(ctx, e);
}

ia_sink ia_sink_buf(ia_buf *b)
{
  return (ia_sink){buf_write, b};
}

static bool fd_write(void *ctx, ia_span data, ia_err *e)
{
  return ia_fd_write_all(*(const int *)ctx, data, e);
}

ia_sink ia_sink_fd(const int *fd)
{
  return (ia_sink){fd_write, (void *)(uintptr_t)fd};
}

static bool no_write(void *ctx IA_UNUSED, ia_span data IA_UNUSED, ia_err *e IA_UNUSED)
{
  return true;
}

ia_sink ia_sink_none(void)
{
  return (ia_sink){no_write, NULL};
}

bool ia_sink_write(ia_sink s, ia_span data, ia_err *e)
{
  return data.len == 0 || s.write(s.ctx, data, e);
}
