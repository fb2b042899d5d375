#include "base/soon.h"

#include <stdlib.h>

struct ia_soon {
  ia_loop *loop;
  ia_timer *timer;
  ia_loop_fn *work;
  void *ctx;
  uint64_t soon_ms, idle_ms;
  bool asked, runs;
};

static void work(void *ctx)
{
  ia_soon *s = ctx;

  s->work(s->ctx);
}

static void done(void *ctx, bool ran)
{
  ia_soon *s = ctx;

  (void)ran;
  s->runs = false;
}

static void on_timer(void *ctx)
{
  ia_soon *s = ctx;

  if (s->runs) { /* what was asked for since it began is not lost */
    ia_timer_start(s->timer, s->asked ? s->soon_ms : s->idle_ms, s->idle_ms);
    return;
  }
  s->asked = false;
  s->runs = ia_loop_job(s->loop, IA_POOL_JOBS, work, done, s, NULL);
  ia_timer_start(s->timer, s->idle_ms, s->idle_ms);
}

bool ia_soon_new(ia_soon **out, ia_loop *l, ia_loop_fn *fn, void *ctx, uint64_t soon_ms,
                 uint64_t idle_ms, ia_err *e)
{
  ia_soon *s = calloc(1, sizeof(*s));

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "no memory for a timer");
  *s = (ia_soon){.loop = l, .work = fn, .ctx = ctx, .soon_ms = soon_ms, .idle_ms = idle_ms};
  if (!ia_timer_new(&s->timer, l, on_timer, s, e)) {
    free(s);
    return false;
  }
  ia_timer_start(s->timer, idle_ms, idle_ms);
  *out = s;
  return true;
}

void ia_soon_ask(ia_soon *s)
{
  if (!s || s->asked)
    return;
  s->asked = true;
  ia_timer_start(s->timer, s->soon_ms, s->idle_ms);
}

void ia_soon_pace(ia_soon *s, uint64_t idle_ms)
{
  if (!s)
    return;
  s->idle_ms = idle_ms;
  if (!s->asked)
    ia_timer_start(s->timer, idle_ms, idle_ms);
}

void ia_soon_free(ia_soon *s)
{
  if (!s)
    return;
  ia_timer_free(s->timer);
  while (s->runs)
    ia_loop_wait_posted(s->loop);
  free(s);
}
