/* Leases: which worker does which task. Polls wait on the loop's thread; a job, one at a time,
 * chooses under the lock and makes every lease durable before anybody hears of it. */
#include "base/clock.h"
#include "base/crash.h"
#include "base/hex.h"
#include "base/log.h"
#include "crypto/sha.h"
#include "eth/eip191.h"
#include "service/scheduler/internal.h"
#include "tee/descriptor.h"

struct sch_poll {
  sch_poll *next;
  ia_scheduler *s;
  ia_request *rq;
  ia_addr worker;
  uint64_t until_ms;
  bool taken; /* an assignment is under way for it */
  bool heard; /* its counter is in the store */
};

enum { ASSIGN_MAX = 32 };

typedef struct offer {
  ia_addr worker;
  bool heard;
  json_t *answer; /* what it gets; NULL: nothing */
  sch_task task;
} offer;

typedef struct assignment {
  ia_scheduler *s;
  offer offers[ASSIGN_MAX];
  size_t n;
} assignment;

json_t *sch_lease_json(const ia_lease *l)
{
  return json_pack("{s:o, s:o, s:I, s:I, s:o}", "taskId", ia_json_h256(&l->task_id), "worker",
                   ia_json_addr(&l->worker), "fencing", (json_int_t)l->fencing, "expires",
                   (json_int_t)l->expires, "sig", ia_json_hex(IA_SPAN_ARR(l->sig)));
}

bool sch_lease_sign(ia_scheduler *s, ia_lease *out, const ia_h256 *task, const ia_addr *worker,
                    uint64_t fencing, ia_err *e)
{
  ia_h256 h;
  ia_sig sig;

  *out = (ia_lease){.task_id = *task,
                    .worker = *worker,
                    .fencing = fencing,
                    .expires = ia_now() + s->lease_seconds};
  if (!ia_lease_hash(&h, s->domain, out, e) ||
      !ia_eip191_sign(s->wallet->secp, &sig, IA_SPAN_ARR(h.b), &s->wallet->key, e))
    return false;
  memcpy(out->sig, sig.b, sizeof(out->sig));
  return true;
}

/* -- what a worker is told -- */

typedef struct deal_row {
  ia_addr requester, app, dataset;
  ia_h256 app_digest, request_hash;
  uint64_t timeref, memory;
  json_t *image, *inputs, *reads;
} deal_row;

static json_t *col_json(ia_stmt *st, int i)
{
  return ia_col_null(st, i) ? NULL : ia_json_parse(ia_col_bytes(st, i), IA_JSON_ANY, NULL);
}

static bool deal_row_get(ia_scheduler *s, deal_row *d, const ia_h256 *deal, ia_err *e)
{
  ia_stmt *st;
  bool row, ok;

  if (!ia_db_stmt(
          &st, s->db,
          "SELECT requester, app, dataset, app_digest, request_hash, timeref, image, inputs,"
          " memory, reads"
          " FROM deals WHERE deal_id = $1",
          e))
    return false;
  ia_bind_h256(st, 1, deal);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return ia_fail(e, IA_E_CORRUPT, "scheduler: a task without its deal");
  ok = ia_col_addr(st, 0, &d->requester, e) && ia_col_addr(st, 1, &d->app, e) &&
       ia_col_addr(st, 2, &d->dataset, e) && ia_col_h256(st, 3, &d->app_digest, e) &&
       ia_col_h256(st, 4, &d->request_hash, e);
  d->timeref = ia_col_u64(st, 5);
  d->image = col_json(st, 6);
  d->inputs = col_json(st, 7);
  d->memory = ia_col_u64(st, 8);
  d->reads = col_json(st, 9);
  ia_stmt_reset(st);
  return ok;
}

static json_t *hints_json(ia_scheduler *s, const sch_task *t, const deal_row *d)
{
  const json_t *inputs = d->inputs;
  ia_h256 none, rules;
  char idx[24];

  (void)snprintf(idx, sizeof(idx), "%llu", (unsigned long long)t->idx);
  if (json_is_object(inputs))
    inputs = json_object_get(inputs, idx);

  ia_sha256(&none, ia_span_of(NULL, 0));
  ia_sha256(&rules, ia_span_str(IA_RULES_NONE));
  return json_pack(
      "{s:i, s:s, s:s, s:s, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
      " s:o}",
      "v", 1, "tee", s->tee, "domain", ia_domain_name(s->domain), "stage", IA_STAGE_APP, "chainId",
      (json_int_t)s->chain_id, "hub", ia_json_addr(&s->hub), "dealId", ia_json_h256(&t->deal),
      "taskIndex", (json_int_t)t->idx, "taskId", ia_json_h256(&t->id), "app", ia_json_addr(&d->app),
      "appDigest", ia_json_h256(&d->app_digest), "dataset", ia_json_addr(&d->dataset), "requester",
      ia_json_addr(&d->requester), "requestHash", ia_json_h256(&d->request_hash), "inputsHash",
      inputs ? json_deep_copy(inputs) : ia_json_h256(&none), "rulesHash", ia_json_h256(&rules));
}

static json_t *answer_json(ia_scheduler *s, const sch_task *t, const ia_lease *l, ia_err *e)
{
  deal_row d = {0};
  json_t *v = NULL;

  if (deal_row_get(s, &d, &t->deal, e))
    v = json_pack("{s:o, s:o, s:O?, s:I, s:I, s:I, s:I, s:O*}", "lease", sch_lease_json(l), "hints",
                  hints_json(s, t, &d), "image", d.image, "timeLimit", (json_int_t)d.timeref,
                  "deadline", (json_int_t)t->contribution_deadline, "attempt",
                  (json_int_t)(t->attempts + 1), "memory", (json_int_t)d.memory, "reads", d.reads);
  json_decref(d.image);
  json_decref(d.inputs);
  json_decref(d.reads);
  return v;
}

/* -- choosing -- */

/* A task that this worker may have: for a while not the one it had last, nor, while one of the
 * others has not had it, one that it ever had; and none that asks for more memory than it offers,
 * when another one offers that. What nobody offers is given to any: its refusal says what there is.
 */
static bool choose(ia_scheduler *s, sch_task *out, bool *found, const ia_addr *worker, ia_err *e)
{
  bool others = sch_others_alive(s, worker), row;
  ia_stmt *st;

  *found = false;
  if (!ia_db_stmt(&st, s->db,
                  "SELECT " SCH_TASK_COLUMNS " FROM tasks WHERE state = 1 AND next_try <= $1"
                  " AND initialized = 1"
                  " AND deal_id NOT IN (SELECT deal_id FROM deals WHERE gone = 1)"
                  " AND " SCH_SERVED
                  " AND deal_id NOT IN (SELECT deal_id FROM deals WHERE pending = 1)"
                  " AND deal_id NOT IN (SELECT deal_id FROM deals WHERE block > $5)"
                  " AND contribution_deadline > $2 AND CASE WHEN next_try > $8 AND EXISTS"
                  /* a worker that has the result settles it: it comes first */
                  " (SELECT 1 FROM attempts a WHERE a.task_id = tasks.task_id AND"
                  " a.fencing = tasks.fencing AND a.state IN ('SETTLE', 'DONE'))"
                  " THEN worker = $4 ELSE ($3 = 0 OR worker IS NULL OR aside <= $1"
                  " OR (worker <> $4 AND (fresh = 0 OR NOT EXISTS (SELECT 1 FROM attempts a WHERE"
                  " a.task_id = tasks.task_id AND a.worker = $4)))) END"
                  " AND deal_id NOT IN (SELECT deal_id FROM deals WHERE memory > $6"
                  " AND memory <= $7) ORDER BY turn, seen_ms, idx LIMIT 1",
                  e))
    return false;
  ia_bind_u64(st, 1, ia_now());
  ia_bind_u64(st, 2, sch_ledger_now(s));
  ia_bind_i64(st, 3, others);
  ia_bind_addr(st, 4, worker);
  ia_bind_i64(st, 5, s->confirmations ? (int64_t)s->head - (int64_t)s->confirmations : INT64_MAX);
  ia_bind_u64(st, 6, sch_offers_memory(s, worker));
  ia_bind_u64(st, 7, sch_offers_memory_most(s));
  ia_bind_u64(st, 8, ia_now() - SCH_HOLDER_S);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (row) {
    *found = sch_task_row(out, st, e);
    ia_stmt_reset(st);
  }
  return !row || *found;
}

static bool lease_rows(ia_scheduler *s, const sch_task *t, const ia_lease *l, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "INSERT INTO fences (task_id, fencing) VALUES ($1, $2)"
                  " ON CONFLICT (task_id) DO UPDATE SET fencing = excluded.fencing",
                  e))
    return false;
  ia_bind_h256(st, 1, &t->id);
  ia_bind_u64(st, 2, l->fencing);
  if (!ia_stmt_run(st, e) ||
      !ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET fencing = $2, worker = $3, lease_expires = $4,"
                  " attempts = attempts + 1, leased_ms = $5 WHERE task_id = $1",
                  e))
    return false;
  ia_bind_h256(st, 1, &t->id);
  ia_bind_u64(st, 2, l->fencing);
  ia_bind_addr(st, 3, &l->worker);
  ia_bind_u64(st, 4, l->expires);
  ia_bind_u64(st, 5, ia_now_ms());
  if (!ia_stmt_run(st, e) ||
      !ia_db_stmt(&st, s->db,
                  "INSERT INTO attempts (task_id, fencing, worker, state, started_ms, ended_ms,"
                  " cause, code, message) VALUES ($1, $2, $3, 'LEASED', $4, 0, '', '', '')",
                  e))
    return false;
  ia_bind_h256(st, 1, &t->id);
  ia_bind_u64(st, 2, l->fencing);
  ia_bind_addr(st, 3, &l->worker);
  ia_bind_u64(st, 4, ia_now_ms());
  if (!ia_stmt_run(st, e) ||
      !ia_db_stmt(&st, s->db,
                  "UPDATE turns SET turn = max(turn, (SELECT turn FROM tasks WHERE task_id = $1))",
                  e))
    return false;
  ia_bind_h256(st, 1, &t->id);
  return ia_stmt_run(st, e) && sch_task_set_state(s, &t->id, SCH_RUNNING, e);
}

static bool assign_one(ia_scheduler *s, offer *o, ia_err *e)
{
  IA_AUTO(ia_tx) *tx = NULL;
  bool found;
  ia_lease l;

  if (!o->heard && !sch_auth_keep(s, &o->worker, e))
    return false;
  o->heard = true;
  if (!sch_takes_tasks(s, &o->worker))
    return true; /* its last hello overtook the end of its poll */
  if (!choose(s, &o->task, &found, &o->worker, e))
    return false;
  if (!found)
    return true;
  o->task.fencing++;
  if (!sch_lease_sign(s, &l, &o->task.id, &o->worker, o->task.fencing, e) ||
      !ia_tx_begin(&tx, s->db, e) || !lease_rows(s, &o->task, &l, e) || !ia_tx_commit(&tx, e))
    return false;
  ia_crash_point("scheduler-leased");
  o->answer = answer_json(s, &o->task, &l, e);
  return o->answer != NULL;
}

static void assign_work(void *ctx)
{
  assignment *a = ctx;
  SCH_LOCKED *s = a->s;
  bool any = false;

  sch_lock(s);
  for (size_t i = 0; i < a->n && s->ready; i++) {
    ia_err why = {0};

    if (!assign_one(s, &a->offers[i], &why))
      ia_log(IA_LOG_ERROR, "lease.failed", "code=%s reason=\"%s\"", ia_code_name(why.code),
             why.msg);
    else if (a->offers[i].answer)
      ia_log(IA_LOG_INFO, "task.leased", "task=%s worker=%s fencing=%llu",
             ia_h256_text(&a->offers[i].task.id).s, ia_addr_lower(&a->offers[i].worker).s,
             (unsigned long long)a->offers[i].task.fencing);
  }
  for (size_t i = 0; i < a->n; i++)
    any |= a->offers[i].answer != NULL;
  if (any)
    sch_wake(s); /* the actor's next due time may be the end of a new lease */
}

/* -- held polls; the loop's thread -- */

static sch_poll **poll_of(ia_scheduler *s, const ia_addr *worker)
{
  sch_poll **p = &s->polls;

  while (*p && !ia_addr_eq(&(*p)->worker, worker))
    p = &(*p)->next;
  return p;
}

static void poll_finish(sch_poll **at, const json_t *answer)
{
  sch_poll *p = *at;
  ia_reply *rp = ia_request_reply(p->rq);
  ia_err why = {0};
  bool ok = true;

  *at = p->next;
  if (answer)
    ok = ia_reply_json(rp, 200, answer, &why);
  else
    ia_reply_status(rp, 204);
  ia_crash_point("scheduler-poll-reply");
  ia_request_finish(p->rq, ok ? NULL : &why);
  free(p);
}

/* A lease whose poll went away was heard of by nobody: the task is free again, under the next
 * number. */
static void give_back(ia_scheduler *s, const sch_task *t)
{
  SCH_LOCKED *held = s;
  sch_task now;
  ia_err why = {0};

  sch_lock(held);
  if (!sch_task_get(s, &now, &t->id, &why) || now.fencing != t->fencing ||
      now.state != SCH_RUNNING || !sch_lease_returned(s, &now, "the lease was not delivered", &why))
    ia_log(IA_LOG_WARN, "lease.undelivered", "task=%s reason=\"%s\"", ia_h256_text(&t->id).s,
           why.msg);
}

static void assign_done(void *ctx, bool ran)
{
  assignment *a = ctx;
  ia_scheduler *s = a->s;

  for (size_t i = 0; i < a->n; i++) {
    sch_poll **p = poll_of(s, &a->offers[i].worker);

    if (*p) {
      (*p)->taken = false;
      (*p)->heard = a->offers[i].heard;
      if (a->offers[i].answer)
        poll_finish(p, a->offers[i].answer);
    } else if (a->offers[i].answer && ran) {
      give_back(s, &a->offers[i].task);
    }
    json_decref(a->offers[i].answer);
  }
  free(a);
  s->running--;
  s->assigning = false;
  if (s->assign_again && !s->stop)
    sch_offer_post(s);
}

void sch_offer_post(void *ctx)
{
  ia_scheduler *s = ctx;
  assignment *a;

  s->assign_again = s->assigning;
  if (s->assigning || !s->polls || s->stop)
    return;
  a = calloc(1, sizeof(*a));
  if (!a)
    return;
  a->s = s;
  for (sch_poll *p = s->polls; p && a->n < ASSIGN_MAX; p = p->next) {
    p->taken = true;
    a->offers[a->n++] = (offer){.worker = p->worker, .heard = p->heard};
  }
  s->assigning = true;
  s->running++;
  if (!ia_loop_job(s->loop, IA_POOL_JOBS, assign_work, assign_done, a, NULL))
    assign_done(a, false);
}

void sch_polls_tick(ia_scheduler *s, uint64_t now_ms)
{
  sch_poll **p = &s->polls;

  while (*p) {
    if (!(*p)->taken && (*p)->until_ms <= now_ms)
      poll_finish(p, NULL);
    else
      p = &(*p)->next;
  }
}

/* The server closes. */
static void poll_closed(void *ctx, ia_request *rq)
{
  sch_poll *p = ctx;
  sch_poll **at = &p->s->polls;

  while (*at && *at != p)
    at = &(*at)->next;
  if (*at)
    poll_finish(at, NULL);
  else
    ia_request_finish(rq, NULL);
}

void sch_poll_drop(ia_scheduler *s, const ia_addr *worker)
{
  sch_poll **p = poll_of(s, worker);

  if (*p)
    poll_finish(p, NULL);
}

bool sch_poll_hold(ia_scheduler *s, ia_request *rq, const ia_addr *worker, ia_err *e)
{
  sch_poll *p = calloc(1, sizeof(*p));

  if (!p)
    return ia_fail(e, IA_E_MEMORY, "scheduler: out of memory");
  *p = (sch_poll){.s = s, .rq = rq, .worker = *worker, .until_ms = ia_mono_ms() + SCH_POLL_MS};
  sch_poll_drop(s, worker); /* one poll a worker: an older one was left by a dead connection */
  if (!ia_request_hold(rq, 0, poll_closed, p, e)) {
    free(p);
    return false;
  }
  p->next = s->polls;
  s->polls = p;
  sch_tick_later(s);
  sch_offer_post(s);
  return true;
}

void sch_polls_end(ia_scheduler *s)
{
  while (s->polls)
    poll_finish(&s->polls, NULL);
}
