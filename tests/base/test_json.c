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

#define BYTES(text)                                                                                \
  {                                                                                                \
    (const uint8_t *)(text), sizeof(text) - 1                                                      \
  }

/* Every kind of byte that a stranger can write: as it stands in our formats, and as it is shown. */
static const struct {
  ia_span bytes;
  const char *foreign, *lossy;
} kinds[] = {
    {BYTES(""), "\"\"", "\"\""},
    {BYTES("plain \xc3\xa9"), "\"plain \xc3\xa9\"", "\"plain \xc3\xa9\""},
    {BYTES("0x41"), "\"0x41\"", "\"0x41\""},
    {BYTES("\x00z"), "{\"hex\":\"0x007a\"}", "\"\\u0000z\""},
    {BYTES("a\x00z"), "{\"hex\":\"0x61007a\"}", "\"a\\u0000z\""},
    {BYTES("a\x00"), "{\"hex\":\"0x6100\"}", "\"a\\u0000\""},
    {BYTES("\n"), "{\"hex\":\"0x0a\"}", "\"\\n\""},
    {BYTES("\x1b[2J"), "{\"hex\":\"0x1b5b324a\"}", "\"\\u001B[2J\""},
    {BYTES("\x7f"), "{\"hex\":\"0x7f\"}", "\"\x7f\""},
    {BYTES("\x80"), "{\"hex\":\"0x80\"}", "\"\xef\xbf\xbd\""},
    {BYTES("\xff\xfe"), "{\"hex\":\"0xfffe\"}", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    /* cut short: one replacement */
    {BYTES("\xe2\x82"), "{\"hex\":\"0xe282\"}", "\"\xef\xbf\xbd\""},
    {BYTES("\xf0\x9f\x98z"), "{\"hex\":\"0xf09f987a\"}", "\"\xef\xbf\xbdz\""},
    /* overlong, surrogate, above U+10FFFF: each byte by itself */
    {BYTES("\xc0\x80"), "{\"hex\":\"0xc080\"}", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {BYTES("\xe0\x80\x80"), "{\"hex\":\"0xe08080\"}", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {BYTES("\xed\xa0\x80"), "{\"hex\":\"0xeda080\"}", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {BYTES("\xf4\x90\x80\x80"), "{\"hex\":\"0xf4908080\"}",
     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    /* characters that only look odd stay text */
    {BYTES("\xef\xbf\xbf"), "\"\xef\xbf\xbf\"", "\"\xef\xbf\xbf\""},
    {BYTES("\xe2\x80\xae"), "\"\xe2\x80\xae\"", "\"\xe2\x80\xae\""},
};

static void assert_written(json_t *v, const char *want)
{
  IA_AUTO_JSON *owned = v;
  IA_AUTOV(ia_buf) out = {0};

  assert_non_null(owned);
  assert_true(ia_json_write(&out, owned, NULL));
  assert_true(ia_span_is(ia_buf_view(&out), want));
}

static void foreign_bytes_have_one_form(void **state IA_UNUSED)
{
  for (size_t i = 0; i < IA_COUNT(kinds); i++) {
    IA_AUTO_JSON *obj = json_pack("{s:o}", "k", ia_json_foreign(kinds[i].bytes));
    IA_AUTOV(ia_buf) back = {0};

    assert_written(json_incref(json_object_get(obj, "k")), kinds[i].foreign);
    assert_written(ia_json_lossy(kinds[i].bytes), kinds[i].lossy);
    assert_true(ia_json_get_foreign(obj, "k", &back, NULL));
    assert_true(ia_span_eq(ia_buf_view(&back), kinds[i].bytes));
  }
}

static void another_form_of_the_same_bytes_is_refused(void **state IA_UNUSED)
{
  static const char *const bad[] = {"{\"k\":{\"hex\":\"0x41\"}}",
                                    "{\"k\":{\"hex\":\"0x\"}}",
                                    "{\"k\":\"a\\n\"}",
                                    "{\"k\":{\"hex\":\"41\"}}",
                                    "{\"k\":{\"hex\":\"0x00\",\"x\":1}}",
                                    "{\"k\":1}",
                                    "{\"k\":{}}",
                                    "{\"k\":null}",
                                    "{}"};

  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    IA_AUTO_JSON *obj = ia_json_parse(ia_span_str(bad[i]), 0, NULL);
    IA_AUTOV(ia_buf) back = {0};

    assert_non_null(obj);
    assert_false(ia_json_get_foreign(obj, "k", &back, NULL));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hostile_json_is_refused),
      cmocka_unit_test(canonical_order_is_utf16),
      cmocka_unit_test(canonical_values),
      cmocka_unit_test(getters_check_kinds),
      cmocka_unit_test(foreign_bytes_have_one_form),
      cmocka_unit_test(another_form_of_the_same_bytes_is_refused),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
