/* Addresses of content in secrets. */
#include "guest/content.h"

#include "base/json.h"
#include "image/oci.h"

enum { DIGITS = 9 };

const char *ia_content_secret(const char *label)
{
  const size_t prefix = sizeof(IA_OCI_CONTENT_LABEL) - 1;

  if (strncmp(label, IA_OCI_CONTENT_LABEL, prefix) != 0)
    return NULL;
  const char *n = label + prefix;
  size_t len = strlen(n);
  return len > 0 && len <= DIGITS && n[0] != '0' && strspn(n, "0123456789") == len ? n : NULL;
}

bool ia_content_address(ia_cid *out, ia_span secret, const char *member)
{
  IA_AUTO_JSON *v = ia_json_parse(secret, 0, NULL);
  const json_t *text = json_object_get(v, member);
  const char *s = json_string_value(text);

  if (!s || (strncmp(s, "/ipfs/", 6) != 0 && strncmp(s, "/p2p/", 5) != 0))
    return false;
  return ia_cid_from_multiaddr(out, ia_span_of(s, json_string_length(text)), NULL) &&
         out->version == 0;
}
