/* Spans, buffers, hex, base64, UTF-8, errors, clocks, secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"

static void takes_do_not_run_short(void **state IA_UNUSED)
{
  static const uint8_t in[] = {1, 2, 3, 4, 5};
  ia_span s = IA_SPAN_ARR(in), out;
  uint32_t v;
  uint16_t w;

  assert_true(ia_span_u32be(&s, &v));
  assert_int_equal(v, 0x01020304);
  assert_false(ia_span_u16be(&s, &w));
  assert_int_equal(s.len, 1);
  assert_false(ia_span_take(&s, 2, &out));
  s = IA_SPAN_ARR(in);
  assert_true(ia_span_u32le(&s, &v));
  assert_int_equal(v, 0x04030201);
  s = IA_SPAN_ARR(in);
  assert_false(ia_span_lp(&s, &out)); /* claims 0x01020304 bytes */
  assert_int_equal(s.len, 5);
}

static void buffers_keep_their_cap(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) b = {.cap = 10};
  ia_err e = {0};

  ia_buf_lp_str(&b, "abcdef");
  assert_int_equal(b.len, 10);
  assert_true(ia_buf_ok(&b, &e));
  ia_buf_u8(&b, 1);
  assert_false(ia_buf_ok(&b, &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
  assert_int_equal(b.len, 10);
}

static void hex_goes_both_ways(void **state IA_UNUSED)
{
  uint8_t all[256], back[256];
  char text[513];

  for (unsigned i = 0; i < 256; i++)
    all[i] = (uint8_t)i;
  ia_hex(text, all, 256);
  assert_memory_equal(text + 2 * 0x9a, "9a9b9c", 6);
  assert_true(ia_unhex(back, 256, ia_span_str(text)));
  assert_memory_equal(back, all, 256);
  assert_true(ia_unhex(back, 2, ia_span_str("0xAbCd")));
  assert_int_equal(back[0], 0xab);
  for (unsigned c = 0; c < 256; c++) {
    uint8_t t[2] = {'0', (uint8_t)c};
    bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

    assert_int_equal(ia_unhex(back, 1, IA_SPAN_ARR(t)), digit);
  }
}

/* RFC 4648 10 */
static void base64_vectors(void **state IA_UNUSED)
{
  static const char *const v[][2] = {{"", ""},
                                     {"f", "Zg=="},
                                     {"fo", "Zm8="},
                                     {"foo", "Zm9v"},
                                     {"foob", "Zm9vYg=="},
                                     {"fooba", "Zm9vYmE="},
                                     {"foobar", "Zm9vYmFy"}};
  static const char *const bad[] = {
      "Zg=", "Zg", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", "Zg==Zg=="};

  for (size_t i = 0; i < IA_COUNT(v); i++) {
    IA_AUTOV(ia_buf) b = {0};
    IA_AUTOV(ia_buf) back = {0};

    ia_buf_base64(&b, ia_span_str(v[i][0]));
    assert_true(ia_span_is(ia_buf_view(&b), v[i][1]));
    assert_true(ia_unbase64(&back, ia_buf_view(&b)));
    assert_true(ia_span_is(ia_buf_view(&back), v[i][0]));
  }
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    IA_AUTOV(ia_buf) b = {0};

    assert_false(ia_unbase64(&b, ia_span_str(bad[i])));
  }
  for (unsigned c = 1; c < 256; c++) {
    IA_AUTOV(ia_buf) b = {0};
    char t[5] = {'A', 'A', 'A', (char)c, 0};
    bool ok = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", (int)c);

    assert_int_equal(ia_unbase64(&b, ia_span_of(t, 4)), ok);
  }
}

static void utf8_is_strict(void **state IA_UNUSED)
{
  assert_true(ia_utf8_valid(ia_span_str("h\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x9a\x80")));
  assert_false(ia_utf8_valid(ia_span_str("\xc0\x80")));         /* overlong */
  assert_false(ia_utf8_valid(ia_span_str("\xed\xa0\x80")));     /* surrogate */
  assert_false(ia_utf8_valid(ia_span_str("\xf4\x90\x80\x80"))); /* above U+10FFFF */
  assert_false(ia_utf8_valid(ia_span_str("\xe6\x97")));
}

static void errors_wrap_and_cut(void **state IA_UNUSED)
{
  ia_err e = {0};

  assert_false(ia_fail(&e, IA_E_BAD_ZIP, "entry %d", 3));
  assert_false(ia_wrap(&e, "file %s", "x.zip"));
  assert_string_equal(e.msg, "file x.zip: entry 3");
  assert_int_equal(e.code, IA_E_BAD_ZIP);
  assert_string_equal(ia_code_name(e.code), "BAD_ZIP");
  assert_int_equal(ia_code_from_name("BAD_ZIP"), IA_E_BAD_ZIP);
  char longer[400];
  memset(longer, 'x', sizeof(longer));
  longer[190] = '\xc3'; /* a two-byte letter across the cut */
  longer[191] = '\xa9';
  longer[399] = '\0';
  assert_false(ia_fail(&e, IA_E_IO, "%s", longer));
  assert_true(ia_utf8_valid(ia_span_str(e.msg)));
}

static void clocks_have_text(void **state IA_UNUSED)
{
  uint64_t t;

  assert_string_equal(ia_rfc3339(1780272000).s, "2026-06-01T00:00:00Z");
  assert_string_equal(ia_rfc3339_ms(1780272000123).s, "2026-06-01T00:00:00.123Z");
  assert_true(ia_rfc3339_parse(&t, ia_span_str("2026-06-01T00:00:00Z")));
  assert_int_equal(t, 1780272000);
  assert_false(ia_rfc3339_parse(&t, ia_span_str("2026-02-30T00:00:00Z")));
  assert_false(ia_rfc3339_parse(&t, ia_span_str("2026-06-01 00:00:00Z")));
}

static void secrets_live_in_their_own_pages(void **state IA_UNUSED)
{
  IA_AUTOV(ia_secret) s = {0};
  IA_AUTOV(ia_secret) r = {0};
  ia_err e;

  assert_true(ia_secret_copy(&s, ia_span_str("k"), &e));
  assert_true(ia_secret_random(&r, 32, &e));
  assert_true(ia_ct_eq(s.ptr, "k", 1));
  assert_false(ia_ct_eq(r.ptr, "00000000000000000000000000000000", 32));
}

/* Vectors of RFC 3629 and the edges between its lengths. */
static void code_points_become_utf8(void **state IA_UNUSED)
{
  static const struct {
    uint32_t c;
    const char *bytes;
  } rows[] = {{0x41, "A"},
              {0x7f, "\x7f"},
              {0x80, "\xc2\x80"},
              {0x7ff, "\xdf\xbf"},
              {0x800, "\xe0\xa0\x80"},
              {0x20ac, "\xe2\x82\xac"},
              {0xd7ff, "\xed\x9f\xbf"},
              {0xd800, "\xef\xbf\xbd"},
              {0xdfff, "\xef\xbf\xbd"},
              {0xe000, "\xee\x80\x80"},
              {0xffff, "\xef\xbf\xbf"},
              {0x10000, "\xf0\x90\x80\x80"},
              {0x233b4, "\xf0\xa3\x8e\xb4"},
              {0x10ffff, "\xf4\x8f\xbf\xbf"},
              {0x110000, "\xef\xbf\xbd"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_buf) b = {0};

    ia_buf_utf8(&b, rows[i].c);
    assert_int_equal(b.len, strlen(rows[i].bytes));
    assert_memory_equal(b.ptr, rows[i].bytes, b.len);
    assert_true(ia_utf8_valid(ia_buf_view(&b)));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_do_not_run_short),
      cmocka_unit_test(buffers_keep_their_cap),
      cmocka_unit_test(hex_goes_both_ways),
      cmocka_unit_test(base64_vectors),
      cmocka_unit_test(utf8_is_strict),
      cmocka_unit_test(code_points_become_utf8),
      cmocka_unit_test(errors_wrap_and_cut),
      cmocka_unit_test(clocks_have_text),
      cmocka_unit_test(secrets_live_in_their_own_pages),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
