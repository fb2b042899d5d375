/* Following the ledger: every event has one handler. */
#include <string.h>

#include "base/hex.h"
#include "base/log.h"
#include "poco/orders.h"
#include "service/graph/graph_int.h"

/* Whose event it is. */
typedef enum source { OF_HUB, OF_REGISTRY, OF_DATAPROTECTOR } source;

static bool on_moved(graph_writer *w, ia_event_id id, const ia_event *ev, ia_err *e)
{
  int kind = 0;

  (void)id;
  while (!ia_addr_eq(&w->g->watched[1 + kind], &w->log->entry.address))
    kind++;
  return graph_on_moved(w, (ia_asset_kind)kind, ev, e);
}

#define WITHOUT_ID(name)                                                                           \
  static bool name(graph_writer *w, ia_event_id id, const ia_event *ev, ia_err *e)                 \
  {                                                                                                \
    (void)id;                                                                                      \
    return graph_##name(w, ev, e);                                                                 \
  }
WITHOUT_ID(on_match)
WITHOUT_ID(on_notice)
WITHOUT_ID(on_category)
WITHOUT_ID(on_broadcast)
WITHOUT_ID(on_transfer)
WITHOUT_ID(on_schema)

static const struct {
  ia_event_id id;
  source of;
  bool (*handle)(graph_writer *w, ia_event_id id, const ia_event *ev, ia_err *e);
} handlers[] = {
    {IA_EV_TRANSFER, OF_HUB, on_transfer},
    {IA_EV_NFT_TRANSFER, OF_REGISTRY, on_moved},
    {IA_EV_DATASET_SCHEMA, OF_DATAPROTECTOR, on_schema},
    {IA_EV_ORDERS_MATCHED, OF_HUB, on_match},
    {IA_EV_SCHEDULER_NOTICE, OF_HUB, on_notice},
    {IA_EV_CREATE_CATEGORY, OF_HUB, on_category},
    {IA_EV_TASK_INITIALIZE, OF_HUB, graph_on_task},
    {IA_EV_TASK_CONTRIBUTE, OF_HUB, graph_on_task},
    {IA_EV_TASK_CONSENSUS, OF_HUB, graph_on_task},
    {IA_EV_TASK_REVEAL, OF_HUB, graph_on_task},
    {IA_EV_TASK_REOPEN, OF_HUB, graph_on_task},
    {IA_EV_TASK_FINALIZE, OF_HUB, graph_on_task},
    {IA_EV_TASK_CLAIMED, OF_HUB, graph_on_task},
    {IA_EV_LOCK, OF_HUB, graph_on_stake},
    {IA_EV_UNLOCK, OF_HUB, graph_on_stake},
    {IA_EV_REWARD, OF_HUB, graph_on_stake},
    {IA_EV_SEIZE, OF_HUB, graph_on_stake},
    {IA_EV_ACCURATE_CONTRIBUTION, OF_HUB, graph_on_judged},
    {IA_EV_FAULTY_CONTRIBUTION, OF_HUB, graph_on_judged},
    {IA_EV_BROADCAST_APP_ORDER, OF_HUB, on_broadcast},
    {IA_EV_BROADCAST_DATASET_ORDER, OF_HUB, on_broadcast},
    {IA_EV_BROADCAST_WORKERPOOL_ORDER, OF_HUB, on_broadcast},
    {IA_EV_BROADCAST_REQUEST_ORDER, OF_HUB, on_broadcast},
};
static const ia_event_id policy = IA_EV_POLICY_UPDATE;

static bool is_of(const ia_graph *g, const ia_addr *who, source of)
{
  if (of == OF_HUB)
    return ia_addr_eq(who, &g->watched[0]);
  if (of == OF_DATAPROTECTOR)
    return !ia_addr_zero(who) && ia_addr_eq(who, &g->dataprotector);
  for (int k = 0; k < IA_ASSET_KINDS; k++)
    if (ia_addr_eq(who, &g->watched[1 + k]))
      return true;
  return false;
}

/* What does not decode is not the event that its topic says (another standard's, on a chain of
 * others): nothing of ours. */
static bool on_log(graph_writer *w, ia_err *e)
{
  const ia_log_entry *log = &w->log->entry;
  ia_event ev;

  if (ia_event_is(log, policy) && ia_event_decode(&ev, policy, log, NULL))
    return graph_on_policy(w, &ev, e);
  for (size_t i = 0; i < IA_COUNT(handlers); i++)
    if (ia_event_is(log, handlers[i].id) && is_of(w->g, &log->address, handlers[i].of) &&
        ia_event_decode(&ev, handlers[i].id, log, NULL))
      return handlers[i].handle(w, handlers[i].id, &ev, e);
  return true;
}

/* hash: of the log at hand; NULL = whatever is there. */
static bool put_block(graph_writer *w, uint64_t number, const ia_h256 *hash, ia_err *e)
{
  ia_block b;
  ia_stmt *s;

  if (!ia_chain_block(w->chain, &b, number, e))
    return false;
  if (hash && !ia_h256_eq(hash, &b.hash))
    return ia_fail(e, IA_E_UNAVAILABLE, "the ledger was rewritten while it was read");
  if (!ia_db_stmt(&s, graph_store_db(w->s),
                  "INSERT INTO block (number, hash, parent, timestamp) VALUES ($1, $2, $3, $4)"
                  " ON CONFLICT (number) DO UPDATE SET hash = excluded.hash,"
                  " parent = excluded.parent, timestamp = excluded.timestamp",
                  e))
    return false;
  ia_bind_u64(s, 1, b.number);
  ia_bind_text(s, 2, ia_h256_text(&b.hash).s);
  ia_bind_text(s, 3, ia_h256_text(&b.parent).s);
  ia_bind_u64(s, 4, b.timestamp);
  w->block = number;
  w->timestamp = b.timestamp;
  return ia_stmt_run(s, e);
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

static bool handle(graph_writer *w, const ia_chain_log *log, ia_err *e)
{
  w->log = log;
  return (log->block == w->block || put_block(w, log->block, &log->block_hash, e)) && on_log(w, e);
}

static bool earlier(const ia_chain_log *a, const ia_chain_log *b)
{
  return a->block < b->block || (a->block == b->block && a->index < b->index);
}

/* Both lists in the order of the chain: pools announce their terms by themselves, from addresses
 * that no filter can name beforehand. */
static bool handle_all(graph_writer *w, const ia_chain_logs *logs, const ia_chain_logs *terms,
                       ia_err *e)
{
  size_t i = 0, k = 0;

  while (i < logs->n || k < terms->n) {
    bool first = k == terms->n || (i < logs->n && earlier(&logs->v[i], &terms->v[k]));

    if (!handle(w, first ? &logs->v[i++] : &terms->v[k++], e))
      return false;
  }
  return true;
}

/* Anybody's contract can fill a block with events that look like terms: such a block is read
 * without them, for the pools of this ledger the next change of terms brings them. */
static bool read_terms(ia_graph *g, ia_chain_logs *out, const ia_chain_filter *f, ia_err *e)
{
  ia_err why = {0};

  if (f->from > f->to || ia_chain_logs_get(g->chain, out, f, &why))
    return true;
  if (f->from < f->to || (why.code != IA_E_TOO_LARGE && why.code != IA_E_PARSE)) {
    *e = why;
    return false;
  }
  ia_log(IA_LOG_WARN, "graph.terms", "block=%llu reason=\"%s\"", (unsigned long long)f->to,
         why.msg);
  ia_chain_logs_free(out);
  return true;
}

static bool on_blocks(void *ctx, const ia_chain_logs *logs, const ia_cursor *to, ia_span past,
                      ia_err *e)
{
  ia_graph *g = ctx;
  IA_AUTO(ia_tx) *tx = NULL;
  IA_AUTOV(ia_chain_logs) terms = {0};
  IA_AUTOV(ia_chain_tx) call = {0};
  graph_writer w = {.g = g, .s = g->store, .chain = g->chain, .block = UINT64_MAX, .call = &call};
  ia_db *db = graph_store_db(g->store);
  ia_chain_filter f = {.to = to->number, .events = &policy, .n_events = 1};
  const ia_cursor *from = ia_follow_cursor(g->follow);
  bool beginning = ia_h256_zero(&from->hash);

  f.from = from->number + !beginning;
  if (!read_terms(g, &terms, &f, e) || !ia_tx_begin(&tx, db, e) ||
      (beginning && (!put_block(&w, from->number, NULL, e) || !graph_on_beginning(&w, e))))
    return false;
  return handle_all(&w, logs, &terms, e) && save_cursor(db, to, past, e) && ia_tx_commit(&tx, e);
}

static bool on_rollback(void *ctx, const ia_cursor *to, ia_span past, ia_err *e)
{
  ia_graph *g = ctx;
  ia_db *db = graph_store_db(g->store);
  IA_AUTO(ia_tx) *tx = NULL;

  /* a cursor without a hash begins anew, at whatever block */
  return ia_tx_begin(&tx, db, e) &&
         (ia_h256_zero(&to->hash) ? graph_empty(g->store, e)
                                  : graph_rollback(g->store, to->number, e)) &&
         save_cursor(db, to, past, e) && ia_tx_commit(&tx, e);
}

static bool start_following(ia_graph *g, ia_err *e)
{
  ia_chain_options o = {
      .url = g->rpc_url, .hub = g->hub, .chain_id = g->chain_id, .cancel = &g->cancel};
  IA_AUTOV(ia_buf) past = {0};
  ia_chain_info info;
  ia_cursor from;

  _Static_assert(IA_COUNT(handlers) <= IA_COUNT(g->events), "room for every event");
  for (size_t i = 0; i < IA_COUNT(handlers); i++)
    g->events[i] = handlers[i].id;
  if ((!g->store && !graph_store_open(&g->store, g->db, e)) ||
      (!g->chain && !ia_chain_open(&g->chain, &o, e)) || !ia_chain_info_get(g->chain, &info, e) ||
      !load_cursor(graph_store_db(g->store), &from, &past, e))
    return false;
  g->watched[0] = g->hub;
  memcpy(&g->watched[1], info.registry, sizeof(info.registry));
  g->watched[1 + IA_ASSET_KINDS] = g->dataprotector;
  ia_follow_config cfg = {.addresses = g->watched,
                          .n_addresses = IA_COUNT(g->watched) - ia_addr_zero(&g->dataprotector),
                          .events = g->events,
                          .n_events = IA_COUNT(handlers),
                          .first = g->first_block,
                          .depth = g->depth,
                          .past = ia_buf_view(&past),
                          .blocks = on_blocks,
                          .rollback = on_rollback,
                          .ctx = g};
  return ia_follow_new(&g->follow, g->chain, &cfg, &from, e);
}

static bool run(void *ctx, ia_err *e)
{
  ia_graph *g = ctx;

  if ((g->follow || start_following(g, e)) && ia_follow_catch_up(g->follow, e))
    return true;
  return ia_wrap(e, "the index follows the ledger");
}

bool graph_catch_up(ia_graph *g, ia_err *e)
{
  return ia_turn_run(&g->sync, run, g, e);
}

void graph_sync_close(ia_graph *g)
{
  ia_follow_free(g->follow);
  ia_chain_close(g->chain);
  graph_store_close(g->store);
}

bool ia_graph_reindex(const ia_graph_config *c, ia_err *e)
{
  IA_AUTO(ia_graph) *g = NULL;
  IA_AUTO(graph_store) *s = NULL;
  IA_AUTO(ia_tx) *tx = NULL;
  ia_cursor from = {.number = c->first_block};

  if (!ia_graph_open(&g, c, NULL, e) || !graph_store_open(&s, c->db, e) ||
      !ia_tx_begin(&tx, graph_store_db(s), e) || !graph_empty(s, e) ||
      !save_cursor(graph_store_db(s), &from, (ia_span){0}, e) || !ia_tx_commit(&tx, e))
    return false;
  return graph_catch_up(g, e) && graph_bulk_read(g, false, e);
}
