/* The index: GraphQL over what the ledger did, in the two dialects that clients of iExec ask:
 * POST /graphql/dataprotector and POST /graphql/poco. Holds no secret. Every query first catches up
 * with the ledger's head. */
#ifndef IA_SERVICE_GRAPH_H
#define IA_SERVICE_GRAPH_H

#include "base/types.h"
#include "http/server.h"

typedef struct ia_graph ia_graph;

/* All texts are copied. */
typedef struct ia_graph_config {
  const char *db; /* "sqlite:HOME/front/graph.db": everything in it is derived */
  const char *rpc_url;
  const char *ipfs_url; /* gateway for bulk requests; NULL: they stay unread */
  uint64_t chain_id;
  ia_addr hub;
  ia_addr dataprotector; /* zero: there is none */
  uint64_t first_block;  /* begin of the index: the block that made the hub */
  size_t reorg_depth;    /* blocks that are remembered; 0 = IA_REORG_DEPTH */
} ia_graph_config;

/* loop NULL: nothing is done by the clock. INVALID when the store belongs to another ledger. */
IA_MUST bool ia_graph_open(ia_graph **out, const ia_graph_config *c, ia_loop *l, ia_err *e);
/* The ledger has new blocks: read soon, and not at each of them. On the loop's thread; NULL is
 * fine. */
void ia_graph_new_blocks(ia_graph *g);
/* After the server that mounts it is closed. NULL is fine. */
void ia_graph_close(ia_graph *g);
IA_DEFINE_AUTO(ia_graph, ia_graph_close)
IA_MUST bool ia_graph_mount(ia_graph *g, ia_server *server, ia_err *e);

/* Throws away everything and reads the ledger from the first block (iappd reindex; no role may use
 * the store meanwhile). */
IA_MUST bool ia_graph_reindex(const ia_graph_config *c, ia_err *e);

#endif
