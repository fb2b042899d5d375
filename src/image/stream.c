/* Decompression of layers with caps; what follows a finished member must be another member. */
#include "image/stream.h"

#include <stdlib.h>

#include <zlib.h>
#include <zstd.h>

#include "crypto/sha.h"

enum { IN_ROOM = 128 << 10, WINDOW_LOG_MAX = 27 };
static const uint64_t RATIO_FROM = 64 << 20;

typedef enum packing { UNKNOWN, PLAIN, GZIP, ZSTD } packing;

struct ia_layer_stream {
  ia_read_fn read;
  void *arg;
  ia_layer_caps caps;
  ia_sha *packed_sha, *tar_sha;
  uint64_t packed, unpacked;
  packing how;
  bool input_ended;
  bool between; /* no member or frame is open */
  z_stream z;
  ZSTD_DCtx *zstd;
  size_t at, len; /* unread part of in */
  uint8_t in[IN_ROOM];
};

bool ia_layer_stream_open(ia_layer_stream **out, ia_read_fn read, void *arg,
                          const ia_layer_caps *caps, ia_err *e)
{
  IA_AUTO(ia_layer_stream) *s = calloc(1, sizeof(*s));

  *out = NULL;
  if (!s)
    return ia_fail(e, IA_E_MEMORY, "layer");
  s->read = read;
  s->arg = arg;
  s->caps = *caps;
  if (!ia_sha_new(&s->packed_sha, IA_SHA256, e) || !ia_sha_new(&s->tar_sha, IA_SHA256, e))
    return false;
  *out = ia_steal(&s);
  return true;
}

void ia_layer_stream_close(ia_layer_stream *s)
{
  if (!s)
    return;
  if (s->how == GZIP)
    (void)inflateEnd(&s->z);
  ZSTD_freeDCtx(s->zstd);
  ia_sha_free(s->packed_sha);
  ia_sha_free(s->tar_sha);
  free(s);
}

/* More input after what is unread; input_ended when there is none. */
static bool more(ia_layer_stream *s, ia_err *e)
{
  size_t n;

  if (s->at > 0)
    memmove(s->in, s->in + s->at, s->len);
  s->at = 0;
  if (!s->read(s->arg, s->in + s->len, sizeof(s->in) - s->len, &n, e))
    return false;
  s->input_ended = n == 0;
  ia_sha_update(s->packed_sha, ia_span_of(s->in + s->len, n));
  s->len += n;
  s->packed += n;
  if (s->packed > s->caps.packed)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: more than %llu stored bytes",
                   (unsigned long long)s->caps.packed);
  return true;
}

/* By magic, never by media type: gzip 1f 8b (RFC 1952), zstd 28 b5 2f fd (RFC 8878). */
static bool detect(ia_layer_stream *s, ia_err *e)
{
  static const uint8_t gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};

  while (s->len < sizeof(zstd) && !s->input_ended) {
    if (!more(s, e))
      return false;
  }
  s->between = true;
  if (s->len >= sizeof(gzip) && memcmp(s->in, gzip, sizeof(gzip)) == 0) {
    if (inflateInit2(&s->z, 15 + 16) != Z_OK)
      return ia_fail(e, IA_E_MEMORY, "layer: gzip");
    s->how = GZIP;
  } else if (s->len >= sizeof(zstd) && memcmp(s->in, zstd, sizeof(zstd)) == 0) {
    s->zstd = ZSTD_createDCtx();
    if (!s->zstd ||
        ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
      return ia_fail(e, IA_E_MEMORY, "layer: zstd");
    s->how = ZSTD;
  } else {
    s->how = PLAIN;
  }
  return true;
}

static bool step_gzip(ia_layer_stream *s, void *buf, size_t room, size_t *n, ia_err *e)
{
  if (s->between && s->z.total_in > 0 && inflateReset(&s->z) != Z_OK)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: broken gzip");
  s->between = false;
  s->z.next_in = s->in + s->at;
  s->z.avail_in = (uInt)s->len;
  s->z.next_out = buf;
  s->z.avail_out = room > 1 << 30 ? 1 << 30 : (uInt)room;
  uInt had = s->z.avail_out;
  int r = inflate(&s->z, Z_NO_FLUSH);

  if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: broken gzip");
  *n = had - s->z.avail_out;
  s->at += s->len - s->z.avail_in;
  s->len = s->z.avail_in;
  s->between = r == Z_STREAM_END;
  return true;
}

static bool step_zstd(ia_layer_stream *s, void *buf, size_t room, size_t *n, ia_err *e)
{
  ZSTD_inBuffer in = {s->in + s->at, s->len, 0};
  ZSTD_outBuffer out = {buf, room, 0};
  size_t r = ZSTD_decompressStream(s->zstd, &out, &in);

  if (ZSTD_isError(r))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: broken zstd (%s)", ZSTD_getErrorName(r));
  *n = out.pos;
  s->at += in.pos;
  s->len -= in.pos;
  s->between = r == 0;
  return true;
}

static void step_plain(ia_layer_stream *s, void *buf, size_t room, size_t *n)
{
  *n = room < s->len ? room : s->len;
  memcpy(buf, s->in + s->at, *n);
  s->at += *n;
  s->len -= *n;
}

static bool count(ia_layer_stream *s, const void *buf, size_t n, ia_err *e)
{
  s->unpacked += n;
  ia_sha_update(s->tar_sha, ia_span_of(buf, n));
  if (s->unpacked > s->caps.unpacked)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: unpacks to more than %llu bytes",
                   (unsigned long long)s->caps.unpacked);
  if (s->unpacked > RATIO_FROM && s->unpacked / s->caps.ratio > s->packed)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: unpacks to more than %u times its size",
                   s->caps.ratio);
  return true;
}

bool ia_layer_stream_read(void *arg, void *buf, size_t room, size_t *n, ia_err *e)
{
  ia_layer_stream *s = arg;

  *n = 0;
  if (room == 0 || (s->how == UNKNOWN && !detect(s, e)))
    return room == 0;
  while (*n == 0) {
    if (s->len == 0 && !s->input_ended && !more(s, e))
      return false;
    if (s->len == 0 && s->input_ended) {
      if (s->between)
        return true;
      /* a decoder may still hold output */
    }
    if (s->how == PLAIN)
      step_plain(s, buf, room, n);
    else if (s->how == GZIP ? !step_gzip(s, buf, room, n, e) : !step_zstd(s, buf, room, n, e))
      return false;
    if (*n == 0 && s->len == 0 && s->input_ended && !s->between)
      return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: compressed data cut short");
  }
  return count(s, buf, *n, e);
}

bool ia_layer_stream_sums(ia_layer_stream *s, ia_h256 *packed, uint64_t *packed_size, ia_h256 *tar,
                          uint64_t *tar_size, ia_err *e)
{
  *packed_size = s->packed;
  *tar_size = s->unpacked;
  return ia_sha_final(s->packed_sha, packed->b, e) && ia_sha_final(s->tar_sha, tar->b, e);
}
