/* Receipts: the settlement part, signed by the pool, beside what the worker handed in. */
#include "base/causes.h"
#include "base/hex.h"
#include "base/log.h"
#include "crypto/keccak.h"
#include "poco/orders.h"
#include "receipt/dsse.h"
#include "receipt/receipt.h"
#include "receipt/record.h"
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

/* Where the record says that an owner did not sign by key, nobody could check what stands there. */
static void blank_sign(json_t *order, ia_order_signing signing)
{
  if (json_is_object(order) && signing != IA_SIGNING_KEY)
    (void)json_object_set_new(order, "sign", json_string("0x"));
}

static void blank_signs(json_t *orders, const json_t *release)
{
  const char *text = json_string_value(json_object_get(release, "record"));
  json_t *slice = json_object_get(orders, "slice"), *v;
  IA_AUTOV(ia_record) r = {0};
  size_t i, at = 0;

  if (!text || !ia_record_parse(&r, ia_span_str(text), NULL))
    return; /* the receipt will be refused for it */
  blank_sign(json_object_get(orders, "app"), r.signing[IA_ORDER_APP]);
  blank_sign(json_object_get(orders, "workerpool"), r.signing[IA_ORDER_WORKERPOOL]);
  blank_sign(json_object_get(orders, "request"), r.signing[IA_ORDER_REQUEST]);
  if (r.n_datasets > 0)
    blank_sign(json_object_get(orders, "dataset"), r.datasets[0].signing);
  json_array_foreach (slice, i, v)
    if (json_is_object(v) && at < r.n_datasets)
      blank_sign(v, r.datasets[at++].signing);
}

struct made {
  json_t *parts, *orders, *assets, *settlement; /* owned */
  ia_buf raw, text;
};

static void made_free(struct made *m)
{
  json_decref(m->parts);
  json_decref(m->orders);
  json_decref(m->assets);
  json_decref(m->settlement);
  ia_buf_free(&m->raw);
  ia_buf_free(&m->text);
}

static bool build(ia_scheduler *s, const sch_task *t, struct made *m, ia_err *e)
{
  ia_receipt_parts p = {0};

  if (m->parts) {
    p.run = json_object_get(json_object_get(m->parts, "run"), "run");
    p.release = json_object_get(m->parts, "release");
    p.evidence = json_object_get(m->parts, "evidence");
    if (!sch_slice_parts(s, t, p.release, m->orders, m->assets, e))
      return false;
    blank_signs(m->orders, p.release);
    if (json_object_get(m->assets, "workerpool"))
      (void)json_object_del(m->assets, "workerpool");
    p.orders = m->orders;
    p.assets = m->assets;
  } else {
    p.workerpool = json_object_get(m->assets, "workerpool");
  }
  if (!settlement_part(s, t, p.run, &m->raw, &m->settlement, e))
    return false;
  p.settlement = m->settlement;
  return ia_receipt_build(&m->text, &p, e);
}

static bool make_of(ia_scheduler *s, const sch_task *t, struct made *m, ia_err *e)
{
  if (!attempt_parts(s, t, &m->parts, &m->raw, e))
    return false;
  if (t->state == SCH_COMPLETED && !m->parts)
    return true; /* the worker has not reported yet */
  return deal_parts(s, &t->deal, &m->orders, &m->assets, e) && build(s, t, m, e) &&
         receipt_put(s, &t->id, ia_buf_view(&m->text), e);
}

static bool make(ia_scheduler *s, const ia_h256 *task, ia_err *e)
{
  struct made m = {0};
  sch_task t;
  bool ok = sch_task_get(s, &t, task, e) && make_of(s, &t, &m, e);

  made_free(&m);
  return ok;
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
