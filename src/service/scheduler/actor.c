/* What is due: initialising, leases that ended, deadlines, claims, pool orders. One job, woken when
 * something changes and when the next thing is due. */
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/hex.h"
#include "base/log.h"
#include "service/scheduler/internal.h"

enum { IDLE_S = 5, BATCH = 64, TX_PAUSE_S = 2, BLOCK_S = 20 };

/* Locked: the first task of a kind that is due; *found false when there is none. */
static bool due_task(ia_scheduler *s, sch_task *out, bool *found, const char *sql, ia_err *e)
{
  ia_stmt *st;

  *found = false;
  if (!ia_db_stmt(&st, s->db, sql, e))
    return false;
  ia_bind_u64(st, 1, sch_ledger_now(s));
  ia_bind_u64(st, 2, ia_now());
  if (!ia_stmt_step(st, found, e))
    return false;
  if (!*found)
    return true;
  *found = sch_task_row(out, st, e);
  ia_stmt_reset(st);
  return *found;
}

static bool set_next_try(ia_scheduler *s, const ia_h256 *id, uint64_t when, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db, "UPDATE tasks SET next_try = $2 WHERE task_id = $1", e))
    return false;
  ia_bind_h256(st, 1, id);
  ia_bind_u64(st, 2, when);
  return ia_stmt_run(st, e);
}

static bool set_initialized(ia_scheduler *s, const ia_h256 *id, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET initialized = 1, next_try = CASE state WHEN 0 THEN 0 ELSE"
                  " next_try END WHERE task_id = $1",
                  e))
    return false;
  ia_bind_h256(st, 1, id);
  return ia_stmt_run(st, e);
}

/* -- transactions; not locked -- */

/* Where blocks take their time nobody waits here: the event says when it is done, and the same call
 * is not sent twice. */
static bool transact(ia_scheduler *s, ia_chain *c, ia_call_id id, const ia_args *args, ia_err *e)
{
  IA_AUTOV(ia_chain_sent) sent = {.join = true, .no_wait = true};
  const ia_chain_account_key key = {s->wallet->secp, &s->wallet->key};

  return ia_chain_call(c, &sent, &key, NULL, id, args, e);
}

/* The ledger's state after a transaction that failed: another's may have come first. */
static bool settled_otherwise(ia_scheduler *s, ia_chain *c, const sch_task *t, ia_task_status *now,
                              ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_task task;

  (void)s;
  if (!ia_chain_task(c, &task, &store, &t->id, e))
    return false;
  *now = (ia_task_status)task.status;
  return true;
}

/* The event of our own transaction may have been seen first, and the task be leased by now; or its
 * first initialisation was taken back while a worker has it. */
static bool initialized_rows(ia_scheduler *s, const ia_h256 *id, ia_task_status now, ia_err *e)
{
  sch_task have;

  if (!sch_task_get(s, &have, id, e))
    return false;
  if (have.initialized || have.state > SCH_RUNNING)
    return true;
  return set_initialized(s, id, e) &&
         (now != IA_TASK_ACTIVE || have.state != SCH_RECEIVED ||
          sch_task_set_state(s, id, SCH_INITIALIZED, e)) &&
         (now != IA_TASK_FAILED || sch_task_set_state(s, id, SCH_FAILED, e));
}

/* Sent, and in no block yet: looked at again when the event should have come. */
static bool left(ia_scheduler *s, const sch_task *t, ia_err *e)
{
  SCH_LOCKED *held = s;
  ia_stmt *st;

  sch_lock(held);
  if (!ia_db_stmt(&st, held->db,
                  "UPDATE tasks SET next_try = $2 WHERE task_id = $1 AND initialized = 0", e))
    return false;
  ia_bind_h256(st, 1, &t->id);
  ia_bind_u64(st, 2, ia_now() + BLOCK_S);
  return ia_stmt_run(st, e);
}

static bool initialize(ia_scheduler *s, ia_chain *c, const sch_task *t, ia_err *e)
{
  const ia_args args = {.id = {t->deal}, .value = {ia_u256_of(t->idx)}};
  SCH_LOCKED *held = NULL;
  IA_AUTO(ia_tx) *tx = NULL;
  ia_task_status now = IA_TASK_ACTIVE;
  ia_err why = {0};

  if (transact(s, c, IA_CALL_INITIALIZE, &args, &why)) {
    if (!ia_chain_is_local(c))
      return left(s, t, e);
  } else if (!settled_otherwise(s, c, t, &now, e)) {
    return false;
  }
  held = s;
  sch_lock(s);
  ia_crash_point("scheduler-initialize-sent");
  if (now == IA_TASK_UNSET) {
    ia_log(IA_LOG_WARN, "task.initialize", "task=%s code=%s reason=\"%s\"", ia_h256_text(&t->id).s,
           ia_code_name(why.code), why.msg);
    return set_next_try(s, &t->id, ia_now() + TX_PAUSE_S, e);
  }
  if (!ia_tx_begin(&tx, s->db, e) || !initialized_rows(s, &t->id, now, e) || !ia_tx_commit(&tx, e))
    return false;
  ia_crash_point("scheduler-initialized");
  sch_offer(s);
  sch_changed(s, &t->id);
  return true;
}

static bool claim(ia_scheduler *s, ia_chain *c, const sch_task *t, ia_err *e)
{
  ia_u256 idx = ia_u256_of(t->idx);
  uint8_t word[32];
  ia_args args = {.id = {t->id}};
  ia_task_status now = IA_TASK_FAILED;
  ia_err why = {0};
  bool sent;

  if (t->initialized) {
    sent = transact(s, c, IA_CALL_CLAIM, &args, &why);
  } else {
    ia_u256_to_be(word, &idx);
    args.list[0] = (ia_words){t->deal.b, 1};
    args.list[1] = (ia_words){word, 1};
    sent = transact(s, c, IA_CALL_INITIALIZE_AND_CLAIM_ARRAY, &args, &why);
  }
  if (!sent && !settled_otherwise(s, c, t, &now, e))
    return false;
  ia_crash_point("scheduler-claimed");
  sch_lock(s);
  bool ok = true;
  /* the event brings the state; here only the next look is set */
  if (now == IA_TASK_FAILED || now == IA_TASK_COMPLETED) {
    ok = set_next_try(s, &t->id, ia_now() + IDLE_S, e);
  } else {
    ia_log(IA_LOG_WARN, "task.claim", "task=%s code=%s reason=\"%s\"", ia_h256_text(&t->id).s,
           ia_code_name(why.code), why.msg);
    ok = (now != IA_TASK_ACTIVE || set_initialized(s, &t->id, e)) &&
         set_next_try(s, &t->id, ia_now() + TX_PAUSE_S, e);
  }
  sch_unlock(s);
  return ok;
}

/* -- leases and deadlines; locked -- */

/* The worker's own settling transaction, when it had reported one. */
static bool reported_tx(ia_scheduler *s, const sch_task *t, ia_buf *raw, ia_err *e)
{
  IA_AUTO_JSON *parts = NULL;
  ia_stmt *st;
  bool row;

  ia_buf_clear(raw);
  if (!ia_db_stmt(&st, s->db,
                  "SELECT parts FROM attempts WHERE task_id = $1 AND fencing = $2"
                  " AND state = 'DONE'",
                  e))
    return false;
  ia_bind_h256(st, 1, &t->id);
  ia_bind_u64(st, 2, t->fencing);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return true;
  parts = ia_json_parse(ia_col_bytes(st, 0), IA_JSON_ANY, NULL);
  ia_stmt_reset(st);
  return ia_json_get_hex(parts, "tx", raw, e);
}

/* lost: it had settled, and a reorganisation took that. It is no try, and its worker has the
 * result. */
static bool lease_over(ia_scheduler *s, const sch_task *t, bool lost, ia_err *e)
{
  IA_AUTO(ia_tx) *tx = NULL;
  const char *text = lost ? "a reorganisation took the settlement out of the ledger"
                          : "the worker stopped answering";

  if (!ia_tx_begin(&tx, s->db, e) ||
      !sch_attempt_end(s, &t->id, t->fencing, "ABORTED_BY_WORKER", "TIMEOUT", text, e) ||
      !sch_task_set_cause(s, &t->id, "ABORTED_BY_WORKER", "TIMEOUT", text, e) ||
      !sch_task_retry(s, t, lost ? SCH_AGAIN_NOW : SCH_AGAIN_LATER, false, NULL, e) ||
      !ia_tx_commit(&tx, e))
    return false;
  ia_crash_point("scheduler-lease-over");
  ia_log(IA_LOG_WARN, "lease.over", "task=%s worker=%s", ia_h256_text(&t->id).s,
         ia_addr_lower(&t->worker).s);
  sch_changed(s, &t->id);
  return true;
}

/* The ledger did not say no: the same transaction once more, after a pause. */
static bool look_later(ia_scheduler *s, const ia_h256 *id, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db, "UPDATE tasks SET lease_expires = $2 WHERE task_id = $1", e))
    return false;
  ia_bind_h256(st, 1, id);
  ia_bind_u64(st, 2, ia_now() + IDLE_S);
  return ia_stmt_run(st, e);
}

/* Not locked: a lease has ended. What its worker had sent may only wait for a block. */
static bool expire(ia_scheduler *s, ia_chain *c, const sch_task *t, ia_err *e)
{
  IA_AUTOV(ia_buf) raw = {0};
  IA_AUTOV(ia_chain_receipt) receipt = {0};
  SCH_LOCKED *held = NULL;
  sch_task now;
  bool ok;

  sch_lock(s);
  ok = reported_tx(s, t, &raw, e);
  sch_unlock(s);
  if (!ok)
    return false;
  ia_err why = {0};
  if (raw.len > 0 && ia_chain_send_raw(c, &receipt, ia_buf_view(&raw), &why))
    return true; /* mined: the event follows */
  held = s;
  sch_lock(s);
  if (raw.len > 0 && sch_may_pass(&why))
    return look_later(s, &t->id, e);
  if (!sch_task_get(s, &now, &t->id, e))
    return false;
  if (now.state != SCH_RUNNING || now.fencing != t->fencing || now.lease_expires > ia_now())
    return true; /* a heartbeat came meanwhile */
  return lease_over(s, &now, raw.len > 0, e);
}

#define NO_RESULT "no result came before the contribution deadline"

/* What ended the task is the deadline; why there was no result is what the last attempt said. */
static bool deadline_cause(ia_scheduler *s, const sch_task *t, ia_err *e)
{
  IA_AUTO_JSON *rest = json_array();
  IA_AUTOV(ia_buf) text = {0};
  ia_stmt *st;

  if (t->cause[0] == '\0') {
    ia_buf_printf(&text, NO_RESULT "; ");
    if (t->state != SCH_INITIALIZED || !sch_nobody_takes_tasks(s, &text, rest))
      text.len -= 2;
    ia_buf_u8(&text, 0);
    return ia_buf_ok(&text, e) && sch_task_set_cause(s, &t->id, "CONTRIBUTION_TIMEOUT",
                                                     "DEADLINE_PASSED", (const char *)text.ptr, e);
  }
  if (strcmp(t->cause, SCH_GONE) == 0)
    return true;
  if (!ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET code = 'DEADLINE_PASSED', message = '" NO_RESULT
                  "; the last attempt failed: ' || message WHERE task_id = $1",
                  e))
    return false;
  ia_bind_h256(st, 1, &t->id);
  return ia_stmt_run(st, e);
}

static bool deadline_passed(ia_scheduler *s, const sch_task *t, ia_err *e)
{
  IA_AUTO(ia_tx) *tx = NULL;

  if (!ia_tx_begin(&tx, s->db, e) || !deadline_cause(s, t, e) ||
      !sch_attempt_end(s, &t->id, t->fencing, "CONTRIBUTION_TIMEOUT", "DEADLINE_PASSED", NO_RESULT,
                       e) ||
      !sch_task_set_state(s, &t->id, SCH_TIMEOUT, e) || !sch_receipt_make(s, &t->id, e) ||
      !ia_tx_commit(&tx, e))
    return false;
  ia_crash_point("scheduler-deadline");
  sch_changed(s, &t->id);
  return true;
}

/* -- one round -- */

typedef bool act_fn(ia_scheduler *s, ia_chain *c, const sch_task *t, ia_err *e);

static bool deadline_act(ia_scheduler *s, ia_chain *c, const sch_task *t, ia_err *e)
{
  SCH_LOCKED *held = s;
  sch_task now;

  (void)c;
  sch_lock(held);
  if (!sch_task_get(s, &now, &t->id, e))
    return false;
  /* its result may have been seen in the meantime */
  return now.state > SCH_RUNNING || deadline_passed(s, &now, e);
}

/* Deals that a rewrite took: the ledger knows no task of theirs. */
#define NOT_GONE " AND deal_id NOT IN (SELECT deal_id FROM deals WHERE gone = 1)"

/* $1 is the ledger's time, $2 ours. */
static const struct {
  const char *sql;
  act_fn *act;
} acts[] = {
    {"SELECT " SCH_TASK_COLUMNS " FROM tasks WHERE initialized = 0 AND state IN (0, 1, 2)"
     " AND contribution_deadline > $1 AND next_try <= $2" NOT_GONE " AND " SCH_SERVED
     " ORDER BY turn, seen_ms, idx LIMIT 1",
     initialize},
    {"SELECT " SCH_TASK_COLUMNS " FROM tasks WHERE state = 2 AND contribution_deadline > $1"
     " AND lease_expires <= $2 AND initialized = 1" NOT_GONE " LIMIT 1",
     expire},
    {"SELECT " SCH_TASK_COLUMNS " FROM tasks WHERE state IN (0, 1, 2)"
     " AND contribution_deadline <= $1 AND $2 > 0 LIMIT 1",
     deadline_act},
    {"SELECT " SCH_TASK_COLUMNS " FROM tasks WHERE state IN (4, 5) AND final_deadline <= $1"
     " AND next_try <= $2" NOT_GONE " LIMIT 1",
     claim},
};

/* Does one due thing; *did says whether there was one. */
static bool round_once(ia_scheduler *s, ia_chain *c, bool *did, ia_err *e)
{
  sch_task t;
  bool ok = true;

  *did = false;
  for (size_t i = 0; i < IA_COUNT(acts); i++) {
    sch_lock(s);
    ok = due_task(s, &t, did, acts[i].sql, e);
    sch_unlock(s);
    if (!ok || *did)
      return ok && acts[i].act(s, c, &t, e);
  }
  sch_lock(s);
  ok = sch_tasks_more(s, e);
  sch_unlock(s);
  return ok;
}

/* Locked: seconds until something is due by time alone. */
static uint64_t next_due(ia_scheduler *s, uint64_t orders_at)
{
  uint64_t now = ia_now(), best = IDLE_S, at = 0;
  ia_stmt *st;
  bool row = false;

  if (ia_db_stmt(&st, s->db,
                 "SELECT min(CASE WHEN state = 2 THEN lease_expires WHEN state = 0 OR next_try > $1"
                 " THEN next_try ELSE aside END) FROM tasks"
                 " WHERE state IN (0, 1, 2) AND (state <> 1 OR max(next_try, aside) > $1)",
                 NULL)) {
    ia_bind_u64(st, 1, now);
    if (ia_stmt_step(st, &row, NULL) && row && !ia_col_null(st, 0))
      at = ia_col_u64(st, 0);
    ia_stmt_reset(st);
  }
  if (at > now && at - now < best)
    best = at - now;
  if (at != 0 && at <= now)
    best = 1;
  if (orders_at > now && orders_at - now < best)
    best = orders_at - now;
  return best;
}

/* Locked: when the first pause of a free task ends, for others or for the worker that had it last;
 * 0: none has one. */
static uint64_t pause_end(ia_scheduler *s)
{
  uint64_t at = 0;
  ia_stmt *st;
  bool row = false;

  if (!ia_db_stmt(&st, s->db,
                  "SELECT min(CASE WHEN next_try > $1 THEN next_try ELSE aside END) FROM tasks"
                  " WHERE state = 1 AND max(next_try, aside) > $1",
                  NULL))
    return 0;
  ia_bind_u64(st, 1, ia_now());
  if (ia_stmt_step(st, &row, NULL) && row && !ia_col_null(st, 0))
    at = ia_col_u64(st, 0);
  ia_stmt_reset(st);
  return at;
}

static void wait_for_work(ia_scheduler *s, uint64_t orders_at)
{
  uint64_t paused;
  struct timespec until;
  bool late = false;

  sch_lock(s);
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)(s->ready ? next_due(s, orders_at) : 1);
  paused = pause_end(s);
  while (!s->due && !s->stop && !late)
    late = pthread_cond_timedwait(&s->wake, &s->lock, &until) == ETIMEDOUT;
  s->due = false;
  sch_unlock(s);
  /* whoever frees a task offers it himself: only the end of a pause is nobody's doing */
  if (late || (paused != 0 && ia_now() >= paused))
    sch_offer(s);
}

/* ia_scheduler_open may wait for this. */
static void orders_up(ia_scheduler *s)
{
  sch_lock(s);
  s->orders_up = true;
  pthread_cond_broadcast(&s->wake);
  sch_unlock(s);
}

/* Orders that were published before are on the market: whether they are still good is looked at
 * soon, but the market may have a long way to the ledger's head, and nobody need wait for that. */
static bool kept_orders_up(ia_scheduler *s, ia_err *e)
{
  bool all;

  if (!sch_pool_orders_kept(s, &all, e))
    return false;
  if (all)
    orders_up(s);
  return true;
}

/* Deals may have used up what is on the market: a quarter of an order's volume is worth a look. */
static bool orders_due(ia_scheduler *s, uint64_t orders_at)
{
  sch_lock(s);
  bool due = ia_now() >= orders_at || (s->sold > 0 && s->sold >= s->order_volume / 4);
  if (due)
    s->sold = 0;
  sch_unlock(s);
  return due;
}

static bool act(ia_scheduler *s, ia_err *e)
{
  IA_AUTO(ia_chain) *c = NULL;
  uint64_t orders_at = 0, again = 0;

  if (!sch_connect(s, &c, e) || !kept_orders_up(s, e))
    return false;
  while (!s->stop) {
    bool did = false;
    ia_err why = {0};

    if (!round_once(s, c, &did, e))
      return false;
    if (did)
      continue;
    if (!ia_chain_tend(c, &(ia_chain_account_key){s->wallet->secp, &s->wallet->key}, NULL, &why))
      ia_log(IA_LOG_WARN, "scheduler.tend", "code=%s reason=\"%s\"", ia_code_name(why.code),
             why.msg);
    if (orders_due(s, orders_at)) {
      again = IDLE_S;
      if (!sch_pool_orders(s, c, &again, &why))
        ia_log(IA_LOG_WARN, "pool.orders", "code=%s reason=\"%s\"", ia_code_name(why.code),
               why.msg);
      else
        orders_up(s);
      orders_at = ia_now() + again;
    }
    wait_for_work(s, orders_at);
  }
  return true;
}

void sch_actor_job(void *ctx)
{
  ia_scheduler *s = ctx;

  while (!s->stop) {
    ia_err why = {0};

    if (act(s, &why) || s->stop)
      continue;
    if (why.code != IA_E_UNAVAILABLE)
      ia_log(IA_LOG_WARN, "scheduler.act", "code=%s reason=\"%s\"", ia_code_name(why.code),
             why.msg);
    wait_for_work(s, 0);
  }
}
