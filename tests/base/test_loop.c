/* The event loop: order of posts, timers, children, signals, jobs. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/loop.h"

typedef struct seen {
  ia_loop *l;
  unsigned n;
  unsigned order[64];
  atomic_uint inside, most, unrun;
  unsigned want; /* jobs that must meet inside */
  int status;
} seen;

typedef struct numbered {
  seen *s;
  unsigned number;
} numbered;

static int setup(void **state)
{
  seen *s = calloc(1, sizeof(*s));
  ia_err e;

  if (!s || !ia_loop_new(&s->l, &e))
    return -1;
  *state = s;
  return 0;
}

static int teardown(void **state)
{
  seen *s = *state;

  ia_loop_free(s->l);
  free(s);
  return 0;
}

static void note(void *ctx)
{
  numbered *n = ctx;

  n->s->order[n->s->n++] = n->number;
  if (n->s->n == 64)
    ia_loop_stop(n->s->l);
}

static void *post_all(void *ctx)
{
  numbered *list = ctx;
  ia_err e;

  for (unsigned i = 0; i < 64; i++)
    if (!ia_loop_post(list[i].s->l, note, &list[i], &e))
      return NULL;
  return ctx;
}

static void posts_of_another_thread_keep_their_order(void **state)
{
  numbered list[64];
  pthread_t t;
  void *ok = NULL;
  seen *s = *state;

  for (unsigned i = 0; i < 64; i++)
    list[i] = (numbered){s, i};
  assert_int_equal(pthread_create(&t, NULL, post_all, list), 0);
  ia_loop_run(s->l);
  pthread_join(t, &ok);
  assert_non_null(ok);
  for (unsigned i = 0; i < 64; i++)
    assert_int_equal(s->order[i], i);
}

static void tick(void *ctx)
{
  seen *s = ctx;

  if (++s->n == 3)
    ia_loop_stop(s->l);
}

static void timers_repeat(void **state)
{
  seen *s = *state;
  uint64_t start = ia_mono_ms();
  ia_timer *t = NULL;
  ia_err e;

  assert_true(ia_timer_new(&t, s->l, tick, s, &e));
  ia_timer_start(t, 20, 10);
  ia_loop_run(s->l);
  assert_int_equal(s->n, 3);
  assert_true(ia_mono_ms() - start >= 38);
  ia_timer_free(t);
}

static void on_child(void *ctx, pid_t pid, int status)
{
  seen *s = ctx;

  s->n = (unsigned)pid;
  s->status = status;
  ia_loop_stop(s->l);
}

static void exit_status_of_a_child(void **state)
{
  seen *s = *state;
  ia_err e;
  pid_t pid = fork();

  if (pid == 0)
    _exit(7);
  assert_true(pid > 0 && ia_loop_child(s->l, pid, on_child, s, &e));
  ia_loop_run(s->l);
  assert_int_equal(s->n, pid);
  assert_int_equal(WEXITSTATUS(s->status), 7);
  assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* reaped already */
}

static void on_signal(void *ctx, int signo)
{
  seen *s = ctx;

  s->status = signo;
  ia_loop_stop(s->l);
}

static void signals_arrive(void **state)
{
  seen *s = *state;
  ia_err e;

  assert_true(ia_loop_signal(s->l, SIGUSR1, on_signal, s, &e));
  assert_int_equal(raise(SIGUSR1), 0);
  ia_loop_run(s->l);
  assert_int_equal(s->status, SIGUSR1);
}

static void slow_work(void *ctx)
{
  seen *s = ctx;
  unsigned now = atomic_fetch_add(&s->inside, 1) + 1, most = atomic_load(&s->most);

  while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now))
    continue;
  /* they wait for each other, however slow the machine is; a narrower pool never gets there */
  for (int i = 0; i < 10000 && atomic_load(&s->most) < s->want; i++)
    usleep(1000);
  usleep(20000); /* time for those that a wider pool would let in */
  atomic_fetch_sub(&s->inside, 1);
}

static void slow_done(void *ctx, bool ran)
{
  seen *s = ctx;

  if (!ran)
    atomic_fetch_add(&s->unrun, 1);
  if (++s->n == 6)
    ia_loop_stop(s->l);
}

static void pools_are_as_wide_as_they_say(void **state)
{
  static const unsigned width[] = {[IA_POOL_JOBS] = 6, [IA_POOL_SLOW] = 2, [IA_POOL_STREAMS] = 6};
  seen *s = *state;
  ia_err e;

  for (unsigned p = 0; p < IA_POOL_COUNT; p++) {
    s->n = 0;
    s->want = width[p];
    atomic_store(&s->most, 0);
    for (unsigned i = 0; i < 6; i++)
      assert_true(ia_loop_job(s->l, (ia_pool)p, slow_work, slow_done, s, &e));
    ia_loop_run(s->l);
    assert_int_equal(atomic_load(&s->most), width[p]);
  }
  assert_int_equal(atomic_load(&s->unrun), 0);
}

static void freeing_gives_queued_jobs_back(void **state)
{
  seen *s = *state;
  ia_err e;

  for (unsigned i = 0; i < 5; i++)
    assert_true(ia_loop_job(s->l, IA_POOL_SLOW, slow_work, slow_done, s, &e));
  ia_loop_free(s->l);
  s->l = NULL;
  assert_int_equal(s->n, 5);
  assert_true(atomic_load(&s->unrun) >= 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(posts_of_another_thread_keep_their_order, setup, teardown),
      cmocka_unit_test_setup_teardown(timers_repeat, setup, teardown),
      cmocka_unit_test_setup_teardown(exit_status_of_a_child, setup, teardown),
      cmocka_unit_test_setup_teardown(signals_arrive, setup, teardown),
      cmocka_unit_test_setup_teardown(pools_are_as_wide_as_they_say, setup, teardown),
      cmocka_unit_test_setup_teardown(freeing_gives_queued_jobs_back, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
