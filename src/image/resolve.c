/* From a digest to a checked image: every document and layer by its SHA-256. */
#include "base/file.h"
#include "crypto/sha.h"
#include "image/unpack.h"

bool ia_oci_read_document(ia_buf *out, const ia_h256 *digest, ia_oci_open_fn open_blob, void *arg,
                          ia_err *e)
{
  ia_autoclose int fd = -1;
  ia_h256 have;

  ia_buf_clear(out);
  if (!open_blob(arg, digest, &fd, e) || !ia_fd_read_all(out, fd, IA_OCI_JSON_CAP, e))
    return ia_wrap(e, "image document %.15s", ia_oci_digest_format(digest).s);
  ia_sha256(&have, ia_buf_view(out));
  if (!ia_h256_eq(&have, digest))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "image document is not the one of %s",
                   ia_oci_digest_format(digest).s);
  return true;
}

bool ia_oci_resolve(ia_oci_manifest *manifest, ia_oci_config **config, ia_h256 *manifest_digest,
                    const ia_h256 *image, ia_oci_open_fn open_blob, void *arg, ia_err *e)
{
  IA_AUTO(ia_oci_config) *c = NULL;
  IA_AUTOV(ia_buf) text = {0};
  ia_oci_desc at = {.digest = *image};

  *config = NULL;
  for (int depth = 0;; depth++) {
    bool index;

    if (!ia_oci_read_document(&text, &at.digest, open_blob, arg, e) ||
        !ia_oci_is_index(&index, ia_buf_view(&text), e))
      return false;
    if (depth > 0 && at.size != text.len)
      return ia_fail(e, IA_E_IMAGE_REFUSED, "image: a size in the index is wrong");
    if (!index)
      break;
    if (depth == IA_OCI_INDEX_DEPTH)
      return ia_fail(e, IA_E_IMAGE_REFUSED, "image: indexes nested deeper than %d",
                     IA_OCI_INDEX_DEPTH);
    if (!ia_oci_index_pick(&at, ia_buf_view(&text), NULL, e))
      return false;
  }
  if (manifest_digest)
    *manifest_digest = at.digest;
  if (!ia_oci_manifest_parse(manifest, ia_buf_view(&text), e) ||
      !ia_oci_read_document(&text, &manifest->config.digest, open_blob, arg, e) ||
      !ia_oci_config_parse(&c, ia_buf_view(&text), e))
    return false;
  if (c->n_layers != manifest->n_layers)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "image: %zu layers, %zu diff_ids", manifest->n_layers,
                   c->n_layers);
  *config = ia_steal(&c);
  return true;
}

static bool load(ia_oci_config **config, ia_oci_usage *usage, const ia_h256 *image, int root_fd,
                 ia_oci_open_fn open_blob, void *arg, const ia_oci_limits *limits, ia_err *e)
{
  IA_AUTO(ia_oci_config) *c = NULL;
  ia_autofree ia_oci_manifest *m = malloc(sizeof(*m));

  *config = NULL;
  if (!m)
    return ia_fail(e, IA_E_MEMORY, "image");
  if (!ia_oci_resolve(m, &c, NULL, image, open_blob, arg, e))
    return false;
  for (size_t i = 0; i < m->n_layers; i++) {
    ia_autoclose int fd = -1;

    if (!open_blob(arg, &m->layers[i].digest, &fd, e) ||
        !ia_oci_layer_apply(root_fd, &m->layers[i], &c->diff_ids[i], ia_oci_read_fd, &fd, limits,
                            usage, NULL, e))
      return ia_wrap(e, "layer %zu", i);
  }
  *config = ia_steal(&c);
  return true;
}

bool ia_oci_image_load(ia_oci_config **config, const ia_h256 *image, int root_fd,
                       ia_oci_open_fn open_blob, void *arg, const ia_oci_limits *limits, ia_err *e)
{
  ia_oci_usage usage = {0};

  return load(config, &usage, image, root_fd, open_blob, arg, limits, e);
}

bool ia_oci_image_measure(ia_oci_usage *out, const ia_h256 *image, ia_oci_open_fn open_blob,
                          void *arg, const ia_oci_limits *limits, ia_err *e)
{
  IA_AUTO(ia_oci_config) *c = NULL;

  *out = (ia_oci_usage){0};
  return load(&c, out, image, -1, open_blob, arg, limits, e);
}
