/* Zip reader: end record, central directory, and the check of the whole archive. */
#include "data/zip_internal.h"

/* What an app leaves may be as regular as it likes: up to this size, which is more than a result
 * may have, it grows by any factor. */
enum { TOTAL_RATIO_FROM = 16 << 20, RESULT_RATIO_FROM = 64 << 20 };

struct end {
  uint16_t count;
  uint32_t size;   /* of the directory */
  uint32_t offset; /* of the directory */
  uint64_t at;     /* of the end record */
};

static bool parse_end(struct end *out, ia_span in, bool strict)
{
  uint32_t sig;
  uint16_t disk, disk_cd, here, comment;

  if (!ia_span_u32le(&in, &sig) || sig != IA_ZIP_SIG_END || !ia_span_u16le(&in, &disk) ||
      !ia_span_u16le(&in, &disk_cd) || !ia_span_u16le(&in, &here) ||
      !ia_span_u16le(&in, &out->count) || !ia_span_u32le(&in, &out->size) ||
      !ia_span_u32le(&in, &out->offset) || !ia_span_u16le(&in, &comment))
    return false;
  return !strict || (disk == 0 && disk_cd == 0 && here == out->count && comment == 0);
}

/* Strict: the last 22 bytes. Lenient: the last end record, with a comment or junk behind it. */
static bool find_end(const ia_zip *z, struct end *out, ia_err *e)
{
  bool strict = !(z->flags & IA_ZIP_LENIENT);
  size_t most = strict ? IA_ZIP_END_SIZE : IA_ZIP_END_SIZE + UINT16_MAX;

  if (z->blob.size < IA_ZIP_END_SIZE)
    return ia_fail(e, IA_E_BAD_ZIP, "not a zip archive: %llu bytes",
                   (unsigned long long)z->blob.size);
  size_t n = z->blob.size < most ? (size_t)z->blob.size : most;
  ia_autofree uint8_t *tail = malloc(n);
  if (!tail)
    return ia_fail(e, IA_E_MEMORY, "no memory for the end of the archive");
  if (!ia_blob_read(&z->blob, z->blob.size - n, tail, n, e))
    return false;
  for (size_t at = n - IA_ZIP_END_SIZE + 1; at-- > 0;) {
    if (!parse_end(out, ia_span_of(tail + at, IA_ZIP_END_SIZE), strict))
      continue;
    out->at = z->blob.size - n + at;
    return true;
  }
  return ia_fail(e, IA_E_BAD_ZIP, "not a zip archive: no end record at the end");
}

static bool place_directory(ia_zip *z, const struct end *end, ia_err *e)
{
  if (end->count == UINT16_MAX || end->size == UINT32_MAX || end->offset == UINT32_MAX)
    return ia_fail(e, IA_E_ZIP_UNSUPPORTED, "zip64 archives are not supported");
  uint64_t stop = (uint64_t)end->offset + end->size;
  if (stop > end->at || (!(z->flags & IA_ZIP_LENIENT) && stop != end->at))
    return ia_fail(e, IA_E_BAD_ZIP, "the directory does not end where the end record begins");
  z->shift = end->at - stop;
  z->directory = end->offset + z->shift;
  if (end->size > IA_ZIP_DIRECTORY_MAX || end->count > IA_ZIP_ENTRIES_MAX)
    return ia_fail(e, IA_E_ZIP_BOMB, "more than %d entries", IA_ZIP_ENTRIES_MAX);
  return true;
}

/* The part of a central header that decides how to read the entry. */
struct central {
  uint16_t made, name_len, extra_len, comment_len, disk;
  uint32_t external, local;
};

static bool parse_central(ia_span *in, ia_zip_entry *t, struct central *c)
{
  uint32_t sig, packed, size;
  uint16_t needed, time, date, internal;

  if (!ia_span_u32le(in, &sig) || sig != IA_ZIP_SIG_CENTRAL || !ia_span_u16le(in, &c->made) ||
      !ia_span_u16le(in, &needed) || !ia_span_u16le(in, &t->flags) ||
      !ia_span_u16le(in, &t->method) || !ia_span_u16le(in, &time) || !ia_span_u16le(in, &date) ||
      !ia_span_u32le(in, &t->crc) || !ia_span_u32le(in, &packed) || !ia_span_u32le(in, &size) ||
      !ia_span_u16le(in, &c->name_len) || !ia_span_u16le(in, &c->extra_len) ||
      !ia_span_u16le(in, &c->comment_len) || !ia_span_u16le(in, &c->disk) ||
      !ia_span_u16le(in, &internal) || !ia_span_u32le(in, &c->external) ||
      !ia_span_u32le(in, &c->local))
    return false;
  t->packed = packed;
  t->size = size;
  return true;
}

static bool supported(const ia_zip *z, const ia_zip_entry *t, const struct central *c, ia_err *e)
{
  bool strict = !(z->flags & IA_ZIP_LENIENT);
  unsigned kind = (c->external >> 16) & 0170000; /* Unix mode of the entry, 0 = none given */

  if (t->flags & 1)
    return ia_fail(e, IA_E_ZIP_UNSUPPORTED, "the archive holds an encrypted entry");
  if (t->method != IA_ZIP_STORED && t->method != IA_ZIP_DEFLATED)
    return ia_fail(e, IA_E_ZIP_UNSUPPORTED, "compression method %u", t->method);
  if (c->local == UINT32_MAX || t->size == UINT32_MAX || t->packed == UINT32_MAX)
    return ia_fail(e, IA_E_ZIP_UNSUPPORTED, "zip64 archives are not supported");
  if (!strict)
    return true;
  /* bits 1 and 2: deflate level; 3: descriptor; 11: UTF-8 names */
  if (t->flags & ~0x080eU)
    return ia_fail(e, IA_E_ZIP_UNSUPPORTED, "entry flags 0x%04x", t->flags);
  if (c->disk != 0)
    return ia_fail(e, IA_E_BAD_ZIP, "the archive is split over several disks");
  if (kind != 0 && kind != 0100000 && kind != 0040000)
    return ia_fail(e, IA_E_ZIP_UNSAFE_NAME, "the archive holds a link or a special file");
  if (t->method == IA_ZIP_STORED && t->size != t->packed)
    return ia_fail(e, IA_E_ZIP_CORRUPT, "a stored entry with two sizes");
  uint64_t from = z->flags & IA_ZIP_PROTECTED ? IA_ZIP_RATIO_FROM : RESULT_RATIO_FROM;
  if (t->size > from && t->size / IA_ZIP_RATIO_MAX > t->packed)
    return ia_fail(e, IA_E_ZIP_BOMB, "an entry grows more than %d times", IA_ZIP_RATIO_MAX);
  return true;
}

static bool one_central(ia_zip *z, ia_span *in, char **names, ia_err *e)
{
  ia_zip_entry *t = &z->entry[z->count];
  struct central c;
  ia_span name, rest;

  if (!parse_central(in, t, &c) || !ia_span_take(in, c.name_len, &name) ||
      !ia_span_take(in, (size_t)c.extra_len + c.comment_len, &rest))
    return ia_fail(e, IA_E_BAD_ZIP, "the directory is damaged");
  char *text = *names;
  if (name.len > 0)
    memcpy(text, name.ptr, name.len);
  text[name.len] = '\0';
  *names += name.len + 1;
  if (!supported(z, t, &c, e) || !ia_zip_name_ok(z, text, name.len, e))
    return false;
  size_t len = strlen(text);
  t->name = text;
  t->folder = len > 0 && text[len - 1] == '/';
  t->local = c.local + z->shift;
  if (t->folder && t->size != 0 && !(z->flags & IA_ZIP_LENIENT))
    return ia_fail(e, IA_E_ZIP_CORRUPT, "a folder with content");
  z->count++;
  return true;
}

static bool read_directory(ia_zip *z, const struct end *end, ia_err *e)
{
  bool lenient = z->flags & IA_ZIP_LENIENT;
  size_t room = lenient ? IA_ZIP_ENTRIES_MAX : end->count;
  ia_autofree uint8_t *raw = malloc(end->size + 1);

  if (room > end->size / IA_ZIP_CENTRAL_SIZE)
    room = end->size / IA_ZIP_CENTRAL_SIZE;
  z->entry = calloc(room + 1, sizeof(*z->entry));
  z->names = malloc((size_t)end->size + 1); /* a header is longer than the NUL of its name */
  if (!raw || !z->entry || !z->names)
    return ia_fail(e, IA_E_MEMORY, "no memory for the directory");
  if (!ia_blob_read(&z->blob, z->directory, raw, end->size, e))
    return false;
  ia_span in = ia_span_of(raw, end->size);
  char *names = z->names;
  while (z->count < room && in.len > 0)
    if (!one_central(z, &in, &names, e))
      return false;
  if (!lenient && (in.len != 0 || z->count != end->count))
    return ia_fail(e, IA_E_BAD_ZIP, "the directory and the end record disagree");
  return true;
}

static int by_offset(const void *a, const void *b)
{
  const ia_zip_entry *x = *(ia_zip_entry *const *)a, *y = *(ia_zip_entry *const *)b;

  return x->local < y->local ? -1 : x->local > y->local;
}

/* Local parts must cover the bytes before the directory exactly: no gap, no overlap. */
static bool tiles(ia_zip *z, ia_err *e)
{
  ia_autofree ia_zip_entry **order = calloc(z->count + 1, sizeof(*order));
  uint64_t at = 0, end;

  if (!order)
    return ia_fail(e, IA_E_MEMORY, "no memory for %zu entries", z->count);
  for (size_t i = 0; i < z->count; i++)
    order[i] = &z->entry[i];
  qsort(order, z->count, sizeof(*order), by_offset);
  for (size_t i = 0; i < z->count; i++) {
    if (order[i]->local < at)
      return ia_fail(e, IA_E_ZIP_BOMB, "two entries share bytes");
    if (order[i]->local > at)
      return ia_fail(e, IA_E_BAD_ZIP, "bytes between the entries");
    if (!ia_zip_local(z, order[i], &end, e))
      return false;
    at = end;
  }
  if (at != z->directory)
    return ia_fail(e, at > z->directory ? IA_E_ZIP_CORRUPT : IA_E_BAD_ZIP,
                   "the entries do not end where the directory begins");
  return true;
}

/* Many small bombs are one: the same ratio holds for the whole archive. */
static bool total_ok(const ia_zip *z, ia_err *e)
{
  uint64_t total = 0;

  for (size_t i = 0; i < z->count; i++)
    total += z->entry[i].size;
  uint64_t from = z->flags & IA_ZIP_PROTECTED ? TOTAL_RATIO_FROM : RESULT_RATIO_FROM;
  if (total > from && total / IA_ZIP_RATIO_MAX > z->blob.size)
    return ia_fail(e, IA_E_ZIP_BOMB, "the archive grows more than %d times", IA_ZIP_RATIO_MAX);
  return true;
}

/* The npm reader goes by the name in the local header. */
static bool lenient_names(ia_zip *z, ia_err *e)
{
  size_t total = 0;
  uint64_t unused;

  z->local_names = calloc(z->count + 1, sizeof(*z->local_names));
  if (!z->local_names)
    return ia_fail(e, IA_E_MEMORY, "no memory for names");
  for (size_t i = 0; i < z->count; i++) {
    ia_zip_entry *t = &z->entry[i];
    uint8_t le[2];

    if (!ia_zip_local(z, t, &unused, e) || !ia_blob_read(&z->blob, t->local + 26, le, 2, e))
      return false;
    size_t n = (size_t)(le[0] | le[1] << 8);
    total += n;
    if (total > IA_ZIP_DIRECTORY_MAX)
      return ia_fail(e, IA_E_ZIP_BOMB, "too many bytes of names");
    char *name = z->local_names[i] = calloc(1, n + 1);
    if (!name)
      return ia_fail(e, IA_E_MEMORY, "no memory for names");
    if (!ia_blob_read(&z->blob, t->local + IA_ZIP_LOCAL_SIZE, name, n, e) ||
        !ia_zip_name_ok(z, name, n, e))
      return false;
    t->name = name;
  }
  return true;
}

static bool load(ia_zip *z, ia_err *e)
{
  struct end end;

  if (!find_end(z, &end, e) || !place_directory(z, &end, e) || !read_directory(z, &end, e))
    return false;
  if (z->flags & IA_ZIP_LENIENT)
    return lenient_names(z, e);
  if (!total_ok(z, e) || !ia_zip_names_distinct(z, e) || !tiles(z, e))
    return false;
  for (size_t i = 0; i < z->count; i++)
    if (!ia_zip_extract(z, &z->entry[i], ia_sink_none(), e))
      return false;
  return true;
}

bool ia_zip_open(ia_zip **out, ia_blob blob, unsigned flags, ia_err *e)
{
  IA_AUTO(ia_zip) *z = calloc(1, sizeof(*z));

  if (!z)
    return ia_fail(e, IA_E_MEMORY, "no memory for an archive");
  z->blob = blob;
  z->flags = flags;
  if (!load(z, e))
    return false;
  *out = ia_steal(&z);
  return true;
}

void ia_zip_close(ia_zip *z)
{
  if (!z)
    return;
  for (size_t i = 0; z->local_names && i < z->count; i++)
    free(z->local_names[i]);
  free(z->local_names);
  free(z->entry);
  free(z->names);
  free(z);
}

size_t ia_zip_count(const ia_zip *z)
{
  return z->count;
}

const ia_zip_entry *ia_zip_at(const ia_zip *z, size_t i)
{
  return i < z->count ? &z->entry[i] : NULL;
}

const ia_zip_entry *ia_zip_find(const ia_zip *z, const char *name)
{
  /* from the end: in a lenient archive the last of equal names wins */
  for (size_t i = z->count; i-- > 0;)
    if (strcmp(z->entry[i].name, name) == 0)
      return &z->entry[i];
  return NULL;
}

void ia_zip_hide(ia_zip *z, const ia_zip_entry *entry)
{
  size_t i = (size_t)(entry - z->entry);

  if (z->local_names) {
    free(z->local_names[i]);
    memmove(z->local_names + i, z->local_names + i + 1,
            (z->count - i - 1) * sizeof(*z->local_names));
  }
  memmove(z->entry + i, z->entry + i + 1, (z->count - i - 1) * sizeof(*z->entry));
  z->count--;
}
