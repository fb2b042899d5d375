/* Tar reading: one block at a time, pax and GNU extensions gathered before the entry they name. */
#include "image/tar.h"

#include <stdlib.h>

enum {
  BLOCK = 512,
  EXTENSION_CAP = 1 << 20, /* bytes of one pax or GNU header */
};

/* Fields of a header block (POSIX.1-2001 ustar). */
enum {
  OFF_NAME = 0,
  OFF_MODE = 100,
  OFF_SIZE = 124,
  OFF_MTIME = 136,
  OFF_SUM = 148,
  OFF_TYPE = 156
};
enum { OFF_LINK = 157, OFF_MAGIC = 257, OFF_MAJOR = 329, OFF_MINOR = 337, OFF_PREFIX = 345 };

struct ia_tar {
  ia_read_fn read;
  void *arg;
  uint64_t left; /* content bytes of the current entry not yet read */
  unsigned pad;  /* bytes after them up to the block */
  bool ended;
  /* extensions that apply to the next entry */
  bool has_path, has_link, has_size, has_mtime;
  char path[IA_TAR_PATH + 1];
  char link[IA_TAR_PATH + 1];
  uint64_t size;
  int64_t mtime;
};

bool ia_tar_open(ia_tar **out, ia_read_fn read, void *arg, ia_err *e)
{
  *out = calloc(1, sizeof(**out));
  if (!*out)
    return ia_fail(e, IA_E_MEMORY, "tar");
  (*out)->read = read;
  (*out)->arg = arg;
  return true;
}

void ia_tar_close(ia_tar *t)
{
  free(t);
}

/* Reads n bytes; *got < n only at the end of the source. */
static bool fill(ia_tar *t, void *buf, size_t n, size_t *got, ia_err *e)
{
  for (*got = 0; *got < n;) {
    size_t k;

    if (!t->read(t->arg, (uint8_t *)buf + *got, n - *got, &k, e))
      return false;
    if (k == 0)
      break;
    *got += k;
  }
  return true;
}

static bool need(ia_tar *t, void *buf, size_t n, ia_err *e)
{
  size_t got;

  if (!fill(t, buf, n, &got, e))
    return false;
  return got == n || ia_fail(e, IA_E_PARSE, "tar: cut short");
}

static bool skip(ia_tar *t, uint64_t n, ia_err *e)
{
  uint8_t waste[4096];

  while (n > 0) {
    size_t k = n < sizeof(waste) ? (size_t)n : sizeof(waste);

    if (!need(t, waste, k, e))
      return false;
    n -= k;
  }
  return true;
}

/* Octal text ended by NUL or blank, or GNU base-256. */
static bool number(uint64_t *v, const uint8_t *p, size_t n)
{
  size_t i = 0;

  *v = 0;
  if (p[0] & 0x80) {
    if (p[0] != 0x80)
      return false; /* negative or beyond 2^63 */
    for (i = 1; i < n; i++) {
      if (*v >> 55)
        return false;
      *v = *v << 8 | p[i];
    }
    return true;
  }
  while (i < n && p[i] == ' ')
    i++;
  for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
    if (*v >> 60)
      return false;
    *v = *v << 3 | (uint64_t)(p[i] - '0');
  }
  for (; i < n; i++) {
    if (p[i] != 0 && p[i] != ' ')
      return false;
  }
  return true; /* an all-blank field is 0, as every reader has it */
}

static bool checksum_ok(const uint8_t *h)
{
  uint64_t want, sum = 0;

  for (size_t i = 0; i < BLOCK; i++)
    sum += i >= OFF_SUM && i < OFF_SUM + 8 ? ' ' : h[i];
  return number(&want, h + OFF_SUM, 8) && want == sum;
}

static size_t field_len(const uint8_t *p, size_t n)
{
  const uint8_t *nul = memchr(p, 0, n);

  return nul ? (size_t)(nul - p) : n;
}

/* Text of an extension into a path field; NUL inside or too long is refused. */
static bool set_text(char *dst, ia_span v, ia_err *e)
{
  if (v.len > IA_TAR_PATH)
    return ia_fail(e, IA_E_PARSE, "tar: path of %zu bytes, at most %d", v.len, IA_TAR_PATH);
  if (v.len > 0 && memchr(v.ptr, 0, v.len))
    return ia_fail(e, IA_E_PARSE, "tar: NUL in a path");
  if (v.len > 0)
    memcpy(dst, v.ptr, v.len);
  dst[v.len] = '\0';
  return true;
}

static bool decimal(uint64_t *v, ia_span *text)
{
  size_t n = 0;

  for (*v = 0; n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9'; n++) {
    if (*v > (UINT64_MAX - 9) / 10)
      return false;
    *v = *v * 10 + (uint64_t)(text->ptr[n] - '0');
  }
  text->ptr += n;
  text->len -= n;
  return n > 0;
}

static bool pax_path(ia_tar *t, ia_span v, ia_err *e)
{
  t->has_path = true;
  return set_text(t->path, v, e);
}

static bool pax_link(ia_tar *t, ia_span v, ia_err *e)
{
  t->has_link = true;
  return set_text(t->link, v, e);
}

static bool pax_size(ia_tar *t, ia_span v, ia_err *e)
{
  t->has_size = true;
  if (!decimal(&t->size, &v) || v.len > 0 || t->size >> 62)
    return ia_fail(e, IA_E_PARSE, "tar: pax size is no number");
  return true;
}

/* Seconds, perhaps with a sign and a fraction; the fraction is dropped. */
static bool pax_mtime(ia_tar *t, ia_span v, ia_err *e)
{
  bool minus = v.len > 0 && v.ptr[0] == '-';
  uint64_t s;

  if (minus) {
    v.ptr++;
    v.len--;
  }
  if (!decimal(&s, &v) || s > INT64_MAX || (v.len > 0 && v.ptr[0] != '.'))
    return ia_fail(e, IA_E_PARSE, "tar: pax mtime is no number");
  t->has_mtime = true;
  t->mtime = minus ? -(int64_t)s : (int64_t)s;
  return true;
}

static const struct pax_row {
  const char *key;
  bool (*set)(ia_tar *t, ia_span v, ia_err *e);
} pax_rows[] = {
    {"path", pax_path}, {"linkpath", pax_link}, {"size", pax_size}, {"mtime", pax_mtime}};

static bool pax_record(ia_tar *t, ia_span key, ia_span value, bool global, ia_err *e)
{
  if (key.len >= 10 && memcmp(key.ptr, "GNU.sparse", 10) == 0)
    return ia_fail(e, IA_E_UNSUPPORTED, "tar: sparse members are not supported");
  for (size_t i = 0; i < IA_COUNT(pax_rows); i++) {
    if (!ia_span_is(key, pax_rows[i].key))
      continue;
    if (global && pax_rows[i].set != pax_mtime)
      return ia_fail(e, IA_E_UNSUPPORTED, "tar: a global header sets %s", pax_rows[i].key);
    return global || pax_rows[i].set(t, value, e);
  }
  return true; /* owners, xattrs, comments: not kept */
}

/* Records "LENGTH KEY=VALUE\n", LENGTH counting the whole record (POSIX pax, Extended Header). */
static bool pax(ia_tar *t, ia_span in, bool global, ia_err *e)
{
  while (in.len > 0) {
    ia_span record = in, rest;
    uint64_t len;

    if (!decimal(&len, &record) || record.len == 0 || record.ptr[0] != ' ' || len > in.len)
      return ia_fail(e, IA_E_PARSE, "tar: bad pax record");
    size_t head = in.len - record.len + 1;
    if (len < head + 2 || in.ptr[len - 1] != '\n')
      return ia_fail(e, IA_E_PARSE, "tar: bad pax record");
    rest = ia_span_of(in.ptr + head, (size_t)len - head - 1);
    const uint8_t *eq = memchr(rest.ptr, '=', rest.len);
    if (!eq || eq == rest.ptr)
      return ia_fail(e, IA_E_PARSE, "tar: bad pax record");
    size_t key = (size_t)(eq - rest.ptr);
    if (!pax_record(t, ia_span_of(rest.ptr, key), ia_span_of(eq + 1, rest.len - key - 1), global,
                    e))
      return false;
    in = ia_span_of(in.ptr + len, in.len - (size_t)len);
  }
  return true;
}

static bool extension(ia_tar *t, uint8_t type, uint64_t size, ia_err *e)
{
  if (size > EXTENSION_CAP)
    return ia_fail(e, IA_E_PARSE, "tar: extension header of %llu bytes", (unsigned long long)size);
  ia_autofree uint8_t *p = malloc((size_t)size + 1);
  if (!p)
    return ia_fail(e, IA_E_MEMORY, "tar");
  if (!need(t, p, (size_t)size, e) || !skip(t, -size & (BLOCK - 1), e))
    return false;
  if (type == 'x' || type == 'g')
    return pax(t, ia_span_of(p, (size_t)size), type == 'g', e);
  ia_span text = ia_span_of(p, field_len(p, (size_t)size)); /* GNU: NUL-terminated */
  return type == 'L' ? pax_path(t, text, e) : pax_link(t, text, e);
}

/* After the first zero block: only zeros up to the end of the source. */
static bool finish(ia_tar *t, ia_err *e)
{
  uint8_t buf[4096];
  size_t got;

  do {
    if (!fill(t, buf, sizeof(buf), &got, e))
      return false;
    for (size_t i = 0; i < got; i++) {
      if (buf[i] != 0)
        return ia_fail(e, IA_E_PARSE, "tar: bytes after the end mark");
    }
  } while (got > 0);
  t->ended = true;
  if (t->has_path || t->has_link || t->has_size || t->has_mtime)
    return ia_fail(e, IA_E_PARSE, "tar: extension header without an entry");
  return true;
}

static bool set_type(ia_tar_entry *en, uint8_t type, ia_err *e)
{
  switch (type) {
  case 0:
  case '0':
  case '7': en->type = IA_TAR_FILE; return true;
  case '1': en->type = IA_TAR_HARDLINK; return true;
  case '2': en->type = IA_TAR_SYMLINK; return true;
  case '3': en->type = IA_TAR_CHAR; return true;
  case '4': en->type = IA_TAR_BLOCK; return true;
  case '5': en->type = IA_TAR_DIR; return true;
  case '6': en->type = IA_TAR_FIFO; return true;
  default: return ia_fail(e, IA_E_UNSUPPORTED, "tar: entry of type 0x%02x", type);
  }
}

static void header_path(ia_tar_entry *en, const uint8_t *h)
{
  size_t prefix = memcmp(h + OFF_MAGIC, "ustar\0", 6) == 0 ? field_len(h + OFF_PREFIX, 155) : 0;
  size_t name = field_len(h + OFF_NAME, 100);
  size_t at = 0;

  if (prefix > 0) {
    memcpy(en->path, h + OFF_PREFIX, prefix);
    en->path[prefix] = '/';
    at = prefix + 1;
  }
  memcpy(en->path + at, h + OFF_NAME, name);
  en->path[at + name] = '\0';
}

static bool entry_of(ia_tar *t, ia_tar_entry *en, const uint8_t *h, uint64_t size, ia_err *e)
{
  uint64_t mode, mtime, major = 0, minor = 0;
  size_t link = field_len(h + OFF_LINK, 100);

  if (!set_type(en, h[OFF_TYPE], e))
    return false;
  if (!number(&mode, h + OFF_MODE, 8) || !number(&mtime, h + OFF_MTIME, 12))
    return ia_fail(e, IA_E_PARSE, "tar: bad number in a header");
  if ((en->type == IA_TAR_CHAR || en->type == IA_TAR_BLOCK) &&
      (!number(&major, h + OFF_MAJOR, 8) || !number(&minor, h + OFF_MINOR, 8)))
    return ia_fail(e, IA_E_PARSE, "tar: bad device number");
  header_path(en, h);
  memcpy(en->link, h + OFF_LINK, link);
  en->link[link] = '\0';
  if (t->has_path)
    memcpy(en->path, t->path, sizeof(en->path));
  if (t->has_link)
    memcpy(en->link, t->link, sizeof(en->link));
  en->mode = (unsigned)mode & 07777;
  en->mtime = t->has_mtime ? t->mtime : (int64_t)(mtime & INT64_MAX);
  en->major = (unsigned)major;
  en->minor = (unsigned)minor;
  en->size = t->has_size ? t->size : size;
  /* a folder by its old spelling: a file whose name ends in a slash */
  size_t len = strlen(en->path);
  if (en->type == IA_TAR_FILE && len > 0 && en->path[len - 1] == '/')
    en->type = IA_TAR_DIR;
  if (en->type != IA_TAR_FILE && en->size != 0)
    return ia_fail(e, IA_E_PARSE, "tar: content on an entry that has none: %.80s", en->path);
  t->has_path = t->has_link = t->has_size = t->has_mtime = false;
  return true;
}

bool ia_tar_next(ia_tar *t, ia_tar_entry *en, bool *end, ia_err *e)
{
  uint8_t h[BLOCK];

  *end = false;
  if (!t->ended && !skip(t, t->left + t->pad, e))
    return false;
  t->left = t->pad = 0;
  for (;;) {
    static const uint8_t zero[BLOCK];
    uint64_t size;
    size_t got;

    if (t->ended) {
      *end = true;
      return true;
    }
    if (!fill(t, h, sizeof(h), &got, e))
      return false;
    if (got == 0 || (got == BLOCK && memcmp(h, zero, BLOCK) == 0)) {
      if (!finish(t, e))
        return false;
      continue;
    }
    if (got < BLOCK || !checksum_ok(h) || !number(&size, h + OFF_SIZE, 12))
      return ia_fail(e, IA_E_PARSE, got < BLOCK ? "tar: cut short" : "tar: bad header");
    if (h[OFF_TYPE] == 'x' || h[OFF_TYPE] == 'g' || h[OFF_TYPE] == 'L' || h[OFF_TYPE] == 'K') {
      if (!extension(t, h[OFF_TYPE], size, e))
        return false;
      continue;
    }
    if (!entry_of(t, en, h, size, e))
      return false;
    t->left = en->size;
    t->pad = (unsigned)(-en->size & (BLOCK - 1));
    return true;
  }
}

bool ia_tar_read(ia_tar *t, void *buf, size_t room, size_t *n, ia_err *e)
{
  size_t want = t->left < room ? (size_t)t->left : room;

  *n = 0;
  if (want == 0)
    return true;
  if (!t->read(t->arg, buf, want, n, e))
    return false;
  if (*n == 0)
    return ia_fail(e, IA_E_PARSE, "tar: cut short");
  t->left -= *n;
  return true;
}
