/* Decoding of image JSON: table-driven media types, strict members, no re-serialisation. */
#include "image/oci.h"

#include <stdio.h>

#include "base/hex.h"

static const struct media {
  const char *type;
  ia_oci_kind kind;
} media_types[] = {
    {"application/vnd.oci.image.index.v1+json", IA_OCI_INDEX},
    {"application/vnd.docker.distribution.manifest.list.v2+json", IA_OCI_INDEX},
    {"application/vnd.oci.image.manifest.v1+json", IA_OCI_MANIFEST},
    {"application/vnd.docker.distribution.manifest.v2+json", IA_OCI_MANIFEST},
    {"application/vnd.oci.image.config.v1+json", IA_OCI_CONFIG},
    {"application/vnd.docker.container.image.v1+json", IA_OCI_CONFIG},
    {"application/vnd.oci.image.layer.v1.tar", IA_OCI_LAYER},
    {"application/vnd.oci.image.layer.v1.tar+gzip", IA_OCI_LAYER},
    {"application/vnd.oci.image.layer.v1.tar+zstd", IA_OCI_LAYER},
    {"application/vnd.docker.image.rootfs.diff.tar", IA_OCI_LAYER},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip", IA_OCI_LAYER},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd", IA_OCI_LAYER},
};

bool ia_oci_digest_parse(ia_h256 *out, const char *text, ia_err *e)
{
  if (strncmp(text, "sha256:", 7) != 0 || strlen(text) != 71 ||
      strspn(text + 7, "0123456789abcdef") != 64 ||
      !ia_unhex(out->b, sizeof(out->b), ia_span_of(text + 7, 64)))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "digest is not sha256 of 64 lower-case digits: %.80s",
                   text);
  return true;
}

ia_oci_digest_text ia_oci_digest_format(const ia_h256 *digest)
{
  ia_oci_digest_text t = {"sha256:"};

  ia_hex(t.s + 7, digest->b, sizeof(digest->b));
  return t;
}

static json_t *parse(ia_span text, const char *what, ia_err *e)
{
  json_t *v = NULL;

  if (text.len > IA_OCI_JSON_CAP) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "%s: %zu bytes, at most %d", what, text.len,
                  IA_OCI_JSON_CAP);
    return NULL;
  }
  v = ia_json_parse(text, 0, e);
  if (!v && e) {
    e->code = IA_E_IMAGE_REFUSED;
    (void)ia_wrap(e, "%s", what);
  }
  return v;
}

static bool refuse(ia_err *e, const char *what)
{
  if (e)
    e->code = IA_E_IMAGE_REFUSED;
  return ia_wrap(e, "%s", what);
}

static bool kind_of(ia_oci_kind *kind, const char *media, ia_err *e)
{
  for (size_t i = 0; i < IA_COUNT(media_types); i++) {
    if (strcmp(media, media_types[i].type) == 0) {
      *kind = media_types[i].kind;
      return true;
    }
  }
  if (strstr(media, "encrypted"))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "encrypted layers are not supported: %.100s", media);
  if (strstr(media, "nondistributable") || strstr(media, "foreign"))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layers kept elsewhere are not supported: %.100s", media);
  return ia_fail(e, IA_E_IMAGE_REFUSED, "unknown media type %.100s", media);
}

static bool parse_desc(ia_oci_desc *d, const json_t *v, ia_err *e)
{
  const char *media, *digest;

  if (!json_is_object(v))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "descriptor is no object");
  if (!ia_json_get_str(v, "mediaType", &media, e) || !ia_json_get_str(v, "digest", &digest, e) ||
      !ia_json_get_u64(v, "size", &d->size, e))
    return refuse(e, "descriptor");
  if (json_is_array(json_object_get(v, "urls")) && json_array_size(json_object_get(v, "urls")) > 0)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layers kept elsewhere (urls) are not supported");
  return kind_of(&d->kind, media, e) && ia_oci_digest_parse(&d->digest, digest, e);
}

bool ia_oci_layout_check(ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = parse(text, "oci-layout", e);
  const char *version;

  if (!v)
    return false;
  if (!ia_json_get_str(v, "imageLayoutVersion", &version, e))
    return refuse(e, "oci-layout");
  if (strcmp(version, "1.0.0") != 0)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "oci-layout: version %.20s, want 1.0.0", version);
  return true;
}

/* Text member of an object member; "" when either is absent. */
static const char *inner(const json_t *v, const char *object, const char *key)
{
  const char *s = json_string_value(json_object_get(json_object_get(v, object), key));

  return s ? s : "";
}

/* Among descriptors of images: by name, else the only one, else the only one of linux/amd64. */
static bool choose(const json_t **out, const json_t *list, const char *ref, ia_err *e)
{
  const json_t *v, *any = NULL, *fits = NULL;
  size_t i, n_any = 0, n_fits = 0;

  json_array_foreach (list, i, v) {
    const char *media = json_string_value(json_object_get(v, "mediaType"));
    ia_oci_kind kind;

    if (!media || !kind_of(&kind, media, NULL) || (kind != IA_OCI_MANIFEST && kind != IA_OCI_INDEX))
      continue;
    if (ref && strcmp(inner(v, "annotations", "org.opencontainers.image.ref.name"), ref) == 0) {
      *out = v;
      return true;
    }
    if (strcmp(inner(v, "platform", "os"), "linux") == 0 &&
        strcmp(inner(v, "platform", "architecture"), "amd64") == 0) {
      fits = v;
      n_fits++;
    }
    any = v;
    n_any++;
  }
  if (ref)
    return ia_fail(e, IA_E_NOT_FOUND, "no image named %.100s in the index", ref);
  *out = n_any == 1 ? any : n_fits == 1 ? fits : NULL;
  if (!*out)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "%zu images in the index, %zu for linux/amd64: name one",
                   n_any, n_fits);
  return true;
}

bool ia_oci_index_pick(ia_oci_desc *out, ia_span text, const char *ref, ia_err *e)
{
  IA_AUTO_JSON *v = parse(text, "index", e);
  const json_t *chosen = NULL;
  uint64_t schema;
  json_t *list;

  if (!v)
    return false;
  if (!ia_json_get_u64(v, "schemaVersion", &schema, e) ||
      !ia_json_get_arr(v, "manifests", &list, e))
    return refuse(e, "index");
  if (schema != 2)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "index: schemaVersion %llu, want 2",
                   (unsigned long long)schema);
  return choose(&chosen, list, ref, e) && parse_desc(out, chosen, e);
}

bool ia_oci_is_index(bool *index, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = parse(text, "manifest", e);

  if (!v)
    return false;
  bool manifests = json_object_get(v, "manifests") != NULL;
  /* a document that is both would be read differently by different readers */
  if (manifests == (json_object_get(v, "config") != NULL || json_object_get(v, "layers") != NULL))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "neither an image index nor an image manifest");
  *index = manifests;
  return true;
}

bool ia_oci_manifest_parse(ia_oci_manifest *out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = parse(text, "manifest", e);
  json_t *config, *layers;
  uint64_t schema;

  memset(out, 0, sizeof(*out));
  if (!v)
    return false;
  if (!ia_json_get_u64(v, "schemaVersion", &schema, e) || schema != 2)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "manifest: schemaVersion is not 2");
  if (json_object_get(v, "manifests"))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "manifest: holds an index as well");
  if (!ia_json_get_obj(v, "config", &config, e) || !ia_json_get_arr(v, "layers", &layers, e))
    return refuse(e, "manifest");
  if (!parse_desc(&out->config, config, e))
    return ia_wrap(e, "manifest: config");
  if (out->config.kind != IA_OCI_CONFIG || out->config.size > IA_OCI_JSON_CAP)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "manifest: config is no image configuration");
  out->n_layers = json_array_size(layers);
  if (out->n_layers == 0 || out->n_layers > IA_OCI_LAYERS)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "manifest: %zu layers, want 1 to %d", out->n_layers,
                   IA_OCI_LAYERS);
  for (size_t i = 0; i < out->n_layers; i++) {
    if (!parse_desc(&out->layers[i], json_array_get(layers, i), e))
      return ia_wrap(e, "manifest: layer %zu", i);
    if (out->layers[i].kind != IA_OCI_LAYER)
      return ia_fail(e, IA_E_IMAGE_REFUSED, "manifest: layer %zu is no layer", i);
  }
  return true;
}

void ia_oci_words_free(ia_oci_words *w)
{
  for (size_t i = 0; i < w->n; i++)
    free(w->v[i]);
  free(w->v);
  *w = (ia_oci_words){0};
}

/* An array of texts; null and absence are an empty list. */
static bool get_words(ia_oci_words *w, const json_t *obj, const char *key, ia_err *e)
{
  const json_t *list = json_object_get(obj, key), *v;
  size_t i, n = json_array_size(list);

  if (list && !json_is_null(list) && !json_is_array(list))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "%s: want a list of texts", key);
  if (n > IA_OCI_WORDS)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "%s: %zu words, at most %d", key, n, IA_OCI_WORDS);
  w->v = calloc(n + 1, sizeof(*w->v));
  if (!w->v)
    return ia_fail(e, IA_E_MEMORY, "%s", key);
  json_array_foreach (list, i, v) {
    if (!json_is_string(v))
      return ia_fail(e, IA_E_IMAGE_REFUSED, "%s[%zu]: want a text", key, i);
    w->v[i] = strdup(json_string_value(v));
    if (!w->v[i])
      return ia_fail(e, IA_E_MEMORY, "%s", key);
    w->n++;
  }
  return true;
}

static bool get_diff_ids(ia_oci_config *c, const json_t *root, ia_err *e)
{
  const json_t *list = json_object_get(json_object_get(root, "rootfs"), "diff_ids");

  c->n_layers = json_array_size(list);
  if (strcmp(inner(root, "rootfs", "type"), "layers") != 0 || c->n_layers == 0 ||
      c->n_layers > IA_OCI_LAYERS)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "configuration: rootfs lists no layers");
  for (size_t i = 0; i < c->n_layers; i++) {
    const char *text = json_string_value(json_array_get(list, i));

    if (!ia_oci_digest_parse(&c->diff_ids[i], text ? text : "", e))
      return ia_wrap(e, "configuration: diff_ids[%zu]", i);
  }
  return true;
}

static bool get_labels(ia_oci_config *c, const json_t *config, ia_err *e)
{
  json_t *labels = json_object_get(config, "Labels"), *v;
  const char *key;

  if (!labels || json_is_null(labels))
    return true;
  if (!json_is_object(labels))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "configuration: Labels is no object");
  json_object_foreach (labels, key, v) {
    if (!json_is_string(v))
      return ia_fail(e, IA_E_IMAGE_REFUSED, "configuration: label %.60s is no text", key);
  }
  c->labels = json_incref(labels);
  return true;
}

static bool get_run(ia_oci_config *c, const json_t *config, ia_err *e)
{
  const char *dir = json_string_value(json_object_get(config, "WorkingDir"));
  const char *user = json_string_value(json_object_get(config, "User"));

  if (config && !json_is_null(config) && !json_is_object(config))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "configuration: config is no object");
  if (!get_words(&c->env, config, "Env", e) ||
      !get_words(&c->entrypoint, config, "Entrypoint", e) ||
      !get_words(&c->cmd, config, "Cmd", e) || !get_labels(c, config, e))
    return ia_wrap(e, "configuration");
  for (size_t i = 0; i < c->env.n; i++) {
    if (c->env.v[i][0] == '=' || !strchr(c->env.v[i], '='))
      return ia_fail(e, IA_E_IMAGE_REFUSED, "configuration: Env[%zu] is not NAME=value", i);
  }
  if (dir && dir[0] && dir[0] != '/')
    return ia_fail(e, IA_E_IMAGE_REFUSED, "configuration: WorkingDir is not absolute");
  c->workdir = strdup(dir && dir[0] ? dir : "/");
  c->user = strdup(user ? user : "");
  return (c->workdir && c->user) || ia_fail(e, IA_E_MEMORY, "configuration");
}

bool ia_oci_config_parse(ia_oci_config **out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = parse(text, "configuration", e);
  IA_AUTO(ia_oci_config) *c = NULL;
  const char *arch, *os;

  *out = NULL;
  if (!v)
    return false;
  c = calloc(1, sizeof(*c));
  if (!c)
    return ia_fail(e, IA_E_MEMORY, "configuration");
  if (!ia_json_get_str(v, "architecture", &arch, e) || !ia_json_get_str(v, "os", &os, e))
    return refuse(e, "configuration");
  if (strcmp(arch, "amd64") != 0 || strcmp(os, "linux") != 0) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "the image is for %.20s/%.20s, this runs linux/amd64", os,
                  arch);
    return ia_hint(e, "build it for linux/amd64");
  }
  if (!get_diff_ids(c, v, e) || !get_run(c, json_object_get(v, "config"), e))
    return false;
  *out = ia_steal(&c);
  return true;
}

void ia_oci_config_free(ia_oci_config *c)
{
  if (!c)
    return;
  ia_oci_words_free(&c->env);
  ia_oci_words_free(&c->entrypoint);
  ia_oci_words_free(&c->cmd);
  free(c->workdir);
  free(c->user);
  json_decref(c->labels);
  free(c);
}

static bool has_tag(const json_t *entry, const char *ref)
{
  const json_t *v;
  size_t i;

  json_array_foreach (json_object_get(entry, "RepoTags"), i, v) {
    if (json_is_string(v) && strcmp(json_string_value(v), ref) == 0)
      return true;
  }
  return false;
}

bool ia_oci_docker_parse(ia_oci_docker *out, ia_span text, const char *ref, ia_err *e)
{
  IA_AUTO_JSON *v = parse(text, "manifest.json", e);
  const json_t *entry, *chosen = NULL;
  const char *config;
  size_t i;

  *out = (ia_oci_docker){0};
  if (!v)
    return false;
  json_array_foreach (v, i, entry) {
    if (ref ? has_tag(entry, ref) : json_array_size(v) == 1)
      chosen = entry;
  }
  if (!chosen)
    return ref ? ia_fail(e, IA_E_NOT_FOUND, "no image named %.100s in the archive", ref)
               : ia_fail(e, IA_E_IMAGE_REFUSED, "manifest.json: %zu images: name one",
                         json_array_size(v));
  if (!ia_json_get_str(chosen, "Config", &config, e))
    return refuse(e, "manifest.json");
  out->config = strdup(config);
  if (!out->config || !get_words(&out->layers, chosen, "Layers", e)) {
    ia_oci_docker_free(out);
    return ia_wrap(e, "manifest.json");
  }
  if (out->layers.n == 0 || out->layers.n > IA_OCI_LAYERS) {
    size_t n = out->layers.n;

    ia_oci_docker_free(out);
    return ia_fail(e, IA_E_IMAGE_REFUSED, "manifest.json: %zu layers, want 1 to %d", n,
                   IA_OCI_LAYERS);
  }
  return true;
}

void ia_oci_docker_free(ia_oci_docker *d)
{
  free(d->config);
  ia_oci_words_free(&d->layers);
  *d = (ia_oci_docker){0};
}
