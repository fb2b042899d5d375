/* Opening, closing, waking. */
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "service/scheduler/internal.h"

enum { LEASE_MAX_S = 300, ORDER_VOLUME = 10000, CATEGORIES = 5, SLICE_NS = 50000000 };

void sch_lock(ia_scheduler *s)
{
  pthread_mutex_lock(&s->lock);
}

void sch_unlock(ia_scheduler *s)
{
  pthread_mutex_unlock(&s->lock);
}

void sch_copy(char *out, size_t size, const char *text)
{
  size_t n = strnlen(text, size - 1);

  while (n > 0 && !ia_utf8_valid(ia_span_of(text, n)))
    n--;
  memcpy(out, text, n);
  out[n] = '\0';
}

void sch_wake(ia_scheduler *s)
{
  s->due = true;
  pthread_cond_broadcast(&s->wake);
}

void sch_pause(ia_scheduler *s, uint32_t ms)
{
  for (; ms > 0 && !s->stop; ms -= ms < 50 ? ms : 50) {
    struct timespec t = {.tv_nsec = 50000000};

    (void)nanosleep(&t, NULL);
  }
}

bool sch_may_pass(const ia_err *why)
{
  static const ia_code codes[] = {
      IA_E_UNAVAILABLE, IA_E_TIMEOUT,   IA_E_CANCELLED, IA_E_BUSY,     IA_E_MEMORY,
      IA_E_IO,          IA_E_DISK_FULL, IA_E_CORRUPT,   IA_E_INTERNAL, IA_E_LEDGER_DISAGREES};

  for (size_t i = 0; i < IA_COUNT(codes); i++)
    if (codes[i] == why->code)
      return true;
  return false;
}

uint64_t sch_ledger_now(const ia_scheduler *s)
{
  return (uint64_t)((int64_t)ia_now() + s->ahead_s);
}

void sch_offer(ia_scheduler *s)
{
  if (!s->stop)
    (void)!ia_loop_post(s->loop, sch_offer_post, s, NULL);
}

typedef struct change {
  ia_scheduler *s;
  bool all;
  ia_h256 task;
} change;

static void changed_post(void *ctx)
{
  change *c = ctx;

  if (!c->s->stop)
    sch_waiters_changed(c->s, c->all ? NULL : &c->task);
  free(c);
}

void sch_changed(ia_scheduler *s, const ia_h256 *task)
{
  change *c = calloc(1, sizeof(*c));

  if (!c)
    return; /* those who wait look again when their time is over */
  c->s = s;
  c->all = !task;
  if (task)
    c->task = *task;
  if (!ia_loop_post(s->loop, changed_post, c, NULL))
    free(c);
}

static void tick(void *ctx)
{
  ia_scheduler *s = ctx;
  uint64_t now = ia_mono_ms();

  sch_polls_tick(s, now);
  sch_waiters_tick(s, now);
  if (s->polls || s->waiters)
    ia_timer_start(s->timer, 1000, 0);
}

void sch_tick_later(ia_scheduler *s)
{
  ia_timer_start(s->timer, 1000, 0);
}

static bool copy_text(char **out, const char *text, const char *without, ia_err *e)
{
  *out = strdup(text ? text : without);
  return *out || ia_fail(e, IA_E_MEMORY, "scheduler: out of memory");
}

static bool copy_texts(ia_scheduler *s, const ia_scheduler_config *c, ia_err *e)
{
  const struct {
    char **to;
    const char *from, *without;
  } all[] = {
      {&s->rpc, c->rpc, ""},
      {&s->market, c->market, ""},
      {&s->sms, c->sms, ""},
      {&s->ipfs, c->ipfs, ""},
      {&s->worker_rpc, c->worker_rpc, c->rpc ? c->rpc : ""},
      {&s->worker_sms, c->worker_sms, c->sms ? c->sms : ""},
      {&s->worker_ipfs, c->worker_ipfs, c->ipfs ? c->ipfs : ""},
      {&s->tee, c->tee, "sim"},
      {&s->outbox, c->sending.outbox, ""},
      {&s->max_fee, c->sending.max_fee, ""},
  };

  for (size_t i = 0; i < IA_COUNT(all); i++) {
    if (!copy_text(all[i].to, all[i].from, all[i].without, e))
      return false;
  }
  return true;
}

static bool copy_config(ia_scheduler *s, const ia_scheduler_config *c, ia_err *e)
{
  if (!c->db || !c->rpc || !c->market || !c->sms || !c->ipfs || !c->key)
    return ia_fail(e, IA_E_USAGE, "scheduler: db, rpc, market, sms, ipfs and key are needed");
  if (c->domain == IA_DOMAIN_NONE || c->lease_seconds > LEASE_MAX_S)
    return ia_fail(e, IA_E_USAGE, "scheduler: domain or lease out of range");
  if (!copy_texts(s, c, e) || !ia_wallet_of_key(&s->wallet, c->key, e))
    return false;
  s->want_hub = c->hub;
  s->want_pool = c->pool;
  s->want_chain = c->chain_id;
  s->domain = c->domain;
  s->final_blocks = c->sending.confirmations;
  s->stuck_ms = c->sending.stuck_ms;
  s->lease_seconds = c->lease_seconds ? c->lease_seconds : SCH_LEASE_SECONDS;
  s->price_nrlc = c->price_nrlc;
  s->order_volume = c->order_volume ? c->order_volume : ORDER_VOLUME;
  s->categories = c->categories ? c->categories : CATEGORIES;
  s->first_block = c->first_block;
  s->reorg_depth = c->reorg_depth;
  s->workers = calloc(c->n_workers ? c->n_workers : 1, sizeof(*s->workers));
  if (!s->workers)
    return ia_fail(e, IA_E_MEMORY, "scheduler: out of memory");
  s->n_workers = c->n_workers;
  for (size_t i = 0; i < c->n_workers; i++)
    s->workers[i].address = c->workers[i];
  return sch_challenges_open(s, e);
}

static bool locks_make(ia_scheduler *s, ia_err *e)
{
  pthread_condattr_t attr;
  bool ok;

  if (pthread_condattr_init(&attr) != 0)
    return ia_fail(e, IA_E_MEMORY, "scheduler: no condition");
  ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
       pthread_cond_init(&s->wake, &attr) == 0 && pthread_mutex_init(&s->lock, NULL) == 0 &&
       pthread_mutex_init(&s->auth_lock, NULL) == 0;
  (void)pthread_condattr_destroy(&attr);
  return ok || ia_fail(e, IA_E_MEMORY, "scheduler: no lock");
}

static void job_ended(void *ctx, bool ran)
{
  ia_scheduler *s = ctx;

  (void)ran;
  s->running--;
}

static bool jobs_start(ia_scheduler *s, ia_err *e)
{
  ia_loop_fn *const jobs[] = {sch_watch_job, sch_actor_job, sch_load_job};

  for (size_t i = 0; i < IA_COUNT(jobs); i++) {
    if (!ia_loop_job(s->loop, IA_POOL_JOBS, jobs[i], job_ended, s, e))
      return false;
    s->running++;
  }
  return true;
}

/* For the pool's first orders: who starts us may tell users then that everything is there. */
static void wait_orders(ia_scheduler *s, const ia_scheduler_config *c)
{
  uint64_t end = ia_mono_ms() + c->wait_ms;

  sch_lock(s);
  while (!(s->orders_up && s->has_sms) && ia_mono_ms() < end && !(c->give_up && c->give_up())) {
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += SLICE_NS;
    if (until.tv_nsec >= 1000000000) {
      until.tv_sec++;
      until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&s->wake, &s->lock, &until);
  }
  sch_unlock(s);
}

bool ia_scheduler_open(ia_scheduler **out, const ia_scheduler_config *c, ia_loop *l, ia_err *e)
{
  IA_AUTO(ia_scheduler) *s = calloc(1, sizeof(*s));

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "scheduler: out of memory");
  s->loop = l;
  if (!locks_make(s, e) || !copy_config(s, c, e) || !sch_store_open(&s->db, c->db, e) ||
      !sch_auth_load(s, e) || !ia_timer_new(&s->timer, l, tick, s, e) || !jobs_start(s, e))
    return false;
  if (c->wait_ms > 0)
    wait_orders(s, c);
  *out = ia_steal(&s);
  return true;
}

static void marked(void *ctx)
{
  *(bool *)ctx = true;
}

/* Posts run in their order: when the last one of ours has, nobody names s any more. */
static void stop_jobs(ia_scheduler *s)
{
  bool last = false;

  s->stop = true;
  sch_lock(s);
  sch_wake(s);
  sch_unlock(s);
  while (s->running > 0)
    ia_loop_wait_posted(s->loop);
  if (!ia_loop_post(s->loop, marked, &last, NULL))
    abort(); /* out of memory with posts under way that name freed memory: nothing sane is left */
  while (!last)
    ia_loop_wait_posted(s->loop);
}

void ia_scheduler_close(ia_scheduler *s)
{
  if (!s)
    return;
  if (s->loop) {
    sch_polls_end(s);
    sch_waiters_end(s);
    stop_jobs(s);
  }
  ia_timer_free(s->timer);
  ia_db_close(s->db);
  ia_wallet_free(s->wallet);
  free(s->rpc);
  free(s->market);
  free(s->sms);
  free(s->ipfs);
  free(s->worker_rpc);
  free(s->worker_sms);
  free(s->worker_ipfs);
  free(s->tee);
  free(s->outbox);
  free(s->max_fee);
  free(s->workers);
  ia_challenges_free(s->challenges);
  pthread_mutex_destroy(&s->lock);
  pthread_mutex_destroy(&s->auth_lock);
  pthread_cond_destroy(&s->wake);
  free(s);
}

bool ia_scheduler_mount(ia_scheduler *s, ia_server *server, ia_err *e)
{
  const ia_routes tables[] = {
      {.rows = sch_worker_rows, .n = sch_n_worker_rows, .ctx = s},
      {.rows = sch_client_rows, .n = sch_n_client_rows, .ctx = s, .cors = true},
  };

  memcpy(s->tables, tables, sizeof(tables));
  return ia_server_mount(server, &s->tables[0], e) && ia_server_mount(server, &s->tables[1], e);
}
