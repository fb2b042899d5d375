/* Values of the public contracts, as recorded on them: topics of events, addresses of the recorded
 * keys, constants, categories, the domain; and what an order consumed beyond its volume gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "crypto/keccak.h"
#include "eth/address.h"
#include "poco/abi.h"
#include "poco/match.h"
#include "poco/orders.h"

/* "begin..end" where the record gives no more */
static const struct topic {
  ia_event_id id;
  const char *topic;
} topics[] = {
    {IA_EV_SCHEDULER_NOTICE, "0x692ad61076dceddd0f1a861f737553dd61fc8501cf4190d29c4e90af6607f765"},
    {IA_EV_ORDERS_MATCHED, "0xd811b592ed0899225773e8933d8df64bd0b62761a9d7aad4ed5b22735f4610a4"},
    {IA_EV_DEAL_SPONSORED, "0x81eec3d5401bb1693dbef61f0800bc16602905d6677d691c1262d6f08456e9a0"},
    {IA_EV_TASK_INITIALIZE, "0x252992fb0468d68d6a5784ec03214f0d0a362083f2d7ebd157af43b017a22e06"},
    {IA_EV_TASK_CONTRIBUTE, "0x3fdb8d7797562d49a81078dbf7fa1771958ea452f8b13d1148383bd9506aecfb"},
    {IA_EV_TASK_CONSENSUS, "0xf6d49bf3e05d33a4bc497d3c793fb5756388bb96b947cf51bb60aaecb0e022e3"},
    {IA_EV_TASK_REVEAL, "0x4b1763d473ac8fa80b4432ba90047e1b92444d8fabc55e6a002d9b1a316d7959"},
    {IA_EV_TASK_REOPEN, "0x3afe0f24796ce653c6ab1f3e7aba5ce564eece5e82aee724aff28253e829f07b"},
    {IA_EV_TASK_FINALIZE, "0x78ce8a8bc0fcb704e8ba3b3dbb36aa88002df8038128b4af2f27ef65db665044"},
    {IA_EV_TASK_CLAIMED, "0xcbc308b5f91040d2659a5201858344b0b583cd2f9e18e8470c2fa052c5b21ff8"},
    {IA_EV_ACCURATE_CONTRIBUTION, "0x9703f458..3492"},
    {IA_EV_FAULTY_CONTRIBUTION, "0xf868788948..e79bb"},
    {IA_EV_CLOSED_APP_ORDER, "0x7343f75b..0668"},
    {IA_EV_CLOSED_DATASET_ORDER, "0xcf52e322..b1d4"},
    {IA_EV_CLOSED_WORKERPOOL_ORDER, "0x145ad51e..13a3"},
    {IA_EV_CLOSED_REQUEST_ORDER, "0x582f43f2..cc05"},
    {IA_EV_LOCK, "0x625fed98..d427"},
    {IA_EV_UNLOCK, "0x6381d981..60f1"},
    {IA_EV_REWARD, "0xc2aca55a..6672"},
    {IA_EV_SEIZE, "0x1bccc549..becb"},
    {IA_EV_TRANSFER, "0xddf252ad..b3ef"},
    {IA_EV_NFT_TRANSFER, "0xddf252ad..b3ef"},
};

static void topics_are_those_of_poco(void **state IA_UNUSED)
{
  for (size_t i = 0; i < IA_COUNT(topics); i++) {
    const char *want = topics[i].topic, *dots = strstr(want, "..");
    ia_text67 got = ia_h256_text(&ia_event_of(topics[i].id)->topic0);

    if (!dots) {
      assert_string_equal(got.s, want);
      continue;
    }
    assert_memory_equal(got.s, want, (size_t)(dots - want));
    assert_string_equal(got.s + strlen(got.s) - strlen(dots + 2), dots + 2);
  }
}

static void recorded_keys_have_their_addresses(void **state IA_UNUSED)
{
  static const char *const want[] = {"0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1",
                                     "0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c",
                                     "0x3325a78425F17a7E487Eb5666b2bFd93aBb06c70"};
  IA_AUTO(ia_secp) *secp = NULL;

  assert_true(ia_secp_new(&secp, NULL));
  for (size_t i = 0; i < IA_COUNT(want); i++) {
    IA_AUTOV(ia_secret) key = {0};
    ia_addr a;

    assert_true(ia_secret_new(&key, 32, NULL));
    memset(key.ptr, (int)i + 1, 32);
    assert_true(ia_secp_address(secp, &a, &key, NULL));
    assert_string_equal(ia_addr_text(&a).s, want[i]);
  }
}

static void constants_are_those_of_facetbase(void **state IA_UNUSED)
{
  static const uint64_t seconds[] = {300, 1200, 3600, 10800, 36000};
  static const char *const names[] = {"XS", "S", "M", "L", "XL"};

  assert_string_equal(ia_addr_text(&ia_kitty_address).s,
                      "0x99c2268479b93fDe36232351229815DF80837e23");
  assert_int_equal(IA_CONTRIBUTION_DEADLINE_RATIO, 7);
  assert_int_equal(IA_REVEAL_DEADLINE_RATIO, 2);
  assert_int_equal(IA_FINAL_DEADLINE_RATIO, 10);
  assert_int_equal(IA_WORKERPOOL_STAKE_RATIO, 30);
  assert_int_equal(IA_KITTY_RATIO, 10);
  assert_int_equal(IA_KITTY_MIN, 1000000000);
  assert_int_equal(IA_GROUPMEMBER_PURPOSE, 4);
  assert_int_equal(ia_poco_v6_2.callback_gas, 200000);
  assert_int_equal(ia_poco_v6_1.callback_gas, 100000);
  for (size_t i = 0; i < IA_COUNT(seconds); i++) {
    assert_int_equal(ia_genesis_category(i)->work_clock_time_ref, seconds[i]);
    assert_true(ia_span_is(ia_genesis_category(i)->name, names[i]));
  }
}

static void word_of(uint8_t out[32], const char *text)
{
  ia_h256 h;

  ia_keccak256(&h, ia_span_str(text));
  memcpy(out, h.b, 32);
}

/* EIP-712 domain "iExecODB", "5.0.0", chain id, hub: here of Arbitrum One. */
static void the_domain_is_iexecs(void **state IA_UNUSED)
{
  uint8_t words[5 * 32] = {0};
  ia_h256 got, want;
  ia_addr hub;

  assert_true(ia_addr_parse(&hub, ia_span_str("0x098bFCb1E50ebcA0BaA92C12eA0c3F045A1aD9f0"), NULL));
  word_of(words, "EIP712Domain(string name,string version,uint256 chainId,"
                 "address verifyingContract)");
  word_of(words + 32, "iExecODB");
  word_of(words + 64, "5.0.0");
  words[3 * 32 + 30] = 42161 >> 8;
  words[3 * 32 + 31] = 42161 & 0xff;
  memcpy(words + 4 * 32 + 12, hub.b, 20);
  ia_keccak256(&want, IA_SPAN_ARR(words));
  ia_order_separator(&got, 42161, &hub);
  assert_true(ia_h256_eq(&got, &want));
}

static bool five(void *ctx IA_UNUSED, const ia_h256 *hash IA_UNUSED, ia_u256 *out,
                 ia_err *e IA_UNUSED)
{
  *out = ia_u256_of(5);
  return true;
}

static void consumed_beyond_the_volume_panics(void **state IA_UNUSED)
{
  ia_poco_view view = {.consumed = five};
  ia_h256 separator = {{0}};
  ia_u256 volume;
  ia_revert why;
  ia_match m;

  memset(&m, 0, sizeof(m));
  m.app.volume = m.workerpool.volume = m.request.volume = ia_u256_of(9);
  assert_true(ia_match_volume(&volume, &separator, &view, &m, &why, NULL));
  assert_int_equal(volume.w[0], 4);
  m.workerpool.volume = ia_u256_of(4);
  assert_false(ia_match_volume(&volume, &separator, &view, &m, &why, NULL));
  assert_int_equal(why.id, IA_REVERT_OVERCONSUMED);
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(topics_are_those_of_poco),
      cmocka_unit_test(recorded_keys_have_their_addresses),
      cmocka_unit_test(constants_are_those_of_facetbase),
      cmocka_unit_test(the_domain_is_iexecs),
      cmocka_unit_test(consumed_beyond_the_volume_panics),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
