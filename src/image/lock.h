/* iapp.lock: what an image is built from, exactly. Debian packages by name, version and SHA-256;
 * files of the host where nothing is fetched; the toolchain; the layer that pip or npm gave. */
#ifndef IA_IMAGE_LOCK_H
#define IA_IMAGE_LOCK_H

#include "base/json.h"
#include "base/types.h"

enum { IA_LOCK_PACKAGES = 1000, IA_LOCK_NAME = 120, IA_LOCK_FILE = 200 };

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

/* A file that pip fetched or that was built, by name and content. */
typedef struct ia_lock_part {
  char file[IA_LOCK_FILE];
  ia_h256 sha256;
} ia_lock_part;

/* A wheel; where none is offered, built in the sandbox from source with these tools. */
typedef struct ia_lock_wheel {
  ia_lock_part wheel;
  ia_lock_part source; /* file "": it was fetched as it is */
  ia_lock_part *tools;
  size_t n_tools;
} ia_lock_wheel;

typedef struct ia_lock {
  char base[16]; /* "c", "sh", "python", "js" */
  char toolchain[160];
  ia_lock_package *packages;
  size_t n_packages;
  ia_lock_file *files;
  size_t n_files;
  char **requested; /* by iapp.config.json and the template, sorted */
  size_t n_requested;
  bool has_requirements;
  ia_h256 requirements;  /* of requirements.txt without comments */
  ia_lock_wheel *wheels; /* sorted by file */
  size_t n_wheels;
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
/* names: NULL-terminated lists; the second may be NULL. */
IA_MUST bool ia_lock_request(ia_lock *l, const char *const *a, const char *const *b, ia_err *e);
/* BAD_CHECKSUM naming what was added or removed since; `what` is the member of iapp.config.json. */
IA_MUST bool ia_lock_same_request(const ia_lock *l, const ia_lock *now, const char *what,
                                  ia_err *e);
/* Letters, digits and . _ + - ! of at most IA_LOCK_FILE - 1; not hidden, not an option. */
bool ia_lock_file_name_ok(const char *name);
/* The new last wheel, zeroed; NULL without memory. */
ia_lock_wheel *ia_lock_add_wheel(ia_lock *l, ia_err *e);
IA_MUST bool ia_lock_add_tool(ia_lock_wheel *w, const ia_lock_part *tool, ia_err *e);
void ia_lock_sort_wheels(ia_lock *l);

#endif
