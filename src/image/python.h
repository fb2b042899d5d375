/* What a project's requirements.txt needs, as a folder of modules. */
#ifndef IA_IMAGE_PYTHON_H
#define IA_IMAGE_PYTHON_H

#include "base/file.h"
#include "image/build.h"

typedef struct ia_python {
  const ia_build *b;
  ia_images *s;
  const ia_image_layer *base; /* runs the builders of sources */
  const char *scratch;        /* a folder of the caller's */
  ia_lock *lock;
  bool fresh; /* resolve, and fill lock->wheels; else take exactly those */
} ia_python;

/* lib: a new folder with the modules; *any false, and no folder, when nothing is required.
 * BAD_CHECKSUM when requirements.txt or a wheel is not that of the lock. */
IA_MUST bool ia_python_modules(const ia_python *p, ia_path *lib, bool *any, ia_err *e);

#endif
