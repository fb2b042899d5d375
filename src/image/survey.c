/* The layers of an image that an import reads, remembered by names; the content of single files is
 * read again from the stored layer. */
#include "image/survey.h"

#include "image/stream.h"

struct ia_survey {
  ia_images *s;
  ia_model *model;
  ia_oci_limits limits;
  ia_h256 layers[IA_OCI_LAYERS]; /* stored blobs */
  size_t n;
};

bool ia_survey_new(ia_survey **out, ia_images *s, const ia_oci_limits *limits, ia_err *e)
{
  *out = calloc(1, sizeof(**out));
  if (!*out)
    return ia_fail(e, IA_E_MEMORY, "image");
  (*out)->s = s;
  (*out)->limits = *limits;
  if (ia_model_new(&(*out)->model, e))
    return true;
  ia_survey_free(*out);
  *out = NULL;
  return false;
}

void ia_survey_free(ia_survey *v)
{
  if (!v)
    return;
  ia_model_free(v->model);
  free(v);
}

ia_model *ia_survey_model(ia_survey *v)
{
  return v->model;
}

bool ia_survey_next(ia_survey *v, const ia_h256 *layer, ia_err *e)
{
  if (v->n == IA_OCI_LAYERS)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "image: more than %d layers", IA_OCI_LAYERS);
  v->layers[v->n++] = *layer;
  ia_model_layer(v->model);
  return true;
}

/* Bytes of the entry that the tar stands at. */
static bool read_entry(ia_tar *tar, uint64_t offset, uint8_t *buf, size_t room, size_t *n,
                       ia_err *e)
{
  ia_autofree uint8_t *skip = malloc(64 << 10);
  size_t k = 1;

  *n = 0;
  if (!skip)
    return ia_fail(e, IA_E_MEMORY, "layer");
  for (; offset > 0 && k > 0; offset -= k) {
    size_t want = offset < (64 << 10) ? (size_t)offset : 64 << 10;

    if (!ia_tar_read(tar, skip, want, &k, e))
      return false;
  }
  for (k = 1; *n < room && k > 0; *n += k) {
    if (!ia_tar_read(tar, buf + *n, room - *n, &k, e))
      return false;
  }
  return true;
}

static bool read_content(void *arg, const char *path, uint64_t offset, void *buf, size_t room,
                         size_t *n, ia_err *e)
{
  ia_survey *v = arg;
  ia_layer_caps caps = {v->limits.packed, v->limits.unpacked, v->limits.ratio};
  IA_AUTO(ia_layer_stream) *stream = NULL;
  IA_AUTO(ia_tar) *tar = NULL;
  ia_autofree ia_tar_entry *en = malloc(sizeof(*en));
  ia_autoclose int fd = -1;
  uint64_t entry;
  size_t layer;
  bool end;

  if (!en)
    return ia_fail(e, IA_E_MEMORY, "layer");
  if (!ia_model_content(v->model, path, &layer, &entry, e) ||
      !ia_images_open_blob(v->s, &v->layers[layer], &fd, e) ||
      !ia_layer_stream_open(&stream, ia_oci_read_fd, &fd, &caps, e) ||
      !ia_tar_open(&tar, ia_layer_stream_read, stream, e))
    return false;
  do {
    if (!ia_tar_next(tar, en, &end, e))
      return false;
  } while (!end && entry-- > 0);
  return end ? ia_fail(e, IA_E_IMAGE_REFUSED, "layer: /%.100s is missing", path)
             : read_entry(tar, offset, buf, room, n, e);
}

static ia_at look(void *arg, const char *path, char link[IA_TAR_PATH + 1])
{
  return ia_model_look(((ia_survey *)arg)->model, path, link);
}

ia_image_view ia_survey_view(ia_survey *v)
{
  return (ia_image_view){.look = look, .read = read_content, .arg = v};
}

bool ia_survey_judge(ia_survey *v, const ia_oci_config *c, ia_err *e)
{
  ia_autofree ia_image_run *run = malloc(sizeof(*run));
  const ia_image_view view = ia_survey_view(v);

  if (!run)
    return ia_fail(e, IA_E_MEMORY, "image");
  return ia_image_run_of(run, &view, c, e) && ia_image_check_program(&view, c, run, e);
}
