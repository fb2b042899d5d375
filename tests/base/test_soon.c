/* Work that follows events: how often it is done, and that nothing asked for is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/soon.h"

typedef struct world {
  ia_loop *loop;
  ia_soon *soon;
  ia_timer *timer;
  atomic_uint runs;
  unsigned asked;
} world;

static void work(void *ctx)
{
  world *w = ctx;

  atomic_fetch_add(&w->runs, 1);
}

/* An event every millisecond, a hundred of them; then until the last was followed. */
static void event(void *ctx)
{
  world *w = ctx;

  if (w->asked < 100) {
    w->asked++;
    ia_soon_ask(w->soon);
    return;
  }
  ia_timer_start(w->timer, 200, 0);
  if (w->asked++ > 100)
    ia_loop_stop(w->loop);
}

static void many_events_are_one_run(void **state)
{
  static world w;

  (void)state;
  assert_true(ia_loop_new(&w.loop, NULL));
  assert_true(ia_soon_new(&w.soon, w.loop, work, &w, 20, 3600000, NULL));
  assert_true(ia_timer_new(&w.timer, w.loop, event, &w, NULL));
  ia_timer_start(w.timer, 1, 1);
  ia_loop_run(w.loop);
  unsigned runs = atomic_load(&w.runs);
  assert_true(runs >= 1 && runs <= 50);
  ia_soon_free(w.soon);
  ia_timer_free(w.timer);
  ia_loop_free(w.loop);
}

static void again(void *ctx)
{
  world *w = ctx;

  if (atomic_load(&w->runs) >= 3)
    ia_loop_stop(w->loop);
}

static void the_clock_alone_is_enough(void **state)
{
  static world w;

  (void)state;
  assert_true(ia_loop_new(&w.loop, NULL));
  assert_true(ia_soon_new(&w.soon, w.loop, work, &w, 3600000, 3600000, NULL));
  ia_soon_pace(w.soon, 5);
  assert_true(ia_timer_new(&w.timer, w.loop, again, &w, NULL));
  ia_timer_start(w.timer, 1, 1);
  ia_loop_run(w.loop);
  ia_soon_free(w.soon);
  ia_timer_free(w.timer);
  ia_loop_free(w.loop);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_events_are_one_run),
      cmocka_unit_test(the_clock_alone_is_enough),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
