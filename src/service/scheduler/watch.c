/* Following the ledger: deals of our pool, and what becomes of their tasks. */
#include "base/clock.h"
#include "base/crash.h"
#include "base/hex.h"
#include "base/log.h"
#include "chain/about.h"
#include "client/to_sms.h"
#include "eth/address.h"
#include "service/scheduler/internal.h"

enum {
  WAIT_MS = 20000,
  PAUSE_MIN_MS = 100,
  PAUSE_MAX_MS = 5000,
  DEALS_AT_ONCE = 64,
  MOVES_MOST = 10000
};

/* the last one is of the registry of pools */
static const ia_event_id watched[] = {IA_EV_SCHEDULER_NOTICE, IA_EV_ORDERS_MATCHED,
                                      IA_EV_TASK_INITIALIZE,  IA_EV_TASK_FINALIZE,
                                      IA_EV_TASK_CLAIMED,     IA_EV_NFT_TRANSFER};
static const ia_event_id moves[] = {IA_EV_NFT_TRANSFER};

typedef struct watch {
  ia_scheduler *s;
  ia_chain *chain;
  ia_addr places[2];  /* hub, registry of pools */
  bool owners_due;    /* a pool may have changed hands */
  bool owners_always; /* the registry has too many events to read: the owners are asked each time */
} watch;

/* -- connecting -- */

typedef struct pools {
  ia_addr v[SCH_POOLS];
  size_t n;
} pools;

/* The pools of our own ledger's genesis that still are ours. */
static bool local_pools(ia_scheduler *s, ia_chain *c, pools *out, ia_err *e)
{
  IA_AUTO_JSON *info = NULL;
  json_t *all, *one;
  size_t i;

  if (!ia_rpc_call(ia_chain_rpc(c), &info, "iapp_info", NULL, e) ||
      !ia_json_get_addr(info, "pool", &out->v[0], e) || !ia_json_get_arr(info, "pools", &all, e))
    return false;
  out->n = 1;
  json_array_foreach (all, i, one) {
    const char *text = json_string_value(one);
    ia_addr pool, owner;

    if (!text || !ia_addr_parse(&pool, ia_span_str(text), e))
      return ia_fail(e, IA_E_PARSE, "the ledger's pools");
    if (ia_addr_eq(&pool, &out->v[0]) || out->n == SCH_POOLS)
      continue;
    if (!ia_chain_owner(c, &owner, &pool, e))
      return false;
    if (ia_addr_eq(&owner, &s->wallet->address))
      out->v[out->n++] = pool;
  }
  return true;
}

static bool find_pools(ia_scheduler *s, ia_chain *c, pools *out, ia_err *e)
{
  ia_addr owner;

  if (ia_addr_zero(&s->want_pool)) {
    if (!local_pools(s, c, out, e))
      return false;
  } else {
    *out = (pools){.v = {s->want_pool}, .n = 1};
  }
  if (!ia_chain_owner(c, &owner, &out->v[0], e))
    return false;
  /* who served it once follows what becomes of it (ownership.c) */
  return s->n_pools > 0 || ia_addr_eq(&owner, &s->wallet->address) ||
         ia_fail(e, IA_E_FORBIDDEN, "pool %s belongs to %s, not to our key",
                 ia_addr_lower(&out->v[0]).s, ia_addr_lower(&owner).s);
}

bool sch_connect(ia_scheduler *s, ia_chain **out, ia_err *e)
{
  const ia_chain_options o = {.url = s->rpc,
                              .hub = s->want_hub,
                              .chain_id = s->want_chain,
                              .cancel = &s->stop,
                              .sending = {.outbox = s->outbox[0] ? s->outbox : NULL,
                                          .max_fee = s->max_fee[0] ? s->max_fee : NULL,
                                          .confirmations = s->final_blocks,
                                          .stuck_ms = s->stuck_ms}};
  IA_AUTO(ia_chain) *c = NULL;
  pools found = {0};
  ia_chain_info info = {0};

  if (!ia_chain_open(&c, &o, e) || !find_pools(s, c, &found, e) ||
      (s->n_pools == 0 && !ia_chain_info_get(c, &info, e)))
    return false;
  sch_lock(s);
  s->chain_id = ia_chain_id(c);
  s->hub = *ia_chain_hub(c);
  s->pool = found.v[0];
  if (s->n_pools == 0) {
    memcpy(s->pools, found.v, sizeof(s->pools));
    s->n_pools = found.n;
    s->registry = info.registry[IA_ASSET_WORKERPOOL];
  }
  s->ready = true;
  sch_unlock(s);
  pthread_mutex_lock(&s->auth_lock);
  s->auth_pool = found.v[0];
  s->auth_chain = ia_chain_id(c);
  s->auth_ready = true;
  pthread_mutex_unlock(&s->auth_lock);
  *out = ia_steal(&c);
  return true;
}

/* The key of the SMS is learned once and pinned: another one under the same URL is refused. */
static bool sms_learn(ia_scheduler *s, ia_err *e)
{
  IA_AUTOV(ia_sms_info) info = {0};
  IA_AUTOV(ia_buf) pinned = {0};
  IA_AUTO(ia_http) *http = NULL;
  ia_net net = {.sms = s->sms};
  bool ok = true;

  if (!ia_http_new(&http, NULL, e))
    return false;
  net.http = net.secure = http;
  if (!ia_to_sms_info(&net, &info, e))
    return false;
  if (info.simulated != (s->domain == IA_DOMAIN_SIM))
    return ia_fail(e, IA_E_DOMAIN_MISMATCH, "the SMS is of the other domain");
  sch_lock(s);
  ok = sch_meta_get(s, "sms_key", &pinned, e);
  if (ok && pinned.len == 0)
    ok = sch_meta_put(s, "sms_key", IA_SPAN_ARR(info.sms_key.b), e);
  else if (ok && !ia_span_eq(ia_buf_view(&pinned), IA_SPAN_ARR(info.sms_key.b)))
    ok = ia_fail(e, IA_E_UNKNOWN_SMS, "the SMS has another key than the one we know");
  if (ok) {
    s->sms_key = info.sms_key;
    s->confirmations = info.confirmations;
    s->has_sms = true;
  }
  sch_unlock(s);
  ia_crash_point("scheduler-sms-pinned");
  return ok;
}

/* -- events -- */

static bool task_settled(ia_scheduler *s, const ia_h256 *id, const ia_chain_log *log,
                         ia_span results, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET initialized = 1, settle_tx = $2, settle_block = $3,"
                  " settle_hash = $4, results = $5, settled_ms = $6, cause = '', code = '',"
                  " message = '' WHERE task_id = $1 AND (settle_tx IS NULL OR settle_tx <> $2)",
                  e))
    return false;
  ia_bind_h256(st, 1, id);
  ia_bind_h256(st, 2, &log->tx);
  ia_bind_u64(st, 3, log->block);
  ia_bind_h256(st, 4, &log->block_hash);
  ia_bind_textn(st, 5, ia_utf8_valid(results) ? results : ia_span_of("", 0));
  ia_bind_u64(st, 6, ia_now_ms());
  if (!ia_stmt_run(st, e))
    return false;
  return ia_db_changes(s->db) == 0 ||
         (sch_task_set_state(s, id, SCH_COMPLETED, e) && sch_receipt_make(s, id, e));
}

static bool block_put(ia_scheduler *s, const char *sql, const ia_h256 *id, const ia_chain_log *log,
                      ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db, sql, e))
    return false;
  ia_bind_h256(st, 1, id);
  ia_bind_u64(st, 2, log->block);
  return ia_stmt_run(st, e);
}

static bool task_claimed(ia_scheduler *s, const ia_h256 *id, const ia_chain_log *log, ia_err *e)
{
  sch_task t;
  ia_err why = {0};

  if (!sch_task_get(s, &t, id, &why))
    return why.code == IA_E_NOT_FOUND || (e && (*e = why, false));
  if (!block_put(s, "UPDATE tasks SET settle_block = $2 WHERE task_id = $1", id, log, e))
    return false;
  if (t.state == SCH_FAILED)
    return true; /* read again */
  if (t.cause[0] == '\0' &&
      !sch_task_set_cause(s, id, "CONTRIBUTION_TIMEOUT", "DEADLINE_PASSED",
                          "no result came before the deadline; the money went back", e))
    return false;
  return sch_task_set_state(s, id, SCH_FAILED, e) && sch_receipt_make(s, id, e);
}

static bool task_initialized(ia_scheduler *s, const ia_h256 *id, const ia_chain_log *log, ia_err *e)
{
  ia_stmt *st;

  if (!block_put(s,
                 "UPDATE tasks SET initialized = 1, init_block = $2,"
                 " next_try = CASE state WHEN 0 THEN 0 ELSE next_try END WHERE task_id = $1",
                 id, log, e))
    return false;
  if (ia_db_changes(s->db) == 0)
    return true;
  if (!ia_db_stmt(&st, s->db, "SELECT state FROM tasks WHERE task_id = $1 AND state = 0", e))
    return false;
  ia_bind_h256(st, 1, id);
  bool row;
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return true;
  ia_stmt_reset(st);
  return sch_task_set_state(s, id, SCH_INITIALIZED, e);
}

static bool effect(ia_scheduler *s, const ia_chain_log *log, ia_err *e)
{
  ia_event ev;

  if (ia_event_is(&log->entry, IA_EV_TASK_INITIALIZE))
    return !ia_event_decode(&ev, IA_EV_TASK_INITIALIZE, &log->entry, NULL) ||
           task_initialized(s, &ev.id[0], log, e);
  if (ia_event_is(&log->entry, IA_EV_TASK_FINALIZE))
    return !ia_event_decode(&ev, IA_EV_TASK_FINALIZE, &log->entry, NULL) ||
           task_settled(s, &ev.id[0], log, ev.bytes[0], e);
  if (ia_event_is(&log->entry, IA_EV_TASK_CLAIMED))
    return !ia_event_decode(&ev, IA_EV_TASK_CLAIMED, &log->entry, NULL) ||
           task_claimed(s, &ev.id[0], log, e);
  return true;
}

static bool is_ours(const ia_scheduler *s, const ia_addr *pool)
{
  for (size_t i = 0; i < s->n_pools; i++)
    if (ia_addr_eq(&s->pools[i], pool))
      return true;
  return false;
}

/* SchedulerNotice of a pool of ours stands in the same transaction as OrdersMatched. */
static bool noticed(const ia_scheduler *s, const ia_chain_logs *logs, const ia_event *matched,
                    const ia_chain_log *log)
{
  ia_event ev;

  for (size_t i = 0; i < logs->n; i++) {
    if (ia_h256_eq(&logs->v[i].tx, &log->tx) &&
        ia_event_is(&logs->v[i].entry, IA_EV_SCHEDULER_NOTICE) &&
        ia_event_decode(&ev, IA_EV_SCHEDULER_NOTICE, &logs->v[i].entry, NULL) &&
        is_ours(s, &ev.addr[0]) && ia_h256_eq(&ev.id[0], &matched->id[0]))
      return true;
  }
  return false;
}

static bool is_others(watch *w, const sch_deal *d)
{
  if (ia_addr_eq(&d->deal.workerpool.owner, &w->s->wallet->address))
    return false;
  ia_log(IA_LOG_WARN, "deal.not_ours", "deal=%s pool=%s owner=%s", ia_h256_text(&d->id).s,
         ia_addr_text(&d->deal.workerpool.pointer).s, ia_addr_text(&d->deal.workerpool.owner).s);
  return true;
}

static bool take_deal(watch *w, const ia_event *matched, const ia_chain_log *log, ia_err *e)
{
  IA_AUTOV(sch_deal) d = {0};
  IA_AUTO(ia_tx) *tx = NULL;
  SCH_LOCKED *held = NULL;

  if (!sch_deal_load(w->s, w->chain, &d, matched, log, e))
    return false;
  if (is_others(w, &d))
    return true; /* of a pool that was given away: only its owner can authorise a worker */
  held = w->s;
  sch_lock(held);
  if (!ia_tx_begin(&tx, held->db, e) || !sch_deal_put(held, &d, e) || !ia_tx_commit(&tx, e))
    return false;
  ia_crash_point("scheduler-deal");
  held->load_due |= d.pending;
  sch_wake(held);
  ia_log(IA_LOG_INFO, "deal.seen", "deal=%s cause=%s", ia_h256_text(&d.id).s, d.cause);
  return true;
}

/* Its volume is gone from the pool's order, whether the deal can be taken or not. */
static void count_sold(ia_scheduler *s, const ia_u256 *volume)
{
  SCH_LOCKED *held = s;
  uint64_t n;

  sch_lock(held);
  if (!ia_u256_u64(&n, volume) || n > held->order_volume)
    n = held->order_volume; /* no deal takes more than an order has */
  held->sold = held->sold > UINT64_MAX - n ? UINT64_MAX : held->sold + n;
  sch_wake(held);
}

/* A deal that cannot be taken is named and left out: it stops neither the cursor nor the others. */
static bool take_or_skip(watch *w, const ia_event *matched, const ia_chain_log *log, ia_err *e)
{
  ia_err why = {0};

  if (take_deal(w, matched, log, &why)) {
    count_sold(w->s, &matched->value[0]);
    return true;
  }
  if (sch_may_pass(&why)) {
    *e = why;
    return false;
  }
  ia_log(IA_LOG_ERROR, "deal.skipped", "deal=%s code=%s reason=\"%s\"",
         ia_h256_text(&matched->id[0]).s, ia_code_name(why.code), why.msg);
  count_sold(w->s, &matched->value[0]);
  return true;
}

static bool on_blocks(void *ctx, const ia_chain_logs *logs, const ia_cursor *to, ia_span past,
                      ia_err *e)
{
  watch *w = ctx;
  SCH_LOCKED *held = NULL;
  IA_AUTO(ia_tx) *tx = NULL;
  ia_event ev;

  for (size_t i = 0; i < logs->n; i++) {
    const ia_chain_log *log = &logs->v[i];

    w->owners_due |= sch_moves_pool(w->s, log);
    if (ia_event_is(&log->entry, IA_EV_ORDERS_MATCHED) &&
        ia_event_decode(&ev, IA_EV_ORDERS_MATCHED, &log->entry, NULL) &&
        noticed(w->s, logs, &ev, log) && !take_or_skip(w, &ev, log, e))
      return false;
  }
  held = w->s;
  sch_lock(held);
  if (!ia_tx_begin(&tx, held->db, e))
    return false;
  for (size_t i = 0; i < logs->n; i++) {
    if (!effect(held, &logs->v[i], e))
      return false;
  }
  if (!sch_cursor_put(held, to, past, e) || !ia_tx_commit(&tx, e))
    return false;
  held->head = to->number;
  ia_crash_point("scheduler-cursor");
  for (size_t i = 0; i < logs->n; i++) {
    if (logs->v[i].entry.n_topics > 1)
      sch_changed(held, &logs->v[i].entry.topics[1]);
  }
  sch_wake(held);
  sch_offer(held);
  return true;
}

static bool on_rollback(void *ctx, const ia_cursor *to, ia_span past, ia_err *e)
{
  watch *w = ctx;
  SCH_LOCKED *held = w->s;
  IA_AUTO(ia_tx) *tx = NULL;

  sch_lock(held);
  if (!ia_tx_begin(&tx, held->db, e) || !sch_undo(held, to, e) ||
      !sch_cursor_put(held, to, past, e) || !ia_tx_commit(&tx, e))
    return false;
  held->head = to->number;
  w->owners_due = true;
  sch_wake(held);
  sch_changed(held, NULL);
  return true;
}

/* The registry of pools, where strangers make entries as they like. */
static bool on_skip(void *ctx, const ia_addr *who, const ia_err *why, ia_err *e IA_UNUSED)
{
  watch *w = ctx;

  ia_log(IA_LOG_WARN, "pool.registry", "registry=%s reason=\"%s\"", ia_addr_text(who).s, why->msg);
  w->owners_always = true;
  return true;
}

/* -- the job -- */

/* The actor judges deadlines by the ledger's clock, which tests set forward, and which on a chain
 * of others may be before or behind ours. While no block comes it goes on like ours. */
static bool clock_read(watch *w, ia_err *e)
{
  ia_scheduler *s = w->s;
  ia_block head;
  uint64_t time;

  if (!ia_chain_head(w->chain, &head, e))
    return false;
  time = head.timestamp;
  if (!ia_chain_is_local(w->chain) && !ia_chain_time(w->chain, &head, &time, e))
    return false;
  int64_t ahead = (int64_t)time - (int64_t)ia_now();
  /* a block of our own ledger is as old as the last transaction: it says nothing of now */
  if (ia_chain_is_local(w->chain) && ahead < 0)
    ahead = 0;
  sch_lock(s);
  if (ia_chain_is_local(w->chain) || s->clock_head != head.number + 1 || ahead > s->ahead_s)
    s->ahead_s = ahead;
  s->clock_head = head.number + 1;
  sch_wake(s);
  sch_unlock(s);
  return true;
}

static bool start_following(watch *w, ia_follow **f, ia_err *e)
{
  bool local = ia_chain_is_local(w->chain);
  /* on our own ledger one question for both costs nothing; elsewhere the hub has many Transfers */
  ia_follow_config cfg = {.addresses = w->places,
                          .n_addresses = local ? 2 : 1,
                          .events = watched,
                          .n_events = IA_COUNT(watched) - (local ? 0 : 1),
                          .aside = &w->s->registry,
                          .n_aside = local ? 0 : 1,
                          .aside_most = MOVES_MOST,
                          .aside_events = moves,
                          .n_aside_events = IA_COUNT(moves),
                          .skip = on_skip,
                          .first = w->s->first_block,
                          .depth = w->s->reorg_depth,
                          .blocks = on_blocks,
                          .rollback = on_rollback,
                          .ctx = w};
  IA_AUTOV(ia_buf) past = {0};
  ia_cursor from;
  bool ok;

  w->places[0] = *ia_chain_hub(w->chain);
  w->places[1] = w->s->registry;
  sch_lock(w->s);
  ok = sch_cursor_get(w->s, &from, &past, e);
  w->s->head = from.number;
  sch_unlock(w->s);
  cfg.past = ia_buf_view(&past);
  return ok && ia_follow_new(f, w->chain, &cfg, &from, e);
}

static bool look_at_owners(watch *w, ia_err *e)
{
  if (!w->owners_due && !w->owners_always)
    return true;
  w->owners_due = false;
  if (sch_owners_read(w->s, w->chain, e))
    return true;
  w->owners_due = true;
  return false;
}

static bool follow(watch *w, ia_err *e)
{
  IA_AUTO(ia_follow) *f = NULL;

  w->owners_due = true;
  if (!start_following(w, &f, e) || !ia_follow_catch_up(f, e) || !clock_read(w, e) ||
      !look_at_owners(w, e))
    return false;
  while (!w->s->stop) {
    uint64_t before = ia_follow_cursor(f)->number;

    if (!ia_follow_wait(f, WAIT_MS, e) || !look_at_owners(w, e))
      return false;
    if (ia_follow_cursor(f)->number != before && !clock_read(w, e))
      return false;
  }
  return true;
}

static bool watch_once(ia_scheduler *s, ia_err *e)
{
  IA_AUTO(ia_chain) *chain = NULL;
  watch w = {.s = s};

  if (!sch_connect(s, &chain, e) || (!s->has_sms && !sms_learn(s, e)))
    return false;
  w.chain = chain;
  sch_lock(s);
  sch_wake(s);
  sch_unlock(s);
  return follow(&w, e);
}

void sch_watch_job(void *ctx)
{
  ia_scheduler *s = ctx;
  uint32_t pause = PAUSE_MIN_MS;

  while (!s->stop) {
    uint64_t began = ia_mono_ms();
    ia_err why = {0};

    if (watch_once(s, &why) || s->stop)
      continue;
    if (ia_mono_ms() - began > PAUSE_MAX_MS)
      pause = PAUSE_MIN_MS;
    ia_log(pause >= PAUSE_MAX_MS ? IA_LOG_WARN : IA_LOG_INFO, "ledger.follow",
           "code=%s reason=\"%s\"", ia_code_name(why.code), why.msg);
    sch_pause(s, pause);
    pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
  }
}
