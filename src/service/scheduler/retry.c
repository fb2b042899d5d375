/* What becomes of a task whose lease ended without a result (plan.c decides). */
#include "base/causes.h"
#include "base/clock.h"
#include "service/scheduler/internal.h"

sch_again sch_again_of(const char *cause)
{
  switch (ia_cause_again(cause)) {
  case IA_AGAIN_NEVER: return SCH_AGAIN_NEVER;
  case IA_AGAIN_ELSEWHERE: return SCH_AGAIN_ELSEWHERE;
  case IA_AGAIN_LATER: break;
  }
  return SCH_AGAIN_LATER;
}

/* Locked: leases so far that ended by a fault, and that came back. */
static bool counts_get(ia_scheduler *s, const ia_h256 *id, sch_plan_facts *f, ia_err *e)
{
  ia_stmt *st;
  bool row;

  if (!ia_db_stmt(&st, s->db, "SELECT tries, returns FROM tasks WHERE task_id = $1", e))
    return false;
  ia_bind_h256(st, 1, id);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return ia_fail(e, IA_E_NOT_FOUND, "no such task here");
  f->tries = ia_col_u64(st, 0);
  f->returns = ia_col_u64(st, 1);
  ia_stmt_reset(st);
  return true;
}

static bool plan_put(ia_scheduler *s, const ia_h256 *id, const sch_plan_facts *f, const sch_plan *p,
                     ia_err *e)
{
  uint64_t now = ia_now();
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET lease_expires = 0, next_try = $2, aside = $3, fresh = $4,"
                  " tries = $5, returns = $6 WHERE task_id = $1",
                  e))
    return false;
  ia_bind_h256(st, 1, id);
  ia_bind_u64(st, 2, now + p->pause_s);
  ia_bind_u64(st, 3, now + p->aside_s);
  ia_bind_i64(st, 4, p->fresh_first);
  ia_bind_u64(st, 5, f->tries);
  ia_bind_u64(st, 6, f->returns);
  return ia_stmt_run(st, e);
}

bool sch_task_retry(ia_scheduler *s, const sch_task *t, sch_again again, bool is_stated, bool *over,
                    ia_err *e)
{
  sch_plan_facts f = {.again = again,
                      .is_stated = is_stated,
                      .now = sch_ledger_now(s),
                      .deadline = t->contribution_deadline};
  sch_plan p;

  if (!counts_get(s, &t->id, &f, e) || !sch_others_untried(s, &t->id, &t->worker, &f.untried, e))
    return false;
  f.tries += again != SCH_AGAIN_NOW;
  f.returns += again == SCH_AGAIN_NOW;
  p = sch_plan_next(&f);
  if (!plan_put(s, &t->id, &f, &p, e))
    return false;
  sch_wake(s);
  if (over)
    *over = p.is_over;
  return sch_task_set_state(s, &t->id, p.is_over ? SCH_RUNNING_FAILED : SCH_INITIALIZED, e);
}

bool sch_lease_returned(ia_scheduler *s, const sch_task *t, const char *why, ia_err *e)
{
  return sch_attempt_end(s, &t->id, t->fencing, SCH_RETURNED, "", why, e) &&
         sch_task_retry(s, t, SCH_AGAIN_NOW, false, NULL, e);
}
