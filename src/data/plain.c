/* Values as plain files. */
#include "data/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"

enum { PEEK_MAX = 1 << 20 }; /* longer values are strings or bytes by their length field alone */

/* Doubles that people write down: zero, or a magnitude between 10^-30 and 10^30. */
static bool usual_f64(ia_span in)
{
  double v = ia_f64_le(in.ptr);

  return v == 0 || (isfinite(v) && fabs(v) >= 1e-30 && fabs(v) <= 1e30);
}

/* Integers below 2^96; a key or a UUID has other top bytes. */
static bool usual_i128(ia_span in)
{
  for (size_t i = 12; i < 16; i++)
    if (in.ptr[i] != in.ptr[15])
      return false;
  return in.ptr[15] == 0 || in.ptr[15] == 0xff;
}

static ia_type type_of(ia_span in)
{
  ia_span text;

  bool number_size = in.len == 8 || in.len == 16;

  /* a text with NUL bytes of just these sizes is rather a small number */
  if (ia_borsh_string(&text, in, NULL) && !(number_size && memchr(text.ptr, 0, text.len)))
    return IA_TYPE_STRING;
  if (in.len == 1 && in.ptr[0] <= 1)
    return IA_TYPE_BOOL;
  if (in.len == 8 && ia_mime_detect(in) == IA_TYPE_OCTETS && usual_f64(in))
    return IA_TYPE_F64;
  if (in.len == 16 && ia_mime_detect(in) == IA_TYPE_OCTETS && usual_i128(in))
    return IA_TYPE_I128;
  return IA_TYPE_OCTETS;
}

/* The first bytes of an entry, and whether the whole is valid UTF-8 behind a right length field. */
struct peek {
  uint8_t head[4];
  size_t n;
};

static bool peek_write(void *ctx, ia_span data, ia_err *e IA_UNUSED)
{
  struct peek *p = ctx;

  for (size_t i = 0; i < data.len && p->n < sizeof(p->head); i++)
    p->head[p->n++] = data.ptr[i];
  return true;
}

ia_type ia_plain_type(const ia_zip *zip, const ia_zip_entry *t)
{
  IA_AUTOV(ia_buf) all = {.secret = true, .cap = PEEK_MAX};
  struct peek p = {0};
  uint32_t len;

  if (t->size <= PEEK_MAX)
    return ia_zip_read(zip, t, &all, NULL) ? type_of(ia_buf_view(&all)) : IA_TYPE_OCTETS;
  if (!ia_zip_extract(zip, t, (ia_sink){peek_write, &p}, NULL))
    return IA_TYPE_OCTETS;
  ia_span head = ia_span_of(p.head, p.n);
  if (ia_span_u32le(&head, &len) && len == t->size - 4)
    return IA_TYPE_STRING;
  return IA_TYPE_OCTETS;
}

/* The type of "a/b" in {"a":{"b":"f64"}}; false when it has none there. */
static bool schema_type(ia_type *out, const json_t *schema, const char *name)
{
  ia_autofree char *path = strdup(name);
  char *at = path;

  while (path && at && schema) {
    char *slash = strchr(at, '/');

    if (slash)
      *slash = '\0';
    schema = json_object_get(schema, at);
    at = slash ? slash + 1 : NULL;
  }
  return json_is_string(schema) && ia_type_parse(out, json_string_value(schema));
}

/* Passes on all but the length field of a string. */
struct tail {
  int fd;
  size_t skip;
};

static bool tail_write(void *ctx, ia_span data, ia_err *e)
{
  struct tail *t = ctx;
  size_t n = data.len < t->skip ? data.len : t->skip;

  t->skip -= n;
  return ia_fd_write_all(t->fd, ia_span_of(data.ptr + n, data.len - n), e);
}

static bool write_value(int fd, const ia_zip *zip, const ia_zip_entry *t, const json_t *schema,
                        ia_err *e)
{
  ia_type type;
  IA_AUTOV(ia_value) v = {0};
  IA_AUTOV(ia_buf) text = {.secret = true};

  if (!schema_type(&type, schema, t->name))
    type = ia_plain_type(zip, t);
  struct tail tail = {fd, type == IA_TYPE_STRING ? 4 : 0};
  if (ia_type_is_bytes(type) || (type == IA_TYPE_STRING && ia_plain_type(zip, t) == type))
    return ia_zip_extract(zip, t, (ia_sink){tail_write, &tail}, e);
  return ia_read_entry(&v, zip, t, type, 0, e) && ia_value_plain(&text, &v, e) &&
         ia_fd_write_all(fd, ia_buf_view(&text), e);
}

/* mkdir -p of all but the last part. Names were checked when the archive was opened. */
static bool parents(int dir, const char *name, ia_err *e)
{
  ia_path path;

  for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
    if (!ia_path_join(&path, e, "%.*s", (int)(p - name), name))
      return false;
    if (mkdirat(dir, path.s, 0755) != 0 && errno != EEXIST)
      return ia_fail_errno(e, "%s", path.s);
  }
  return true;
}

static bool write_one(int dir, const ia_zip *zip, const ia_zip_entry *t, const json_t *schema,
                      ia_err *e)
{
  if (!parents(dir, t->name, e))
    return false;
  if (t->folder)
    return true;
  ia_autoclose int fd = openat(dir, t->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return ia_fail_errno(e, "%s", t->name);
  if (!write_value(fd, zip, t, schema, e))
    return false;
  if (fchmod(fd, 0444) != 0)
    return ia_fail_errno(e, "%s", t->name);
  return true;
}

/* Files first, then the folders of each name from the inside: one that still holds another goes
 * with that one. */
static void remove_all(int dir, const ia_zip *zip)
{
  ia_path path;

  for (size_t i = 0; i < ia_zip_count(zip); i++)
    if (!ia_zip_at(zip, i)->folder)
      (void)unlinkat(dir, ia_zip_at(zip, i)->name, 0);
  for (size_t i = 0; i < ia_zip_count(zip); i++) {
    const char *name = ia_zip_at(zip, i)->name;

    for (size_t n = strlen(name); n > 0; n--)
      if (name[n - 1] == '/' && ia_path_join(&path, NULL, "%.*s", (int)(n - 1), name))
        (void)unlinkat(dir, path.s, AT_REMOVEDIR);
  }
}

bool ia_plain_write(int dir, const ia_zip *zip, const json_t *schema, uint64_t budget, ia_err *e)
{
  uint64_t need = 0;

  for (size_t i = 0; i < ia_zip_count(zip); i++) {
    uint64_t size = ia_zip_at(zip, i)->size;

    /* a double of 8 bytes takes up to 25 as text, an i128 of 16 up to 40 */
    need += size < 64 ? 64 : size;
  }
  if (need > budget)
    return ia_fail(e, IA_E_TOO_LARGE, "the values need %llu bytes, more than %llu",
                   (unsigned long long)need, (unsigned long long)budget);
  for (size_t i = 0; i < ia_zip_count(zip); i++)
    if (!write_one(dir, zip, ia_zip_at(zip, i), schema, e)) {
      remove_all(dir, zip);
      return false;
    }
  return true;
}
