/* Keystores: the pbkdf2 vector of the Web3 Secret Storage definition, a scrypt file of eth-account
 * 0.14, own files, limits. */
#include "../crypto/support.h"
#include "eth/keystore.h"

static const char pbkdf2_file[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"6087dab2f9fdbbfaddc31a909735c1e6\"},\"ciphertext\":"
    "\"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46\",\"kdf\":\"pbkdf2\","
    "\"kdfparams\":{\"c\":262144,\"dklen\":32,\"prf\":\"hmac-sha256\",\"salt\":"
    "\"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd\"},\"mac\":"
    "\"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2\"},"
    "\"id\":\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}";
static const char scrypt_file[] =
    "{\"Crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"12582c66b8b1f2e89af874de9355a478\"},\"ciphertext\":"
    "\"ed9fc6ede3a2642f466345caceec5fcd932cb46aa7305efa49cf431fe093c094\",\"kdf\":\"scrypt\","
    "\"kdfparams\":{\"dklen\":32,\"n\":262144,\"r\":8,\"p\":1,\"salt\":"
    "\"3035523ce50766eb213df361203c0ee5\"},\"mac\":"
    "\"5d258111ceacc148248c5c3c340ad59a6fba74ed958aaba10dcae6c7224a94fc\"},"
    "\"id\":\"1229d338-1249-4356-a106-4e9916c42bea\",\"version\":3}";

static void opens(const char *file, const char *want)
{
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) key = {0};
  ia_err e = {0};

  assert_true(ia_secp_new(&s, NULL));
  assert_true(ia_keystore_open(&key, s, ia_span_str(file), ia_span_str("testpassword"), &e));
  assert_hex(key.ptr, want);
}

static void pbkdf2(void **state IA_UNUSED)
{
  opens(pbkdf2_file, "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");
}

static void scrypt(void **state IA_UNUSED)
{
  opens(scrypt_file, "0404040404040404040404040404040404040404040404040404040404040404");
}

static void own_files(void **state IA_UNUSED)
{
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) key = key_of(4);
  IA_AUTOV(ia_secret) back = {0};
  IA_AUTOV(ia_secret) none = {0};
  IA_AUTOV(ia_buf) file = {0};
  ia_span pass = ia_span_str("correct horse");
  ia_addr a;
  ia_err e = {0};

  assert_true(ia_secp_new(&s, NULL));
  assert_true(ia_keystore_write(&file, s, &key, pass, IA_KEYSTORE_N_LIGHT, &e));
  assert_true(ia_keystore_address(&a, ia_buf_view(&file), NULL));
  assert_hex(a.b, "c48b812bb43401392c037381aca934f4069c0517");
  assert_true(ia_keystore_open(&back, s, ia_buf_view(&file), pass, NULL));
  assert_memory_equal(back.ptr, key.ptr, 32);
  assert_false(ia_keystore_open(&none, s, ia_buf_view(&file), ia_span_str("wrong"), &e));
  assert_int_equal(e.code, IA_E_BAD_KEY);
  assert_null(none.ptr);
  /* the address in the file is another one's */
  uint8_t *at = memmem(file.ptr, file.len, "c48b", 4);
  assert_non_null(at);
  at[0] = 'd';
  assert_false(ia_keystore_open(&none, s, ia_buf_view(&file), pass, &e));
  assert_int_equal(e.code, IA_E_CORRUPT);
}

static const struct edit {
  const char *from, *to;
  ia_code code;
} edits[] = {
    {"\"version\":3", "\"version\":1", IA_E_UNSUPPORTED},
    {"\"n\":262144", "\"n\":262143", IA_E_PARSE},
    {"\"n\":262144", "\"n\":1", IA_E_PARSE},
    {"\"n\":262144", "\"n\":1073741824", IA_E_TOO_LARGE},
    {"\"r\":8", "\"r\":0", IA_E_PARSE},
    {"\"r\":8", "\"r\":9999999999999", IA_E_TOO_LARGE},
    {"\"p\":1", "\"p\":4000000000", IA_E_TOO_LARGE},
    {"\"dklen\":32", "\"dklen\":64", IA_E_UNSUPPORTED},
    {"\"scrypt\"", "\"argon\"", IA_E_UNSUPPORTED},
    {"aes-128-ctr", "aes-128-cbc", IA_E_UNSUPPORTED},
    {"12582c66", "12582c", IA_E_UNSUPPORTED},
    {"ed9fc6ed", "ed9fc6ed00", IA_E_PARSE},
    {"Crypto", "Krypto", IA_E_PARSE},
};

static void refused(void **state IA_UNUSED)
{
  IA_AUTO(ia_secp) *s = NULL;

  assert_true(ia_secp_new(&s, NULL));
  for (size_t i = 0; i < IA_COUNT(edits); i++) {
    IA_AUTOV(ia_buf) file = {0};
    IA_AUTOV(ia_secret) key = {0};
    const char *at = strstr(scrypt_file, edits[i].from);
    ia_err e = {0};

    assert_non_null(at);
    ia_buf_put(&file, scrypt_file, (size_t)(at - scrypt_file));
    ia_buf_str(&file, edits[i].to);
    ia_buf_str(&file, at + strlen(edits[i].from));
    assert_false(ia_keystore_open(&key, s, ia_buf_view(&file), ia_span_str("x"), &e));
    assert_int_equal(e.code, edits[i].code);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pbkdf2),
      cmocka_unit_test(scrypt),
      cmocka_unit_test(own_files),
      cmocka_unit_test(refused),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
