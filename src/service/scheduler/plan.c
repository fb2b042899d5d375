/* The pauses double, so that a fault of seconds costs seconds and one of hours few tries; they end
 * well before the deadline, so that there are tries for as long as there is time. */
#include "service/scheduler/plan.h"

enum {
  PAUSE_FIRST_S = 1,
  PAUSE_LEAST_MAX_S = 60, /* the longest pause is never shorter than that */
  PAUSE_MOST_S = 900,
  PART_OF_REST = 16, /* and takes at most this part of the time that is left */
  ASIDE_S = 10,      /* so long a task is kept for another worker than the last one */
  RETURNS_FREE = 3,  /* so many leases may come back without a pause */
};

static uint64_t least(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

/* 1, 2, 4, .. seconds, up to a part of what is left. */
static uint64_t pause_of(uint64_t n, const sch_plan_facts *f)
{
  uint64_t rest = f->deadline > f->now ? f->deadline - f->now : 0, most = rest / PART_OF_REST;
  uint64_t pause = (uint64_t)PAUSE_FIRST_S << (n < 2 ? 0 : least(n - 1, 20));

  if (most < PAUSE_LEAST_MAX_S)
    most = PAUSE_LEAST_MAX_S;
  pause = least(least(pause, most), PAUSE_MOST_S);
  /* a last try while there is time */
  return rest > 1 && pause >= rest ? rest / 2 : pause;
}

static sch_plan after_return(const sch_plan_facts *f)
{
  uint64_t pause = f->returns > RETURNS_FREE ? pause_of(f->returns - RETURNS_FREE, f) : 0;

  return (sch_plan){.pause_s = pause, .aside_s = pause};
}

sch_plan sch_plan_next(const sch_plan_facts *f)
{
  sch_plan p = {.pause_s = pause_of(f->tries, f)};

  if (f->again == SCH_AGAIN_NOW)
    return after_return(f);
  if (f->again == SCH_AGAIN_NEVER && f->is_stated)
    return (sch_plan){.is_over = true};
  /* one worker's word ends nothing that another could still try */
  if (f->again != SCH_AGAIN_LATER && f->untried == 0)
    return (sch_plan){.is_over = true};
  p.aside_s = p.pause_s + ASIDE_S;
  if (f->untried > 0) {
    p.pause_s = 0;
    p.fresh_first = true;
  }
  return p;
}
