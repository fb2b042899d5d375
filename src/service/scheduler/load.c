/* What the tasks of bulk deals read: lists in the blob store, which strangers name. They are read
 * beside the ledger, not on the way: a store that does not answer for one deal's list keeps that
 * deal waiting, and neither the cursor nor other deals. */
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "poco/params.h"
#include "poco/rules.h"
#include "service/scheduler/internal.h"

enum { LOAD_IDLE_S = 60, LOAD_PAUSE_MAX_S = 60 };

/* The deal that has been tried least often. $2 is the ledger's time: a deal that is over waits for
 * nothing. */
static bool next_deal(ia_scheduler *s, ia_h256 *deal, uint64_t *loads, bool *found, ia_err *e)
{
  SCH_LOCKED *held = s;
  ia_stmt *st;
  bool ok;

  sch_lock(held);
  if (!ia_db_stmt(&st, s->db,
                  "SELECT deal_id, loads FROM deals WHERE pending = 1 AND gone = 0"
                  " AND next_load <= $1 AND start + timeref * $3 > $2"
                  " ORDER BY loads, block, deal_id LIMIT 1",
                  e))
    return false;
  ia_bind_u64(st, 1, ia_now());
  ia_bind_u64(st, 2, sch_ledger_now(s));
  ia_bind_u64(st, 3, IA_CONTRIBUTION_DEADLINE_RATIO);
  if (!ia_stmt_step(st, found, e))
    return false;
  if (!*found)
    return true;
  ok = ia_col_h256(st, 0, deal, e);
  *loads = ia_col_u64(st, 1);
  ia_stmt_reset(st);
  return ok;
}

static bool later(ia_scheduler *s, const ia_h256 *deal, uint64_t loads, const ia_err *why,
                  ia_err *e)
{
  uint64_t pause = loads < 6 ? 1ull << loads : LOAD_PAUSE_MAX_S;
  SCH_LOCKED *held = s;
  ia_stmt *st;

  ia_log(IA_LOG_INFO, "deal.waits", "deal=%s code=%s reason=\"%s\"", ia_h256_text(deal).s,
         ia_code_name(why->code), why->msg);
  sch_lock(held);
  if (!ia_db_stmt(&st, s->db,
                  "UPDATE deals SET loads = loads + 1, next_load = $2 WHERE deal_id = $1", e))
    return false;
  ia_bind_h256(st, 1, deal);
  ia_bind_u64(st, 2, ia_now() + pause);
  return ia_stmt_run(st, e);
}

static bool refuse_tasks(ia_scheduler *s, const sch_deal *d, ia_err *e)
{
  static const char *const sql[] = {
      "INSERT INTO history (task_id, at_ms, state) SELECT task_id, $4, 4 FROM tasks"
      " WHERE deal_id = $1 AND state IN (0, 1) AND $2 <> $3",
      "UPDATE tasks SET state = 4, cause = $2, code = $2, message = $3 WHERE deal_id = $1"
      " AND state IN (0, 1) AND $4 > 0"};

  for (size_t i = 0; i < IA_COUNT(sql); i++) {
    ia_stmt *st;

    if (!ia_db_stmt(&st, s->db, sql[i], e))
      return false;
    ia_bind_h256(st, 1, &d->id);
    ia_bind_text(st, 2, d->cause);
    ia_bind_text(st, 3, d->message);
    ia_bind_u64(st, 4, ia_now_ms());
    if (!ia_stmt_run(st, e))
      return false;
  }
  return true;
}

static bool keep(ia_scheduler *s, const sch_deal *d, ia_err *e)
{
  SCH_LOCKED *held = s;
  IA_AUTO(ia_tx) *tx = NULL;
  IA_AUTOV(ia_buf) text = {0};
  ia_stmt *st;

  if (d->inputs && !ia_json_write(&text, d->inputs, e))
    return false;
  sch_lock(held);
  if (!ia_tx_begin(&tx, s->db, e) ||
      !ia_db_stmt(&st, s->db,
                  "UPDATE deals SET pending = 0, inputs = $2, cause = $3, message = $4"
                  " WHERE deal_id = $1",
                  e))
    return false;
  ia_bind_h256(st, 1, &d->id);
  if (d->inputs)
    ia_bind_textn(st, 2, ia_buf_view(&text));
  else
    ia_bind_null(st, 2);
  ia_bind_text(st, 3, d->cause);
  ia_bind_text(st, 4, d->message);
  if (!ia_stmt_run(st, e) || !sch_slices_put(s, d, e) || (d->cause[0] && !refuse_tasks(s, d, e)) ||
      !ia_tx_commit(&tx, e))
    return false;
  sch_wake(s);
  sch_offer(s);
  if (d->cause[0])
    sch_changed(s, NULL);
  return true;
}

static bool load_deal(ia_scheduler *s, ia_chain *c, const ia_h256 *deal, uint64_t loads, ia_err *e)
{
  IA_AUTOV(sch_deal) d = {.id = *deal};
  IA_AUTOV(ia_params) params = {0};
  ia_err why = {0};

  if (!ia_chain_deal(c, &d.deal, &d.deal_store, deal, e))
    return false;
  if (ia_params_parse(&params, d.deal.params, &why) &&
      sch_bulk(s, c, &d, params.bulk_cid, &d.inputs, &why))
    return keep(s, &d, e);
  if (sch_may_pass(&why))
    return later(s, deal, loads, &why, e);
  sch_copy(d.cause, sizeof(d.cause), "TASK_DESCRIPTION_INVALID");
  sch_copy(d.message, sizeof(d.message), why.msg);
  json_decref(d.slices);
  d.slices = NULL;
  return keep(s, &d, e);
}

/* Locked: seconds until a deal is tried again. */
static uint64_t next_due(ia_scheduler *s)
{
  uint64_t now = ia_now(), at = now + LOAD_IDLE_S;
  ia_stmt *st;
  bool row = false;

  if (ia_db_stmt(&st, s->db,
                 "SELECT min(next_load) FROM deals WHERE pending = 1 AND next_load > $1", NULL)) {
    ia_bind_u64(st, 1, now);
    if (ia_stmt_step(st, &row, NULL) && row && !ia_col_null(st, 0) && ia_col_u64(st, 0) < at)
      at = ia_col_u64(st, 0);
    ia_stmt_reset(st);
  }
  return at - now;
}

static void wait_for_deals(ia_scheduler *s)
{
  struct timespec until;
  bool late = false;

  sch_lock(s);
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)next_due(s);
  while (!s->load_due && !s->stop && !late)
    late = pthread_cond_timedwait(&s->wake, &s->lock, &until) == ETIMEDOUT;
  s->load_due = false;
  sch_unlock(s);
}

static bool load_all(ia_scheduler *s, ia_err *e)
{
  IA_AUTO(ia_chain) *c = NULL;

  while (!s->stop) {
    ia_h256 deal;
    uint64_t loads = 0;
    bool found;

    if (!next_deal(s, &deal, &loads, &found, e))
      return false;
    if (!found)
      return true;
    if ((!c && !sch_connect(s, &c, e)) || !load_deal(s, c, &deal, loads, e))
      return false;
  }
  return true;
}

void sch_load_job(void *ctx)
{
  ia_scheduler *s = ctx;

  while (!s->stop) {
    ia_err why = {0};

    if (!load_all(s, &why) && !s->stop) {
      ia_log(IA_LOG_WARN, "scheduler.load", "code=%s reason=\"%s\"", ia_code_name(why.code),
             why.msg);
      sch_pause(s, 1000);
      continue;
    }
    wait_for_deals(s);
  }
}
