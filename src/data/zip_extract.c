/* One entry of a zip archive: its local header and its bytes. */
#include <zlib.h>

#include "data/zip_internal.h"

struct local {
  uint16_t flags, method, name_len, extra_len;
  uint32_t crc, packed, size;
};

static bool parse_local(struct local *l, ia_span in)
{
  uint32_t sig;
  uint16_t needed, time, date;

  return ia_span_u32le(&in, &sig) && sig == IA_ZIP_SIG_LOCAL && ia_span_u16le(&in, &needed) &&
         ia_span_u16le(&in, &l->flags) && ia_span_u16le(&in, &l->method) &&
         ia_span_u16le(&in, &time) && ia_span_u16le(&in, &date) && ia_span_u32le(&in, &l->crc) &&
         ia_span_u32le(&in, &l->packed) && ia_span_u32le(&in, &l->size) &&
         ia_span_u16le(&in, &l->name_len) && ia_span_u16le(&in, &l->extra_len);
}

static bool same(const ia_zip *z, const ia_zip_entry *t, const struct local *l, ia_err *e)
{
  size_t len = strlen(t->name);
  bool later = l->flags & 8; /* sizes follow the data */

  if (l->name_len != len || l->method != t->method || l->flags != t->flags)
    return ia_fail(e, IA_E_ZIP_CORRUPT, "an entry differs from its line in the directory");
  ia_autofree char *name = malloc(len + 1);
  if (!name)
    return ia_fail(e, IA_E_MEMORY, "no memory for a name");
  if (!ia_blob_read(&z->blob, t->local + IA_ZIP_LOCAL_SIZE, name, len, e))
    return false;
  if (memcmp(name, t->name, len) != 0)
    return ia_fail(e, IA_E_ZIP_CORRUPT, "an entry has another name than in the directory");
  bool equal = l->crc == t->crc && l->packed == t->packed && l->size == t->size;
  bool none = l->crc == 0 && l->packed == 0 && l->size == 0;
  if (!equal && !(later && none))
    return ia_fail(e, IA_E_ZIP_CORRUPT, "an entry differs from its line in the directory");
  return true;
}

/* The descriptor after the data, with or without its signature. */
static bool descriptor(const ia_zip *z, const ia_zip_entry *t, uint64_t *at, ia_err *e)
{
  uint8_t raw[16];
  uint64_t left = z->directory > *at ? z->directory - *at : 0;
  size_t n = left < sizeof(raw) ? (size_t)left : sizeof(raw);
  uint32_t first = 0, crc, packed, size;

  if (!ia_blob_read(&z->blob, *at, raw, n, e))
    return false;
  ia_span in = ia_span_of(raw, n);
  bool marked = ia_span_u32le(&in, &first) && first == IA_ZIP_SIG_DESCRIPTOR;
  if (!marked)
    in = ia_span_of(raw, n);
  if (!ia_span_u32le(&in, &crc) || !ia_span_u32le(&in, &packed) || !ia_span_u32le(&in, &size) ||
      crc != t->crc || packed != t->packed || size != t->size)
    return ia_fail(e, IA_E_ZIP_CORRUPT, "an entry differs from the sizes behind it");
  *at += marked ? 16 : 12;
  return true;
}

bool ia_zip_local(const ia_zip *z, ia_zip_entry *t, uint64_t *end, ia_err *e)
{
  bool lenient = z->flags & IA_ZIP_LENIENT;
  uint8_t raw[IA_ZIP_LOCAL_SIZE];
  struct local l;

  if (t->local > z->directory || z->directory - t->local < IA_ZIP_LOCAL_SIZE)
    return ia_fail(e, IA_E_BAD_ZIP, "an entry begins outside of the archive");
  if (!ia_blob_read(&z->blob, t->local, raw, sizeof(raw), e))
    return false;
  if (!parse_local(&l, IA_SPAN_ARR(raw)))
    return ia_fail(e, IA_E_BAD_ZIP, "no entry where the directory says");
  t->data = t->local + IA_ZIP_LOCAL_SIZE + l.name_len + l.extra_len;
  if (t->data > z->directory || z->directory - t->data < t->packed)
    return ia_fail(e, IA_E_ZIP_CORRUPT, "an entry reaches into the directory");
  *end = t->data + t->packed;
  if (lenient)
    return true;
  return same(z, t, &l, e) && (!(t->flags & 8) || descriptor(z, t, end, e));
}

/* What leaves an entry: counted, summed, bounded by the declared size. */
struct out {
  const ia_zip_entry *entry;
  ia_sink to;
  uint64_t size;
  uint32_t crc;
};

static bool emit(struct out *o, ia_span data, ia_err *e)
{
  if (data.len > o->entry->size - o->size)
    return ia_fail(e, IA_E_ZIP_BOMB, "an entry is longer than it says");
  o->size += data.len;
  o->crc = (uint32_t)crc32(o->crc, data.ptr, (uInt)data.len);
  return ia_sink_write(o->to, data, e);
}

static bool emit_sink(void *ctx, ia_span data, ia_err *e)
{
  return emit(ctx, data, e);
}

struct inflater {
  z_stream z;
  struct out *out;
  bool ended;
  uint8_t buf[32768];
};

static bool inflate_write(void *ctx, ia_span data, ia_err *e)
{
  struct inflater *f = ctx;

  if (f->ended)
    return ia_fail(e, IA_E_ZIP_CORRUPT, "bytes behind a compressed entry");
  f->z.next_in = (Bytef *)(uintptr_t)data.ptr;
  f->z.avail_in = (uInt)data.len;
  do {
    f->z.next_out = f->buf;
    f->z.avail_out = sizeof(f->buf);
    int rc = inflate(&f->z, Z_NO_FLUSH);

    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
      return ia_fail(e, IA_E_ZIP_CORRUPT, "a compressed entry is damaged");
    if (!emit(f->out, ia_span_of(f->buf, sizeof(f->buf) - f->z.avail_out), e))
      return false;
    f->ended = rc == Z_STREAM_END;
  } while (!f->ended && f->z.avail_out == 0);
  if (f->ended && f->z.avail_in > 0)
    return ia_fail(e, IA_E_ZIP_CORRUPT, "bytes behind a compressed entry");
  return true;
}

static bool inflate_all(const ia_blob *packed, struct out *o, ia_err *e)
{
  ia_autofree struct inflater *f = calloc(1, sizeof(*f));

  if (!f || inflateInit2(&f->z, -MAX_WBITS) != Z_OK)
    return ia_fail(e, IA_E_MEMORY, "no memory to decompress");
  f->out = o;
  bool ok = ia_blob_copy(packed, (ia_sink){inflate_write, f}, e);
  if (ok && !f->ended)
    ok = ia_fail(e, IA_E_ZIP_CORRUPT, "a compressed entry ends early");
  (void)inflateEnd(&f->z);
  return ok;
}

struct part {
  const ia_blob *whole;
  uint64_t from;
};

static bool part_read(void *ctx, uint64_t at, void *out, size_t n, ia_err *e)
{
  struct part *p = ctx;

  return ia_blob_read(p->whole, p->from + at, out, n, e);
}

bool ia_zip_extract(const ia_zip *z, const ia_zip_entry *t, ia_sink to, ia_err *e)
{
  struct out o = {.entry = t, .to = to};
  struct part part = {&z->blob, t->data};
  ia_blob packed = {part_read, &part, t->packed};
  bool ok = t->method == IA_ZIP_DEFLATED ? inflate_all(&packed, &o, e)
                                         : ia_blob_copy(&packed, (ia_sink){emit_sink, &o}, e);

  if (!ok)
    return false;
  if (o.size != t->size)
    return ia_fail(e, IA_E_ZIP_CORRUPT, "an entry is shorter than it says");
  if (o.crc != t->crc && !(z->flags & IA_ZIP_LENIENT))
    return ia_fail(e, IA_E_ZIP_CORRUPT, "the checksum of an entry is wrong");
  return true;
}

bool ia_zip_read(const ia_zip *z, const ia_zip_entry *t, ia_buf *out, ia_err *e)
{
  return ia_zip_extract(z, t, ia_sink_buf(out), e);
}
