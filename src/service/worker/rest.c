/* When a worker takes no tasks: while this machine cannot do its part, and once it is to end. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "service/worker/inside.h"

enum {
  SPACE_WANTED = 64 << 20,
  TELL_MS = 3000,
  LOOK_US = 20000,
  PROBE_FIRST_MS = 500,
  PROBE_MOST_MS = 30000,
};

/* -- can this machine do its part? -- */

/* Room for what a task brings along: gone again when the file is closed. */
static bool probe_disk(ia_worker *w, ia_err *e)
{
  ia_autoclose int fd = open(w->tmp.s, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  int why = fd < 0 ? errno : posix_fallocate(fd, 0, SPACE_WANTED);

  if (why == 0)
    return true;
  /* requesters read this: no path of this machine */
  errno = why;
  (void)ia_fail_errno(e, "its disk has no room for %d MiB", SPACE_WANTED >> 20);
  return false;
}

static bool probe_guest(ia_worker *w, ia_err *e)
{
  return ia_warm_try(w->warm, e) || ia_wrap(e, "enclave");
}

static const struct {
  const char *cause;
  bool (*probe)(ia_worker *w, ia_err *e);
} probes[] = {
    {"WORKER_OUT_OF_RESOURCES", probe_disk},
    {"TEE_PREPARATION_FAILED", probe_guest},
};

/* One that starts meanwhile may find what the last one found. */
static const char *probe_all(ia_worker *w, ia_err *e)
{
  for (size_t i = 0; i < IA_COUNT(probes); i++) {
    if (!probes[i].probe(w, e))
      return probes[i].cause;
  }
  return NULL;
}

/* Whether that is news. */
static bool keep_found(ia_worker *w, const char *cause, const ia_err *why)
{
  pthread_mutex_lock(&w->mutex);
  bool is_new = (w->unfit_cause == NULL) != (cause == NULL);
  w->unfit_cause = cause;
  w->unfit = *why;
  pthread_mutex_unlock(&w->mutex);
  if (is_new && cause)
    ia_log(IA_LOG_WARN, "worker.paused", "cause=%s code=%s message=%s", cause,
           ia_code_name(why->code), why->msg);
  else if (is_new)
    ia_log(IA_LOG_WARN, "worker.resumed", "message=this worker takes tasks again");
  return is_new;
}

json_t *worker_why(ia_worker *w)
{
  json_t *v = NULL;

  pthread_mutex_lock(&w->mutex);
  if (w->unfit_cause)
    v = json_pack("{s:s, s:s}", "cause", w->unfit_cause, "message", w->unfit.msg);
  else if (w->cannot_pay.code != IA_OK)
    v = json_pack("{s:s, s:s}", "cause", ia_code_name(w->cannot_pay.code), "message",
                  w->cannot_pay.msg);
  pthread_mutex_unlock(&w->mutex);
  return v;
}

/* A poll that asks for nothing: the scheduler hears of our state, and ends the poll that it holds.
 */
static void tell(ia_worker *w, ia_http *http)
{
  IA_AUTO_JSON *body =
      json_pack("{s:i, s:o*, s:b}", "free", 0, "why", worker_why(w), "draining", (int)w->draining);
  ia_link_call call = {
      .path = "/worker/v1/poll", .body = body, .total_ms = TELL_MS, .cancel = &w->closing};
  ia_err e = {0};

  if (!ia_link_post(w->link, http, NULL, &call, &e) && !w->closing)
    ia_log(IA_LOG_INFO, "worker.tell", "code=%s message=%s", ia_code_name(e.code), e.msg);
}

void worker_doubt(worker_task *t)
{
  ia_worker *w = t->w;
  ia_err why = {0};

  if (w->closing)
    return;
  /* said before the failure is: nobody sends the next task into the same fault */
  if (keep_found(w, probe_all(w, &why), &why) || w->unfit_cause)
    tell(w, t->slot->http);
}

bool worker_is_fit(ia_worker *w, ia_http *http)
{
  ia_err why = {0};

  if (!w->unfit_cause)
    return true;
  for (uint64_t pause = PROBE_FIRST_MS; !w->closing && !w->draining;) {
    const char *cause = probe_all(w, &why);

    (void)keep_found(w, cause, &why);
    tell(w, http);
    if (!cause)
      return true;
    worker_pause(w, pause);
    pause = pause * 2 < PROBE_MOST_MS ? pause * 2 : PROBE_MOST_MS;
    why = (ia_err){0};
  }
  return false;
}

/* -- the end -- */

/* Tasks under way, by their ids; not those that are kept for the next process anyway. */
static json_t *tasks_running(ia_worker *w)
{
  json_t *list = json_array();

  pthread_mutex_lock(&w->mutex);
  for (unsigned i = 0; i < w->n_slots; i++) {
    if (w->slots[i].used && !w->slots[i].troubled)
      (void)json_array_append_new(list, json_string(w->slots[i].task_text));
  }
  pthread_mutex_unlock(&w->mutex);
  return list;
}

static bool note_path(ia_path *p, const ia_worker *w)
{
  return ia_path_join(p, NULL, "%s/stopping.json", w->dir.s);
}

/* For `iapp down`, which waits for us: what it waits for, and what was not finished. */
static void note(ia_worker *w, uint64_t ms, const json_t *tasks, const json_t *returned)
{
  IA_AUTO_JSON *v = json_pack("{s:I, s:O, s:O*}", "seconds", (json_int_t)(ms / 1000), "tasks",
                              tasks, "returned", returned);
  IA_AUTOV(ia_buf) text = {0};
  ia_err e = {0};
  ia_path p;

  if (!v || !note_path(&p, w) || !ia_json_write(&text, v, &e) ||
      !ia_file_write(p.s, ia_buf_view(&text), 0600, &e))
    ia_log(IA_LOG_INFO, "worker.note", "message=%s", e.msg);
}

void worker_note_clear(const ia_worker *w)
{
  ia_path p;

  if (note_path(&p, w))
    (void)unlink(p.s);
}

unsigned ia_worker_drain(ia_worker *w, uint64_t ms, bool (*give_up)(void))
{
  uint64_t until = ia_mono_ms() + ms;
  IA_AUTO(ia_http) *http = NULL;
  IA_AUTO_JSON *tasks = NULL;
  unsigned n = 0;

  if (!w)
    return 0;
  pthread_mutex_lock(&w->mutex);
  w->draining = true;
  pthread_cond_broadcast(&w->wake);
  pthread_mutex_unlock(&w->mutex);
  tasks = tasks_running(w);
  w->drain_ms = ms;
  if (ia_worker_ready(w) && !(give_up && give_up()) && ia_http_new(&http, NULL, NULL))
    tell(w, http);
  n = (unsigned)json_array_size(tasks);
  if (n == 0)
    return 0;
  ia_log(IA_LOG_WARN, "worker.draining", "tasks=%u seconds=%llu message=tasks that run may end", n,
         (unsigned long long)(ms / 1000));
  note(w, ms, tasks, NULL);
  while (n > 0 && ia_mono_ms() < until && !(give_up && give_up())) {
    IA_AUTO_JSON *left = NULL;

    (void)usleep(LOOK_US);
    left = tasks_running(w);
    n = (unsigned)json_array_size(left);
  }
  return n;
}

void worker_return(worker_task *t)
{
  IA_AUTO_JSON *body =
      json_pack("{s:s, s:I, s:s}", "taskId", ia_h256_text(&t->task_id).s, "fencing",
                (json_int_t)t->fencing, "reason", "the worker was shut down before the task ended");
  ia_link_call call = {.path = "/worker/v1/return", .body = body, .total_ms = TELL_MS};
  ia_err e = {0};

  if (!ia_link_post(t->w->link, t->slot->http, NULL, &call, &e)) {
    ia_log(IA_LOG_WARN, "task.return", "task=%s code=%s message=%s", ia_h256_text(&t->task_id).s,
           ia_code_name(e.code), e.msg);
    return;
  }
  ia_log(IA_LOG_WARN, "task.returned", "task=%s message=it starts again on the next free worker",
         ia_h256_text(&t->task_id).s);
  pthread_mutex_lock(&t->w->mutex);
  t->w->returned = t->w->returned ? t->w->returned : json_array();
  (void)json_array_append_new(t->w->returned, ia_json_h256(&t->task_id));
  pthread_mutex_unlock(&t->w->mutex);
}

void worker_refuse(ia_worker *w, ia_http *http, const json_t *assignment)
{
  const json_t *lease = json_object_get(assignment, "lease");
  IA_AUTO_JSON *body = json_pack("{s:O*, s:O*, s:s}", "taskId", json_object_get(lease, "taskId"),
                                 "fencing", json_object_get(lease, "fencing"), "reason",
                                 "the worker takes no tasks at the moment");
  ia_link_call call = {.path = "/worker/v1/return", .body = body, .total_ms = TELL_MS};
  ia_err e = {0};

  if (!ia_link_post(w->link, http, NULL, &call, &e))
    ia_log(IA_LOG_WARN, "task.return", "code=%s message=%s", ia_code_name(e.code), e.msg);
}

void worker_note_end(ia_worker *w)
{
  IA_AUTO_JSON *none = json_array();

  if (w->returned)
    note(w, w->drain_ms, none, w->returned);
  json_decref(w->returned);
  w->returned = NULL;
}
