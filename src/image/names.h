/* Names and platforms by which an image is chosen among several. */
#ifndef IA_IMAGE_NAMES_H
#define IA_IMAGE_NAMES_H

#include "base/err.h"

/* Is the image of this name the one that the user calls ref? Docker's shorthand counts: "a" is
 * "docker.io/library/a:latest". name may be NULL. */
bool ia_image_name_is(const char *name, const char *ref);

/* Names for an error's hint. */
typedef struct ia_image_names {
  char text[130];
  size_t n;
} ia_image_names;
void ia_image_names_add(ia_image_names *l, const char *name); /* NULL is none */
bool ia_image_names_hint(const ia_image_names *l, ia_err *e); /* always false */

/* What is not given ("") fits. */
bool ia_image_platform_fits(const char *os, const char *arch);

#endif
