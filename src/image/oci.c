/* Decoding of image JSON: table-driven media types, strict members, no re-serialisation. */
#include "image/oci.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/size.h"
#include "image/names.h"

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

/* An image or an index of images; not the attestations that build tools put beside them. */
static bool is_image(const json_t *v)
{
  const char *media = json_string_value(json_object_get(v, "mediaType"));
  ia_oci_kind kind;

  return media && kind_of(&kind, media, NULL) &&
         (kind == IA_OCI_MANIFEST || kind == IA_OCI_INDEX) &&
         strcmp(inner(v, "annotations", "vnd.docker.reference.type"), "attestation-manifest") != 0;
}

static const char *const name_keys[] = {"io.containerd.image.name",
                                        "org.opencontainers.image.ref.name"};

static bool is_named(const json_t *v, const char *ref)
{
  const char *digest = json_string_value(json_object_get(v, "digest"));

  for (size_t i = 0; i < IA_COUNT(name_keys); i++)
    if (ia_image_name_is(inner(v, "annotations", name_keys[i]), ref))
      return true;
  return digest && strcmp(digest, ref) == 0;
}

static void add_name(ia_image_names *l, const json_t *v)
{
  const char *name = inner(v, "annotations", name_keys[0]);

  ia_image_names_add(l, name[0] ? name : inner(v, "annotations", name_keys[1]));
}

static bool choose_named(const json_t **out, const json_t *list, const char *ref, ia_err *e)
{
  ia_image_names names = {0};
  const json_t *v;
  size_t i, n = 0;

  json_array_foreach (list, i, v) {
    if (!is_image(v))
      continue;
    add_name(&names, v);
    if (is_named(v, ref) &&
        (n == 0 || json_object_get(*out, "digest") == NULL ||
         !json_equal(json_object_get(*out, "digest"), json_object_get(v, "digest")))) {
      *out = v;
      n++;
    }
  }
  if (n == 1)
    return true;
  if (n == 0)
    (void)ia_fail(e, IA_E_NOT_FOUND, "no image named %.100s in the index", ref);
  else
    (void)ia_fail(e, IA_E_INVALID, "%zu images in the index are named %.100s", n, ref);
  return ia_image_names_hint(&names, e);
}

/* The only image, else the only one for this platform; one for all x86-64 processors goes before
 * those for newer ones (variants v2, v3, ..). */
static bool choose(const json_t **out, const json_t *list, ia_err *e)
{
  const json_t *v, *any = NULL, *fits = NULL, *plain = NULL;
  size_t i, n_any = 0, n_fits = 0, n_plain = 0, n_platforms = 0;
  ia_image_names names = {0};

  json_array_foreach (list, i, v) {
    if (!is_image(v))
      continue;
    const char *os = inner(v, "platform", "os"), *arch = inner(v, "platform", "architecture");

    any = v;
    n_any++;
    n_platforms += os[0] != '\0';
    add_name(&names, v);
    if (!os[0] || !ia_image_platform_fits(os, arch))
      continue;
    fits = v;
    n_fits++;
    const char *variant = inner(v, "platform", "variant");
    if (!variant[0] || strcmp(variant, "v1") == 0) {
      plain = v;
      n_plain++;
    }
  }
  *out = n_any == 1 ? any : n_fits == 1 ? fits : n_plain == 1 ? plain : NULL;
  if (*out)
    return true;
  if (n_any > 0 && n_fits == 0 && n_platforms == n_any) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "%zu images in the index, none for linux/amd64", n_any);
    return ia_hint(e, "build it for linux/amd64: docker buildx build --platform linux/amd64");
  }
  (void)ia_fail(e, IA_E_IMAGE_REFUSED, "%zu images in the index: name one", n_any);
  return ia_image_names_hint(&names, e);
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
  if (!(ref ? choose_named(&chosen, list, ref, e) : choose(&chosen, list, e)))
    return false;
  return parse_desc(out, chosen, e);
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

/* What a guest could not make sense of is refused where the image comes in. */
static bool get_memory(ia_oci_config *c, const json_t *labels, ia_err *e)
{
  const char *text = json_string_value(json_object_get(labels, IA_OCI_MEMORY_LABEL));
  ia_err why = {0};

  if (!text || ia_app_memory_parse(&c->memory, text, &why))
    return true;
  (void)ia_fail(e, IA_E_IMAGE_REFUSED, "label " IA_OCI_MEMORY_LABEL ": %s", why.msg);
  return ia_hint(e, "docker build --label " IA_OCI_MEMORY_LABEL "=2G");
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
  return get_memory(c, labels, e);
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
    return ia_fail(e, IA_E_IMAGE_REFUSED, "configuration: WorkingDir is not absolute") ||
           ia_hint(e, "set WORKDIR to an absolute path: WORKDIR /app");
  c->workdir = strdup(dir && dir[0] ? dir : "/");
  c->user = strdup(user ? user : "");
  return (c->workdir && c->user) || ia_fail(e, IA_E_MEMORY, "configuration");
}

/* Not every tool writes the platform: what is missing is taken for this one, and the program's own
 * header decides at the import. */
static bool check_platform(const json_t *v, ia_err *e)
{
  const json_t *os = json_object_get(v, "os"), *arch = json_object_get(v, "architecture");
  const char *os_text = json_string_value(os), *arch_text = json_string_value(arch);

  if ((os && !json_is_null(os) && !os_text) || (arch && !json_is_null(arch) && !arch_text))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "configuration: os and architecture must be texts");
  if (ia_image_platform_fits(os_text ? os_text : "", arch_text ? arch_text : ""))
    return true;
  (void)ia_fail(e, IA_E_IMAGE_REFUSED, "the image is for %.20s/%.20s, this runs linux/amd64",
                os_text ? os_text : "linux", arch_text ? arch_text : "amd64");
  return ia_hint(e, "build it for linux/amd64: docker buildx build --platform linux/amd64");
}

bool ia_oci_config_parse(ia_oci_config **out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = parse(text, "configuration", e);
  IA_AUTO(ia_oci_config) *c = NULL;

  *out = NULL;
  if (!v)
    return false;
  c = calloc(1, sizeof(*c));
  if (!c)
    return ia_fail(e, IA_E_MEMORY, "configuration");
  if (!check_platform(v, e) || !get_diff_ids(c, v, e) ||
      !get_run(c, json_object_get(v, "config"), e))
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
    if (ia_image_name_is(json_string_value(v), ref))
      return true;
  }
  return false;
}

/* The entry that is meant, or NULL with an error that lists the names. */
static const json_t *choose_entry(const json_t *list, const char *ref, ia_err *e)
{
  const json_t *entry, *tag, *chosen = NULL;
  ia_image_names names = {0};
  size_t i, k, n = 0;

  json_array_foreach (list, i, entry) {
    json_array_foreach (json_object_get(entry, "RepoTags"), k, tag) {
      ia_image_names_add(&names, json_string_value(tag));
    }
    if (!ref || has_tag(entry, ref)) {
      chosen = entry;
      n++;
    }
  }
  if (n == 1)
    return chosen;
  if (ref)
    (void)ia_fail(e, IA_E_NOT_FOUND, "%s named %.100s in the archive",
                  n ? "several images" : "no image", ref);
  else
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "%zu images in the archive: name one", n);
  (void)ia_image_names_hint(&names, e);
  return NULL;
}

bool ia_oci_docker_parse(ia_oci_docker *out, ia_span text, const char *ref, ia_err *e)
{
  IA_AUTO_JSON *v = parse(text, "manifest.json", e);
  const json_t *chosen;
  const char *config;

  *out = (ia_oci_docker){0};
  chosen = v ? choose_entry(v, ref, e) : NULL;
  if (!chosen)
    return false;
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
