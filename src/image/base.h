/* The layer under an app's own files, and a cache of it in the store. */
#ifndef IA_IMAGE_BASE_H
#define IA_IMAGE_BASE_H

#include "base/file.h"
#include "image/build.h"

/* A folder for one build below CACHE/scratch; removed with all that is in it, by the next build
 * where this one is cut off. */
typedef struct ia_scratch {
  ia_path dir;
  int fd; /* holds its lock */
} ia_scratch;
IA_MUST bool ia_scratch_make(ia_scratch *s, const char *cache, ia_err *e);
void ia_scratch_free(ia_scratch *s);
IA_DEFINE_AUTO_VALUE(ia_scratch, ia_scratch_free)

/* The Debian packages of a language's base layer, NULL-terminated; NULL: none. */
const char *const *ia_base_packages(ia_lang lang);
/* Completes `lock` when it is new (fresh) and gives the layer that it describes. */
IA_MUST bool ia_base_layer(ia_images *s, ia_image_layer *out, ia_lock *lock, bool fresh,
                           const ia_build *b, ia_err *e);

/* A file of the host that goes into the image, under its real path; and that all of them still are
 * what the lock says: BAD_CHECKSUM. */
IA_MUST bool ia_base_lock_file(ia_lock *lock, const char *path, ia_err *e);
IA_MUST bool ia_base_check_file(const ia_lock_file *f, ia_err *e);

#endif
