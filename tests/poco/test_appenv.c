/* Arguments and environment of apps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "poco/appenv.h"

static void test_arguments(void **state IA_UNUSED)
{
  static const struct {
    const char *text, *argv;
  } rows[] = {
      {"", "[]"},
      {"   ", "[]"},
      {"a b", "[\"a\",\"b\"]"},
      {"  a   b ", "[\"a\",\"b\"]"},
      {"1st '2nd 2nd' \"3rd  3rd\"", "[\"1st\",\"2nd 2nd\",\"3rd  3rd\"]"},
      {"0x10 1e3 1.50 0.10", "[\"0x10\",\"1e3\",\"1.50\",\"0.10\"]"},
      {"a=\"b c\"d", "[\"a=b cd\"]"},
      {"\"it's\" 'say \"x\"'", "[\"it's\",\"say \\\"x\\\"\"]"},
      {"it's one", "[\"it's\",\"one\"]"},
      {"'' a \"\"", "[\"\",\"a\",\"\"]"},
      {"$HOME `x` *.c a\\ b", "[\"$HOME\",\"`x`\",\"*.c\",\"a\\\\\",\"b\"]"},
      {"-- --flag=v", "[\"--\",\"--flag=v\"]"},
      {"a\tb", "[\"a\\tb\"]"},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTO_JSON *argv = NULL;
    IA_AUTOV(ia_buf) b = {0};

    assert_true(ia_args_split(&argv, ia_span_str(rows[i].text), NULL));
    assert_true(ia_json_write(&b, argv, NULL));
    if (!ia_span_is(ia_buf_view(&b), rows[i].argv))
      fail_msg("%s: %.*s", rows[i].text, (int)b.len, (const char *)b.ptr);
  }
  json_t *argv = NULL;
  ia_err e = {0};
  assert_false(ia_args_split(&argv, ia_span_of("a\0b", 3), &e));
  assert_int_equal(e.code, IA_E_PARAMS_INVALID);
  assert_false(ia_args_split(&argv, ia_span_str("\xff"), &e));
}

static void check(const ia_appenv *in, const char *want)
{
  IA_AUTO_JSON *env = NULL;
  IA_AUTO_JSON *expect = ia_json_parse(ia_span_str(want), 0, NULL);
  ia_err e = {0};

  if (!ia_appenv_build(&env, in, &e))
    fail_msg("%s", e.msg);
  const char *key;
  json_t *v;
  json_object_foreach (expect, key, v) {
    const char *got = json_string_value(json_object_get(env, key));

    if (!got || strcmp(got, json_string_value(v)) != 0)
      fail_msg("%s: %s", key, got ? got : "absent");
  }
  assert_int_equal(json_object_size(env), json_object_size(expect));
}

#define ZEROS "0x0000000000000000000000000000000000000000"
#define ID(x) "0x" x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x

static void test_environment(void **state IA_UNUSED)
{
  ia_appenv in = {.task_index = 3, .bot_first = 2, .bot_size = 5};

  memset(in.deal_id.b, 0x11, 32);
  memset(in.task_id.b, 0x22, 32);
#define COMMON                                                                                     \
  "\"IEXEC_DEAL_ID\":\"" ID("11") "\",\"IEXEC_TASK_ID\":\"" ID(                                    \
      "22") "\","                                                                                  \
            "\"IEXEC_TASK_INDEX\":\"3\",\"IEXEC_IN\":\"/iexec_in\",\"IEXEC_OUT\":\"/iexec_out\","  \
            "\"IEXEC_BOT_SIZE\":\"5\",\"IEXEC_BOT_FIRST_INDEX\":\"2\",\"IEXEC_BOT_TASK_INDEX\":\"3\","
  check(&in, "{" COMMON "\"IEXEC_DATASET_ADDRESS\":\"" ZEROS
             "\",\"IEXEC_DATASET_FILENAME\":\"" ZEROS "\",\"IEXEC_INPUT_FILES_NUMBER\":\"0\"}");
  const ia_appenv_item slice[] = {{{{0xab, 0xcd}}, NULL}, {{{0x12}}, "REVOKED"}};
  IA_AUTO_JSON *files = json_pack("[s]", "https://example.org/a");
  in.bulk = true;
  in.slice = slice;
  in.n_slice = 2;
  in.files = files;
  check(&in,
        "{" COMMON "\"IEXEC_DATASET_ADDRESS\":\"" ZEROS "\",\"IEXEC_DATASET_FILENAME\":\"" ZEROS
        "\",\"IEXEC_INPUT_FILES_NUMBER\":\"1\",\"IEXEC_INPUT_FILES_FOLDER\":\"/iexec_in\","
        "\"IEXEC_INPUT_FILE_NAME_1\":"
        "\"0xb5b10dd0429e69ac7cfaf0a20b6901c1265c50b55d1751bcb684ed96ef7b300a\","
        "\"IEXEC_BULK_SLICE_SIZE\":\"2\","
        "\"IEXEC_DATASET_1_FILENAME\":\"0xABcD000000000000000000000000000000000000\","
        "\"IEXEC_DATASET_2_REFUSED\":\"REVOKED\","
        "\"IEXEC_DATASET_2_FILENAME\":\"0x1200000000000000000000000000000000000000\"}");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_arguments),
      cmocka_unit_test(test_environment),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
