/* One image layer: decompress (none, gzip, zstd by magic), verify twice (SHA-256 of the stored
 * bytes against the descriptor, of the tar against diff_ids), and unpack by rules that hold for
 * hostile layers. Shared by the host (checks at import) and the guest (unpacks what it will run).
 *
 * Paths are split at '/', "" and "." dropped, ".." refused; parents are resolved inside the root
 * (openat2 RESOLVE_IN_ROOT, no magic links), the last component is never followed. Devices, fifos
 * and sockets are skipped; setuid and setgid bits cleared; owners not restored; folders get |0755,
 * files |0444 (+0111 when any x). `.wh.NAME` removes, `.wh..wh..opq` empties what lower layers put
 * there. A hardlink must name a regular file that is in the root already. */
#ifndef IA_IMAGE_UNPACK_H
#define IA_IMAGE_UNPACK_H

#include "image/oci.h"
#include "image/tar.h"

typedef struct ia_oci_limits {
  uint64_t packed;   /* bytes of all layers as stored */
  uint64_t unpacked; /* bytes of all files */
  uint64_t file;     /* bytes of one file */
  uint64_t entries;
  unsigned ratio; /* unpacked : packed, judged beyond 64 MiB unpacked */
  unsigned depth; /* components of a path */
} ia_oci_limits;

/* 2 GiB, 8 GiB, 2 GiB, 500 000, 200, 64. */
ia_oci_limits ia_oci_limits_default(void);

/* Counted over the layers of one image; zeroed before the first. */
typedef struct ia_oci_usage {
  uint64_t packed, unpacked, entries;
  uint64_t skipped; /* devices, fifos, sockets */
} ia_oci_usage;

/* Reads one layer to its end. root_fd: an open folder that takes the tree, base layer first; -1
 * checks all but the file system. diff_id NULL when the tar's digest is not known; tar_digest
 * (may be NULL) receives it. Errors: IMAGE_REFUSED with the rule; a failed layer leaves rubbish in
 * root_fd, which the caller removes. */
IA_MUST bool ia_oci_layer_apply(int root_fd, const ia_oci_desc *layer, const ia_h256 *diff_id,
                                ia_read_fn read, void *arg, const ia_oci_limits *limits,
                                ia_oci_usage *usage, ia_h256 *tar_digest, ia_err *e);

/* Each entry of a layer after its rules were checked: path and target (of a hardlink) normalised.
 */
typedef bool (*ia_oci_entry_fn)(void *arg, const ia_tar_entry *en, const char *path,
                                const char *target, ia_err *e);
/* ia_oci_layer_apply without a file system, that tells each entry. */
IA_MUST bool ia_oci_layer_survey(ia_oci_entry_fn entry, void *entry_arg, const ia_oci_desc *layer,
                                 const ia_h256 *diff_id, ia_read_fn read, void *arg,
                                 const ia_oci_limits *limits, ia_oci_usage *usage, ia_err *e);

/* A plain tar into a folder by the same rules, but a folder in it may be a link to a folder that is
 * there already, as package managers have it. */
IA_MUST bool ia_oci_tar_unpack(int root_fd, ia_read_fn read, void *arg, const ia_oci_limits *limits,
                               ia_oci_usage *usage, ia_err *e);

/* An ia_read_fn over a descriptor: arg is an int *. */
bool ia_oci_read_fd(void *arg, void *buf, size_t room, size_t *n, ia_err *e);

/* Bytes of a blob by its digest, from wherever: all are checked. *fd is the caller's to close. */
typedef bool (*ia_oci_open_fn)(void *arg, const ia_h256 *digest, int *fd, ia_err *e);
/* The image behind a digest of a manifest, or of an index (resolved to linux/amd64): checked
 * documents that agree in their number of layers. manifest_digest may be NULL. */
IA_MUST bool ia_oci_resolve(ia_oci_manifest *manifest, ia_oci_config **config,
                            ia_h256 *manifest_digest, const ia_h256 *image,
                            ia_oci_open_fn open_blob, void *arg, ia_err *e);
/* ia_oci_resolve, then every layer in order by ia_oci_layer_apply. */
IA_MUST bool ia_oci_image_load(ia_oci_config **config, const ia_h256 *image, int root_fd,
                               ia_oci_open_fn open_blob, void *arg, const ia_oci_limits *limits,
                               ia_err *e);
/* What the image takes when it is unpacked, without a file system: every layer is read. */
IA_MUST bool ia_oci_image_measure(ia_oci_usage *out, const ia_h256 *image, ia_oci_open_fn open_blob,
                                  void *arg, const ia_oci_limits *limits, ia_err *e);
/* A small document (at most IA_OCI_JSON_CAP) whose SHA-256 must be `digest`. */
IA_MUST bool ia_oci_read_document(ia_buf *out, const ia_h256 *digest, ia_oci_open_fn open_blob,
                                  void *arg, ia_err *e);

#endif
