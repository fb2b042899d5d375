/* The tar bytes of a stored layer: decompressed by magic (none, gzip with several members, zstd
 * with several frames), both sides counted and hashed. An ia_read_fn for the tar reader. */
#ifndef IA_IMAGE_STREAM_H
#define IA_IMAGE_STREAM_H

#include "base/types.h"
#include "image/tar.h"

typedef struct ia_layer_stream ia_layer_stream;

typedef struct ia_layer_caps {
  uint64_t packed;   /* most stored bytes */
  uint64_t unpacked; /* most tar bytes */
  unsigned ratio;    /* most tar bytes for a stored byte, once beyond 64 MiB */
} ia_layer_caps;

IA_MUST bool ia_layer_stream_open(ia_layer_stream **out, ia_read_fn read, void *arg,
                                  const ia_layer_caps *caps, ia_err *e);
void ia_layer_stream_close(ia_layer_stream *s); /* NULL is fine */
IA_DEFINE_AUTO(ia_layer_stream, ia_layer_stream_close)
/* arg is the stream. IMAGE_REFUSED on a cap or broken compression. */
bool ia_layer_stream_read(void *arg, void *buf, size_t room, size_t *n, ia_err *e);
/* After the end was read: digests and sizes of both sides. */
IA_MUST bool ia_layer_stream_sums(ia_layer_stream *s, ia_h256 *packed, uint64_t *packed_size,
                                  ia_h256 *tar, uint64_t *tar_size, ia_err *e);

#endif
