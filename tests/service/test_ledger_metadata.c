/* Categories, base URIs and metadata of a ledger as it is born, and as older ones were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "eth/address.h"
#include "service/ledger/ledger_int.h"

/* The answer of a call by its hex; new reference. */
static json_t *raw_call(ia_ledger *l, const ia_addr *to, const char *data)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTOV(ia_buf) reply = {0};
  ia_err e;

  ia_buf_printf(&text,
                "{\"id\":1,\"method\":\"eth_call\",\"params\":[{\"to\":\"%s\",\"data\":\"%s\"},"
                "\"latest\"]}",
                ia_addr_lower(to).s, data);
  assert_true(ia_ledger_request(l, ia_buf_view(&text), &reply, &e));
  json_t *v = ia_json_parse(ia_buf_view(&reply), 0, &e);
  assert_non_null(json_string_value(json_object_get(v, "result")));
  return v;
}

static const char view_category_0[] =
    "0x4f5f44ec0000000000000000000000000000000000000000000000000000000000000000";
static const char base_uri[] = "0x6c0360eb";

static bool holds(const json_t *answer, const char *text)
{
  IA_AUTOV(ia_buf) hex = {0};

  ia_buf_hex0x(&hex, ia_span_str(text));
  ia_buf_u8(&hex, 0);
  return strstr(json_string_value(json_object_get(answer, "result")), (const char *)hex.ptr + 2) !=
         NULL;
}

/* As on Arbitrum: categories without a description, and a base URI in the original's form; the
 * metadata are those of the entry. */
static void registries_name_where_their_metadata_are(void **state IA_UNUSED)
{
  const ia_ledger_config c = {.genesis = {.pool_owner = {{7}}, .seed = {{9}}},
                              .test = true,
                              .metadata = "http://front/nfts-metadata"};
  ia_ledger *l;
  ia_err e;

  assert_true(ia_ledger_open(&l, &c, &e));
  IA_AUTO_JSON *category = raw_call(l, &l->world.hub, view_category_0);
  assert_true(holds(category, "XS") && !holds(category, "{}"));
  IA_AUTO_JSON *base = raw_call(l, &l->world.registry[IA_ASSET_APP], base_uri);
  assert_true(holds(base, "http://front/nfts-metadata/app/421614/"));
  uint8_t word[32] = {0};
  memcpy(word + 12, l->world.pool[0].b, 20);
  ia_u256 token = ia_u256_from_be(word);
  IA_AUTO_JSON *v = ia_ledger_metadata(l, ia_span_str("workerpool"), ia_span_str("421614"),
                                       ia_span_str(ia_u256_dec(&token).s), &e);
  assert_string_equal(json_string_value(json_object_get(v, "name")), "iapp pool");
  assert_string_equal(json_string_value(json_object_get(
                          json_array_get(json_object_get(v, "attributes"), 0), "value")),
                      ia_addr_text(&l->world.pool_owner).s);
  static const char *const bad[][3] = {
      {"app", "421614", NULL},        {"workerpool", "1", NULL},
      {"pool", "421614", NULL},       {"workerpool", "421614", "0x1"},
      {"workerpool", "421614", "-1"}, {"workerpool", "421614", "7"}};
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    const char *id = bad[i][2] ? bad[i][2] : ia_u256_dec(&token).s;

    assert_null(
        ia_ledger_metadata(l, ia_span_str(bad[i][0]), ia_span_str(bad[i][1]), ia_span_str(id), &e));
    assert_int_equal(e.code, IA_E_NOT_FOUND);
  }
  ia_ledger_close(l);
}

/* The contract behind the entries of a kind is there, as nobody's: no owner, no registry, no words.
 */
static void masters_are_contracts_that_are_nobodys(void **state IA_UNUSED)
{
  static const char *const views[IA_ASSET_KINDS] = {"0x358982a3", "0x0847c431", "0x584feb3a"};
  const ia_ledger_config c = {.genesis = {.pool_owner = {{7}}, .seed = {{9}}}, .test = true};
  ia_ledger *l;
  ia_err e;

  assert_true(ia_ledger_open(&l, &c, &e));
  for (int i = 0; i < IA_ASSET_KINDS; i++) {
    IA_AUTOV(ia_buf) text = {0};
    IA_AUTOV(ia_buf) reply = {0};
    IA_AUTO_JSON *master = raw_call(l, &l->world.registry[i], "0xee97f7f3");
    IA_AUTO_JSON *registry = raw_call(l, &l->world.master[i], "0x7b103999");
    IA_AUTO_JSON *name = raw_call(l, &l->world.master[i], views[i]);
    const char *at = json_string_value(json_object_get(master, "result"));

    assert_string_equal(at + 26, ia_addr_lower(&l->world.master[i]).s + 2);
    assert_string_equal(json_string_value(json_object_get(registry, "result")) + 2,
                        "0000000000000000000000000000000000000000000000000000000000000000");
    assert_int_equal(json_string_length(json_object_get(name, "result")), 2 + 128);
    ia_buf_printf(&text,
                  "[{\"id\":1,\"method\":\"eth_getCode\",\"params\":[\"%s\",\"latest\"]},"
                  "{\"id\":2,\"method\":\"eth_call\",\"params\":[{\"to\":\"%s\","
                  "\"data\":\"0x8da5cb5b\"},\"latest\"]}]",
                  ia_addr_lower(&l->world.master[i]).s, ia_addr_lower(&l->world.master[i]).s);
    assert_true(ia_ledger_request(l, ia_buf_view(&text), &reply, &e));
    IA_AUTO_JSON *both = ia_json_parse(ia_buf_view(&reply), 0, &e);
    assert_true(json_string_length(json_object_get(json_array_get(both, 0), "result")) > 2);
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(json_array_get(both, 1), "error"), "code")),
                     3);
  }
  ia_ledger_close(l);
}

/* What its record 0 says is so for ever. */
static void an_older_genesis_keeps_its_words(void **state IA_UNUSED)
{
  const ia_genesis g = {.pool_owner = {{7}}, .seed = {{9}}};
  IA_AUTOV(ia_buf) text = {0};
  uint64_t time;
  ia_ledger *l;
  ia_err e;

  assert_true(ia_ledger_new(&l, NULL, 0, 0, &e) && ia_genesis_text(&text, &g, 1800000000, &e));
  uint8_t *version = memmem(text.ptr, text.len, "\"v\":2", 5);
  assert_non_null(version);
  version[4] = '3';
  assert_false(ia_genesis_world(&l->world, ia_buf_view(&text), &time, &e));
  version[4] = '1';
  assert_true(ia_genesis_world(&l->world, ia_buf_view(&text), &time, &e));
  l->world.metadata = "http://front/nfts-metadata";
  assert_true(ia_ledger_make_genesis(l, ia_buf_view(&text), time, &e));
  IA_AUTO_JSON *category = raw_call(l, &l->world.hub, view_category_0);
  assert_true(holds(category, "{}"));
  IA_AUTO_JSON *base = raw_call(l, &l->world.registry[IA_ASSET_APP], base_uri);
  assert_false(holds(base, "http"));
  ia_ledger_close(l);
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(registries_name_where_their_metadata_are),
      cmocka_unit_test(masters_are_contracts_that_are_nobodys),
      cmocka_unit_test(an_older_genesis_keeps_its_words),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
