/* Images in a folder of our own: blobs by content, names, imports. What is in blobs/ was verified
 * when it came; whoever runs an image verifies it again from its digest. Nothing that an image
 * names is ever a path here.
 *
 *   DIR/blobs/sha256/<hex>  index, manifest, configuration, layer as stored (0444)
 *   DIR/refs/<name>         a digest, one line
 *   DIR/imports/<hex>       the same, of the image that a file of this digest holds
 *   DIR/tmp/                what is being written; emptied at open
 *
 * A handle may be used by several threads. */
#ifndef IA_IMAGE_STORE_H
#define IA_IMAGE_STORE_H

#include "image/unpack.h"

typedef struct ia_images ia_images;

/* Makes the folder when missing, with mode 0755: guests under other uids read it, and nothing in it
 * is secret. */
IA_MUST bool ia_images_open(ia_images **out, const char *dir, ia_err *e);
void ia_images_close(ia_images *s); /* NULL is fine */
IA_DEFINE_AUTO(ia_images, ia_images_close)
const char *ia_images_dir(const ia_images *s); /* what the guest's box binds at /image */

/* An ia_oci_open_fn; arg is the ia_images. NOT_FOUND. */
bool ia_images_open_blob(void *arg, const ia_h256 *digest, int *fd, ia_err *e);
/* True when every blob of the image is here (NOT_FOUND else); config may be NULL, else the caller
 * frees it. */
IA_MUST bool ia_images_get(ia_images *s, ia_oci_config **config, const ia_h256 *image, ia_err *e);

/* A blob written piece by piece; commit names it by its digest, durably. */
typedef struct ia_images_writer ia_images_writer;
IA_MUST bool ia_images_begin(ia_images_writer **out, ia_images *s, ia_err *e);
IA_MUST bool ia_images_write(ia_images_writer *w, const void *buf, size_t n, ia_err *e);
IA_MUST bool ia_images_commit(ia_images_writer **w, ia_h256 *digest, uint64_t *size, ia_err *e);
void ia_images_abort(ia_images_writer *w); /* NULL is fine */
IA_DEFINE_AUTO(ia_images_writer, ia_images_abort)
/* Bytes in memory. */
IA_MUST bool ia_images_put(ia_images *s, ia_h256 *digest, ia_span bytes, ia_err *e);

/* Names: [A-Za-z0-9._-]{1,100}. */
IA_MUST bool ia_images_tag(ia_images *s, const char *name, const ia_h256 *image, ia_err *e);
IA_MUST bool ia_images_find(ia_images *s, const char *name, ia_h256 *image, ia_err *e);
/* Removes blobs that no named image and none of `keep` needs. */
IA_MUST bool ia_images_gc(ia_images *s, const ia_h256 *keep, size_t n_keep, ia_err *e);

/* Imports an OCI layout (folder or tar) or a docker archive; a tar may be compressed.
 * want: the image that must be found (any other: IMAGE_REFUSED); else ref names one; else it is the
 * only one. An image that cannot run is refused (run.h). A file that was imported before is read
 * once, for its digest, and nothing is written. A docker archive has no manifest: one is made of
 * its configuration and layers, the same for the same archive. Every layer is read whole and
 * checked by ia_oci_layer_apply without a file system. On failure nothing but complete, verified
 * blobs stays. */
typedef struct ia_import {
  const char *path;
  const char *ref;     /* may be NULL */
  const ia_h256 *want; /* may be NULL */
  ia_oci_limits limits;
} ia_import;
IA_MUST bool ia_images_import(ia_images *s, ia_h256 *image, const ia_import *what, ia_err *e);

/* The image as an OCI layout in a tar: the same bytes for the same image and name (NULL: none). */
IA_MUST bool ia_images_export(ia_images *s, const ia_h256 *image, const char *name, int fd,
                              ia_err *e);

#endif
