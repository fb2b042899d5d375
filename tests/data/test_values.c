/* Numbers as text, key order, limits of input, plain files, archives that the vectors do not have.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "data/node.h"
#include "data/plain.h"

static void doubles_are_written_shortest(void **state IA_UNUSED)
{
  static const struct {
    double v;
    const char *text;
  } cases[] = {
      {0.1, "0.1"},
      {1.0, "1"},
      {-0.0, "-0"},
      {42, "42"},
      {1e21, "1e+21"},
      {123456789012345680000.0, "123456789012345680000"},
      {1e-6, "0.000001"},
      {1e-7, "1e-7"},
      {1.5e-10, "1.5e-10"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {2.0 / 3, "0.6666666666666666"},
      {9007199254740993.0, "9007199254740992"},
      {-1234.5, "-1234.5"},
  };

  for (size_t i = 0; i < IA_COUNT(cases); i++) {
    double back;

    assert_string_equal(ia_f64_text(cases[i].v).s, cases[i].text);
    assert_true(ia_f64_parse(&back, ia_span_str(cases[i].text)));
    assert_memory_equal(&back, &cases[i].v, sizeof(back));
  }
}

static void odd_numbers_are_no_numbers(void **state IA_UNUSED)
{
  static const char *const bad[] = {"",   "-",   ".5",  "1.",  "1e",    "0x10",  " 1",
                                    "1 ", "1_0", "inf", "nan", "1e400", "12abc", "+1"};
  double v;

  for (size_t i = 0; i < IA_COUNT(bad); i++)
    assert_false(ia_f64_parse(&v, ia_span_str(bad[i])));
}

static void integers_of_128_bits(void **state IA_UNUSED)
{
  static const char *const good[] = {"0", "-1", "170141183460469231731687303715884105727",
                                     "-170141183460469231731687303715884105728"};
  ia_i128 v;
  ia_err e = {0};

  for (size_t i = 0; i < IA_COUNT(good); i++) {
    assert_true(ia_i128_parse(&v, ia_span_str(good[i]), &e));
    assert_string_equal(ia_i128_text(&v).s, good[i]);
  }
  assert_false(ia_i128_parse(&v, ia_span_str("-0x1"), &e));
  assert_int_equal(e.code, IA_E_BAD_INPUT_TYPE);
  assert_false(ia_i128_parse(&v, ia_span_str("01"), &e));
  assert_false(ia_i128_parse(&v, ia_span_str("9999999999999999999999999999999999999999999"), &e));
  assert_int_equal(e.code, IA_E_I128_RANGE);
}

static void assert_schema(const char *input, const char *want)
{
  IA_AUTO(ia_node) *top = NULL;
  IA_AUTOV(ia_buf) schema = {0};
  ia_err e = {0};

  assert_true(ia_node_from_json(&top, ia_span_str(input), &e));
  assert_true(ia_node_schema(&schema, top, &e));
  assert_true(ia_span_is(ia_buf_view(&schema), want));
}

static void keys_stand_as_javascript_lists_them(void **state IA_UNUSED)
{
  assert_schema("{\"b\":1,\"10\":true,\"a\":\"x\",\"2\":true,\"01\":true,\"4294967294\":true,"
                "\"4294967295\":true}",
                "{\"2\":\"bool\",\"10\":\"bool\",\"4294967294\":\"bool\",\"b\":\"f64\","
                "\"a\":\"string\",\"01\":\"bool\",\"4294967295\":\"bool\"}");
  assert_schema("{}", "{}");
  assert_schema("{\"a\":{\"$f64\":\"0\",\"le\":\"0000000000000080\"}}", "{\"a\":\"f64\"}");
}

static void assert_refused(const char *input, ia_code want)
{
  IA_AUTO(ia_node) *top = NULL;
  ia_err e = {0};

  assert_false(ia_node_from_json(&top, ia_span_str(input), &e));
  assert_string_equal(ia_code_name(e.code), ia_code_name(want));
}

static void odd_input_is_refused(void **state IA_UNUSED)
{
  assert_refused("{\"a\":\"\\ud83d\"}", IA_E_BAD_INPUT_UTF);
  assert_refused("{\"a\":\"\\udc00a\"}", IA_E_BAD_INPUT_UTF);
  assert_refused("{\"a\":\"\xff\"}", IA_E_BAD_INPUT_UTF);
  assert_refused("{\"a\":1e400}", IA_E_NOT_FINITE);
  assert_refused("{\"a\":null}", IA_E_BAD_INPUT_TYPE);
  assert_refused("{\"a.b\":1}", IA_E_BAD_INPUT_KEY);
  assert_refused("{\"a\\n\":1}", IA_E_BAD_INPUT_KEY);
  assert_refused("[]", IA_E_BAD_INPUT_TYPE);
  assert_refused("7", IA_E_BAD_INPUT_TYPE);
  assert_refused("{\"a\":{\"$hex\":\"0\"}}", IA_E_BAD_INPUT_TYPE);
  assert_refused("{\"a\":{\"$hex\":\"00\",\"b\":1}}", IA_E_BAD_INPUT_KEY);
  assert_refused("{\"a\":{\"$f64\":\"1\",\"le\":\"0000000000000000\"}}", IA_E_BAD_INPUT_TYPE);
  assert_refused("{\"a\":1", IA_E_PARSE);
  assert_refused("{\"a\":1,\"a\":2}", IA_E_PARSE);
}

/* The bytes of a file below a folder, as text. */
static void assert_file(int dir, const char *name, const char *want)
{
  ia_autoclose int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
  IA_AUTOV(ia_buf) b = {0};

  assert_true(fd >= 0);
  assert_true(ia_fd_read_all(&b, fd, 1 << 20, NULL));
  if (!ia_span_is(ia_buf_view(&b), want))
    print_error("%s: %.*s\n", name, (int)b.len, (const char *)b.ptr);
  assert_true(ia_span_is(ia_buf_view(&b), want));
}

static void values_become_plain_files(void **state IA_UNUSED)
{
  static const char input[] =
      "{\"yes\":true,\"n\":1.5,\"big\":{\"$i128\":\"-7\"},\"t\":{\"deep\":\"h\xc3\xa9llo\"},\"nul\":"
      "\"a\\u0000bcdefgh\",\"bin\":{\"$hex\":\"89504e470d0a1a0a\"},\"four\":\"abcd\",\"none\":\"\","
      "\"key\":{\"$hex\":\"000102030405060708090a0b0c0d0e0f\"},\"empty\":{}}";
  IA_AUTO(ia_node) *top = NULL;
  IA_AUTO(ia_zip) *zip = NULL;
  IA_AUTOV(ia_buf) bytes = {0};
  char path[] = "/tmp/ia-plain-XXXXXX";
  ia_err e = {0};

  assert_true(ia_node_from_json(&top, ia_span_of(input, sizeof(input) - 1), &e));
  assert_true(ia_node_zip(top, ia_sink_buf(&bytes), &e));
  assert_true(ia_zip_open(&zip, ia_blob_mem(ia_buf_view(&bytes)), IA_ZIP_PROTECTED, &e));
  assert_non_null(mkdtemp(path));
  ia_autoclose int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_false(ia_plain_write(dir, zip, NULL, 10, &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
  assert_true(ia_plain_write(dir, zip, NULL, 1 << 20, &e));
  assert_file(dir, "yes", "true");
  assert_file(dir, "n", "1.5");
  assert_file(dir, "big", "-7");
  assert_file(dir, "t/deep", "h\xc3\xa9llo");
  assert_file(dir, "bin", "\x89PNG\r\n\x1a\n");
  assert_file(dir, "four", "abcd");
  assert_file(dir, "none", "");
  assert_int_equal(faccessat(dir, "empty", X_OK, 0), 0);
  assert_true(ia_remove_tree(path, &e));
}

static void a_schema_decides_types(void **state IA_UNUSED)
{
  IA_AUTO(ia_node) *top = NULL;
  IA_AUTO(ia_zip) *zip = NULL;
  IA_AUTOV(ia_buf) bytes = {0};
  IA_AUTO_JSON *schema =
      json_pack("{s:{s:s},s:s}", "a", "b", "f64", "c", "application/octet-stream");
  char path[] = "/tmp/ia-plain-XXXXXX";
  ia_err e = {0};
  static const char input[] = "{\"a\":{\"b\":1e-300},\"c\":{\"$hex\":\"01\"}}";

  assert_true(ia_node_from_json(&top, ia_span_str(input), &e));
  assert_true(ia_node_zip(top, ia_sink_buf(&bytes), &e));
  assert_true(ia_zip_open(&zip, ia_blob_mem(ia_buf_view(&bytes)), IA_ZIP_PROTECTED, &e));
  assert_non_null(mkdtemp(path));
  ia_autoclose int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_true(ia_plain_write(dir, zip, schema, 1 << 20, &e));
  assert_file(dir, "a/b", "1e-300");
  assert_file(dir, "c", "\x01");
  assert_true(ia_remove_tree(path, &e));
}

/* Builds a result archive and reads it back under both name rules. */
static void archive_rules(void **state IA_UNUSED)
{
  static const struct {
    const char *first, *second;
    ia_code want;
  } cases[] = {
      {"a", "b", IA_OK},
      {"a", "a", IA_E_ZIP_CORRUPT},
      {"a", "a/b", IA_E_ZIP_CORRUPT},
      {"a/b", "a", IA_E_ZIP_CORRUPT},
      {"a", "a-b", IA_OK},
      {"a", "b.txt", IA_E_ZIP_UNSAFE_NAME},
      {"a", "b//c", IA_E_ZIP_UNSAFE_NAME},
      {"a", "b\\c", IA_E_ZIP_UNSAFE_NAME},
  };

  for (size_t i = 0; i < IA_COUNT(cases); i++) {
    IA_AUTO(ia_zip_writer) *w = NULL;
    IA_AUTO(ia_zip) *z = NULL;
    IA_AUTOV(ia_buf) bytes = {0};
    ia_err e = {0};
    ia_blob text = ia_blob_mem(ia_span_str("some text some text some text"));

    assert_true(ia_zip_writer_new(&w, ia_sink_buf(&bytes), &e));
    assert_true(ia_zip_add_stored(w, cases[i].first, text, &e));
    assert_true(ia_zip_add_deflated(w, cases[i].second, text, &e));
    assert_true(ia_zip_finish(w, &e));
    bool ok = ia_zip_open(&z, ia_blob_mem(ia_buf_view(&bytes)), IA_ZIP_PROTECTED, &e);
    assert_string_equal(ia_code_name(e.code), ia_code_name(cases[i].want));
    assert_true(ok == (cases[i].want == IA_OK));
  }
}

/* Every byte of a small archive matters: one flipped bit is noticed, or changes a time, a version
 * or an attribute that says nothing. */
static void flipped_bits_are_noticed(void **state IA_UNUSED)
{
  IA_AUTO(ia_node) *top = NULL;
  IA_AUTOV(ia_buf) bytes = {0};
  ia_err e = {0};
  size_t passed = 0;

  assert_true(ia_node_from_json(&top, ia_span_str("{\"a\":{\"b\":\"hello\"},\"c\":true}"), &e));
  assert_true(ia_node_zip(top, ia_sink_buf(&bytes), &e));
  for (size_t i = 0; i < bytes.len; i++) {
    IA_AUTO(ia_zip) *z = NULL;
    IA_AUTOV(ia_value) v = {0};

    bytes.ptr[i] ^= 1;
    if (ia_zip_open(&z, ia_blob_mem(ia_buf_view(&bytes)), IA_ZIP_PROTECTED, &e)) {
      passed++;
      assert_true(ia_read_value(&v, z, "a.b", "string", 0, &e));
      assert_true(ia_span_is(ia_buf_view(&v.bytes), "hello"));
    }
    bytes.ptr[i] ^= 1;
  }
  /* three entries: 6 bytes local; 8 bytes and parts of two attribute fields central */
  assert_in_range(passed, 1, 3 * (6 + 8 + 6));
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(doubles_are_written_shortest),
      cmocka_unit_test(odd_numbers_are_no_numbers),
      cmocka_unit_test(integers_of_128_bits),
      cmocka_unit_test(keys_stand_as_javascript_lists_them),
      cmocka_unit_test(odd_input_is_refused),
      cmocka_unit_test(values_become_plain_files),
      cmocka_unit_test(a_schema_decides_types),
      cmocka_unit_test(archive_rules),
      cmocka_unit_test(flipped_bits_are_noticed),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
