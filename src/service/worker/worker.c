/* Start and stop, hello, and the long poll that brings tasks. */
#include "service/worker/worker.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/crash.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/random.h"
#include "runtime/offer.h"
#include "sandbox/run.h"
#include "service/worker/kept.h"

enum {
  POLL_MS = 40000,
  PAUSE_MIN_MS = 100,
  PAUSE_MAX_MS = 5000,
  POOR_PAUSE_MS = 2000,
  BUSY_LOOK_MS = 2000
};

/* -- waiting -- */
static struct timespec after_ms(uint64_t ms)
{
  struct timespec until;

  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)(ms / 1000);
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  return until;
}

void worker_pause(ia_worker *w, uint64_t ms)
{
  struct timespec until = after_ms(ms);

  pthread_mutex_lock(&w->mutex);
  while (!w->closing && !w->draining && pthread_cond_timedwait(&w->wake, &w->mutex, &until) == 0)
    ;
  pthread_mutex_unlock(&w->mutex);
}

static unsigned free_slots(const ia_worker *w)
{
  unsigned busy = 0, used = 0;

  for (unsigned i = 0; i < w->n_slots; i++) {
    used += w->slots[i].used;
    busy += w->slots[i].used && !w->slots[i].waiting;
  }
  if (busy >= w->offered)
    return 0;
  return w->offered - busy < w->n_slots - used ? w->offered - busy : w->n_slots - used;
}

static unsigned free_now(ia_worker *w)
{
  pthread_mutex_lock(&w->mutex);
  unsigned n = free_slots(w);
  pthread_mutex_unlock(&w->mutex);
  return n;
}

/* Waits a while for a free slot. */
static void wait_free(ia_worker *w)
{
  struct timespec until = after_ms(BUSY_LOOK_MS);
  int rc = 0;

  pthread_mutex_lock(&w->mutex);
  while (!w->closing && !w->draining && free_slots(w) == 0 && rc == 0)
    rc = pthread_cond_timedwait(&w->wake, &w->mutex, &until);
  pthread_mutex_unlock(&w->mutex);
}

static void launch(ia_worker *w, json_t *assignment)
{
  worker_slot *slot = NULL;

  pthread_mutex_lock(&w->mutex);
  for (unsigned i = 0; i < w->n_slots && !slot; i++) {
    if (!w->slots[i].used)
      slot = &w->slots[i];
  }
  if (slot) {
    const char *id =
        json_string_value(json_object_get(json_object_get(assignment, "lease"), "taskId"));

    (void)snprintf(slot->task_text, sizeof(slot->task_text), "%s", id ? id : "");
    slot->used = true;
    slot->troubled = slot->waiting = false;
  }
  pthread_mutex_unlock(&w->mutex);
  if (!slot)
    return;
  if (slot->joinable)
    pthread_join(slot->thread, NULL);
  slot->w = w;
  slot->lease = json_incref(assignment);
  slot->joinable = pthread_create(&slot->thread, NULL, worker_task_thread, slot) == 0;
  if (!slot->joinable) {
    ia_log(IA_LOG_ERROR, "task.start", "message=no thread");
    json_decref(slot->lease);
    slot->lease = NULL;
    pthread_mutex_lock(&w->mutex);
    slot->used = false;
    pthread_mutex_unlock(&w->mutex);
  }
}

/* -- hello -- */
/* Keeps what the operator gave; else what the scheduler says. */
static bool choose_url(char **mine, const json_t *v, const char *key, ia_err *e)
{
  const char *text;

  if (*mine)
    return true;
  if (!ia_json_get_str(v, key, &text, e))
    return false;
  *mine = strdup(text);
  return *mine || ia_fail(e, IA_E_MEMORY, "hello");
}

static bool take_hello(ia_worker *w, const json_t *v, ia_err *e)
{
  uint64_t seconds;
  ia_addr pool;

  if (!ia_json_get_addr(v, "pool", &pool, e) || !ia_json_get_u64(v, "chainId", &w->chain_id, e) ||
      !ia_json_get_addr(v, "hub", &w->hub, e) || !ia_json_get_h256(v, "smsKey", &w->sms_key, e) ||
      !ia_json_get_u64(v, "leaseSeconds", &seconds, e) || !choose_url(&w->rpc, v, "rpcUrl", e) ||
      !choose_url(&w->sms, v, "smsUrl", e) || !choose_url(&w->ipfs, v, "ipfsUrl", e))
    return ia_wrap(e, "hello");
  if (!ia_addr_eq(&pool, &w->pool))
    return ia_fail(e, IA_E_INVALID, "the scheduler serves another pool: %s",
                   ia_addr_lower(&pool).s);
  w->lease_seconds = seconds < 3 ? 3 : seconds > 300 ? 300 : (uint32_t)seconds;
  return true;
}

/* -- kept results -- */
static bool is_under_way(ia_worker *w, const char *name)
{
  bool found = false;

  pthread_mutex_lock(&w->mutex);
  for (unsigned i = 0; i < w->n_slots && !found; i++)
    found = w->slots[i].used && strncmp(name, w->slots[i].task_text, 66) == 0;
  pthread_mutex_unlock(&w->mutex);
  return found;
}

/* Names of the files of results that a former process finished and that nobody settles yet. */
static json_t *kept_waiting(ia_worker *w)
{
  IA_AUTO_JSON *all = worker_kept_list(w);
  json_t *list = json_array(), *v;
  size_t i;

  json_array_foreach (all, i, v) {
    IA_AUTO_JSON *one = NULL;

    if (!is_under_way(w, json_string_value(v)) &&
        worker_kept_load(&one, w, json_string_value(v), NULL) &&
        worker_kept_step_of(one) == WORKER_KEPT_FINISHED)
      (void)json_array_append(list, v);
  }
  return list;
}

/* They come before new tasks. */
static void launch_kept(ia_worker *w)
{
  IA_AUTO_JSON *list = kept_waiting(w);
  json_t *v;
  size_t i;

  json_array_foreach (list, i, v) {
    const char *name = json_string_value(v);
    IA_AUTO_JSON *a =
        json_pack("{s:s, s:{s:s%}}", "kept", name, "lease", "taskId", name, (size_t)66);

    if (free_now(w) == 0 || !a)
      return;
    launch(w, a);
  }
}

/* Tasks under way. Polls and hellos are this thread's, so no lease is on its way to us meanwhile.
 */
static json_t *tasks_held(ia_worker *w)
{
  IA_AUTO_JSON *kept = kept_waiting(w);
  json_t *list = json_array(), *v;
  size_t n;

  pthread_mutex_lock(&w->mutex);
  for (unsigned i = 0; i < w->n_slots; i++) {
    if (w->slots[i].used)
      (void)json_array_append_new(list, json_string(w->slots[i].task_text));
  }
  pthread_mutex_unlock(&w->mutex);
  json_array_foreach (kept, n, v)
    (void)json_array_append_new(list, json_stringn(json_string_value(v), 66));
  return list;
}

/* What one task may have here; the pool shows the most of its workers to requesters. */
static json_t *limits_json(const ia_worker *w)
{
  return json_pack("{s:I, s:I, s:i}", "memoryMax", (json_int_t)w->app_memory, "dataMax",
                   (json_int_t)w->room, "httpInputs", w->local_inputs ? 1 : 0);
}

static bool hello(ia_worker *w, ia_http *http, ia_err *e)
{
  IA_AUTO_JSON *body = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:o*}", "tee", "sim",
                                 "domain", "sim", "slots", (int)w->offered, "version", IA_VERSION,
                                 "simRoot", ia_h256_text(&w->root).s, "boot", w->boot, "tasks",
                                 tasks_held(w), "limits", limits_json(w), "why", worker_why(w));
  IA_AUTO_JSON *answer = NULL;
  ia_link_call call = {.path = "/worker/v1/hello", .body = body, .cancel = &w->closing};

  return ia_link_post(w->link, http, &answer, &call, e) &&
         (answer || ia_fail(e, IA_E_PARSE, "hello: no answer")) && take_hello(w, answer, e);
}

/* n_free 0: only why no task is taken is said. */
static bool poll_once(ia_worker *w, ia_http *http, unsigned n_free, json_t **out, ia_err *e)
{
  json_t *why = worker_why(w);
  bool says = why != NULL;
  IA_AUTO_JSON *body = json_pack("{s:i, s:o*}", "free", says ? 0 : (int)n_free, "why", why);
  ia_link_call call = {
      .path = "/worker/v1/poll", .body = body, .total_ms = POLL_MS, .cancel = &w->closing};

  if (!ia_link_post(w->link, http, out, &call, e))
    return false;
  w->told_why = says;
  return true;
}

/* The pool, when the operator left it to our own ledger. */
static bool learn_pool(ia_worker *w, ia_err *e)
{
  IA_AUTO(ia_rpc) *rpc = NULL;
  IA_AUTO_JSON *info = NULL;
  ia_rpc_options o = {.url = w->rpc, .cancel = &w->closing};

  return ia_rpc_new(&rpc, &o, e) && ia_rpc_call(rpc, &info, "iapp_info", NULL, e) &&
         ia_json_get_addr(info, "pool", &w->pool, e);
}

static bool make_link(ia_worker *w, ia_err *e)
{
  if (w->link)
    return true;
  if (ia_addr_zero(&w->pool) && !learn_pool(w, e))
    return ia_wrap(e, "pool");
  ia_link_config c = {w->scheduler, w->secp, &w->key, w->address, w->pool};
  return ia_link_new(&w->link, &c, e);
}

static bool connect(ia_worker *w, ia_http *http, ia_err *e)
{
  return make_link(w, e) && hello(w, http, e);
}

/* What a poll brought. The account may have been emptied meanwhile. */
static void take(ia_worker *w, ia_http *http, json_t *assignment)
{
  if (assignment && (w->draining || w->unfit_cause || !worker_can_pay(w)))
    worker_refuse(w, http, assignment);
  else if (assignment)
    launch(w, assignment);
  else if (w->told_why)
    worker_pause(w, POOR_PAUSE_MS);
}

static void serve(ia_worker *w, ia_http *http, uint64_t *pause)
{
  while (!w->closing) {
    IA_AUTO_JSON *assignment = NULL;
    ia_err e = {0};

    wait_free(w);
    worker_tend(w);
    launch_kept(w);
    if (!worker_is_fit(w, http))
      return;
    unsigned n = free_now(w);
    if (worker_can_pay(w) && n == 0 && !w->told_why)
      continue;
    if (w->closing || w->draining)
      return;
    if (!poll_once(w, http, n, &assignment, &e)) {
      if (!w->closing)
        ia_log(IA_LOG_WARN, "worker.poll", "code=%s message=%s", ia_code_name(e.code), e.msg);
      return;
    }
    *pause = PAUSE_MIN_MS;
    take(w, http, assignment);
  }
}

static void *main_thread(void *arg)
{
  IA_AUTO(ia_http) *http = NULL;
  ia_worker *w = arg;
  uint64_t pause = PAUSE_MIN_MS;
  ia_err e = {0};

  if (!ia_http_new(&http, NULL, &e)) {
    ia_log(IA_LOG_ERROR, "worker.start", "message=%s", e.msg);
    return NULL;
  }
  while (!w->closing && !w->draining) {
    if (connect(w, http, &e)) {
      if (!atomic_exchange(&w->ready, true))
        ia_log(IA_LOG_INFO, "worker.ready", "scheduler=%s tee=SIMULATED slots=%u", w->scheduler,
               w->offered);
      worker_tend(w);
      worker_resend(w, http);
      serve(w, http, &pause);
    } else if (!w->closing) {
      ia_log(IA_LOG_WARN, "worker.hello", "code=%s message=%s", ia_code_name(e.code), e.msg);
    }
    if (!w->closing)
      worker_pause(w, pause);
    pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
  }
  return NULL;
}

/* -- open and close -- */
static bool copy_text(char **to, const char *from, ia_err *e)
{
  *to = from ? strdup(from) : NULL;
  return !from || *to || ia_fail(e, IA_E_MEMORY, "worker");
}

static bool folders(ia_worker *w, const char *dir, ia_err *e)
{
  return ia_path_join(&w->dir, e, "%s", dir) && ia_mkdirs(w->dir.s, 0700, e) &&
         ia_path_join(&w->tmp, e, "%s/tmp", dir) && ia_remove_tree(w->tmp.s, e) &&
         ia_mkdirs(w->tmp.s, 0700, e) && ia_path_join(&w->done, e, "%s/done", dir) &&
         ia_mkdirs(w->done.s, 0700, e);
}

static bool copy_config(ia_worker *w, const ia_worker_config *c, ia_err *e)
{
  if (!copy_text(&w->scheduler, c->scheduler, e) || !copy_text(&w->rpc, c->rpc, e) ||
      !copy_text(&w->sms, c->sms, e) || !copy_text(&w->ipfs, c->ipfs, e) ||
      !ia_path_join(&w->guest, e, "%s", c->guest))
    return false;
  for (; c->gateways && c->gateways[w->n_gateways] && w->n_gateways < WORKER_GATEWAYS;
       w->n_gateways++) {
    if (!copy_text(&w->gateways[w->n_gateways], c->gateways[w->n_gateways], e))
      return false;
  }
  w->sending = c->sending;
  if (!copy_text(&w->outbox, c->sending.outbox, e) ||
      !copy_text(&w->max_fee, c->sending.max_fee, e))
    return false;
  w->sending.outbox = w->outbox;
  w->sending.max_fee = w->max_fee;
  w->local_inputs = c->local_inputs;
  w->pool = c->pool;
  return ia_secp_new(&w->secp, e) && ia_secp_key_check(c->key, e) &&
         ia_secret_copy(&w->key, ia_secret_view(c->key), e) &&
         ia_secp_address(w->secp, &w->address, &w->key, e);
}

static unsigned processors(void)
{
  cpu_set_t set;

  return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static bool open_parts(ia_worker *w, const ia_worker_config *c, ia_err *e)
{
  ia_path images;

  if (!folders(w, c->dir, e) || !copy_config(w, c, e) ||
      !ia_path_join(&images, e, "%s/images", c->dir) || !ia_images_open(&w->images, images.s, e) ||
      !ia_quoting_open(&w->quoting, c->dir, e) || !ia_quoting_measure(&w->mr_td, w->guest.s, e))
    return false;
  ia_quoting_root(w->quoting, &w->root);
  unsigned n = c->slots ? c->slots : processors() > 1 ? processors() - 1 : 1;
  w->offered = n < WORKER_SLOTS ? n : WORKER_SLOTS;
  w->n_slots = w->offered + WORKER_WAITING;
  w->slots = calloc(w->n_slots, sizeof(*w->slots));
  if (!w->slots)
    return ia_fail(e, IA_E_MEMORY, "worker");
  w->room = c->room ? c->room : IA_GUEST_ROOM;
  w->app_memory = c->app_memory ? c->app_memory : ia_memory_offer(w->offered);
  (void)ia_sandbox_sweep(NULL);
  ia_guest_spec spec = {.exe = w->guest.s,
                        .images = ia_images_dir(w->images),
                        .app_memory = w->app_memory,
                        .room = w->room,
                        .allow_swap = c->allow_swap};
  unsigned warm = c->warm < w->offered ? c->warm : w->offered;
  return ia_warm_open(&w->warm, &spec, warm, w->offered + warm, e);
}

static bool make_boot(ia_worker *w, ia_err *e)
{
  uint8_t raw[16];

  if (!ia_random(raw, sizeof(raw), e))
    return false;
  ia_hex(w->boot, raw, sizeof(raw));
  return true;
}

bool ia_worker_open(ia_worker **out, const ia_worker_config *c, ia_err *e)
{
  IA_AUTO(ia_worker) *w = calloc(1, sizeof(*w));
  pthread_condattr_t attr;

  *out = NULL;
  if (!w)
    return ia_fail(e, IA_E_MEMORY, "worker");
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_mutex_init(&w->mutex, NULL);
  pthread_mutex_init(&w->images_mutex, NULL);
  pthread_mutex_init(&w->kept_mutex, NULL);
  pthread_cond_init(&w->wake, &attr);
  pthread_condattr_destroy(&attr);
  if (ia_addr_zero(&c->pool) && !c->rpc)
    return ia_fail(e, IA_E_USAGE, "worker: the pool's address is missing (--pool)");
  if (!make_boot(w, e) || !open_parts(w, c, e))
    return ia_wrap(e, "worker");
  worker_note_clear(w);
  w->running = pthread_create(&w->thread, NULL, main_thread, w) == 0;
  if (!w->running)
    return ia_fail(e, IA_E_MEMORY, "worker: thread");
  *out = ia_steal(&w);
  return true;
}

bool ia_worker_ready(const ia_worker *w)
{
  return atomic_load(&w->ready);
}

static void close_slots(ia_worker *w)
{
  for (unsigned i = 0; w->slots && i < w->n_slots; i++) {
    worker_slot *s = &w->slots[i];

    if (s->joinable)
      pthread_join(s->thread, NULL);
    ia_chain_close(s->chain);
    ia_http_free(s->http);
    ia_http_free(s->secure);
  }
  free(w->slots);
}

void ia_worker_close(ia_worker *w)
{
  if (!w)
    return;
  pthread_mutex_lock(&w->mutex);
  w->closing = true;
  pthread_cond_broadcast(&w->wake);
  for (unsigned i = 0; w->slots && i < w->n_slots; i++) {
    if (w->slots[i].task)
      worker_stop_return(w->slots[i].task);
  }
  pthread_mutex_unlock(&w->mutex);
  if (w->running)
    pthread_join(w->thread, NULL);
  close_slots(w);
  worker_note_end(w);
  ia_warm_close(w->warm);
  ia_link_free(w->link);
  ia_chain_close(w->chain);
  ia_quoting_close(w->quoting);
  ia_images_close(w->images);
  ia_secret_free(&w->key);
  ia_secp_free(w->secp);
  for (size_t i = 0; i < w->n_gateways; i++)
    free(w->gateways[i]);
  free(w->scheduler);
  free(w->rpc);
  free(w->sms);
  free(w->ipfs);
  free(w->outbox);
  free(w->max_fee);
  pthread_cond_destroy(&w->wake);
  pthread_mutex_destroy(&w->images_mutex);
  pthread_mutex_destroy(&w->kept_mutex);
  pthread_mutex_destroy(&w->mutex);
  free(w);
}
