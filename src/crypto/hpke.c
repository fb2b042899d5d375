/* HPKE base mode on X25519, HKDF-SHA256 and AES-256-GCM. */
#include "crypto/hpke.h"

#include "crypto/gcm.h"
#include "crypto/hkdf.h"
#include "crypto/x25519.h"

static const uint8_t suite_kem[] = {'K', 'E', 'M', 0x00, 0x20};
static const uint8_t suite_hpke[] = {'H', 'P', 'K', 'E', 0x00, 0x20, 0x00, 0x01, 0x00, 0x02};

/* RFC 9180 4: LabeledExtract */
static bool labeled_extract(uint8_t prk[32], ia_span suite, ia_span salt, const char *label,
                            ia_span ikm, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {.secret = true};

  ia_buf_str(&b, "HPKE-v1");
  ia_buf_span(&b, suite);
  ia_buf_str(&b, label);
  ia_buf_span(&b, ikm);
  return ia_buf_ok(&b, e) && ia_hkdf_extract(prk, salt, ia_buf_view(&b), e);
}

/* RFC 9180 4: LabeledExpand */
static bool labeled_expand(uint8_t *out, size_t len, ia_span suite, const uint8_t prk[32],
                           const char *label, ia_span info, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {.secret = true};

  if (len > UINT16_MAX)
    return ia_fail(e, IA_E_INVALID, "hpke: %zu bytes are too many", len);
  ia_buf_u16be(&b, (uint16_t)len);
  ia_buf_str(&b, "HPKE-v1");
  ia_buf_span(&b, suite);
  ia_buf_str(&b, label);
  ia_buf_span(&b, info);
  return ia_buf_ok(&b, e) && ia_hkdf_expand(out, len, prk, ia_buf_view(&b), e);
}

/* RFC 9180 4.1: ExtractAndExpand of the DHKEM */
static bool kem_shared(uint8_t shared[32], const uint8_t dh[32], const uint8_t enc[32],
                       const uint8_t receiver[32], ia_err *e)
{
  IA_WIPED(32) uint8_t prk[32];
  uint8_t context[64];

  memcpy(context, enc, 32);
  memcpy(context + 32, receiver, 32);
  return labeled_extract(prk, IA_SPAN_ARR(suite_kem), ia_span_of(NULL, 0), "eae_prk",
                         ia_span_of(dh, 32), e) &&
         labeled_expand(shared, 32, IA_SPAN_ARR(suite_kem), prk, "shared_secret",
                        IA_SPAN_ARR(context), e);
}

/* RFC 9180 5.1: KeySchedule for mode_base */
static bool schedule(ia_hpke *h, const uint8_t shared[32], ia_span info, ia_err *e)
{
  const ia_span suite = IA_SPAN_ARR(suite_hpke), none = {0};
  IA_WIPED(32) uint8_t s[32];
  uint8_t context[65] = {0};

  h->seq = 0;
  return labeled_extract(context + 1, suite, none, "psk_id_hash", none, e) &&
         labeled_extract(context + 33, suite, none, "info_hash", info, e) &&
         labeled_extract(s, suite, ia_span_of(shared, 32), "secret", none, e) &&
         labeled_expand(h->key, 32, suite, s, "key", IA_SPAN_ARR(context), e) &&
         labeled_expand(h->base_nonce, 12, suite, s, "base_nonce", IA_SPAN_ARR(context), e) &&
         labeled_expand(h->exporter, 32, suite, s, "exp", IA_SPAN_ARR(context), e);
}

void ia_hpke_free(ia_hpke *h)
{
  if (h)
    ia_wipe(h, sizeof(*h));
}

bool ia_hpke_send_with(ia_hpke *h, uint8_t enc[32], const ia_secret *ephemeral,
                       const uint8_t receiver[32], ia_span info, ia_err *e)
{
  IA_WIPED(32) uint8_t dh[32];
  IA_WIPED(32) uint8_t shared[32];

  return ia_x25519_public(enc, ephemeral, e) && ia_x25519(dh, ephemeral, receiver, e) &&
         kem_shared(shared, dh, enc, receiver, e) && schedule(h, shared, info, e);
}

bool ia_hpke_send(ia_hpke *h, uint8_t enc[32], const uint8_t receiver[32], ia_span info, ia_err *e)
{
  IA_AUTOV(ia_secret) ephemeral = {0};

  return ia_secret_random(&ephemeral, 32, e) &&
         ia_hpke_send_with(h, enc, &ephemeral, receiver, info, e);
}

bool ia_hpke_receive(ia_hpke *h, const uint8_t enc[32], const ia_secret *receiver, ia_span info,
                     ia_err *e)
{
  IA_WIPED(32) uint8_t dh[32];
  IA_WIPED(32) uint8_t shared[32];
  uint8_t own[32];

  return ia_x25519_public(own, receiver, e) && ia_x25519(dh, receiver, enc, e) &&
         kem_shared(shared, dh, enc, own, e) && schedule(h, shared, info, e);
}

/* base_nonce XOR the 96-bit big-endian sequence number */
static void nonce_of(uint8_t out[12], const ia_hpke *h)
{
  memcpy(out, h->base_nonce, 12);
  for (size_t i = 0; i < 8; i++)
    out[11 - i] = (uint8_t)(out[11 - i] ^ (uint8_t)(h->seq >> (8 * i)));
}

bool ia_hpke_seal(ia_hpke *h, ia_buf *out, ia_span aad, ia_span plain, ia_err *e)
{
  uint8_t nonce[12];

  if (h->seq == UINT64_MAX)
    return ia_fail(e, IA_E_CRYPTO, "hpke: too many messages");
  nonce_of(nonce, h);
  h->seq++;
  return ia_gcm_seal(out, IA_SPAN_ARR(h->key), nonce, aad, plain, e);
}

bool ia_hpke_open(ia_hpke *h, ia_buf *out, ia_span aad, ia_span sealed, ia_err *e)
{
  uint8_t nonce[12];

  if (h->seq == UINT64_MAX)
    return ia_fail(e, IA_E_CRYPTO, "hpke: too many messages");
  nonce_of(nonce, h);
  if (!ia_gcm_open(out, IA_SPAN_ARR(h->key), nonce, aad, sealed, e))
    return false;
  h->seq++;
  return true;
}

bool ia_hpke_export(const ia_hpke *h, uint8_t *out, size_t len, ia_span context, ia_err *e)
{
  return labeled_expand(out, len, IA_SPAN_ARR(suite_hpke), h->exporter, "sec", context, e);
}
