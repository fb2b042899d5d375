/* Images of projects: C (the host's compiler, a static program in an otherwise empty image), sh
 * (the host's shell and tools), Python and Node (Debian packages). Reproducible: what goes in is
 * named in iapp.lock, and two builds from one lock and the same sources give the same digest. */
#ifndef IA_IMAGE_BUILD_H
#define IA_IMAGE_BUILD_H

#include "image/debian.h"

typedef enum ia_lang { IA_LANG_C, IA_LANG_SH, IA_LANG_PYTHON, IA_LANG_JS, IA_LANG_COUNT } ia_lang;

/* By name ("c", "sh", "python", "js"), or by the word in iapp.config.json's template ("Python3.13",
 * "JavaScript", ..); false when it is neither. */
bool ia_lang_parse(ia_lang *out, const char *text);
const char *ia_lang_name(ia_lang lang);

typedef struct ia_build {
  const char *project; /* folder with src/app.c, app.sh, app.py or app.js */
  ia_lang lang;
  const char *name;          /* label; may be NULL */
  const char *const *debian; /* extra packages, NULL-terminated; may be NULL */
  const char *const
      *libraries;            /* static ones for a C program ("jansson"); NULL-terminated or NULL */
  const json_t *content;     /* number of a requester's secret -> member with an address; or NULL */
  uint64_t memory;           /* that the app asks for, bytes; 0 = it says nothing */
  const char *cache;         /* folder for packages: HOME/bases */
  bool update_lock;          /* resolve anew */
  bool no_cache;             /* make the base layer anew */
  const char *const *absent; /* libraries that wheels may name and that are not needed; or NULL */
  ia_build_say say;
  ia_build_say words; /* a failed tool's own explanation, several lines; may be NULL */
  void *ctx;
} ia_build;

/* Builds into the store (which also keeps base layers) and writes project/iapp.lock when there was
 * none or it was updated. */
IA_MUST bool ia_build_image(ia_images *s, ia_h256 *image, const ia_build *b, ia_err *e);

#endif
