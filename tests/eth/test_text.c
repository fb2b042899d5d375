/* EIP-55 addresses, EIP-191 messages, contract addresses (EIP-1014), and the PoCo ids and
 * signatures that are made of these alone. */
#include "../crypto/support.h"
#include "crypto/keccak.h"
#include "eth/address.h"
#include "eth/create2.h"
#include "eth/eip191.h"

static void checksums_of_eip55(void **state IA_UNUSED)
{
  static const char *const good[] = {
      "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
      "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
      "0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77",
  };
  ia_addr a;

  for (size_t i = 0; i < IA_COUNT(good); i++) {
    assert_true(ia_addr_parse(&a, ia_span_str(good[i]), NULL));
    assert_string_equal(ia_addr_text(&a).s, good[i]);
  }
}

static void bad_addresses(void **state IA_UNUSED)
{
  static const char *const bad[] = {
      "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", /* one letter's case */
      "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",    "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
      "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaedd", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
      "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",  "",
  };
  ia_addr a;

  for (size_t i = 0; i < IA_COUNT(bad); i++)
    assert_false(ia_addr_parse(&a, ia_span_str(bad[i]), NULL));
  assert_true(ia_addr_parse(&a, ia_span_str("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED"), NULL));
}

static void contract_addresses(void **state IA_UNUSED)
{
  ia_addr deployer = {{0}}, a;
  ia_h256 salt = {{0}}, code;
  uint8_t init[4] = {0xde, 0xad, 0xbe, 0xef}, zero = 0;

  /* EIP-1014, examples 1 and 6 */
  ia_keccak256(&code, ia_span_of(&zero, 1));
  ia_create2(&a, &deployer, &salt, &code);
  assert_string_equal(ia_addr_text(&a).s, "0x4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38");
  from_hex(deployer.b, 20, "00000000000000000000000000000000deadbeef");
  from_hex(salt.b, 32, "00000000000000000000000000000000000000000000000000000000cafebabe");
  ia_keccak256(&code, IA_SPAN_ARR(init));
  ia_create2(&a, &deployer, &salt, &code);
  assert_string_equal(ia_addr_text(&a).s, "0x60f3f640a8508fC6a86d45DF051962668E1e8AC7");
  /* the usual first contract of the usual first development account */
  from_hex(deployer.b, 20, "f39fd6e51aad88f6f4ce6ab8827279cfffb92266");
  ia_create(&a, &deployer, 0);
  assert_string_equal(ia_addr_text(&a).s, "0x5FbDB2315678afecb367f032d93F642f64180aa3");
  ia_create(&a, &deployer, 1);
  assert_string_equal(ia_addr_text(&a).s, "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512");
}

static void keccak_parts(ia_h256 *out, const ia_span *parts, size_t n)
{
  ia_keccak k;

  ia_keccak_init(&k);
  for (size_t i = 0; i < n; i++)
    ia_keccak_update(&k, parts[i]);
  ia_keccak_final(&k, out);
}

/* PoCo: dealid, taskid, resultHash, resultSeal, enclave signature, authorization */
static void poco_values(void **state IA_UNUSED)
{
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) pool = key_of(2);
  IA_AUTOV(ia_secret) enclave = key_of(3);
  ia_h256 request, consumed = {{0}}, deal, task, digest, result, seal, message;
  ia_addr worker, challenge, who;
  ia_sig sig;

  assert_true(ia_secp_new(&s, NULL));
  memset(request.b, 0x11, 32);
  memset(digest.b, 0x44, 32);
  from_hex(worker.b, 20, "1a642f0E3c3aF545E7AcBD38b07251B3990914F1");
  assert_true(ia_secp_address(s, &challenge, &enclave, NULL));
  const ia_span b_deal[] = {IA_SPAN_ARR(request.b), IA_SPAN_ARR(consumed.b)};
  keccak_parts(&deal, b_deal, 2);
  assert_hex(deal.b, "5c75bb376affa44a4f06c8a768453c2f7945122a65eb322a0dd3cc2edcbd6f0a");
  const ia_span b_task[] = {IA_SPAN_ARR(deal.b), IA_SPAN_ARR(consumed.b)};
  keccak_parts(&task, b_task, 2);
  assert_hex(task.b, "b1dc38269deb7ee9be72513ec7aae272728039dc2bc39234e00ebf55719a4d7a");
  const ia_span b_result[] = {IA_SPAN_ARR(task.b), IA_SPAN_ARR(digest.b)};
  keccak_parts(&result, b_result, 2);
  const ia_span b_seal[] = {IA_SPAN_ARR(worker.b), IA_SPAN_ARR(task.b), IA_SPAN_ARR(digest.b)};
  keccak_parts(&seal, b_seal, 3);
  const ia_span b_msg[] = {IA_SPAN_ARR(result.b), IA_SPAN_ARR(seal.b)};
  keccak_parts(&message, b_msg, 2);
  assert_hex(message.b, "0a2466b74bdc493d5dd2bebae8ad33cd3dc96cb4ba2c3ad828442033d57c62a4");
  assert_true(ia_eip191_sign(s, &sig, IA_SPAN_ARR(message.b), &enclave, NULL));
  assert_hex(sig.b, "29bf98cb03ba9b50d6f3b75e22538a543fab1ed53524ba9011fe25fc7d910a64"
                    "4f0f5aa7295e164aa79599111a6c26e74957895345ea65a2160c283f25a12b9f1c");
  assert_true(ia_eip191_recover(&who, IA_SPAN_ARR(message.b), IA_SPAN_ARR(sig.b), NULL));
  assert_true(ia_addr_eq(&who, &challenge));
  const ia_span b_auth[] = {IA_SPAN_ARR(worker.b), IA_SPAN_ARR(task.b), IA_SPAN_ARR(challenge.b)};
  keccak_parts(&message, b_auth, 3);
  assert_hex(message.b, "0e20dbaa905850fb350c676f865009ce16a65bd1cad8882df7189642d212c882");
  assert_true(ia_eip191_sign(s, &sig, IA_SPAN_ARR(message.b), &pool, NULL));
  assert_hex(sig.b, "08d78c2d4ffc0b6977a429606f8888978c6fb185f6b6f4a027c9a31e30655242"
                    "337aaaaf43b202e44041dc38a2bac6520b26ee9336e4c8dd680a1bb64921d1181b");
}

static void lease_hash(ia_h256 *out, const char *label)
{
  IA_AUTOV(ia_buf) m = {0};
  uint8_t task[32], worker[20];

  memset(task, 0x11, 32);
  from_hex(worker, 20, "1a642f0E3c3aF545E7AcBD38b07251B3990914F1");
  ia_buf_lp_str(&m, label);
  ia_buf_lp(&m, IA_SPAN_ARR(task));
  ia_buf_lp(&m, IA_SPAN_ARR(worker));
  ia_buf_u64be(&m, 1);
  ia_buf_u64be(&m, 1780272000);
  ia_keccak256(out, ia_buf_view(&m));
}

/* docs/release.md 11: lease */
static void lease_values(void **state IA_UNUSED)
{
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) pool = key_of(2);
  ia_h256 h;
  ia_sig sig;

  assert_true(ia_secp_new(&s, NULL));
  lease_hash(&h, "iapp-lease/v1");
  assert_hex(h.b, "7cdf4d572c37c6e79db14e6de4e1c61c680a198d720d6209d8b4a3f46eddc729");
  assert_true(ia_eip191_sign(s, &sig, IA_SPAN_ARR(h.b), &pool, NULL));
  assert_hex(sig.b, "d0a11ef4518c10ae42b7032b16a4f39261472233aed45f92da17a39a0421482a"
                    "3b9a23011d0e572069f14f46c23552d1034dff0f8b568804f732e6ceb5b139531c");
  lease_hash(&h, "iapp-lease-SIM/v1");
  assert_hex(h.b, "4492ffa1f56dd58048ee9197faf7a8613826ecfbece47c8b91be8b9530d68b38");
}

/* docs/release.md 11: owner's message */
static void owner_message_values(void **state IA_UNUSED)
{
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) owner = key_of(4);
  IA_AUTOV(ia_buf) m = {0};
  uint8_t hub[20], sms[32], object[20];
  ia_h256 h;
  ia_sig sig;

  memset(hub, 0x22, 20);
  memset(object, 0x66, 20);
  from_hex(sms, 32, "adc14011f82d1c56d956aa4f9d73d8858361a606048525e0d08c638dc75dd8c7");
  ia_buf_lp_str(&m, "iapp-owner/v1");
  ia_buf_lp_str(&m, "revoke");
  ia_buf_u64be(&m, 421614);
  ia_buf_lp(&m, IA_SPAN_ARR(hub));
  ia_buf_lp(&m, IA_SPAN_ARR(sms));
  ia_buf_lp(&m, IA_SPAN_ARR(object));
  ia_buf_u64be(&m, 1);
  ia_buf_lp_str(&m, "{\"all\":true}");
  ia_keccak256(&h, ia_buf_view(&m));
  assert_hex(h.b, "e2a14e86a364d5dca8f1647848926f19295e5ef35d76e26b53d641fa9f1a8661");
  assert_true(ia_secp_new(&s, NULL));
  assert_true(ia_eip191_sign(s, &sig, IA_SPAN_ARR(h.b), &owner, NULL));
  assert_hex(sig.b, "f5df8afd56527d7fdfc5de9d5cfbe4e2af4652c7d30bb6bade9b63939ff0657e"
                    "371ea2a27c8a0310e95c25deea82a952631b16f29ed16091b47fe6d3618b63331c");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(checksums_of_eip55), cmocka_unit_test(bad_addresses),
      cmocka_unit_test(contract_addresses), cmocka_unit_test(poco_values),
      cmocka_unit_test(lease_values),       cmocka_unit_test(owner_message_values),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
