/* An image with one program, and a protected dataset. */
#ifndef IA_TESTS_GUEST_FIXTURE_H
#define IA_TESTS_GUEST_FIXTURE_H

#include "host.h"

IA_MUST bool fixture_image(ia_images **images, ia_h256 *image, const char *dir, const char *app,
                           ia_err *e);
/* h->plain: an archive with secretText = MARKER and number; h->sealed, h->checksum, h->data_key. */
IA_MUST bool fixture_dataset(fake_host *h, ia_err *e);

#endif
