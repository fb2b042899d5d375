/* A wheel from a source, built in the sandbox: what the package runs while it is built sees neither
 * this host's files nor a network. */
#ifndef IA_IMAGE_SDIST_H
#define IA_IMAGE_SDIST_H

#include "base/file.h"
#include "image/build.h"

typedef struct ia_sdist {
  const char *root;   /* folder with the unpacked base layer: its python3 builds */
  const char *tools;  /* folder for PYTHONPATH: pip and the build backend, unpacked */
  const char *source; /* the file */
  const char *dir;    /* that takes the wheel */
} ia_sdist;

/* *wheel: the new file's name in dir. INVALID with the builder's words. */
IA_MUST bool ia_sdist_build(const ia_build *b, const ia_sdist *s, ia_path *wheel, ia_err *e);

#endif
