/* Strict parsing and canonical writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"

static void hostile_json_is_refused(void **state IA_UNUSED)
{
  static const char *const bad[] = {
      "{\"a\":1,\"a\":2}", "[1,]",          "{} x",    "[9223372036854775808]",
      "[\"\\ud800\"]",     "[\"\\u0000\"]", "[1e999]", "1"};
  char deep[200];
  ia_err e;

  for (size_t i = 0; i < IA_COUNT(bad); i++)
    assert_null(ia_json_parse(ia_span_str(bad[i]), 0, &e));
  memset(deep, '[', 100);
  memset(deep + 100, ']', 100);
  assert_null(ia_json_parse(ia_span_of(deep, 200), 0, &e));
  assert_int_equal(e.code, IA_E_PARSE);
}

/* RFC 8785 3.2.3: the order of its sorting example */
static void canonical_order_is_utf16(void **state IA_UNUSED)
{
  static const char *in = "{\"\\u20ac\":\"e\",\"\\r\":\"cr\",\"\\ufb33\":\"d\",\"1\":\"one\","
                          "\"\\ud83d\\ude00\":\"g\",\"\\u0080\":\"c\",\"\\u00f6\":\"o\"}";
  IA_AUTO_JSON *v = ia_json_parse(ia_span_str(in), 0, NULL);
  IA_AUTOV(ia_buf) out = {0};

  assert_non_null(v);
  assert_true(ia_json_canonical(&out, v, NULL));
  assert_true(
      ia_span_is(ia_buf_view(&out),
                 "{\"\\r\":\"cr\",\"1\":\"one\",\"\xc2\x80\":\"c\",\"\xc3\xb6\":\"o\","
                 "\"\xe2\x82\xac\":\"e\",\"\xf0\x9f\x98\x80\":\"g\",\"\xef\xac\xb3\":\"d\"}"));
}

static void canonical_values(void **state IA_UNUSED)
{
  IA_AUTO_JSON *v = ia_json_parse(
      ia_span_str("{ \"b\" : [ 1, -2, true, null ], \"a\" : \"q\\\"\\\\/\\u001f\\t\\n\\u007f\" }"),
      0, NULL);
  IA_AUTO_JSON *real = ia_json_parse(ia_span_str("[1.5]"), 0, NULL);
  IA_AUTO_JSON *big = ia_json_parse(ia_span_str("[9007199254740992]"), 0, NULL);
  IA_AUTOV(ia_buf) out = {0};
  IA_AUTOV(ia_buf) none = {0};
  ia_err e;

  assert_true(ia_json_canonical(&out, v, &e));
  assert_true(ia_span_is(ia_buf_view(&out),
                         "{\"a\":\"q\\\"\\\\/\\u001f\\t\\n\x7f\",\"b\":[1,-2,true,null]}"));
  assert_false(ia_json_canonical(&none, real, &e));
  assert_false(ia_json_canonical(&none, big, &e));
}

static void getters_check_kinds(void **state IA_UNUSED)
{
  IA_AUTO_JSON *v = ia_json_parse(
      ia_span_str("{\"n\":7,\"s\":\"18446744073709551615\",\"neg\":-1,\"z\":\"01\","
                  "\"a\":\"0x00000000000000000000000000000000000000Ff\",\"h\":\"0x12\"}"),
      0, NULL);
  static const char *const known[] = {"n", "s", "neg", "z", "a", NULL};
  uint64_t n;
  ia_addr a;
  ia_h256 h;
  ia_err e;

  assert_true(ia_json_get_u64(v, "n", &n, &e) && n == 7);
  assert_true(ia_json_get_u64(v, "s", &n, &e) && n == UINT64_MAX);
  assert_false(ia_json_get_u64(v, "neg", &n, &e));
  assert_false(ia_json_get_u64(v, "z", &n, &e));
  assert_true(ia_json_get_addr(v, "a", &a, &e) && a.b[19] == 0xff);
  assert_false(ia_json_get_h256(v, "h", &h, &e));
  assert_false(ia_json_only(v, known, &e));
  assert_non_null(strstr(e.msg, "\"h\""));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hostile_json_is_refused),
      cmocka_unit_test(canonical_order_is_utf16),
      cmocka_unit_test(canonical_values),
      cmocka_unit_test(getters_check_kinds),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
