/* Amounts and times as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/parse.h"

static void test_amounts(void **state)
{
  static const struct {
    const char *text;
    uint64_t nrlc;
    const char *shown;
  } good[] = {
      {"0", 0, "0 RLC"},
      {"100", 100, "0.0000001 RLC"},
      {"100nRLC", 100, "0.0000001 RLC"},
      {"0.5RLC", 500000000, "0.5 RLC"},
      {"1 rlc", 1000000000, "1 RLC"},
      {"10 RLC", 10000000000, "10 RLC"},
      {"0.000000001RLC", 1, "0.000000001 RLC"},
  };
  static const char *const bad[] = {
      "",    ".",   "0.5",  "1.RLC",  "0.0000000001RLC",      "-1",
      "1 e", "RLC", "0x10", "1,5RLC", "18446744073709551616", "99999999999RLC"};
  uint64_t v;

  (void)state;
  for (unsigned i = 0; i < IA_COUNT(good); i++) {
    assert_true(ia_parse_amount(&v, good[i].text, NULL));
    assert_int_equal(v, good[i].nrlc);
    assert_string_equal(ia_amount(v).s, good[i].shown);
  }
  for (unsigned i = 0; i < IA_COUNT(bad); i++)
    if (ia_parse_amount(&v, bad[i], NULL))
      fail_msg("accepted %s", bad[i]);
}

static void test_times(void **state)
{
  static const char *const past[] = {"2026-05-31",
                                     "2020-01-01",
                                     "2026-06-01T00:00:00Z",
                                     "2026-05-31T23:59:59Z",
                                     "1780272000",
                                     "1000000000",
                                     "0d",
                                     "0s"};
  const uint64_t now = 1780272000; /* 2026-06-01T00:00:00Z */
  uint64_t t;
  ia_err e = {0};

  (void)state;
  assert_true(ia_parse_until(&t, "30d", now, &e));
  assert_int_equal(t, now + 30 * 86400);
  assert_true(ia_parse_until(&t, "90m", now, &e));
  assert_int_equal(t, now + 5400);
  assert_true(ia_parse_until(&t, "2026-06-01", now, &e));
  assert_int_equal(t, now + 86399);
  assert_true(ia_parse_until(&t, "2026-06-01T00:00:01Z", now, &e));
  assert_int_equal(t, now + 1);
  assert_true(ia_parse_until(&t, "1780272005", now, &e));
  assert_int_equal(t, now + 5);
  for (unsigned i = 0; i < IA_COUNT(past); i++) {
    e = (ia_err){0};
    assert_false(ia_parse_until(&t, past[i], now, &e));
    assert_int_equal(e.code, IA_E_USAGE);
    assert_non_null(strstr(e.msg, "is in the past"));
  }
  assert_false(ia_parse_until(&t, "30", now, &e));
  assert_false(ia_parse_until(&t, "18446744073709551615", now, &e));
  assert_false(ia_parse_until(&t, "9223372036854775807d", now, &e));
  assert_false(ia_parse_until(&t, "1.5d", now, &e));
  assert_false(ia_parse_until(&t, "tomorrow", now, &e));
  assert_false(ia_parse_until(&t, "2026-13-01", now, &e));
  assert_int_equal(e.code, IA_E_USAGE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_amounts),
      cmocka_unit_test(test_times),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
