/* Applying one layer's entries to a tree, or to none when only the rules are checked. */
#include "image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hex.h"
#include "image/stream.h"
#include "image/tree.h"

enum { COPY_ROOM = 64 << 10, NAME_CAP = 255 };

ia_oci_limits ia_oci_limits_default(void)
{
  return (ia_oci_limits){.packed = 2ull << 30,
                         .unpacked = 8ull << 30,
                         .file = 2ull << 30,
                         .entries = 500000,
                         .ratio = 200,
                         .depth = 64};
}

bool ia_oci_read_fd(void *arg, void *buf, size_t room, size_t *n, ia_err *e)
{
  ssize_t k;

  do
    k = read(*(int *)arg, buf, room);
  while (k < 0 && errno == EINTR);
  *n = k < 0 ? 0 : (size_t)k;
  return k >= 0 || ia_fail_errno(e, "read");
}

typedef struct unpacker {
  int root; /* -1: check only */
  ia_tar *tar;
  const ia_oci_limits *limits;
  ia_oci_usage *usage;
  ia_inodes mine; /* put here by this layer */
  bool through_links;
  ia_oci_entry_fn entry; /* without a file system: told each entry; may be NULL */
  void *entry_arg;
  char path[IA_TAR_PATH + 1];
  char target[IA_TAR_PATH + 1]; /* of a hardlink */
} unpacker;

/* "a/b" of any spelling of it; "" is the root. Refuses ".." and long or deep names. */
static bool normalise(char out[IA_TAR_PATH + 1], const char *in, unsigned depth, ia_err *e)
{
  size_t at = 0;
  unsigned n = 0;

  while (*in) {
    size_t len = strcspn(in, "/");

    if (len == 2 && in[0] == '.' && in[1] == '.')
      return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: path with \"..\"");
    if (len > NAME_CAP)
      return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: name of %zu bytes, at most %d", len, NAME_CAP);
    if (len > 0 && !(len == 1 && in[0] == '.')) {
      if (++n > depth)
        return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: path deeper than %u", depth);
      if (at > 0)
        out[at++] = '/';
      memcpy(out + at, in, len);
      at += len;
    }
    in += len + (in[len] == '/');
  }
  out[at] = '\0';
  return true;
}

static bool remember(unpacker *u, int fd, const char *name, ia_err *e)
{
  struct stat st;

  if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0)
    return ia_fail_errno(e, "layer: %.100s", u->path);
  return ia_inodes_add(&u->mine, st.st_ino, e);
}

static struct timespec const *times_of(struct timespec t[2], int64_t mtime)
{
  t[0] = t[1] = (struct timespec){.tv_sec = mtime};
  return t;
}

/* Content of the current entry into fd (-1: only read), to its end. */
static bool content(unpacker *u, int fd, ia_err *e)
{
  ia_autofree uint8_t *buf = malloc(COPY_ROOM);

  if (!buf)
    return ia_fail(e, IA_E_MEMORY, "layer");
  for (size_t n = 1; n > 0;) {
    if (!ia_tar_read(u->tar, buf, COPY_ROOM, &n, e))
      return false;
    if (fd >= 0 && n > 0 && !ia_fd_write_all(fd, ia_span_of(buf, n), e))
      return ia_wrap(e, "layer: %.80s", u->path);
  }
  return true;
}

static mode_t file_mode(unsigned mode)
{
  return (mode_t)((mode & 0777) | 0444 | ((mode & 0111) ? 0111u : 0u));
}

static int create_file(int dir, const char *name, ia_err *e)
{
  int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

  if (fd < 0)
    (void)ia_fail_errno(e, "layer: %.100s", name);
  return fd;
}

static bool put_file(unpacker *u, int dir, const char *name, const ia_tar_entry *en, ia_err *e)
{
  struct timespec t[2];

  if (!ia_tree_remove(dir, name, NULL, e))
    return false;
  ia_autoclose int fd = create_file(dir, name, e);
  if (fd < 0 || !content(u, fd, e))
    return false;
  if (fchmod(fd, file_mode(en->mode)) != 0 || futimens(fd, times_of(t, en->mtime)) != 0)
    return ia_fail_errno(e, "layer: %.100s", u->path);
  return remember(u, dir, name, e);
}

static bool leads_to_folder(const unpacker *u)
{
  ia_autoclose int fd = -1;
  struct stat st;

  return ia_tree_open_file(u->root, u->path, &fd, NULL) && fstat(fd, &st) == 0 &&
         S_ISDIR(st.st_mode);
}

static bool put_dir(unpacker *u, int dir, const char *name, const ia_tar_entry *en, ia_err *e)
{
  mode_t mode = (mode_t)((en->mode & 01777) | 0755);
  struct stat st;

  bool there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  if (there && u->through_links && S_ISLNK(st.st_mode) && leads_to_folder(u))
    return true;
  if (there && !S_ISDIR(st.st_mode) && !ia_tree_remove(dir, name, NULL, e))
    return false;
  if ((!there || !S_ISDIR(st.st_mode)) && mkdirat(dir, name, 0755) != 0)
    return ia_fail_errno(e, "layer: %.100s", u->path);
  ia_autoclose int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fchmod(fd, mode) != 0)
    return ia_fail_errno(e, "layer: %.100s", u->path);
  return remember(u, dir, name, e);
}

static bool put_symlink(unpacker *u, int dir, const char *name, const ia_tar_entry *en, ia_err *e)
{
  struct timespec t[2];

  if (!ia_tree_remove(dir, name, NULL, e))
    return false;
  if (symlinkat(en->link, dir, name) != 0 ||
      utimensat(dir, name, times_of(t, en->mtime), AT_SYMLINK_NOFOLLOW) != 0)
    return ia_fail_errno(e, "layer: %.100s", u->path);
  return remember(u, dir, name, e);
}

/* A file of a lower layer under a second name: a copy, so that a whiteout of the one spares the
 * other. */
static bool copy_lower(unpacker *u, int from, const struct stat *st, int dir, const char *name,
                       ia_err *e)
{
  ia_autofree uint8_t *buf = malloc(COPY_ROOM);
  struct timespec t[2];

  if (!buf)
    return ia_fail(e, IA_E_MEMORY, "layer");
  if (u->usage->unpacked + (uint64_t)st->st_size > u->limits->unpacked)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: hardlinks copy more than the limit");
  u->usage->unpacked += (uint64_t)st->st_size;
  ia_autoclose int fd = create_file(dir, name, e);
  if (fd < 0)
    return false;
  for (size_t n = 1; n > 0;) {
    if (!ia_oci_read_fd(&from, buf, COPY_ROOM, &n, e) ||
        !ia_fd_write_all(fd, ia_span_of(buf, n), e))
      return false;
  }
  if (fchmod(fd, st->st_mode & 0777) != 0 || futimens(fd, times_of(t, st->st_mtime)) != 0)
    return ia_fail_errno(e, "layer: %.100s", u->path);
  return true;
}

/* A hardlink to a symbolic link: the same text under a second name. */
static bool link_again(unpacker *u, int from_dir, const char *from_name, int dir, const char *name,
                       ia_err *e)
{
  ia_autofree char *text = calloc(1, IA_TAR_PATH + 1);
  struct stat st, own;

  if (!text)
    return ia_fail(e, IA_E_MEMORY, "layer");
  if (fstatat(from_dir, from_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
      readlinkat(from_dir, from_name, text, IA_TAR_PATH) <= 0)
    return ia_fail_errno(e, "layer: %.100s", u->path);
  if (fstatat(dir, name, &own, AT_SYMLINK_NOFOLLOW) == 0 && own.st_ino == st.st_ino)
    return remember(u, dir, name, e);
  if (!ia_tree_remove(dir, name, NULL, e))
    return false;
  if (symlinkat(text, dir, name) != 0)
    return ia_fail_errno(e, "layer: %.100s", u->path);
  return remember(u, dir, name, e);
}

static bool put_hardlink(unpacker *u, int dir, const char *name, ia_err *e)
{
  const char *target = u->target;
  ia_autoclose int from_dir = -1, from = -1;
  const char *from_name;
  struct stat st;

  if (strcmp(target, u->path) == 0)
    return true; /* itself */
  if (!ia_tree_parent(u->root, target, &from_dir, &from_name, &u->mine, e))
    return false;
  if (from_name[0] && fstatat(from_dir, from_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISLNK(st.st_mode))
    return link_again(u, from_dir, from_name, dir, name, e);
  if (from_name[0])
    from = openat(from_dir, from_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (from < 0 || fstat(from, &st) != 0 || !S_ISREG(st.st_mode))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: hardlink to what is no file of the image: %.100s",
                   u->path);
  struct stat own;
  if (fstatat(dir, name, &own, AT_SYMLINK_NOFOLLOW) == 0 && own.st_ino == st.st_ino)
    return remember(u, dir, name, e);
  if (!ia_tree_remove(dir, name, NULL, e))
    return false;
  if (!ia_inodes_has(&u->mine, st.st_ino)) {
    if (!copy_lower(u, from, &st, dir, name, e))
      return false;
  } else if (linkat(from_dir, from_name, dir, name, 0) != 0) {
    return ia_fail_errno(e, "layer: %.100s", u->path);
  }
  return remember(u, dir, name, e);
}

/* OCI image layers, "Whiteouts": they act on lower layers only. */
static bool whiteout(unpacker *u, int dir, const char *name, ia_err *e)
{
  if (strcmp(name, ".wh..wh..opq") == 0) {
    ia_autoclose int at = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (at < 0)
      return ia_fail_errno(e, "layer: %.100s", u->path);
    return ia_tree_empty(at, ".", &u->mine, e);
  }
  if (strncmp(name, ".wh..wh.", 8) == 0)
    return true; /* aufs bookkeeping */
  name += 4;
  if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: whiteout without a name");
  return ia_tree_remove(dir, name, &u->mine, e);
}

static bool put_root(unpacker *u, const ia_tar_entry *en, ia_err *e)
{
  if (en->type != IA_TAR_DIR)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: the root is no folder");
  if (u->root >= 0 && fchmod(u->root, (mode_t)((en->mode & 01777) | 0755)) != 0)
    return ia_fail_errno(e, "layer: root");
  return true;
}

static bool put(unpacker *u, const ia_tar_entry *en, ia_err *e)
{
  ia_autoclose int dir = -1;
  const char *name;

  if (!ia_tree_parent(u->root, u->path, &dir, &name, &u->mine, e))
    return false;
  if (strncmp(name, ".wh.", 4) == 0)
    return whiteout(u, dir, name, e);
  switch (en->type) {
  case IA_TAR_FILE: return put_file(u, dir, name, en, e);
  case IA_TAR_DIR: return put_dir(u, dir, name, en, e);
  case IA_TAR_SYMLINK: return put_symlink(u, dir, name, en, e);
  case IA_TAR_HARDLINK: return put_hardlink(u, dir, name, e);
  case IA_TAR_CHAR:
  case IA_TAR_BLOCK:
  case IA_TAR_FIFO: break;
  }
  return true;
}

/* The rules that need no file system. */
static bool check(unpacker *u, const ia_tar_entry *en, ia_err *e)
{
  ia_oci_usage *n = u->usage;

  if (++n->entries > u->limits->entries)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "image: more than %llu entries",
                   (unsigned long long)u->limits->entries);
  if (en->size > u->limits->file)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: file of %llu bytes",
                   (unsigned long long)en->size);
  n->unpacked += en->size;
  if (n->unpacked > u->limits->unpacked)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "image: unpacks to more than %llu bytes",
                   (unsigned long long)u->limits->unpacked);
  if (!normalise(u->path, en->path, u->limits->depth, e) ||
      (en->type == IA_TAR_HARDLINK && !normalise(u->target, en->link, u->limits->depth, e)))
    return false;
  if (en->type == IA_TAR_SYMLINK && (!en->link[0] || strlen(en->link) >= IA_TAR_PATH))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: bad link text: %.100s", u->path);
  /* overlayfs would read such a device as a removed file */
  if (en->type == IA_TAR_CHAR && en->major == 0 && en->minor == 0)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: character device 0/0: %.100s", u->path);
  if (en->type == IA_TAR_CHAR || en->type == IA_TAR_BLOCK || en->type == IA_TAR_FIFO)
    n->skipped++;
  return true;
}

static bool entries(unpacker *u, ia_err *e)
{
  ia_autofree ia_tar_entry *en = malloc(sizeof(*en));

  if (!en)
    return ia_fail(e, IA_E_MEMORY, "layer");
  for (;;) {
    bool end;

    if (!ia_tar_next(u->tar, en, &end, e))
      return false;
    if (end)
      return true;
    if (!check(u, en, e) || (u->entry && !u->entry(u->entry_arg, en, u->path, u->target, e)))
      return false;
    if (!u->path[0] ? !put_root(u, en, e) : u->root >= 0 && !put(u, en, e))
      return false;
    if (u->root < 0 && en->type == IA_TAR_FILE && !content(u, -1, e))
      return false;
  }
}

static bool sums(ia_layer_stream *s, const ia_oci_desc *layer, const ia_h256 *diff_id,
                 ia_h256 *tar_digest, ia_oci_usage *usage, ia_err *e)
{
  uint64_t packed_size, tar_size;
  ia_h256 packed, tar;

  if (!ia_layer_stream_sums(s, &packed, &packed_size, &tar, &tar_size, e))
    return false;
  usage->packed += packed_size;
  if (packed_size != layer->size || !ia_h256_eq(&packed, &layer->digest))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: stored bytes are not those of %s",
                   ia_oci_digest_format(&layer->digest).s);
  if (diff_id && !ia_h256_eq(&tar, diff_id))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: unpacked bytes are not those of diff_id %s",
                   ia_oci_digest_format(diff_id).s);
  if (tar_digest)
    *tar_digest = tar;
  return true;
}

static bool run(unpacker *u, ia_err *e)
{
  bool ok = entries(u, e);

  ia_inodes_free(&u->mine);
  if (!ok && e && (e->code == IA_E_PARSE || e->code == IA_E_UNSUPPORTED))
    e->code = IA_E_IMAGE_REFUSED;
  return ok;
}

bool ia_oci_tar_unpack(int root_fd, ia_read_fn read, void *arg, const ia_oci_limits *limits,
                       ia_oci_usage *usage, ia_err *e)
{
  IA_AUTO(ia_tar) *tar = NULL;
  ia_autofree unpacker *u = calloc(1, sizeof(*u));

  if (!u)
    return ia_fail(e, IA_E_MEMORY, "tar");
  if (!ia_tar_open(&tar, read, arg, e))
    return false;
  *u = (unpacker){
      .root = root_fd, .tar = tar, .limits = limits, .usage = usage, .through_links = true};
  return run(u, e);
}

/* how: root, entry and entry_arg; the rest is filled in. */
static bool layer_run(const unpacker *how, const ia_oci_desc *layer, const ia_h256 *diff_id,
                      ia_read_fn read, void *arg, const ia_oci_limits *limits, ia_oci_usage *usage,
                      ia_h256 *tar_digest, ia_err *e)
{
  IA_AUTO(ia_layer_stream) *stream = NULL;
  IA_AUTO(ia_tar) *tar = NULL;
  /* one byte more than the descriptor says is enough to know that it lies */
  ia_layer_caps caps = {
      .packed = layer->size, .unpacked = limits->unpacked, .ratio = limits->ratio};

  if (layer->size > limits->packed - usage->packed)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "image: more than %llu stored bytes",
                   (unsigned long long)limits->packed);
  if (!ia_layer_stream_open(&stream, read, arg, &caps, e) ||
      !ia_tar_open(&tar, ia_layer_stream_read, stream, e))
    return false;
  ia_autofree unpacker *u = calloc(1, sizeof(*u));
  if (!u)
    return ia_fail(e, IA_E_MEMORY, "layer");
  u->root = how->root;
  u->entry = how->entry;
  u->entry_arg = how->entry_arg;
  u->tar = tar;
  u->limits = limits;
  u->usage = usage;
  return run(u, e) && sums(stream, layer, diff_id, tar_digest, usage, e);
}

bool ia_oci_layer_apply(int root_fd, const ia_oci_desc *layer, const ia_h256 *diff_id,
                        ia_read_fn read, void *arg, const ia_oci_limits *limits,
                        ia_oci_usage *usage, ia_h256 *tar_digest, ia_err *e)
{
  const unpacker how = {.root = root_fd};

  return layer_run(&how, layer, diff_id, read, arg, limits, usage, tar_digest, e);
}

bool ia_oci_layer_survey(ia_oci_entry_fn entry, void *entry_arg, const ia_oci_desc *layer,
                         const ia_h256 *diff_id, ia_read_fn read, void *arg,
                         const ia_oci_limits *limits, ia_oci_usage *usage, ia_err *e)
{
  const unpacker how = {.root = -1, .entry = entry, .entry_arg = entry_arg};

  return layer_run(&how, layer, diff_id, read, arg, limits, usage, NULL, e);
}
