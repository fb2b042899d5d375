/* Blobs, names and garbage of the image store. */
#include "image/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hex.h"
#include "crypto/sha.h"
#include "image/private.h"

static const char *const folders[] = {"blobs", "blobs/sha256", "refs", "tmp"};

static bool is_empty(const char *dir)
{
  DIR *d = opendir(dir);
  bool empty = d != NULL;

  for (struct dirent *en; d && empty && (en = readdir(d));)
    empty = strcmp(en->d_name, ".") == 0 || strcmp(en->d_name, "..") == 0;
  if (d)
    closedir(d);
  return empty;
}

/* Rubbish of writers that died; a lock keeps two openers from removing each other's work. */
static bool sweep(ia_images *s, ia_err *e)
{
  ia_path tmp;

  if (flock(s->lock, LOCK_EX | LOCK_NB) == 0) {
    if (!ia_path_join(&tmp, e, "%s/tmp", s->dir))
      return false;
    if (!is_empty(tmp.s) && (!ia_remove_tree(tmp.s, e) || !ia_mkdirs(tmp.s, 0700, e)))
      return false;
  }
  return flock(s->lock, LOCK_SH) == 0 || ia_fail_errno(e, "%s", s->dir);
}

bool ia_images_open(ia_images **out, const char *dir, ia_err *e)
{
  IA_AUTO(ia_images) *s = calloc(1, sizeof(*s));
  ia_path p;

  *out = NULL;
  if (!s)
    return ia_fail(e, IA_E_MEMORY, "images");
  s->lock = -1;
  if (!ia_mkdirs(dir, 0755, e))
    return false;
  s->dir = realpath(dir, NULL);
  if (!s->dir)
    return ia_fail_errno(e, "%s", dir);
  for (size_t i = 0; i < IA_COUNT(folders); i++) {
    if (!ia_path_join(&p, e, "%s/%s", s->dir, folders[i]) || !ia_mkdirs(p.s, 0755, e))
      return false;
    /* whatever the umask: guests read under uids of their own */
    if (i < 2 && chmod(p.s, 0755) != 0)
      return ia_fail_errno(e, "%s", p.s);
  }
  if (chmod(s->dir, 0755) != 0)
    return ia_fail_errno(e, "%s", s->dir);
  if (!ia_path_join(&p, e, "%s/lock", s->dir))
    return false;
  s->lock = open(p.s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (s->lock < 0)
    return ia_fail_errno(e, "%s", p.s);
  if (!sweep(s, e))
    return false;
  *out = ia_steal(&s);
  return true;
}

void ia_images_close(ia_images *s)
{
  if (!s)
    return;
  if (s->lock >= 0)
    close(s->lock);
  free(s->dir);
  free(s);
}

const char *ia_images_dir(const ia_images *s)
{
  return s->dir;
}

static bool blob_path(const ia_images *s, ia_path *p, const ia_h256 *digest, ia_err *e)
{
  return ia_path_join(p, e, "%s/blobs/sha256/%s", s->dir, ia_oci_digest_format(digest).s + 7);
}

bool ia_images_open_blob(void *arg, const ia_h256 *digest, int *fd, ia_err *e)
{
  ia_path p;

  if (!blob_path(arg, &p, digest, e))
    return false;
  *fd = open(p.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (*fd < 0)
    return errno == ENOENT
               ? ia_fail(e, IA_E_NOT_FOUND, "no image blob %.20s", ia_oci_digest_format(digest).s)
               : ia_fail_errno(e, "%s", p.s);
  return true;
}

bool ia_images_has_blob(const ia_images *s, const ia_h256 *digest)
{
  ia_path p;

  return blob_path(s, &p, digest, NULL) && access(p.s, R_OK) == 0;
}

bool ia_images_get(ia_images *s, ia_oci_config **config, const ia_h256 *image, ia_err *e)
{
  ia_autofree ia_oci_manifest *m = malloc(sizeof(*m));
  IA_AUTO(ia_oci_config) *c = NULL;

  if (!m)
    return ia_fail(e, IA_E_MEMORY, "image");
  if (!ia_oci_resolve(m, &c, NULL, image, ia_images_open_blob, s, e))
    return false;
  for (size_t i = 0; i < m->n_layers; i++) {
    if (!ia_images_has_blob(s, &m->layers[i].digest))
      return ia_fail(e, IA_E_NOT_FOUND, "layer %zu of the image is not here", i);
  }
  if (config)
    *config = ia_steal(&c);
  return true;
}

struct ia_images_writer {
  ia_images *s;
  ia_draft draft;
  ia_sha *sha;
  uint64_t size;
};

/* Where drafts and spools lie: the file system of the blobs. */
static bool draft_dir(const ia_images *s, ia_path *dir, ia_err *e)
{
  return ia_path_join(dir, e, "%s/tmp", s->dir);
}

bool ia_images_spool(ia_images *s, int *fd, ia_err *e)
{
  ia_path dir;

  return draft_dir(s, &dir, e) && ia_file_unnamed(fd, dir.s, e);
}

bool ia_images_begin(ia_images_writer **out, ia_images *s, ia_err *e)
{
  IA_AUTO(ia_images_writer) *w = calloc(1, sizeof(*w));
  ia_path dir;

  *out = NULL;
  if (!w)
    return ia_fail(e, IA_E_MEMORY, "image blob");
  w->s = s;
  w->draft.fd = -1;
  if (!ia_sha_new(&w->sha, IA_SHA256, e) || !draft_dir(s, &dir, e) ||
      !ia_draft_open(&w->draft, dir.s, 0600, e))
    return false;
  *out = ia_steal(&w);
  return true;
}

bool ia_images_write(ia_images_writer *w, const void *buf, size_t n, ia_err *e)
{
  ia_sha_update(w->sha, ia_span_of(buf, n));
  w->size += n;
  return ia_fd_write_all(w->draft.fd, ia_span_of(buf, n), e);
}

static bool commit(ia_images_writer *w, ia_h256 *digest, ia_err *e)
{
  ia_path p;

  if (!ia_sha_final(w->sha, digest->b, e) || !blob_path(w->s, &p, digest, e))
    return false;
  if (fchmod(w->draft.fd, 0444) != 0)
    return ia_fail_errno(e, "%s", p.s);
  return ia_draft_place(&w->draft, p.s, true, e);
}

bool ia_images_commit(ia_images_writer **wp, ia_h256 *digest, uint64_t *size, ia_err *e)
{
  IA_AUTO(ia_images_writer) *w = ia_steal(wp);

  if (size)
    *size = w->size;
  return commit(w, digest, e);
}

void ia_images_abort(ia_images_writer *w)
{
  if (!w)
    return;
  ia_draft_close(&w->draft);
  ia_sha_free(w->sha);
  free(w);
}

bool ia_images_put(ia_images *s, ia_h256 *digest, ia_span bytes, ia_err *e)
{
  IA_AUTO(ia_images_writer) *w = NULL;

  return ia_images_begin(&w, s, e) && ia_images_write(w, bytes.ptr, bytes.len, e) &&
         ia_images_commit(&w, digest, NULL, e);
}

static bool ref_path(const ia_images *s, ia_path *p, const char *name, ia_err *e)
{
  size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

  if (n == 0 || n > 100 || name[n] || name[0] == '.')
    return ia_fail(e, IA_E_INVALID, "image name %.100s: want letters, digits, . _ -", name);
  return ia_path_join(p, e, "%s/refs/%s", s->dir, name);
}

bool ia_images_tag(ia_images *s, const char *name, const ia_h256 *image, ia_err *e)
{
  ia_h256 have;
  ia_path p;

  if (ia_images_find(s, name, &have, NULL) && ia_h256_eq(&have, image))
    return true;
  return ref_path(s, &p, name, e) &&
         ia_file_write_exact(p.s, ia_span_str(ia_oci_digest_format(image).s), 0644, e);
}

bool ia_images_find(ia_images *s, const char *name, ia_h256 *image, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_path p;

  if (!ref_path(s, &p, name, e))
    return false;
  if (access(p.s, F_OK) != 0)
    return ia_fail(e, IA_E_NOT_FOUND, "no image named %s", name);
  if (!ia_file_read(&b, p.s, 100, e))
    return false;
  ia_buf_u8(&b, 0);
  return ia_buf_ok(&b, e) && ia_oci_digest_parse(image, (const char *)b.ptr, e);
}

/* The digests that an image needs, itself included. */
static bool needs(ia_images *s, ia_buf *set, const ia_h256 *image, ia_err *e)
{
  ia_autofree ia_oci_manifest *m = malloc(sizeof(*m));
  IA_AUTO(ia_oci_config) *c = NULL;
  ia_h256 manifest;

  if (!m)
    return ia_fail(e, IA_E_MEMORY, "image");
  ia_buf_put(set, image->b, sizeof(image->b));
  if (!ia_oci_resolve(m, &c, &manifest, image, ia_images_open_blob, s, NULL))
    return true; /* a broken image needs nothing */
  ia_buf_put(set, manifest.b, sizeof(manifest.b));
  ia_buf_put(set, m->config.digest.b, sizeof(manifest.b));
  for (size_t i = 0; i < m->n_layers; i++)
    ia_buf_put(set, m->layers[i].digest.b, sizeof(manifest.b));
  return ia_buf_ok(set, e);
}

static bool named_needs(ia_images *s, ia_buf *set, ia_err *e)
{
  ia_path p;

  if (!ia_path_join(&p, e, "%s/refs", s->dir))
    return false;
  DIR *d = opendir(p.s);
  bool ok = true;

  if (!d)
    return ia_fail_errno(e, "%s", p.s);
  for (struct dirent *en; ok && (en = readdir(d));) {
    ia_h256 image;

    if (en->d_name[0] != '.' && ia_images_find(s, en->d_name, &image, NULL))
      ok = needs(s, set, &image, e);
  }
  closedir(d);
  return ok;
}

static bool in_set(const ia_buf *set, const char *hex)
{
  uint8_t digest[32];

  if (!ia_unhex(digest, sizeof(digest), ia_span_str(hex)))
    return false;
  for (size_t i = 0; i + 32 <= set->len; i += 32) {
    if (memcmp(set->ptr + i, digest, 32) == 0)
      return true;
  }
  return false;
}

bool ia_images_gc(ia_images *s, const ia_h256 *keep, size_t n_keep, ia_err *e)
{
  IA_AUTOV(ia_buf) set = {0};
  ia_path p;

  for (size_t i = 0; i < n_keep; i++) {
    if (!needs(s, &set, &keep[i], e))
      return false;
  }
  if (!named_needs(s, &set, e) || !ia_path_join(&p, e, "%s/blobs/sha256", s->dir))
    return false;
  DIR *d = opendir(p.s);
  bool ok = true;

  if (!d)
    return ia_fail_errno(e, "%s", p.s);
  for (struct dirent *en; ok && (en = readdir(d));) {
    if (en->d_name[0] != '.' && !in_set(&set, en->d_name) && unlinkat(dirfd(d), en->d_name, 0) != 0)
      ok = ia_fail_errno(e, "%s", en->d_name);
  }
  closedir(d);
  return ok;
}
