/* A layer made from named contents: entries sorted bytewise, owner 0, one fixed time, zstd of one
 * level; so the same contents give the same digest. */
#ifndef IA_IMAGE_MAKER_H
#define IA_IMAGE_MAKER_H

#include "image/store.h"

/* 1980-01-01, the earliest time that zip archives can hold, in Unix seconds. */
#define IA_MAKER_TIME ((int64_t)315532800)

typedef struct ia_maker ia_maker;

IA_MUST bool ia_maker_new(ia_maker **out, ia_err *e);
void ia_maker_free(ia_maker *m); /* NULL is fine */
IA_DEFINE_AUTO(ia_maker, ia_maker_free)
size_t ia_maker_count(const ia_maker *m);

/* Paths are relative ("app/src/app.py"); folders above are added by themselves. A path given again
 * replaces what was there. */
IA_MUST bool ia_maker_bytes(ia_maker *m, const char *path, unsigned mode, ia_span bytes, ia_err *e);
IA_MUST bool ia_maker_link(ia_maker *m, const char *path, const char *target, ia_err *e);
/* A regular file of the host, read when the layer is written. */
IA_MUST bool ia_maker_file(ia_maker *m, const char *path, unsigned mode, const char *host,
                           ia_err *e);
/* A folder of the host with all below it: files, folders, links. skip (may be NULL) says which
 * paths of the layer are left out, with what is below them. */
typedef bool (*ia_maker_skip)(const char *path, bool folder);
IA_MUST bool ia_maker_tree(ia_maker *m, const char *path, const char *host, ia_maker_skip skip,
                           ia_err *e);

IA_MUST bool ia_maker_write(ia_maker *m, ia_images *s, ia_oci_desc *desc, ia_h256 *diff_id,
                            ia_err *e);

/* -- the image around layers -- */
typedef struct ia_image_layer {
  ia_oci_desc desc;
  ia_h256 diff_id;
} ia_image_layer;

typedef struct ia_image_plan {
  ia_image_layer layers[4];
  size_t n_layers;
  const char *const *entrypoint; /* NULL-terminated */
  const char *const *env;        /* NULL-terminated */
  const char *workdir;
  const json_t *labels;
} ia_image_plan;
/* Configuration and manifest in canonical JSON; their digest is the image's. */
IA_MUST bool ia_image_assemble(ia_images *s, ia_h256 *image, const ia_image_plan *plan, ia_err *e);

#endif
