/* The order to end, held back and let through. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ending.h"

static volatile sig_atomic_t got;

static void note(int signo)
{
  got = signo;
}

static void is_held_until_it_is_let(void **state)
{
  const int orders[] = {SIGTERM, SIGINT};

  (void)state;
  for (size_t i = 0; i < 2; i++) {
    got = 0;
    assert_true(signal(orders[i], note) != SIG_ERR);
    ia_ending_hold();
    assert_false(ia_ending_pending());
    assert_int_equal(raise(orders[i]), 0);
    assert_true(ia_ending_pending());
    assert_int_equal(got, 0);
    ia_ending_let();
    assert_int_equal(got, orders[i]);
    assert_false(ia_ending_pending());
  }
}

static void other_signals_come_through(void **state)
{
  (void)state;
  got = 0;
  assert_true(signal(SIGUSR1, note) != SIG_ERR);
  ia_ending_hold();
  assert_int_equal(raise(SIGUSR1), 0);
  assert_int_equal(got, SIGUSR1);
  assert_false(ia_ending_pending());
  ia_ending_let();
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_held_until_it_is_let),
      cmocka_unit_test(other_signals_come_through),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
