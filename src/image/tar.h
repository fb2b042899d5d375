/* A strict reader of tar streams (POSIX.1-2001 pax and ustar, GNU long names, base-256 numbers).
 * Streaming, constant memory. What two readers could see differently is refused: bad checksums,
 * bytes after the end mark, sparse members, global pax headers that rename. Shared by host and
 * guest, so that an image accepted by one is read alike by the other. */
#ifndef IA_IMAGE_TAR_H
#define IA_IMAGE_TAR_H

#include "base/err.h"
#include "base/span.h"

/* A source of bytes: fills at most room bytes, *n = 0 only at the end. */
typedef bool (*ia_read_fn)(void *arg, void *buf, size_t room, size_t *n, ia_err *e);

typedef enum ia_tar_type {
  IA_TAR_FILE,
  IA_TAR_DIR,
  IA_TAR_SYMLINK,
  IA_TAR_HARDLINK,
  IA_TAR_CHAR,
  IA_TAR_BLOCK,
  IA_TAR_FIFO,
} ia_tar_type;

enum { IA_TAR_PATH = 4096 };

typedef struct ia_tar_entry {
  ia_tar_type type;
  char path[IA_TAR_PATH + 1]; /* as stored: not yet safe to use on a file system */
  char link[IA_TAR_PATH + 1]; /* target of a symlink or hardlink */
  uint64_t size;              /* bytes of content, 0 unless a file */
  int64_t mtime;              /* Unix seconds */
  unsigned mode;              /* permission bits, 07777 */
  unsigned major, minor;      /* of devices */
} ia_tar_entry;

typedef struct ia_tar ia_tar;

IA_MUST bool ia_tar_open(ia_tar **out, ia_read_fn read, void *arg, ia_err *e);
void ia_tar_close(ia_tar *t); /* NULL is fine */
IA_DEFINE_AUTO(ia_tar, ia_tar_close)

/* The next entry; unread content of the last one is skipped. *end is true after the last entry,
 * when the stream has been read to its end. Errors: PARSE, UNSUPPORTED, those of the source. */
IA_MUST bool ia_tar_next(ia_tar *t, ia_tar_entry *entry, bool *end, ia_err *e);
/* Content of the current file; *n = 0 at its end. */
IA_MUST bool ia_tar_read(ia_tar *t, void *buf, size_t room, size_t *n, ia_err *e);

#endif
