/* Sealing under a wallet. */
#include "client/sealed.h"

#include "base/random.h"
#include "crypto/gcm.h"
#include "crypto/hkdf.h"

static bool derive(uint8_t key[32], const ia_wallet *w, const char *label, ia_err *e)
{
  return ia_hkdf(key, 32, ia_span_str("iapp-wallet-seal/v1"), ia_secret_view(&w->key),
                 ia_span_str(label), e);
}

bool ia_wallet_seal(ia_buf *out, const ia_wallet *w, const char *label, ia_span plain, ia_err *e)
{
  IA_WIPED(32) uint8_t key[32];
  uint8_t nonce[IA_GCM_NONCE];

  if (!derive(key, w, label, e) || !ia_random(nonce, sizeof(nonce), e))
    return false;
  ia_buf_put(out, nonce, sizeof(nonce));
  return ia_gcm_seal(out, IA_SPAN_ARR(key), nonce, ia_span_str(label), plain, e);
}

bool ia_wallet_unseal(ia_buf *out, const ia_wallet *w, const char *label, ia_span sealed, ia_err *e)
{
  IA_WIPED(32) uint8_t key[32];
  uint8_t nonce[IA_GCM_NONCE];

  if (!ia_span_copy(&sealed, nonce, sizeof(nonce)))
    return ia_fail(e, IA_E_CRYPTO, "a sealed value is too short");
  return derive(key, w, label, e) &&
         (ia_gcm_open(out, IA_SPAN_ARR(key), nonce, ia_span_str(label), sealed, e) ||
          ia_wrap(e, "a value sealed under another wallet, or damaged"));
}
