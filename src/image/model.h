/* What the layers of an image leave behind, by names alone: the tree that unpacking them (unpack.h)
 * would make, without a file system. */
#ifndef IA_IMAGE_MODEL_H
#define IA_IMAGE_MODEL_H

#include "image/run.h"
#include "image/unpack.h"

typedef struct ia_model ia_model;

IA_MUST bool ia_model_new(ia_model **out, ia_err *e);
void ia_model_free(ia_model *m); /* NULL is fine */
IA_DEFINE_AUTO(ia_model, ia_model_free)
/* Begins the next layer. */
void ia_model_layer(ia_model *m);
/* An ia_oci_entry_fn; arg is the ia_model. */
bool ia_model_entry(void *arg, const ia_tar_entry *en, const char *path, const char *target,
                    ia_err *e);

/* The `look` of a view; arg is the ia_model. */
ia_at ia_model_look(void *arg, const char *path, char link[IA_TAR_PATH + 1]);
/* Which entry of which layer holds the content of a file: both from 0. NOT_FOUND. */
IA_MUST bool ia_model_content(const ia_model *m, const char *path, size_t *layer, uint64_t *entry,
                              ia_err *e);
/* Each file, in the order of names. */
typedef bool (*ia_model_visit)(void *arg, const char *path, bool program);
IA_MUST bool ia_model_each(const ia_model *m, ia_model_visit visit, void *arg);

#endif
