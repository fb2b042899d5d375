/* The front: ledger, market, blobs, index and compass on one port. Holds no secret. */
#include <string.h>

#include "base/hex.h"
#include "daemon/roles.h"
#include "eth/address.h"
#include "service/compass/compass.h"
#include "service/graph/graph.h"
#include "service/ipfs/ipfs.h"
#include "service/ledger/service.h"
#include "service/market/market.h"

typedef struct front {
  ia_server *server;
  char metadata[160]; /* where the metadata of registry entries are */
  ia_ledger_service *ledger;
  ia_ipfs *ipfs;
  ia_market *market;
  ia_graph *graph;
  ia_compass *compass;
} front;

/* What the services themselves still do ends after the server does. */
static void front_close(void *state)
{
  front *f = state;

  if (f->ledger)
    ia_ledger_service_on_blocks(f->ledger, NULL, NULL);
  ia_market_stop(f->market);
  ia_server_close(f->server);
  ia_graph_close(f->graph);
  ia_compass_close(f->compass);
  ia_market_close(f->market);
  ia_ipfs_close(f->ipfs);
  ia_ledger_service_close(f->ledger);
  free(f);
}

/* JSON numbers of clients end at 2^53 - 1. */
static bool chain_id(uint64_t *out, const ia_role_ctx *r, ia_err *e)
{
  *out = 0;
  if (!ia_role_text(r, "wantChainId"))
    return true;
  return (ia_json_get_u64(r->config, "wantChainId", out, NULL) && *out > 0 && *out >> 53 == 0) ||
         ia_fail(e, IA_E_USAGE, "--chain-id: want a number from 1 to 2^53 - 1");
}

static bool open_ledger(front *f, ia_role_ctx *r, ia_err *e)
{
  ia_ledger_config c = {.test = ia_role_flag(r, "test"),
                        /* a proxy opens loopback to the world */
                        .loopback =
                            ia_role_text(r, "host") == NULL && !ia_role_flag(r, "behindTlsProxy"),
                        .allow_fees = ia_role_flag(r, "allowFees"),
                        .no_hold = ia_role_flag(r, "noHold")};
  const char *seed = ia_role_text(r, "genesisSeed");
  ia_path path;

  c.genesis.rules = ia_role_text(r, "rules");
  c.genesis.dev_accounts = c.test || c.loopback;
  if (!chain_id(&c.genesis.chain_id, r, e))
    return false;
  if (seed && (!c.test || !ia_h256_parse(&c.genesis.seed, ia_span_str(seed))))
    return ia_fail(e, IA_E_USAGE, "--genesis-seed: 0x and 64 digits, with --test");
  if (!ia_role_addr(r, "poolOwner", &c.genesis.pool_owner, e) ||
      !ia_path_join(&path, e, "%s/ledger.db", r->dir.s))
    return false;
  c.path = path.s;
  (void)!snprintf(f->metadata, sizeof(f->metadata), "%s/nfts-metadata", ia_server_url(f->server));
  c.metadata = f->metadata;
  return ia_ledger_service_open(&f->ledger, &c, r->loop, e) &&
         ia_server_mount(f->server, ia_ledger_service_routes(f->ledger), e);
}

static bool open_ipfs(front *f, ia_role_ctx *r, ia_err *e)
{
  ia_ipfs_config c = {0};
  ia_path path;

  if (!ia_path_join(&path, e, "%s/blobs", r->dir.s))
    return false;
  c.dir = path.s;
  return ia_ipfs_open(&f->ipfs, &c, r->loop, e) && ia_ipfs_mount(f->ipfs, f->server, e);
}

static bool open_market(front *f, ia_role_ctx *r, const json_t *info, const char *rpc, ia_err *e)
{
  ia_market_config c = {.rpc_url = rpc, .first_block = ia_role_first_block(info)};
  IA_AUTOV(ia_buf) db = {0};
  uint64_t depth;

  if (!ia_role_reorg_depth(r, &depth, e))
    return false;
  c.reorg_depth = (size_t)depth;

  ia_buf_printf(&db, "sqlite:%s/market.db", r->dir.s);
  ia_buf_u8(&db, 0);
  c.db = (const char *)db.ptr;
  return ia_buf_ok(&db, e) && ia_json_get_u64(info, "chainId", &c.chain_id, e) &&
         ia_json_get_addr(info, "hub", &c.hub, e) && ia_market_open(&f->market, &c, r->loop, e) &&
         ia_market_mount(f->market, f->server, e);
}

/* ipfs: NULL when the blobs are nowhere known; then bulk requests stay unread. */
static bool open_graph(front *f, ia_role_ctx *r, const json_t *info, const char *rpc,
                       const char *ipfs, ia_err *e)
{
  ia_graph_config c = {.rpc_url = rpc, .ipfs_url = ipfs, .first_block = ia_role_first_block(info)};
  IA_AUTOV(ia_buf) db = {0};
  uint64_t depth;

  if (!ia_role_reorg_depth(r, &depth, e))
    return false;
  c.reorg_depth = (size_t)depth;

  ia_buf_printf(&db, "sqlite:%s/graph.db", r->dir.s);
  ia_buf_u8(&db, 0);
  c.db = (const char *)db.ptr;
  return ia_buf_ok(&db, e) && ia_json_get_u64(info, "chainId", &c.chain_id, e) &&
         ia_json_get_addr(info, "hub", &c.hub, e) &&
         (!json_object_get(info, "dataProtector") ||
          ia_json_get_addr(info, "dataProtector", &c.dataprotector, e)) &&
         ia_graph_open(&f->graph, &c, r->loop, e) && ia_graph_mount(f->graph, f->server, e);
}

static bool say_graph(json_t *ready, const char *url, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  ia_buf_printf(&text, "%s/graphql/dataprotector", url);
  if (!ia_buf_ok(&text, e) ||
      !ia_json_set(ready, "subgraphUrl", ia_json_bytes(ia_buf_view(&text)), e))
    return false;
  ia_buf_clear(&text);
  ia_buf_printf(&text, "%s/graphql/poco", url);
  return ia_buf_ok(&text, e) &&
         ia_json_set(ready, "pocoSubgraphUrl", ia_json_bytes(ia_buf_view(&text)), e);
}

/* The scheduler starts after us, on a port that is fixed already; elsewhere or behind a proxy it is
 * where --scheduler says. */
static bool scheduler_url(ia_buf *out, const ia_role_ctx *r, const char *own, ia_err *e)
{
  const char *given = ia_role_text(r, "schedulerUrl"), *colon = strrchr(own, ':');
  unsigned port = (unsigned)ia_role_number(r, "schedulerPort", 0);

  if (given)
    ia_buf_str(out, given);
  else if (colon && port && (ia_role_number(r, "roles", 0) & IA_ROLE_SCHEDULER))
    ia_buf_printf(out, "%.*s:%u", (int)(colon - own), own, port);
  ia_buf_u8(out, 0);
  return ia_buf_ok(out, e);
}

/* The pools of this installation: those of the ledger's genesis, or the one it was told. */
static bool own_pools(ia_compass_config *c, ia_addr pools[IA_COMPASS_POOLS], const ia_role_ctx *r,
                      const json_t *info, ia_err *e)
{
  const json_t *all = json_object_get(info, "pools");

  c->pools = pools;
  if (ia_role_text(r, "wantPool")) {
    c->n_pools = 1;
    return ia_role_addr(r, "wantPool", &pools[0], e);
  }
  for (size_t i = 0; i < json_array_size(all) && c->n_pools < IA_COMPASS_POOLS; i++) {
    const char *text = json_string_value(json_array_get(all, i));

    if (!text || !ia_addr_parse(&pools[c->n_pools++], ia_span_str(text), e))
      return ia_fail(e, IA_E_PARSE, "the ledger's pools");
  }
  return true;
}

static bool open_compass(front *f, const ia_role_ctx *r, const json_t *info, ia_err *e)
{
  ia_compass_config c = {.apps = ia_role_text(r, "iapps")};
  ia_addr pools[IA_COMPASS_POOLS];
  IA_AUTOV(ia_buf) url = {0};

  if (!scheduler_url(&url, r, ia_server_url(f->server), e) ||
      !ia_json_get_u64(info, "chainId", &c.chain_id, e) || !own_pools(&c, pools, r, info, e))
    return false;
  c.api_url = url.len > 1 ? (const char *)url.ptr : NULL;
  return (ia_compass_open(&f->compass, &c, e) || ia_wrap(e, "--iapp")) &&
         ia_compass_mount(f->compass, f->server, e);
}

/* An address of the ledger's description, checksummed, under the name that SDKs know. */
static bool put_addr(json_t *ready, const char *as, const json_t *info, const char *key, ia_err *e)
{
  ia_addr a;

  return !json_object_get(info, key) ||
         (ia_json_get_addr(info, key, &a, e) &&
          ia_json_set(ready, as, json_string(ia_addr_text(&a).s), e));
}

static bool say_ledger(json_t *ready, json_t *info, ia_err *e)
{
  json_t *whitelist = json_object_get(info, "whitelist");

  return ia_json_set(ready, "chainId", json_incref(json_object_get(info, "chainId")), e) &&
         put_addr(ready, "hubAddress", info, "hub", e) &&
         put_addr(ready, "dataprotectorContractAddress", info, "dataProtector", e) &&
         put_addr(ready, "workerpool", info, "pool", e) &&
         (!whitelist || ia_json_set(ready, "whitelist", json_incref(whitelist), e)) &&
         ia_json_set(ready, "ledgerInfo", json_incref(info), e);
}

static bool open_services(front *f, ia_role_ctx *r, json_t *ready, ia_err *e)
{
  uint64_t roles = ia_role_number(r, "roles", 0);
  const char *url = ia_server_url(f->server), *rpc = url;
  IA_AUTO_JSON *info = NULL;

  if ((roles & IA_ROLE_LEDGER) &&
      (!open_ledger(f, r, e) || !(info = ia_ledger_info(ia_ledger_service_ledger(f->ledger), e)) ||
       !ia_json_set(ready, "rpcUrl", json_string(url), e)))
    return false;
  if (!info && (!(rpc = ia_role_text(r, "rpcUrl")) || !(info = ia_role_ledger_info(r, e))))
    return rpc ? false : ia_fail(e, IA_E_USAGE, "no ledger here: give --rpc URL or --chain URL");
  if (!say_ledger(ready, info, e))
    return false;
  if ((roles & IA_ROLE_IPFS) &&
      (!open_ipfs(f, r, e) || !ia_json_set(ready, "ipfsNodeUrl", json_string(url), e) ||
       !ia_json_set(ready, "ipfsGatewayUrl", json_string(url), e)))
    return false;
  if (!open_compass(f, r, info, e) || !ia_json_set(ready, "compassUrl", json_string(url), e))
    return false;
  if ((roles & IA_ROLE_GRAPH) &&
      (!open_graph(f, r, info, rpc,
                   (roles & IA_ROLE_IPFS) ? url : ia_role_text(r, "ipfsGatewayUrl"), e) ||
       !say_graph(ready, url, e)))
    return false;
  return !(roles & IA_ROLE_MARKET) ||
         (open_market(f, r, info, rpc, e) && ia_json_set(ready, "marketUrl", json_string(url), e));
}

/* Also what was left unread at the last end, before anybody asks. */
static void on_blocks(void *state)
{
  front *f = state;

  ia_graph_new_blocks(f->graph);
  ia_market_new_blocks(f->market);
}

static bool front_open(ia_role_ctx *r, void **state, json_t **ready, ia_err *e)
{
  front *f = calloc(1, sizeof(*f));

  if (!f)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  *state = f;
  *ready = json_object();
  if (!ia_role_listen(r, &f->server, "frontPort", e) || !open_services(f, r, *ready, e))
    return false;
  on_blocks(f);
  if (f->ledger)
    ia_ledger_service_on_blocks(f->ledger, on_blocks, f);
  return true;
}

const ia_role_def ia_role_front = {"front", front_open, front_close};
