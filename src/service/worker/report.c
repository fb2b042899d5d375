/* What the scheduler is told of results and failures. */
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/hex.h"
#include "base/log.h"
#include "service/worker/kept.h"

enum { TRIES = 5 };

json_t *worker_timeline(const worker_task *t)
{
  const struct {
    const char *name;
    uint64_t ms;
  } rows[] = {{"leasedMs", t->times.leased},     {"guestMs", t->times.guest},
              {"releasedMs", t->times.released}, {"startedMs", t->times.started},
              {"exitedMs", t->times.exited},     {"resultMs", t->times.result}};
  json_t *v = json_object();

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    if (rows[i].ms > 0)
      (void)json_object_set_new(v, rows[i].name, json_integer((json_int_t)rows[i].ms));
  }
  return v;
}

/* True when the scheduler has it, or will never take it. */
static bool deliver(ia_worker *w, ia_http *h, const json_t *body, ia_err *e)
{
  ia_link_call call = {.path = "/worker/v1/done", .body = body, .cancel = &w->closing};

  for (int i = 0; i < TRIES; i++) {
    ia_err why = {0};

    if (ia_link_post(w->link, h, NULL, &call, &why))
      return true;
    *e = why;
    int status = ia_code_http(why.code);
    if (status == 404 || status == 409 || status == 400 || status == 403)
      return true; /* fenced off or settled by another: there is nobody to tell */
    if (w->closing)
      break;
    usleep(100000u << i);
  }
  return false;
}

/* Only what the scheduler asks for. */
static json_t *done_body(const json_t *v)
{
  static const char *const names[] = {"taskId",   "fencing", "run",     "release",
                                      "evidence", "tx",      "timeline"};
  json_t *body = json_object();

  for (size_t i = 0; i < IA_COUNT(names); i++) {
    json_t *member = json_object_get(v, names[i]);

    if (member)
      (void)json_object_set(body, names[i], member);
  }
  return body;
}

bool worker_report(ia_worker *w, ia_http *h, const char *name, json_t *v, ia_err *e)
{
  IA_AUTO_JSON *body = done_body(v);

  if (!deliver(w, h, body, e))
    return false;
  ia_crash_point("worker-done-reported");
  /* where blocks can be taken back, the settlement may have to be made again */
  if (atomic_load(&w->is_final) || !json_object_get(v, "deadline") ||
      !ia_json_set(v, "reported", json_true(), e) || !worker_kept_save(w, name, v, e))
    worker_kept_drop(w, name);
  return true;
}

static void resend_one(ia_worker *w, ia_http *h, const char *name)
{
  IA_AUTO_JSON *v = NULL;
  ia_err e = {0};

  if (!worker_kept_load(&v, w, name, &e)) {
    ia_log(IA_LOG_WARN, "worker.report", "file=%s message=%s", name, e.msg);
    return;
  }
  if (worker_kept_step_of(v) == WORKER_KEPT_SETTLED && !worker_report(w, h, name, v, &e))
    ia_log(IA_LOG_WARN, "worker.report", "file=%s message=%s", name, e.msg);
}

void worker_resend(ia_worker *w, ia_http *h)
{
  worker_kept_sweep(w);
  IA_AUTO_JSON *list = worker_kept_list(w);
  const json_t *v;
  size_t i;

  json_array_foreach (list, i, v) {
    if (w->closing)
      return;
    resend_one(w, h, json_string_value(v));
  }
}

void worker_failed(worker_task *t, const char *cause, const ia_err *why, bool retry,
                   const json_t *run)
{
  IA_AUTO_JSON *body =
      json_pack("{s:s, s:I, s:s, s:s, s:s, s:b, s:O*, s:O*, s:O*}", "taskId",
                ia_h256_text(&t->task_id).s, "fencing", (json_int_t)t->fencing, "cause", cause,
                "code", ia_code_name(why->code), "message", why->msg, "retry", retry, "run", run,
                "release", run ? t->release : NULL, "evidence", run ? t->evidence : NULL);
  ia_link_call call = {.path = "/worker/v1/failed", .body = body, .cancel = &t->w->closing};

  ia_log(IA_LOG_WARN, "task.failed", "task=%s cause=%s code=%s retry=%d message=%s",
         ia_h256_text(&t->task_id).s, cause, ia_code_name(why->code), retry, why->msg);
  for (int i = 0; i < TRIES && body && !t->w->closing; i++) {
    ia_err e = {0};

    if (ia_link_post(t->w->link, t->slot->http, NULL, &call, &e))
      return;
    int status = ia_code_http(e.code);
    if (status >= 400 && status < 500 && status != 429)
      return; /* the lease is no longer ours */
    usleep(100000u << i);
  }
}
