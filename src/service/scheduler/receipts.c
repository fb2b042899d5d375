/* Receipts: the settlement part, signed by the pool, beside what the worker handed in. */
#include "base/causes.h"
#include "base/hex.h"
#include "base/log.h"
#include "crypto/keccak.h"
#include "receipt/dsse.h"
#include "receipt/receipt.h"
#include "receipt/settlement.h"
#include "service/scheduler/internal.h"

static json_t *col_json(ia_stmt *st, int i)
{
  return ia_col_null(st, i) ? NULL : ia_json_parse(ia_col_bytes(st, i), IA_JSON_ANY, NULL);
}

/* Does the attempt's transaction bear this hash? */
static bool settled_by(const json_t *parts, const ia_h256 *tx, ia_buf *raw)
{
  ia_h256 h;

  ia_buf_clear(raw);
  if (!ia_json_get_hex(parts, "tx", raw, NULL))
    return false;
  ia_keccak256(&h, ia_buf_view(raw));
  return ia_h256_eq(&h, tx);
}

/* The attempt that settled the task, else the last one that handed in a run. NULL: none. */
static bool attempt_parts(ia_scheduler *s, const sch_task *t, json_t **out, ia_buf *raw, ia_err *e)
{
  ia_stmt *st;
  bool row;

  *out = NULL;
  if (!ia_db_stmt(&st, s->db,
                  "SELECT parts FROM attempts WHERE task_id = $1 AND parts IS NOT NULL"
                  " ORDER BY fencing DESC",
                  e))
    return false;
  ia_bind_h256(st, 1, &t->id);
  for (;;) {
    json_t *parts;
    bool fits;

    if (!ia_stmt_step(st, &row, e))
      return false;
    if (!row)
      return true;
    parts = col_json(st, 0);
    fits = t->state == SCH_COMPLETED
               ? settled_by(parts, &t->settle_tx, raw)
               : json_object_get(parts, "release") != NULL && json_object_get(parts, "run") != NULL;
    if (fits) {
      *out = parts;
      ia_stmt_reset(st);
      return true;
    }
    json_decref(parts);
  }
}

static bool settlement_part(ia_scheduler *s, const sch_task *t, const json_t *envelope,
                            const ia_buf *raw, json_t **out, ia_err *e)
{
  IA_AUTOV(ia_settlement)
  v = {.domain = s->domain, .chain_id = s->chain_id, .hub = s->hub, .task_id = t->id};

  if (envelope && !ia_dsse_hash(&v.run_hash, envelope, e))
    return false;
  if (t->state == SCH_COMPLETED) {
    ia_buf_span(&v.tx, ia_buf_view(raw));
    v.block_number = t->settle_block;
    v.block_hash = t->settle_hash;
  } else {
    sch_copy(v.cause, sizeof(v.cause), ia_cause_is_known(t->cause) ? t->cause : "UNKNOWN");
  }
  return ia_settlement_sign(out, &v, s->wallet->secp, &s->wallet->key, e);
}

static bool deal_parts(ia_scheduler *s, const ia_h256 *deal, json_t **orders, json_t **assets,
                       ia_err *e)
{
  ia_stmt *st;
  bool row;

  if (!ia_db_stmt(&st, s->db, "SELECT orders, assets FROM deals WHERE deal_id = $1", e))
    return false;
  ia_bind_h256(st, 1, deal);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return ia_fail(e, IA_E_CORRUPT, "scheduler: a task without its deal");
  *orders = col_json(st, 0);
  *assets = col_json(st, 1);
  ia_stmt_reset(st);
  return true;
}

static bool receipt_put(ia_scheduler *s, const ia_h256 *task, ia_span text, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db, "UPDATE tasks SET receipt = $2 WHERE task_id = $1", e))
    return false;
  ia_bind_h256(st, 1, task);
  ia_bind_blob(st, 2, text);
  return ia_stmt_run(st, e);
}

static bool make(ia_scheduler *s, const ia_h256 *task, ia_err *e)
{
  IA_AUTO_JSON *parts = NULL;
  IA_AUTO_JSON *orders = NULL;
  IA_AUTO_JSON *assets = NULL;
  IA_AUTO_JSON *settlement = NULL;
  IA_AUTOV(ia_buf) raw = {0};
  IA_AUTOV(ia_buf) text = {0};
  ia_receipt_parts p = {0};
  sch_task t;

  if (!sch_task_get(s, &t, task, e) || !attempt_parts(s, &t, &parts, &raw, e))
    return false;
  if (t.state == SCH_COMPLETED && !parts)
    return true; /* the worker has not reported yet */
  if (parts) {
    p.run = json_object_get(json_object_get(parts, "run"), "run");
    p.release = json_object_get(parts, "release");
    p.evidence = json_object_get(parts, "evidence");
    if (!deal_parts(s, &t.deal, &orders, &assets, e))
      return false;
    if (!sch_slice_parts(s, &t, p.release, orders, assets, e))
      return false;
    p.orders = orders;
    p.assets = assets;
  }
  if (!settlement_part(s, &t, p.run, &raw, &settlement, e))
    return false;
  p.settlement = settlement;
  return ia_receipt_build(&text, &p, e) && receipt_put(s, task, ia_buf_view(&text), e);
}

bool sch_receipt_make(ia_scheduler *s, const ia_h256 *task, ia_err *e)
{
  ia_err why = {0};

  if (make(s, task, &why))
    return true;
  if (sch_may_pass(&why)) {
    *e = why;
    return false;
  }
  ia_log(IA_LOG_ERROR, "receipt.skipped", "task=%s code=%s reason=\"%s\"", ia_h256_text(task).s,
         ia_code_name(why.code), why.msg);
  return true;
}
