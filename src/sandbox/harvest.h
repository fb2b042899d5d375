/* What an app left in a folder, once nothing of it runs any more: a list of regular files, read
 * without following a link, crossing a mount or blocking. */
#ifndef IA_SANDBOX_HARVEST_H
#define IA_SANDBOX_HARVEST_H

#include "base/buf.h"

typedef struct ia_harvest_limits {
  uint32_t depth;   /* 32 */
  uint32_t entries; /* 10 000: files, folders and skipped things together */
  uint64_t bytes;   /* 64 MiB: sum of logical sizes, so a sparse file counts whole */
  uint32_t name;    /* longest path component in bytes; 0 = 255 */
} ia_harvest_limits;

typedef enum ia_harvest_kind {
  IA_HARVEST_FILE,
  IA_HARVEST_DIR,
  IA_HARVEST_SYMLINK, /* this and what follows: skipped, only listed */
  IA_HARVEST_FIFO,
  IA_HARVEST_SOCKET,
  IA_HARVEST_DEVICE,
  IA_HARVEST_MOUNT, /* lies on another file system */
} ia_harvest_kind;

typedef struct ia_harvest_entry {
  char *path; /* relative, '/' between components; any bytes but NUL */
  ia_harvest_kind kind;
  uint64_t size; /* of a file */
} ia_harvest_entry;

typedef struct ia_harvest {
  ia_harvest_entry *entries; /* in byte order of path */
  size_t n;
  uint64_t bytes; /* of all files */
  size_t n_skipped;
} ia_harvest;

const char *ia_harvest_kind_name(ia_harvest_kind kind);
/* TOO_LARGE: a limit, named in the message. Hard links are files of their own. */
IA_MUST bool ia_harvest_walk(ia_harvest *out, int root_fd, const ia_harvest_limits *limits,
                             ia_err *e);
void ia_harvest_free(ia_harvest *h);
IA_DEFINE_AUTO_VALUE(ia_harvest, ia_harvest_free)

/* Opens a regular file below root_fd for reading: no links, no ".." past the root, no other mount.
 * NOT_FOUND; INVALID when it is no regular file or the path leads out. -1 on failure. */
IA_MUST int ia_harvest_open(int root_fd, const char *path, uint64_t *size, ia_err *e);
/* The whole file; TOO_LARGE above cap, CORRUPT when the size changed while reading. */
IA_MUST bool ia_harvest_read(ia_buf *out, int root_fd, const char *path, size_t cap, ia_err *e);

#endif
