/* Where bytes come from and go to: a blob is read anywhere and has a known size, a sink takes what
 * is written in order. Neither owns its context. */
#ifndef IA_DATA_STREAM_H
#define IA_DATA_STREAM_H

#include "base/buf.h"

typedef struct ia_blob {
  /* exactly n bytes from `at`, which lies within size; CORRUPT when the source became shorter */
  bool (*read_at)(void *ctx, uint64_t at, void *out, size_t n, ia_err *e);
  void *ctx;
  uint64_t size;
} ia_blob;

typedef struct ia_sink {
  bool (*write)(void *ctx, ia_span data, ia_err *e);
  void *ctx;
} ia_sink;

enum { IA_CHUNK = 64 << 10 }; /* bytes held of any stream at a time */

ia_blob ia_blob_mem(ia_span bytes); /* the bytes must outlive the blob */
/* A regular file (or memfd) by pread; the descriptor stays the caller's. */
IA_MUST bool ia_blob_fd(ia_blob *out, int fd, ia_err *e);
IA_MUST bool ia_blob_read(const ia_blob *b, uint64_t at, void *out, size_t n, ia_err *e);
/* The whole blob into a sink, chunk by chunk. */
IA_MUST bool ia_blob_copy(const ia_blob *b, ia_sink to, ia_err *e);

ia_sink ia_sink_buf(ia_buf *b); /* TOO_LARGE at the cap of the buffer */
ia_sink ia_sink_fd(const int *fd);
ia_sink ia_sink_none(void);
IA_MUST bool ia_sink_write(ia_sink s, ia_span data, ia_err *e);

#endif
