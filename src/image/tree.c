/* openat2 keeps resolution inside the root; removal walks by descriptor and follows nothing. */
#include "image/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"

enum { REMOVE_DEPTH = 512 };

static int open_in_root(int root, const char *path, int flags)
{
  struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                         .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};

  return (int)syscall(SYS_openat2, root, path[0] ? path : ".", &how, sizeof(how));
}

/* Opens the folder `path`; makes its last component when it is not a folder that can be reached. */
static bool open_or_make(int root, const char *path, int parent, const char *last, int *fd,
                         ia_inodes *made, ia_err *e)
{
  struct stat st;

  *fd = open_in_root(root, path, O_PATH | O_DIRECTORY);
  if (*fd >= 0)
    return true;
  if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
    return ia_fail_errno(e, "image path %.100s", path);
  if (unlinkat(parent, last, 0) != 0 && errno != ENOENT)
    return ia_fail_errno(e, "image path %.100s", path);
  if (mkdirat(parent, last, 0755) != 0)
    return ia_fail_errno(e, "image path %.100s", path);
  *fd = openat(parent, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (*fd < 0 || fstat(*fd, &st) != 0)
    return ia_fail_errno(e, "image path %.100s", path);
  return ia_inodes_add(made, st.st_ino, e);
}

bool ia_tree_parent(int root, const char *path, int *parent, const char **last, ia_inodes *made,
                    ia_err *e)
{
  const char *slash = strrchr(path, '/');
  ia_autoclose int at = -1;
  ia_path prefix;

  *last = slash ? slash + 1 : path;
  if (!slash) {
    at = open_in_root(root, "", O_PATH | O_DIRECTORY);
    *parent = ia_steal_fd(&at);
    return *parent >= 0 || ia_fail_errno(e, "image root");
  }
  if (!ia_path_join(&prefix, e, "%.*s", (int)(slash - path), path))
    return false;
  *parent = open_in_root(root, prefix.s, O_PATH | O_DIRECTORY);
  if (*parent >= 0)
    return true;
  at = open_in_root(root, "", O_PATH | O_DIRECTORY);
  if (at < 0)
    return ia_fail_errno(e, "image root");
  for (char *p = prefix.s, *end; p; p = end ? end + 1 : NULL) {
    int next;

    end = strchr(p, '/');
    if (end)
      *end = '\0';
    if (!open_or_make(root, prefix.s, at, p, &next, made, e))
      return false;
    if (end)
      *end = '/';
    close(at);
    at = next;
  }
  *parent = ia_steal_fd(&at);
  return true;
}

bool ia_tree_open_file(int root, const char *path, int *fd, ia_err *e)
{
  *fd = open_in_root(root, path, O_RDONLY | O_NONBLOCK);
  return *fd >= 0 || ia_fail_errno(e, "image path %.100s", path);
}

static bool empty_at(int dir, const char *name, const ia_inodes *keep, unsigned depth, bool *kept,
                     ia_err *e);

static bool remove_at(int dir, const char *name, const ia_inodes *keep, unsigned depth, bool *kept,
                      ia_err *e)
{
  struct stat st;
  bool inside = false;

  if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || ia_fail_errno(e, "%.100s", name);
  bool stays = keep && ia_inodes_has(keep, st.st_ino);
  if (S_ISDIR(st.st_mode) && !empty_at(dir, name, keep, depth + 1, &inside, e))
    return false;
  if (stays || inside) {
    *kept = true;
    return true;
  }
  if (unlinkat(dir, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) != 0)
    return ia_fail_errno(e, "%.100s", name);
  return true;
}

static bool empty_at(int dir, const char *name, const ia_inodes *keep, unsigned depth, bool *kept,
                     ia_err *e)
{
  if (depth > REMOVE_DEPTH)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "folders nested deeper than %d", REMOVE_DEPTH);
  int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return ia_fail_errno(e, "%.100s", name);
  DIR *d = fdopendir(fd);
  bool ok = true;

  if (!d) {
    close(fd);
    return ia_fail(e, IA_E_MEMORY, "folder");
  }
  for (struct dirent *en; ok && (en = readdir(d));) {
    if (strcmp(en->d_name, ".") != 0 && strcmp(en->d_name, "..") != 0)
      ok = remove_at(fd, en->d_name, keep, depth, kept, e);
  }
  closedir(d);
  return ok;
}

bool ia_tree_remove(int dir, const char *name, const ia_inodes *keep, ia_err *e)
{
  bool kept = false;

  return remove_at(dir, name, keep, 0, &kept, e);
}

bool ia_tree_empty(int dir, const char *name, const ia_inodes *keep, ia_err *e)
{
  struct stat st;
  bool kept = false;

  if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || ia_fail_errno(e, "%.100s", name);
  return !S_ISDIR(st.st_mode) || empty_at(dir, name, keep, 0, &kept, e);
}
