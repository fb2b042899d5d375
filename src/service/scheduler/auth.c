/* Who sent this? Workers sign every request with their wallet over method, path, body, a counter
 * and the pool; a counter is good once. */
#include "base/clock.h"
#include "base/hex.h"
#include "crypto/keccak.h"
#include "crypto/sha.h"
#include "eth/eip191.h"
#include "service/scheduler/internal.h"

enum { WINDOW = 256 };

sch_worker *sch_worker_of(ia_scheduler *s, const ia_addr *a)
{
  for (size_t i = 0; i < s->n_workers; i++) {
    if (ia_addr_eq(&s->workers[i].address, a))
      return &s->workers[i];
  }
  return NULL;
}

static void window_shift(sch_worker *w, uint64_t by)
{
  uint64_t old[4];

  memcpy(old, w->window, sizeof(old));
  memset(w->window, 0, sizeof(w->window));
  for (uint64_t i = 0; by < WINDOW && i + by < WINDOW; i++) {
    if (old[i / 64] >> (i % 64) & 1)
      w->window[(i + by) / 64] |= 1ull << ((i + by) % 64);
  }
}

/* Requests of several connections may overtake one another; none counts twice. */
static bool counter_take(sch_worker *w, uint64_t counter)
{
  uint64_t behind;

  if (counter > w->highest) {
    window_shift(w, counter - w->highest);
    w->highest = counter;
    w->window[0] |= 1;
    return true;
  }
  behind = w->highest - counter;
  if (behind >= WINDOW || (w->window[behind / 64] >> (behind % 64) & 1))
    return false;
  w->window[behind / 64] |= 1ull << (behind % 64);
  return true;
}

static void signed_hash(ia_h256 *out, ia_request *rq, uint64_t counter, const ia_addr *pool)
{
  IA_AUTOV(ia_buf) m = {0};
  ia_h256 body;

  ia_sha256(&body, ia_request_body(rq));
  ia_buf_lp_str(&m, "iapp-worker/v1");
  ia_buf_lp(&m, ia_request_method(rq));
  ia_buf_lp(&m, ia_request_target(rq));
  ia_buf_lp(&m, IA_SPAN_ARR(body.b));
  ia_buf_u64be(&m, counter);
  ia_buf_lp(&m, IA_SPAN_ARR(pool->b));
  ia_keccak256(out, ia_buf_view(&m));
}

static bool fields_read(ia_request *rq, ia_addr *who, uint64_t *counter, ia_buf *sig, ia_err *e)
{
  ia_span a = ia_request_header(rq, "X-Iapp-Worker"), c = ia_request_header(rq, "X-Iapp-Counter");
  ia_u256 wide;

  if (a.len != 42 || !ia_unhex(who->b, sizeof(who->b), a) || !ia_u256_parse(&wide, c, NULL) ||
      !ia_u256_u64(counter, &wide) || !ia_unhex_buf(sig, ia_request_header(rq, "X-Iapp-Signature")))
    return ia_fail(e, IA_E_UNAUTHORIZED, "the request is not signed by a worker");
  return true;
}

bool sch_auth(ia_scheduler *s, ia_request *rq, ia_addr *worker, ia_err *e)
{
  IA_AUTOV(ia_buf) sig = {.cap = 128};
  ia_addr who, signer, pool;
  uint64_t counter;
  bool ready, fresh;
  sch_worker *w;
  ia_h256 h;

  if (!fields_read(rq, &who, &counter, &sig, e))
    return false;
  w = sch_worker_of(s, &who);
  if (!w)
    return ia_fail(e, IA_E_FORBIDDEN, "this pool does not admit worker %s", ia_addr_lower(&who).s);
  pthread_mutex_lock(&s->auth_lock);
  ready = s->auth_ready;
  pool = s->auth_pool;
  pthread_mutex_unlock(&s->auth_lock);
  if (!ready)
    return ia_fail(e, IA_E_UNAVAILABLE, "the scheduler waits for its ledger");
  signed_hash(&h, rq, counter, &pool);
  if (!ia_eip191_recover(&signer, IA_SPAN_ARR(h.b), ia_buf_view(&sig), NULL) ||
      !ia_addr_eq(&signer, &who))
    return ia_fail(e, IA_E_UNAUTHORIZED, "the worker's signature does not fit this request");
  pthread_mutex_lock(&s->auth_lock);
  fresh = counter_take(w, counter);
  if (fresh)
    w->last_ms = ia_mono_ms();
  pthread_mutex_unlock(&s->auth_lock);
  if (!fresh)
    return ia_fail(e, IA_E_UNAUTHORIZED, "the request's counter was used before");
  *worker = who;
  return true;
}

bool sch_auth_load(ia_scheduler *s, ia_err *e)
{
  ia_stmt *st;
  bool row;

  if (!ia_db_stmt(&st, s->db, "SELECT address, counter, boot FROM workers", e))
    return false;
  for (;;) {
    sch_worker *w;
    ia_addr a;

    if (!ia_stmt_step(st, &row, e))
      return false;
    if (!row)
      return true;
    if (!ia_col_addr(st, 0, &a, e))
      return false;
    w = sch_worker_of(s, &a);
    if (w) {
      w->highest = ia_col_u64(st, 1);
      sch_copy(w->boot, sizeof(w->boot), ia_col_text(st, 2));
      memset(w->window, 0xff, sizeof(w->window)); /* what came before the restart is over */
    }
  }
}

bool sch_auth_keep(ia_scheduler *s, const ia_addr *worker, ia_err *e)
{
  sch_worker *w = sch_worker_of(s, worker);
  char boot[sizeof(w->boot)];
  uint64_t highest;
  ia_stmt *st;

  if (!w)
    return true;
  pthread_mutex_lock(&s->auth_lock);
  highest = w->highest;
  memcpy(boot, w->boot, sizeof(boot));
  pthread_mutex_unlock(&s->auth_lock);
  if (!ia_db_stmt(&st, s->db,
                  "INSERT INTO workers (address, counter, boot) VALUES ($1, $2, $3)"
                  " ON CONFLICT (address) DO UPDATE SET counter = excluded.counter,"
                  " boot = excluded.boot",
                  e))
    return false;
  ia_bind_addr(st, 1, worker);
  ia_bind_u64(st, 2, highest);
  ia_bind_text(st, 3, boot);
  return ia_stmt_run(st, e);
}

bool sch_worker_alive(ia_scheduler *s, const sch_worker *w)
{
  uint64_t last;

  pthread_mutex_lock(&s->auth_lock);
  last = w->last_ms;
  pthread_mutex_unlock(&s->auth_lock);
  return last != 0 && ia_mono_ms() - last < SCH_ALIVE_MS;
}

static bool serves(ia_scheduler *s, const sch_worker *w)
{
  return sch_worker_alive(s, w) && sch_takes_tasks(s, &w->address);
}

bool sch_others_alive(ia_scheduler *s, const ia_addr *but)
{
  for (size_t i = 0; i < s->n_workers; i++) {
    if (!ia_addr_eq(&s->workers[i].address, but) && serves(s, &s->workers[i]))
      return true;
  }
  return false;
}

static bool tried(ia_scheduler *s, const ia_h256 *task, const ia_addr *worker, bool *row, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db, "SELECT 1 FROM attempts WHERE task_id = $1 AND worker = $2 LIMIT 1",
                  e))
    return false;
  ia_bind_h256(st, 1, task);
  ia_bind_addr(st, 2, worker);
  if (!ia_stmt_step(st, row, e))
    return false;
  if (*row)
    ia_stmt_reset(st);
  return true;
}

bool sch_others_untried(ia_scheduler *s, const ia_h256 *task, const ia_addr *but, unsigned *untried,
                        ia_err *e)
{
  *untried = 0;
  for (size_t i = 0; i < s->n_workers; i++) {
    const sch_worker *w = &s->workers[i];
    bool had = false;

    if (!serves(s, w) || ia_addr_eq(&w->address, but))
      continue;
    if (!tried(s, task, &w->address, &had, e))
      return false;
    *untried += !had;
  }
  return true;
}

bool sch_booted(ia_scheduler *s, const ia_addr *worker, const char *boot)
{
  sch_worker *w = sch_worker_of(s, worker);
  bool anew;

  if (!w || !boot || !boot[0])
    return false;
  pthread_mutex_lock(&s->auth_lock);
  anew = strncmp(w->boot, boot, sizeof(w->boot) - 1) != 0;
  sch_copy(w->boot, sizeof(w->boot), boot);
  pthread_mutex_unlock(&s->auth_lock);
  return anew;
}
