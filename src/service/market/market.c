/* Opening and closing, workers, routes. */
#include <string.h>

#include "base/log.h"
#include "service/market/market_int.h"

/* While blocks come the index keeps within SOON_MS of them, so that neither a query nor the next
 * start finds much to catch up with. */
enum { BODY_MAX = 64 << 10, SOON_MS = 500 };

static void worker_free(worker *w)
{
  if (!w)
    return;
  ia_db_close(w->db);
  ia_chain_close(w->chain);
  free(w);
}

bool ia_market_worker(ia_market *m, worker **out, ia_err *e)
{
  ia_chain_options o = {
      .url = m->rpc_url, .hub = m->hub, .chain_id = m->chain_id, .cancel = &m->cancel};

  pthread_mutex_lock(&m->lock);
  worker *w = m->spare;
  if (w)
    m->spare = w->next;
  pthread_mutex_unlock(&m->lock);
  if (!w && !(w = calloc(1, sizeof(*w))))
    return ia_fail(e, IA_E_MEMORY, "no memory for a request");
  if ((!w->db && !ia_db_open_again(&w->db, m->db, e)) ||
      (!w->chain && !ia_chain_open(&w->chain, &o, e))) {
    worker_free(w);
    return ia_wrap(e, "ledger");
  }
  *out = w;
  return true;
}

void ia_market_worker_back(ia_market *m, worker *w)
{
  if (!w)
    return;
  ia_db_rollback(w->db);
  pthread_mutex_lock(&m->lock);
  w->next = m->spare;
  m->spare = w;
  pthread_mutex_unlock(&m->lock);
}

static bool version(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:b,s:s}", "ok", 1, "version", IA_VERSION);

  (void)ctx;
  (void)rq;
  return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "no memory");
}

/* For people with a browser: the routes. No script, and nothing of what clients posted. */
static bool docs(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  const ia_market *m = ctx;
  ia_buf *out = ia_reply_body(rp);

  (void)rq;
  ia_buf_printf(out,
                "<!doctype html><title>Market API</title><h1>Market API, version %s</h1>"
                "<p>Every route but /version takes chainId=%llu. What each takes and answers:"
                " docs/market.md.<ul>",
                IA_VERSION, (unsigned long long)m->chain_id);
  for (size_t i = 0; i < m->table.n; i++)
    ia_buf_printf(out, "<li>%s <code>%s</code>", m->table.rows[i].method, m->table.rows[i].path);
  ia_buf_str(out, "</ul>\n");
  ia_reply_type(rp, "text/html; charset=utf-8");
  ia_reply_header(rp, "Content-Security-Policy", "default-src 'none'");
  ia_reply_header(rp, "X-Content-Type-Options", "nosniff");
  return ia_buf_ok(out, e);
}

/* Clients show `error`; ours also read the class. */
static void market_error(ia_reply *rp, const ia_err *err)
{
  const ia_err said = ia_err_utf8(err);
  IA_AUTO_JSON *v = json_pack("{s:b,s:s,s:s,s:s}", "ok", 0, "error", said.msg, "code",
                              ia_code_name(err->code), "hint", said.hint);

  if (err->code == IA_E_EXISTS)
    ia_reply_status(rp, 403); /* as the public market */
  if (!v || !ia_json_write(ia_reply_body(rp), v, NULL))
    ia_reply_error(rp, err);
}

#define COLLECTION(name)                                                                           \
  {"GET", "/" name, IA_ROUTE_JOB, 0, false, ia_market_list, IA_MARK_PUBLIC},                       \
      {"GET", "/" name "/:hash", IA_ROUTE_JOB, 0, false, ia_market_one, IA_MARK_PUBLIC},           \
      {"POST", "/" name, IA_ROUTE_JOB, BODY_MAX, false, ia_market_publish, IA_MARK_COSTLY},        \
  {                                                                                                \
    "PUT", "/" name, IA_ROUTE_JOB, BODY_MAX, false, ia_market_unpublish, IA_MARK_COSTLY            \
  }

static const ia_route rows[] = {
    COLLECTION("apporders"),
    COLLECTION("datasetorders"),
    COLLECTION("workerpoolorders"),
    COLLECTION("requestorders"),
    {"GET", "/version", IA_ROUTE_INLINE, 0, false, version, IA_MARK_PUBLIC},
    {"GET", "/docs", IA_ROUTE_INLINE, 0, false, docs, IA_MARK_PUBLIC},
    {"GET", "/challenge", IA_ROUTE_INLINE, 0, false, ia_market_get_challenge, IA_MARK_PUBLIC},
    {"GET", "/metrics", IA_ROUTE_JOB, 0, false, ia_market_metrics, IA_MARK_PUBLIC},
    {"GET", "/ohlc", IA_ROUTE_JOB, 0, false, ia_market_ohlc, IA_MARK_PUBLIC},
    {"GET", "/events", IA_ROUTE_INLINE, 0, false, ia_market_events_get, IA_MARK_PUBLIC},
    {"GET", "/deals", IA_ROUTE_JOB, 0, false, ia_market_deals, IA_MARK_PUBLIC},
    {"GET", "/deals/:dealid", IA_ROUTE_JOB, 0, false, ia_market_deal, IA_MARK_PUBLIC},
    {"GET", "/categories", IA_ROUTE_JOB, 0, false, ia_market_categories, IA_MARK_PUBLIC},
    {"GET", "/categories/:id", IA_ROUTE_JOB, 0, false, ia_market_category, IA_MARK_PUBLIC},
};

/* The store belongs to one ledger, written when it is made. */
static bool check_meta(ia_db *db, const ia_market *m, ia_err *e)
{
  ia_stmt *s;
  ia_addr hub;
  bool row;

  if (!ia_db_stmt(&s, db,
                  "INSERT INTO meta (id, chain, hub, block, hash) VALUES (1, $1, $2, $3, $4)"
                  " ON CONFLICT (id) DO NOTHING",
                  e))
    return false;
  ia_bind_u64(s, 1, m->chain_id);
  ia_bind_addr(s, 2, &m->hub);
  ia_bind_u64(s, 3, m->first_block);
  ia_bind_h256(s, 4, &(ia_h256){{0}});
  if (!ia_stmt_run(s, e) || !ia_db_stmt(&s, db, "SELECT chain, hub FROM meta", e) ||
      !ia_stmt_step(s, &row, e))
    return false;
  bool ours = row && ia_col_u64(s, 0) == m->chain_id && ia_col_addr(s, 1, &hub, e) &&
              ia_addr_eq(&hub, &m->hub);
  ia_stmt_reset(s);
  return ours || ia_fail(e, IA_E_INVALID, "the market's store belongs to another ledger");
}

static void sync_job(void *ctx)
{
  ia_err e;

  if (!ia_market_catch_up(ctx, &e) && e.code != IA_E_CANCELLED)
    ia_log(IA_LOG_WARN, "market.sync", "error=%s message=%s", ia_code_name(e.code), e.msg);
}

void ia_market_new_blocks(ia_market *m)
{
  if (m)
    ia_soon_ask(m->follower);
}

static bool prepare(ia_market *m, const ia_market_config *c, ia_err *e)
{
  IA_AUTO(ia_db) *db = NULL;

  m->chain_id = c->chain_id;
  m->hub = c->hub;
  m->first_block = c->first_block;
  m->depth = c->reorg_depth;
  m->open_max = c->open_max ? c->open_max : 50;
  m->rate_max = c->rate_max ? c->rate_max : 100;
  m->rate_loopback = c->rate_loopback;
  m->db = strdup(c->db);
  m->rpc_url = strdup(c->rpc_url);
  pthread_mutex_init(&m->lock, NULL);
  ia_turn_init(&m->sync);
  if (!m->db || !m->rpc_url)
    return ia_fail(e, IA_E_MEMORY, "no memory for the market");
  if (!ia_market_login_open(m, e))
    return false;
  ia_order_separator(&m->separator, c->chain_id, &c->hub);
  return ia_db_open(&db, c->db, ia_market_schema, ia_market_schema_steps, e) &&
         check_meta(db, m, e);
}

bool ia_market_open(ia_market **out, const ia_market_config *c, ia_loop *l, ia_err *e)
{
  ia_market *m = calloc(1, sizeof(*m));

  if (!m)
    return ia_fail(e, IA_E_MEMORY, "no memory for the market");
  m->loop = l;
  m->table = (ia_routes){rows, IA_COUNT(rows), m, market_error, true};
  if (!prepare(m, c, e) || (l && !ia_market_events_new(m, e)) ||
      (l && !ia_soon_new(&m->follower, l, sync_job, m, SOON_MS, IDLE_SYNC_MS, e))) {
    ia_market_close(m);
    return false;
  }
  *out = m;
  return true;
}

void ia_market_stop(ia_market *m)
{
  if (m)
    m->cancel = true;
}

void ia_market_close(ia_market *m)
{
  if (!m)
    return;
  m->cancel = true;
  ia_soon_free(m->follower);
  ia_market_sync_close(m);
  ia_market_events_free(m);
  while (m->spare) {
    worker *w = m->spare;

    m->spare = w->next;
    worker_free(w);
  }
  pthread_mutex_destroy(&m->lock);
  ia_challenges_free(m->challenges);
  ia_turn_destroy(&m->sync);
  free(m->db);
  free(m->rpc_url);
  free(m);
}

bool ia_market_mount(ia_market *m, ia_server *server, ia_err *e)
{
  return ia_server_mount(server, &m->table, e);
}
