/* Ed25519 (RFC 8032 7.1), X25519 (RFC 7748 6.1), P-256 (RFC 6979 A.2.5), secp256k1. */
#include "crypto/ed25519.h"
#include "crypto/keccak.h"
#include "crypto/p256.h"
#include "crypto/secp.h"
#include "crypto/x25519.h"
#include "support.h"

static void ed25519_rfc8032(void **state IA_UNUSED)
{
  uint8_t raw[32], pub[32], sig[64], message = 0x72;
  IA_AUTOV(ia_secret) seed = {0};
  ia_err e = {0};

  from_hex(raw, 32, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  seed = secret_of(raw, 32);
  assert_true(ia_ed25519_public(pub, &seed, NULL));
  assert_hex(pub, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  assert_true(ia_ed25519_sign(sig, &seed, ia_span_of(&message, 1), NULL));
  assert_hex(sig, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  assert_true(ia_ed25519_verify(pub, ia_span_of(&message, 1), IA_SPAN_ARR(sig), NULL));
  sig[5] ^= 1;
  assert_false(ia_ed25519_verify(pub, ia_span_of(&message, 1), IA_SPAN_ARR(sig), &e));
  assert_int_equal(e.code, IA_E_INVALID);
  sig[5] ^= 1;
  assert_false(ia_ed25519_verify(pub, ia_span_of(&message, 1), ia_span_of(sig, 63), &e));
  assert_false(ia_ed25519_verify(pub, ia_span_of(NULL, 0), IA_SPAN_ARR(sig), &e));
}

/* Under a key of small order, R = the neutral point and S = 0 fit one message in eight at least. */
static void ed25519_keys_of_small_order(void **state IA_UNUSED)
{
  static const char *const keys[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* y = 3, written long */
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  uint8_t pub[32], sig[64] = {1};

  for (size_t i = 0; i < 2 * IA_COUNT(keys); i++) {
    ia_err e = {0};

    from_hex(pub, 32, keys[i / 2]);
    pub[31] = (uint8_t)(pub[31] | (i & 1 ? 0x80 : 0));
    assert_false(ia_ed25519_key_check(pub, &e));
    assert_int_equal(e.code, IA_E_BAD_KEY);
    for (uint8_t m = 0; m < 64; m++)
      assert_false(ia_ed25519_verify(pub, ia_span_of(&m, 1), IA_SPAN_ARR(sig), NULL));
  }
  from_hex(pub, 32, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  assert_true(ia_ed25519_key_check(pub, NULL));
}

/* RFC 7748 6.1: every point of small order, also those that are written beyond the field. */
static void x25519_points_of_small_order(void **state IA_UNUSED)
{
  static const char *const points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  IA_AUTOV(ia_secret) key = key_of(0x42);
  uint8_t u[32], shared[32];

  for (size_t i = 0; i < 2 * IA_COUNT(points); i++) {
    from_hex(u, 32, points[i / 2]);
    u[31] = (uint8_t)(u[31] | (i & 1 ? 0x80 : 0));
    assert_false(ia_x25519(shared, &key, u, NULL));
  }
}

static void x25519_rfc7748(void **state IA_UNUSED)
{
  uint8_t raw[32], u[32], shared[32], zero[32] = {0};
  IA_AUTOV(ia_secret) key = {0};
  IA_AUTOV(ia_secret) bob = {0};

  /* 5.2, first vector */
  from_hex(raw, 32, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
  from_hex(u, 32, "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
  key = secret_of(raw, 32);
  assert_true(ia_x25519(shared, &key, u, NULL));
  assert_hex(shared, "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  /* 6.1, Bob */
  from_hex(raw, 32, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  bob = secret_of(raw, 32);
  assert_true(ia_x25519_public(u, &bob, NULL));
  assert_hex(u, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  /* a point of small order gives the zero point, which is refused */
  assert_false(ia_x25519(shared, &key, zero, NULL));
}

static void p256_rfc6979(void **state IA_UNUSED)
{
  uint8_t pub[64], sig[64];

  from_hex(pub, 64,
           "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
           "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  from_hex(sig, 64,
           "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
           "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  assert_true(ia_p256_verify(pub, ia_span_str("sample"), sig, NULL));
  assert_false(ia_p256_verify(pub, ia_span_str("samplf"), sig, NULL));
  memset(sig + 32, 0, 32);
  assert_false(ia_p256_verify(pub, ia_span_str("sample"), sig, NULL));
  pub[63] ^= 1; /* off the curve */
  assert_false(ia_p256_verify(pub, ia_span_str("sample"), sig, NULL));
}

static void p256_own_keys(void **state IA_UNUSED)
{
  IA_AUTO(ia_p256) *k = NULL;
  IA_AUTO(ia_p256) *again = NULL;
  IA_AUTOV(ia_buf) pem = {.secret = true};
  uint8_t pub[64], sig[64];

  assert_true(ia_p256_generate(&k, NULL));
  assert_true(ia_p256_write_pem(&pem, k, NULL));
  assert_true(ia_p256_read_pem(&again, ia_buf_view(&pem), NULL));
  assert_true(ia_p256_public(pub, k, NULL));
  assert_true(ia_p256_sign(sig, again, ia_span_str("hello"), NULL));
  assert_true(ia_p256_verify(pub, ia_span_str("hello"), sig, NULL));
  assert_false(ia_p256_verify(pub, ia_span_str("hellO"), sig, NULL));
}

static void secp_known_addresses(void **state IA_UNUSED)
{
  static const struct {
    uint8_t key;
    const char *address;
  } known[] = {
      {1, "1a642f0e3c3af545e7acbd38b07251b3990914f1"},
      {2, "5050a4f4b3f9338c3472dcc01a87c76a144b3c9c"},
      {3, "3325a78425f17a7e487eb5666b2bfd93abb06c70"},
      {4, "c48b812bb43401392c037381aca934f4069c0517"},
  };
  IA_AUTO(ia_secp) *s = NULL;

  assert_true(ia_secp_new(&s, NULL));
  for (size_t i = 0; i < IA_COUNT(known); i++) {
    IA_AUTOV(ia_secret) key = key_of(known[i].key);
    ia_addr a;

    assert_true(ia_secp_address(s, &a, &key, NULL));
    assert_hex(a.b, known[i].address);
  }
}

static void secp_bad_keys(void **state IA_UNUSED)
{
  IA_AUTOV(ia_secret) zero = key_of(0);
  IA_AUTOV(ia_secret) order = key_of(0xff);
  IA_AUTOV(ia_secret) brief = secret_of("0123456789abcdef", 16);
  ia_err e = {0};

  assert_false(ia_secp_key_check(&zero, &e));
  assert_int_equal(e.code, IA_E_BAD_KEY);
  assert_false(ia_secp_key_check(&order, NULL));
  assert_false(ia_secp_key_check(&brief, NULL));
}

static void secp_signatures_and_forms(void **state IA_UNUSED)
{
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) key = {0};
  ia_addr who, signer;
  uint8_t compact[64];
  ia_h256 digest;
  ia_sig sig, back;

  assert_true(ia_secp_new(&s, NULL));
  for (int i = 0; i < 8; i++) {
    ia_secret_free(&key);
    assert_true(ia_secp_key_new(&key, NULL));
    ia_keccak256(&digest, ia_secret_view(&key));
    assert_true(ia_secp_address(s, &signer, &key, NULL));
    assert_true(ia_secp_sign(s, &sig, &digest, &key, NULL));
    assert_true(ia_secp_recover(&who, &digest, &sig, NULL));
    assert_true(ia_addr_eq(&who, &signer));
    ia_sig_compact(compact, &sig);
    assert_true(ia_sig_parse(&back, IA_SPAN_ARR(compact), NULL));
    assert_memory_equal(back.b, sig.b, 65);
    assert_true(ia_sig_verify(&signer, &digest, IA_SPAN_ARR(compact), NULL));
    back.b[64] = (uint8_t)(back.b[64] - 27); /* v 0 or 1 */
    assert_true(ia_sig_verify(&signer, &digest, IA_SPAN_ARR(back.b), NULL));
    digest.b[0] ^= 1;
    assert_false(ia_sig_verify(&signer, &digest, IA_SPAN_ARR(sig.b), NULL));
  }
}

/* The two examples of EIP-2098. */
static void secp_compact_of_the_standard(void **state IA_UNUSED)
{
  static const struct {
    const char *text, *compact;
    uint8_t v;
  } rows[] = {
      {"\x19"
       "Ethereum Signed Message:\n11Hello World",
       "68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b90"
       "7e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064",
       27},
      {"\x19"
       "Ethereum Signed Message:\n22It's a small(er) world",
       "9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76"
       "939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793",
       28},
  };
  IA_AUTO(ia_secp) *s = NULL;
  uint8_t raw[32], compact[64];

  for (size_t i = 0; i < 32; i++)
    raw[i] = (uint8_t[]){0x12, 0x34, 0x56, 0x78, 0x90}[i % 5];
  IA_AUTOV(ia_secret) key = secret_of(raw, 32);
  assert_true(ia_secp_new(&s, NULL));
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    ia_h256 digest;
    ia_sig sig;

    ia_keccak256(&digest, ia_span_str(rows[i].text));
    assert_true(ia_secp_sign(s, &sig, &digest, &key, NULL));
    assert_int_equal(sig.b[64], rows[i].v);
    ia_sig_compact(compact, &sig);
    assert_hex(compact, rows[i].compact);
  }
}

/* n - s of a good signature recovers the same key and is refused. */
static void secp_high_s_is_refused(void **state IA_UNUSED)
{
  static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                                    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
                                    0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) key = key_of(2);
  ia_h256 digest = {{7}};
  ia_err e = {0};
  int borrow = 0;
  ia_addr who;
  ia_sig sig;

  assert_true(ia_secp_new(&s, NULL) && ia_secp_sign(s, &sig, &digest, &key, NULL));
  for (size_t i = 32; i-- > 0;) {
    int d = order[i] - sig.b[32 + i] - borrow;

    borrow = d < 0;
    sig.b[32 + i] = (uint8_t)(d + 256 * borrow);
  }
  sig.b[64] = (uint8_t)(55 - sig.b[64]);
  assert_false(ia_secp_recover(&who, &digest, &sig, &e));
  assert_int_equal(e.code, IA_E_INVALID);
  assert_string_equal(e.msg, "signature: high s");
  assert_false(ia_sig_parse(&sig, IA_SPAN_ARR(sig.b), NULL));
}

static void secp_refuses_odd_forms(void **state IA_UNUSED)
{
  uint8_t raw[66] = {0};
  ia_sig sig;
  ia_err e = {0};

  assert_false(ia_sig_parse(&sig, ia_span_of(raw, 66), &e));
  assert_int_equal(e.code, IA_E_PARSE);
  assert_false(ia_sig_parse(&sig, ia_span_of(raw, 63), NULL));
  raw[31] = raw[63] = 1;
  raw[64] = 29;
  assert_false(ia_sig_parse(&sig, ia_span_of(raw, 65), &e));
  assert_int_equal(e.code, IA_E_INVALID);
  memset(raw, 0xff, 32); /* r above the order */
  raw[64] = 27;
  assert_false(ia_sig_parse(&sig, ia_span_of(raw, 65), NULL));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ed25519_rfc8032),
      cmocka_unit_test(ed25519_keys_of_small_order),
      cmocka_unit_test(x25519_rfc7748),
      cmocka_unit_test(x25519_points_of_small_order),
      cmocka_unit_test(p256_rfc6979),
      cmocka_unit_test(p256_own_keys),
      cmocka_unit_test(secp_known_addresses),
      cmocka_unit_test(secp_bad_keys),
      cmocka_unit_test(secp_signatures_and_forms),
      cmocka_unit_test(secp_compact_of_the_standard),
      cmocka_unit_test(secp_high_s_is_refused),
      cmocka_unit_test(secp_refuses_odd_forms),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
