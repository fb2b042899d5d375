/* An image as an OCI layout in one tar: its documents first, so that the head of the archive says
 * what the image states about itself; then its layers; both sorted, no times, no owners. */
#include <stdio.h>
#include <sys/stat.h>

#include "image/private.h"
#include "image/tarwrite.h"

enum { BLOBS = IA_OCI_LAYERS + IA_OCI_INDEX_DEPTH + 2 };

static bool to_fd(void *arg, const void *buf, size_t n, ia_err *e)
{
  return ia_fd_write_all(*(int *)arg, ia_span_of(buf, n), e);
}

static bool put_text(ia_tar_writer *w, ia_tar_entry *en, const char *name, ia_span text, ia_err *e)
{
  *en = (ia_tar_entry){.type = IA_TAR_FILE, .mode = 0644, .size = text.len};
  (void)snprintf(en->path, sizeof(en->path), "%s", name);
  return ia_tar_write_entry(w, en, e) && ia_tar_write_data(w, text.ptr, text.len, e);
}

static bool put_blob(ia_images *s, ia_tar_writer *w, ia_tar_entry *en, const ia_h256 *digest,
                     ia_err *e)
{
  ia_autoclose int fd = -1;
  uint8_t buf[16384];
  struct stat st;

  if (!ia_images_open_blob(s, digest, &fd, e))
    return false;
  if (fstat(fd, &st) != 0)
    return ia_fail_errno(e, "blob");
  *en = (ia_tar_entry){.type = IA_TAR_FILE, .mode = 0644, .size = (uint64_t)st.st_size};
  (void)snprintf(en->path, sizeof(en->path), "blobs/sha256/%s", ia_oci_digest_format(digest).s + 7);
  if (!ia_tar_write_entry(w, en, e))
    return false;
  for (size_t n = 1; n > 0;) {
    if (!ia_oci_read_fd(&fd, buf, sizeof(buf), &n, e) || !ia_tar_write_data(w, buf, n, e))
      return false;
  }
  return true;
}

typedef struct blob_set {
  ia_h256 v[BLOBS];
  size_t n, n_layers; /* layers stand before the documents */
  bool index;         /* the image's digest is that of an index */
  uint64_t size;
} blob_set;

static void add(blob_set *set, const ia_h256 *digest)
{
  for (size_t i = 0; i < set->n; i++) {
    if (ia_h256_eq(&set->v[i], digest))
      return;
  }
  if (set->n < BLOBS)
    set->v[set->n++] = *digest;
}

static int by_bytes(const void *a, const void *b)
{
  return memcmp(a, b, sizeof(ia_h256));
}

static bool collect(ia_images *s, blob_set *set, const ia_h256 *image, ia_err *e)
{
  ia_autofree ia_oci_manifest *m = malloc(sizeof(*m));
  IA_AUTO(ia_oci_config) *c = NULL;
  IA_AUTOV(ia_buf) text = {0};
  ia_h256 manifest;
  ia_oci_desc at = {.digest = *image};

  if (!m)
    return ia_fail(e, IA_E_MEMORY, "image");
  if (!ia_oci_resolve(m, &c, &manifest, image, ia_images_open_blob, s, e))
    return false;
  for (size_t i = 0; i < m->n_layers; i++)
    add(set, &m->layers[i].digest);
  set->n_layers = set->n;
  add(set, &m->config.digest);
  add(set, &manifest);
  set->index = !ia_h256_eq(image, &manifest);
  if (!ia_oci_read_document(&text, image, ia_images_open_blob, s, e))
    return false;
  set->size = text.len;
  while (!ia_h256_eq(&at.digest, &manifest)) {
    add(set, &at.digest);
    if (!ia_oci_read_document(&text, &at.digest, ia_images_open_blob, s, e) ||
        !ia_oci_index_pick(&at, ia_buf_view(&text), NULL, e))
      return false;
  }
  qsort(set->v, set->n_layers, sizeof(set->v[0]), by_bytes);
  qsort(set->v + set->n_layers, set->n - set->n_layers, sizeof(set->v[0]), by_bytes);
  return true;
}

static bool index_text(ia_buf *out, const blob_set *set, const ia_h256 *image, const char *name,
                       ia_err *e)
{
  IA_AUTO_JSON *desc =
      json_pack("{s:s, s:s, s:I}", "mediaType",
                set->index ? "application/vnd.oci.image.index.v1+json"
                           : "application/vnd.oci.image.manifest.v1+json",
                "digest", ia_oci_digest_format(image).s, "size", (json_int_t)set->size);
  IA_AUTO_JSON *index = NULL;

  if (name && !ia_json_set(desc, "annotations",
                           json_pack("{s:s}", "org.opencontainers.image.ref.name", name), e))
    return false;
  index = json_pack("{s:i, s:s, s:[O]}", "schemaVersion", 2, "mediaType",
                    "application/vnd.oci.image.index.v1+json", "manifests", desc);
  if (!index)
    return ia_fail(e, IA_E_MEMORY, "index");
  return ia_json_canonical(out, index, e);
}

static bool put_blobs(ia_images *s, ia_tar_writer *w, ia_tar_entry *en, const blob_set *set,
                      size_t from, size_t to, ia_err *e)
{
  for (size_t i = from; i < to; i++)
    if (!put_blob(s, w, en, &set->v[i], e))
      return false;
  return true;
}

bool ia_images_export(ia_images *s, const ia_h256 *image, const char *name, int fd, ia_err *e)
{
  static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
  ia_autofree blob_set *set = calloc(1, sizeof(*set));
  ia_autofree ia_tar_entry *en = calloc(1, sizeof(*en));
  ia_tar_writer w = {.write = to_fd, .arg = &fd};
  IA_AUTOV(ia_buf) index = {0};

  if (!set || !en)
    return ia_fail(e, IA_E_MEMORY, "image");
  if (!collect(s, set, image, e) || !index_text(&index, set, image, name, e))
    return false;
  if (!put_blobs(s, &w, en, set, set->n_layers, set->n, e) ||
      !put_text(&w, en, "index.json", ia_buf_view(&index), e) ||
      !put_text(&w, en, "oci-layout", ia_span_str(layout), e))
    return false;
  return put_blobs(s, &w, en, set, 0, set->n_layers, e) && ia_tar_write_end(&w, e);
}
