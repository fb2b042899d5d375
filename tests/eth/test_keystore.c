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

/* of go-ethereum's tests: a key of 31 bytes, and of 30; the password is "foo" */
static const char short_file[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"e0c41130a323adc1446fc82f724bca2f\"},\"ciphertext\":"
    "\"9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984\",\"kdf\":\"scrypt\","
    "\"kdfparams\":{\"dklen\":32,\"n\":2,\"r\":8,\"p\":1,\"salt\":"
    "\"711f816911c92d649fb4c84b047915679933555030b3552c1212609b38208c63\"},\"mac\":"
    "\"d5e116151c6aa71470e67a7d42c9620c75c4d23229847dcc127794f0732b0db5\"},"
    "\"id\":\"fecfc4ce-e956-48fd-953b-30f8b52ed66c\",\"version\":3}";
static const char shorter_file[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"3ca92af36ad7c2cd92454c59cea5ef00\"},\"ciphertext\":"
    "\"108b7d34f3442fc26ab1ab90ca91476ba6bfa8c00975a49ef9051dc675aa\",\"kdf\":\"scrypt\","
    "\"kdfparams\":{\"dklen\":32,\"n\":2,\"r\":8,\"p\":1,\"salt\":"
    "\"d0769e608fb86cda848065642a9c6fa046845c928175662b8e356c77f914cd3b\"},\"mac\":"
    "\"75d0e6759f7b3cefa319c3be41680ab6beea7d8328653474bd06706d4cc67420\"},"
    "\"id\":\"a37e1559-5955-450d-8075-7b8931b392b2\",\"version\":3}";
/* made with Python's hashlib and openssl enc */
static const char sha512_file[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"101112131415161718191a1b1c1d1e1f\"},\"ciphertext\":"
    "\"67614a2d31526fee24f216b8428bc5086a496c41e0ca3e0608b4a4f55465cbf7\",\"kdf\":\"pbkdf2\","
    "\"kdfparams\":{\"c\":4096,\"dklen\":32,\"prf\":\"hmac-sha512\",\"salt\":"
    "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"},\"mac\":"
    "\"6cd86f9745ceba5ab4e82570cf6cab60f268d611c07369032bec3fac78725bed\"},\"version\":3}";

static void opens_with(const char *file, const char *password, const char *want)
{
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) key = {0};
  ia_err e = {0};

  assert_true(ia_secp_new(&s, NULL));
  if (!ia_keystore_open(&key, s, ia_span_str(file), ia_span_str(password), &e))
    fail_msg("%s", e.msg);
  assert_hex(key.ptr, want);
}

static void opens(const char *file, const char *want)
{
  opens_with(file, "testpassword", want);
}

/* Keys that were written without the zeros that they begin with. */
static void short_keys(void **state IA_UNUSED)
{
  opens_with(short_file, "foo", "00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35");
  opens_with(shorter_file, "foo",
             "000081c29e8142bb6a81bef5a92bda7a8328a5c85bb2f9542e76f9b0f94fc018");
}

static void sha512(void **state IA_UNUSED)
{
  opens(sha512_file, "0505050505050505050505050505050505050505050505050505050505050505");
}

/* file with the first `from` as `to` */
static void edited(ia_buf *out, const char *file, const char *from, const char *to)
{
  const char *at = strstr(file, from);

  assert_non_null(at);
  ia_buf_put(out, file, (size_t)(at - file));
  ia_buf_str(out, to);
  ia_buf_str(out, at + strlen(from));
  ia_buf_u8(out, 0);
}

/* What tools write in another way, and read. */
static void other_forms(void **state IA_UNUSED)
{
  static const struct {
    const char *from, *to;
  } rows[] = {
      {"\"crypto\"", "\"CRYPTO\""},
      {"\"kdfparams\"", "\"kdfParams\""},
      {"\"cipherparams\":{\"iv\"", "\"cipherParams\":{\"IV\""},
      {"\"kdf\":\"scrypt\"", "\"KDF\":\"Scrypt\""},
      {"aes-128-ctr", "AES-128-CTR"},
      {"\"version\":3", "\"version\":\"3\""},
      {"\"version\":3", "\"version\":3,\"address\":null"},
      {"\"version\":3", "\"version\":3,\"address\":\"\""},
      {"\"dklen\":32", "\"dklen\":\"64\""},
      {"\"n\":2", "\"n\":\"2\""},
      {"\"e0c4", "\"0xE0C4"},
      {"\"d5e1", "\"0xD5E1"},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_buf) file = {0};
    ia_addr a;
    bool named = true;

    edited(&file, short_file, rows[i].from, rows[i].to);
    opens_with((char *)file.ptr, "foo",
               "00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35");
    assert_true(ia_keystore_address(&a, &named, ia_span_str((char *)file.ptr), NULL));
    assert_false(named);
  }
}

/* A counter without the zeros that it begins with, as eth-keyfile writes it: with the address,
 * which tells whether the key is right. */
static void a_short_counter(void **state IA_UNUSED)
{
  IA_AUTO(ia_secp) *s = NULL;
  IA_AUTOV(ia_secret) key = key_of(4);
  IA_AUTOV(ia_secret) back = {0};
  IA_AUTOV(ia_secret) none = {0};
  ia_span pass = ia_span_str("correct horse");
  IA_AUTOV(ia_buf) file = {0}, shorter = {0}, nameless = {0};
  ia_err e = {0};

  assert_true(ia_secp_new(&s, NULL));
  do {
    ia_buf_clear(&file);
    assert_true(ia_keystore_write(&file, s, &key, pass, IA_KEYSTORE_N_RANDOM, NULL));
    ia_buf_u8(&file, 0);
  } while (!strstr((char *)file.ptr, "\"iv\":\"00"));
  edited(&shorter, (char *)file.ptr, "\"iv\":\"00", "\"iv\":\"");
  if (!ia_keystore_open(&back, s, ia_span_str((char *)shorter.ptr), pass, &e))
    fail_msg("%s", e.msg);
  assert_memory_equal(back.ptr, key.ptr, 32);
  edited(&nameless, (char *)shorter.ptr, "\"address\"", "\"name\"");
  assert_false(ia_keystore_open(&none, s, ia_span_str((char *)nameless.ptr), pass, &e));
  assert_int_equal(e.code, IA_E_UNSUPPORTED);
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
  bool named = false;
  ia_addr a;
  ia_err e = {0};

  assert_true(ia_secp_new(&s, NULL));
  assert_true(ia_keystore_write(&file, s, &key, pass, IA_KEYSTORE_N_LIGHT, &e));
  assert_true(ia_keystore_address(&a, &named, ia_buf_view(&file), NULL));
  assert_true(named);
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
    {"\"dklen\":32", "\"dklen\":16", IA_E_UNSUPPORTED},
    {"\"dklen\":32", "\"dklen\":4096", IA_E_UNSUPPORTED},
    {"\"version\":3", "\"version\":3,\"address\":\"12\"", IA_E_PARSE},
    {"\"version\":3", "\"version\":3,\"crypto\":{}", IA_E_PARSE},
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
    ia_err e = {0};

    edited(&file, scrypt_file, edits[i].from, edits[i].to);
    assert_false(ia_keystore_open(&key, s, ia_span_str((char *)file.ptr), ia_span_str("x"), &e));
    assert_int_equal(e.code, edits[i].code);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pbkdf2),    cmocka_unit_test(scrypt),      cmocka_unit_test(short_keys),
      cmocka_unit_test(sha512),    cmocka_unit_test(other_forms), cmocka_unit_test(a_short_counter),
      cmocka_unit_test(own_files), cmocka_unit_test(refused),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
