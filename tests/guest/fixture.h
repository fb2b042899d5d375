/* An image with one program, and a protected dataset. */
#ifndef IA_TESTS_GUEST_FIXTURE_H
#define IA_TESTS_GUEST_FIXTURE_H

#include "host.h"

IA_MUST bool fixture_image(ia_images **images, ia_h256 *image, const char *dir, const char *app,
                           ia_err *e);
/* h->plain: an archive with secretText = MARKER and number; h->sealed, h->checksum, h->data_key. */
IA_MUST bool fixture_dataset(fake_host *h, ia_err *e);
/* h->second and h->second_checksum, as the plan wants them. */
void fixture_second(fake_host *h);
/* The key that is released for it; room may hold its text. */
ia_span fixture_second_key(const fake_host *h, ia_buf *room, ia_span right);

#endif
