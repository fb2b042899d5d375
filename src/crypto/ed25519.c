/* Ed25519 over EVP. */
#include "crypto/ed25519.h"

#include <string.h>

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

/* y of the points of order 1, 2, 4 and 8, little-endian; each point of them has one of these, with
 * either sign of x. */
static const uint8_t small_order[][32] = {
    {0x00},
    {0x01},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

/* Is y below 2^255 - 19, so that the point has no other encoding? (x is 0 only where the order is
 * small.) */
static bool is_reduced(const uint8_t y[32])
{
  if (y[31] != 0x7f || y[0] < 0xed)
    return true;
  for (size_t i = 1; i < 31; i++)
    if (y[i] != 0xff)
      return true;
  return false;
}

bool ia_ed25519_key_check(const uint8_t public_key[32], ia_err *e)
{
  uint8_t y[32];

  memcpy(y, public_key, sizeof(y));
  y[31] &= 0x7f;
  if (!is_reduced(y))
    return ia_fail(e, IA_E_BAD_KEY, "ed25519: the public key is not written in its one way");
  for (size_t i = 0; i < IA_COUNT(small_order); i++)
    if (memcmp(y, small_order[i], sizeof(y)) == 0)
      return ia_fail(e, IA_E_BAD_KEY,
                     "ed25519: the public key is a point of small order: anybody can sign for it");
  return true;
}

bool ia_ed25519_verify(const uint8_t public_key[32], ia_span message, ia_span sig, ia_err *e)
{
  if (!ia_ed25519_key_check(public_key, e))
    return false;
  IA_AUTO(ed_key) *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
  IA_AUTO(ed_ctx) *c = EVP_MD_CTX_new();

  if (!c || !k || EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) != 1)
    return ia_fail(e, IA_E_CRYPTO, "ed25519: cannot verify");
  if (sig.len != 64 || EVP_DigestVerify(c, sig.ptr, sig.len, message.ptr, message.len) != 1)
    return ia_fail(e, IA_E_INVALID, "ed25519: the signature does not fit");
  return true;
}
