/* AES-256-CBC (SP 800-38A F.2.5), AES-256-GCM (the GCM paper's cases 13, 14, 16), RSA. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "crypto/cbc.h"
#include "crypto/gcm.h"
#include "crypto/rsa.h"
#include "support.h"

static const char cbc_key[] = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";

static bool cbc_run(ia_buf *out, ia_cbc_way way, ia_span in, size_t step, ia_err *e)
{
  IA_AUTO(ia_cbc) *c = NULL;
  uint8_t key[32], iv[16];

  from_hex(key, 32, cbc_key);
  counting(iv, 16, 0);
  assert_true(ia_cbc_new(&c, way, IA_SPAN_ARR(key), iv, NULL));
  for (size_t at = 0; at < in.len; at += step) {
    size_t n = in.len - at < step ? in.len - at : step;

    if (!ia_cbc_update(c, out, ia_span_of(in.ptr + at, n), e))
      return false;
  }
  return ia_cbc_final(c, out, e);
}

static void cbc_vector(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) out = {0};
  uint8_t plain[16];

  from_hex(plain, 16, "6bc1bee22e409f96e93d7e117393172a");
  assert_true(cbc_run(&out, IA_CBC_ENCRYPT, IA_SPAN_ARR(plain), 16, NULL));
  assert_int_equal(out.len, 32);
  assert_hex(out.ptr, "f58c4c04d6e5f1ba779eabfb5f7bfbd6");
}

static void cbc_any_length_and_step(void **state IA_UNUSED)
{
  uint8_t plain[100];

  counting(plain, sizeof(plain), 1);
  for (size_t n = 0; n <= sizeof(plain); n += 11) {
    for (size_t step = 1; step < 40; step += 13) {
      IA_AUTOV(ia_buf) sealed = {0};
      IA_AUTOV(ia_buf) back = {0};

      assert_true(cbc_run(&sealed, IA_CBC_ENCRYPT, ia_span_of(plain, n), step, NULL));
      assert_int_equal(sealed.len, n / 16 * 16 + 16);
      assert_true(cbc_run(&back, IA_CBC_DECRYPT, ia_buf_view(&sealed), step, NULL));
      assert_true(ia_span_eq(ia_buf_view(&back), ia_span_of(plain, n)));
    }
  }
}

static void cbc_faults_have_their_class(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) out = {0};
  IA_AUTO(ia_cbc) *c = NULL;
  uint8_t zero[32] = {0}, iv[16] = {0};
  ia_err e = {0};

  assert_false(cbc_run(&out, IA_CBC_DECRYPT, ia_span_of(zero, 0), 16, &e));
  assert_int_equal(e.code, IA_E_BAD_LENGTH);
  assert_false(cbc_run(&out, IA_CBC_DECRYPT, ia_span_of(zero, 17), 16, &e));
  assert_int_equal(e.code, IA_E_BAD_LENGTH);
  assert_false(cbc_run(&out, IA_CBC_DECRYPT, IA_SPAN_ARR(zero), 16, &e));
  assert_int_equal(e.code, IA_E_BAD_PADDING);
  assert_false(ia_cbc_new(&c, IA_CBC_DECRYPT, ia_span_of(zero, 31), iv, &e));
  assert_int_equal(e.code, IA_E_BAD_KEY);
}

static void gcm_vectors(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) out = {0};
  uint8_t key[32] = {0}, nonce[12] = {0}, plain[60], aad[20], none[16] = {0};

  assert_true(
      ia_gcm_seal(&out, IA_SPAN_ARR(key), nonce, ia_span_of(NULL, 0), ia_span_of(NULL, 0), NULL));
  assert_hex(out.ptr, "530f8afbc74536b9a963b4f1c4cb738b");
  ia_buf_clear(&out);
  assert_true(
      ia_gcm_seal(&out, IA_SPAN_ARR(key), nonce, ia_span_of(NULL, 0), IA_SPAN_ARR(none), NULL));
  assert_hex(out.ptr, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
  ia_buf_clear(&out);
  from_hex(key, 32, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  from_hex(nonce, 12, "cafebabefacedbaddecaf888");
  from_hex(plain, 60,
           "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
           "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  from_hex(aad, 20, "feedfacedeadbeeffeedfacedeadbeefabaddad2");
  assert_true(
      ia_gcm_seal(&out, IA_SPAN_ARR(key), nonce, IA_SPAN_ARR(aad), IA_SPAN_ARR(plain), NULL));
  assert_hex(out.ptr, "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece"
                      "0f4e1768cddf8853bb2d551b");
}

/* Every bit of key, nonce, aad and text counts; what does not open gives no byte. */
static void gcm_refuses_changes(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) sealed = {0};
  IA_AUTOV(ia_buf) out = {0};
  uint8_t key[32] = {1}, nonce[12] = {2}, aad[5] = {3};

  assert_true(ia_gcm_seal(&sealed, IA_SPAN_ARR(key), nonce, IA_SPAN_ARR(aad),
                          ia_span_str("some secret text"), NULL));
  for (size_t i = 0; i < sealed.len; i++) {
    sealed.ptr[i] ^= 0x10;
    assert_false(
        ia_gcm_open(&out, IA_SPAN_ARR(key), nonce, IA_SPAN_ARR(aad), ia_buf_view(&sealed), NULL));
    sealed.ptr[i] ^= 0x10;
    assert_int_equal(out.len, 0);
  }
  aad[4] = 1;
  assert_false(
      ia_gcm_open(&out, IA_SPAN_ARR(key), nonce, IA_SPAN_ARR(aad), ia_buf_view(&sealed), NULL));
  assert_false(ia_gcm_open(&out, IA_SPAN_ARR(key), nonce, IA_SPAN_ARR(aad),
                           ia_span_of(sealed.ptr, 15), NULL));
  aad[4] = 0;
  assert_true(
      ia_gcm_open(&out, IA_SPAN_ARR(key), nonce, IA_SPAN_ARR(aad), ia_buf_view(&sealed), NULL));
  assert_true(ia_span_is(ia_buf_view(&out), "some secret text"));
}

static void rsa_round_trip(void **state IA_UNUSED)
{
  IA_AUTO(ia_rsa) *k = NULL;
  IA_AUTO(ia_rsa) *pub = NULL;
  IA_AUTO(ia_rsa) *priv = NULL;
  IA_AUTO(ia_rsa) *junk = NULL;
  IA_AUTOV(ia_buf) pem = {0};
  IA_AUTOV(ia_buf) pkcs8 = {.secret = true};
  IA_AUTOV(ia_buf) sealed = {0};
  IA_AUTOV(ia_secret) plain = {0};
  ia_err e = {0};

  assert_true(ia_rsa_generate(&k, 2048, NULL));
  assert_true(ia_rsa_write_public(&pem, k, NULL) && ia_rsa_write_private(&pkcs8, k, NULL));
  assert_true(ia_rsa_public_pem(&pub, ia_buf_view(&pem), NULL));
  assert_true(ia_rsa_private_pem(&priv, ia_buf_view(&pkcs8), NULL));
  assert_int_equal(ia_rsa_bytes(pub), 256);
  assert_true(ia_rsa_encrypt(&sealed, pub, ia_span_str("the key"), NULL));
  assert_int_equal(sealed.len, 256);
  assert_true(ia_rsa_decrypt(&plain, priv, ia_buf_view(&sealed), NULL));
  assert_true(ia_span_is(ia_secret_view(&plain), "the key"));
  ia_secret_free(&plain);
  sealed.ptr[200] ^= 1;
  assert_false(ia_rsa_decrypt(&plain, priv, ia_buf_view(&sealed), &e));
  assert_int_equal(e.code, IA_E_RESULT_UNREADABLE);
  assert_false(ia_rsa_decrypt(&plain, priv, ia_span_of(sealed.ptr, 255), &e));
  assert_int_equal(e.code, IA_E_RESULT_UNREADABLE);
  ia_buf_str(&pem, "x"); /* something after the key */
  assert_false(ia_rsa_public_pem(&junk, ia_buf_view(&pem), &e));
  assert_int_equal(e.code, IA_E_RESULT_KEY_INVALID);
}

/* 1024 bits; 2048 bits with exponent 3 */
static const char rsa_1024[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDk3pag33Vvq3svcr5s9N/ksafp\n"
                               "nizQu35C+yECHUAzCIXfG7JM9ARTOoioeKtT/Z4PBKCuxciv46xLqjo28HGOeNRU\n"
                               "jTuepdwqS/c3DcA5mNfWLAPnouNWGc3PK6Vg0Yh8Yyg+Mf7bYN7CKPCoo/c2Dxnz\n"
                               "OapjHtqS1EJP6SoEiwIDAQAB\n"
                               "-----END PUBLIC KEY-----\n";
static const char rsa_exponent_3[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEAwCN7QRaAd4BFSoNk+rZ/\n"
    "xhK6JPWfV3oXdPKpoW0h0BpyfGduwdMdkLl7ipa9qbGcnKfq7+oudIfssxwFDSm+\n"
    "HUiTC2IpRvfhD1NreEToselGh3p3ZRWRFwBx0g9dQIVCeVz/ETiimYtGPDNxi9Ys\n"
    "8Km09VAmWow/52F3sSR+s/w4E9dlM9DPI5Bi2BUAq85QToBJ5+kGap2An6v3xJHg\n"
    "C4Pz3CxhNDJtrrSisBEfFK4tq4ykJqnrw9byaF2DD9tfWsopDSOybsFcxUm7Z1zC\n"
    "u0RQGi+d09EpZUF20l+mUFhHaFX8w9trZuzK1JBLQ3cH+aYnV91dO2r1usyyuira\n"
    "OQIBAw==\n"
    "-----END PUBLIC KEY-----\n";

static void rsa_limits(void **state IA_UNUSED)
{
  static const char *const bad[] = {
      rsa_1024,
      rsa_exponent_3,
      "",
      "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
  };
  IA_AUTO(ia_rsa) *k = NULL;

  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    ia_err e = {0};

    assert_false(ia_rsa_public_pem(&k, ia_span_str(bad[i]), &e));
    assert_int_equal(e.code, IA_E_RESULT_KEY_INVALID);
  }
  assert_false(ia_rsa_generate(&k, 1024, NULL));
}

/* A public key with this modulus and 65537, as PEM. */
static ia_buf pem_of(const BIGNUM *n)
{
  OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
  EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
  BIGNUM *exponent = BN_new();
  BIO *bio = BIO_new(BIO_s_mem());
  EVP_PKEY *key = NULL;
  ia_buf out = {0};
  char *text = NULL;

  assert_true(BN_set_word(exponent, 65537) == 1 &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
              OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1);
  OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
  assert_true(EVP_PKEY_fromdata_init(c) == 1 &&
              EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) == 1 &&
              PEM_write_bio_PUBKEY(bio, key) == 1);
  long len = BIO_get_mem_data(bio, &text);
  ia_buf_put(&out, text, (size_t)len);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(build);
  EVP_PKEY_CTX_free(c);
  EVP_PKEY_free(key);
  BN_free(exponent);
  BIO_free_all(bio);
  return out;
}

static void assert_modulus_refused(const BIGNUM *n)
{
  IA_AUTOV(ia_buf) pem = pem_of(n);
  IA_AUTO(ia_rsa) *k = NULL;
  ia_err e = {0};

  assert_false(ia_rsa_public_pem(&k, ia_buf_view(&pem), &e) && ia_rsa_public_check(k, &e));
  assert_int_equal(e.code, IA_E_RESULT_KEY_INVALID);
}

/* Moduli that are no product of two large primes. */
static void rsa_moduli(void **state IA_UNUSED)
{
  BN_CTX *c = BN_CTX_new();
  BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new();
  IA_AUTO(ia_rsa) *k = NULL;

  assert_true(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL) == 1 &&
              BN_generate_prime_ex(q, 1024, 0, NULL, NULL, NULL) == 1 && BN_mul(n, p, q, c) == 1);
  IA_AUTOV(ia_buf) good = pem_of(n);
  assert_true(ia_rsa_public_pem(&k, ia_buf_view(&good), NULL) && ia_rsa_public_check(k, NULL));
  assert_true(BN_sub_word(n, 1) == 1); /* even */
  assert_modulus_refused(n);
  assert_true(BN_sqr(n, p, c) == 1); /* a square */
  assert_modulus_refused(n);
  assert_true(BN_rand(n, 2047, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) == 1 && BN_mul_word(n, 3) == 1);
  assert_modulus_refused(n);
  assert_true(BN_generate_prime_ex(n, 2048, 0, NULL, NULL, NULL) == 1);
  assert_modulus_refused(n);
  BN_free(p);
  BN_free(q);
  BN_free(n);
  BN_CTX_free(c);
}

/* One key has one text: nothing beside it, in front of it, or inside it. */
static void rsa_one_text(void **state IA_UNUSED)
{
  IA_AUTO(ia_rsa) *k = NULL;
  IA_AUTO(ia_rsa) *junk = NULL;
  IA_AUTOV(ia_buf) pem = {0};
  char twice[4096], longer[2048], *text = NULL, *name = NULL, *header = NULL;
  uint8_t *der = NULL;
  ia_err e = {0};
  long n = 0;

  assert_true(ia_rsa_generate(&k, 2048, NULL) && ia_rsa_write_public(&pem, k, NULL));
  int len = (int)pem.len;
  (void)snprintf(twice, sizeof(twice), "%.*s%.*s", len, pem.ptr, len, pem.ptr);
  assert_false(ia_rsa_public_pem(&junk, ia_span_str(twice), &e));
  (void)snprintf(twice, sizeof(twice), "a word\n%.*s", len, pem.ptr);
  assert_false(ia_rsa_public_pem(&junk, ia_span_str(twice), &e));
  BIO *in = BIO_new_mem_buf(pem.ptr, len), *out = BIO_new(BIO_s_mem());
  assert_true(PEM_read_bio(in, &name, &header, &der, &n) == 1 && n < 2000);
  memcpy(longer, der, (size_t)n);
  memcpy(longer + n, "\0\0\0\0", 4); /* bytes after the key, inside the PEM */
  assert_true(PEM_write_bio(out, "PUBLIC KEY", "", (uint8_t *)longer, n + 4) > 0);
  long size = BIO_get_mem_data(out, &text);
  assert_false(ia_rsa_public_pem(&junk, ia_span_of(text, (size_t)size), &e));
  (void)BIO_reset(out);
  assert_true(PEM_write_bio(out, "PUBLIC KEY", "Proc-Type: 4,MIC-CLEAR\n", der, n) > 0);
  size = BIO_get_mem_data(out, &text);
  assert_false(ia_rsa_public_pem(&junk, ia_span_of(text, (size_t)size), &e));
  assert_int_equal(e.code, IA_E_RESULT_KEY_INVALID);
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(der);
  BIO_free_all(in);
  BIO_free_all(out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cbc_vector),
      cmocka_unit_test(cbc_any_length_and_step),
      cmocka_unit_test(cbc_faults_have_their_class),
      cmocka_unit_test(gcm_vectors),
      cmocka_unit_test(gcm_refuses_changes),
      cmocka_unit_test(rsa_round_trip),
      cmocka_unit_test(rsa_limits),
      cmocka_unit_test(rsa_moduli),
      cmocka_unit_test(rsa_one_text),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
