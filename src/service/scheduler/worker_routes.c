/* What workers ask (docs/protocol.md 3). */
#include "base/causes.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/hex.h"
#include "base/log.h"
#include "service/scheduler/internal.h"

enum { SMALL_BODY = 16 << 10, DONE_BODY = 4 << 20 };

static bool holds(const json_t *held, const ia_h256 *id)
{
  json_t *v;
  size_t i;

  json_array_foreach (held, i, v) {
    ia_h256 one;

    if (json_is_string(v) && ia_h256_parse(&one, ia_span_str(json_string_value(v))) &&
        ia_h256_eq(&one, id))
      return true;
  }
  return false;
}

/* The worker's next lease by task id. What was reported as done may only wait for a block. */
static bool next_lease(ia_scheduler *s, sch_task *t, bool *found, const ia_addr *worker,
                       const ia_h256 *after, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "SELECT " SCH_TASK_COLUMNS " FROM tasks t WHERE state = 2 AND worker = $1"
                  " AND task_id > $2 AND NOT EXISTS (SELECT 1 FROM attempts a WHERE"
                  " a.task_id = t.task_id AND a.fencing = t.fencing AND a.state = 'DONE')"
                  " ORDER BY task_id LIMIT 1",
                  e))
    return false;
  ia_bind_addr(st, 1, worker);
  ia_bind_h256(st, 2, after);
  if (!ia_stmt_step(st, found, e))
    return false;
  if (!*found)
    return true;
  *found = sch_task_row(t, st, e);
  ia_stmt_reset(st);
  return *found;
}

/* A process that ended without a word. */
static bool lost_with_process(ia_scheduler *s, const sch_task *t, ia_err *e)
{
  static const char text[] = "the worker's process ended and was started again";

  return sch_attempt_end(s, &t->id, t->fencing, "ABORTED_BY_WORKER", "UNAVAILABLE", text, e) &&
         sch_task_set_cause(s, &t->id, "ABORTED_BY_WORKER", "UNAVAILABLE", text, e) &&
         sch_task_retry(s, t, SCH_AGAIN_LATER, false, NULL, e);
}

/* Leases that the worker does not have: its process is a new one, or our answer never reached it.
 * held: the tasks it has, NULL when it does not say. */
static bool release_lost(ia_scheduler *s, const ia_addr *worker, bool anew, const json_t *held,
                         ia_err *e)
{
  sch_task t = {0};

  for (bool found = true; anew || held;) {
    IA_AUTO(ia_tx) *tx = NULL;
    ia_h256 after = t.id;

    if (!next_lease(s, &t, &found, worker, &after, e))
      return false;
    if (!found)
      break;
    if (holds(held, &t.id))
      continue; /* also a new process settles what the one before it finished */
    if (!ia_tx_begin(&tx, s->db, e) ||
        !(anew ? lost_with_process(s, &t, e)
               : sch_lease_returned(s, &t, "the lease never reached the worker", e)) ||
        !ia_tx_commit(&tx, e))
      return false;
  }
  return true;
}

static json_t *hello_json(ia_scheduler *s)
{
  return json_pack("{s:o, s:I, s:o, s:s, s:s, s:o, s:s, s:I}", "pool", ia_json_addr(&s->pool),
                   "chainId", (json_int_t)s->chain_id, "hub", ia_json_addr(&s->hub), "rpcUrl",
                   s->worker_rpc, "smsUrl", s->worker_sms, "smsKey", ia_json_h256(&s->sms_key),
                   "ipfsUrl", s->worker_ipfs, "leaseSeconds", (json_int_t)s->lease_seconds);
}

static bool hello(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_scheduler *s = ctx;
  SCH_LOCKED *held = NULL;
  IA_AUTO_JSON *body = NULL;
  IA_AUTO_JSON *answer = NULL;
  const char *tee, *domain;
  ia_addr worker;
  bool anew;

  if (!sch_auth(s, rq, &worker, e))
    return false;
  body = ia_request_json(rq, e);
  if (!body || !ia_json_get_str(body, "tee", &tee, e) ||
      !ia_json_get_str(body, "domain", &domain, e))
    return false;
  if (strcmp(tee, s->tee) != 0 || strcmp(domain, ia_domain_name(s->domain)) != 0)
    return ia_fail(e, IA_E_DOMAIN_MISMATCH, "this pool runs %s tasks of the %s domain", s->tee,
                   ia_domain_name(s->domain));
  if (!sch_offers_put(s, &worker, body, e) || !sch_worker_says(s, &worker, body, e))
    return false;
  anew = sch_booted(s, &worker, json_string_value(json_object_get(body, "boot")));
  held = s;
  sch_lock(s);
  if (!s->ready || !s->has_sms)
    return ia_fail(e, IA_E_UNAVAILABLE, "the scheduler waits for its ledger and its SMS");
  if (!sch_auth_keep(s, &worker, e) ||
      !release_lost(s, &worker, anew, json_object_get(body, "tasks"), e))
    return false;
  answer = hello_json(s);
  ia_crash_point("scheduler-hello-reply");
  ia_log(IA_LOG_INFO, "worker.hello", "worker=%s takes_tasks=%d", ia_addr_lower(&worker).s,
         sch_takes_tasks(s, &worker));
  return ia_reply_json(rp, 200, answer, e);
}

static bool poll(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_scheduler *s = ctx;
  IA_AUTO_JSON *body = NULL;
  uint64_t free_slots;
  ia_addr worker;

  if (!sch_auth(s, rq, &worker, e))
    return false;
  body = ia_request_json(rq, e);
  if (!body || !ia_json_get_u64(body, "free", &free_slots, e) ||
      !sch_worker_says(s, &worker, body, e))
    return false;
  if (free_slots == 0) { /* it only says how it is */
    sch_poll_drop(s, &worker);
    ia_reply_status(rp, 204);
    return true;
  }
  return sch_poll_hold(s, rq, &worker, e);
}

/* taskId and fencing of a body. */
static bool lease_of(const json_t *body, ia_h256 *task, uint64_t *fencing, ia_err *e)
{
  return ia_json_get_h256(body, "taskId", task, e) && ia_json_get_u64(body, "fencing", fencing, e);
}

/* A result that is finished waits for its worker longer than a run does. */
static uint64_t patience(ia_scheduler *s, const sch_task *t, const char *state)
{
  uint64_t now = sch_ledger_now(s), left = t->contribution_deadline - now;

  if (strcmp(state, "SETTLE") != 0 || t->contribution_deadline <= now)
    return 0;
  return left / 4 < SCH_SETTLE_S ? left / 4 : SCH_SETTLE_S;
}

/* Why the task does not get on. That its deal is gone says more. */
static bool keep_why(ia_scheduler *s, const sch_task *t, const json_t *body, ia_err *e)
{
  const json_t *why = json_object_get(body, "why");
  const char *cause, *code, *said;
  char message[SCH_MESSAGE];

  if (!json_is_object(why) || strcmp(t->cause, SCH_GONE) == 0)
    return true;
  if (!ia_json_get_str(why, "cause", &cause, e) || !ia_json_get_str(why, "code", &code, e) ||
      !ia_json_get_str(why, "message", &said, e) || !ia_cause_check(cause, e))
    return false;
  if (strcmp(code, ia_code_name(ia_code_from_name(code))) != 0)
    return ia_fail(e, IA_E_INVALID, "unknown code \"%.60s\"", code);
  sch_clean(message, sizeof(message), said);
  sch_changed(s, &t->id);
  return sch_task_set_cause(s, &t->id, cause, code, message, e);
}

static bool beat_rows(ia_scheduler *s, const ia_lease *l, const sch_task *t, const json_t *body,
                      ia_err *e)
{
  const char *state = json_string_value(json_object_get(body, "state"));
  IA_AUTO(ia_tx) *tx = NULL;
  ia_stmt *st;

  if (!ia_tx_begin(&tx, s->db, e) ||
      !ia_db_stmt(&st, s->db, "UPDATE tasks SET lease_expires = $2 WHERE task_id = $1", e))
    return false;
  ia_bind_h256(st, 1, &l->task_id);
  ia_bind_u64(st, 2, l->expires + patience(s, t, state));
  if (!ia_stmt_run(st, e) ||
      !ia_db_stmt(
          &st, s->db,
          "UPDATE attempts SET state = $3, ended_ms = 0, cause = '', code = '', message = ''"
          " WHERE task_id = $1 AND fencing = $2 AND state <> 'DONE'",
          e))
    return false;
  ia_bind_h256(st, 1, &l->task_id);
  ia_bind_u64(st, 2, l->fencing);
  ia_bind_text(st, 3, state);
  return ia_stmt_run(st, e) && keep_why(s, t, body, e) &&
         (t->state == SCH_RUNNING || sch_task_set_state(s, &t->id, SCH_RUNNING, e)) &&
         sch_auth_keep(s, &l->worker, e) && ia_tx_commit(&tx, e);
}

/* The lease is in force; or it ended while its worker, with a finished result, was not heard of,
 * and nobody has another. */
static bool is_held(const sch_task *t, uint64_t fencing, const ia_addr *worker, const char *state)
{
  return (t->state == SCH_RUNNING ||
          (t->state == SCH_INITIALIZED && strcmp(state, "SETTLE") == 0)) &&
         t->fencing == fencing && ia_addr_eq(&t->worker, worker);
}

static bool known_state(const char *state)
{
  static const char *const names[] = {"IMAGE", "ATTEST", "INPUTS", "RUNNING", "RESULT", "SETTLE"};

  for (size_t i = 0; i < IA_COUNT(names); i++) {
    if (strcmp(names[i], state) == 0)
      return true;
  }
  return false;
}

static bool heartbeat(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_scheduler *s = ctx;
  SCH_LOCKED *held = NULL;
  IA_AUTO_JSON *body = NULL;
  IA_AUTO_JSON *answer = NULL;
  const char *state;
  uint64_t fencing;
  ia_addr worker;
  sch_task t;
  ia_h256 id;
  ia_lease l;

  if (!sch_auth(s, rq, &worker, e))
    return false;
  body = ia_request_json(rq, e);
  if (!body || !lease_of(body, &id, &fencing, e) || !ia_json_get_str(body, "state", &state, e))
    return false;
  if (!known_state(state))
    return ia_fail(e, IA_E_INVALID, "heartbeat: unknown state");
  held = s;
  sch_lock(s);
  if (!sch_task_get(s, &t, &id, e))
    return false;
  /* fenced off, over, or too late: no fresh lease */
  if (!is_held(&t, fencing, &worker, state) || sch_ledger_now(s) >= t.contribution_deadline) {
    answer = json_pack("{s:n, s:b}", "lease", "stop", 1);
  } else {
    if (!sch_lease_sign(s, &l, &id, &worker, fencing, e) || !beat_rows(s, &l, &t, body, e))
      return false;
    answer = json_pack("{s:o, s:b, s:I}", "lease", sch_lease_json(&l), "stop", 0, "deadline",
                       (json_int_t)t.contribution_deadline);
    ia_crash_point("scheduler-heartbeat-reply");
  }
  return ia_reply_json(rp, 200, answer, e);
}

static bool authorize(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *body = NULL;
  IA_AUTO_JSON *answer = NULL;
  ia_addr worker;

  if (!sch_auth(ctx, rq, &worker, e))
    return false;
  body = ia_request_json(rq, e);
  if (!body || !sch_authorize(ctx, &worker, body, &answer, e))
    return false;
  ia_crash_point("scheduler-authorize-reply");
  return ia_reply_json(rp, 200, answer, e);
}

/* A worker that is shut down returns what it cannot finish. */
static bool returned(ia_scheduler *s, const ia_addr *worker, const json_t *body, ia_err *e)
{
  SCH_LOCKED *held = s;
  IA_AUTO(ia_tx) *tx = NULL;
  char reason[SCH_MESSAGE];
  const char *text;
  uint64_t fencing;
  sch_task t;
  ia_h256 id;

  if (!lease_of(body, &id, &fencing, e) || !ia_json_get_str(body, "reason", &text, e))
    return false;
  sch_clean(reason, sizeof(reason), text);
  sch_lock(held);
  if (!sch_task_get(s, &t, &id, e))
    return false;
  if (t.state != SCH_RUNNING || t.fencing != fencing || !ia_addr_eq(&t.worker, worker))
    return ia_fail(e, IA_E_LEASE_FENCED, "the lease is not in force");
  if (!ia_tx_begin(&tx, s->db, e) || !sch_lease_returned(s, &t, reason, e) ||
      !sch_auth_keep(s, worker, e) || !ia_tx_commit(&tx, e))
    return false;
  ia_log(IA_LOG_INFO, "lease.returned", "task=%s worker=%s reason=\"%s\"", ia_h256_text(&id).s,
         ia_addr_lower(worker).s, reason);
  sch_offer(s);
  sch_changed(s, &id);
  return true;
}

typedef bool report_fn(ia_scheduler *s, const ia_addr *worker, const json_t *body, ia_err *e);

static bool report(ia_scheduler *s, ia_request *rq, ia_reply *rp, report_fn *fn, ia_err *e)
{
  IA_AUTO_JSON *body = NULL;
  IA_AUTO_JSON *answer = json_object();
  ia_addr worker;

  if (!sch_auth(s, rq, &worker, e))
    return false;
  body = ia_request_json(rq, e);
  if (!body || !fn(s, &worker, body, e))
    return false;
  ia_crash_point("scheduler-report-reply");
  return ia_reply_json(rp, 200, answer, e);
}

static bool done(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  return report(ctx, rq, rp, sch_done, e);
}

static bool failed(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  return report(ctx, rq, rp, sch_failed, e);
}

static bool give_up(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  return report(ctx, rq, rp, returned, e);
}

const ia_route sch_worker_rows[] = {
    {"POST", "/worker/v1/hello", IA_ROUTE_JOB, SMALL_BODY, false, hello, IA_MARK_COSTLY},
    {"POST", "/worker/v1/poll", IA_ROUTE_INLINE, SMALL_BODY, false, poll, IA_MARK_COSTLY},
    {"POST", "/worker/v1/heartbeat", IA_ROUTE_JOB, SMALL_BODY, false, heartbeat, IA_MARK_COSTLY},
    {"POST", "/worker/v1/authorize", IA_ROUTE_JOB, SMALL_BODY, false, authorize, IA_MARK_COSTLY},
    {"POST", "/worker/v1/done", IA_ROUTE_JOB, DONE_BODY, false, done, IA_MARK_COSTLY},
    {"POST", "/worker/v1/failed", IA_ROUTE_JOB, DONE_BODY, false, failed, IA_MARK_COSTLY},
    {"POST", "/worker/v1/return", IA_ROUTE_JOB, SMALL_BODY, false, give_up, IA_MARK_COSTLY},
};
const size_t sch_n_worker_rows = IA_COUNT(sch_worker_rows);
