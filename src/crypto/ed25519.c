/* Ed25519 over EVP. */
#include "crypto/ed25519.h"

#include <openssl/evp.h>

typedef EVP_PKEY ed_key;
typedef EVP_MD_CTX ed_ctx;
IA_DEFINE_AUTO(ed_key, EVP_PKEY_free)
IA_DEFINE_AUTO(ed_ctx, EVP_MD_CTX_free)

static ed_key *ed_private(const ia_secret *seed, ia_err *e)
{
  ed_key *k = NULL;

  if (seed->len == 32)
    k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed->ptr, 32);
  if (!k)
    ia_fail(e, IA_E_BAD_KEY, "ed25519: the seed is not 32 bytes");
  return k;
}

bool ia_ed25519_public(uint8_t out[32], const ia_secret *seed, ia_err *e)
{
  IA_AUTO(ed_key) *k = ed_private(seed, e);
  size_t n = 32;

  if (!k)
    return false;
  return EVP_PKEY_get_raw_public_key(k, out, &n) == 1 ||
         ia_fail(e, IA_E_CRYPTO, "ed25519: no public key");
}

bool ia_ed25519_sign(uint8_t sig[64], const ia_secret *seed, ia_span message, ia_err *e)
{
  IA_AUTO(ed_key) *k = ed_private(seed, e);
  IA_AUTO(ed_ctx) *c = EVP_MD_CTX_new();
  size_t n = 64;

  if (!k)
    return false;
  if (!c || EVP_DigestSignInit(c, NULL, NULL, NULL, k) != 1 ||
      EVP_DigestSign(c, sig, &n, message.ptr, message.len) != 1 || n != 64)
    return ia_fail(e, IA_E_CRYPTO, "ed25519: signing failed");
  return true;
}

bool ia_ed25519_verify(const uint8_t public_key[32], ia_span message, ia_span sig, ia_err *e)
{
  IA_AUTO(ed_key) *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
  IA_AUTO(ed_ctx) *c = EVP_MD_CTX_new();

  if (!c || !k || EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) != 1)
    return ia_fail(e, IA_E_CRYPTO, "ed25519: cannot verify");
  if (sig.len != 64 || EVP_DigestVerify(c, sig.ptr, sig.len, message.ptr, message.len) != 1)
    return ia_fail(e, IA_E_INVALID, "ed25519: the signature does not fit");
  return true;
}
