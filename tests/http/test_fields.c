/* Front check, decoding, ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/fields.h"

/* "name: value" lines */
static size_t split(ia_field *out, const char *text)
{
  size_t n = 0;

  while (*text) {
    const char *colon = strchr(text, ':'), *end = strchr(text, '\n');

    out[n++] = (ia_field){ia_span_of(text, (size_t)(colon - text)),
                          ia_span_of(colon + 1, (size_t)(end - colon) - 1)};
    text = end + 1;
  }
  return n;
}

static void ambiguous_requests_are_refused(void **state)
{
  static const struct {
    bool ok;
    const char *target, *fields;
  } rows[] = {
      {true, "/", "Host: a\nContent-Length: 5\n"},
      {true, "/a?b=c%20d", "Host: a\nTransfer-Encoding: chunked\n"},
      {false, "/", "Content-Length: 5\nTransfer-Encoding: chunked\n"},
      {false, "/", "Transfer-Encoding: gzip, chunked\n"},
      {false, "/", "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n"},
      {false, "/", "Content-Length: 5\ncontent-length: 5\n"},
      {false, "/", "Content-Length: +3\n"},
      {false, "/", "Content-Length: -1\n"},
      {false, "/", "Content-Length: 3abc\n"},
      {false, "/", "Content-Length: 99999999999999999999\n"},
      {false, "/", "Host: a\nHOST: b\n"},
      {false, "/", "Authorization: a\nAuthorization: b\n"},
      {false, "/", "Content-Type: a\nContent-Type: b\n"},
      {false, "/", "Bad name: x\n"},
      {false, "/", "X: a\x01 b\n"},
      {false, "/", "X: a\rb\n"},
      {false, "http://a/", ""},
      {false, "", ""},
      {false, "/a#b", ""},
      {false, "/\x7f", ""},
      {false, "/\xc3\xa4", ""},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    ia_field f[8];
    size_t n = split(f, rows[i].fields);
    ia_err e = {0};

    assert_int_equal(ia_front_check(ia_span_str(rows[i].target), f, n, &e), rows[i].ok);
    assert_int_equal(e.code, rows[i].ok ? IA_OK : IA_E_INVALID);
  }
  ia_field nul = {ia_span_str("X"), ia_span_of("a\0b", 3)};
  assert_false(ia_front_check(ia_span_str("/"), &nul, 1, NULL));
}

static void percent_decoding(void **state)
{
  static const struct {
    const char *in, *out;
    bool plus;
  } rows[] = {
      {"a%20b", "a b", false}, {"a+b", "a+b", false}, {"a+b", "a b", true},
      {"%2f%2F", "//", false}, {"%", NULL, false},    {"%4", NULL, false},
      {"%4g", NULL, false},    {"%00", NULL, false},  {"x%41", "xA", false},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_buf) b = {0};
    bool ok = ia_percent_decode(&b, ia_span_str(rows[i].in), rows[i].plus);

    assert_int_equal(ok, rows[i].out != NULL);
    if (ok)
      assert_true(ia_span_is(ia_buf_view(&b), rows[i].out));
  }
}

static void byte_ranges(void **state)
{
  static const struct {
    const char *field;
    ia_range kind;
    uint64_t from, n;
  } rows[] = {
      {"bytes=0-0", IA_RANGE_PART, 0, 1},
      {"bytes=0-99", IA_RANGE_PART, 0, 10},
      {"bytes=3-", IA_RANGE_PART, 3, 7},
      {"bytes=-4", IA_RANGE_PART, 6, 4},
      {"bytes=-40", IA_RANGE_PART, 0, 10},
      {"bytes=9-9", IA_RANGE_PART, 9, 1},
      {"Bytes=2-3", IA_RANGE_PART, 2, 2},
      {"bytes=10-", IA_RANGE_BAD, 0, 0},
      {"bytes=-0", IA_RANGE_BAD, 0, 0},
      {"bytes=5-4", IA_RANGE_WHOLE, 0, 0},
      {"bytes=0-1,3-4", IA_RANGE_WHOLE, 0, 0},
      {"bytes=", IA_RANGE_WHOLE, 0, 0},
      {"bytes=-", IA_RANGE_WHOLE, 0, 0},
      {"bytes=a-b", IA_RANGE_WHOLE, 0, 0},
      {"lines=0-1", IA_RANGE_WHOLE, 0, 0},
      {"bytes=0-99999999999999999999", IA_RANGE_WHOLE, 0, 0},
      {"", IA_RANGE_WHOLE, 0, 0},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    uint64_t from = 0, n = 0;

    assert_int_equal(ia_range_parse(ia_span_str(rows[i].field), 10, &from, &n), rows[i].kind);
    if (rows[i].kind == IA_RANGE_PART) {
      assert_int_equal(from, rows[i].from);
      assert_int_equal(n, rows[i].n);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ambiguous_requests_are_refused),
      cmocka_unit_test(percent_decoding),
      cmocka_unit_test(byte_ranges),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
