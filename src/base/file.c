/* Whole files and folders. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

bool ia_path_join(ia_path *out, ia_err *e, const char *fmt, ...)
{
  va_list ap;

  va_start(ap, fmt);
  int n = vsnprintf(out->s, sizeof(out->s), fmt, ap);
  va_end(ap);
  if (n < 0 || (size_t)n >= sizeof(out->s))
    return ia_fail(e, IA_E_INVALID, "path longer than %zu bytes", sizeof(out->s) - 1);
  return true;
}

bool ia_fd_read_all(ia_buf *out, int fd, size_t cap, ia_err *e)
{
  for (;;) {
    uint8_t *at = ia_buf_reserve(out, 65536);

    if (!at)
      return ia_buf_ok(out, e);
    ssize_t n = read(fd, at, 65536);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return ia_fail_errno(e, "read");
    if (n == 0)
      return true;
    out->len += (size_t)n;
    if (out->len > cap)
      return ia_fail(e, IA_E_TOO_LARGE, "more than %zu bytes", cap);
  }
}

bool ia_file_read(ia_buf *out, const char *path, size_t cap, ia_err *e)
{
  ia_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;

  if (fd < 0 || fstat(fd, &st) != 0)
    return ia_fail_errno(e, "%s", path);
  if (!S_ISREG(st.st_mode))
    return ia_fail(e, IA_E_INVALID, "%s: not a regular file", path);
  return ia_fd_read_all(out, fd, cap, e) || ia_wrap(e, "%s", path);
}

bool ia_fd_write_all(int fd, ia_span data, ia_err *e)
{
  while (data.len > 0) {
    ssize_t n = write(fd, data.ptr, data.len);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return ia_fail_errno(e, "write");
    data.ptr += n;
    data.len -= (size_t)n;
  }
  return true;
}

bool ia_path_parent(ia_path *dir, const char *path, ia_err *e)
{
  const char *slash = strrchr(path, '/');

  if (!slash)
    return ia_path_join(dir, e, ".");
  if (slash == path)
    return ia_path_join(dir, e, "/");
  return ia_path_join(dir, e, "%.*s", (int)(slash - path), path);
}

bool ia_fsync_dir(const char *path, ia_err *e)
{
  ia_autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0 || fsync(fd) != 0)
    return ia_fail_errno(e, "%s", path);
  return true;
}

static bool next_name(ia_path *p, const char *stem, ia_err *e)
{
  static _Thread_local unsigned counter;

  return ia_path_join(p, e, "%s.%d-%u.tmp", stem, (int)gettid(), counter++);
}

bool ia_draft_open(ia_draft *d, const char *dir, mode_t mode, ia_err *e)
{
  d->temp.s[0] = '\0';
  d->fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, mode);
  if (d->fd >= 0)
    return true;
  if (errno != EOPNOTSUPP && errno != EISDIR)
    return ia_fail_errno(e, "%s", dir);
  ia_path stem;
  if (!ia_path_join(&stem, e, "%s/draft", dir) || !next_name(&d->temp, stem.s, e)) {
    d->temp.s[0] = '\0';
    return false;
  }
  d->fd = open(d->temp.s, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (d->fd >= 0)
    return true;
  (void)ia_fail_errno(e, "%s", d->temp.s);
  d->temp.s[0] = '\0';
  return false;
}

static bool link_as(const ia_draft *d, const char *path)
{
  char self[64];

  if (d->temp.s[0])
    return link(d->temp.s, path) == 0;
  (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", d->fd);
  return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
}

/* Over an old file only by way of a second name: a link never replaces. */
static bool take_place(const ia_draft *d, const char *path, ia_err *e)
{
  ia_path temp;

  if (!next_name(&temp, path, e))
    return false;
  if (!link_as(d, temp.s))
    return ia_fail_errno(e, "%s", path);
  if (rename(temp.s, path) == 0)
    return true;
  (void)ia_fail_errno(e, "%s", path);
  (void)unlink(temp.s);
  return false;
}

static bool name_it(const ia_draft *d, const char *path, bool replace, ia_err *e)
{
  if (link_as(d, path))
    return true;
  return replace && errno == EEXIST ? take_place(d, path, e) : ia_fail_errno(e, "%s", path);
}

bool ia_draft_place(ia_draft *d, const char *path, bool replace, ia_err *e)
{
  ia_path dir;

  if (fsync(d->fd) != 0)
    return ia_fail_errno(e, "%s", path);
  if (!name_it(d, path, replace, e))
    return false;
  if (d->temp.s[0])
    (void)unlink(d->temp.s);
  d->temp.s[0] = '\0';
  return ia_path_parent(&dir, path, e) && ia_fsync_dir(dir.s, e);
}

void ia_draft_close(ia_draft *d)
{
  if (d->fd >= 0)
    close(d->fd);
  if (d->fd >= 0 && d->temp.s[0])
    (void)unlink(d->temp.s);
  d->fd = -1;
}

bool ia_file_unnamed(int *fd, const char *dir, ia_err *e)
{
  ia_draft d;

  *fd = -1;
  if (!ia_draft_open(&d, dir, 0600, e))
    return false;
  if (d.temp.s[0])
    (void)unlink(d.temp.s);
  *fd = d.fd;
  return true;
}

/* How a file is put in its place. */
enum { REPLACE = 1, EXACT = 2 /* the mode is meant, whatever the umask */ };

static bool place(const char *path, ia_span data, mode_t mode, unsigned how, ia_err *e)
{
  IA_AUTOV(ia_draft) d = {.fd = -1};
  ia_path dir;

  if (!ia_path_parent(&dir, path, e) || !ia_draft_open(&d, dir.s, mode, e) ||
      !ia_fd_write_all(d.fd, data, e))
    return ia_wrap(e, "%s", path);
  if ((how & EXACT) && fchmod(d.fd, mode) != 0)
    return ia_fail_errno(e, "%s", path);
  return ia_draft_place(&d, path, how & REPLACE, e);
}

bool ia_file_write(const char *path, ia_span data, mode_t mode, ia_err *e)
{
  return place(path, data, mode, REPLACE, e);
}

bool ia_file_write_exact(const char *path, ia_span data, mode_t mode, ia_err *e)
{
  return place(path, data, mode, REPLACE | EXACT, e);
}

bool ia_file_create(const char *path, ia_span data, mode_t mode, ia_err *e)
{
  return place(path, data, mode, 0, e);
}

bool ia_file_touch(const char *path, mode_t mode, ia_err *e)
{
  struct stat st;

  if ((mknod(path, S_IFREG | mode, 0) != 0 && errno != EEXIST) || lstat(path, &st) != 0)
    return ia_fail_errno(e, "%s", path);
  return S_ISREG(st.st_mode) || ia_fail(e, IA_E_INVALID, "%s: not a regular file", path);
}

bool ia_mkdirs(const char *path, mode_t mode, ia_err *e)
{
  const mode_t above = (mode & 077) ? 0755 : mode | 0700;
  ia_path at;

  if (!ia_path_join(&at, e, "%s", path))
    return false;
  for (char *p = at.s + 1; *p; p++) {
    if (*p != '/')
      continue;
    *p = '\0';
    if (mkdir(at.s, above) != 0 && errno != EEXIST)
      return ia_fail_errno(e, "%s", at.s);
    *p = '/';
  }
  if (mkdir(at.s, mode) != 0 && errno != EEXIST)
    return ia_fail_errno(e, "%s", at.s);
  return true;
}

static int remove_one(const char *path, const struct stat *st IA_UNUSED, int type IA_UNUSED,
                      struct FTW *ftw IA_UNUSED)
{
  return remove(path);
}

bool ia_remove_tree(const char *path, ia_err *e)
{
  struct stat st;

  if (lstat(path, &st) != 0)
    return errno == ENOENT ? true : ia_fail_errno(e, "%s", path);
  if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
    return ia_fail_errno(e, "%s", path);
  return true;
}
