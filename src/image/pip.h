/* pip as a tool of the host: it resolves and fetches, and never runs code of a package. What it
 * says when it fails becomes an error with a fix. */
#ifndef IA_IMAGE_PIP_H
#define IA_IMAGE_PIP_H

#include "image/build.h"

/* requirements.txt without comments and continued lines; each line pins one version of one package
 * by its name (no options, files or addresses, whose code would run on this host). */
IA_MUST bool ia_pip_requirements(ia_buf *out, const char *path, ia_err *e);

/* Wheels of folder/requirements.txt and of all that they need into `dir`; wheels in `built` count
 * as offered. On failure *missing (may be NULL) gets the requirements that pip names in its
 * explanation, one a line. */
IA_MUST bool ia_pip_download(const ia_build *b, const char *folder, const char *dir,
                             const char *built, ia_buf *missing, ia_err *e);
/* The same for single requirements ("name==1.0"), NULL-terminated. */
IA_MUST bool ia_pip_download_names(const ia_build *b, const char *const *names, bool with_needs,
                                   const char *dir, ia_err *e);
/* Unpacks the wheels of "name==1.0", each found in one of the folders, into a folder. By name, as
 * pip would note the path of a file among what it installs. */
IA_MUST bool ia_pip_install(const ia_build *b, const char *const *names, const char *const *folders,
                            const char *dir, ia_err *e);

typedef struct ia_pip_source {
  ia_lock_part part;
  char *requires[64]; /* what builds it, "setuptools>=40"; owned */
  size_t n_requires;
} ia_pip_source;
void ia_pip_source_free(ia_pip_source *s);
IA_DEFINE_AUTO_VALUE(ia_pip_source, ia_pip_source_free)
/* Fetches into `dir` the source of the first of `wanted` (one a line) that is offered without a
 * wheel; *found false when there is none. */
IA_MUST bool ia_pip_source_fetch(ia_pip_source *out, bool *found, const char *wanted,
                                 const char *dir, const char *built, ia_err *e);

#endif
