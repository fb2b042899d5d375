/* Order hashes and JSON, identifiers and signatures against recorded values, params. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hex.h"
#include "crypto/keccak.h"
#include "eth/address.h"
#include "eth/eip191.h"
#include "poco/abi.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "poco/params.h"
#include "poco/rules.h"
#include "poco/tag.h"

static ia_h256 h256(const char *hex)
{
  ia_h256 h;

  assert_true(ia_h256_parse(&h, ia_span_str(hex)));
  return h;
}

static ia_h256 filled(uint8_t v)
{
  ia_h256 h;

  memset(h.b, v, 32);
  return h;
}

static void assert_hash(const ia_h256 *got, const char *want)
{
  assert_string_equal(ia_h256_text(got).s, want);
}

static void key_of(ia_secret *key, uint8_t v)
{
  assert_true(ia_secret_new(key, 32, NULL));
  memset(key->ptr, v, 32);
}

static void order_types_have_their_hashes(void **state)
{
  static const char *const want[IA_ORDER_KINDS] = {
      "0x60815a0eeec47dddf1615fe53b31d016c31444e01b9d796db365443a6445d008",
      "0x6cfc932a5a3d22c4359295b9f433edff52b60703fa47690a04a83e40933dd47c",
      "0xaa3429fb281b34691803133d3d978a75bb77c617ed6bc9aa162b9b30920022bb",
      "0xf24e853034a3a450aba845a82914fbb564ad85accca6cf62be112a154520fae0"};

  (void)state;
  for (int i = 0; i < IA_ORDER_KINDS; i++) {
    IA_AUTOV(ia_buf) text = {0};
    ia_h256 h;

    ia_order_type(&text, (ia_order_kind)i);
    ia_keccak256(&h, ia_buf_view(&text));
    assert_hash(&h, want[i]);
  }
}

/* hashStruct of an order under the zero separator is recomputed here word by word. */
static void an_order_hash_is_its_words(void **state)
{
  ia_h256 separator = {{0}}, inner, got, want;
  ia_app_order o = {.appprice = ia_u256_of(5), .volume = ia_u256_of(6)};
  uint8_t words[9 * 32] = {0}, digest[66] = {0x19, 0x01};

  (void)state;
  memset(o.app.b, 0xaa, 20);
  o.salt = filled(0x77);
  o.sign = ia_span_str("not part of the hash");
  memcpy(words, h256("0x60815a0eeec47dddf1615fe53b31d016c31444e01b9d796db365443a6445d008").b, 32);
  memset(words + 32 + 12, 0xaa, 20);
  words[2 * 32 + 31] = 5;
  words[3 * 32 + 31] = 6;
  memset(words + 8 * 32, 0x77, 32);
  ia_keccak256(&inner, IA_SPAN_ARR(words));
  memcpy(digest + 34, inner.b, 32);
  ia_keccak256(&want, IA_SPAN_ARR(digest));
  ia_order_hash(&got, &separator, IA_ORDER_APP, &o);
  assert_memory_equal(got.b, want.b, 32);
}

/* The values of a settlement recorded on the real contracts. */
static void ids_are_those_of_the_chain(void **state)
{
  ia_h256 request = filled(0x11), digest = filled(0x44), deal, task, hash, seal, message;
  ia_u256 zero = ia_u256_of(0);
  ia_addr worker, enclave;

  (void)state;
  assert_true(
      ia_addr_parse(&worker, ia_span_str("0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"), NULL));
  assert_true(
      ia_addr_parse(&enclave, ia_span_str("0x3325a78425F17a7E487Eb5666b2bFd93aBb06c70"), NULL));
  ia_deal_id(&deal, &request, &zero);
  assert_hash(&deal, "0x5c75bb376affa44a4f06c8a768453c2f7945122a65eb322a0dd3cc2edcbd6f0a");
  ia_task_id(&task, &deal, &zero);
  assert_hash(&task, "0xb1dc38269deb7ee9be72513ec7aae272728039dc2bc39234e00ebf55719a4d7a");
  ia_result_hash(&hash, &task, &digest);
  assert_hash(&hash, "0xd14b8ba6193b88bf9b3d99a2c8e8e1be1d98753cb6c216728a442ab748ff0e4d");
  ia_result_seal(&seal, &worker, &task, &digest);
  assert_hash(&seal, "0x59819407c1a6e8ca45fbe6cc30e7b8e91b5412c8f2c79bef31f54233ff51551b");
  ia_enclave_message(&message, &hash, &seal);
  assert_hash(&message, "0x0a2466b74bdc493d5dd2bebae8ad33cd3dc96cb4ba2c3ad828442033d57c62a4");
  ia_authorization_message(&message, &worker, &task, &enclave);
  assert_hash(&message, "0x0e20dbaa905850fb350c676f865009ce16a65bd1cad8882df7189642d212c882");
  ia_challenge_message(&message, &task);
  assert_hash(&message, "0xbe2be675272dc48660ef35b79aaba24630a89c6a6ac8f62a3a4cdf6d1190612b");
  ia_stage_message(&message, &task, &worker);
  assert_hash(&message, "0xf12bd8863ddc943232d86945f5cbc917eab6933b346642214da9163a6301a5b9");
}

/* Keys of 32 equal bytes: 1 worker, 2 pool, 3 enclave. */
static void signatures_are_those_of_the_chain(void **state)
{
  static const struct {
    uint8_t key;
    const char *message;
    const char *sign;
  } cases[] = {
      {3, "0x0a2466b74bdc493d5dd2bebae8ad33cd3dc96cb4ba2c3ad828442033d57c62a4",
       "0x29bf98cb03ba9b50d6f3b75e22538a543fab1ed53524ba9011fe25fc7d910a644f0f5aa7295e164aa795991"
       "11a6c26e74957895345ea65a2160c283f25a12b9f1c"},
      {2, "0x0e20dbaa905850fb350c676f865009ce16a65bd1cad8882df7189642d212c882",
       "0x08d78c2d4ffc0b6977a429606f8888978c6fb185f6b6f4a027c9a31e30655242337aaaaf43b202e44041dc3"
       "8a2bac6520b26ee9336e4c8dd680a1bb64921d1181b"},
      {2, "0xbe2be675272dc48660ef35b79aaba24630a89c6a6ac8f62a3a4cdf6d1190612b",
       "0xc5325c6f2a241a74be505e41a100b9df5f14e49b0aa79379ba03c0c7e187501e0517693b63f9f1c0b788d60"
       "3e2aa34c9f7dabde3a2f4fb5e898270ba6fa624c81b"},
      {3, "0xf12bd8863ddc943232d86945f5cbc917eab6933b346642214da9163a6301a5b9",
       "0x5f5a325b8b5db3bcbc22edc384de2c445d211b139b03cc10739017d47b64d35a2d5fc9e0debd607525b240a"
       "ee897fc4303ffcfc513c25095e8a948546241635f1c"},
  };
  IA_AUTO(ia_secp) *secp = NULL;

  (void)state;
  assert_true(ia_secp_new(&secp, NULL));
  for (size_t i = 0; i < IA_COUNT(cases); i++) {
    IA_AUTOV(ia_secret) key = {0};
    IA_AUTOV(ia_buf) hex = {0};
    ia_h256 m = h256(cases[i].message);
    ia_sig sig;

    key_of(&key, cases[i].key);
    assert_true(ia_eip191_sign(secp, &sig, IA_SPAN_ARR(m.b), &key, NULL));
    ia_buf_hex0x(&hex, IA_SPAN_ARR(sig.b));
    assert_true(ia_span_is(ia_buf_view(&hex), cases[i].sign));
  }
}

static const char request_json[] =
    "{\"app\":\"0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1\",\"appmaxprice\":\"7\","
    "\"dataset\":\"0x0000000000000000000000000000000000000000\",\"datasetmaxprice\":0,"
    "\"workerpool\":\"0x5050a4f4b3f9338c3472dcc01a87c76a144b3c9c\",\"workerpoolmaxprice\":9,"
    "\"requester\":\"0x3325a78425F17a7E487Eb5666b2bFd93aBb06c70\",\"volume\":9007199254740991,"
    "\"tag\":\"0x0000000000000000000000000000000000000000000000000000000000000009\","
    "\"category\":0,\"trust\":\"0\","
    "\"beneficiary\":\"0x3325a78425F17a7E487Eb5666b2bFd93aBb06c70\","
    "\"callback\":\"0x0000000000000000000000000000000000000000\","
    "\"params\":\"{\\\"iexec_args\\\":\\\"a b\\\"}\","
    "\"salt\":\"0x1111111111111111111111111111111111111111111111111111111111111111\","
    "\"sign\":\"0x00ff\"}";

static void json_orders_survive(void **state)
{
  IA_AUTOV(ia_order_box) box = {0};
  IA_AUTOV(ia_order_box) again = {0};
  IA_AUTO_JSON *numbers = NULL, *texts = NULL;
  ia_h256 separator = {{0}}, a, b;

  (void)state;
  assert_true(ia_order_parse_text(&box, IA_ORDER_REQUEST, ia_span_str(request_json), NULL));
  assert_true(ia_span_is(box.order.request.params, "{\"iexec_args\":\"a b\"}"));
  assert_int_equal(box.order.request.sign.len, 2);
  assert_int_equal(ia_tag_low(&box.order.request.tag), 9);
  numbers = ia_order_json(IA_ORDER_REQUEST, &box.order.request, 0, NULL);
  texts = ia_order_json(IA_ORDER_REQUEST, &box.order.request, IA_ORDER_DECIMAL, NULL);
  assert_true(json_is_integer(json_object_get(numbers, "volume")));
  assert_string_equal(json_string_value(json_object_get(texts, "volume")), "9007199254740991");
  assert_string_equal(json_string_value(json_object_get(texts, "workerpool")),
                      "0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c");
  assert_true(ia_order_parse(&again, IA_ORDER_REQUEST, texts, NULL));
  ia_order_hash(&a, &separator, IA_ORDER_REQUEST, &box.order.request);
  ia_order_hash(&b, &separator, IA_ORDER_REQUEST, &again.order.request);
  assert_true(ia_h256_eq(&a, &b));
}

static void wrong_json_orders_are_refused(void **state)
{
  static const struct {
    const char *key, *value;
  } wrong[] = {{"volume", "-1"},
               {"volume", "1.5"},
               {"volume", "\"0x10\""},
               {"volume", "\"\""},
               {"volume", "\" 1\""},
               {"app", "\"0x12\""},
               {"tag", "\"0x9\""},
               {"params", "{}"},
               {"sign", "\"00ff\""},
               {"sign", "\"0x0\""},
               {"extra", "1"},
               {"salt", "null"},
               {"app", "\"0x1A642f0E3c3aF545E7AcBD38b07251B3990914F1\""}};

  (void)state;
  for (size_t i = 0; i < IA_COUNT(wrong); i++) {
    IA_AUTO_JSON *v = ia_json_parse(ia_span_str(request_json), 0, NULL);
    IA_AUTOV(ia_order_box) box = {0};
    ia_err e;

    assert_true(ia_json_set(v, wrong[i].key,
                            ia_json_parse(ia_span_str(wrong[i].value), IA_JSON_ANY, NULL), NULL));
    if (ia_order_parse(&box, IA_ORDER_REQUEST, v, &e))
      fail_msg("accepted %s %s", wrong[i].key, wrong[i].value);
    assert_int_equal(e.code, IA_E_PARSE);
  }
  IA_AUTO_JSON *missing = ia_json_parse(ia_span_str(request_json), 0, NULL);
  IA_AUTOV(ia_order_box) box = {0};
  json_object_del(missing, "trust");
  assert_false(ia_order_parse(&box, IA_ORDER_REQUEST, missing, NULL));
}

static void a_signed_order_recovers_to_its_signer(void **state)
{
  IA_AUTO(ia_secp) *secp = NULL;
  IA_AUTOV(ia_secret) key = {0};
  IA_AUTOV(ia_order_box) box = {0};
  ia_h256 separator, hash;
  ia_addr hub = {{1}}, signer;

  (void)state;
  assert_true(ia_secp_new(&secp, NULL));
  key_of(&key, 3);
  assert_true(ia_secp_address(secp, &signer, &key, NULL));
  ia_order_separator(&separator, 421614, &hub);
  assert_true(ia_order_parse_text(&box, IA_ORDER_REQUEST, ia_span_str(request_json), NULL));
  assert_true(ia_order_sign(&box, secp, &separator, &key, NULL));
  assert_true(ia_span_is(box.order.request.params, "{\"iexec_args\":\"a b\"}"));
  ia_order_hash(&hash, &separator, IA_ORDER_REQUEST, &box.order.request);
  assert_true(ia_sig_verify(&signer, &hash, box.order.request.sign, NULL));
  ia_order_separator(&separator, 421615, &hub);
  ia_order_hash(&hash, &separator, IA_ORDER_REQUEST, &box.order.request);
  assert_false(ia_sig_verify(&signer, &hash, box.order.request.sign, NULL));
}

static void params_are_read_or_refused(void **state)
{
  static const char *const bad[] = {"{",
                                    "{\"iexec_args\":1}",
                                    "{\"iexec_result_encryption\":\"true\"}",
                                    "{\"iexec_input_files\":\"a\"}",
                                    "{\"iexec_input_files\":[1]}",
                                    "{\"iexec_secrets\":{\"0\":\"a\"}}",
                                    "{\"iexec_secrets\":{\"1\":2}}",
                                    "{\"iexec_args\":\"a\",\"iexec_args\":\"b\"}",
                                    " {\"a\":}"};
  ia_err e;

  (void)state;
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    IA_AUTOV(ia_params) p = {0};

    if (ia_params_parse(&p, ia_span_str(bad[i]), &e))
      fail_msg("accepted %s", bad[i]);
    assert_int_equal(e.code, IA_E_PARAMS_INVALID);
  }
  IA_AUTOV(ia_params) p = {0};
  assert_true(ia_params_parse(
      &p,
      ia_span_str("{\"unknown\":{},\"iexec_result_encryption\":true,\"bulk_cid\":\"Qm\","
                  "\"iexec_secrets\":{\"1\":\"a\",\"12\":\"b\"},\"iexec_input_files\":[\"u\"]}"),
      &e));
  assert_true(p.encrypt);
  assert_string_equal(p.bulk_cid, "Qm");
  assert_int_equal(json_object_size(p.secrets), 2);
  assert_int_equal(json_array_size(p.files), 1);
  IA_AUTOV(ia_params) plain = {0};
  assert_true(ia_params_parse(&plain, ia_span_str("--verbose file"), &e));
  assert_string_equal(plain.args, "--verbose file");
  assert_false(plain.encrypt);
  IA_AUTOV(ia_params) empty = {0};
  assert_true(ia_params_parse(&empty, ia_span_str(""), &e));
  assert_string_equal(empty.args, "");
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_types_have_their_hashes),
      cmocka_unit_test(an_order_hash_is_its_words),
      cmocka_unit_test(ids_are_those_of_the_chain),
      cmocka_unit_test(signatures_are_those_of_the_chain),
      cmocka_unit_test(json_orders_survive),
      cmocka_unit_test(wrong_json_orders_are_refused),
      cmocka_unit_test(a_signed_order_recovers_to_its_signer),
      cmocka_unit_test(params_are_read_or_refused),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
