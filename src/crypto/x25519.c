/* X25519 over EVP. */
#include "crypto/x25519.h"

#include <openssl/evp.h>

typedef EVP_PKEY x_key;
typedef EVP_PKEY_CTX x_ctx;
IA_DEFINE_AUTO(x_key, EVP_PKEY_free)
IA_DEFINE_AUTO(x_ctx, EVP_PKEY_CTX_free)

static x_key *x_private(const ia_secret *key, ia_err *e)
{
  x_key *k = NULL;

  if (key->len == 32)
    k = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, key->ptr, 32);
  if (!k)
    ia_fail(e, IA_E_BAD_KEY, "x25519: the key is not 32 bytes");
  return k;
}

bool ia_x25519_public(uint8_t out[32], const ia_secret *key, ia_err *e)
{
  IA_AUTO(x_key) *k = x_private(key, e);
  size_t n = 32;

  if (!k)
    return false;
  return EVP_PKEY_get_raw_public_key(k, out, &n) == 1 ||
         ia_fail(e, IA_E_CRYPTO, "x25519: no public key");
}

bool ia_x25519(uint8_t shared[32], const ia_secret *key, const uint8_t peer[32], ia_err *e)
{
  static const uint8_t zero[32];
  IA_AUTO(x_key) *k = x_private(key, e);
  IA_AUTO(x_key) *p = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, 32);
  IA_AUTO(x_ctx) *c = NULL;
  size_t n = 32;

  if (!k)
    return false;
  c = EVP_PKEY_CTX_new(k, NULL);
  if (!p || !c || EVP_PKEY_derive_init(c) != 1 || EVP_PKEY_derive_set_peer(c, p) != 1 ||
      EVP_PKEY_derive(c, shared, &n) != 1 || n != 32 || ia_ct_eq(shared, zero, 32)) {
    ia_wipe(shared, 32);
    return ia_fail(e, IA_E_CRYPTO, "x25519: no usable shared point");
  }
  return true;
}
