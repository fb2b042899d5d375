/* Whole files, written so that a crash leaves the old or the new one and nothing between. */
#ifndef IA_BASE_FILE_H
#define IA_BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"

enum { IA_PATH_MAX = 4096 };

/* Reads a regular file of at most cap bytes (TOO_LARGE beyond). */
IA_MUST bool ia_file_read(ia_buf *out, const char *path, size_t cap, ia_err *e);
/* Reads a descriptor to its end, at most cap bytes. */
IA_MUST bool ia_fd_read_all(ia_buf *out, int fd, size_t cap, ia_err *e);
IA_MUST bool ia_fd_write_all(int fd, ia_span data, ia_err *e);
/* A draft (below) that replaces what is there. The umask takes from the mode. */
IA_MUST bool ia_file_write(const char *path, ia_span data, mode_t mode, ia_err *e);
/* The same with exactly that mode: for what becomes part of an image. */
IA_MUST bool ia_file_write_exact(const char *path, ia_span data, mode_t mode, ia_err *e);
/* As ia_file_write, but EXISTS when the path is there: never overwrites. */
IA_MUST bool ia_file_create(const char *path, ia_span data, mode_t mode, ia_err *e);
/* An empty regular file where there is none. It is not opened, not even to make it: closing a
 * descriptor would drop the POSIX locks that the process holds on the file. INVALID when something
 * else has the name, a symbolic link included. */
IA_MUST bool ia_file_touch(const char *path, mode_t mode, ia_err *e);
/* mkdir -p; the last component gets `mode`, and so do new parents when it is private, else 0755. An
 * existing folder is fine. */
IA_MUST bool ia_mkdirs(const char *path, mode_t mode, ia_err *e);
IA_MUST bool ia_fsync_dir(const char *path, ia_err *e);
/* Removes a tree without following links; a missing one is fine. */
IA_MUST bool ia_remove_tree(const char *path, ia_err *e);
/* dir + "/" + name in a static-size box; INVALID when too long. */
typedef struct ia_path {
  char s[IA_PATH_MAX];
} ia_path;
IA_MUST bool ia_path_join(ia_path *out, ia_err *e, const char *fmt, ...) IA_PRINTF(3, 4);
/* The folder part of a path, "." when it has none. */
IA_MUST bool ia_path_parent(ia_path *dir, const char *path, ia_err *e);

/* A file without a name until it is whole: a kill on the way leaves nothing. Where the file system
 * knows no files without a name (O_TMPFILE), it has a temporary one, which ends in ".tmp". */
typedef struct ia_draft {
  int fd;       /* read and written; -1 when closed */
  ia_path temp; /* what it is called meanwhile; "" for nothing */
} ia_draft;
/* In `dir`, which is on the file system of its later place. The umask takes from the mode. */
IA_MUST bool ia_draft_open(ia_draft *d, const char *dir, mode_t mode, ia_err *e);
/* The bytes reach the disk, then the file gets its name, then the folder reaches the disk. With
 * `replace` a file of that name gives way at once, else it is EXISTS. The descriptor stays open. */
IA_MUST bool ia_draft_place(ia_draft *d, const char *path, bool replace, ia_err *e);
/* What was not placed is gone. */
void ia_draft_close(ia_draft *d);
IA_DEFINE_AUTO_VALUE(ia_draft, ia_draft_close)
/* The descriptor of a file in `dir` that never gets a name. */
IA_MUST bool ia_file_unnamed(int *fd, const char *dir, ia_err *e);

#endif
