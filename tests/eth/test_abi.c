/* ABI coding: selectors and topics of PoCo, a nested vector made by eth-abi 6.0, hostile layouts.
 */
#include "../crypto/support.h"
#include "eth/abi.h"

#define APP_ORDER "(address,uint256,uint256,bytes32,address,address,address,bytes32,bytes)"
#define POOL_ORDER                                                                                 \
  "(address,uint256,uint256,bytes32,uint256,uint256,address,address,address,bytes32,bytes)"
#define REQUEST_ORDER                                                                              \
  "(address,uint256,address,uint256,address,uint256,address,uint256,bytes32,uint256,uint256,"      \
  "address,address,string,bytes32,bytes)"

static const struct {
  const char *signature, *selector;
} selector_table[] = {
    {"matchOrders(" APP_ORDER "," APP_ORDER "," POOL_ORDER "," REQUEST_ORDER ")", "156194d4"},
    {"sponsorMatchOrders(" APP_ORDER "," APP_ORDER "," POOL_ORDER "," REQUEST_ORDER ")",
     "2f391533"},
    {"assertDatasetDealCompatibility(" APP_ORDER ",bytes32)", "80f03425"},
    {"manageDatasetOrder((" APP_ORDER ",uint8,bytes))", "4b747106"},
    {"initialize(bytes32,uint256)", "5b36c66b"},
    {"contribute(bytes32,bytes32,bytes32,address,bytes,bytes)", "34623484"},
    {"contributeAndFinalize(bytes32,bytes32,bytes,bytes,address,bytes,bytes)", "5facd761"},
    {"reveal(bytes32,bytes32)", "fc334e8c"},
    {"finalize(bytes32,bytes,bytes)", "8fc375e5"},
    {"reopen(bytes32)", "f6c68e10"},
    {"claim(bytes32)", "bd66528a"},
    {"viewDeal(bytes32)", "b74861b2"},
    {"viewTask(bytes32)", "adccf0d5"},
    {"viewConsumed(bytes32)", "4b2bec8c"},
    {"viewDataset(address)", "1e143ef7"},
    {"viewApp(address)", "e1523fb4"},
    {"viewCategory(uint256)", "4f5f44ec"},
    {"viewAccount(address)", "6b55f4a5"},
    {"viewContribution(bytes32,address)", "e741363b"},
    {"owner()", "8da5cb5b"},
    {"domain()", "c2fb26a6"},
    {"verifySignature(address,bytes32,bytes)", "01751998"},
    {"receiveResult(bytes32,bytes)", "5dd80855"},
    {"keyHasPurpose(bytes32,uint256)", "d202158d"},
    {"callbackgas()", "e63ec07d"},
    {"contribution_deadline_ratio()", "74ed5244"},
    {"final_deadline_ratio()", "db8aaa26"},
    {"m_appMultiaddr()", "39e75d45"},
    {"m_appMREnclave()", "e30d26a8"},
    {"m_appChecksum()", "84aaf12e"},
    {"m_datasetMultiaddr()", "a61ca6c5"},
    {"m_datasetChecksum()", "1ba99d7e"},
};

static void selectors(void **state IA_UNUSED)
{
  for (size_t i = 0; i < IA_COUNT(selector_table); i++) {
    uint8_t sel[4];

    ia_abi_selector(sel, selector_table[i].signature);
    assert_hex(sel, selector_table[i].selector);
  }
}

static void topics(void **state IA_UNUSED)
{
  static const struct {
    const char *signature, *topic;
  } known[] = {
      {"SchedulerNotice(address,bytes32)",
       "692ad61076dceddd0f1a861f737553dd61fc8501cf4190d29c4e90af6607f765"},
      {"OrdersMatched(bytes32,bytes32,bytes32,bytes32,bytes32,uint256)",
       "d811b592ed0899225773e8933d8df64bd0b62761a9d7aad4ed5b22735f4610a4"},
      {"DealSponsored(bytes32,address)",
       "81eec3d5401bb1693dbef61f0800bc16602905d6677d691c1262d6f08456e9a0"},
      {"TaskInitialize(bytes32,address)",
       "252992fb0468d68d6a5784ec03214f0d0a362083f2d7ebd157af43b017a22e06"},
      {"TaskContribute(bytes32,address,bytes32)",
       "3fdb8d7797562d49a81078dbf7fa1771958ea452f8b13d1148383bd9506aecfb"},
      {"TaskConsensus(bytes32,bytes32)",
       "f6d49bf3e05d33a4bc497d3c793fb5756388bb96b947cf51bb60aaecb0e022e3"},
      {"TaskReveal(bytes32,address,bytes32)",
       "4b1763d473ac8fa80b4432ba90047e1b92444d8fabc55e6a002d9b1a316d7959"},
      {"TaskReopen(bytes32)", "3afe0f24796ce653c6ab1f3e7aba5ce564eece5e82aee724aff28253e829f07b"},
      {"TaskFinalize(bytes32,bytes)",
       "78ce8a8bc0fcb704e8ba3b3dbb36aa88002df8038128b4af2f27ef65db665044"},
      {"TaskClaimed(bytes32)", "cbc308b5f91040d2659a5201858344b0b583cd2f9e18e8470c2fa052c5b21ff8"},
  };

  for (size_t i = 0; i < IA_COUNT(known); i++) {
    ia_h256 t;

    ia_abi_topic(&t, known[i].signature);
    assert_hex(t.b, known[i].topic);
  }
}

#define NESTED "((address,uint256[],(bytes,bool)[2],string),bytes32,int8,(uint8,address)[])"

static const char nested_hex[] = "0000000000000000000000000000000000000000000000000000000000000080"
                                 "2222222222222222222222222222222222222222222222222222222222222222"
                                 "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffb"
                                 "00000000000000000000000000000000000000000000000000000000000002e0"
                                 "0000000000000000000000001111111111111111111111111111111111111111"
                                 "0000000000000000000000000000000000000000000000000000000000000080"
                                 "0000000000000000000000000000000000000000000000000000000000000100"
                                 "0000000000000000000000000000000000000000000000000000000000000220"
                                 "0000000000000000000000000000000000000000000000000000000000000003"
                                 "0000000000000000000000000000000000000000000000000000000000000001"
                                 "0000000000000000000000000000000000000000000000000000000000000002"
                                 "0000000000000000000000000000000000000000000000000000000000000003"
                                 "0000000000000000000000000000000000000000000000000000000000000040"
                                 "00000000000000000000000000000000000000000000000000000000000000c0"
                                 "0000000000000000000000000000000000000000000000000000000000000040"
                                 "0000000000000000000000000000000000000000000000000000000000000001"
                                 "0000000000000000000000000000000000000000000000000000000000000003"
                                 "6162630000000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000040"
                                 "0000000000000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000005"
                                 "68656c6c6f000000000000000000000000000000000000000000000000000000"
                                 "0000000000000000000000000000000000000000000000000000000000000001"
                                 "0000000000000000000000000000000000000000000000000000000000000007"
                                 "0000000000000000000000003333333333333333333333333333333333333333";

static size_t nested_values(ia_abi_val *v)
{
  static ia_addr a, b;
  static ia_h256 h;
  size_t n = 0;

  memset(a.b, 0x11, 20);
  memset(b.b, 0x33, 20);
  memset(h.b, 0x22, 32);
  v[n++] = ia_abi_addr(&a);
  v[n++] = ia_abi_count(3);
  for (uint64_t i = 1; i <= 3; i++)
    v[n++] = ia_abi_u64(i);
  v[n++] = ia_abi_str("abc");
  v[n++] = ia_abi_bool(true);
  v[n++] = ia_abi_str("");
  v[n++] = ia_abi_bool(false);
  v[n++] = ia_abi_str("hello");
  v[n++] = ia_abi_h256(&h);
  v[n] = ia_abi_u64(0xfb);
  memset(v[n++].word, 0xff, 31); /* -5 */
  v[n++] = ia_abi_count(1);
  v[n++] = ia_abi_u64(7);
  v[n++] = ia_abi_addr(&b);
  return n;
}

static void nested_vector(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) out = {0};
  IA_AUTOV(ia_abi_list) l = {0};
  ia_abi_val v[24];
  size_t n = nested_values(v);
  ia_err e = {0};

  assert_true(ia_abi_encode(&out, NESTED, v, n, &e));
  assert_int_equal(out.len, strlen(nested_hex) / 2);
  assert_hex(out.ptr, nested_hex);
  assert_true(ia_abi_decode(&l, NESTED, ia_buf_view(&out), &e));
  assert_int_equal(l.n, n);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(l.v[i].kind, v[i].kind);
    assert_memory_equal(l.v[i].word, v[i].word, 32);
    assert_true(ia_span_eq(l.v[i].bytes, v[i].bytes));
    assert_int_equal(l.v[i].count, v[i].count);
  }
}

/* Whatever decodes after one byte changed must encode to those very bytes: no second layout of one
 * value is taken. Every shorter or longer input is refused. */
static void only_canonical_input(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) out = {0};
  ia_abi_val v[24];
  size_t n = nested_values(v);

  assert_true(ia_abi_encode(&out, NESTED, v, n, NULL));
  for (size_t i = 0; i < out.len; i++) {
    IA_AUTOV(ia_abi_list) l = {0};
    IA_AUTOV(ia_buf) again = {0};

    out.ptr[i] ^= 0x21;
    if (ia_abi_decode(&l, NESTED, ia_buf_view(&out), NULL)) {
      assert_true(ia_abi_encode(&again, NESTED, l.v, l.n, NULL));
      assert_true(ia_span_eq(ia_buf_view(&again), ia_buf_view(&out)));
    }
    out.ptr[i] ^= 0x21;
    assert_false(ia_abi_decode(&l, NESTED, ia_span_of(out.ptr, i), NULL));
  }
  ia_buf_zero(&out, 32);
  IA_AUTOV(ia_abi_list) l = {0};
  assert_false(ia_abi_decode(&l, NESTED, ia_buf_view(&out), NULL));
}

static void hostile_words(void **state IA_UNUSED)
{
  static const struct {
    const char *types, *hex;
  } bad[] = {
      {"(bytes)", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
                  "0000000000000000000000000000000000000000000000000000000000000000"},
      {"(bytes)", "0000000000000000000000000000000000000000000000000000000000000020"
                  "000000000000000000000000000000000000000000000000ffffffffffffffff"},
      {"(uint256[])", "0000000000000000000000000000000000000000000000000000000000000020"
                      "0000000000000000000000000000000000000000000000000fffffffffffffff"},
      {"(bytes)", "0000000000000000000000000000000000000000000000000000000000000000"},
      {"(address)", "0000000000000000000000011111111111111111111111111111111111111111"},
      {"(bool)", "0000000000000000000000000000000000000000000000000000000000000002"},
      {"(uint8)", "0000000000000000000000000000000000000000000000000000000000000100"},
      {"(int8)", "0000000000000000000000000000000000000000000000000000000000000080"},
      {"(bytes4)", "0102030405000000000000000000000000000000000000000000000000000000"},
      {"(bytes)", "0000000000000000000000000000000000000000000000000000000000000020"
                  "0000000000000000000000000000000000000000000000000000000000000001"
                  "6100000000000000000000000000000000000000000000000000000000000001"},
  };

  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    IA_AUTOV(ia_abi_list) l = {0};
    uint8_t raw[128];
    size_t n = strlen(bad[i].hex) / 2;
    ia_err e = {0};

    from_hex(raw, n, bad[i].hex);
    assert_false(ia_abi_decode(&l, bad[i].types, ia_span_of(raw, n), &e));
    assert_int_equal(e.code, IA_E_PARSE);
  }
}

static void values_must_fit(void **state IA_UNUSED)
{
  static const char *const bad_types[] = {"(uint7)", "(uint264)",  "(bytes33)", "(uint08)",
                                          "(foo)",   "(uint8[0])", "(())",      "uint8",
                                          "(uint8",  "(uint8,)",   "(bytes0)"};
  IA_AUTOV(ia_buf) out = {0};
  ia_abi_val v[2] = {ia_abi_u64(256), ia_abi_u64(1)};
  ia_err e = {0};

  for (size_t i = 0; i < IA_COUNT(bad_types); i++)
    assert_false(ia_abi_encode(&out, bad_types[i], v + 1, 1, NULL));
  assert_false(ia_abi_encode(&out, "(uint8)", v, 1, &e));
  assert_int_equal(e.code, IA_E_INVALID);
  assert_false(ia_abi_encode(&out, "(uint16)", v, 2, NULL));
  assert_false(ia_abi_encode(&out, "(uint16,bytes)", v, 2, NULL));
  assert_false(ia_abi_encode(&out, "(uint16,uint8,bool)", v, 2, NULL));
}

static void calls_and_reverts(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) call = {0};
  IA_AUTOV(ia_buf) revert = {0};
  IA_AUTOV(ia_abi_list) l = {0};
  ia_abi_val text = ia_abi_str("iExecV5-matchOrders-0x06"), code = ia_abi_u64(0x11);
  char out[64];

  assert_true(ia_abi_encode_call(&call, "owner()", NULL, 0, NULL));
  assert_int_equal(call.len, 4);
  assert_true(ia_abi_decode_call(&l, "owner()", ia_buf_view(&call), NULL));
  assert_false(ia_abi_decode_call(&l, "domain()", ia_buf_view(&call), NULL));
  assert_false(ia_abi_revert_text(out, sizeof(out), ia_buf_view(&call)));
  assert_true(ia_abi_encode_call(&revert, "Error(string)", &text, 1, NULL));
  assert_true(ia_abi_revert_text(out, sizeof(out), ia_buf_view(&revert)));
  assert_string_equal(out, "iExecV5-matchOrders-0x06");
  assert_true(ia_abi_revert_text(out, 8, ia_buf_view(&revert)));
  assert_string_equal(out, "iExecV5");
  ia_buf_clear(&revert);
  assert_true(ia_abi_encode_call(&revert, "Panic(uint256)", &code, 1, NULL));
  assert_true(ia_abi_revert_text(out, sizeof(out), ia_buf_view(&revert)));
  assert_string_equal(out, "panic 0x11");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(selectors),         cmocka_unit_test(topics),
      cmocka_unit_test(nested_vector),     cmocka_unit_test(only_canonical_input),
      cmocka_unit_test(hostile_words),     cmocka_unit_test(values_must_fit),
      cmocka_unit_test(calls_and_reverts),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
