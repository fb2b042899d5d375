/* Rows of tasks and their states. */
#include "base/clock.h"
#include "poco/ids.h"
#include "poco/rules.h"
#include "service/scheduler/internal.h"

static const char *const state_names[] = {
    [SCH_RECEIVED] = "RECEIVED",
    [SCH_INITIALIZED] = "INITIALIZED",
    [SCH_RUNNING] = "RUNNING",
    [SCH_COMPLETED] = "COMPLETED",
    [SCH_RUNNING_FAILED] = "RUNNING_FAILED",
    [SCH_TIMEOUT] = "CONTRIBUTION_TIMEOUT",
    [SCH_FAILED] = "FAILED",
};

const char *sch_state_name(sch_state s)
{
  return (size_t)s < IA_COUNT(state_names) ? state_names[s] : "UNKNOWN";
}

bool sch_task_row(sch_task *out, ia_stmt *st, ia_err *e)
{
  *out = (sch_task){.idx = ia_col_u64(st, 2),
                    .state = (sch_state)ia_col_i64(st, 3),
                    .initialized = ia_col_i64(st, 4) != 0,
                    .fencing = ia_col_u64(st, 5),
                    .lease_expires = ia_col_u64(st, 7),
                    .next_try = ia_col_u64(st, 8),
                    .attempts = ia_col_u64(st, 9),
                    .contribution_deadline = ia_col_u64(st, 10),
                    .final_deadline = ia_col_u64(st, 11),
                    .settle_block = ia_col_u64(st, 13)};
  sch_copy(out->cause, sizeof(out->cause), ia_col_text(st, 15));
  return ia_col_h256(st, 0, &out->id, e) && ia_col_h256(st, 1, &out->deal, e) &&
         (ia_col_null(st, 6) || ia_col_addr(st, 6, &out->worker, e)) &&
         (ia_col_null(st, 12) || ia_col_h256(st, 12, &out->settle_tx, e)) &&
         (ia_col_null(st, 14) || ia_col_h256(st, 14, &out->settle_hash, e));
}

bool sch_task_get(ia_scheduler *s, sch_task *out, const ia_h256 *id, ia_err *e)
{
  ia_stmt *st;
  bool row, ok;

  if (!ia_db_stmt(&st, s->db, "SELECT " SCH_TASK_COLUMNS " FROM tasks WHERE task_id = $1", e))
    return false;
  ia_bind_h256(st, 1, id);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return ia_fail(e, IA_E_NOT_FOUND, "no such task here");
  ok = sch_task_row(out, st, e);
  ia_stmt_reset(st);
  return ok;
}

static bool history_put(ia_scheduler *s, const ia_h256 *id, sch_state state, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db, "INSERT INTO history (task_id, at_ms, state) VALUES ($1, $2, $3)", e))
    return false;
  ia_bind_h256(st, 1, id);
  ia_bind_u64(st, 2, ia_now_ms());
  ia_bind_i64(st, 3, state);
  return ia_stmt_run(st, e);
}

bool sch_task_set_state(ia_scheduler *s, const ia_h256 *id, sch_state state, ia_err *e)
{
  ia_stmt *st;

  /* what the ledger has ended stays ended: COMPLETED, FAILED */
  if (!ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET state = $2 WHERE task_id = $1 AND state <> $2"
                  " AND state NOT IN (3, 6)",
                  e))
    return false;
  ia_bind_h256(st, 1, id);
  ia_bind_i64(st, 2, state);
  if (!ia_stmt_run(st, e))
    return false;
  return ia_db_changes(s->db) == 0 || history_put(s, id, state, e);
}

bool sch_task_set_cause(ia_scheduler *s, const ia_h256 *id, const char *cause, const char *code,
                        const char *message, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET cause = $2, code = $3, message = $4 WHERE task_id = $1", e))
    return false;
  ia_bind_h256(st, 1, id);
  ia_bind_text(st, 2, cause);
  ia_bind_text(st, 3, code);
  ia_bind_text(st, 4, message);
  return ia_stmt_run(st, e);
}

bool sch_attempt_end(ia_scheduler *s, const ia_h256 *id, uint64_t fencing, const char *cause,
                     const char *code, const char *message, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "UPDATE attempts SET ended_ms = $3, cause = $4, code = $5, message = $6"
                  " WHERE task_id = $1 AND fencing = $2 AND ended_ms = 0",
                  e))
    return false;
  ia_bind_h256(st, 1, id);
  ia_bind_u64(st, 2, fencing);
  ia_bind_u64(st, 3, ia_now_ms());
  ia_bind_text(st, 4, cause);
  ia_bind_text(st, 5, code);
  ia_bind_text(st, 6, message);
  return ia_stmt_run(st, e);
}

typedef struct deal_part {
  ia_addr requester;
  uint64_t first, size, made, start, timeref;
  char cause[SCH_CAUSE];
  char message[160];
} deal_part;

/* Requesters take turns, however many tasks each has: a task's turn is the one after that of its
 * requester's last waiting task, and not before the turn that is being served. */
#define NEXT_TURN                                                                                  \
  "max((SELECT turn FROM turns), coalesce((SELECT max(turn) + 1 FROM tasks WHERE requester = $10"  \
  " AND state IN (0, 1)), 0))"

static bool task_put(ia_scheduler *s, const ia_h256 *deal, uint64_t idx, const deal_part *d,
                     ia_err *e)
{
  ia_u256 wide = ia_u256_of(idx);
  sch_state state = d->cause[0] ? SCH_RUNNING_FAILED : SCH_RECEIVED;
  ia_stmt *st;
  ia_h256 id;

  ia_task_id(&id, deal, &wide);
  if (!ia_db_stmt(&st, s->db,
                  "INSERT INTO tasks (task_id, deal_id, idx, state, initialized, fencing,"
                  " lease_expires, next_try, attempts, contribution_deadline, final_deadline,"
                  " settle_block, cause, code, message, results, seen_ms, leased_ms, settled_ms,"
                  " requester, turn)"
                  " VALUES ($1, $2, $3, $4, 0,"
                  " coalesce((SELECT fencing FROM fences WHERE task_id = $1), 0),"
                  " 0, 0, 0, $5, $6, 0, $7, $7, $8, '', $9, 0, 0, $10, " NEXT_TURN ")"
                  " ON CONFLICT (task_id) DO NOTHING",
                  e))
    return false;
  ia_bind_h256(st, 1, &id);
  ia_bind_h256(st, 2, deal);
  ia_bind_u64(st, 3, idx);
  ia_bind_i64(st, 4, state);
  ia_bind_u64(st, 5, d->start + d->timeref * IA_CONTRIBUTION_DEADLINE_RATIO);
  ia_bind_u64(st, 6, d->start + d->timeref * IA_FINAL_DEADLINE_RATIO);
  ia_bind_text(st, 7, d->cause);
  ia_bind_text(st, 8, d->message);
  ia_bind_u64(st, 9, ia_now_ms());
  ia_bind_addr(st, 10, &d->requester);
  if (!ia_stmt_run(st, e))
    return false;
  if (ia_db_changes(s->db) == 0)
    return true;
  sch_changed(s, &id); /* who looks waits for the lock, and so for the commit */
  return history_put(s, &id, state, e);
}

/* How many more rows this deal may have now: of one requester only so many wait as rows, of however
 * many deals, and of refused deals only so many that are not claimed yet. */
static bool room_of(ia_scheduler *s, const deal_part *d, uint64_t *room, ia_err *e)
{
  ia_stmt *st;
  bool row;
  uint64_t open;

  if (!ia_db_stmt(&st, s->db,
                  d->cause[0]
                      ? "SELECT count(*) FROM tasks WHERE requester = $1 AND state IN (4, 5)"
                      : "SELECT count(*) FROM tasks WHERE requester = $1 AND state IN (0, 1, 2)",
                  e))
    return false;
  ia_bind_addr(st, 1, &d->requester);
  if (!ia_stmt_step(st, &row, e))
    return false;
  open = ia_col_u64(st, 0);
  ia_stmt_reset(st);
  *room = open < SCH_OPEN_TASKS ? SCH_OPEN_TASKS - open : 0;
  return true;
}

static bool deal_part_get(ia_scheduler *s, deal_part *d, const ia_h256 *deal, ia_err *e)
{
  ia_stmt *st;
  bool row;

  if (!ia_db_stmt(&st, s->db,
                  "SELECT first, size, made, start, timeref, cause, message, requester FROM deals"
                  " WHERE deal_id = $1",
                  e))
    return false;
  ia_bind_h256(st, 1, deal);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return ia_fail(e, IA_E_NOT_FOUND, "no such deal here");
  *d = (deal_part){.first = ia_col_u64(st, 0),
                   .size = ia_col_u64(st, 1),
                   .made = ia_col_u64(st, 2),
                   .start = ia_col_u64(st, 3),
                   .timeref = ia_col_u64(st, 4)};
  sch_copy(d->cause, sizeof(d->cause), ia_col_text(st, 5));
  sch_copy(d->message, sizeof(d->message), ia_col_text(st, 6));
  bool ok = ia_col_addr(st, 7, &d->requester, e);
  ia_stmt_reset(st);
  return ok;
}

bool sch_tasks_make(ia_scheduler *s, const ia_h256 *deal, ia_err *e)
{
  uint64_t room;
  deal_part d;
  ia_stmt *st;

  if (!deal_part_get(s, &d, deal, e) || !room_of(s, &d, &room, e))
    return false;
  for (; room > 0 && d.made < d.size; room--, d.made++) {
    if (!task_put(s, deal, d.first + d.made, &d, e))
      return false;
  }
  if (!ia_db_stmt(&st, s->db, "UPDATE deals SET made = $2 WHERE deal_id = $1", e))
    return false;
  ia_bind_h256(st, 1, deal);
  ia_bind_u64(st, 2, d.made);
  sch_wake(s);
  return ia_stmt_run(st, e);
}

/* A deal of a requester of whom few rows are there, her oldest that has more. */
#define SHORT_OF(cause, states)                                                                    \
  "SELECT (SELECT deal_id FROM deals u WHERE u.requester = r.requester AND u.made < u.size AND"    \
  " u.gone = 0 AND u.cause " cause " ORDER BY block, deal_id LIMIT 1)"                             \
  " FROM (SELECT DISTINCT requester FROM deals WHERE made < size AND gone = 0 AND cause " cause    \
  ") r WHERE (SELECT count(*) FROM tasks t WHERE t.requester = r.requester AND t.state IN " states \
  ") < $1 LIMIT 1"

bool sch_tasks_more(ia_scheduler *s, ia_err *e)
{
  static const char *const sql[] = {SHORT_OF("= ''", "(0, 1, 2)"), SHORT_OF("<> ''", "(4, 5)")};

  for (size_t i = 0; i < IA_COUNT(sql); i++) {
    bool found, ok;
    ia_h256 deal;
    ia_stmt *st;

    if (!ia_db_stmt(&st, s->db, sql[i], e))
      return false;
    ia_bind_u64(st, 1, SCH_FEW_TASKS);
    if (!ia_stmt_step(st, &found, e))
      return false;
    if (!found)
      continue;
    ok = ia_col_h256(st, 0, &deal, e);
    ia_stmt_reset(st);
    if (!ok || !sch_tasks_make(s, &deal, e))
      return false;
  }
  return true;
}
