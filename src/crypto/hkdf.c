/* HMAC and HKDF with SHA-256. */
#include "crypto/hkdf.h"

#include <limits.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"
#include "base/secret.h"

bool ia_hmac_sha256(uint8_t out[32], ia_span key, ia_span data, ia_err *e)
{
  static const uint8_t none[1];
  unsigned n = 0;

  if (key.len > INT_MAX ||
      !HMAC(EVP_sha256(), key.len ? key.ptr : none, (int)key.len, data.len ? data.ptr : none,
            data.len, out, &n) ||
      n != 32)
    return ia_fail(e, IA_E_CRYPTO, "hmac: failed");
  return true;
}

bool ia_hkdf_extract(uint8_t prk[32], ia_span salt, ia_span ikm, ia_err *e)
{
  return ia_hmac_sha256(prk, salt, ikm, e);
}

bool ia_hkdf_expand(uint8_t *out, size_t len, const uint8_t prk[32], ia_span info, ia_err *e)
{
  IA_AUTOV(ia_buf) block = {.secret = true};
  IA_WIPED(32) uint8_t t[32];
  size_t done = 0;

  if (len > 255 * sizeof(t))
    return ia_fail(e, IA_E_INVALID, "hkdf: %zu bytes are too many", len);
  for (uint8_t i = 1; done < len; i++) {
    size_t n = len - done < sizeof(t) ? len - done : sizeof(t);

    ia_buf_clear(&block);
    if (i > 1)
      ia_buf_put(&block, t, sizeof(t));
    ia_buf_span(&block, info);
    ia_buf_u8(&block, i);
    if (!ia_buf_ok(&block, e) || !ia_hmac_sha256(t, ia_span_of(prk, 32), ia_buf_view(&block), e))
      return false;
    memcpy(out + done, t, n);
    done += n;
  }
  return true;
}

bool ia_hkdf(uint8_t *out, size_t len, ia_span salt, ia_span ikm, ia_span info, ia_err *e)
{
  IA_WIPED(32) uint8_t prk[32];

  return ia_hkdf_extract(prk, salt, ikm, e) && ia_hkdf_expand(out, len, prk, info, e);
}
