/* What requesters ask: the state of a task, its receipt, its logs; iExec's fields and ours. */
#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "receipt/run.h"
#include "service/scheduler/internal.h"

struct sch_waiter {
  sch_waiter *next;
  ia_scheduler *s;
  ia_request *rq; /* NULL: it was answered while a look was under way */
  ia_h256 task;
  char state[48];
  uint64_t until_ms;
  bool busy, again;
  /* what the look found */
  json_t *answer;
  int64_t attempts; /* that the client knows of; -1: it does not say */
  bool differs;
  ia_err err;
};

bool sch_task_of(ia_request *rq, ia_h256 *task, ia_err *e)
{
  return ia_h256_parse(task, ia_request_param(rq, "id")) ||
         ia_fail(e, IA_E_INVALID, "a task id is 0x and 64 hex digits");
}

/* -- the object -- */

static json_t *history_json(ia_scheduler *s, const ia_h256 *id, ia_err *e)
{
  IA_AUTO_JSON *list = json_array();
  ia_stmt *st;
  bool row;

  if (!ia_db_stmt(&st, s->db, "SELECT at_ms, state FROM history WHERE task_id = $1 ORDER BY rowid",
                  e))
    return NULL;
  ia_bind_h256(st, 1, id);
  for (;;) {
    if (!ia_stmt_step(st, &row, e))
      return NULL;
    if (!row)
      return json_incref(list);
    json_array_append_new(list, json_pack("{s:s, s:s}", "date", ia_rfc3339_ms(ia_col_u64(st, 0)).s,
                                          "status", sch_state_name((sch_state)ia_col_i64(st, 1))));
  }
}

/* What the SMS refused of a slice, out of its record. */
static json_t *refused_of(const json_t *parts)
{
  const char *text =
      json_string_value(json_object_get(json_object_get(parts, "release"), "record"));
  IA_AUTO_JSON *record = text ? ia_json_parse(ia_span_str(text), 0, NULL) : NULL;

  return json_incref(json_object_get(record, "refused"));
}

/* What the enclave could not use of a slice, out of its statement: [{"index","dataset","code"}].
 * NULL when there is no such thing. */
static json_t *failed_of(const json_t *parts)
{
  const json_t *envelope = json_object_get(json_object_get(parts, "run"), "run");
  IA_AUTOV(ia_run) run = {0};
  json_t *list = NULL;
  ia_addr signer;

  if (!json_is_object(envelope) || !ia_run_open(&run, &signer, envelope, NULL))
    return NULL;
  for (size_t i = 0; i < run.n_failed; i++) {
    list = list ? list : json_array();
    json_array_append_new(
        list, json_pack("{s:I, s:o, s:s}", "index", (json_int_t)run.failed[i].index, "dataset",
                        ia_json_addr(&run.failed[i].dataset), "code", run.failed[i].code));
  }
  return list;
}

/* What the attempts left for people: of each member the last one's. */
typedef struct words_told {
  json_t *timeline, *refused, *failed;
} words_told;

static void words_told_free(words_told *t)
{
  json_decref(t->timeline);
  json_decref(t->refused);
  json_decref(t->failed);
}
IA_DEFINE_AUTO_VALUE(words_told, words_told_free)

static void replace(json_t **member, json_t *with)
{
  if (!with)
    return;
  json_decref(*member);
  *member = with;
}

/* A worker's own words of one attempt: exit code and times, out of what it handed in. */
static void attempt_parts(ia_stmt *st, json_t **exit_code, words_told *t)
{
  IA_AUTO_JSON *parts = NULL;

  if (!ia_col_null(st, 8))
    parts = ia_json_parse(ia_col_bytes(st, 8), IA_JSON_ANY, NULL);
  *exit_code = json_incref(json_object_get(json_object_get(parts, "run"), "exitCode"));
  replace(&t->refused, refused_of(parts));
  replace(&t->failed, failed_of(parts));
  if (json_is_object(json_object_get(parts, "timeline")))
    replace(&t->timeline, json_incref(json_object_get(parts, "timeline")));
}

static bool attempts_json(ia_scheduler *s, const ia_h256 *id, json_t *ours, json_t *replicates,
                          words_told *told, ia_err *e)
{
  ia_stmt *st;
  bool row;

  if (!ia_db_stmt(&st, s->db,
                  "SELECT fencing, worker, state, started_ms, ended_ms, cause, code, message, parts"
                  " FROM attempts WHERE task_id = $1 ORDER BY fencing",
                  e))
    return false;
  ia_bind_h256(st, 1, id);
  for (;;) {
    json_t *exit_code = NULL;
    ia_addr worker;

    if (!ia_stmt_step(st, &row, e))
      return false;
    if (!row)
      return true;
    if (!ia_col_addr(st, 1, &worker, e))
      return false;
    attempt_parts(st, &exit_code, told);
    json_array_append_new(ours,
                          json_pack("{s:I, s:o, s:s, s:I, s:I, s:s, s:s, s:s}", "fencing",
                                    ia_col_i64(st, 0), "worker", ia_json_addr(&worker), "state",
                                    ia_col_text(st, 2), "startedMs", ia_col_i64(st, 3), "endedMs",
                                    ia_col_i64(st, 4), "cause", ia_col_text(st, 5), "code",
                                    ia_col_text(st, 6), "message", ia_col_text(st, 7)));
    sch_replicate r = {worker, ia_col_text(st, 2), ia_col_text(st, 5), ia_col_u64(st, 3),
                       ia_col_u64(st, 4)};
    json_array_append_new(replicates, sch_replicate_json(&r, exit_code));
  }
}

/* Columns beyond sch_task. */
static bool extra_json(ia_scheduler *s, const ia_h256 *id, json_t *iapp, json_t *timeline,
                       ia_err *e)
{
  static const char *const times[] = {"seenMs", "leasedMs", "settledMs"};
  IA_AUTO_JSON *results = NULL;
  ia_stmt *st;
  bool row;

  if (!ia_db_stmt(&st, s->db,
                  "SELECT seen_ms, leased_ms, settled_ms, code, message, results, receipt IS NOT"
                  " NULL FROM tasks WHERE task_id = $1",
                  e))
    return false;
  ia_bind_h256(st, 1, id);
  if (!ia_stmt_step(st, &row, e))
    return false;
  for (int i = 0; row && i < 3; i++) {
    if (ia_col_i64(st, i) != 0)
      json_object_set_new(timeline, times[i], json_integer(ia_col_i64(st, i)));
  }
  if (row) {
    json_object_set_new(iapp, "code", json_string(ia_col_text(st, 3)));
    json_object_set_new(iapp, "message", json_string(ia_col_text(st, 4)));
    results = ia_json_parse(ia_col_bytes(st, 5), 0, NULL);
    json_object_set_new(iapp, "result", results ? json_incref(results) : json_null());
    json_object_set_new(iapp, "receipt", json_boolean(ia_col_i64(st, 6)));
    ia_stmt_reset(st);
  }
  return true;
}

json_t *sch_task_json(ia_scheduler *s, const ia_h256 *id, ia_err *e)
{
  IA_AUTO_JSON *attempts = json_array();
  IA_AUTO_JSON *replicates = json_array();
  IA_AUTOV(words_told) told = {.timeline = json_object()};
  IA_AUTO_JSON *iapp = NULL;
  IA_AUTO_JSON *history = NULL;
  sch_task t;

  if (!sch_task_get(s, &t, id, e) || !attempts_json(s, id, attempts, replicates, &told, e))
    return NULL;
  history = history_json(s, id, e);
  if (!history)
    return NULL;
  iapp = json_pack("{s:s, s:s, s:O, s:o, s:I, s:I, s:b}", "state", sch_state_name(t.state), "cause",
                   t.cause, "attempts", attempts, "dealId", ia_json_h256(&t.deal), "deadline",
                   (json_int_t)t.contribution_deadline, "finalDeadline",
                   (json_int_t)t.final_deadline, "claimable",
                   t.state != SCH_COMPLETED && t.state != SCH_FAILED &&
                       sch_ledger_now(s) >= t.final_deadline);
  if (!iapp || !extra_json(s, id, iapp, told.timeline, e) || !sch_waits_json(s, &t, iapp, e))
    return NULL;
  json_object_set(iapp, "timeline", told.timeline);
  if (told.refused)
    json_object_set(iapp, "refused", told.refused);
  if (told.failed)
    json_object_set(iapp, "failed", told.failed);
  return json_pack("{s:o, s:o, s:I, s:s, s:O, s:O, s:O}", "chainTaskId", ia_json_h256(id),
                   "chainDealId", ia_json_h256(&t.deal), "taskIndex", (json_int_t)t.idx,
                   "currentStatus", sch_state_name(t.state), "dateStatusList", history,
                   "replicates", replicates, "iapp", iapp);
}

/* -- routes -- */

static bool task_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  SCH_LOCKED *s = ctx;
  IA_AUTO_JSON *v = NULL;
  ia_h256 id;

  sch_lock(s);
  if (!sch_task_of(rq, &id, e))
    return false;
  v = sch_task_json(s, &id, e);
  return v && ia_reply_json(rp, 200, v, e);
}

static bool receipt_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  SCH_LOCKED *s = ctx;
  ia_h256 id;
  ia_stmt *st;
  bool row;

  sch_lock(s);
  if (!sch_task_of(rq, &id, e) ||
      !ia_db_stmt(&st, s->db, "SELECT receipt FROM tasks WHERE task_id = $1", e))
    return false;
  ia_bind_h256(st, 1, &id);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (row && !ia_col_null(st, 0)) {
    ia_reply_type(rp, "application/json");
    ia_buf_span(ia_reply_body(rp), ia_col_bytes(st, 0));
    ia_stmt_reset(st);
    return true;
  }
  if (row)
    ia_stmt_reset(st);
  ia_fail(e, IA_E_NOT_FOUND, "there is no receipt of this task yet");
  return ia_hint(e, "a receipt comes when the task has ended");
}

/* -- waiting; the loop's thread, but for look -- */

static size_t n_attempts(const json_t *answer)
{
  return json_array_size(json_object_get(json_object_get(answer, "iapp"), "attempts"));
}

static void look(void *ctx)
{
  sch_waiter *w = ctx;
  SCH_LOCKED *s = w->s;

  sch_lock(s);
  json_decref(w->answer);
  w->err = (ia_err){0};
  w->answer = sch_task_json(s, &w->task, &w->err);
  w->differs = w->answer && (strcmp(json_string_value(json_object_get(w->answer, "currentStatus")),
                                    w->state) != 0 ||
                             (w->attempts >= 0 && n_attempts(w->answer) != (size_t)w->attempts));
}

static void waiter_free(sch_waiter *w)
{
  sch_waiter **at = &w->s->waiters;

  while (*at && *at != w)
    at = &(*at)->next;
  if (*at)
    *at = w->next;
  json_decref(w->answer);
  free(w);
}

static void waiter_answer(sch_waiter *w)
{
  ia_err why = w->err;
  bool ok = w->answer && ia_reply_json(ia_request_reply(w->rq), 200, w->answer, &why);

  ia_request_finish(w->rq, ok ? NULL : &why);
  w->rq = NULL;
}

static void look_start(sch_waiter *w);

static void looked(void *ctx, bool ran)
{
  sch_waiter *w = ctx;
  bool over = ia_mono_ms() >= w->until_ms || w->s->stop;

  w->busy = false;
  w->s->running--;
  if (!ran)
    (void)ia_fail(&w->err, IA_E_UNAVAILABLE, "the scheduler stops");
  if (w->rq && (w->differs || over || !ran || (!w->answer && w->err.code != IA_E_NOT_FOUND)))
    waiter_answer(w);
  if (!w->rq)
    waiter_free(w);
  else if (w->again)
    look_start(w);
}

static void look_start(sch_waiter *w)
{
  w->again = w->busy;
  if (w->busy)
    return;
  w->busy = true;
  w->s->waiter_looks++;
  w->s->running++;
  if (!ia_loop_job(w->s->loop, IA_POOL_JOBS, look, looked, w, NULL))
    looked(w, false);
}

/* The server closes. */
static void waiter_closed(void *ctx, ia_request *rq)
{
  sch_waiter *w = ctx;
  ia_err why = {0};

  (void)ia_fail(&why, IA_E_UNAVAILABLE, "the scheduler stops");
  ia_request_finish(rq, &why);
  w->rq = NULL;
  if (!w->busy)
    waiter_free(w);
}

/* ?attempts=N: a try that began and failed since is news too. */
static int64_t attempts_of(const ia_request *rq)
{
  int64_t n = 0;
  ia_span text;

  if (!ia_request_query(rq, "attempts", &text) || text.len == 0 || text.len > 9)
    return -1;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9')
      return -1;
    n = n * 10 + (text.ptr[i] - '0');
  }
  return n;
}

static bool wait_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_scheduler *s = ctx;
  ia_span state;
  sch_waiter *w;
  ia_h256 id;

  (void)rp;
  if (!sch_task_of(rq, &id, e))
    return false;
  if (!ia_request_query(rq, "state", &state) || state.len >= sizeof(w->state))
    return ia_fail(e, IA_E_INVALID, "wait: want ?state=NAME");
  w = calloc(1, sizeof(*w));
  if (!w)
    return ia_fail(e, IA_E_MEMORY, "scheduler: out of memory");
  *w = (sch_waiter){.s = s,
                    .rq = rq,
                    .task = id,
                    .attempts = attempts_of(rq),
                    .until_ms = ia_mono_ms() + SCH_POLL_MS};
  if (state.len > 0)
    memcpy(w->state, state.ptr, state.len);
  if (!ia_request_hold(rq, 0, waiter_closed, w, e)) {
    free(w);
    return false;
  }
  w->next = s->waiters;
  s->waiters = w;
  sch_tick_later(s);
  look_start(w);
  return true;
}

void sch_waiters_changed(ia_scheduler *s, const ia_h256 *task)
{
  for (sch_waiter *w = s->waiters, *next; w; w = next) {
    next = w->next;
    if (!task || ia_h256_eq(&w->task, task))
      look_start(w);
  }
}

void sch_waiters_tick(ia_scheduler *s, uint64_t now_ms)
{
  for (sch_waiter *w = s->waiters, *next; w; w = next) {
    next = w->next;
    if (w->until_ms <= now_ms)
      look_start(w);
  }
}

void sch_waiters_end(ia_scheduler *s)
{
  for (sch_waiter *w = s->waiters, *next; w; w = next) {
    next = w->next;
    if (w->rq)
      waiter_closed(w, w->rq);
  }
}

const ia_route sch_client_rows[] = {
    {"GET", "/tasks/logs/challenge", IA_ROUTE_INLINE, 0, false, sch_logs_challenge, IA_MARK_PUBLIC},
    {"GET", "/tasks/:id", IA_ROUTE_JOB, 0, false, task_get, IA_MARK_PUBLIC},
    {"GET", "/tasks/:id/receipt", IA_ROUTE_JOB, 0, false, receipt_get, IA_MARK_PUBLIC},
    {"GET", "/tasks/:id/logs", IA_ROUTE_JOB, 0, false, sch_logs, IA_MARK_PRIVATE},
    {"GET", "/tasks/:id/replicates/:worker", IA_ROUTE_JOB, 0, false, sch_replicate_get,
     IA_MARK_PUBLIC},
    {"GET", "/tasks/:id/replicates/:worker/logs", IA_ROUTE_JOB, 0, false, sch_logs,
     IA_MARK_PRIVATE},
    {"GET", "/pool", IA_ROUTE_INLINE, 0, false, sch_pool_get, IA_MARK_PUBLIC},
    {"GET", "/workers", IA_ROUTE_JOB, 0, false, sch_workers_get, IA_MARK_PUBLIC},
    {"GET", "/version", IA_ROUTE_INLINE, 0, false, sch_version_get, IA_MARK_PUBLIC},
    {"GET", "/tasks/:id/wait", IA_ROUTE_INLINE, 0, false, wait_get, IA_MARK_PUBLIC},
};
const size_t sch_n_client_rows = IA_COUNT(sch_client_rows);
