/* EIP-712: the example of the standard, the PoCo types, arrays. */
#include "../crypto/support.h"
#include "crypto/keccak.h"
#include "eth/eip712.h"

static const char mail[] = "Mail(Person from,Person to,string contents)"
                           "Person(string name,address wallet)";

static void example_of_the_standard(void **state IA_UNUSED)
{
  ia_eip712_domain d = {.name = "Ether Mail", .version = "1", .chain_id = 1};
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) key = {0};
  ia_addr from, to;
  ia_h256 h, cow;
  ia_sig sig;

  memset(d.contract.b, 0xcc, 20);
  from_hex(from.b, 20, "CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826");
  memset(to.b, 0xbb, 20);
  const ia_abi_val v[] = {ia_abi_str("Cow"), ia_abi_addr(&from), ia_abi_str("Bob"),
                          ia_abi_addr(&to), ia_abi_str("Hello, Bob!")};

  ia_eip712_type_hash(&h, mail);
  assert_hex(h.b, "a0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2");
  assert_true(ia_eip712_separator(&h, &d, NULL));
  assert_hex(h.b, "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
  assert_true(ia_eip712_struct(&h, mail, v, 5, NULL));
  assert_hex(h.b, "c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e");
  assert_true(ia_eip712_hash(&h, &d, mail, v, 5, NULL));
  assert_hex(h.b, "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
  ia_keccak256(&cow, ia_span_str("cow"));
  key = secret_of(cow.b, 32);
  assert_true(ia_secp_new(&s, NULL) && ia_secp_sign(s, &sig, &h, &key, NULL));
  assert_hex(sig.b, "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
                    "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c");
}

/* The type hashes of PoCo's orders. */
static void poco_type_hashes(void **state IA_UNUSED)
{
  static const struct {
    const char *type, *hash;
  } known[] = {
      {"AppOrder(address app,uint256 appprice,uint256 volume,bytes32 tag,address datasetrestrict,"
       "address workerpoolrestrict,address requesterrestrict,bytes32 salt)",
       "60815a0eeec47dddf1615fe53b31d016c31444e01b9d796db365443a6445d008"},
      {"DatasetOrder(address dataset,uint256 datasetprice,uint256 volume,bytes32 tag,"
       "address apprestrict,address workerpoolrestrict,address requesterrestrict,bytes32 salt)",
       "6cfc932a5a3d22c4359295b9f433edff52b60703fa47690a04a83e40933dd47c"},
  };

  for (size_t i = 0; i < IA_COUNT(known); i++) {
    ia_h256 h;

    ia_eip712_type_hash(&h, known[i].type);
    assert_hex(h.b, known[i].hash);
  }
}

/* A nested type's own hash lists what it refers to, sorted, wherever the text has it. */
static void nested_types_are_sorted(void **state IA_UNUSED)
{
  static const char all[] = "A(Z z)B(uint8 x)C(bool y)Z(C c,B b)";
  static const char alone[] = "Z(C c,B b)B(uint8 x)C(bool y)";
  const ia_abi_val v[] = {ia_abi_bool(true), ia_abi_u64(7)};
  ia_h256 outer, inner, type;
  ia_keccak k;

  assert_true(ia_eip712_struct(&inner, alone, v, 2, NULL));
  ia_eip712_type_hash(&type, all);
  ia_keccak_init(&k);
  ia_keccak_update(&k, IA_SPAN_ARR(type.b));
  ia_keccak_update(&k, IA_SPAN_ARR(inner.b));
  ia_keccak_final(&k, &type);
  assert_true(ia_eip712_struct(&outer, all, v, 2, NULL));
  assert_true(ia_h256_eq(&outer, &type));
}

static void arrays(void **state IA_UNUSED)
{
  const ia_abi_val list[] = {ia_abi_count(2), ia_abi_u64(1), ia_abi_u64(2)};
  ia_h256 vector, array, want;
  uint8_t words[64] = {0};
  ia_keccak k;

  words[31] = 1;
  words[63] = 2;
  ia_keccak256(&want, IA_SPAN_ARR(words));
  assert_true(ia_eip712_struct(&vector, "L(uint256[] v)", list, 3, NULL));
  ia_eip712_type_hash(&array, "L(uint256[] v)");
  ia_keccak_init(&k);
  ia_keccak_update(&k, IA_SPAN_ARR(array.b));
  ia_keccak_update(&k, IA_SPAN_ARR(want.b));
  ia_keccak_final(&k, &want);
  assert_true(ia_h256_eq(&vector, &want));
  assert_true(ia_eip712_struct(&array, "L(uint256[2] v)", list + 1, 2, NULL));
  assert_false(ia_h256_eq(&array, &vector)); /* another type, another hash */
}

static void what_does_not_fit(void **state IA_UNUSED)
{
  const ia_abi_val v[] = {ia_abi_u64(256), ia_abi_str("x")};
  ia_h256 h;

  assert_false(ia_eip712_struct(&h, "T(uint8 a)", v, 1, NULL));
  assert_false(ia_eip712_struct(&h, "T(uint16 a)", v, 2, NULL));
  assert_false(ia_eip712_struct(&h, "T(uint16 a,string b,bool c)", v, 2, NULL));
  assert_false(ia_eip712_struct(&h, "T(string a)", v, 1, NULL));
  assert_false(ia_eip712_struct(&h, "T(Missing a)", v, 1, NULL));
  assert_false(ia_eip712_struct(&h, "T(uint16 a", v, 1, NULL));
  assert_false(ia_eip712_struct(&h, "", v, 0, NULL));
  assert_true(ia_eip712_struct(&h, "T(uint16 a,string b)", v, 2, NULL));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(example_of_the_standard), cmocka_unit_test(poco_type_hashes),
      cmocka_unit_test(nested_types_are_sorted), cmocka_unit_test(arrays),
      cmocka_unit_test(what_does_not_fit),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
