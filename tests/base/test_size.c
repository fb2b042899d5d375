/* Sizes as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/size.h"

static void test_parse(void **state IA_UNUSED)
{
  static const struct {
    const char *text;
    uint64_t bytes;
  } rows[] = {{"0", 0},
              {"1000", 1000},
              {"512M", 512 << 20},
              {"512m", 512 << 20},
              {"2G", (uint64_t)2 << 30},
              {"2GB", (uint64_t)2 << 30},
              {"2 GiB", (uint64_t)2 << 30},
              {"1.5 GiB", (uint64_t)3 << 29},
              {"0.5k", 512},
              {"7 bytes", 7},
              {"1T", (uint64_t)1 << 40}};
  static const char *const bad[] = {"",         "G",       "1X",  "1.G", ".5G",
                                    "-1G",      "1.2345G", "1 2", "1e9", "99999999999999999999",
                                    "18000000T"};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    uint64_t n = 1;
    ia_err e = {0};

    assert_true(ia_size_parse(&n, rows[i].text, &e));
    assert_true(n == rows[i].bytes);
  }
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    uint64_t n;
    ia_err e = {0};

    assert_false(ia_size_parse(&n, bad[i], &e));
    assert_int_equal(e.code, IA_E_INVALID);
  }
}

static void test_show(void **state IA_UNUSED)
{
  assert_string_equal(ia_size_show((uint64_t)2 << 30).s, "2 GiB");
  assert_string_equal(ia_size_show((uint64_t)3 << 29).s, "1536 MiB");
  assert_string_equal(ia_size_show(1000).s, "1000 bytes");
  assert_string_equal(ia_size_show(0).s, "0 bytes");
}

/* The refusal names both ends. */
static void test_app_memory(void **state IA_UNUSED)
{
  uint64_t n;
  ia_err e = {0};

  assert_true(ia_app_memory_parse(&n, "32M", &e) && ia_app_memory_parse(&n, "1T", &e));
  assert_false(ia_app_memory_parse(&n, "31M", &e));
  assert_string_equal(e.msg, "an app's memory is from 32 MiB to 1 TiB, not 31 MiB");
  assert_false(ia_app_memory_parse(&n, "2T", &e));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_show),
                                     cmocka_unit_test(test_app_memory)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
