/* The store. */
#include "base/clock.h"
#include "service/scheduler/internal.h"

/* fences outlive everything else: a number is never given twice, also when a chain is rewritten and
 * a deal comes again. */
static const ia_migration steps[] = {
    {1,
     "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"
     "CREATE TABLE workers (address BLOB PRIMARY KEY, counter INTEGER NOT NULL,"
     " boot TEXT NOT NULL) STRICT;"
     "CREATE TABLE fences (task_id BLOB PRIMARY KEY, fencing INTEGER NOT NULL) STRICT;"
     "CREATE TABLE deals (deal_id BLOB PRIMARY KEY, tx BLOB NOT NULL, block INTEGER NOT NULL,"
     " requester BLOB NOT NULL, app BLOB NOT NULL, app_digest BLOB NOT NULL, dataset BLOB NOT NULL,"
     " request_hash BLOB NOT NULL, start INTEGER NOT NULL, timeref INTEGER NOT NULL,"
     " first INTEGER NOT NULL, size INTEGER NOT NULL, made INTEGER NOT NULL,"
     " category INTEGER NOT NULL, orders TEXT, assets TEXT, image TEXT, inputs TEXT,"
     " cause TEXT NOT NULL, message TEXT NOT NULL) STRICT;"
     "CREATE INDEX deals_block ON deals (block);"
     "CREATE TABLE tasks (task_id BLOB PRIMARY KEY, deal_id BLOB NOT NULL, idx INTEGER NOT NULL,"
     " state INTEGER NOT NULL, initialized INTEGER NOT NULL, fencing INTEGER NOT NULL,"
     " worker BLOB, lease_expires INTEGER NOT NULL, next_try INTEGER NOT NULL,"
     " attempts INTEGER NOT NULL, contribution_deadline INTEGER NOT NULL,"
     " final_deadline INTEGER NOT NULL, settle_tx BLOB, settle_block INTEGER NOT NULL,"
     " settle_hash BLOB, cause TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL,"
     " results TEXT NOT NULL, seen_ms INTEGER NOT NULL, leased_ms INTEGER NOT NULL,"
     " settled_ms INTEGER NOT NULL, receipt BLOB) STRICT;"
     "CREATE INDEX tasks_state ON tasks (state, next_try);"
     "CREATE INDEX tasks_deal ON tasks (deal_id, state);"
     "CREATE TABLE attempts (task_id BLOB NOT NULL, fencing INTEGER NOT NULL,"
     " worker BLOB NOT NULL, state TEXT NOT NULL, started_ms INTEGER NOT NULL,"
     " ended_ms INTEGER NOT NULL, cause TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL,"
     " enclave BLOB, parts TEXT, PRIMARY KEY (task_id, fencing)) STRICT;"
     "CREATE TABLE history (task_id BLOB NOT NULL, at_ms INTEGER NOT NULL,"
     " state INTEGER NOT NULL) STRICT;"
     "CREATE INDEX history_task ON history (task_id);"
     "CREATE TABLE pool_orders (category INTEGER PRIMARY KEY, hash BLOB NOT NULL,"
     " volume INTEGER NOT NULL) STRICT;"},
    {2, "CREATE INDEX deals_unmade ON deals (deal_id) WHERE made < size;"},
    {3, "DROP TABLE pool_orders;" /* they are published anew */
        "CREATE TABLE pool_orders (pool BLOB NOT NULL, category INTEGER NOT NULL,"
        " hash BLOB NOT NULL, volume INTEGER NOT NULL, PRIMARY KEY (pool, category)) STRICT;"},
    /* what the receipt of a bulk task shows of its data */
    {4, "CREATE TABLE slices (deal_id BLOB NOT NULL, idx INTEGER NOT NULL, orders TEXT NOT NULL,"
        " datasets TEXT NOT NULL, PRIMARY KEY (deal_id, idx)) STRICT;"},
    /* gone: a rewrite took the deal. init_block: where the task was initialised; 0 = not known */
    {5, "ALTER TABLE deals ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE tasks ADD COLUMN init_block INTEGER NOT NULL DEFAULT 0;"
        "CREATE INDEX deals_gone ON deals (deal_id) WHERE gone = 1;"
        "CREATE INDEX tasks_unmade ON tasks (next_try, seen_ms, idx)"
        " WHERE initialized = 0 AND state IN (0, 1, 2);"},
    /* turn: a task's place in a queue where requesters take turns (tasks.c); turns: the one that
     * was served last. pending: what the tasks read is not known yet (load.c) */
    {6,
     "ALTER TABLE tasks ADD COLUMN requester BLOB;"
     "ALTER TABLE tasks ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;"
     "UPDATE tasks SET requester = (SELECT requester FROM deals d"
     " WHERE d.deal_id = tasks.deal_id);"
     "CREATE TABLE turns (one INTEGER PRIMARY KEY CHECK (one = 1), turn INTEGER NOT NULL) STRICT;"
     "INSERT INTO turns (one, turn) VALUES (1, 0);"
     "CREATE INDEX tasks_requester ON tasks (requester, state, turn);"
     "CREATE INDEX tasks_turn ON tasks (state, turn, seen_ms, idx);"
     "DROP INDEX tasks_unmade;"
     "CREATE INDEX tasks_unmade ON tasks (turn, seen_ms, idx)"
     " WHERE initialized = 0 AND state IN (0, 1, 2);"
     "DROP INDEX deals_unmade;"
     "CREATE INDEX deals_unmade ON deals (requester, block, deal_id) WHERE made < size;"
     "ALTER TABLE deals ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE deals ADD COLUMN loads INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE deals ADD COLUMN next_load INTEGER NOT NULL DEFAULT 0;"
     "CREATE INDEX deals_pending ON deals (next_load) WHERE pending = 1;"},
    /* memory that the request asks for, bytes; 0: nothing */
    {7, "ALTER TABLE deals ADD COLUMN memory INTEGER NOT NULL DEFAULT 0;"},
    /* retry.c: attempts that ended by a fault, leases that came back; until aside the worker that
     * had it last leaves it to others, and where fresh is set whoever had it before */
    {8, "ALTER TABLE tasks ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;"
        "UPDATE tasks SET tries = attempts;"
        "ALTER TABLE tasks ADD COLUMN returns INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE tasks ADD COLUMN aside INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE tasks ADD COLUMN fresh INTEGER NOT NULL DEFAULT 0;"},
    /* what a worker may fetch before it asks for keys: {"files","data"} */
    {9, "ALTER TABLE deals ADD COLUMN reads TEXT;"},
    /* ownership.c: pools that another owns now. A deal without a pool is of the main one */
    {10, "ALTER TABLE deals ADD COLUMN pool BLOB;"
         "CREATE TABLE pools_away (pool BLOB PRIMARY KEY, owner BLOB NOT NULL,"
         " main INTEGER NOT NULL) STRICT;"},
    /* moved: the deal came again in another block while the attempt ran */
    {11, "ALTER TABLE attempts ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;"},
};

bool sch_store_open(ia_db **out, const char *url, ia_err *e)
{
  return ia_db_open(out, url, steps, IA_COUNT(steps), e);
}

bool sch_meta_get(ia_scheduler *s, const char *name, ia_buf *out, ia_err *e)
{
  ia_stmt *st;
  bool row;

  ia_buf_clear(out);
  if (!ia_db_stmt(&st, s->db, "SELECT value FROM meta WHERE name = $1", e))
    return false;
  ia_bind_text(st, 1, name);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (row)
    ia_buf_span(out, ia_col_bytes(st, 0));
  ia_stmt_reset(st);
  return ia_buf_ok(out, e);
}

bool sch_meta_put(ia_scheduler *s, const char *name, ia_span value, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "INSERT INTO meta (name, value) VALUES ($1, $2)"
                  " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                  e))
    return false;
  ia_bind_text(st, 1, name);
  ia_bind_blob(st, 2, value);
  return ia_stmt_run(st, e);
}

bool sch_cursor_get(ia_scheduler *s, ia_cursor *out, ia_buf *past, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_span in;

  *out = (ia_cursor){.number = s->first_block};
  if (!sch_meta_get(s, "cursor", &b, e) || !sch_meta_get(s, "past", past, e))
    return false;
  in = ia_buf_view(&b);
  if (in.len == 0)
    return true;
  return (ia_span_u64be(&in, &out->number) && ia_span_copy(&in, out->hash.b, 32)) ||
         ia_fail(e, IA_E_CORRUPT, "scheduler: the stored cursor is damaged");
}

bool sch_cursor_put(ia_scheduler *s, const ia_cursor *c, ia_span past, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_u64be(&b, c->number);
  ia_buf_put(&b, c->hash.b, 32);
  return ia_buf_ok(&b, e) && sch_meta_put(s, "cursor", ia_buf_view(&b), e) &&
         sch_meta_put(s, "past", past, e);
}

bool ia_scheduler_reindex(const char *url, ia_err *e)
{
  IA_AUTO(ia_db) *db = NULL;
  IA_AUTO(ia_tx) *tx = NULL;

  return sch_store_open(&db, url, e) && ia_tx_begin(&tx, db, e) && sch_deals_gone(db, e) &&
         ia_db_exec(db, "DELETE FROM meta WHERE name IN ('cursor', 'past')", e) &&
         ia_tx_commit(&tx, e);
}
