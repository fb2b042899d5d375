/* AES-256-GCM over EVP. */
#include "crypto/gcm.h"

#include <limits.h>

#include <openssl/evp.h>

#include "base/secret.h"

typedef EVP_CIPHER_CTX gcm_ctx;
IA_DEFINE_AUTO(gcm_ctx, EVP_CIPHER_CTX_free)

static gcm_ctx *gcm_start(bool seal, ia_span key, const uint8_t nonce[12], ia_span aad, ia_err *e)
{
  IA_AUTO(gcm_ctx) *c = EVP_CIPHER_CTX_new();
  int n = 0;

  if (key.len != 32) {
    ia_fail(e, IA_E_BAD_KEY, "the key has %zu bytes, want 32", key.len);
    return NULL;
  }
  if (!c || aad.len > INT_MAX ||
      EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key.ptr, nonce, seal) != 1 ||
      (aad.len > 0 && EVP_CipherUpdate(c, NULL, &n, aad.ptr, (int)aad.len) != 1)) {
    ia_fail(e, IA_E_CRYPTO, "gcm: cannot start");
    return NULL;
  }
  return ia_steal(&c);
}

bool ia_gcm_seal(ia_buf *out, ia_span key, const uint8_t nonce[12], ia_span aad, ia_span plain,
                 ia_err *e)
{
  IA_AUTO(gcm_ctx) *c = gcm_start(true, key, nonce, aad, e);
  uint8_t *p;
  int n = 0, tail = 0;

  if (!c)
    return false;
  if (plain.len > INT_MAX - IA_GCM_TAG)
    return ia_fail(e, IA_E_TOO_LARGE, "gcm: too long");
  p = ia_buf_reserve(out, plain.len + IA_GCM_TAG);
  if (!p)
    return ia_buf_ok(out, e);
  if ((plain.len > 0 && EVP_CipherUpdate(c, p, &n, plain.ptr, (int)plain.len) != 1) ||
      EVP_CipherFinal_ex(c, p + n, &tail) != 1 ||
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, IA_GCM_TAG, p + plain.len) != 1)
    return ia_fail(e, IA_E_CRYPTO, "gcm: failed");
  out->len += plain.len + IA_GCM_TAG;
  return true;
}

bool ia_gcm_open(ia_buf *out, ia_span key, const uint8_t nonce[12], ia_span aad, ia_span sealed,
                 ia_err *e)
{
  IA_AUTO(gcm_ctx) *c = gcm_start(false, key, nonce, aad, e);
  uint8_t tag[IA_GCM_TAG];
  size_t len;
  uint8_t *p;
  int n = 0, tail = 0;

  if (!c)
    return false;
  if (sealed.len < IA_GCM_TAG || sealed.len > INT_MAX)
    return ia_fail(e, IA_E_CRYPTO, "gcm: wrong length");
  len = sealed.len - IA_GCM_TAG;
  memcpy(tag, sealed.ptr + len, IA_GCM_TAG);
  p = ia_buf_reserve(out, len + IA_GCM_TAG);
  if (!p)
    return ia_buf_ok(out, e);
  if ((len > 0 && EVP_CipherUpdate(c, p, &n, sealed.ptr, (int)len) != 1) ||
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, IA_GCM_TAG, tag) != 1 ||
      EVP_CipherFinal_ex(c, p + n, &tail) != 1) {
    ia_wipe(p, len);
    return ia_fail(e, IA_E_CRYPTO, "gcm: does not open with this key");
  }
  out->len += len;
  return true;
}
