/* From an archive to verified blobs in the store. */
#include <stdio.h>

#include "crypto/sha.h"
#include "image/private.h"
#include "image/survey.h"

/* ia_oci_open_fn over a source. */
static bool source_blob(void *arg, const ia_h256 *digest, int *fd, ia_err *e)
{
  char name[100];

  (void)snprintf(name, sizeof(name), "blobs/sha256/%s", ia_oci_digest_format(digest).s + 7);
  return ia_source_member(arg, name, fd, e);
}

static bool member_text(ia_source *src, const char *name, ia_buf *out, ia_err *e)
{
  ia_autoclose int fd = -1;

  ia_buf_clear(out);
  return ia_source_member(src, name, &fd, e) && ia_fd_read_all(out, fd, IA_OCI_JSON_CAP, e);
}

/* Reads the source and writes what it reads into the store. */
typedef struct tee {
  int fd;
  ia_images_writer *w;
} tee;

static bool tee_read(void *arg, void *buf, size_t room, size_t *n, ia_err *e)
{
  tee *t = arg;

  return ia_oci_read_fd(&t->fd, buf, room, n, e) && (*n == 0 || ia_images_write(t->w, buf, *n, e));
}

/* What all layers of one import share. */
typedef struct taking {
  ia_images *s;
  ia_source *src;
  const ia_import *what;
  ia_survey *survey;
  ia_oci_usage usage;
} taking;

static bool take_layer(taking *k, int fd, const ia_oci_desc *layer, const ia_h256 *diff_id,
                       ia_err *e)
{
  IA_AUTO(ia_images_writer) *w = NULL;
  ia_h256 digest;

  if (!ia_images_begin(&w, k->s, e) || !ia_survey_next(k->survey, &layer->digest, e))
    return false;
  tee t = {fd, w};
  return ia_oci_layer_survey(ia_model_entry, ia_survey_model(k->survey), layer, diff_id, tee_read,
                             &t, &k->what->limits, &k->usage, e) &&
         ia_images_commit(&w, &digest, NULL, e);
}

static bool take_document(ia_images *s, ia_source *src, const ia_h256 *digest, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_h256 stored;

  return ia_oci_read_document(&text, digest, source_blob, src, e) &&
         ia_images_put(s, &stored, ia_buf_view(&text), e);
}

/* Documents between the image's digest and its manifest: indexes. */
static bool take_indexes(ia_images *s, ia_source *src, const ia_h256 *image,
                         const ia_h256 *manifest, ia_err *e)
{
  ia_oci_desc at = {.digest = *image};

  while (!ia_h256_eq(&at.digest, manifest)) {
    IA_AUTOV(ia_buf) text = {0};

    if (!take_document(s, src, &at.digest, e) ||
        !ia_oci_read_document(&text, &at.digest, source_blob, src, e) ||
        !ia_oci_index_pick(&at, ia_buf_view(&text), NULL, e))
      return false;
  }
  return take_document(s, src, manifest, e);
}

static bool import_oci(taking *k, const ia_h256 *image, ia_err *e)
{
  ia_autofree ia_oci_manifest *m = malloc(sizeof(*m));
  IA_AUTO(ia_oci_config) *c = NULL;
  ia_source *src = k->src;
  ia_h256 manifest;

  if (!m)
    return ia_fail(e, IA_E_MEMORY, "image");
  if (!ia_oci_resolve(m, &c, &manifest, image, source_blob, src, e))
    return false;
  for (size_t i = 0; i < m->n_layers; i++) {
    ia_autoclose int fd = -1;

    if (!source_blob(src, &m->layers[i].digest, &fd, e) ||
        !take_layer(k, fd, &m->layers[i], &c->diff_ids[i], e))
      return ia_wrap(e, "layer %zu", i);
  }
  /* last what names the rest, so that a manifest here means a whole image */
  return ia_survey_judge(k->survey, c, e) && take_document(k->s, src, &m->config.digest, e) &&
         take_indexes(k->s, src, image, &manifest, e);
}

static bool choose_oci(ia_source *src, const ia_import *what, ia_h256 *image, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_oci_desc desc;

  if (!member_text(src, "oci-layout", &text, e) || !ia_oci_layout_check(ia_buf_view(&text), e))
    return false;
  if (what->want) {
    *image = *what->want;
    return true;
  }
  if (!member_text(src, "index.json", &text, e) ||
      !ia_oci_index_pick(&desc, ia_buf_view(&text), what->ref, e))
    return false;
  *image = desc.digest;
  return true;
}

/* The media type that says how the bytes are packed (OCI image layer specification). */
static bool media_of(int fd, const char **media, uint64_t *size, ia_err *e)
{
  uint8_t head[4] = {0};
  off_t end = lseek(fd, 0, SEEK_END);

  if (end < 0 || pread(fd, head, sizeof(head), 0) < 0 || lseek(fd, 0, SEEK_SET) != 0)
    return ia_fail_errno(e, "layer");
  *size = (uint64_t)end;
  *media = head[0] == 0x1f && head[1] == 0x8b ? "application/vnd.oci.image.layer.v1.tar+gzip"
           : memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0
               ? "application/vnd.oci.image.layer.v1.tar+zstd"
               : "application/vnd.oci.image.layer.v1.tar";
  return true;
}

static bool digest_fd(int fd, ia_h256 *out, ia_err *e)
{
  IA_AUTO(ia_sha) *sha = NULL;
  uint8_t buf[16384];

  if (!ia_sha_new(&sha, IA_SHA256, e))
    return false;
  for (size_t n = 1; n > 0;) {
    if (!ia_oci_read_fd(&fd, buf, sizeof(buf), &n, e))
      return false;
    ia_sha_update(sha, ia_span_of(buf, n));
  }
  if (lseek(fd, 0, SEEK_SET) != 0)
    return ia_fail_errno(e, "layer");
  return ia_sha_final(sha, out->b, e);
}

static json_t *descriptor(const char *media, const ia_h256 *digest, uint64_t size)
{
  return json_pack("{s:s, s:s, s:I}", "mediaType", media, "digest", ia_oci_digest_format(digest).s,
                   "size", (json_int_t)size);
}

static bool docker_layers(taking *k, const ia_oci_docker *docker, const ia_oci_config *c,
                          json_t *list, ia_err *e)
{
  for (size_t i = 0; i < docker->layers.n; i++) {
    ia_oci_desc desc = {.kind = IA_OCI_LAYER};
    ia_autoclose int fd = -1;
    const char *media = NULL;

    if (!ia_source_member(k->src, docker->layers.v[i], &fd, e) ||
        !media_of(fd, &media, &desc.size, e) || !digest_fd(fd, &desc.digest, e) ||
        !take_layer(k, fd, &desc, &c->diff_ids[i], e))
      return ia_wrap(e, "layer %zu", i);
    if (json_array_append_new(list, descriptor(media, &desc.digest, desc.size)) != 0)
      return ia_fail(e, IA_E_MEMORY, "image");
  }
  return true;
}

static bool import_docker(taking *k, ia_h256 *image, ia_err *e)
{
  ia_images *s = k->s;
  IA_AUTOV(ia_oci_docker) docker = {0};
  IA_AUTO(ia_oci_config) *c = NULL;
  IA_AUTO_JSON *layers = json_array(), *manifest = NULL;
  IA_AUTOV(ia_buf) text = {0};
  ia_h256 digest;

  if (!member_text(k->src, "manifest.json", &text, e) ||
      !ia_oci_docker_parse(&docker, ia_buf_view(&text), k->what->ref, e) ||
      !member_text(k->src, docker.config, &text, e) ||
      !ia_oci_config_parse(&c, ia_buf_view(&text), e))
    return false;
  if (c->n_layers != docker.layers.n)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "image: %zu layers, %zu diff_ids", docker.layers.n,
                   c->n_layers);
  if (!docker_layers(k, &docker, c, layers, e) || !ia_survey_judge(k->survey, c, e) ||
      !ia_images_put(s, &digest, ia_buf_view(&text), e))
    return false;
  manifest = json_pack("{s:i, s:s, s:o, s:O}", "schemaVersion", 2, "mediaType",
                       "application/vnd.oci.image.manifest.v1+json", "config",
                       descriptor("application/vnd.oci.image.config.v1+json", &digest, text.len),
                       "layers", layers);
  ia_buf_clear(&text);
  if (!manifest)
    return ia_fail(e, IA_E_MEMORY, "image");
  return ia_json_canonical(&text, manifest, e) && ia_images_put(s, image, ia_buf_view(&text), e);
}

static bool import_source(taking *k, ia_h256 *image, ia_err *e)
{
  const ia_import *what = k->what;

  /* newer engines write both forms into one archive: the layout has the digests */
  if (ia_source_has(k->src, "oci-layout"))
    return choose_oci(k->src, what, image, e) &&
           (ia_images_get(k->s, NULL, image, NULL) || import_oci(k, image, e));
  if (!ia_source_has(k->src, "manifest.json")) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "neither an OCI layout nor a docker archive");
    return ia_hint(e, "docker save -o app.tar NAME:TAG");
  }
  if (!import_docker(k, image, e))
    return false;
  if (what->want && !ia_h256_eq(what->want, image))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "the archive holds another image: %s",
                   ia_oci_digest_format(image).s);
  return true;
}

bool ia_images_import(ia_images *s, ia_h256 *image, const ia_import *what, ia_err *e)
{
  IA_AUTO(ia_source) *src = NULL;
  IA_AUTO(ia_survey) *survey = NULL;
  ia_h256 file;
  bool known = false;

  if (!ia_images_seen(s, what, &file, &known, image, e))
    return false;
  if (known)
    return true;
  if (!ia_source_open(&src, s, what->path, &what->limits, e) ||
      !ia_survey_new(&survey, s, &what->limits, e))
    return false;
  taking k = {.s = s, .src = src, .what = what, .survey = survey};
  return import_source(&k, image, e) && ia_images_note(s, what, src, &file, image, e);
}
