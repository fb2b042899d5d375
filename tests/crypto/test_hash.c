/* SHA-2 (FIPS 180-4 examples), Keccak-256, HMAC (RFC 4231), HKDF (RFC 5869). */
#include "crypto/hkdf.h"
#include "crypto/keccak.h"
#include "crypto/sha.h"
#include "support.h"

static void sha2_of_abc(void **state IA_UNUSED)
{
  uint8_t wide[64];
  ia_h256 h;

  ia_sha256(&h, ia_span_str("abc"));
  assert_hex(h.b, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  ia_sha256(&h, ia_span_of(NULL, 0));
  assert_hex(h.b, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  ia_sha384(wide, ia_span_str("abc"));
  assert_hex(wide, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                   "8086072ba1e7cc2358baeca134c825a7");
  ia_sha512(wide, ia_span_str("abc"));
  assert_hex(wide, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void sha2_streams(void **state IA_UNUSED)
{
  IA_AUTO(ia_sha) *s = NULL;
  ia_h256 once, parts;

  ia_sha256(&once, ia_span_str("hello world"));
  assert_true(ia_sha_new(&s, IA_SHA256, NULL));
  for (int round = 0; round < 2; round++) {
    ia_sha_update(s, ia_span_str("hello"));
    ia_sha_update(s, ia_span_of(NULL, 0));
    ia_sha_update(s, ia_span_str(" world"));
    assert_true(ia_sha_final(s, parts.b, NULL));
    assert_true(ia_h256_eq(&once, &parts)); /* and again after the restart */
  }
}

static void keccak_known_values(void **state IA_UNUSED)
{
  ia_h256 h;

  ia_keccak256(&h, ia_span_of(NULL, 0));
  assert_hex(h.b, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  ia_keccak256(&h, ia_span_str("abc"));
  assert_hex(h.b, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
  ia_keccak256(&h, ia_span_str("IEXEC_SMS_DOMAIN"));
  assert_hex(h.b, "0a26923d45a019b77e856d0001681f98ab9707ec15b2b98048cc91eed00b6793");
}

/* Any cut of any length around the block size gives what one piece gives. */
static void keccak_streams(void **state IA_UNUSED)
{
  uint8_t data[3 * IA_KECCAK_RATE + 7];

  counting(data, sizeof(data), 3);
  for (size_t n = IA_KECCAK_RATE - 2; n <= sizeof(data); n += 67) {
    ia_h256 once, parts;

    ia_keccak256(&once, ia_span_of(data, n));
    for (size_t cut = 0; cut <= n; cut += 45) {
      ia_keccak k;

      ia_keccak_init(&k);
      ia_keccak_update(&k, ia_span_of(data, cut));
      ia_keccak_update(&k, ia_span_of(data + cut, n - cut));
      ia_keccak_final(&k, &parts);
      assert_true(ia_h256_eq(&once, &parts));
    }
  }
}

static void hmac_rfc4231(void **state IA_UNUSED)
{
  uint8_t mac[32];

  assert_true(
      ia_hmac_sha256(mac, ia_span_str("Jefe"), ia_span_str("what do ya want for nothing?"), NULL));
  assert_hex(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void hkdf_rfc5869(void **state IA_UNUSED)
{
  uint8_t ikm[22], salt[13], info[10], okm[42], too_much[8161];

  memset(ikm, 0x0b, sizeof(ikm));
  counting(salt, sizeof(salt), 0);
  counting(info, sizeof(info), 0xf0);
  assert_true(
      ia_hkdf(okm, sizeof(okm), IA_SPAN_ARR(salt), IA_SPAN_ARR(ikm), IA_SPAN_ARR(info), NULL));
  assert_hex(okm, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                  "34007208d5b887185865");
  /* case 3: no salt, no info */
  assert_true(
      ia_hkdf(okm, sizeof(okm), ia_span_of(NULL, 0), IA_SPAN_ARR(ikm), ia_span_of(NULL, 0), NULL));
  assert_hex(okm, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                  "9d201395faa4b61a96c8");
  assert_false(ia_hkdf(too_much, sizeof(too_much), IA_SPAN_ARR(salt), IA_SPAN_ARR(ikm),
                       IA_SPAN_ARR(info), NULL));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sha2_of_abc),         cmocka_unit_test(sha2_streams),
      cmocka_unit_test(keccak_known_values), cmocka_unit_test(keccak_streams),
      cmocka_unit_test(hmac_rfc4231),        cmocka_unit_test(hkdf_rfc5869),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
