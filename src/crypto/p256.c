/* ECDSA P-256 over EVP. */
#include "crypto/p256.h"

#include <limits.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

struct ia_p256 {
  EVP_PKEY *key;
};

typedef EVP_PKEY_CTX p256_pctx;
typedef EVP_MD_CTX p256_ctx;
typedef EVP_PKEY p256_key;
IA_DEFINE_AUTO(p256_pctx, EVP_PKEY_CTX_free)
IA_DEFINE_AUTO(p256_ctx, EVP_MD_CTX_free)
IA_DEFINE_AUTO(p256_key, EVP_PKEY_free)
IA_DEFINE_AUTO(ECDSA_SIG, ECDSA_SIG_free)
IA_DEFINE_AUTO(BIO, BIO_free_all)

enum { P256_DER_MAX = 80, P256_PEM_MAX = 8192 };

void ia_p256_free(ia_p256 *k)
{
  if (!k)
    return;
  EVP_PKEY_free(k->key);
  free(k);
}

static bool p256_wrap(ia_p256 **out, EVP_PKEY *key, ia_err *e)
{
  ia_p256 *k = calloc(1, sizeof(*k));

  if (!k) {
    EVP_PKEY_free(key);
    return ia_fail(e, IA_E_MEMORY, "p256: out of memory");
  }
  k->key = key;
  *out = k;
  return true;
}

bool ia_p256_generate(ia_p256 **out, ia_err *e)
{
  EVP_PKEY *key = EVP_EC_gen("P-256");

  if (!key)
    return ia_fail(e, IA_E_CRYPTO, "p256: cannot make a key");
  return p256_wrap(out, key, e);
}

static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
  (void)buf, (void)size, (void)writing, (void)ctx;
  return -1;
}

bool ia_p256_read_pem(ia_p256 **out, ia_span pem, ia_err *e)
{
  IA_AUTO(BIO) *bio = NULL;
  IA_AUTO(p256_key) *key = NULL;
  char group[32] = "";

  if (pem.len == 0 || pem.len > P256_PEM_MAX)
    return ia_fail(e, IA_E_BAD_KEY, "p256: not a PEM text");
  bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
  if (bio)
    key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
  if (!key || EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
      strcmp(group, "prime256v1") != 0)
    return ia_fail(e, IA_E_BAD_KEY, "not a P-256 private key in PEM");
  return p256_wrap(out, ia_steal(&key), e);
}

bool ia_p256_write_pem(ia_buf *out, const ia_p256 *k, ia_err *e)
{
  IA_AUTO(BIO) *bio = BIO_new(BIO_s_secmem());
  char *p = NULL;
  long n;

  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, k->key, NULL, NULL, 0, NULL, NULL) != 1)
    return ia_fail(e, IA_E_CRYPTO, "p256: cannot write the key");
  n = BIO_get_mem_data(bio, &p);
  if (n <= 0)
    return ia_fail(e, IA_E_CRYPTO, "p256: cannot write the key");
  ia_buf_put(out, p, (size_t)n);
  return ia_buf_ok(out, e);
}

bool ia_p256_public(uint8_t out[64], const ia_p256 *k, ia_err *e)
{
  uint8_t point[65];
  size_t n = 0;

  if (EVP_PKEY_get_octet_string_param(k->key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) !=
          1 ||
      n != sizeof(point) || point[0] != 0x04)
    return ia_fail(e, IA_E_CRYPTO, "p256: no public key");
  memcpy(out, point + 1, 64);
  return true;
}

struct evp_pkey_st *ia_p256_evp(const ia_p256 *k)
{
  return k->key;
}

bool ia_p256_sign(uint8_t sig[64], const ia_p256 *k, ia_span message, ia_err *e)
{
  IA_AUTO(p256_ctx) *c = EVP_MD_CTX_new();
  IA_AUTO(ECDSA_SIG) *rs = NULL;
  uint8_t der[P256_DER_MAX];
  const uint8_t *p = der;
  size_t n = sizeof(der);

  if (!c || EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k->key) != 1 ||
      EVP_DigestSign(c, der, &n, message.ptr, message.len) != 1)
    return ia_fail(e, IA_E_CRYPTO, "p256: signing failed");
  rs = d2i_ECDSA_SIG(NULL, &p, (long)n);
  if (!rs || BN_bn2binpad(ECDSA_SIG_get0_r(rs), sig, 32) != 32 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(rs), sig + 32, 32) != 32)
    return ia_fail(e, IA_E_CRYPTO, "p256: signing failed");
  return true;
}

/* EVP wants the key as parameters and checks that the point is on the curve. */
static p256_key *public_from_raw(const uint8_t raw[64])
{
  IA_AUTO(p256_pctx) *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  uint8_t point[65] = {0x04};
  char group[] = "prime256v1";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
      OSSL_PARAM_construct_end(),
  };
  EVP_PKEY *key = NULL;

  memcpy(point + 1, raw, 64);
  if (!c || EVP_PKEY_fromdata_init(c) != 1 ||
      EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
    return NULL;
  return key;
}

/* raw r || s -> DER; its length, or 0 */
static size_t der_of(uint8_t der[P256_DER_MAX], const uint8_t sig[64])
{
  IA_AUTO(ECDSA_SIG) *rs = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(sig, 32, NULL), *s = BN_bin2bn(sig + 32, 32, NULL);
  int n;

  if (!rs || !r || !s || ECDSA_SIG_set0(rs, r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return 0;
  }
  n = i2d_ECDSA_SIG(rs, NULL);
  if (n <= 0 || n > P256_DER_MAX)
    return 0;
  i2d_ECDSA_SIG(rs, &der);
  return (size_t)n;
}

bool ia_p256_verify(const uint8_t public_key[64], ia_span message, const uint8_t sig[64], ia_err *e)
{
  IA_AUTO(p256_key) *key = public_from_raw(public_key);
  IA_AUTO(p256_ctx) *c = EVP_MD_CTX_new();
  uint8_t der[P256_DER_MAX];
  size_t n = der_of(der, sig);

  if (!key)
    return ia_fail(e, IA_E_INVALID, "p256: not a point of the curve");
  if (!c || n == 0 || EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key) != 1 ||
      EVP_DigestVerify(c, der, n, message.ptr, message.len) != 1)
    return ia_fail(e, IA_E_INVALID, "p256: the signature does not fit");
  return true;
}
