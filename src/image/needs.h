/* Shared libraries that modules of wheels are linked with: each must be in the image. */
#ifndef IA_IMAGE_NEEDS_H
#define IA_IMAGE_NEEDS_H

#include "image/build.h"

/* Names of an ELF file's needed libraries (DT_NEEDED), one a line; nothing for other files, and for
 * other processors than x86-64. PARSE when the file contradicts itself. */
IA_MUST bool ia_needs_of(ia_buf *out, ia_span file, ia_err *e);

/* `lib`: the folder with the modules. NOT_FOUND naming the first library that is neither among them
 * nor in the base layer, what needs it, and the Debian package that this machine knows for it.
 * b->absent is taken for present. */
IA_MUST bool ia_needs_check(const ia_build *b, ia_images *s, const ia_image_layer *base,
                            const char *lib, ia_err *e);

#endif
