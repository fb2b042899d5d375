/* An image with one program, and a protected dataset. */
#ifndef IA_TESTS_GUEST_FIXTURE_H
#define IA_TESTS_GUEST_FIXTURE_H

#include "host.h"

IA_MUST bool fixture_image(ia_images **images, ia_h256 *image, const char *dir, const char *app,
                           ia_err *e);
/* h->plain: an archive with secretText = MARKER and number; h->sealed, h->checksum, h->data_key. */
IA_MUST bool fixture_dataset(fake_host *h, ia_err *e);
/* The same with n more values of so many bytes, instead of what is there. */
IA_MUST bool fixture_values(fake_host *h, size_t n, size_t bytes, ia_err *e);
/* h->second and h->second_checksum, as the plan wants them. */
void fixture_second(fake_host *h);
/* What the host sends for a file, changed where the plan says so; false: the JSON of a refusal.
 * max: what the guest takes. */
bool fixture_file(ia_buf *out, fake_host *h, const char *kind, bool second, uint64_t max);
/* The key that is released for it; room may hold its text. */
ia_span fixture_second_key(const fake_host *h, ia_buf *room, ia_span right);

#endif
