/* Zip writer: STORE with everything in the local header, or DEFLATE with a data descriptor. */
#include <zlib.h>

#include "data/zip_internal.h"

enum {
  EXTRA_ID = 0x6969, /* of no tool: its bytes are zero and mean nothing */
  DATE_1980 = 0x21,  /* DOS 1980-01-01; its time is 0 */
  VERSION_MADE = 20,
  VERSION_NEEDED = 10,
  VERSION_DEFLATE = 20,
  FLAG_DESCRIPTOR = 8,
  FLAG_UTF8 = 0x800,
};

struct ia_zip_writer {
  ia_sink to;
  ia_buf central;
  uint64_t at;
  unsigned count;
};

struct item {
  const char *name;
  uint16_t method, flags, needed;
  uint32_t crc, size, packed;
  uint32_t external;
  uint16_t extra; /* bytes of the extra field of the local header */
};

bool ia_zip_writer_new(ia_zip_writer **out, ia_sink to, ia_err *e)
{
  ia_zip_writer *w = calloc(1, sizeof(*w));

  if (!w)
    return ia_fail(e, IA_E_MEMORY, "no memory for a zip writer");
  w->to = to;
  w->central.cap = IA_ZIP_DIRECTORY_MAX;
  *out = w;
  return true;
}

void ia_zip_writer_free(ia_zip_writer *w)
{
  if (!w)
    return;
  ia_buf_free(&w->central);
  free(w);
}

static bool put(ia_zip_writer *w, ia_span data, ia_err *e)
{
  w->at += data.len;
  if (w->at > UINT32_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "a zip holds at most 4 GiB");
  return ia_sink_write(w->to, data, e);
}

/* The fields that local and central headers share, from "version needed" on. */
static void common(ia_buf *b, const struct item *it, uint16_t extra)
{
  ia_buf_u16le(b, it->needed);
  ia_buf_u16le(b, it->flags);
  ia_buf_u16le(b, it->method);
  ia_buf_u16le(b, 0);
  ia_buf_u16le(b, DATE_1980);
  ia_buf_u32le(b, it->crc);
  ia_buf_u32le(b, it->packed);
  ia_buf_u32le(b, it->size);
  ia_buf_u16le(b, (uint16_t)strlen(it->name));
  ia_buf_u16le(b, extra);
}

static bool local(ia_zip_writer *w, const struct item *it, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  if (strlen(it->name) > UINT16_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "entry name longer than 65535 bytes");
  if (w->count >= UINT16_MAX - 1)
    return ia_fail(e, IA_E_TOO_LARGE, "a zip holds at most 65534 entries");
  ia_buf_u32le(&b, IA_ZIP_SIG_LOCAL);
  common(&b, it, it->extra);
  ia_buf_str(&b, it->name);
  if (it->extra > 0) {
    ia_buf_u16le(&b, EXTRA_ID);
    ia_buf_u16le(&b, (uint16_t)(it->extra - 4));
    for (unsigned i = 4; i < it->extra; i++)
      ia_buf_u8(&b, 0);
  }
  return ia_buf_ok(&b, e) && put(w, ia_buf_view(&b), e);
}

static bool central(ia_zip_writer *w, const struct item *it, uint64_t local_at, ia_err *e)
{
  ia_buf *b = &w->central;

  ia_buf_u32le(b, IA_ZIP_SIG_CENTRAL);
  ia_buf_u16le(b, VERSION_MADE);
  common(b, it, 0);
  ia_buf_u16le(b, 0); /* comment */
  ia_buf_u16le(b, 0); /* disk */
  ia_buf_u16le(b, 0); /* internal attributes */
  ia_buf_u32le(b, it->external);
  ia_buf_u32le(b, (uint32_t)local_at);
  ia_buf_str(b, it->name);
  w->count++;
  return ia_buf_ok(b, e);
}

static uint16_t name_flags(const char *name)
{
  for (const char *p = name; *p; p++)
    if ((unsigned char)*p >= 0x80)
      return FLAG_UTF8;
  return 0;
}

bool ia_zip_add_folder(ia_zip_writer *w, const char *name, ia_err *e)
{
  struct item it = {
      .name = name, .flags = name_flags(name), .needed = VERSION_NEEDED, .external = 0x10};
  uint64_t at = w->at;

  return local(w, &it, e) && central(w, &it, at, e);
}

static bool crc_of(void *ctx, ia_span data, ia_err *e IA_UNUSED)
{
  uint32_t *crc = ctx;

  *crc = (uint32_t)crc32(*crc, data.ptr, (uInt)data.len);
  return true;
}

struct tee {
  ia_zip_writer *w;
  uint32_t crc;
};

static bool tee_write(void *ctx, ia_span data, ia_err *e)
{
  struct tee *t = ctx;

  return crc_of(&t->crc, data, e) && put(t->w, data, e);
}

bool ia_zip_add_stored(ia_zip_writer *w, const char *name, ia_blob blob, ia_err *e)
{
  return ia_zip_add_stored_extra(w, name, blob, 0, e);
}

bool ia_zip_add_stored_extra(ia_zip_writer *w, const char *name, ia_blob blob, uint16_t extra,
                             ia_err *e)
{
  struct item it = {
      .name = name, .flags = name_flags(name), .needed = VERSION_NEEDED, .extra = extra};
  struct tee t = {w, 0};
  uint64_t at = w->at;

  if (blob.size >= UINT32_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "%s: a zip holds at most 4 GiB", name);
  if (!ia_blob_copy(&blob, (ia_sink){crc_of, &it.crc}, e))
    return ia_wrap(e, "%s", name);
  it.size = it.packed = (uint32_t)blob.size;
  if (!local(w, &it, e) || !ia_blob_copy(&blob, (ia_sink){tee_write, &t}, e))
    return ia_wrap(e, "%s", name);
  if (t.crc != it.crc)
    return ia_fail(e, IA_E_CORRUPT, "%s: changed while it was read", name);
  return central(w, &it, at, e);
}

struct deflater {
  ia_zip_writer *w;
  z_stream z;
  uint32_t crc;
  uint64_t size, packed;
  uint8_t out[16384];
};

static bool pump(struct deflater *d, int mode, ia_err *e)
{
  for (;;) {
    d->z.next_out = d->out;
    d->z.avail_out = sizeof(d->out);
    int rc = deflate(&d->z, mode);
    size_t n = sizeof(d->out) - d->z.avail_out;

    if (rc == Z_STREAM_ERROR)
      return ia_fail(e, IA_E_INTERNAL, "deflate failed");
    d->packed += n;
    if (!put(d->w, ia_span_of(d->out, n), e))
      return false;
    if (d->z.avail_out > 0)
      return true;
  }
}

static bool deflate_write(void *ctx, ia_span data, ia_err *e)
{
  struct deflater *d = ctx;

  d->size += data.len;
  (void)crc_of(&d->crc, data, e);
  d->z.next_in = (Bytef *)(uintptr_t)data.ptr;
  d->z.avail_in = (uInt)data.len;
  return pump(d, Z_NO_FLUSH, e);
}

static bool deflate_all(ia_zip_writer *w, struct item *it, ia_blob blob, ia_err *e)
{
  ia_autofree struct deflater *d = calloc(1, sizeof(*d));

  if (!d)
    return ia_fail(e, IA_E_MEMORY, "no memory to compress");
  d->w = w;
  /* raw deflate: no zlib header */
  if (deflateInit2(&d->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    return ia_fail(e, IA_E_MEMORY, "no memory to compress");
  bool ok = ia_blob_copy(&blob, (ia_sink){deflate_write, d}, e) && pump(d, Z_FINISH, e);
  (void)deflateEnd(&d->z);
  if (!ok)
    return false;
  if (d->size > UINT32_MAX - 1 || d->packed > UINT32_MAX - 1)
    return ia_fail(e, IA_E_TOO_LARGE, "a zip holds at most 4 GiB");
  it->crc = d->crc;
  it->size = (uint32_t)d->size;
  it->packed = (uint32_t)d->packed;
  return true;
}

bool ia_zip_add_deflated(ia_zip_writer *w, const char *name, ia_blob blob, ia_err *e)
{
  struct item it = {.name = name,
                    .method = 8,
                    .flags = (uint16_t)(name_flags(name) | FLAG_DESCRIPTOR),
                    .needed = VERSION_DEFLATE};
  IA_AUTOV(ia_buf) after = {0};
  uint64_t at = w->at;

  if (!local(w, &it, e) || !deflate_all(w, &it, blob, e))
    return ia_wrap(e, "%s", name);
  ia_buf_u32le(&after, IA_ZIP_SIG_DESCRIPTOR);
  ia_buf_u32le(&after, it.crc);
  ia_buf_u32le(&after, it.packed);
  ia_buf_u32le(&after, it.size);
  return ia_buf_ok(&after, e) && put(w, ia_buf_view(&after), e) && central(w, &it, at, e);
}

uint64_t ia_zip_size_with(const ia_zip_writer *w, const char *name)
{
  return w->at + IA_ZIP_LOCAL_SIZE + w->central.len + IA_ZIP_CENTRAL_SIZE + IA_ZIP_END_SIZE +
         2 * strlen(name);
}

bool ia_zip_finish(ia_zip_writer *w, ia_err *e)
{
  IA_AUTOV(ia_buf) end = {0};
  uint64_t at = w->at;

  if (!ia_buf_ok(&w->central, e))
    return false;
  ia_buf_u32le(&end, IA_ZIP_SIG_END);
  ia_buf_u32le(&end, 0); /* disks */
  ia_buf_u16le(&end, (uint16_t)w->count);
  ia_buf_u16le(&end, (uint16_t)w->count);
  ia_buf_u32le(&end, (uint32_t)w->central.len);
  ia_buf_u32le(&end, (uint32_t)at);
  ia_buf_u16le(&end, 0); /* comment */
  return ia_buf_ok(&end, e) && put(w, ia_buf_view(&w->central), e) && put(w, ia_buf_view(&end), e);
}
