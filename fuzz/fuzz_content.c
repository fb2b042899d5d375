/* Addresses of content in requesters' secrets; the first line is the member's name. */
#include "guest/content.h"

int ia_fuzz_content(const uint8_t *data, size_t size);

int ia_fuzz_content(const uint8_t *data, size_t size)
{
  const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
  char member[65];
  ia_cid cid;

  if (!end || (size_t)(end - data) >= sizeof(member))
    return 0;
  memcpy(member, data, (size_t)(end - data));
  member[end - data] = '\0';
  (void)ia_content_secret(member);
  if (ia_content_address(&cid, ia_span_of(end + 1, size - (size_t)(end - data) - 1), member) &&
      cid.version != 0)
    abort();
  return 0;
}
