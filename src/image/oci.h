/* The JSON of OCI images: index, manifest, configuration, and docker-archive's manifest.json.
 * Pure decoding of hostile text (OCI image specification 1.1, docker image specification 1.2);
 * nothing is ever re-serialised: an image is its manifest's bytes. Shared by host and guest. */
#ifndef IA_IMAGE_OCI_H
#define IA_IMAGE_OCI_H

#include "base/json.h"
#include "base/types.h"

enum {
  IA_OCI_LAYERS = 127,       /* most layers of an image */
  IA_OCI_JSON_CAP = 4 << 20, /* bytes of one document */
  IA_OCI_INDEX_DEPTH = 2,    /* an index may name an index, once */
  IA_OCI_WORDS = 256,        /* most words of entrypoint, command, environment */
};

/* Before the number of a requester's secret: the label's text is the member of it that holds an
 * address of content (docs/images.md). */
#define IA_OCI_CONTENT_LABEL "dev.iapp.content."

/* The memory that the app asks for, as a size ("2 GiB"; base/size.h). */
#define IA_OCI_MEMORY_LABEL "dev.iapp.memory"

typedef enum ia_oci_kind { IA_OCI_INDEX, IA_OCI_MANIFEST, IA_OCI_CONFIG, IA_OCI_LAYER } ia_oci_kind;

/* A descriptor: what it names, by SHA-256 of the exact bytes. */
typedef struct ia_oci_desc {
  ia_oci_kind kind;
  ia_h256 digest;
  uint64_t size; /* bytes */
} ia_oci_desc;

typedef struct ia_oci_manifest {
  ia_oci_desc config;
  ia_oci_desc layers[IA_OCI_LAYERS]; /* base first */
  size_t n_layers;
} ia_oci_manifest;

/* "sha256:" and 64 lower-case digits; no other algorithm. */
IA_MUST bool ia_oci_digest_parse(ia_h256 *out, const char *text, ia_err *e);
typedef struct ia_oci_digest_text {
  char s[72];
} ia_oci_digest_text;
ia_oci_digest_text ia_oci_digest_format(const ia_h256 *digest);

/* The `oci-layout` file: version 1.0.0 or IMAGE_REFUSED. */
IA_MUST bool ia_oci_layout_check(ia_span text, ia_err *e);
/* The image of an index (or manifest list): when ref is given, by the annotations that hold its
 * name or by its digest (NOT_FOUND, INVALID when several have it); else the only descriptor; else
 * the only one for linux/amd64. Where none is chosen the hint lists the names. out->kind is
 * IA_OCI_INDEX or IA_OCI_MANIFEST. */
IA_MUST bool ia_oci_index_pick(ia_oci_desc *out, ia_span text, const char *ref, ia_err *e);
/* True when the text is an index rather than a manifest, by its members. */
IA_MUST bool ia_oci_is_index(bool *index, ia_span text, ia_err *e);
/* Refuses schema 1, foreign and encrypted layers, artefacts that are no image. */
IA_MUST bool ia_oci_manifest_parse(ia_oci_manifest *out, ia_span text, ia_err *e);

/* NULL-terminated list of texts, owned. */
typedef struct ia_oci_words {
  char **v;
  size_t n;
} ia_oci_words;

typedef struct ia_oci_config {
  ia_oci_words env; /* NAME=value */
  ia_oci_words entrypoint;
  ia_oci_words cmd;
  char *workdir;   /* absolute; "/" when unset */
  char *user;      /* as written (run.h); "" when unset */
  json_t *labels;  /* object of strings, or NULL */
  uint64_t memory; /* that the app asks for by its label, bytes; 0 = it has none */
  ia_h256 diff_ids[IA_OCI_LAYERS];
  size_t n_layers;
} ia_oci_config;

/* linux/amd64, or not said; IMAGE_REFUSED naming both architectures else. The result is freed by
 * the caller. */
IA_MUST bool ia_oci_config_parse(ia_oci_config **out, ia_span text, ia_err *e);
void ia_oci_config_free(ia_oci_config *c); /* NULL is fine */
IA_DEFINE_AUTO(ia_oci_config, ia_oci_config_free)
void ia_oci_words_free(ia_oci_words *w);

/* docker save's manifest.json: names inside the archive. */
typedef struct ia_oci_docker {
  char *config;
  ia_oci_words layers;
} ia_oci_docker;
/* The entry whose RepoTags hold ref; the only entry when ref is NULL. */
IA_MUST bool ia_oci_docker_parse(ia_oci_docker *out, ia_span text, const char *ref, ia_err *e);
void ia_oci_docker_free(ia_oci_docker *d);
IA_DEFINE_AUTO_VALUE(ia_oci_docker, ia_oci_docker_free)

#endif
