#include "daemon/cmd_ledger.h"

#include <pthread.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/show.h"
#include "chain/rpc.h"
#include "daemon/home.h"
#include "daemon/on_chain.h"
#include "daemon/role.h"
#include "service/graph/graph.h"
#include "service/ledger/service.h"
#include "service/market/market.h"
#include "service/scheduler/scheduler.h"

IA_DEFINE_AUTO_VALUE(ia_home, ia_home_close)

static bool open_home(ia_home *h, const ia_daemon_options *o, ia_err *e)
{
  return ia_home_find(h, o->home, e) && ia_home_lock(h, e);
}

/* HOME/name; *there says whether it is. */
static bool store_of(ia_path *p, bool *there, const ia_home *h, const char *name, ia_err *e)
{
  if (!ia_path_join(p, e, "%s/%s", h->dir.s, name))
    return false;
  *there = access(p->s, F_OK) == 0;
  return true;
}

static bool say(const ia_daemon_options *o, const ia_ledger_verified *v, const char *text)
{
  if (o->json)
    ia_print(stdout, "{\"blocks\":%llu,\"head\":\"%s\"}\n", (unsigned long long)v->blocks,
             ia_h256_text(&v->head).s);
  else if (!o->quiet)
    ia_print(stdout, "%llu blocks replayed up to %s: %s\n", (unsigned long long)v->blocks,
             ia_h256_text(&v->head).s, text);
  return true;
}

bool ia_cmd_ledger_verify(const ia_daemon_options *o, int n, char **words, ia_err *e)
{
  IA_AUTOV(ia_home) home = {.lock = -1};
  ia_ledger_verified v;
  ia_path ledger;
  bool there;

  if (n != 2)
    return ia_fail(e, IA_E_USAGE, "ledger verify: unexpected argument \"%s\"", words[2]);
  if (!open_home(&home, o, e) || !store_of(&ledger, &there, &home, "front/ledger.db", e))
    return false;
  if (!there)
    return ia_fail(e, IA_E_NOT_FOUND, "no ledger in %s", home.dir.s);
  return ia_ledger_verify(&v, ledger.s, e) && say(o, &v, "every hash and the whole state agree.");
}

/* The ledger of this home on a free port of loopback, for as long as the others read it. */
typedef struct server {
  ia_loop *loop;
  ia_server *http;
  ia_ledger_service *ledger;
  pthread_t thread;
  bool running;
} server;

static void server_close(server *s)
{
  if (s->running) {
    ia_loop_stop(s->loop);
    pthread_join(s->thread, NULL);
  }
  ia_server_close(s->http);
  ia_ledger_service_close(s->ledger);
  ia_loop_free(s->loop);
}
IA_DEFINE_AUTO_VALUE(server, server_close)

static void *server_run(void *ctx)
{
  ia_loop_run(ctx);
  return NULL;
}

static bool server_open(server *s, const ia_daemon_options *o, const char *path, ia_err *e)
{
  const ia_ledger_config c = {.path = path, .test = o->test, .loopback = true};
  const ia_listen at = {0};

  if (!ia_loop_new(&s->loop, e) || !ia_server_open(&s->http, s->loop, &at, e) ||
      !ia_ledger_service_open(&s->ledger, &c, s->loop, e) ||
      !ia_server_mount(s->http, ia_ledger_service_routes(s->ledger), e))
    return false;
  s->running = pthread_create(&s->thread, NULL, server_run, s->loop) == 0;
  return s->running || ia_fail(e, IA_E_MEMORY, "cannot start a thread");
}

/* Where the ledger answers, and what it is. */
typedef struct ledger_at {
  const char *url;
  uint64_t chain_id, first_block;
  ia_addr hub, dataprotector;
} ledger_at;

static bool described(ledger_at *l, const json_t *info, ia_err *e)
{
  l->first_block = info ? ia_role_first_block(info) : 0;
  return info && ia_json_get_u64(info, "chainId", &l->chain_id, e) &&
         ia_json_get_addr(info, "hub", &l->hub, e) &&
         (!json_object_get(info, "dataProtector") ||
          ia_json_get_addr(info, "dataProtector", &l->dataprotector, e));
}

static bool elsewhere(ledger_at *l, const ia_home *home, const ia_daemon_options *opt, ia_err *e)
{
  const char *url = opt->rpc;
  const ia_rpc_options o = {.url = url};
  IA_AUTO(ia_rpc) *rpc = NULL;
  IA_AUTO_JSON *info = NULL;

  if (!ia_on_chain(&info, home, opt, NULL, e))
    return false;
  if (info) {
    l->url = opt->chain;
    return described(l, info, e);
  }
  if (!url) {
    ia_fail(e, IA_E_USAGE, "the ledger is not in this home");
    return ia_hint(e, "--rpc URL");
  }
  l->url = url;
  return ia_rpc_new(&rpc, &o, e) && ia_rpc_call(rpc, &info, "iapp_info", NULL, e) &&
         described(l, info, e);
}

static bool here(ledger_at *l, const server *s, ia_err *e)
{
  IA_AUTO_JSON *info = ia_ledger_info(ia_ledger_service_ledger(s->ledger), e);

  l->url = ia_server_url(s->http);
  return described(l, info, e);
}

static bool reindex_market(const ledger_at *l, const char *market, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};
  ia_market_config c = {
      .rpc_url = l->url, .chain_id = l->chain_id, .hub = l->hub, .first_block = l->first_block};

  ia_buf_printf(&url, "sqlite:%s", market);
  ia_buf_u8(&url, 0);
  c.db = (const char *)url.ptr;
  return ia_buf_ok(&url, e) && ia_market_reindex(&c, e);
}

/* Bulk requests are read when the index next runs beside a blob store. */
static bool reindex_graph(const ledger_at *l, const char *graph, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};
  ia_graph_config c = {.rpc_url = l->url,
                       .chain_id = l->chain_id,
                       .hub = l->hub,
                       .dataprotector = l->dataprotector,
                       .first_block = l->first_block};

  ia_buf_printf(&url, "sqlite:%s", graph);
  ia_buf_u8(&url, 0);
  c.db = (const char *)url.ptr;
  return ia_buf_ok(&url, e) && ia_graph_reindex(&c, e);
}

/* market, graph, ledger: NULL when this home has none. */
static bool reindex_front(const ia_home *home, const ia_daemon_options *o, const char *market,
                          const char *graph, const char *ledger, ia_err *e)
{
  IA_AUTOV(server) s = {0};
  ledger_at l = {0};

  return (ledger ? server_open(&s, o, ledger, e) && here(&l, &s, e) : elsewhere(&l, home, o, e)) &&
         (!market || reindex_market(&l, market, e)) && (!graph || reindex_graph(&l, graph, e));
}

static bool reindex_scheduler(const char *scheduler, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};

  ia_buf_printf(&url, "sqlite:%s", scheduler);
  ia_buf_u8(&url, 0);
  return ia_buf_ok(&url, e) && ia_scheduler_reindex((const char *)url.ptr, e);
}

bool ia_cmd_reindex(const ia_daemon_options *o, int n, char **words, ia_err *e)
{
  IA_AUTOV(ia_home) home = {.lock = -1};
  ia_path ledger, market, graph, scheduler;
  bool has_ledger, has_market, has_graph, has_scheduler;
  ia_ledger_verified v = {0};

  if (n != 1)
    return ia_fail(e, IA_E_USAGE, "reindex: unexpected argument \"%s\"", words[1]);
  if (!open_home(&home, o, e) || !store_of(&ledger, &has_ledger, &home, "front/ledger.db", e) ||
      !store_of(&market, &has_market, &home, "front/market.db", e) ||
      !store_of(&graph, &has_graph, &home, "front/graph.db", e) ||
      !store_of(&scheduler, &has_scheduler, &home, "scheduler/scheduler.db", e))
    return false;
  if (!has_ledger && !has_market && !has_graph && !has_scheduler)
    return ia_fail(e, IA_E_NOT_FOUND, "nothing in %s derives from a ledger", home.dir.s);
  if ((has_ledger && !ia_ledger_reindex(&v, ledger.s, e)) ||
      ((has_market || has_graph) &&
       !reindex_front(&home, o, has_market ? market.s : NULL, has_graph ? graph.s : NULL,
                      has_ledger ? ledger.s : NULL, e)) ||
      (has_scheduler && !reindex_scheduler(scheduler.s, e)))
    return false;
  return say(o, &v, "what derives from them is derived again.");
}
