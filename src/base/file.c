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

/* The folder part of a path, "." when it has none. */
static bool parent_of(ia_path *dir, const char *path, ia_err *e)
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

/* How a file is put in its place. */
enum { REPLACE = 1, EXACT = 2 /* the mode is meant, whatever the umask */ };

static bool fill(int fd, const char *path, ia_span data, mode_t mode, unsigned how, ia_err *e)
{
  if (!ia_fd_write_all(fd, data, e))
    return ia_wrap(e, "%s", path);
  if (((how & EXACT) && fchmod(fd, mode) != 0) || fsync(fd) != 0)
    return ia_fail_errno(e, "%s", path);
  return true;
}

/* Gives a whole file its name: to a new one directly, over an old one by way of `temp`. */
static bool name_it(int fd, const char *path, const char *temp, bool replace, ia_err *e)
{
  char self[64];

  (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
  if (linkat(AT_FDCWD, self, AT_FDCWD, replace ? temp : path, AT_SYMLINK_FOLLOW) != 0)
    return ia_fail_errno(e, "%s", path);
  if (!replace || rename(temp, path) == 0)
    return true;
  (void)ia_fail_errno(e, "%s", path);
  (void)unlink(temp);
  return false;
}

/* Where the file system knows no files without a name. */
static bool place_named(const char *path, const char *temp, ia_span data, mode_t mode, unsigned how,
                        ia_err *e)
{
  ia_autoclose int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

  if (fd < 0)
    return ia_fail_errno(e, "%s", temp);
  bool replace = how & REPLACE;
  bool ok =
      fill(fd, path, data, mode, how, e) &&
      ((replace ? rename(temp, path) == 0 : link(temp, path) == 0) || ia_fail_errno(e, "%s", path));
  if (!ok || !replace)
    (void)unlink(temp);
  return ok;
}

/* A file without a name until it is whole: a kill on the way leaves nothing. */
static bool place(const char *path, ia_span data, mode_t mode, unsigned how, ia_err *e)
{
  ia_path temp, dir;
  static _Thread_local unsigned counter;

  if (!ia_path_join(&temp, e, "%s.%d-%u.tmp", path, (int)gettid(), counter++) ||
      !parent_of(&dir, path, e))
    return false;
  ia_autoclose int fd = open(dir.s, O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
  if (fd < 0 && errno != EOPNOTSUPP && errno != EISDIR)
    return ia_fail_errno(e, "%s", path);
  bool ok = fd >= 0
                ? fill(fd, path, data, mode, how, e) && name_it(fd, path, temp.s, how & REPLACE, e)
                : place_named(path, temp.s, data, mode, how, e);
  return ok && ia_fsync_dir(dir.s, e);
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
