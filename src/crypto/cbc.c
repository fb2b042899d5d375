/* AES-256-CBC over EVP. */
#include "crypto/cbc.h"

#include <limits.h>

#include <openssl/evp.h>

struct ia_cbc {
  EVP_CIPHER_CTX *ctx;
  ia_cbc_way way;
  uint64_t total;
};

enum { CBC_BLOCK = 16, CBC_STEP = 1 << 20 };

bool ia_cbc_new(ia_cbc **out, ia_cbc_way way, ia_span key, const uint8_t iv[16], ia_err *e)
{
  IA_AUTO(ia_cbc) *c = calloc(1, sizeof(*c));

  if (!c)
    return ia_fail(e, IA_E_MEMORY, "cbc: out of memory");
  if (key.len != 32)
    return ia_fail(e, IA_E_BAD_KEY, "the key has %zu bytes, want 32", key.len);
  c->way = way;
  c->ctx = EVP_CIPHER_CTX_new();
  if (!c->ctx ||
      EVP_CipherInit_ex(c->ctx, EVP_aes_256_cbc(), NULL, key.ptr, iv, way == IA_CBC_ENCRYPT) != 1)
    return ia_fail(e, IA_E_CRYPTO, "cbc: cannot start");
  *out = ia_steal(&c);
  return true;
}

void ia_cbc_free(ia_cbc *c)
{
  if (!c)
    return;
  EVP_CIPHER_CTX_free(c->ctx);
  free(c);
}

bool ia_cbc_update(ia_cbc *c, ia_buf *out, ia_span in, ia_err *e)
{
  while (in.len > 0) {
    size_t step = in.len < CBC_STEP ? in.len : CBC_STEP;
    uint8_t *p = ia_buf_reserve(out, step + CBC_BLOCK);
    int n = 0;

    if (!p)
      return ia_buf_ok(out, e);
    if (EVP_CipherUpdate(c->ctx, p, &n, in.ptr, (int)step) != 1)
      return ia_fail(e, IA_E_CRYPTO, "cbc: failed");
    out->len += (size_t)n;
    c->total += step;
    in.ptr += step;
    in.len -= step;
  }
  return ia_buf_ok(out, e);
}

bool ia_cbc_final(ia_cbc *c, ia_buf *out, ia_err *e)
{
  uint8_t *p = ia_buf_reserve(out, 2 * CBC_BLOCK);
  int n = 0;

  if (!p)
    return ia_buf_ok(out, e);
  if (c->way == IA_CBC_DECRYPT && (c->total == 0 || c->total % CBC_BLOCK != 0))
    return ia_fail(e, IA_E_BAD_LENGTH, "the ciphertext is not a whole number of blocks");
  if (EVP_CipherFinal_ex(c->ctx, p, &n) != 1)
    return ia_fail(e, IA_E_BAD_PADDING, "the ciphertext does not open with this key");
  out->len += (size_t)n;
  return true;
}
