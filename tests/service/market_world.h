/* A ledger and a market on one server, with people who have assets, for tests of the market. */
#ifndef IA_TESTS_SERVICE_MARKET_WORLD_H
#define IA_TESTS_SERVICE_MARKET_WORLD_H

#include "../http/fixture.h"
#include "base/file.h"
#include "client/to_market.h"
#include "eth/address.h"
#include "service/ledger/ledger.h"
#include "service/market/market.h"

typedef struct world {
  fixture f;
  ia_ledger *ledger;
  ia_routes rpc; /* POST /: the ledger's JSON-RPC */
  ia_market *market;
  ia_market_config cfg;
  char dir[40], db[64];
  ia_net net;
  ia_wallet *owner, *user, *other; /* owner has all assets, user requests, other has nothing */
  ia_addr app, dataset, pool;
  ia_h256 separator;
  uint8_t salt; /* makes orders differ */
} world;

/* Requests a minute that the next market takes of this machine; 0 = they are not counted. */
static unsigned market_rate;

#define MUST(call)                                                                                 \
  do {                                                                                             \
    ia_err e_ = {0};                                                                               \
    ia_err *e = &e_;                                                                               \
    if (!(call))                                                                                   \
      fail_msg("%s:%d: %s: %s", __FILE__, __LINE__, ia_code_name(e->code), e->msg);                \
  } while (0)

static inline ia_wallet *wallet_of(uint8_t n)
{
  ia_secret key = {0};
  ia_wallet *w = NULL;

  MUST(ia_secret_new(&key, 32, e));
  key.ptr[31] = n;
  MUST(ia_wallet_of_key(&w, &key, e));
  ia_secret_free(&key);
  return w;
}

static inline ia_chain *chain_of(world *w)
{
  ia_chain *c = NULL;

  MUST(ia_net_chain(&w->net, &c, e));
  return c;
}

static inline void call(world *w, const ia_wallet *who, const ia_addr *to, ia_call_id id,
                        const void *args)
{
  IA_AUTOV(ia_chain_sent) sent = {0};

  MUST(ia_net_call(&w->net, who, to, id, args, &sent, e));
}

/* Makes an asset of the owner and gives its address. */
static inline ia_addr make(world *w, ia_asset_kind kind, const char *name)
{
  static const ia_call_id create[] = {IA_CALL_CREATE_APP, IA_CALL_CREATE_DATASET,
                                      IA_CALL_CREATE_WORKERPOOL};
  static const ia_call_id predict[] = {IA_CALL_PREDICT_APP, IA_CALL_PREDICT_DATASET,
                                       IA_CALL_PREDICT_WORKERPOOL};
  IA_AUTOV(ia_buf) store = {0};
  ia_args in = {0}, out = {0};
  ia_chain_info info;

  in.addr[0] = w->owner->address;
  in.bytes[0] = ia_span_str(name);
  in.bytes[1] = ia_span_str(kind == IA_ASSET_APP ? "DOCKER" : "/ipfs/x");
  in.bytes[2] = ia_span_str("/ipfs/y");
  in.bytes[3] = ia_span_str("");
  in.id[0].b[31] = 1;
  MUST(ia_chain_info_get(chain_of(w), &info, e));
  MUST(ia_chain_read(chain_of(w), &out, &store, &info.registry[kind], predict[kind], &in, e));
  call(w, w->owner, &info.registry[kind], create[kind], &in);
  return out.addr[0];
}

static inline bool world_market(world *w, ia_err *e)
{
  w->cfg = (ia_market_config){.db = w->db,
                              .rpc_url = ia_server_url(w->f.server),
                              .chain_id = w->net.chain_id,
                              .hub = w->net.hub,
                              .open_max = 30,
                              .rate_max = market_rate,
                              .rate_loopback = market_rate > 0};
  return ia_market_open(&w->market, &w->cfg, w->f.loop, e) &&
         ia_market_mount(w->market, w->f.server, e);
}

static inline bool rpc(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_reply_type(rp, "application/json");
  return ia_ledger_request(ctx, ia_request_body(rq), ia_reply_body(rp), e);
}

static inline int world_setup(void **state)
{
  world *w = calloc(1, sizeof(*w));
  static const ia_route rpc_row = {"POST", "/", IA_ROUTE_INLINE, 1 << 20,
                                   false,  rpc, IA_MARK_PUBLIC};
  ia_ledger_config c = {.test = true, .loopback = true};
  ia_err e = {0};

  if (!w)
    return -1;
  *state = w;
  (void)snprintf(w->dir, sizeof(w->dir), "/tmp/ia-market-XXXXXX");
  c.genesis.pool_owner.b[0] = 9;
  if (!mkdtemp(w->dir) || !fixture_start(&w->f, NULL, &e) || !ia_ledger_open(&w->ledger, &c, &e))
    return -1;
  w->rpc = (ia_routes){&rpc_row, 1, w->ledger, NULL, false};
  if (!ia_server_mount(w->f.server, &w->rpc, &e))
    return -1;
  (void)snprintf(w->db, sizeof(w->db), "sqlite:%s/m.db", w->dir);
  w->net = (ia_net){.rpc = ia_server_url(w->f.server), .market = ia_server_url(w->f.server)};
  w->net.chain_id = ia_ledger_chain_id(w->ledger);
  w->net.hub = ia_ledger_hub(w->ledger);
  if (!world_market(w, &e) || !ia_net_open(&w->net, &e) || !fixture_run_on(&w->f))
    return -1;
  ia_order_separator(&w->separator, w->net.chain_id, &w->net.hub);
  w->owner = wallet_of(4);
  w->user = wallet_of(5);
  w->other = wallet_of(6);
  w->app = make(w, IA_ASSET_APP, "app");
  w->dataset = make(w, IA_ASSET_DATASET, "data");
  w->pool = make(w, IA_ASSET_WORKERPOOL, "pool");
  return 0;
}

static inline int world_teardown(void **state)
{
  world *w = *state;

  ia_net_close(&w->net);
  ia_loop_stop(w->f.loop);
  pthread_join(w->f.thread, NULL);
  ia_server_close(w->f.server);
  ia_market_close(w->market);
  ia_ledger_close(w->ledger);
  ia_loop_free(w->f.loop);
  ia_http_free(w->f.http);
  ia_wallet_free(w->owner);
  ia_wallet_free(w->user);
  ia_wallet_free(w->other);
  bool ok = ia_remove_tree(w->dir, NULL);
  free(w);
  return ok ? 0 : -1;
}

/* Orders of the owner (the request: of the user), price 0, unrestricted, not signed yet. */
static inline ia_order order_of(world *w, ia_order_kind kind, uint64_t volume)
{
  ia_order o = {.kind = kind};
  ia_h256 salt = {{++w->salt}};

  switch (kind) {
  case IA_ORDER_APP:
    o.app = (ia_app_order){.app = w->app, .volume = ia_u256_of(volume), .salt = salt};
    break;
  case IA_ORDER_DATASET:
    o.dataset =
        (ia_dataset_order){.dataset = w->dataset, .volume = ia_u256_of(volume), .salt = salt};
    break;
  case IA_ORDER_WORKERPOOL:
    o.workerpool =
        (ia_workerpool_order){.workerpool = w->pool, .volume = ia_u256_of(volume), .salt = salt};
    break;
  case IA_ORDER_REQUEST:
  case IA_ORDER_KINDS:
    o.request = (ia_request_order){.app = w->app,
                                   .dataset = w->dataset,
                                   .workerpool = w->pool,
                                   .requester = w->user->address,
                                   .beneficiary = w->user->address,
                                   .volume = ia_u256_of(volume),
                                   .params = ia_span_str("{}"),
                                   .salt = salt};
    break;
  }
  return o;
}

static inline void sign(world *w, ia_order_box *box, const ia_order *o, const ia_wallet *who)
{
  MUST(ia_order_copy(box, o->kind, &o->app, e));
  MUST(ia_order_sign(box, who->secp, &w->separator, &who->key, e));
}

/* Signs and publishes; the order's hash. */
static inline ia_h256 publish(world *w, const ia_order *o, const ia_wallet *who)
{
  IA_AUTOV(ia_order_box) box = {0};
  ia_h256 hash;

  sign(w, &box, o, who);
  MUST(ia_to_market_publish(&w->net, who, &box.order, &hash, e));
  return hash;
}

/* How many open orders the market lists under this query. */
static inline size_t listed(world *w, ia_order_kind kind, const char *query)
{
  IA_AUTOV(ia_offers) found = {0};

  MUST(ia_to_market_list(&w->net, &found, kind, query, 100, e));
  return found.n;
}

/* name=address */
static inline const char *about(char *out, size_t size, const char *name, const ia_addr *a,
                                const char *more)
{
  (void)snprintf(out, size, "%s=%s%s", name, ia_addr_text(a).s, more);
  return out;
}

/* "status" and "remaining" of an order by its hash. */
static inline void expect_order(world *w, ia_order_kind kind, const ia_h256 *hash,
                                const char *status, uint64_t remaining)
{
  IA_AUTO_JSON *v = NULL;
  const char *said;
  uint64_t left = 0;
  char path[160];

  (void)snprintf(path, sizeof(path), "/%ss/%s?chainId=%llu", ia_order_kind_name(kind),
                 ia_h256_text(hash).s, (unsigned long long)w->net.chain_id);
  MUST(ia_http_json(w->f.http, &v, "GET", fixture_url(&w->f, path), NULL, e));
  MUST(ia_json_get_str(v, "status", &said, e) && ia_json_get_u64(v, "remaining", &left, e));
  assert_string_equal(said, status);
  assert_int_equal(left, remaining);
}

#endif
