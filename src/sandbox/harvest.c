/* Walking and reading what an app left. */
#include "sandbox/harvest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
  RESOLVE_ALL = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
};

static const char *const kinds[] = {"file",   "folder", "symlink", "fifo",
                                    "socket", "device", "mount"};

const char *ia_harvest_kind_name(ia_harvest_kind kind)
{
  return (unsigned)kind < IA_COUNT(kinds) ? kinds[kind] : "?";
}

typedef struct walk {
  ia_harvest *out;
  ia_harvest_limits limits;
  size_t room;
  dev_t dev;
  ia_err *e;
} walk;

/* Names are bytes: the path goes into messages only by its length. */
static bool add(walk *w, const char *base, const char *name, ia_harvest_kind kind, uint64_t size)
{
  ia_harvest *h = w->out;
  char *path = NULL;

  if (h->n >= w->limits.entries)
    return ia_fail(w->e, IA_E_TOO_LARGE, "more than %u entries in the output", w->limits.entries);
  if (w->limits.name && strlen(name) > w->limits.name)
    return ia_fail(w->e, IA_E_TOO_LARGE, "a file name in the output is longer than %u bytes",
                   w->limits.name);
  if (h->n == w->room) {
    size_t room = w->room ? 2 * w->room : 64;
    ia_harvest_entry *more = realloc(h->entries, room * sizeof(*more));

    if (!more)
      return ia_fail(w->e, IA_E_MEMORY, "output list");
    h->entries = more;
    w->room = room;
  }
  if (asprintf(&path, "%s%s%s", base, *base ? "/" : "", name) < 0)
    return ia_fail(w->e, IA_E_MEMORY, "output list");
  h->entries[h->n++] = (ia_harvest_entry){path, kind, size};
  h->n_skipped += kind > IA_HARVEST_DIR;
  if (kind == IA_HARVEST_FILE && (size > w->limits.bytes || h->bytes > w->limits.bytes - size))
    return ia_fail(w->e, IA_E_TOO_LARGE, "the output holds more than %llu bytes",
                   (unsigned long long)w->limits.bytes);
  h->bytes += kind == IA_HARVEST_FILE ? size : 0;
  return true;
}

static ia_harvest_kind kind_of(const struct stat *st, dev_t dev)
{
  if (st->st_dev != dev)
    return IA_HARVEST_MOUNT;
  switch (st->st_mode & S_IFMT) {
  case S_IFREG: return IA_HARVEST_FILE;
  case S_IFDIR: return IA_HARVEST_DIR;
  case S_IFLNK: return IA_HARVEST_SYMLINK;
  case S_IFIFO: return IA_HARVEST_FIFO;
  case S_IFSOCK: return IA_HARVEST_SOCKET;
  default: return IA_HARVEST_DEVICE;
  }
}

static int open_beneath(int dir, const char *path, uint64_t flags)
{
  struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_ALL};

  return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* A folder that its owner closed to itself is opened all the same: nothing runs any more that
 * could put a link in its place. */
static int open_dir(int dir, const char *name, const struct stat *st)
{
  int fd = open_beneath(dir, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);

  if (fd < 0 && errno == EACCES && fchmodat(dir, name, st->st_mode | 0700, 0) == 0)
    fd = open_beneath(dir, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  return fd;
}

static bool walk_dir(walk *w, int fd, const char *base, unsigned depth);

static bool one(walk *w, int fd, const char *base, const char *name, unsigned depth)
{
  struct stat st;

  if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return ia_fail_errno(w->e, "output entry");
  ia_harvest_kind kind = kind_of(&st, w->dev);
  if (!add(w, base, name, kind, kind == IA_HARVEST_FILE ? (uint64_t)st.st_size : 0))
    return false;
  if (kind != IA_HARVEST_DIR)
    return true;
  if (depth >= w->limits.depth)
    return ia_fail(w->e, IA_E_TOO_LARGE, "the output is nested deeper than %u", w->limits.depth);
  int sub = open_dir(fd, name, &st);
  if (sub < 0)
    return ia_fail_errno(w->e, "output folder");
  ia_autofree char *path = strdup(w->out->entries[w->out->n - 1].path);
  if (!path) {
    close(sub);
    return ia_fail(w->e, IA_E_MEMORY, "output list");
  }
  return walk_dir(w, sub, path, depth + 1);
}

/* Takes fd over. */
static bool walk_dir(walk *w, int fd, const char *base, unsigned depth)
{
  DIR *d = fdopendir(fd);
  bool ok = true;

  if (!d) {
    close(fd);
    return ia_fail_errno(w->e, "output folder");
  }
  for (struct dirent *x; ok && (x = readdir(d));)
    if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0)
      ok = one(w, dirfd(d), base, x->d_name, depth);
  closedir(d);
  return ok;
}

static int by_path(const void *a, const void *b)
{
  return strcmp(((const ia_harvest_entry *)a)->path, ((const ia_harvest_entry *)b)->path);
}

bool ia_harvest_walk(ia_harvest *out, int root_fd, const ia_harvest_limits *limits, ia_err *e)
{
  walk w = {.out = out, .limits = *limits, .e = e};
  struct stat st;

  *out = (ia_harvest){0};
  if (w.limits.depth == 0)
    w.limits.depth = 32;
  if (w.limits.entries == 0)
    w.limits.entries = 10000;
  if (w.limits.bytes == 0)
    w.limits.bytes = (uint64_t)64 << 20;
  if (fstat(root_fd, &st) != 0)
    return ia_fail_errno(e, "output");
  w.dev = st.st_dev;
  if ((st.st_mode & 0700) != 0700)
    (void)fchmod(root_fd, 0755);
  int fd = open_beneath(root_fd, ".", O_RDONLY | O_DIRECTORY);
  if (fd < 0)
    return ia_fail_errno(e, "output");
  if (!walk_dir(&w, fd, "", 1)) {
    ia_harvest_free(out);
    return false;
  }
  if (out->n > 0)
    qsort(out->entries, out->n, sizeof(*out->entries), by_path);
  return true;
}

void ia_harvest_free(ia_harvest *h)
{
  for (size_t i = 0; i < h->n; i++)
    free(h->entries[i].path);
  free(h->entries);
  *h = (ia_harvest){0};
}

/* Components one by one, as long as a deep path may be: fails on "..", links and other mounts. */
int ia_harvest_open(int root_fd, const char *path, uint64_t *size, ia_err *e)
{
  struct stat st;
  /* O_PATH first: opening a fifo or a device would already do something */
  ia_autoclose int at = open_beneath(root_fd, path, O_PATH);

  if (at < 0 && (errno == EXDEV || errno == ELOOP || errno == ENOTDIR)) {
    (void)ia_fail(e, IA_E_INVALID, "a path in the output leads out of it or through a link");
    return -1;
  }
  if (at < 0 || fstat(at, &st) != 0) {
    (void)ia_fail_errno(e, "output file");
    return -1;
  }
  if (!S_ISREG(st.st_mode)) {
    (void)ia_fail(e, IA_E_INVALID, "not a regular file");
    return -1;
  }
  int fd = open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 && errno == EACCES && fchmodat(root_fd, path, 0644, 0) == 0)
    fd = open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    (void)ia_fail_errno(e, "output file");
    return -1;
  }
  *size = (uint64_t)st.st_size;
  return fd;
}

bool ia_harvest_read(ia_buf *out, int root_fd, const char *path, size_t cap, ia_err *e)
{
  uint64_t size = 0;
  ia_autoclose int fd = ia_harvest_open(root_fd, path, &size, e);

  if (fd < 0)
    return false;
  if (size > cap)
    return ia_fail(e, IA_E_TOO_LARGE, "more than %zu bytes", cap);
  size_t before = out->len;
  while (out->len - before <= size) {
    uint8_t *at = ia_buf_reserve(out, 65536);

    if (!at)
      return ia_buf_ok(out, e);
    ssize_t n = read(fd, at, 65536);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return ia_fail_errno(e, "output file");
    if (n == 0)
      break;
    out->len += (size_t)n;
  }
  if (out->len - before != size)
    return ia_fail(e, IA_E_CORRUPT, "an output file changed while it was read");
  return true;
}
