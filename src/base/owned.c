#include "base/owned.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OTHERS = 077, OTHERS_BUT_GROUP_READS = 037, OTHERS_WRITE = 022 };

static bool is_ours(uid_t owner)
{
  struct stat top;

  return owner == geteuid() || owner == 0 || (stat("/", &top) == 0 && owner == top.st_uid);
}

static bool refuse_owner(const char *path, uid_t owner, ia_err *e)
{
  (void)ia_fail(e, IA_E_FORBIDDEN, "%s belongs to another user (uid %u, we run as %u)", path,
                (unsigned)owner, (unsigned)geteuid());
  return ia_hint(e, "chown %u %s", (unsigned)geteuid(), path);
}

static bool refuse_mode(const char *path, const struct stat *st, mode_t mask, ia_err *e)
{
  const char *mend = (mask & OTHERS) == OTHERS        ? (S_ISDIR(st->st_mode) ? "700" : "600")
                     : mask == OTHERS_BUT_GROUP_READS ? "640"
                                                      : "go-w";

  (void)ia_fail(e, IA_E_FORBIDDEN, "%s: other users may %s it (mode %04o)", path,
                (st->st_mode & mask & 044)            ? "read"
                : (st->st_mode & mask & OTHERS_WRITE) ? "change"
                                                      : "enter",
                (unsigned)(st->st_mode & 07777));
  return ia_hint(e, "chmod %s %s", mend, path);
}

static bool check(const char *path, const struct stat *st, mode_t mask, ia_err *e)
{
  if (!is_ours(st->st_uid))
    return refuse_owner(path, st->st_uid, e);
  return (st->st_mode & mask) == 0 || refuse_mode(path, st, mask, e);
}

static bool check_above(const char *path, const struct stat *st, ia_err *e)
{
  mode_t mask = OTHERS_WRITE;

  if (S_ISLNK(st->st_mode))
    return is_ours(st->st_uid) || refuse_owner(path, st->st_uid, e);
  if (!S_ISDIR(st->st_mode) || (st->st_mode & S_ISVTX))
    mask = 0;
  else if (st->st_gid == st->st_uid) /* a group of one user, as Debian makes them */
    mask = 02;
  return check(path, st, mask, e);
}

/* Every folder and link above the last component, and the last too when it is a link. */
static bool walk(const char *path, ia_err *e)
{
  ia_path at;
  struct stat st;

  if (!ia_path_join(&at, e, "%s", path))
    return false;
  for (char *p = at.s;; p++) {
    char kept = *p;

    if (kept != '/' && kept != '\0')
      continue;
    *p = p == at.s ? '/' : '\0';
    char *end = p == at.s ? p + 1 : p, after = *end;
    *end = '\0';
    if (lstat(at.s, &st) != 0)
      return errno == ENOENT || ia_fail_errno(e, "%s", at.s);
    if ((kept == '/' || S_ISLNK(st.st_mode)) && !check_above(at.s, &st, e))
      return false;
    *end = after;
    *p = kept;
    if (kept == '\0')
      return true;
  }
}

static bool absolute(ia_path *out, const char *path, ia_err *e)
{
  char cwd[IA_PATH_MAX];

  if (path[0] == '/')
    return ia_path_join(out, e, "%s", path);
  if (!getcwd(cwd, sizeof(cwd)))
    return ia_fail_errno(e, "current folder");
  return ia_path_join(out, e, "%s/%s", cwd, path);
}

bool ia_owned_place(const char *path, ia_err *e)
{
  char real[PATH_MAX];
  ia_path at;

  if (!absolute(&at, path, e) || !walk(at.s, e))
    return false;
  return !realpath(at.s, real) || strcmp(real, at.s) == 0 || walk(real, e);
}

bool ia_owned_folder(const char *path, ia_err *e)
{
  struct stat st;

  if (!ia_owned_place(path, e))
    return false;
  if (stat(path, &st) != 0)
    return ia_fail_errno(e, "%s", path);
  if (!S_ISDIR(st.st_mode))
    return ia_fail(e, IA_E_INVALID, "%s: not a folder", path);
  return check(path, &st, OTHERS, e);
}

/* The descriptor's own modes are judged: it is what will be read. */
static bool open_as(int *out, const char *path, mode_t mask, bool any, ia_err *e)
{
  ia_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;

  if (fd < 0 || fstat(fd, &st) != 0)
    return ia_fail_errno(e, "%s", path);
  if (!S_ISREG(st.st_mode) && !any)
    return ia_fail(e, IA_E_INVALID, "%s: not a regular file", path);
  if (S_ISREG(st.st_mode) && (!ia_owned_place(path, e) || !check(path, &st, mask, e)))
    return false;
  *out = ia_steal_fd(&fd);
  return true;
}

static bool read_as(ia_buf *out, const char *path, size_t cap, mode_t mask, ia_err *e)
{
  ia_autoclose int fd = -1;

  return open_as(&fd, path, mask, false, e) &&
         (ia_fd_read_all(out, fd, cap, e) || ia_wrap(e, "%s", path));
}

bool ia_file_read_private(ia_buf *out, const char *path, size_t cap, ia_err *e)
{
  return read_as(out, path, cap, OTHERS, e);
}

bool ia_file_read_of_group(ia_buf *out, const char *path, size_t cap, ia_err *e)
{
  return read_as(out, path, cap, OTHERS_BUT_GROUP_READS, e);
}

bool ia_file_read_trusted(ia_buf *out, const char *path, size_t cap, ia_err *e)
{
  return read_as(out, path, cap, OTHERS_WRITE, e);
}

bool ia_file_open_private(int *fd, const char *path, ia_err *e)
{
  return open_as(fd, path, OTHERS, true, e);
}
