/* Signing and recovery over libsecp256k1. */
#include "crypto/secp.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/random.h"
#include "crypto/keccak.h"

struct ia_secp {
  secp256k1_context *ctx;
};

bool ia_secp_new(ia_secp **out, ia_err *e)
{
  IA_AUTO(ia_secp) *s = calloc(1, sizeof(*s));
  IA_WIPED(32) uint8_t seed[32];

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "secp256k1: out of memory");
  if (!ia_random(seed, sizeof(seed), e))
    return false;
  s->ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  if (!s->ctx || !secp256k1_context_randomize(s->ctx, seed))
    return ia_fail(e, IA_E_CRYPTO, "secp256k1: cannot make a context");
  *out = ia_steal(&s);
  return true;
}

void ia_secp_free(ia_secp *s)
{
  if (!s)
    return;
  if (s->ctx)
    secp256k1_context_destroy(s->ctx);
  free(s);
}

bool ia_secp_key_new(ia_secret *key, ia_err *e)
{
  IA_AUTOV(ia_secret) k = {0};

  do {
    ia_secret_free(&k);
    if (!ia_secret_random(&k, 32, e))
      return false;
  } while (!secp256k1_ec_seckey_verify(secp256k1_context_static, k.ptr));
  *key = k;
  k = (ia_secret){0};
  return true;
}

bool ia_secp_key_check(const ia_secret *key, ia_err *e)
{
  if (key->len != 32 || !secp256k1_ec_seckey_verify(secp256k1_context_static, key->ptr))
    return ia_fail(e, IA_E_BAD_KEY, "not a secp256k1 private key") ||
           ia_hint(e, "a private key is 32 bytes, above zero and below the group order");
  return true;
}

static void point_address(ia_addr *out, const secp256k1_pubkey *point)
{
  uint8_t raw[65];
  size_t n = sizeof(raw);
  ia_h256 h;

  /* cannot fail for a valid point and enough room */
  secp256k1_ec_pubkey_serialize(secp256k1_context_static, raw, &n, point,
                                SECP256K1_EC_UNCOMPRESSED);
  ia_keccak256(&h, ia_span_of(raw + 1, 64));
  memcpy(out->b, h.b + 12, 20);
}

bool ia_secp_address(const ia_secp *s, ia_addr *out, const ia_secret *key, ia_err *e)
{
  secp256k1_pubkey point;

  if (!ia_secp_key_check(key, e))
    return false;
  if (!secp256k1_ec_pubkey_create(s->ctx, &point, key->ptr))
    return ia_fail(e, IA_E_CRYPTO, "secp256k1: no public key");
  point_address(out, &point);
  return true;
}

bool ia_secp_sign(const ia_secp *s, ia_sig *out, const ia_h256 *digest, const ia_secret *key,
                  ia_err *e)
{
  secp256k1_ecdsa_recoverable_signature sig;
  int v = 0;

  if (!ia_secp_key_check(key, e))
    return false;
  if (!secp256k1_ecdsa_sign_recoverable(s->ctx, &sig, digest->b, key->ptr, NULL, NULL))
    return ia_fail(e, IA_E_CRYPTO, "secp256k1: signing failed");
  secp256k1_ecdsa_recoverable_signature_serialize_compact(s->ctx, out->b, &v, &sig);
  if (v > 1)
    return ia_fail(e, IA_E_CRYPTO, "secp256k1: unusable signature");
  out->b[64] = (uint8_t)(27 + v);
  return true;
}

/* s must be at most half the group order: the library normalises and says whether it had to. */
static bool low_s(const ia_sig *sig, ia_err *e)
{
  secp256k1_ecdsa_signature plain;

  if (!secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &plain, sig->b))
    return ia_fail(e, IA_E_INVALID, "signature: r or s out of range");
  if (secp256k1_ecdsa_signature_normalize(secp256k1_context_static, NULL, &plain))
    return ia_fail(e, IA_E_INVALID, "signature: high s");
  return true;
}

bool ia_secp_recover(ia_addr *out, const ia_h256 *digest, const ia_sig *sig, ia_err *e)
{
  secp256k1_ecdsa_recoverable_signature parsed;
  secp256k1_pubkey point;

  if (sig->b[64] != 27 && sig->b[64] != 28)
    return ia_fail(e, IA_E_INVALID, "signature: v is %u, want 27 or 28", sig->b[64]);
  if (!low_s(sig, e))
    return false;
  if (!secp256k1_ecdsa_recoverable_signature_parse_compact(secp256k1_context_static, &parsed,
                                                           sig->b, sig->b[64] - 27) ||
      !secp256k1_ecdsa_recover(secp256k1_context_static, &point, &parsed, digest->b))
    return ia_fail(e, IA_E_INVALID, "signature: no signer can be recovered");
  point_address(out, &point);
  return true;
}

bool ia_sig_parse(ia_sig *out, ia_span in, ia_err *e)
{
  if (in.len == 65) {
    memcpy(out->b, in.ptr, 65);
    if (out->b[64] < 2)
      out->b[64] = (uint8_t)(out->b[64] + 27);
  } else if (in.len == 64) {
    memcpy(out->b, in.ptr, 64);
    out->b[64] = (uint8_t)(27 + (in.ptr[32] >> 7));
    out->b[32] &= 0x7f;
  } else {
    return ia_fail(e, IA_E_PARSE, "signature: want 65 or 64 bytes, got %zu", in.len);
  }
  if (out->b[64] != 27 && out->b[64] != 28)
    return ia_fail(e, IA_E_INVALID, "signature: v is %u, want 27 or 28", out->b[64]);
  return low_s(out, e);
}

void ia_sig_compact(uint8_t out[64], const ia_sig *sig)
{
  memcpy(out, sig->b, 64);
  if (sig->b[64] == 28)
    out[32] |= 0x80;
}

bool ia_sig_verify(const ia_addr *signer, const ia_h256 *digest, ia_span sig, ia_err *e)
{
  ia_sig parsed;
  ia_addr who;

  if (!ia_sig_parse(&parsed, sig, e) || !ia_secp_recover(&who, digest, &parsed, e))
    return false;
  if (!ia_addr_eq(&who, signer))
    return ia_fail(e, IA_E_INVALID, "signature: made by another key");
  return true;
}
