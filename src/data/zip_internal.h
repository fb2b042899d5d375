/* Shared by the reader's files; not for other layers. */
#ifndef IA_DATA_ZIP_INTERNAL_H
#define IA_DATA_ZIP_INTERNAL_H

#include "data/zip.h"

enum {
  IA_ZIP_SIG_LOCAL = 0x04034b50,
  IA_ZIP_SIG_CENTRAL = 0x02014b50,
  IA_ZIP_SIG_END = 0x06054b50,
  IA_ZIP_SIG_DESCRIPTOR = 0x08074b50,
  IA_ZIP_LOCAL_SIZE = 30,
  IA_ZIP_CENTRAL_SIZE = 46,
  IA_ZIP_END_SIZE = 22,
  IA_ZIP_STORED = 0,
  IA_ZIP_DEFLATED = 8,
};

struct ia_zip {
  ia_blob blob;
  unsigned flags;
  ia_zip_entry *entry;
  size_t count;
  char *names;        /* all names, each NUL-terminated */
  char **local_names; /* lenient: the names of the local headers, one an entry */
  uint64_t directory; /* offset of the central directory */
  uint64_t shift;     /* lenient: bytes before the archive */
};

/* zip_names.c. One name by the rule of the flags; in lenient archives `name` is cleaned in place.
 */
IA_MUST bool ia_zip_name_ok(const ia_zip *z, char *name, size_t len, ia_err *e);
/* No name twice and no file that is also a folder. */
IA_MUST bool ia_zip_names_distinct(const ia_zip *z, ia_err *e);

/* zip_extract.c: local header against the directory; sets entry->data and *end, the offset after
 * the entry's bytes (and descriptor). */
IA_MUST bool ia_zip_local(const ia_zip *z, ia_zip_entry *entry, uint64_t *end, ia_err *e);

#endif
