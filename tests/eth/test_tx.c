/* Transactions: the EIP-155 example, vectors made by eth-account 0.14, strict decoding; RLP. */
#include "../crypto/support.h"
#include "eth/rlp.h"
#include "eth/tx.h"

static void signs_to(ia_tx *tx, uint8_t key_byte, const char *want)
{
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) key = key_of(key_byte);
  IA_AUTOV(ia_buf) raw = {0};
  ia_addr own, sender;
  ia_tx back;

  assert_true(ia_secp_new(&s, NULL));
  assert_true(ia_tx_sign(&raw, tx, s, &key, NULL));
  assert_int_equal(raw.len, strlen(want) / 2);
  assert_hex(raw.ptr, want);
  assert_true(ia_tx_decode(&back, ia_buf_view(&raw), NULL));
  assert_int_equal(back.type, tx->type);
  assert_int_equal(back.chain_id, tx->chain_id);
  assert_int_equal(back.nonce, tx->nonce);
  assert_int_equal(back.gas, tx->gas);
  assert_int_equal(back.creates, tx->creates);
  assert_true(ia_u256_eq(&back.max_fee, &tx->max_fee));
  assert_true(ia_u256_eq(&back.value, &tx->value));
  assert_true(ia_span_eq(back.data, tx->data));
  assert_true(ia_tx_sender(&sender, &back, NULL));
  assert_true(ia_secp_address(s, &own, &key, NULL));
  assert_true(ia_addr_eq(&sender, &own));
}

static void eip155_example(void **state IA_UNUSED)
{
  ia_tx tx = {.chain_id = 1, .nonce = 9, .gas = 21000};
  ia_h256 h;

  tx.max_fee = ia_u256_of(20000000000);
  tx.value = ia_u256_of(1000000000000000000);
  memset(tx.to.b, 0x35, 20);
  assert_true(ia_tx_digest(&h, &tx, NULL));
  assert_hex(h.b, "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
  signs_to(&tx, 0x46,
           "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000"
           "8025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f"
           "761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83");
}

static void legacy_without_fee(void **state IA_UNUSED)
{
  ia_tx tx = {.chain_id = 421614, .gas = 1000000};

  memset(tx.to.b, 0x22, 20);
  signs_to(&tx, 1,
           "f8638080830f42409422222222222222222222222222222222222222228080830cde00a097d40e378d82"
           "4785076c609d0e2f3547a42c83583c2a19aafeeab6b937a255eda03572158311408d7b1eba8053f3db7c"
           "8c3c25e34c65a9fd98d825283a889064f4");
}

static void type_2_without_fee(void **state IA_UNUSED)
{
  ia_tx tx = {.type = 2, .chain_id = 421614, .nonce = 7, .gas = 1000000};
  uint8_t data[70];
  ia_h256 h;

  memset(data, 0xab, sizeof(data));
  memset(tx.to.b, 0x22, 20);
  tx.data = IA_SPAN_ARR(data);
  assert_true(ia_tx_digest(&h, &tx, NULL));
  signs_to(&tx, 1,
           "02f8ad83066eee078080830f424094222222222222222222222222222222222222222280b846abababab"
           "abababababababababababababababababababababababababababababababababababababababababab"
           "ababababababababababababababababababababababababc080a0a9a0252097570ae28292f6f7d2d1d3"
           "f6147c1c342581f1aab9a8abad6499984ea022504bda1910373006773f46e79a805e5674db5cdb686938"
           "29e0083854297ccb");
}

static void type_2_with_access_list(void **state IA_UNUSED)
{
  static const char raw_hex[] =
      "02f89c0182012c843b9aca008502540be40082520880880de0b6b3a7640000826001f838f7943333333333333333"
      "333333333333333333333333e1a04444444444444444444444444444444444444444444444444444444444444444"
      "80a0a4c16953bd616c4fe333c8e98e0a412e164bf05fa4f237631af95de8a493b2dca05c07d8d24281850861e902"
      "b1976cf3fc5f958a24005b91266b547bf8dfdd1394";
  uint8_t raw[sizeof(raw_hex) / 2];
  ia_addr sender;
  ia_tx tx;
  ia_h256 h;

  from_hex(raw, sizeof(raw), raw_hex);
  assert_true(ia_tx_decode(&tx, IA_SPAN_ARR(raw), NULL));
  assert_true(tx.creates);
  assert_int_equal(tx.nonce, 300);
  assert_int_equal(tx.access_list.len, 56);
  assert_true(ia_tx_sender(&sender, &tx, NULL));
  assert_hex(sender.b, "1a642f0e3c3af545e7acbd38b07251b3990914f1");
  ia_tx_hash(&h, IA_SPAN_ARR(raw));
  assert_hex(h.b, "19f7c7e68a8b5f3f08e239d0ead313ca19c05e28affa96a4ae93a1b0e03e5a3d");
}

static void refused_with_their_class(void **state IA_UNUSED)
{
  static const struct {
    const char *hex;
    ia_code code;
  } bad[] = {
      {"", IA_E_PARSE},
      {"01c0", IA_E_UNSUPPORTED},
      {"03c0", IA_E_UNSUPPORTED},
      {"02c0", IA_E_PARSE},
      {"c0", IA_E_PARSE},
      {"c08001", IA_E_PARSE},
      /* v = 27: no chain id */
      {"cc8080808080801b01018080", IA_E_PARSE},
      {"c98080808080801b0101", IA_E_CHAIN_ID},
      /* nonce with a leading zero; gas in long form for one byte */
      {"ca820001808080808025010101", IA_E_PARSE},
      {"ca80808105808080250101", IA_E_PARSE},
  };

  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    size_t n = strlen(bad[i].hex) / 2;
    uint8_t raw[64];
    ia_err e = {0};
    ia_tx tx;

    from_hex(raw, n, bad[i].hex);
    assert_false(ia_tx_decode(&tx, ia_span_of(raw, n), &e));
    assert_int_equal(e.code, bad[i].code);
  }
}

static void rlp_forms(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) b = {0};
  uint8_t big[60] = {1};
  ia_span in, out;
  uint64_t v;

  ia_rlp_put_u64(&b, 0);
  ia_rlp_put_u64(&b, 127);
  ia_rlp_put_u64(&b, 128);
  ia_rlp_put_u64(&b, 1024);
  ia_rlp_put(&b, ia_span_str("dog"));
  assert_hex(b.ptr, "807f818082040083646f67");
  ia_rlp_put(&b, IA_SPAN_ARR(big));
  ia_rlp_put_list(&b, IA_SPAN_ARR(big));
  in = ia_buf_view(&b);
  assert_true(ia_rlp_take_u64(&in, &v, NULL) && v == 0);
  assert_true(ia_rlp_take_u64(&in, &v, NULL) && v == 127);
  assert_true(ia_rlp_take_u64(&in, &v, NULL) && v == 128);
  assert_false(ia_rlp_take_list(&in, &out, NULL));
  assert_true(ia_rlp_take_u64(&in, &v, NULL) && v == 1024);
  assert_true(ia_rlp_take(&in, &out, NULL) && ia_span_is(out, "dog"));
  assert_true(ia_rlp_take(&in, &out, NULL) && out.len == 60);
  assert_false(ia_rlp_take(&in, &out, NULL));
  assert_true(ia_rlp_take_list(&in, &out, NULL) && out.len == 60);
  assert_true(ia_rlp_end(in, NULL));
  assert_false(ia_rlp_take(&in, &out, NULL));
}

static void rlp_longer_forms(void **state IA_UNUSED)
{
  static const char *const bad[] = {
      "8100", "817f", "b80100", "b837", "b90001ff", "ffffffffffffffffff", "bfffffffffffffffff",
      "82ff"};

  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    size_t n = strlen(bad[i]) / 2;
    uint8_t raw[16];
    ia_span in = ia_span_of(raw, n), out;

    from_hex(raw, n, bad[i]);
    assert_false(ia_rlp_take(&in, &out, NULL));
    assert_false(ia_rlp_take_list(&in, &out, NULL));
    assert_int_equal(in.len, n);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(eip155_example),           cmocka_unit_test(legacy_without_fee),
      cmocka_unit_test(type_2_without_fee),       cmocka_unit_test(type_2_with_access_list),
      cmocka_unit_test(refused_with_their_class), cmocka_unit_test(rlp_forms),
      cmocka_unit_test(rlp_longer_forms),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
