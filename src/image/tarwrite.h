/* Writing tar streams that are the same for the same input: ustar headers, pax records only where a
 * name or link does not fit, owner 0, no names of users. */
#ifndef IA_IMAGE_TARWRITE_H
#define IA_IMAGE_TARWRITE_H

#include "image/tar.h"

/* Takes all n bytes. */
typedef bool (*ia_write_fn)(void *arg, const void *buf, size_t n, ia_err *e);

typedef struct ia_tar_writer {
  ia_write_fn write;
  void *arg;
  uint64_t left; /* content bytes of the open entry still to come */
  unsigned pad;
} ia_tar_writer;

/* A header; for a file, entry->size bytes of content follow by ia_tar_write_data. Types: file,
 * folder, symlink, hardlink. INVALID for 8 GiB and more. */
IA_MUST bool ia_tar_write_entry(ia_tar_writer *w, const ia_tar_entry *entry, ia_err *e);
IA_MUST bool ia_tar_write_data(ia_tar_writer *w, const void *buf, size_t n, ia_err *e);
/* Two zero blocks. INVALID when content is missing. */
IA_MUST bool ia_tar_write_end(ia_tar_writer *w, ia_err *e);

#endif
