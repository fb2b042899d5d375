/* Entries are gathered, sorted, and written through zstd into the store. */
#include "image/maker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <zstd.h>

#include "base/file.h"
#include "crypto/sha.h"
#include "image/tarwrite.h"

enum { ZSTD_LEVEL = 3, TREE_DEPTH = 64 };

typedef struct item {
  char *path;
  ia_tar_type type;
  unsigned mode;
  char *text;   /* link target, or path on the host */
  ia_buf bytes; /* a file without a path on the host */
} item;

struct ia_maker {
  item *v;
  size_t n, room;
};

bool ia_maker_new(ia_maker **out, ia_err *e)
{
  *out = calloc(1, sizeof(**out));
  return *out || ia_fail(e, IA_E_MEMORY, "layer");
}

static void item_free(item *i)
{
  free(i->path);
  free(i->text);
  ia_buf_free(&i->bytes);
  *i = (item){0};
}

void ia_maker_free(ia_maker *m)
{
  if (!m)
    return;
  for (size_t i = 0; i < m->n; i++)
    item_free(&m->v[i]);
  free(m->v);
  free(m);
}

size_t ia_maker_count(const ia_maker *m)
{
  return m->n;
}

static item *add(ia_maker *m, const char *path, ia_tar_type type, unsigned mode, const char *text,
                 ia_err *e)
{
  if (m->n == m->room) {
    size_t room = m->room ? m->room * 2 : 64;
    item *bigger = reallocarray(m->v, room, sizeof(*bigger));

    if (!bigger) {
      (void)ia_fail(e, IA_E_MEMORY, "layer");
      return NULL;
    }
    m->v = bigger;
    m->room = room;
  }
  item *i = &m->v[m->n];
  *i = (item){.path = strdup(path), .type = type, .mode = mode, .text = text ? strdup(text) : NULL};
  m->n++;
  if (!i->path || (text && !i->text)) {
    (void)ia_fail(e, IA_E_MEMORY, "layer");
    return NULL;
  }
  return i;
}

/* The folders above a path; those given twice are dropped when sorted. */
static bool add_parents(ia_maker *m, const char *path, ia_err *e)
{
  ia_path p;

  if (!ia_path_join(&p, e, "%s", path))
    return false;
  for (char *slash = p.s; (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    if (!add(m, p.s, IA_TAR_DIR, 0755, NULL, e))
      return false;
    *slash = '/';
  }
  return true;
}

bool ia_maker_bytes(ia_maker *m, const char *path, unsigned mode, ia_span bytes, ia_err *e)
{
  item *i = add_parents(m, path, e) ? add(m, path, IA_TAR_FILE, mode, NULL, e) : NULL;

  if (!i)
    return false;
  ia_buf_span(&i->bytes, bytes);
  return ia_buf_ok(&i->bytes, e);
}

bool ia_maker_link(ia_maker *m, const char *path, const char *target, ia_err *e)
{
  return add_parents(m, path, e) && add(m, path, IA_TAR_SYMLINK, 0777, target, e);
}

bool ia_maker_file(ia_maker *m, const char *path, unsigned mode, const char *host, ia_err *e)
{
  return add_parents(m, path, e) && add(m, path, IA_TAR_FILE, mode, host, e);
}

static bool add_found(ia_maker *m, const char *path, const char *host, const struct stat *st,
                      ia_err *e)
{
  unsigned mode = st->st_mode & 0111 ? 0755 : 0644;
  ia_path target;

  if (S_ISDIR(st->st_mode))
    return add(m, path, IA_TAR_DIR, 0755, NULL, e) != NULL;
  if (S_ISREG(st->st_mode))
    return add(m, path, IA_TAR_FILE, mode, host, e) != NULL;
  if (!S_ISLNK(st->st_mode))
    return true; /* sockets and the like are no part of an image */
  ssize_t n = readlink(host, target.s, sizeof(target.s) - 1);
  if (n < 0)
    return ia_fail_errno(e, "%s", host);
  target.s[n] = '\0';
  return add(m, path, IA_TAR_SYMLINK, 0777, target.s, e) != NULL;
}

static bool walk(ia_maker *m, const char *path, const char *host, ia_maker_skip skip,
                 unsigned depth, ia_err *e);

static bool walk_one(ia_maker *m, const char *path, const char *host, ia_maker_skip skip,
                     unsigned depth, ia_err *e)
{
  struct stat st;

  if (lstat(host, &st) != 0)
    return ia_fail_errno(e, "%s", host);
  if (skip && skip(path, S_ISDIR(st.st_mode)))
    return true;
  return add_found(m, path, host, &st, e) &&
         (!S_ISDIR(st.st_mode) || walk(m, path, host, skip, depth + 1, e));
}

static bool walk(ia_maker *m, const char *path, const char *host, ia_maker_skip skip,
                 unsigned depth, ia_err *e)
{
  ia_autofree ia_path *p = malloc(2 * sizeof(*p));
  DIR *d = opendir(host);
  bool ok = true;

  if (!d)
    return ia_fail_errno(e, "%s", host);
  if (!p || depth > TREE_DEPTH) {
    closedir(d);
    return ia_fail(e, IA_E_TOO_LARGE, "%s: folders nested too deep", host);
  }
  for (struct dirent *en; ok && (en = readdir(d));) {
    if (strcmp(en->d_name, ".") == 0 || strcmp(en->d_name, "..") == 0)
      continue;
    ok = ia_path_join(&p[0], e, "%s%s%s", path, path[0] ? "/" : "", en->d_name) &&
         ia_path_join(&p[1], e, "%s/%s", host, en->d_name) &&
         walk_one(m, p[0].s, p[1].s, skip, depth, e);
  }
  closedir(d);
  return ok;
}

bool ia_maker_tree(ia_maker *m, const char *path, const char *host, ia_maker_skip skip, ia_err *e)
{
  if (path[0] && (!add_parents(m, path, e) || !add(m, path, IA_TAR_DIR, 0755, NULL, e)))
    return false;
  return walk(m, path, host, skip, 0, e);
}

/* -- writing -- */
typedef struct packer {
  ia_images_writer *w;
  ia_sha *tar;
  ZSTD_CCtx *z;
  uint8_t out[64 << 10];
} packer;

static bool pack(packer *p, ia_span in, ZSTD_EndDirective how, ia_err *e)
{
  ZSTD_inBuffer src = {in.ptr, in.len, 0};
  size_t left;

  do {
    ZSTD_outBuffer dst = {p->out, sizeof(p->out), 0};

    left = ZSTD_compressStream2(p->z, &dst, &src, how);
    if (ZSTD_isError(left))
      return ia_fail(e, IA_E_INTERNAL, "zstd: %s", ZSTD_getErrorName(left));
    if (!ia_images_write(p->w, p->out, dst.pos, e))
      return false;
  } while (how == ZSTD_e_end ? left > 0 : src.pos < src.size);
  return true;
}

static bool pack_write(void *arg, const void *buf, size_t n, ia_err *e)
{
  packer *p = arg;

  ia_sha_update(p->tar, ia_span_of(buf, n));
  return pack(p, ia_span_of(buf, n), ZSTD_e_continue, e);
}

static bool put_host_file(ia_tar_writer *w, ia_tar_entry *en, const char *host, ia_err *e)
{
  ia_autoclose int fd = open(host, O_RDONLY | O_CLOEXEC);
  uint8_t buf[16384];
  struct stat st;

  if (fd < 0 || fstat(fd, &st) != 0)
    return ia_fail_errno(e, "%s", host);
  en->size = (uint64_t)st.st_size;
  if (!ia_tar_write_entry(w, en, e))
    return false;
  for (size_t n = 1; n > 0;) {
    if (!ia_oci_read_fd(&fd, buf, sizeof(buf), &n, e) || !ia_tar_write_data(w, buf, n, e))
      return ia_wrap(e, "%s", host);
  }
  return w->left == 0 || ia_fail(e, IA_E_INVALID, "%s changed while it was read", host);
}

static bool put_item(ia_tar_writer *w, ia_tar_entry *en, const item *i, ia_err *e)
{
  *en = (ia_tar_entry){.type = i->type, .mode = i->mode, .mtime = IA_MAKER_TIME};
  if (strlen(i->path) + 1 >= sizeof(en->path) || (i->text && strlen(i->text) >= sizeof(en->link)))
    return ia_fail(e, IA_E_TOO_LARGE, "path too long: %.100s", i->path);
  (void)snprintf(en->path, sizeof(en->path), "%s%s", i->path, i->type == IA_TAR_DIR ? "/" : "");
  if (i->type == IA_TAR_SYMLINK)
    (void)snprintf(en->link, sizeof(en->link), "%s", i->text);
  if (i->type == IA_TAR_FILE && i->text)
    return put_host_file(w, en, i->text, e);
  en->size = i->bytes.len;
  return ia_tar_write_entry(w, en, e) && ia_tar_write_data(w, i->bytes.ptr, i->bytes.len, e);
}

/* By path, then by age, so that the last of a path is its entry. */
static int by_path(const void *a, const void *b)
{
  return strcmp(((const item *)a)->path, ((const item *)b)->path);
}

static void dedup(ia_maker *m)
{
  size_t n = 0;

  for (size_t i = 0; i < m->n; i++) {
    if (n > 0 && strcmp(m->v[n - 1].path, m->v[i].path) == 0) {
      item_free(&m->v[n - 1]);
      m->v[n - 1] = m->v[i];
    } else {
      m->v[n++] = m->v[i];
    }
  }
  m->n = n;
}

/* qsort is not stable: insertion by merge keeps the order of equal paths. */
static bool sort(ia_maker *m, ia_err *e)
{
  item *from = m->v, *to = calloc(m->n + 1, sizeof(*to));

  if (!to)
    return ia_fail(e, IA_E_MEMORY, "layer");
  for (size_t width = 1; width < m->n; width *= 2) {
    for (size_t at = 0; at < m->n; at += 2 * width) {
      size_t mid = at + width < m->n ? at + width : m->n,
             end = mid + width < m->n ? mid + width : m->n;
      size_t a = at, b = mid;

      for (size_t k = at; k < end; k++)
        to[k] = b == end || (a < mid && by_path(&from[a], &from[b]) <= 0) ? from[a++] : from[b++];
    }
    item *swap = from;
    from = to;
    to = swap;
  }
  m->v = from;
  m->room = m->n + 1;
  free(to);
  dedup(m);
  return true;
}

static bool write_tar(ia_maker *m, packer *p, ia_err *e)
{
  ia_autofree ia_tar_entry *en = malloc(sizeof(*en));
  ia_tar_writer w = {.write = pack_write, .arg = p};

  if (!en)
    return ia_fail(e, IA_E_MEMORY, "layer");
  for (size_t i = 0; i < m->n; i++) {
    if (!put_item(&w, en, &m->v[i], e))
      return false;
  }
  return ia_tar_write_end(&w, e) && pack(p, ia_span_str(""), ZSTD_e_end, e);
}

bool ia_maker_write(ia_maker *m, ia_images *s, ia_oci_desc *desc, ia_h256 *diff_id, ia_err *e)
{
  IA_AUTO(ia_images_writer) *w = NULL;
  IA_AUTO(ia_sha) *tar = NULL;
  ia_autofree packer *p = calloc(1, sizeof(*p));

  if (!p)
    return ia_fail(e, IA_E_MEMORY, "layer");
  if (!sort(m, e) || !ia_images_begin(&w, s, e) || !ia_sha_new(&tar, IA_SHA256, e))
    return false;
  *p = (packer){.w = w, .tar = tar, .z = ZSTD_createCCtx()};
  bool ok =
      p->z && !ZSTD_isError(ZSTD_CCtx_setParameter(p->z, ZSTD_c_compressionLevel, ZSTD_LEVEL));
  if (!ok)
    (void)ia_fail(e, IA_E_MEMORY, "zstd");
  ok = ok && write_tar(m, p, e);
  ZSTD_freeCCtx(p->z);
  desc->kind = IA_OCI_LAYER;
  return ok && ia_sha_final(tar, diff_id->b, e) &&
         ia_images_commit(&w, &desc->digest, &desc->size, e);
}

/* -- the image -- */
static json_t *words(const char *const *v)
{
  json_t *list = json_array();

  for (; list && v && *v; v++) {
    if (json_array_append_new(list, json_string(*v)) != 0) {
      json_decref(list);
      return NULL;
    }
  }
  return list;
}

static json_t *descriptor(const char *media, const ia_h256 *digest, uint64_t size)
{
  return json_pack("{s:s, s:s, s:I}", "mediaType", media, "digest", ia_oci_digest_format(digest).s,
                   "size", (json_int_t)size);
}

static bool put_json(ia_images *s, ia_h256 *digest, uint64_t *size, const json_t *v, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "image");
  if (!ia_json_canonical(&text, v, e))
    return false;
  *size = text.len;
  return ia_images_put(s, digest, ia_buf_view(&text), e);
}

bool ia_image_assemble(ia_images *s, ia_h256 *image, const ia_image_plan *plan, ia_err *e)
{
  IA_AUTO_JSON *diffs = json_array(), *layers = json_array(), *config = NULL, *manifest = NULL;
  ia_h256 config_digest;
  uint64_t size = 0;

  for (size_t i = 0; i < plan->n_layers; i++) {
    const ia_image_layer *l = &plan->layers[i];

    if (json_array_append_new(diffs, json_string(ia_oci_digest_format(&l->diff_id).s)) != 0 ||
        json_array_append_new(layers, descriptor("application/vnd.oci.image.layer.v1.tar+zstd",
                                                 &l->desc.digest, l->desc.size)) != 0)
      return ia_fail(e, IA_E_MEMORY, "image");
  }
  config = json_pack("{s:s, s:s, s:s, s:{s:s, s:O}, s:{s:o, s:o, s:s, s:O?}}", "architecture",
                     "amd64", "os", "linux", "created", "1980-01-01T00:00:00Z", "rootfs", "type",
                     "layers", "diff_ids", diffs, "config", "Entrypoint", words(plan->entrypoint),
                     "Env", words(plan->env), "WorkingDir", plan->workdir, "Labels", plan->labels);
  if (!put_json(s, &config_digest, &size, config, e))
    return false;
  manifest = json_pack("{s:i, s:s, s:o, s:O}", "schemaVersion", 2, "mediaType",
                       "application/vnd.oci.image.manifest.v1+json", "config",
                       descriptor("application/vnd.oci.image.config.v1+json", &config_digest, size),
                       "layers", layers);
  return put_json(s, image, &size, manifest, e);
}
