/* What a rewrite of the ledger takes back. Rows of deals stay, marked as gone: they mostly come
 * again in another block, and until then their tasks wait. Numbers of leases stay in any case. */
#include "base/clock.h"
#include "base/hex.h"
#include "service/scheduler/internal.h"

/* $1: the last block that stands; $2: now. */
static const char *const steps[] = {
    "INSERT INTO history (task_id, at_ms, state) SELECT task_id, $2, CASE state WHEN 3 THEN 2 WHEN 6"
    " THEN 4 ELSE 0 END FROM tasks WHERE settle_block > $1 AND state IN (3, 6) OR state = 1 AND"
    " initialized = 1 AND (init_block > $1 OR init_block = 0)",
    /* the worker's transaction is sent again when its lease is over, which it is now */
    "UPDATE tasks SET state = CASE state WHEN 3 THEN 2 ELSE 4 END, lease_expires = 0, next_try = 0,"
    " settle_tx = NULL, settle_block = 0, settle_hash = NULL, receipt = NULL, results = ''"
    " WHERE settle_block > $1 AND state IN (3, 6) AND $2 > 0",
    /* 0: it was us, and the event is not seen yet */
    "UPDATE tasks SET initialized = 0, init_block = 0, state = CASE WHEN state = 1 OR"
    " state = 4 AND init_block > $1 THEN 0 ELSE state END WHERE initialized = 1 AND state NOT IN (3, 6) AND (init_block > $1 OR init_block = 0)"
    " AND $2 > 0",
};

/* Deals above a block are gone, and those who wait for their tasks are told. What failed is tried
 * again when its deal is back: the rewrite may have been the reason. */
static const char *const goings[] = {
    "UPDATE deals SET gone = 1 WHERE block > $1 AND $2 > 0",
    "INSERT INTO history (task_id, at_ms, state) SELECT task_id, $2, 0 FROM tasks WHERE state = 4"
    " AND deal_id IN (SELECT deal_id FROM deals WHERE gone = 1 AND cause = '') AND $1 < $2",
    "UPDATE tasks SET initialized = 0, init_block = 0, state = CASE state WHEN 4 THEN 0 ELSE state"
    " END, cause = '" SCH_GONE
    "', code = 'LEDGER_ROLLBACK', message = 'a reorganisation took the deal out of the ledger: its"
    " tasks wait for it to come again; while it is gone nothing is paid' WHERE state IN (0, 1, 2, 4)"
    " AND deal_id IN (SELECT deal_id FROM deals WHERE gone = 1 AND cause = '') AND $1 < $2",
};

static bool run_all(ia_db *db, const char *const *sql, size_t n, int64_t above, ia_err *e)
{
  for (size_t i = 0; i < n; i++) {
    ia_stmt *st;

    if (!ia_db_stmt(&st, db, sql[i], e))
      return false;
    ia_bind_i64(st, 1, above);
    ia_bind_u64(st, 2, ia_now_ms());
    if (!ia_stmt_run(st, e))
      return false;
  }
  return true;
}

bool sch_undo(ia_scheduler *s, const ia_cursor *to, ia_err *e)
{
  int64_t above = ia_h256_zero(&to->hash) ? -1 : (int64_t)to->number;

  return run_all(s->db, steps, IA_COUNT(steps), above, e) &&
         run_all(s->db, goings, IA_COUNT(goings), above, e);
}

bool sch_deals_gone(ia_db *db, ia_err *e)
{
  return run_all(db, goings, 1, -1, e); /* the causes of tasks stay what they are */
}

/* A deal that is here again, perhaps with another start. */
bool sch_deal_back(ia_scheduler *s, const ia_h256 *deal, uint64_t contribution, uint64_t final,
                   ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET contribution_deadline = $2, final_deadline = $3"
                  " WHERE deal_id = $1",
                  e))
    return false;
  ia_bind_h256(st, 1, deal);
  ia_bind_u64(st, 2, contribution);
  ia_bind_u64(st, 3, final);
  if (!ia_stmt_run(st, e) ||
      !ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET cause = '', code = '', message = '', next_try = 0,"
                  " state = CASE WHEN state IN (4, 5) THEN 0 ELSE state END"
                  " WHERE deal_id = $1 AND cause = '" SCH_GONE "'",
                  e))
    return false;
  ia_bind_h256(st, 1, deal);
  if (!ia_stmt_run(st, e))
    return false;
  if (ia_db_changes(s->db) > 0)
    sch_changed(s, NULL);
  /* leases that ran meanwhile may fail for what is mended now */
  if (!ia_db_stmt(&st, s->db,
                  "UPDATE attempts SET moved = 1 WHERE ended_ms = 0 AND task_id IN"
                  " (SELECT task_id FROM tasks WHERE deal_id = $1)",
                  e))
    return false;
  ia_bind_h256(st, 1, deal);
  return ia_stmt_run(st, e);
}

bool sch_deal_moved(ia_scheduler *s, const sch_task *t, bool *gone, bool *moved, ia_err *e)
{
  ia_stmt *st;
  bool row;

  *gone = *moved = false;
  if (!ia_db_stmt(&st, s->db,
                  "SELECT (SELECT gone FROM deals WHERE deal_id = $1),"
                  " (SELECT moved FROM attempts WHERE task_id = $2 AND fencing = $3)",
                  e))
    return false;
  ia_bind_h256(st, 1, &t->deal);
  ia_bind_h256(st, 2, &t->id);
  ia_bind_u64(st, 3, t->fencing);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return true;
  *gone = ia_col_i64(st, 0) != 0;
  *moved = ia_col_i64(st, 1) != 0;
  ia_stmt_reset(st);
  return true;
}

bool sch_confirmations(ia_scheduler *s, const ia_h256 *deal, uint64_t *have, ia_err *e)
{
  ia_stmt *st;
  bool row;

  *have = 0;
  if (!ia_db_stmt(&st, s->db, "SELECT block FROM deals WHERE deal_id = $1 AND gone = 0", e))
    return false;
  ia_bind_h256(st, 1, deal);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return true;
  *have = s->head > ia_col_u64(st, 0) ? s->head - ia_col_u64(st, 0) : 0;
  ia_stmt_reset(st);
  return true;
}
