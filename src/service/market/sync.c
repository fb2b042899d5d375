/* Following the ledger: deals come, orders are consumed, closed, or orphaned by a transfer.
 * Statuses are read from the ledger at the time of the event, not counted, so that an event seen
 * twice does no harm. */
#include <stdio.h>
#include <string.h>

#include "service/market/market_int.h"

/* Blocks that may come between a step and the questions that it asks: what was looked up then may
 * be of one of those, which a rewrite takes as well. */
enum { AHEAD = 16 };

static const ia_event_id followed[] = {
    IA_EV_ORDERS_MATCHED,          IA_EV_CLOSED_APP_ORDER,     IA_EV_CLOSED_DATASET_ORDER,
    IA_EV_CLOSED_WORKERPOOL_ORDER, IA_EV_CLOSED_REQUEST_ORDER, IA_EV_TRANSFER,
};
static const ia_event_id of_groups[] = {IA_EV_KEY_ADDED, IA_EV_KEY_REMOVED};

static bool set_status(ia_db *db, const ia_h256 *hash, const char *status, uint64_t remaining,
                       uint64_t block, ia_err *e)
{
  ia_stmt *s;

  if (!ia_db_stmt(&s, db,
                  "UPDATE orders SET status = $2, remaining = $3, changed = $4,"
                  " looked = max($4, (SELECT block FROM meta)) WHERE hash = $1",
                  e))
    return false;
  ia_bind_h256(s, 1, hash);
  ia_bind_text(s, 2, status);
  ia_bind_u64(s, 3, remaining);
  ia_bind_u64(s, 4, block);
  return ia_stmt_run(s, e);
}

static bool status_of(ia_db *db, const ia_h256 *hash, char *out, size_t size, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db, "SELECT status FROM orders WHERE hash = $1", e))
    return false;
  ia_bind_h256(s, 1, hash);
  if (!ia_stmt_step(s, &row, e))
    return false;
  (void)snprintf(out, size, "%s", row ? ia_col_text(s, 0) : "");
  ia_stmt_reset(s);
  return true;
}

static bool hashes_of(ia_stmt *s, ia_buf *out, ia_err *e)
{
  for (;;) {
    ia_h256 hash;
    bool row;

    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      return ia_buf_ok(out, e);
    if (!ia_col_h256(s, 0, &hash, e))
      return false;
    ia_buf_put(out, hash.b, sizeof(hash.b));
  }
}

bool ia_market_recheck_requests(ia_db *db, const order_row *gone, uint64_t block, json_t *dead,
                                ia_err *e)
{
  IA_AUTOV(ia_buf) list = {0};
  ia_span in;
  ia_stmt *s;
  ia_h256 hash;

  if (gone->kind != IA_ORDER_APP && gone->kind != IA_ORDER_DATASET)
    return true;
  if (!ia_db_stmt(&s, db,
                  "SELECT hash FROM orders WHERE kind = $1 AND status = 'open'"
                  " AND ($2 = 0 AND app = $3 OR $2 = 1 AND dataset = $3)",
                  e))
    return false;
  ia_bind_u64(s, 1, IA_ORDER_REQUEST);
  ia_bind_u64(s, 2, gone->kind == IA_ORDER_DATASET);
  ia_bind_addr(s, 3, &gone->asset);
  if (!hashes_of(s, &list, e))
    return false;
  for (in = ia_buf_view(&list); ia_span_copy(&in, hash.b, sizeof(hash.b));) {
    order_row r;
    bool yes;

    if (!ia_market_row_load(db, &r, &hash, e) || !ia_market_matchable(db, &yes, &r, NULL, e) ||
        (!yes && !set_status(db, &hash, "dead", r.remaining, block, e)))
      return false;
    if (!yes && dead && json_array_append_new(dead, ia_json_h256(&hash)) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for a list");
  }
  return true;
}

/* An order that an event names: what is left of it. Unknown orders are nobody's concern. */
static bool touch(worker *w, const ia_h256 *hash, bool closed, uint64_t block, ia_err *e)
{
  ia_err why = {0};
  char status[16];
  uint64_t used = 0;
  ia_u256 consumed;
  order_row r;

  if (!ia_market_row_load(w->db, &r, hash, &why)) {
    if (e && why.code != IA_E_NOT_FOUND)
      *e = why;
    return why.code == IA_E_NOT_FOUND;
  }
  if (!status_of(w->db, hash, status, sizeof(status), e) ||
      !ia_chain_consumed(w->chain, &consumed, hash, e))
    return false;
  if (!ia_u256_u64(&used, &consumed) || used >= r.volume) {
    const char *end = closed || strcmp(status, "canceled") == 0 ? "canceled" : "filled";

    return set_status(w->db, hash, end, 0, block, e) &&
           (strcmp(status, "open") != 0 || ia_market_recheck_requests(w->db, &r, block, NULL, e));
  }
  return set_status(w->db, hash, status, r.volume - used, block, e);
}

static bool current_owner(const order_row *r, ia_chain *c, ia_addr *owner, ia_err *e)
{
  if (r->kind != IA_ORDER_REQUEST)
    return ia_chain_owner(c, owner, &r->asset, e);
  *owner = r->requester;
  return true;
}

/* An open order whose maker cannot pay, or a request that nothing would match, is dead. */
static bool recheck_means(worker *w, const ia_h256 *hash, ia_err *e)
{
  ia_account account;
  char status[16];
  bool yes = true;
  order_row r;

  if (!ia_market_row_load(w->db, &r, hash, e) || !status_of(w->db, hash, status, sizeof(status), e))
    return false;
  if (strcmp(status, "open") != 0 || r.kind < IA_ORDER_WORKERPOOL)
    return true;
  if (!ia_chain_account(w->chain, &account, &r.signer, e) ||
      (r.kind == IA_ORDER_REQUEST && !ia_market_matchable(w->db, &yes, &r, NULL, e)))
    return false;
  return (yes && ia_market_stake_ok(&r, &account.stake)) ||
         set_status(w->db, hash, "dead", r.remaining, 0, e);
}

bool ia_market_recheck(ia_market *m, worker *w, const ia_h256 *hash, ia_err *e)
{
  ia_err why = {0};
  order_row r;
  ia_addr owner;

  if (!ia_market_row_load(w->db, &r, hash, e))
    return false;
  /* an asset that a rewrite took has no owner, and the call reverts */
  bool owned = current_owner(&r, w->chain, &owner, &why);
  if (!owned && why.code != IA_E_REVERT && why.code != IA_E_NOT_FOUND) {
    if (e)
      *e = why;
    return false;
  }
  /* its groups may have been dropped while it was not open; too many are no reason to stop here */
  if (!ia_market_learn_groups(m, w, &r, &why) && why.code != IA_E_FORBIDDEN) {
    if (e)
      *e = why;
    return false;
  }
  const char *status = owned && ia_addr_eq(&owner, &r.signer) ? "open" : "dead";
  return set_status(w->db, hash, status, r.remaining, 0, e) && touch(w, hash, false, 0, e) &&
         recheck_means(w, hash, e);
}

static bool dead_by(ia_db *db, ia_stmt *s, uint64_t block, ia_err *e)
{
  IA_AUTOV(ia_buf) list = {0};
  ia_span in;
  ia_h256 hash;

  if (!hashes_of(s, &list, e))
    return false;
  for (in = ia_buf_view(&list); ia_span_copy(&in, hash.b, sizeof(hash.b));) {
    order_row r;

    if (!ia_market_row_load(db, &r, &hash, e) ||
        !set_status(db, &hash, "dead", r.remaining, block, e) ||
        !ia_market_recheck_requests(db, &r, block, NULL, e))
      return false;
  }
  return true;
}

/* An asset that went to another owner, and the block. */
typedef struct moved {
  ia_addr asset;
  uint64_t block;
} moved;

static int by_asset(const void *pa, const void *pb)
{
  const moved *a = pa, *b = pb;
  int d = memcmp(a->asset.b, b->asset.b, sizeof(a->asset.b));

  return d ? d : a->block < b->block ? -1 : a->block > b->block;
}

/* What others than its owner of today signed for an asset can be matched no more. Today's, not the
 * event's: events are read again after a rewrite and by a reindex. */
static bool asset_moved(worker *w, const moved *v, ia_err *e)
{
  ia_addr owner;
  ia_stmt *s;
  bool any;

  if (!ia_db_stmt(&s, w->db,
                  "SELECT 1 FROM orders WHERE asset = $1 AND status = 'open' AND kind < $2 LIMIT 1",
                  e))
    return false;
  ia_bind_addr(s, 1, &v->asset);
  ia_bind_u64(s, 2, IA_ORDER_REQUEST);
  if (!ia_stmt_step(s, &any, e))
    return false;
  ia_stmt_reset(s);
  if (!any)
    return true;
  if (!ia_chain_owner(w->chain, &owner, &v->asset, e) ||
      !ia_db_stmt(&s, w->db,
                  "SELECT hash FROM orders WHERE asset = $1 AND signer <> $2 AND status = 'open'"
                  " AND kind < $3",
                  e))
    return false;
  ia_bind_addr(s, 1, &v->asset);
  ia_bind_addr(s, 2, &owner);
  ia_bind_u64(s, 3, IA_ORDER_REQUEST);
  return dead_by(w->db, s, v->block, e);
}

/* Each asset once, however often it went to and fro. */
static bool assets_moved(worker *w, const ia_chain_logs *logs, ia_err *e)
{
  ia_autofree moved *v = calloc(logs->n + 1, sizeof(*v));
  size_t n = 0;
  ia_event ev;

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "no memory for transfers");
  for (size_t i = 0; i < logs->n; i++) {
    const ia_chain_log *log = &logs->v[i];
    uint8_t be[32];

    if (!ia_event_is(&log->entry, IA_EV_NFT_TRANSFER) ||
        !ia_event_decode(&ev, IA_EV_NFT_TRANSFER, &log->entry, NULL) || ia_addr_zero(&ev.addr[0]))
      continue; /* of something else, or newly made */
    ia_u256_to_be(be, &ev.value[0]);
    memcpy(v[n].asset.b, be + 12, sizeof(v[n].asset.b));
    v[n++].block = log->block;
  }
  qsort(v, n, sizeof(*v), by_asset);
  for (size_t i = 0; i < n; i++)
    if ((i + 1 == n || !ia_addr_eq(&v[i].asset, &v[i + 1].asset)) && !asset_moved(w, &v[i], e))
      return false;
  return true;
}

/* Stake left an account: its pool and request orders need enough of what is left. */
static bool stake_moved(worker *w, const ia_event *ev, uint64_t block, ia_err *e)
{
  IA_AUTOV(ia_buf) list = {0};
  ia_span in;
  ia_account account;
  ia_stmt *s;
  ia_h256 hash;

  if (ia_addr_zero(&ev->addr[0]))
    return true;
  if (!ia_db_stmt(&s, w->db,
                  "SELECT hash FROM orders WHERE signer = $1 AND kind >= $2 AND status = 'open'"
                  " AND need > 0",
                  e))
    return false;
  ia_bind_addr(s, 1, &ev->addr[0]);
  ia_bind_u64(s, 2, IA_ORDER_WORKERPOOL);
  if (!hashes_of(s, &list, e))
    return false;
  if (list.len > 0 && !ia_chain_account(w->chain, &account, &ev->addr[0], e))
    return false;
  for (in = ia_buf_view(&list); ia_span_copy(&in, hash.b, sizeof(hash.b));) {
    order_row r;

    if (!ia_market_row_load(w->db, &r, &hash, e) ||
        (!ia_market_stake_ok(&r, &account.stake) &&
         !set_status(w->db, &hash, "dead", r.remaining, block, e)))
      return false;
  }
  return true;
}

static bool on_log(ia_market *m, worker *w, const ia_chain_log *log, ia_err *e)
{
  bool hub = ia_addr_eq(&log->entry.address, &m->hub);
  ia_event ev;

  if (ia_event_is(&log->entry, IA_EV_TRANSFER) && hub)
    return !ia_event_decode(&ev, IA_EV_TRANSFER, &log->entry, NULL) ||
           stake_moved(w, &ev, log->block, e);
  if (ia_event_is(&log->entry, IA_EV_NFT_TRANSFER))
    return true; /* assets_moved */
  if (!hub)
    return ia_market_on_key(m, w, &log->entry, e);
  for (size_t i = 1; i <= IA_ORDER_KINDS; i++)
    if (ia_event_is(&log->entry, followed[i]))
      return ia_event_decode(&ev, followed[i], &log->entry, e) &&
             touch(w, &ev.id[0], true, log->block, e);
  if (!ia_event_is(&log->entry, IA_EV_ORDERS_MATCHED))
    return true;
  return ia_event_decode(&ev, IA_EV_ORDERS_MATCHED, &log->entry, e) &&
         ia_market_store_deal(m, w, log, &ev, e) && touch(w, &ev.id[1], false, log->block, e) &&
         touch(w, &ev.id[2], false, log->block, e) && touch(w, &ev.more[0], false, log->block, e) &&
         touch(w, &ev.more[1], false, log->block, e);
}

static bool save_cursor(ia_db *db, const ia_cursor *c, ia_span past, ia_err *e)
{
  ia_stmt *s;

  if (!ia_db_stmt(&s, db, "UPDATE meta SET block = $1, hash = $2, past = $3", e))
    return false;
  ia_bind_u64(s, 1, c->number);
  ia_bind_h256(s, 2, &c->hash);
  ia_bind_blob(s, 3, past);
  return ia_stmt_run(s, e);
}

static bool on_blocks(void *ctx, const ia_chain_logs *logs, const ia_cursor *to, ia_span past,
                      ia_err *e)
{
  ia_market *m = ctx;
  worker *w = m->sync_worker;
  IA_AUTO(ia_tx) *tx = NULL;

  if (!ia_tx_begin(&tx, w->db, e))
    return false;
  for (size_t i = 0; i < logs->n; i++)
    if (!on_log(m, w, &logs->v[i], e))
      return false;
  if (!assets_moved(w, logs, e))
    return false;
  uint64_t before = ia_follow_cursor(m->follow)->number;
  return save_cursor(w->db, to, past, e) && ia_tx_commit(&tx, e) &&
         ia_market_tell_blocks(m, w->db, before, to->number, e);
}

/* Everything that blocks above `to` did is looked up anew; requests last, for they live on others.
 */
static bool undo(ia_market *m, worker *w, const ia_cursor *to, ia_span past, ia_err *e)
{
  /* without a hash nothing is left, whatever block it begins with */
  const uint64_t above = ia_h256_zero(&to->hash) ? 0 : to->number;
  IA_AUTOV(ia_buf) list = {0};
  IA_AUTO(ia_tx) *tx = NULL;
  ia_span in;
  ia_stmt *s;
  ia_h256 hash;

  if (!ia_tx_begin(&tx, w->db, e) ||
      !ia_db_stmt(&s, w->db, "DELETE FROM deals WHERE block > $1", e))
    return false;
  ia_bind_u64(s, 1, above);
  if (!ia_stmt_run(s, e) ||
      !ia_db_stmt(&s, w->db, "SELECT hash FROM orders WHERE looked > $1 ORDER BY kind", e))
    return false;
  ia_bind_u64(s, 1, above > AHEAD ? above - AHEAD : 0);
  if (!hashes_of(s, &list, e))
    return false;
  for (in = ia_buf_view(&list); ia_span_copy(&in, hash.b, sizeof(hash.b));)
    if (!ia_market_recheck(m, w, &hash, e))
      return false;
  return ia_market_groups_forget(m, w->db, e) && save_cursor(w->db, to, past, e) &&
         ia_tx_commit(&tx, e);
}

static bool on_rollback(void *ctx, const ia_cursor *to, ia_span past, ia_err *e)
{
  ia_market *m = ctx;

  return undo(m, m->sync_worker, to, past, e);
}

static bool load_cursor(ia_db *db, ia_cursor *c, ia_buf *past, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db, "SELECT block, hash, past FROM meta", e) || !ia_stmt_step(s, &row, e))
    return false;
  c->number = ia_col_u64(s, 0);
  bool ok = ia_col_h256(s, 1, &c->hash, e);
  ia_buf_span(past, ia_col_bytes(s, 2));
  ia_stmt_reset(s);
  return ok && ia_buf_ok(past, e);
}

static bool on_skip(void *ctx, const ia_addr *who, const ia_err *why, ia_err *e)
{
  ia_market *m = ctx;

  return ia_market_group_unreadable(m, m->sync_worker->db, who, why, e);
}

static bool start_following(ia_market *m, ia_err *e)
{
  ia_autofree ia_addr *groups = NULL;
  ia_chain_options o = {
      .url = m->rpc_url, .hub = m->hub, .chain_id = m->chain_id, .cancel = &m->cancel};
  IA_AUTOV(ia_buf) past = {0};
  ia_chain_info info;
  ia_cursor from;
  size_t n_groups = 0;

  if ((!m->sync_worker && !ia_market_worker(m, &m->sync_worker, e)) ||
      (!m->sync_chain && !ia_chain_open(&m->sync_chain, &o, e)) ||
      !ia_chain_info_get(m->sync_chain, &info, e) ||
      !load_cursor(m->sync_worker->db, &from, &past, e) ||
      !ia_market_groups(m, m->sync_worker, from.number, &groups, &n_groups, e))
    return false;
  m->watched[0] = m->hub;
  memcpy(&m->watched[1], info.registry, sizeof(info.registry));
  ia_follow_config cfg = {.addresses = m->watched,
                          .n_addresses = IA_COUNT(m->watched),
                          .events = followed,
                          .n_events = IA_COUNT(followed),
                          .aside = groups,
                          .n_aside = n_groups,
                          .aside_most = GROUP_EVENTS_MAX,
                          .aside_events = of_groups,
                          .n_aside_events = IA_COUNT(of_groups),
                          .skip = on_skip,
                          .first = m->first_block,
                          .depth = m->depth,
                          .past = ia_buf_view(&past),
                          .blocks = on_blocks,
                          .rollback = on_rollback,
                          .ctx = m};
  return ia_follow_new(&m->follow, m->sync_chain, &cfg, &from, e);
}

/* A follower that watches the groups of now. */
static bool follow(ia_market *m, ia_err *e)
{
  pthread_mutex_lock(&m->sync.lock);
  bool anew = m->regroup;
  m->regroup = false;
  pthread_mutex_unlock(&m->sync.lock);
  if (anew) {
    ia_follow_free(m->follow);
    m->follow = NULL;
  }
  if ((m->follow || start_following(m, e)) && ia_follow_catch_up(m->follow, e))
    return true;
  if (anew) {
    pthread_mutex_lock(&m->sync.lock);
    m->regroup = true;
    pthread_mutex_unlock(&m->sync.lock);
  }
  return false;
}

static bool run(void *ctx, ia_err *e)
{
  ia_market *m = ctx;

  if (!follow(m, e))
    return ia_wrap(e, "market follows the ledger");
  /* after a rollback the members have to be looked up, too */
  pthread_mutex_lock(&m->sync.lock);
  bool again = m->regroup;
  pthread_mutex_unlock(&m->sync.lock);
  return (!again || follow(m, e)) || ia_wrap(e, "market follows the ledger");
}

bool ia_market_catch_up(ia_market *m, ia_err *e)
{
  return ia_turn_run(&m->sync, run, m, e);
}

void ia_market_sync_close(ia_market *m)
{
  ia_follow_free(m->follow);
  ia_chain_close(m->sync_chain);
  if (m->sync_worker)
    ia_market_worker_back(m, m->sync_worker);
}

static bool forget(worker *w, uint64_t first, ia_err *e)
{
  IA_AUTO(ia_tx) *tx = NULL;
  ia_cursor from = {.number = first};

  return ia_tx_begin(&tx, w->db, e) && ia_db_exec(w->db, "DELETE FROM deals", e) &&
         ia_db_exec(w->db, "UPDATE groups SET loaded = 0", e) &&
         save_cursor(w->db, &from, (ia_span){0}, e) && ia_tx_commit(&tx, e);
}

static bool recheck_all(ia_market *m, worker *w, ia_err *e)
{
  IA_AUTOV(ia_buf) list = {0};
  ia_span in;
  ia_stmt *s;
  ia_h256 hash;

  if (!ia_db_stmt(&s, w->db, "SELECT hash FROM orders ORDER BY kind", e) || !hashes_of(s, &list, e))
    return false;
  for (in = ia_buf_view(&list); ia_span_copy(&in, hash.b, sizeof(hash.b));)
    if (!ia_market_recheck(m, w, &hash, e))
      return false;
  return true;
}

bool ia_market_reindex(const ia_market_config *c, ia_err *e)
{
  IA_AUTO(ia_market) *m = NULL;
  worker *w = NULL;

  if (!ia_market_open(&m, c, NULL, e) || !ia_market_worker(m, &w, e))
    return false;
  bool ok = forget(w, m->first_block, e) && recheck_all(m, w, e) && ia_market_catch_up(m, e);
  ia_market_worker_back(m, w);
  return ok;
}
