/* iapp.lock: what an image is built from, exactly. Debian packages by name, version and SHA-256;
 * files of the host where nothing is fetched; the toolchain; the layer that pip or npm gave. */
#ifndef IA_IMAGE_LOCK_H
#define IA_IMAGE_LOCK_H

#include "base/json.h"
#include "base/types.h"

enum { IA_LOCK_PACKAGES = 1000, IA_LOCK_NAME = 120 };

typedef struct ia_lock_package {
  char name[IA_LOCK_NAME];
  char version[IA_LOCK_NAME];
  char arch[16];
  ia_h256 sha256; /* of the .deb */
  uint64_t size;
} ia_lock_package;

typedef struct ia_lock_file {
  char path[256];
  char package[IA_LOCK_NAME]; /* Debian package and version on the host; "" when unknown */
  ia_h256 sha256;
} ia_lock_file;

typedef struct ia_lock {
  char base[16]; /* "c", "sh", "python", "js" */
  char toolchain[160];
  ia_lock_package *packages;
  size_t n_packages;
  ia_lock_file *files;
  size_t n_files;
  bool has_dependencies;
  ia_h256 dependencies; /* diff_id of the layer of pip or npm */
} ia_lock;

void ia_lock_free(ia_lock *l);
IA_DEFINE_AUTO_VALUE(ia_lock, ia_lock_free)
/* *found false when there is no file. */
IA_MUST bool ia_lock_read(ia_lock *out, bool *found, const char *path, ia_err *e);
IA_MUST bool ia_lock_parse(ia_lock *out, ia_span text, ia_err *e);
/* Indented JSON, sorted: friendly to version control. */
IA_MUST bool ia_lock_write(const ia_lock *l, const char *path, ia_err *e);
/* "name=version sha256:..; .." of packages and files, for an image label. */
IA_MUST bool ia_lock_label(const ia_lock *l, ia_buf *out, ia_err *e);
IA_MUST bool ia_lock_add_file(ia_lock *l, const ia_lock_file *f, ia_err *e);

#endif
