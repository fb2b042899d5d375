/* The output folder of an app, walked without following anything. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "data/result.h"

enum { BYTES_DEFAULT = 1 << 30, NAME_DEFAULT = 255 };

struct walk {
  ia_tree *tree;
  size_t room;
  uint64_t bytes, bytes_max;
  size_t name_max;
  ia_buf path; /* of the folder being read, with its final slash; "" at the top */
};

static int open_beneath(int root, const char *path, uint64_t flags)
{
  struct open_how how = {
      .flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
  };

  return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static bool add_file(struct walk *w, uint64_t size, ia_err *e)
{
  ia_tree *t = w->tree;

  if (t->n >= IA_TREE_FILES_MAX)
    return ia_fail(e, IA_E_BAD_OUTPUT, "more than %d files in the output", IA_TREE_FILES_MAX) ||
           ia_hint(e, "write fewer files into $IEXEC_OUT: pack them into one");
  if (size > w->bytes_max - w->bytes)
    return ia_fail(e, IA_E_BAD_OUTPUT, "more than %llu bytes in the output",
                   (unsigned long long)w->bytes_max) ||
           ia_hint(e, "write less into $IEXEC_OUT, or compress it");
  w->bytes += size;
  if (t->n == w->room) {
    size_t room = w->room ? w->room * 2 : 16;
    ia_tree_file *grown = realloc(t->file, room * sizeof(*grown));

    if (!grown)
      return ia_fail(e, IA_E_MEMORY, "no memory for the list of files");
    t->file = grown;
    w->room = room;
  }
  char *path = strndup((const char *)w->path.ptr, w->path.len);
  if (!path)
    return ia_fail(e, IA_E_MEMORY, "no memory for the list of files");
  t->file[t->n++] = (ia_tree_file){path, size};
  return true;
}

static bool walk_dir(struct walk *w, int fd, int depth, ia_err *e);

/* One entry of the folder `at`; its name already ends w->path. */
static bool walk_entry(struct walk *w, int at, const char *name, int depth, ia_err *e)
{
  struct stat st;

  if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return ia_fail(e, IA_E_BAD_OUTPUT, "a file of the output cannot be looked at");
  if (S_ISREG(st.st_mode))
    return add_file(w, (uint64_t)st.st_size, e);
  if (!S_ISDIR(st.st_mode)) {
    w->tree->n_skipped++;
    return true;
  }
  if (depth >= IA_TREE_DEPTH_MAX)
    return ia_fail(e, IA_E_BAD_OUTPUT, "output folders nested deeper than %d", IA_TREE_DEPTH_MAX) ||
           ia_hint(e, "use fewer levels of folders in $IEXEC_OUT");
  ia_autoclose int fd = open_beneath(at, name, O_RDONLY | O_DIRECTORY);
  if (fd < 0)
    return ia_fail(e, IA_E_BAD_OUTPUT, "a folder of the output cannot be read");
  ia_buf_u8(&w->path, '/');
  return walk_dir(w, fd, depth + 1, e);
}

static bool walk_dir(struct walk *w, int fd, int depth, ia_err *e)
{
  /* opened anew: a duplicate would share the position of the reader before */
  int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = copy < 0 ? NULL : fdopendir(copy);
  size_t before = w->path.len;
  bool ok = true;
  struct dirent *d;

  if (!dir) {
    if (copy >= 0)
      close(copy);
    return ia_fail_errno(e, "output folder");
  }
  while (ok && (d = readdir(dir))) {
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
      continue;
    if (strlen(d->d_name) > w->name_max)
      ok = ia_fail(e, IA_E_BAD_OUTPUT, "a file name of the output is longer than %zu bytes",
                   w->name_max);
    ia_buf_str(&w->path, d->d_name);
    ok = ok && ia_buf_ok(&w->path, e) && walk_entry(w, fd, d->d_name, depth, e);
    w->path.len = before;
  }
  closedir(dir);
  return ok;
}

static int by_path(const void *a, const void *b)
{
  return strcmp(((const ia_tree_file *)a)->path, ((const ia_tree_file *)b)->path);
}

bool ia_tree_open(ia_tree **out, int dir, const ia_tree_limits *limits, ia_err *e)
{
  IA_AUTO(ia_tree) *t = calloc(1, sizeof(*t));
  struct walk w = {.tree = t, .bytes_max = BYTES_DEFAULT, .name_max = NAME_DEFAULT};

  if (!t)
    return ia_fail(e, IA_E_MEMORY, "no memory for the output");
  if (limits && limits->bytes > 0)
    w.bytes_max = limits->bytes;
  if (limits && limits->name_max > 0)
    w.name_max = limits->name_max;
  t->root = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (t->root < 0)
    return ia_fail_errno(e, "output folder");
  bool ok = walk_dir(&w, t->root, 0, e);
  ia_buf_free(&w.path);
  if (!ok)
    return false;
  if (t->n > 0)
    qsort(t->file, t->n, sizeof(*t->file), by_path);
  *out = ia_steal(&t);
  return true;
}

void ia_tree_close(ia_tree *t)
{
  if (!t)
    return;
  for (size_t i = 0; i < t->n; i++)
    free(t->file[i].path);
  if (t->root >= 0)
    close(t->root);
  free(t->file);
  free(t);
}

bool ia_tree_file_open(int *fd, ia_blob *blob, const ia_tree *t, size_t i, ia_err *e)
{
  ia_autoclose int f = open_beneath(t->root, t->file[i].path, O_RDONLY);

  if (f < 0 || !ia_blob_fd(blob, f, NULL) || blob->size != t->file[i].size)
    return ia_fail(e, IA_E_BAD_OUTPUT, "a file of the output changed or cannot be read");
  *fd = ia_steal_fd(&f);
  return true;
}
