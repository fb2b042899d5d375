/* Opening and closing, readers, routes. */
#include "service/graph/graph.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "poco/orders.h"
#include "service/graph/graph_int.h"

/* While blocks come the index keeps within SOON_MS of them, so that neither a query nor the next
 * start finds much to catch up with. */
enum {
  SOON_MS = 500,
  IDLE_SYNC_MS = 30000,
  BODY_MAX = 4 << 20, /* ids of thousands of objects */
  LARGE = 64 << 10,   /* bytes of an answer that is sent in parts */
  WAITING_MAX = 4     /* requests that wait for bulk requests: the gateway needs threads too */
};

/* -- readers -- */
static bool reader(ia_graph *g, graph_reader **out, ia_err *e)
{
  pthread_mutex_lock(&g->lock);
  graph_reader *r = g->spare;
  if (r)
    g->spare = r->next;
  pthread_mutex_unlock(&g->lock);
  if (!r && !(r = calloc(1, sizeof(*r))))
    return ia_fail(e, IA_E_MEMORY, "no memory for a request");
  if (!r->db && !ia_db_open_again(&r->db, g->db, e)) {
    free(r);
    return false;
  }
  *out = r;
  return true;
}

static void reader_back(ia_graph *g, graph_reader *r)
{
  pthread_mutex_lock(&g->lock);
  r->next = g->spare;
  g->spare = r;
  pthread_mutex_unlock(&g->lock);
}

/* -- requests -- */
static bool unread_bulk(ia_db *db, bool *yes, ia_err *e)
{
  ia_stmt *s;

  if (!ia_db_stmt(&s, db, "SELECT 1 FROM missing WHERE tried = 0 LIMIT 1", e) ||
      !ia_stmt_step(s, yes, e))
    return false;
  ia_stmt_reset(s);
  return true;
}

/* Bulk requests that were matched just now are read before the answer, so long as threads are left
 * for the gateway. */
static bool read_bulk(ia_graph *g, ia_db *db, ia_err *e)
{
  bool unread;

  if (!unread_bulk(db, &unread, e))
    return false;
  if (!unread)
    return true;
  pthread_mutex_lock(&g->lock);
  bool may = g->waiting < WAITING_MAX;
  g->waiting += may;
  pthread_mutex_unlock(&g->lock);
  if (!may)
    return true;
  bool ok = graph_bulk_read(g, false, e);
  pthread_mutex_lock(&g->lock);
  g->waiting--;
  pthread_mutex_unlock(&g->lock);
  return ok;
}

static bool head_of(ia_db *db, graph_head *head, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db, "SELECT block, hash FROM meta", e) || !ia_stmt_step(s, &row, e))
    return false;
  head->number = ia_col_u64(s, 0);
  bool ok = ia_col_h256(s, 1, &head->hash, e);
  ia_stmt_reset(s);
  return ok;
}

/* -- answers: a large one counts until it is sent -- */
typedef struct large {
  graph_share share;
  ia_buf text;
  size_t sent;
} large;

static void large_free(void *ctx)
{
  large *l = ctx;

  ia_buf_free(&l->text);
  graph_share_free(&l->share);
  free(l);
}

static bool large_fill(void *ctx, uint8_t *buf, size_t cap, size_t *n, ia_err *e)
{
  large *l = ctx;
  ia_span left = ia_span_of(l->text.ptr + l->sent, l->text.len - l->sent);

  (void)e;
  *n = left.len < cap ? left.len : cap;
  if (*n > 0)
    memcpy(buf, left.ptr, *n);
  l->sent += *n;
  return true;
}

/* Takes the text over; of the share, the part that the text holds from now on. */
static bool reply_large(ia_reply *rp, ia_buf *text, graph_share *share, ia_err *e)
{
  large *l = calloc(1, sizeof(*l));

  if (!l)
    return ia_fail(e, IA_E_MEMORY, "no memory for an answer");
  l->share.pool = share->pool;
  if (!graph_hold(&l->share, text->room, e)) {
    free(l);
    return false;
  }
  l->text = *text;
  *text = (ia_buf){0};
  ia_reply_stream(rp, l->text.len, large_fill, large_free, l);
  return true;
}

static bool reply(ia_reply *rp, const json_t *v, graph_share *share, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {.cap = GRAPH_ANSWER_MAX};

  if (!ia_json_write(&text, v, e))
    return ia_wrap(e, "an answer of more than %d MiB", GRAPH_ANSWER_MAX >> 20);
  if (text.len > LARGE) {
    ia_reply_status(rp, 200);
    ia_reply_type(rp, "application/json");
    return reply_large(rp, &text, share, e);
  }
  ia_buf_span(ia_reply_body(rp), ia_buf_view(&text));
  ia_reply_status(rp, 200);
  ia_reply_type(rp, "application/json");
  return ia_buf_ok(ia_reply_body(rp), e);
}

static bool answer(ia_graph *g, const graph_schema *schema, graph_reader *r, const json_t *request,
                   ia_reply *rp, ia_err *e)
{
  graph_head head;

  if (!graph_catch_up(g, e) || !read_bulk(g, r->db, e) || !head_of(r->db, &head, e))
    return false;
  IA_AUTOV(graph_share) share = {&g->pool, 0}; /* freed after the answer */
  graph_ask a = {schema, r->db, &head, &share, g->persisted};
  IA_AUTO_JSON *v = graph_answer(&a, request);
  return v ? reply(rp, v, &share, e) : ia_fail(e, IA_E_MEMORY, "no memory for an answer");
}

static bool ask(ia_graph *g, const graph_schema *schema, const json_t *request, ia_reply *rp,
                ia_err *e)
{
  graph_reader *r = NULL;

  if (!reader(g, &r, e))
    return false;
  bool ok = answer(g, schema, r, request, rp, e);
  reader_back(g, r);
  return ok;
}

static bool post(ia_graph *g, const graph_schema *schema, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *request = ia_request_json(rq, e);

  return request && ask(g, schema, request, rp, e);
}

static bool post_dataprotector(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  return post(ctx, &graph_dataprotector, rq, rp, e);
}

static bool post_poco(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  return post(ctx, &graph_poco, rq, rp, e);
}

/* -- the same in a URL: query, operationName, and in JSON variables and extensions -- */
static bool parameter(ia_request *rq, const char *name, bool json, json_t *request, ia_err *e)
{
  json_t *v = NULL;
  ia_span text;

  if (!ia_request_query(rq, name, &text) || (text.len == 0 && strcmp(name, "query") != 0))
    return true;
  if (ia_request_query_count(rq, name) > 1)
    return ia_fail(e, IA_E_INVALID, "\"%s\" is given more than once", name);
  if (json && !(v = ia_json_parse(text, IA_JSON_ANY, e)))
    return ia_wrap(e, "the parameter \"%s\"", name);
  if (!json && !(v = json_stringn((const char *)text.ptr, text.len)))
    return ia_fail(e, IA_E_PARSE, "the parameter \"%s\" is not UTF-8", name);
  return ia_json_set(request, name, v, e);
}

static bool explain(ia_reply *rp, ia_err *e)
{
  ia_reply_type(rp, "text/plain; charset=utf-8");
  ia_buf_str(ia_reply_body(rp),
             "This is a GraphQL endpoint: an index of the ledger.\n"
             "POST {\"query\": \"..\", \"variables\": {..}} as application/json here,\n"
             "or GET ?query=..&variables=.. .\n"
             "{ __schema { types { name } } } says what can be asked.\n");
  return ia_buf_ok(ia_reply_body(rp), e);
}

static bool get(ia_graph *g, const graph_schema *schema, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *request = json_object();

  if (!request)
    return ia_fail(e, IA_E_MEMORY, "no memory for a request");
  if (!parameter(rq, "query", false, request, e) ||
      !parameter(rq, "operationName", false, request, e) ||
      !parameter(rq, "variables", true, request, e) ||
      !parameter(rq, "extensions", true, request, e))
    return false;
  return json_object_size(request) == 0 ? explain(rp, e) : ask(g, schema, request, rp, e);
}

static bool get_dataprotector(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  return get(ctx, &graph_dataprotector, rq, rp, e);
}

static bool get_poco(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  return get(ctx, &graph_poco, rq, rp, e);
}

/* What fails before a query is read has the form of GraphQL too. */
static void graph_http_error(ia_reply *rp, const ia_err *err)
{
  IA_AUTO_JSON *v = graph_error(err, NULL);

  if (!v || !ia_json_write(ia_reply_body(rp), v, NULL))
    ia_reply_error(rp, err);
}

static const ia_route rows[] = {
    {"POST", "/graphql/dataprotector", IA_ROUTE_JOB, BODY_MAX, false, post_dataprotector,
     IA_MARK_PUBLIC},
    {"POST", "/graphql/poco", IA_ROUTE_JOB, BODY_MAX, false, post_poco, IA_MARK_PUBLIC},
    {"GET", "/graphql/dataprotector", IA_ROUTE_JOB, 0, false, get_dataprotector, IA_MARK_PUBLIC},
    {"GET", "/graphql/poco", IA_ROUTE_JOB, 0, false, get_poco, IA_MARK_PUBLIC},
};

/* -- following while nobody asks -- */
static bool bulk_by_clock(ia_graph *g, ia_err *e)
{
  uint64_t now = ia_mono_ms();

  if (now - g->bulk_ms < IDLE_SYNC_MS)
    return true;
  g->bulk_ms = now;
  return graph_bulk_read(g, true, e);
}

static void sync_job(void *ctx)
{
  ia_err e;

  if ((!graph_catch_up(ctx, &e) || !bulk_by_clock(ctx, &e)) && e.code != IA_E_CANCELLED)
    ia_log(IA_LOG_WARN, "graph.sync", "error=%s message=%s", ia_code_name(e.code), e.msg);
}

void ia_graph_new_blocks(ia_graph *g)
{
  if (g)
    ia_soon_ask(g->follower);
}

/* -- opening -- */
/* The store belongs to one ledger, written when it is made. */
static bool check_meta(ia_db *db, const ia_graph *g, ia_err *e)
{
  ia_stmt *s;
  ia_addr hub;
  bool row;

  if (!ia_db_stmt(&s, db,
                  "INSERT INTO meta (one, chain, hub, block, hash) VALUES (1, $1, $2, $3, $4)"
                  " ON CONFLICT (one) DO NOTHING",
                  e))
    return false;
  ia_bind_u64(s, 1, g->chain_id);
  ia_bind_addr(s, 2, &g->hub);
  ia_bind_u64(s, 3, g->first_block);
  ia_bind_h256(s, 4, &(ia_h256){{0}});
  if (!ia_stmt_run(s, e) || !ia_db_stmt(&s, db, "SELECT chain, hub FROM meta", e) ||
      !ia_stmt_step(s, &row, e))
    return false;
  bool ours = row && ia_col_u64(s, 0) == g->chain_id && ia_col_addr(s, 1, &hub, e) &&
              ia_addr_eq(&hub, &g->hub);
  ia_stmt_reset(s);
  if (ours)
    return true;
  ia_fail(e, IA_E_INVALID, "the index belongs to another ledger");
  return ia_hint(e, "everything in it is derived: remove the file");
}

static bool prepare(ia_graph *g, const ia_graph_config *c, ia_err *e)
{
  IA_AUTO(graph_store) *s = NULL;

  g->chain_id = c->chain_id;
  g->hub = c->hub;
  g->dataprotector = c->dataprotector;
  g->first_block = c->first_block;
  g->depth = c->reorg_depth;
  g->db = strdup(c->db);
  g->rpc_url = strdup(c->rpc_url);
  g->ipfs_url = c->ipfs_url ? strdup(c->ipfs_url) : NULL;
  pthread_mutex_init(&g->lock, NULL);
  ia_turn_init(&g->sync);
  pthread_mutex_init(&g->bulk_lock, NULL);
  if (!g->db || !g->rpc_url || (c->ipfs_url && !g->ipfs_url))
    return ia_fail(e, IA_E_MEMORY, "no memory for the index");
  ia_order_separator(&g->separator, c->chain_id, &c->hub);
  return graph_persisted_new(&g->persisted, e) && graph_store_open(&s, c->db, e) &&
         check_meta(graph_store_db(s), g, e);
}

bool ia_graph_open(ia_graph **out, const ia_graph_config *c, ia_loop *l, ia_err *e)
{
  ia_graph *g = calloc(1, sizeof(*g));

  if (!g)
    return ia_fail(e, IA_E_MEMORY, "no memory for the index");
  g->loop = l;
  g->table = (ia_routes){rows, IA_COUNT(rows), g, graph_http_error, true};
  if (!prepare(g, c, e) ||
      (l && !ia_soon_new(&g->follower, l, sync_job, g, SOON_MS, IDLE_SYNC_MS, e))) {
    ia_graph_close(g);
    return false;
  }
  *out = g;
  return true;
}

void ia_graph_close(ia_graph *g)
{
  if (!g)
    return;
  g->cancel = true;
  ia_soon_free(g->follower);
  graph_sync_close(g);
  graph_bulk_close(g);
  while (g->spare) {
    graph_reader *r = g->spare;

    g->spare = r->next;
    ia_db_close(r->db);
    free(r);
  }
  pthread_mutex_destroy(&g->lock);
  ia_turn_destroy(&g->sync);
  pthread_mutex_destroy(&g->bulk_lock);
  graph_persisted_free(g->persisted);
  free(g->db);
  free(g->rpc_url);
  free(g->ipfs_url);
  free(g);
}

bool ia_graph_mount(ia_graph *g, ia_server *server, ia_err *e)
{
  return ia_server_mount(server, &g->table, e);
}
