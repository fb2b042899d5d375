/* The market: signed orders of the four kinds, published and found by clients of iExec. Holds no
 * secret and no money: every order is checked against the ledger when it comes, and every query
 * first catches up with the ledger's head, so that consumed, closed and orphaned orders are gone in
 * the same instant. */
#ifndef IA_SERVICE_MARKET_H
#define IA_SERVICE_MARKET_H

#include "http/server.h"

typedef struct ia_market ia_market;

typedef struct ia_market_config {
  const char *db;      /* "sqlite:HOME/front/market.db" */
  const char *rpc_url; /* of the ledger; may be this same process */
  uint64_t chain_id;
  ia_addr hub;
  uint64_t first_block; /* where a new store begins to follow */
  size_t reorg_depth;   /* blocks that are remembered; 0 = IA_REORG_DEPTH */
  unsigned open_max;    /* open orders of one signer and kind; 0 = 50 */
  unsigned rate_max;    /* requests a minute of one address beyond loopback; 0 = 100 */
  bool rate_loopback;   /* count those of this machine too */
} ia_market_config;

/* Asks nothing of the ledger before the first request. INVALID when the store is another ledger's.
 */
IA_MUST bool ia_market_open(ia_market **out, const ia_market_config *c, ia_loop *l, ia_err *e);
/* The ledger has new blocks: read soon, and not at each of them. On the loop's thread; NULL is
 * fine. */
void ia_market_new_blocks(ia_market *m);
/* Before that server is closed: where the ledger is served by the same loop, requests under way
 * would wait for it in vain. NULL is fine. */
void ia_market_stop(ia_market *m);
/* After the server that mounts it is closed. NULL is fine. */
void ia_market_close(ia_market *m);
IA_DEFINE_AUTO(ia_market, ia_market_close)
IA_MUST bool ia_market_mount(ia_market *m, ia_server *server, ia_err *e);
/* Throws away what was derived from the ledger and derives it again; posted orders stay. Blocking;
 * while no market runs on this store, and the ledger does. */
IA_MUST bool ia_market_reindex(const ia_market_config *c, ia_err *e);

#endif
