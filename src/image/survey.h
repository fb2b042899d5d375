/* What an import learns of an image's tree without a file system: names from all layers (model.h),
 * the content of single files from the stored layers. */
#ifndef IA_IMAGE_SURVEY_H
#define IA_IMAGE_SURVEY_H

#include "image/model.h"
#include "image/store.h"

typedef struct ia_survey ia_survey;

IA_MUST bool ia_survey_new(ia_survey **out, ia_images *s, const ia_oci_limits *limits, ia_err *e);
void ia_survey_free(ia_survey *v); /* NULL is fine */
IA_DEFINE_AUTO(ia_survey, ia_survey_free)
/* The next layer, whose entries go to ia_survey_model; its blob is in the store before content is
 * read. */
IA_MUST bool ia_survey_next(ia_survey *v, const ia_h256 *layer, ia_err *e);
ia_model *ia_survey_model(ia_survey *v);
ia_image_view ia_survey_view(ia_survey *v);
/* IMAGE_REFUSED with the way out when the image cannot run: program, interpreters, user, working
 * folder. */
IA_MUST bool ia_survey_judge(ia_survey *v, const ia_oci_config *c, ia_err *e);

#endif
