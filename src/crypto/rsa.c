/* RSA result keys over EVP. */
#include "crypto/rsa.h"

#include <ctype.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

struct ia_rsa {
  EVP_PKEY *key;
};

typedef EVP_PKEY_CTX rsa_ctx;
typedef EVP_PKEY rsa_key;
IA_DEFINE_AUTO(rsa_ctx, EVP_PKEY_CTX_free)
IA_DEFINE_AUTO(rsa_key, EVP_PKEY_free)
IA_DEFINE_AUTO(BIO, BIO_free_all)
IA_DEFINE_AUTO(BIGNUM, BN_free)

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, RSA_PEM_MAX = 16384 };

void ia_rsa_free(ia_rsa *k)
{
  if (!k)
    return;
  EVP_PKEY_free(k->key);
  free(k);
}

static bool rsa_wrap(ia_rsa **out, EVP_PKEY *key, ia_err *e)
{
  ia_rsa *k = calloc(1, sizeof(*k));

  if (!k) {
    EVP_PKEY_free(key);
    return ia_fail(e, IA_E_MEMORY, "rsa: out of memory");
  }
  k->key = key;
  *out = k;
  return true;
}

static bool rsa_within_limits(const EVP_PKEY *key, ia_err *e)
{
  IA_AUTO(BIGNUM) *exponent = NULL;
  IA_AUTO(BIGNUM) *modulus = NULL;
  int bits = EVP_PKEY_get_bits(key);

  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
    return ia_fail(e, IA_E_RESULT_KEY_INVALID, "result key: not RSA");
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
    return ia_fail(e, IA_E_RESULT_KEY_INVALID, "result key: %d bits, want %d to %d", bits,
                   RSA_BITS_MIN, RSA_BITS_MAX);
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1 || !BN_is_odd(exponent) ||
      BN_get_word(exponent) < 65537 || BN_num_bits(exponent) > 64)
    return ia_fail(e, IA_E_RESULT_KEY_INVALID, "result key: exponent must be odd and >= 65537");
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1 || !BN_is_odd(modulus) ||
      BN_is_negative(modulus) || BN_is_negative(exponent))
    return ia_fail(e, IA_E_RESULT_KEY_INVALID, "result key: the modulus must be odd");
  return true;
}

bool ia_rsa_generate(ia_rsa **out, unsigned bits, ia_err *e)
{
  EVP_PKEY *key;

  if (bits != 2048 && bits != 3072 && bits != 4096 && bits != 8192)
    return ia_fail(e, IA_E_INVALID, "rsa: %u bits are not offered", bits);
  key = EVP_RSA_gen(bits);
  if (!key)
    return ia_fail(e, IA_E_CRYPTO, "rsa: cannot make a key");
  return rsa_wrap(out, key, e);
}

static bool rsa_tail_blank(BIO *bio)
{
  char c;

  while (BIO_read(bio, &c, 1) == 1) {
    if (!isspace((unsigned char)c))
      return false;
  }
  return true;
}

static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
  (void)buf, (void)size, (void)writing, (void)ctx;
  return -1;
}

static bool starts_with(ia_span s, const char *text)
{
  size_t n = strlen(text);

  return s.len >= n && memcmp(s.ptr, text, n) == 0;
}

/* DER of the only key there may be in the text, under one of the two names. */
typedef struct rsa_der {
  bool pkcs1;
  uint8_t *ptr;
  long len;
} rsa_der;

static bool rsa_read_der(rsa_der *out, BIO *bio)
{
  char *name = NULL, *header = NULL;
  bool ok = PEM_read_bio(bio, &name, &header, &out->ptr, &out->len) == 1 && header[0] == 0;

  if (ok)
    out->pkcs1 = strcmp(name, "RSA PUBLIC KEY") == 0;
  ok = ok && (out->pkcs1 || strcmp(name, "PUBLIC KEY") == 0);
  OPENSSL_free(name);
  OPENSSL_free(header);
  return ok;
}

/* One key has one DER: what libcrypto writes must be what it read, to the last byte. */
static bool rsa_is_canonical(const EVP_PKEY *key, const rsa_der *d)
{
  uint8_t *again = NULL;
  int n = d->pkcs1 ? i2d_PublicKey(key, &again) : i2d_PUBKEY(key, &again);
  bool same = n > 0 && n == d->len && memcmp(again, d->ptr, (size_t)n) == 0;

  OPENSSL_free(again);
  return same;
}

static EVP_PKEY *rsa_read_public(BIO *bio, ia_span pem)
{
  rsa_der d = {0};
  EVP_PKEY *key = NULL;

  if (starts_with(pem, "-----BEGIN ") && rsa_read_der(&d, bio)) {
    const uint8_t *at = d.ptr;

    key = d.pkcs1 ? d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, d.len) : d2i_PUBKEY(NULL, &at, d.len);
    if (key && !rsa_is_canonical(key, &d)) {
      EVP_PKEY_free(key);
      key = NULL;
    }
  }
  OPENSSL_free(d.ptr);
  return key;
}

static bool rsa_from_pem(ia_rsa **out, ia_span pem, bool private_key, ia_err *e)
{
  IA_AUTO(BIO) *bio = NULL;
  IA_AUTO(rsa_key) *key = NULL;

  while (pem.len > 0 && isspace(pem.ptr[0]))
    pem = ia_span_of(pem.ptr + 1, pem.len - 1);
  if (pem.len == 0 || pem.len > RSA_PEM_MAX)
    return ia_fail(e, IA_E_RESULT_KEY_INVALID, "result key: not a PEM text");
  bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
  if (!bio)
    return ia_fail(e, IA_E_MEMORY, "rsa: out of memory");
  key = private_key ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
                    : rsa_read_public(bio, pem);
  if (!key || !rsa_tail_blank(bio))
    return ia_fail(e, IA_E_RESULT_KEY_INVALID, "result key: not an RSA %s key in PEM",
                   private_key ? "private" : "public");
  if (!rsa_within_limits(key, e))
    return false;
  return rsa_wrap(out, ia_steal(&key), e);
}

bool ia_rsa_public_pem(ia_rsa **out, ia_span pem, ia_err *e)
{
  return rsa_from_pem(out, pem, false, e);
}

bool ia_rsa_public_check(const ia_rsa *k, ia_err *e)
{
  IA_AUTO(rsa_ctx) *c = EVP_PKEY_CTX_new(k->key, NULL);

  return (c && EVP_PKEY_public_check(c) == 1) ||
         ia_fail(e, IA_E_RESULT_KEY_INVALID,
                 "result key: the modulus is not a product of two large primes");
}

bool ia_rsa_private_pem(ia_rsa **out, ia_span pem, ia_err *e)
{
  return rsa_from_pem(out, pem, true, e);
}

static bool rsa_bio_out(ia_buf *out, BIO *bio, ia_err *e)
{
  char *p = NULL;
  long n = BIO_get_mem_data(bio, &p);

  if (n <= 0)
    return ia_fail(e, IA_E_CRYPTO, "rsa: cannot write the key");
  ia_buf_put(out, p, (size_t)n);
  return ia_buf_ok(out, e);
}

bool ia_rsa_write_public(ia_buf *out, const ia_rsa *k, ia_err *e)
{
  IA_AUTO(BIO) *bio = BIO_new(BIO_s_mem());

  if (!bio || PEM_write_bio_PUBKEY(bio, k->key) != 1)
    return ia_fail(e, IA_E_CRYPTO, "rsa: cannot write the key");
  return rsa_bio_out(out, bio, e);
}

bool ia_rsa_write_private(ia_buf *out, const ia_rsa *k, ia_err *e)
{
  IA_AUTO(BIO) *bio = BIO_new(BIO_s_secmem());

  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, k->key, NULL, NULL, 0, NULL, NULL) != 1)
    return ia_fail(e, IA_E_CRYPTO, "rsa: cannot write the key");
  return rsa_bio_out(out, bio, e);
}

size_t ia_rsa_bytes(const ia_rsa *k)
{
  return (size_t)EVP_PKEY_get_size(k->key);
}

bool ia_rsa_encrypt(ia_buf *out, const ia_rsa *k, ia_span plain, ia_err *e)
{
  IA_AUTO(rsa_ctx) *c = EVP_PKEY_CTX_new(k->key, NULL);
  size_t n = ia_rsa_bytes(k);
  uint8_t *p = ia_buf_reserve(out, n);

  if (!p)
    return ia_buf_ok(out, e);
  if (!c || EVP_PKEY_encrypt_init(c) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_encrypt(c, p, &n, plain.ptr, plain.len) != 1)
    return ia_fail(e, IA_E_CRYPTO, "rsa: cannot encrypt");
  out->len += n;
  return true;
}

bool ia_rsa_decrypt(ia_secret *out, const ia_rsa *k, ia_span sealed, ia_err *e)
{
  IA_AUTO(rsa_ctx) *c = EVP_PKEY_CTX_new(k->key, NULL);
  IA_AUTOV(ia_secret) plain = {0};
  size_t n = ia_rsa_bytes(k);

  if (!ia_secret_new(&plain, n, e))
    return false;
  if (!c || EVP_PKEY_decrypt_init(c) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_decrypt(c, plain.ptr, &n, sealed.ptr, sealed.len) != 1 || n > plain.len || n == 0)
    return ia_fail(e, IA_E_RESULT_UNREADABLE, "the result key does not open this file");
  return ia_secret_copy(out, ia_span_of(plain.ptr, n), e);
}
