/* What workers say of themselves: whether they take tasks, and if not, why. Kept in memory: a
 * worker says it again with its next hello. */
#include "base/causes.h"
#include "base/clock.h"
#include "base/log.h"
#include "eth/address.h"
#include "service/scheduler/internal.h"

/* {"why"?: {"cause","message"}, "draining"?: bool} */
bool sch_worker_says(ia_scheduler *s, const ia_addr *worker, const json_t *body, ia_err *e)
{
  const json_t *why = json_object_get(body, "why");
  const char *cause = json_string_value(json_object_get(why, "cause"));
  const char *message = json_string_value(json_object_get(why, "message"));
  const char *state = json_is_true(json_object_get(body, "draining")) ? "draining"
                      : cause                                         ? "paused"
                                                                      : "ready";
  sch_worker *w = sch_worker_of(s, worker);
  bool is_new;

  if (cause && !ia_cause_is_known(cause))
    return ia_fail(e, IA_E_INVALID, "unknown cause \"%.60s\"", cause);
  if (!w)
    return true;
  pthread_mutex_lock(&s->auth_lock);
  is_new = strcmp(w->state, state) != 0 || strcmp(w->cause, cause ? cause : "") != 0;
  sch_copy(w->state, sizeof(w->state), state);
  sch_copy(w->cause, sizeof(w->cause), cause ? cause : "");
  sch_clean(w->message, sizeof(w->message), message ? message : "");
  pthread_mutex_unlock(&s->auth_lock);
  if (!is_new)
    return true;
  ia_log(cause ? IA_LOG_WARN : IA_LOG_INFO, "worker.state",
         "worker=%s state=%s cause=%s message=%s", ia_addr_lower(worker).s, state,
         cause ? cause : "", w->message);
  sch_offer(s);
  sch_changed(s, NULL); /* why they wait may be another reason now */
  return true;
}

/* auth_lock is held. */
static bool is_connected(const sch_worker *w)
{
  return w->last_ms != 0 && ia_mono_ms() - w->last_ms < SCH_ALIVE_MS;
}

static bool is_ready(const sch_worker *w)
{
  return !w->state[0] || strcmp(w->state, "ready") == 0;
}

bool sch_takes_tasks(ia_scheduler *s, const ia_addr *worker)
{
  const sch_worker *w = sch_worker_of(s, worker);
  bool ready;

  pthread_mutex_lock(&s->auth_lock);
  ready = w && is_ready(w);
  pthread_mutex_unlock(&s->auth_lock);
  return ready;
}

bool sch_nobody_takes_tasks(ia_scheduler *s, ia_buf *why, json_t *list)
{
  const sch_worker *rests = NULL;
  bool ready = false;

  pthread_mutex_lock(&s->auth_lock);
  for (size_t i = 0; i < s->n_workers; i++) {
    const sch_worker *w = &s->workers[i];

    ready |= is_connected(w) && is_ready(w);
    if (!is_connected(w) || is_ready(w))
      continue;
    rests = w;
    json_array_append_new(list,
                          json_pack("{s:o, s:s, s:s, s:s}", "worker", ia_json_addr(&w->address),
                                    "state", w->state, "cause", w->cause, "message", w->message));
  }
  if (!ready && rests)
    ia_buf_printf(why, "no worker takes tasks: %s is %s%s%s", ia_addr_text(&rests->address).s,
                  rests->state, rests->message[0] ? ": " : "", rests->message);
  else if (!ready)
    ia_buf_printf(why, "no worker is connected to the pool");
  pthread_mutex_unlock(&s->auth_lock);
  return !ready;
}

/* -- the listing -- */

static json_t *leased_to(ia_scheduler *s, const ia_addr *worker, ia_err *e)
{
  IA_AUTO_JSON *list = json_array();
  ia_stmt *st;
  ia_h256 id;
  bool row;

  if (!ia_db_stmt(&st, s->db, "SELECT task_id FROM tasks WHERE state = 2 AND worker = $1", e))
    return NULL;
  ia_bind_addr(st, 1, worker);
  for (;;) {
    if (!ia_stmt_step(st, &row, e))
      return NULL;
    if (!row)
      return json_incref(list);
    if (!ia_col_h256(st, 0, &id, e)) {
      ia_stmt_reset(st);
      return NULL;
    }
    json_array_append_new(list, ia_json_h256(&id));
  }
}

static json_t *worker_json(ia_scheduler *s, const sch_worker *w, ia_err *e)
{
  json_t *tasks = leased_to(s, &w->address, e), *v;

  if (!tasks)
    return NULL;
  pthread_mutex_lock(&s->auth_lock);
  v = json_pack("{s:o, s:s, s:s, s:s, s:I, s:o}", "address", ia_json_addr(&w->address), "state",
                !is_connected(w) ? "away"
                : w->state[0]    ? w->state
                                 : "ready",
                "cause", w->cause, "message", w->message, "heardMs",
                w->last_ms ? (json_int_t)(ia_now_ms() - (ia_mono_ms() - w->last_ms)) : 0, "tasks",
                tasks);
  pthread_mutex_unlock(&s->auth_lock);
  if (!v)
    (void)ia_fail(e, IA_E_MEMORY, "scheduler: out of memory");
  return v;
}

bool sch_workers_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  SCH_LOCKED *s = ctx;
  IA_AUTO_JSON *list = json_array();
  IA_AUTO_JSON *answer = NULL;

  (void)rq;
  sch_lock(s);
  for (size_t i = 0; i < s->n_workers; i++) {
    json_t *v = worker_json(s, &s->workers[i], e);

    if (!v)
      return false;
    json_array_append_new(list, v);
  }
  answer = json_pack("{s:o, s:O}", "pool", ia_json_addr(&s->pool), "workers", list);
  return ia_reply_json(rp, 200, answer, e);
}
