/* How much of a machine one app may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/attr.h"
#include "runtime/offer.h"

#define GIB ((uint64_t)1 << 30)

/* Three quarters, shared by the slots, less a GiB for each guest, in steps of 256 MiB; every worker
 * gives 1 GiB. */
static void test_offer(void **state IA_UNUSED)
{
  static const struct {
    uint64_t bytes;
    unsigned slots;
    uint64_t offer;
  } rows[] = {{24 * GIB, 1, 17 * GIB},    {24 * GIB, 2, 8 * GIB},
              {24 * GIB, 3, 5 * GIB},     {7 * GIB, 1, 4 * GIB + GIB / 4},
              {2 * GIB, 1, GIB},          {0, 1, GIB},
              {16 * GIB, 64, GIB},        {16 * GIB, 0, 11 * GIB},
              {UINT64_MAX, 1, 1024 * GIB}};

  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    assert_true(ia_memory_offer_of(rows[i].bytes, rows[i].slots) == rows[i].offer);
  assert_true(ia_memory_offer(1) >= GIB && ia_memory_offer(1) >= ia_memory_offer(8));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_offer)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
