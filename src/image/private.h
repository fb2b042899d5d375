/* What the files of the image store share. */
#ifndef IA_IMAGE_PRIVATE_H
#define IA_IMAGE_PRIVATE_H

#include "base/file.h"
#include "image/store.h"

struct ia_images {
  char *dir;
  int lock; /* held shared while open, alone while rubbish is swept */
};

bool ia_images_has_blob(const ia_images *s, const ia_h256 *digest);
/* A file that never gets a name, on the store's file system. */
IA_MUST bool ia_images_spool(ia_images *s, int *fd, ia_err *e);

/* -- where an import reads from: a layout folder, or the members of an archive by name -- */
typedef struct ia_source ia_source;
IA_MUST bool ia_source_open(ia_source **out, ia_images *s, const char *path,
                            const ia_oci_limits *limits, ia_err *e);
void ia_source_close(ia_source *src);
IA_DEFINE_AUTO(ia_source, ia_source_close)
/* NOT_FOUND when there is no regular file of that name. */
IA_MUST bool ia_source_member(ia_source *src, const char *name, int *fd, ia_err *e);
bool ia_source_has(ia_source *src, const char *name);
/* SHA-256 of all bytes that the archive was read from; false for a folder. */
bool ia_source_digest(const ia_source *src, ia_h256 *out);

/* -- files that were imported before -- */
/* Reads the file once, for its digest. *known: its image is in the store, whole. */
IA_MUST bool ia_images_seen(ia_images *s, const ia_import *what, ia_h256 *file, bool *known,
                            ia_h256 *image, ia_err *e);
/* Remembers what the file of this digest holds. */
IA_MUST bool ia_images_note(ia_images *s, const ia_import *what, const ia_source *src,
                            const ia_h256 *file, const ia_h256 *image, ia_err *e);

#endif
