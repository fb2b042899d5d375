/* One task on one thread, with a heartbeat beside it. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/causes.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/size.h"
#include "service/worker/kept.h"

enum { AGAIN_TRIES = 7, AGAIN_US = 100000, ENDED_MS = 10000 };

void worker_state(worker_task *t, const char *state)
{
  pthread_mutex_lock(&t->mutex);
  t->state = state;
  pthread_mutex_unlock(&t->mutex);
}

/* A result that waits for its deal, perhaps in vain, holds up no other task. */
static void set_waiting(worker_task *t, bool waiting)
{
  pthread_mutex_lock(&t->w->mutex);
  if (t->slot->waiting != waiting)
    pthread_cond_signal(&t->w->wake);
  t->slot->waiting = waiting;
  t->slot->troubled = true;
  pthread_mutex_unlock(&t->w->mutex);
}

void worker_waits(worker_task *t, const char *cause, const ia_err *why)
{
  pthread_mutex_lock(&t->mutex);
  bool is_new = !t->why_cause || strcmp(t->why_cause, cause) != 0;
  t->why_cause = cause;
  t->why = *why;
  t->tell = t->tell || is_new;
  pthread_cond_signal(&t->beat);
  pthread_mutex_unlock(&t->mutex);
  if (why->code == IA_E_FEE_REFUSED || why->code == IA_E_INSUFFICIENT_FUNDS)
    atomic_store(&t->w->look_now, true);
  set_waiting(t, strcmp(cause, "DEAL_REORGANISED") == 0);
  if (is_new)
    ia_log(IA_LOG_WARN, "task.waits", "task=%s cause=%s code=%s message=%s",
           ia_h256_text(&t->task_id).s, cause, ia_code_name(why->code), why->msg);
}

uint64_t worker_deadline(worker_task *t)
{
  pthread_mutex_lock(&t->mutex);
  uint64_t deadline = t->deadline;
  pthread_mutex_unlock(&t->mutex);
  return deadline;
}

bool worker_again(worker_task *t, unsigned *tries, const ia_err *e)
{
  if (e->code != IA_E_UNAVAILABLE && e->code != IA_E_TIMEOUT && e->code != IA_E_IO)
    return false;
  if (*tries == AGAIN_TRIES)
    return false;
  for (unsigned i = 0, n = 1U << (*tries)++; i < n; i++) {
    if (t->stopped || t->w->closing)
      return false;
    usleep(AGAIN_US);
  }
  return true;
}

/* -- heartbeat -- */
void worker_stop(worker_task *t)
{
  pthread_mutex_lock(&t->mutex);
  t->stopped = true;
  if (t->guest)
    ia_guest_stop(t->guest);
  pthread_mutex_unlock(&t->mutex);
}

void worker_stop_return(worker_task *t)
{
  pthread_mutex_lock(&t->mutex);
  t->returning = strcmp(t->state, "SETTLE") != 0;
  pthread_mutex_unlock(&t->mutex);
  worker_stop(t);
}

/* Locked. */
static json_t *beat_json(const worker_task *t)
{
  json_t *why = t->why_cause ? json_pack("{s:s, s:s, s:s}", "cause", t->why_cause, "code",
                                         ia_code_name(t->why.code), "message", t->why.msg)
                             : NULL;

  return json_pack("{s:s, s:I, s:s, s:o*}", "taskId", ia_h256_text(&t->task_id).s, "fencing",
                   (json_int_t)t->fencing, "state", t->state, "why", why);
}

/* A deal that came again in another block has another deadline. */
static void take_lease(worker_task *t, const json_t *answer, json_t *lease)
{
  uint64_t deadline;

  pthread_mutex_lock(&t->mutex);
  json_decref(t->lease);
  t->lease = json_incref(lease);
  if (ia_json_get_u64(answer, "deadline", &deadline, NULL))
    t->deadline = deadline;
  pthread_mutex_unlock(&t->mutex);
}

/* *lost when another worker has the task. A scheduler that is down is asked again; our lease may
 * end meanwhile, and then its fencing number stops us where it matters. */
static void beat(worker_task *t, ia_http *http, bool *lost)
{
  IA_AUTO_JSON *body = NULL, *answer = NULL;
  ia_err e = {0};
  bool ended = false;

  pthread_mutex_lock(&t->mutex);
  body = beat_json(t);
  t->tell = false;
  pthread_mutex_unlock(&t->mutex);
  ia_link_call call = {.path = "/worker/v1/heartbeat", .body = body, .cancel = &t->w->closing};
  if (!ia_link_post(t->w->link, http, &answer, &call, &e)) {
    *lost = e.code == IA_E_LEASE_FENCED || e.code == IA_E_LEASE_INVALID || e.code == IA_E_NOT_FOUND;
    return;
  }
  if (!answer || !ia_json_get_bool(answer, "stop", &ended, &e))
    return;
  json_t *lease = json_object_get(answer, "lease");
  *lost = ended;
  if (json_is_object(lease))
    take_lease(t, answer, lease);
}

static bool wait_beat(worker_task *t)
{
  uint64_t ms = (uint64_t)t->w->lease_seconds * 1000 / 3;
  struct timespec until;

  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)(ms / 1000);
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  pthread_mutex_lock(&t->mutex);
  int rc = 0;
  while (!t->over && !t->tell && rc == 0)
    rc = pthread_cond_timedwait(&t->beat, &t->mutex, &until);
  bool over = t->over;
  pthread_mutex_unlock(&t->mutex);
  return !over;
}

/* A result that is finished and authorised can be settled whoever has the lease. */
static void fence(worker_task *t)
{
  pthread_mutex_lock(&t->mutex);
  bool settles = strcmp(t->state, "SETTLE") == 0;
  t->fenced = settles;
  pthread_mutex_unlock(&t->mutex);
  if (!settles)
    worker_stop(t);
}

static void *beat_thread(void *arg)
{
  IA_AUTO(ia_http) *http = NULL;
  worker_task *t = arg;

  if (!ia_http_new(&http, NULL, NULL))
    return NULL;
  while (wait_beat(t)) {
    bool lost = false;

    beat(t, http, &lost);
    if (lost) {
      ia_log(IA_LOG_WARN, "task.fenced", "task=%s", ia_h256_text(&t->task_id).s);
      fence(t);
      break;
    }
  }
  return NULL;
}

/* -- the task -- */
static bool parse(worker_task *t, const json_t *v, ia_err *e)
{
  json_t *image, *lease, *hints;
  const char *type, *multiaddr;

  if (!ia_json_get_obj(v, "lease", &lease, e) || !ia_json_get_obj(v, "hints", &hints, e) ||
      !ia_json_get_obj(v, "image", &image, e) ||
      !ia_json_get_u64(v, "timeLimit", &t->time_limit, e) ||
      !ia_json_get_u64(v, "deadline", &t->deadline, e) ||
      !ia_json_get_u64(lease, "fencing", &t->fencing, e) ||
      !ia_json_get_h256(lease, "taskId", &t->task_id, e) ||
      !ia_json_get_str(image, "type", &type, e) ||
      !ia_json_get_str(image, "multiaddr", &multiaddr, e) ||
      !ia_json_get_h256(image, "checksum", &t->app_digest, e))
    return ia_wrap(e, "assignment");
  (void)snprintf(t->image_type, sizeof(t->image_type), "%s", type);
  if (json_object_get(v, "memory") && !ia_json_get_u64(v, "memory", &t->memory, e))
    return ia_wrap(e, "assignment");
  t->multiaddr = strdup(multiaddr);
  t->hints = json_incref(hints);
  t->reads = json_incref(json_object_get(v, "reads"));
  t->lease = json_incref(lease);
  return t->multiaddr || ia_fail(e, IA_E_MEMORY, "assignment");
}

/* A task that a former process finished: {"kept"} names the file. */
static bool parse_kept(worker_task *t, const char *name, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;

  return (worker_kept_load(&v, t->w, name, e) && ia_json_get_h256(v, "taskId", &t->task_id, e) &&
          ia_json_get_u64(v, "fencing", &t->fencing, e) &&
          ia_json_get_u64(v, "deadline", &t->deadline, e)) ||
         ia_wrap(e, "kept result");
}

static bool parse_any(worker_task *t, const json_t *v, ia_err *e)
{
  const char *name = json_string_value(json_object_get(v, "kept"));

  return name ? parse_kept(t, name, e) : parse(t, v, e);
}

void worker_give_guest(worker_task *t)
{
  pthread_mutex_lock(&t->mutex);
  ia_guest *g = t->guest;
  t->guest = NULL;
  pthread_mutex_unlock(&t->mutex);
  ia_warm_give(t->w->warm, g);
}

/* The cause, in iExec's words, of a failure between image and END; and whether another attempt may
 * go better. */
static const char *cause_of(const worker_task *t, const ia_guest_outcome *out, const ia_err *e,
                            bool *retry)
{
  /* a service that is down is no refusal */
  *retry = t->refusal.code != IA_OK && ia_code_http(t->refusal.code) >= 500;
  if (out->cause[0]) {
    *retry = *retry || ia_cause_again(out->cause) == IA_AGAIN_LATER;
    return out->cause;
  }
  *retry = true;
  return e->code == IA_E_TIMEOUT ? "APP_COMPUTE_TIMEOUT" : "TEE_PREPARATION_FAILED";
}

/* The SMS counts runs in which the app failed by its own fault. The enclave says so, not we. */
static void tell_sms(worker_task *t, const json_t *run)
{
  static const char *const headers[] = {"Content-Type: application/json", NULL};
  IA_AUTO_JSON *body = json_pack("{s:O}", "run", json_object_get(run, "run"));
  IA_AUTOV(ia_buf) text = {0}, url = {0};
  unsigned tries = 0;
  ia_err e = {0};

  ia_buf_printf(&url, "%s/attest/v1/ended", t->w->sms);
  ia_buf_u8(&url, 0);
  if (!body || !ia_json_write(&text, body, &e) || !ia_buf_ok(&url, &e))
    return;
  do {
    IA_AUTOV(ia_http_answer) a = {0};
    ia_http_call call = {.method = "POST",
                         .url = (const char *)url.ptr,
                         .headers = headers,
                         .body = ia_buf_view(&text),
                         .total_ms = ENDED_MS,
                         .cancel = &t->stopped};

    e = (ia_err){0};
    if (ia_http_do(t->slot->http, &a, &call, &e) &&
        (a.status / 100 == 2 || !ia_http_refused(&a, "sms", &e)) && e.code == IA_OK)
      return;
  } while (worker_again(t, &tries, &e));
  ia_log(IA_LOG_WARN, "task.ended", "task=%s code=%s message=%s", ia_h256_text(&t->task_id).s,
         ia_code_name(e.code), e.msg);
}

/* Whether it was this machine is looked at before the scheduler hears of it. */
static void failed(worker_task *t, const char *cause, const ia_err *why, bool retry,
                   const json_t *run)
{
  if (ia_cause_again(cause) == IA_AGAIN_LATER)
    worker_doubt(t);
  worker_failed(t, cause, why, retry, run);
  t->reported = !t->w->closing;
}

static void refused(worker_task *t, const ia_guest_outcome *out, const ia_err *e)
{
  const ia_err *why = t->refusal.code != IA_OK ? &t->refusal : e;
  bool retry;
  const char *cause = cause_of(t, out, e, &retry);

  if (out->run && ia_cause_fault(cause) == IA_FAULT_APP)
    tell_sms(t, out->run);
  failed(t, cause, why, retry, out->run);
}

/* Before anything is fetched, and before a key is asked for. What the image asks for is judged by
 * the guest. */
static bool has_memory(const worker_task *t, ia_err *e)
{
  return t->memory <= t->w->app_memory ||
         ia_fail(e, IA_E_NO_RESOURCES,
                 "the run asks for %s of memory; this worker offers %s to an app",
                 ia_size_show(t->memory).s, ia_size_show(t->w->app_memory).s);
}

static void run(worker_task *t)
{
  IA_AUTOV(ia_guest_outcome) out = {0};
  ia_err e = {0};

  const char *cause = "UNKNOWN";
  if (!has_memory(t, &e)) {
    worker_failed(t, IA_CAUSE_MEMORY, &e, false, NULL);
    return;
  }
  worker_state(t, "IMAGE");
  if (!worker_image(t, &cause, &e)) {
    failed(t, cause, &e, ia_cause_again(cause) == IA_AGAIN_LATER, NULL);
    return;
  }
  if (!worker_ahead(t, &cause, &e)) {
    if (!t->stopped)
      worker_failed(t, cause, &e, ia_cause_again(cause) == IA_AGAIN_LATER, NULL);
    return;
  }
  bool ok = worker_relay(t, &out, &e);
  if (t->stopped)
    return; /* another worker has it; nobody waits for our word */
  if (ok && out.cause[0])
    ok = ia_fail(&e, ia_cause_class(out.cause), "%s", out.message);
  if (ok && !out.run)
    ok = ia_fail(&e, IA_E_PARSE, "the guest ended without a run statement");
  if (!ok) {
    refused(t, &out, &e);
    return;
  }
  worker_give_guest(t);
  worker_settle(t, out.run);
}

/* A result that this worker has already is not made again. */
static void run_or_settle(worker_task *t)
{
  IA_AUTO_JSON *kept = NULL;
  char name[WORKER_KEPT_NAME];

  if (worker_kept_find(name, &kept, t->w, &t->task_id))
    worker_settle_kept(t, name, kept);
  else if (t->hints)
    run(t);
}

/* Shows the task to ia_worker_close, or hides it. */
static void publish(worker_task *t, bool shown)
{
  pthread_mutex_lock(&t->w->mutex);
  t->slot->task = shown ? t : NULL;
  bool closing = t->w->closing;
  pthread_mutex_unlock(&t->w->mutex);
  if (shown && closing)
    worker_stop(t);
}

static void with_heartbeat(worker_task *t)
{
  pthread_condattr_t attr;
  pthread_t thread;

  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_mutex_init(&t->mutex, NULL);
  pthread_cond_init(&t->beat, &attr);
  pthread_condattr_destroy(&attr);
  publish(t, true);
  bool beating = pthread_create(&thread, NULL, beat_thread, t) == 0;
  ia_crash_point("worker-task-leased");
  if (beating)
    run_or_settle(t);
  publish(t, false);
  worker_give_guest(t);
  pthread_mutex_lock(&t->mutex);
  t->over = true;
  pthread_cond_signal(&t->beat);
  pthread_mutex_unlock(&t->mutex);
  if (beating)
    pthread_join(thread, NULL);
  if (t->returning && !t->reported)
    worker_return(t);
  pthread_cond_destroy(&t->beat);
  pthread_mutex_destroy(&t->mutex);
}

static bool clients(worker_slot *slot, ia_err *e)
{
  ia_http_options secure = {.only_secure = true};

  return (slot->http || ia_http_new(&slot->http, NULL, e)) &&
         (slot->secure || ia_http_new(&slot->secure, &secure, e));
}

void *worker_task_thread(void *arg)
{
  worker_slot *slot = arg;
  ia_worker *w = slot->w;
  ia_autofree worker_task *t = calloc(1, sizeof(*t));
  IA_AUTO_JSON *assignment = slot->lease;
  ia_err e = {0};

  slot->lease = NULL;
  if (!t || !clients(slot, &e)) {
    ia_log(IA_LOG_ERROR, "task.start", "message=%s", e.msg);
  } else {
    t->w = w;
    t->slot = slot;
    t->state = "IMAGE";
    t->times.leased = ia_now_ms();
    if (parse_any(t, assignment, &e))
      with_heartbeat(t);
    else
      ia_log(IA_LOG_ERROR, "task.assignment", "message=%s", e.msg);
    json_decref(t->hints);
    json_decref(t->reads);
    worker_held_free(t);
    json_decref(t->lease);
    json_decref(t->release);
    json_decref(t->evidence);
    free(t->multiaddr);
  }
  pthread_mutex_lock(&w->mutex);
  slot->used = false;
  pthread_cond_signal(&w->wake);
  pthread_mutex_unlock(&w->mutex);
  return NULL;
}
