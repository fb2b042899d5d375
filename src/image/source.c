/* Members of an image archive. A tar is spooled: its names stay in memory and never become paths.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "crypto/sha.h"
#include "image/private.h"
#include "image/stream.h"

enum { MEMBERS = 4096, LINKS = 8 };

typedef struct member {
  char *name;
  char *link; /* another member's name, or NULL */
  off_t at;   /* in the spool file */
  uint64_t size;
} member;

struct ia_source {
  ia_images *s;
  int dir;        /* layout folder, or -1 */
  int spool;      /* all members behind one another, or -1 */
  ia_h256 digest; /* of the archive's own bytes */
  member *v;
  size_t n;
};

/* "a/b" of any spelling, with ".." worked out inside the archive; false when it leads out. */
static bool tidy(char out[IA_TAR_PATH + 1], const char *base, const char *name)
{
  size_t at = 0;

  for (int round = 0; round < 2; round++) {
    for (const char *p = round ? name : base; *p;) {
      size_t len = strcspn(p, "/");

      if (len == 2 && p[0] == '.' && p[1] == '.') {
        if (at == 0)
          return false;
        while (at > 0 && out[at - 1] != '/')
          at--;
        at -= at > 0;
      } else if (len > 0 && !(len == 1 && p[0] == '.')) {
        if (at + len + 1 > IA_TAR_PATH)
          return false;
        if (at > 0)
          out[at++] = '/';
        memcpy(out + at, p, len);
        at += len;
      }
      p += len + (p[len] == '/');
    }
  }
  out[at] = '\0';
  return true;
}

static bool add(ia_source *src, const ia_tar_entry *en, off_t at, ia_err *e)
{
  char name[IA_TAR_PATH + 1], link[IA_TAR_PATH + 1] = "", base[IA_TAR_PATH + 1] = "";

  if (!tidy(name, "", en->path))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "archive: name leads out: %.80s", en->path);
  const char *slash = strrchr(name, '/');
  if (en->type == IA_TAR_SYMLINK && slash)
    memcpy(base, name, (size_t)(slash - name));
  if (en->type != IA_TAR_FILE && !tidy(link, base, en->link))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "archive: link leads out: %.80s", name);
  if (src->n == MEMBERS)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "archive: more than %d members", MEMBERS);
  for (size_t i = 0; i < src->n; i++) {
    if (strcmp(src->v[i].name, name) == 0)
      return ia_fail(e, IA_E_IMAGE_REFUSED, "archive: member twice: %.80s", name);
  }
  member *m = &src->v[src->n];
  *m = (member){.name = strdup(name), .at = at, .size = en->size};
  src->n++;
  if (en->type != IA_TAR_FILE)
    m->link = strdup(link);
  return (m->name && (m->link || en->type == IA_TAR_FILE)) || ia_fail(e, IA_E_MEMORY, "archive");
}

static bool spool_content(ia_source *src, ia_tar *tar, ia_err *e)
{
  uint8_t buf[16384];

  for (size_t n = 1; n > 0;) {
    if (!ia_tar_read(tar, buf, sizeof(buf), &n, e) ||
        !ia_fd_write_all(src->spool, ia_span_of(buf, n), e))
      return false;
  }
  return true;
}

typedef struct hashed {
  int fd;
  ia_sha *sha;
} hashed;

static bool read_hashed(void *arg, void *buf, size_t room, size_t *n, ia_err *e)
{
  hashed *h = arg;

  if (!ia_oci_read_fd(&h->fd, buf, room, n, e))
    return false;
  ia_sha_update(h->sha, ia_span_of(buf, *n));
  return true;
}

/* What lies behind the end of the archive belongs to the file's digest. */
static bool finish_hash(ia_source *src, hashed *h, ia_err *e)
{
  uint8_t buf[16384];

  for (size_t n = 1; n > 0;)
    if (!read_hashed(h, buf, sizeof(buf), &n, e))
      return false;
  return ia_sha_final(h->sha, src->digest.b, e);
}

static bool spool(ia_source *src, hashed *file, const ia_oci_limits *limits, ia_err *e)
{
  /* an archive of plain layers is as large as they unpack to, and is often compressed whole */
  ia_layer_caps caps = {limits->unpacked, limits->unpacked + (64 << 20), limits->ratio};
  ia_autofree ia_tar_entry *en = malloc(sizeof(*en));
  IA_AUTO(ia_layer_stream) *stream = NULL;
  IA_AUTO(ia_tar) *tar = NULL;
  off_t at = 0;

  src->v = calloc(MEMBERS, sizeof(*src->v));
  if (!en || !src->v)
    return ia_fail(e, IA_E_MEMORY, "archive");
  if (!ia_images_spool(src->s, &src->spool, e) ||
      !ia_layer_stream_open(&stream, read_hashed, file, &caps, e) ||
      !ia_tar_open(&tar, ia_layer_stream_read, stream, e))
    return false;
  for (bool end = false;;) {
    if (!ia_tar_next(tar, en, &end, e))
      return false;
    if (end)
      return finish_hash(src, file, e);
    if (en->type != IA_TAR_FILE && en->type != IA_TAR_SYMLINK && en->type != IA_TAR_HARDLINK)
      continue;
    if (!add(src, en, at, e) || !spool_content(src, tar, e))
      return false;
    at += (off_t)en->size;
  }
}

bool ia_source_open(ia_source **out, ia_images *s, const char *path, const ia_oci_limits *limits,
                    ia_err *e)
{
  IA_AUTO(ia_source) *src = calloc(1, sizeof(*src));
  IA_AUTO(ia_sha) *sha = NULL;
  struct stat st;

  *out = NULL;
  if (!src)
    return ia_fail(e, IA_E_MEMORY, "archive");
  src->s = s;
  src->dir = src->spool = -1;
  ia_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) != 0)
    return ia_fail_errno(e, "%s", path);
  if (S_ISDIR(st.st_mode)) {
    src->dir = ia_steal_fd(&fd);
  } else if (!ia_sha_new(&sha, IA_SHA256, e) || !spool(src, &(hashed){fd, sha}, limits, e)) {
    if (e && (e->code == IA_E_PARSE || e->code == IA_E_UNSUPPORTED))
      e->code = IA_E_IMAGE_REFUSED;
    return false;
  }
  *out = ia_steal(&src);
  return true;
}

void ia_source_close(ia_source *src)
{
  if (!src)
    return;
  if (src->dir >= 0)
    close(src->dir);
  if (src->spool >= 0)
    close(src->spool);
  for (size_t i = 0; i < src->n; i++) {
    free(src->v[i].name);
    free(src->v[i].link);
  }
  free(src->v);
  free(src);
}

static const member *find(const ia_source *src, const char *name)
{
  for (int hops = 0; hops < LINKS && name; hops++) {
    const member *m = NULL;

    for (size_t i = 0; i < src->n && !m; i++) {
      if (strcmp(src->v[i].name, name) == 0)
        m = &src->v[i];
    }
    if (!m || !m->link)
      return m;
    name = m->link;
  }
  return NULL;
}

static int open_in_layout(int dir, const char *name)
{
  struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

  return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

/* A member of the spool as a file of its own: the reader of a blob needs an end of file. */
static bool cut_out(ia_source *src, const member *m, int *fd, ia_err *e)
{
  off_t from = m->at;
  bool ok = true;

  if (!ia_images_spool(src->s, fd, e))
    return false;
  for (uint64_t left = m->size; ok && left > 0;) {
    ssize_t n = copy_file_range(src->spool, &from, *fd, NULL, left, 0);

    if (n < 0 && errno == EINTR)
      continue;
    ok = n > 0;
    left -= ok ? (uint64_t)n : 0;
  }
  if (!ok || lseek(*fd, 0, SEEK_SET) != 0) {
    (void)ia_fail_errno(e, "spool");
    close(*fd);
    *fd = -1;
    return false;
  }
  return true;
}

bool ia_source_member(ia_source *src, const char *name, int *fd, ia_err *e)
{
  struct stat st;

  if (src->dir < 0) {
    const member *m = find(src, name);

    return m ? cut_out(src, m, fd, e)
             : ia_fail(e, IA_E_NOT_FOUND, "archive: no member %.100s", name);
  }
  *fd = open_in_layout(src->dir, name);
  if (*fd < 0 && errno == ELOOP) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "layout: %.100s is reached through a link", name);
    return ia_hint(e, "copy the layout without links: cp -rL LAYOUT COPY");
  }
  if (*fd < 0)
    return ia_fail(e, IA_E_NOT_FOUND, "layout: no file %.100s", name);
  if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    close(*fd);
    *fd = -1;
    return ia_fail(e, IA_E_NOT_FOUND, "layout: %.100s is no file", name);
  }
  return true;
}

bool ia_source_has(ia_source *src, const char *name)
{
  if (src->dir < 0)
    return find(src, name) != NULL;
  ia_autoclose int fd = open_in_layout(src->dir, name);
  return fd >= 0;
}

bool ia_source_digest(const ia_source *src, ia_h256 *out)
{
  *out = src->digest;
  return src->dir < 0;
}
