/* Strict zip archives (PKWARE APPNOTE 6.3, no zip64), for protected data and results. The reader
 * checks the whole archive before it shows an entry; memory is the directory and one chunk. */
#ifndef IA_DATA_ZIP_H
#define IA_DATA_ZIP_H

#include "data/stream.h"

enum {
  IA_ZIP_ENTRIES_MAX = 10000,
  IA_ZIP_RATIO_MAX = 100,      /* size over packed size, of entries above ... */
  IA_ZIP_RATIO_FROM = 1 << 20, /* ... this many bytes; of results 64 MiB in all */
  IA_ZIP_DIRECTORY_MAX = 8 << 20,
};

enum ia_zip_flags {
  /* Names of protected data: [A-Za-z0-9_-]+ joined by '/'. Without it (results): UTF-8 paths with
   * no empty, "." or ".." part, no backslash, no control byte. */
  IA_ZIP_PROTECTED = 1,
  /* Read as the npm deserializer does: junk around the archive, wrong counts and CRCs, duplicates
   * (the last wins), odd names (cleaned). Sizes and memory stay bounded. */
  IA_ZIP_LENIENT = 2,
};

typedef struct ia_zip_entry {
  const char *name; /* folders end in '/' */
  bool folder;
  uint16_t method; /* 0 stored, 8 deflated */
  uint16_t flags;
  uint32_t crc;
  uint64_t size;   /* bytes when read */
  uint64_t packed; /* bytes in the archive */
  uint64_t local;  /* offset of the local header */
  uint64_t data;   /* offset of the packed bytes */
} ia_zip_entry;

typedef struct ia_zip ia_zip;

/* The context of `blob` must outlive the archive. BAD_ZIP, ZIP_UNSAFE_NAME, ZIP_CORRUPT, ZIP_BOMB,
 * ZIP_UNSUPPORTED. */
IA_MUST bool ia_zip_open(ia_zip **out, ia_blob blob, unsigned flags, ia_err *e);
void ia_zip_close(ia_zip *z);
IA_DEFINE_AUTO(ia_zip, ia_zip_close)
size_t ia_zip_count(const ia_zip *z);
const ia_zip_entry *ia_zip_at(const ia_zip *z, size_t i); /* in the order of the directory */
const ia_zip_entry *ia_zip_find(const ia_zip *z, const char *name); /* exact; NULL when absent */
/* The name under which an entry is listed and written, NUL-terminated: hidden characters
 * (base/show.h) as \uNNNN or \UNNNNNNNN, so that no name looks like another. Names of results hold
 * no backslash, so every name has its own form. */
IA_MUST bool ia_zip_shown_name(ia_buf *out, const ia_zip_entry *entry, ia_err *e);
/* By its exact or its shown name. */
const ia_zip_entry *ia_zip_find_shown(const ia_zip *z, const char *name);
/* Takes an entry out of the list: it is neither counted nor found any more. */
void ia_zip_hide(ia_zip *z, const ia_zip_entry *entry);
IA_MUST bool ia_zip_extract(const ia_zip *z, const ia_zip_entry *entry, ia_sink to, ia_err *e);
IA_MUST bool ia_zip_read(const ia_zip *z, const ia_zip_entry *entry, ia_buf *out, ia_err *e);

/* Writer. Times are 1980-01-01, so equal input gives equal bytes. */
typedef struct ia_zip_writer ia_zip_writer;

IA_MUST bool ia_zip_writer_new(ia_zip_writer **out, ia_sink to, ia_err *e);
void ia_zip_writer_free(ia_zip_writer *w);
IA_DEFINE_AUTO(ia_zip_writer, ia_zip_writer_free)
IA_MUST bool ia_zip_add_folder(ia_zip_writer *w, const char *name_with_slash, ia_err *e);
/* Reads the blob twice: sizes and CRC stand in the local header, as the npm writer has it. */
IA_MUST bool ia_zip_add_stored(ia_zip_writer *w, const char *name, ia_blob blob, ia_err *e);
/* The same with `extra` bytes (0, or 4 to 65535) of an extra field in the local header, which
 * readers skip: they move what follows, and make the archive longer. */
IA_MUST bool ia_zip_add_stored_extra(ia_zip_writer *w, const char *name, ia_blob blob,
                                     uint16_t extra, ia_err *e);
/* Reads once; sizes and CRC follow the data (general purpose bit 3). */
IA_MUST bool ia_zip_add_deflated(ia_zip_writer *w, const char *name, ia_blob blob, ia_err *e);
/* Bytes of the finished archive if one more entry of that name, stored and empty, is all that
 * comes. */
uint64_t ia_zip_size_with(const ia_zip_writer *w, const char *name);
/* TOO_LARGE beyond 65534 entries or 4 GiB. */
IA_MUST bool ia_zip_finish(ia_zip_writer *w, ia_err *e);

#endif
