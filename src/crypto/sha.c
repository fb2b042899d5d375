/* SHA-2 over EVP. */
#include "crypto/sha.h"

#include <openssl/evp.h>

struct ia_sha {
  EVP_MD_CTX *ctx;
  const EVP_MD *md;
  bool bad;
};

static const EVP_MD *sha_md(ia_sha_kind kind)
{
  if (kind == IA_SHA384)
    return EVP_sha384();
  return kind == IA_SHA512 ? EVP_sha512() : EVP_sha256();
}

static void sha_once(ia_sha_kind kind, uint8_t *out, ia_span in)
{
  if (EVP_Digest(in.len ? (const void *)in.ptr : "", in.len, out, NULL, sha_md(kind), NULL) != 1)
    abort();
}

void ia_sha256(ia_h256 *out, ia_span in)
{
  sha_once(IA_SHA256, out->b, in);
}

void ia_sha384(uint8_t out[48], ia_span in)
{
  sha_once(IA_SHA384, out, in);
}

void ia_sha512(uint8_t out[64], ia_span in)
{
  sha_once(IA_SHA512, out, in);
}

bool ia_sha_new(ia_sha **out, ia_sha_kind kind, ia_err *e)
{
  IA_AUTO(ia_sha) *s = calloc(1, sizeof(*s));

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "hash: out of memory");
  s->md = sha_md(kind);
  s->ctx = EVP_MD_CTX_new();
  if (!s->ctx || EVP_DigestInit_ex(s->ctx, s->md, NULL) != 1)
    return ia_fail(e, IA_E_CRYPTO, "hash: cannot start");
  *out = ia_steal(&s);
  return true;
}

void ia_sha_free(ia_sha *s)
{
  if (!s)
    return;
  EVP_MD_CTX_free(s->ctx);
  free(s);
}

void ia_sha_update(ia_sha *s, ia_span in)
{
  if (in.len > 0 && EVP_DigestUpdate(s->ctx, in.ptr, in.len) != 1)
    s->bad = true;
}

bool ia_sha_final(ia_sha *s, uint8_t *out, ia_err *e)
{
  bool ok = EVP_DigestFinal_ex(s->ctx, out, NULL) == 1 && !s->bad;

  s->bad = EVP_DigestInit_ex(s->ctx, s->md, NULL) != 1;
  return ok || ia_fail(e, IA_E_CRYPTO, "hash: failed");
}
