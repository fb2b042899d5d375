/* Keystore files: everything before the key derivation, and the whole when its cost is small. */
#include <stdint.h>

#include "base/json.h"
#include "eth/keystore.h"

int ia_fuzz_keystore(const uint8_t *p, size_t n);

/* Dear parameters are not the point here; their limits have a unit test. */
static bool cheap(ia_span in)
{
  IA_AUTO_JSON *root = ia_json_parse(in, 0, NULL);
  json_t *crypto = json_object_get(root, "crypto"), *params;

  if (!crypto)
    crypto = json_object_get(root, "Crypto");
  params = json_object_get(crypto, "kdfparams");
  return json_integer_value(json_object_get(params, "n")) <= 64 &&
         json_integer_value(json_object_get(params, "r")) <= 8 &&
         json_integer_value(json_object_get(params, "p")) <= 4 &&
         json_integer_value(json_object_get(params, "c")) <= 64;
}

int ia_fuzz_keystore(const uint8_t *p, size_t n)
{
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) key = {0};
  ia_span in = ia_span_of(p, n);
  ia_addr a;
  bool named;
  ia_err e;

  if (!ia_secp_new(&s, &e))
    abort();
  (void)!ia_keystore_address(&a, &named, in, &e);
  if (cheap(in))
    (void)!ia_keystore_open(&key, s, in, ia_span_str("testpassword"), &e);
  return 0;
}
