/* Insides of the graph service. */
#ifndef IA_SERVICE_GRAPH_INT_H
#define IA_SERVICE_GRAPH_INT_H

#include <pthread.h>

#include "base/soon.h"
#include "base/turn.h"
#include "chain/follow.h"
#include "http/client.h"
#include "service/graph/graph.h"
#include "service/graph/query.h"
#include "service/graph/store.h"

/* A reader's handle. */
typedef struct graph_reader {
  struct graph_reader *next;
  ia_db *db;
} graph_reader;

struct ia_graph {
  ia_loop *loop;
  char *db, *rpc_url, *ipfs_url;
  uint64_t chain_id, first_block;
  size_t depth; /* of rewrites that are remembered */
  ia_addr hub, dataprotector;
  ia_h256 separator;
  volatile bool cancel;
  ia_routes table;
  ia_soon *follower; /* NULL without a loop */
  uint64_t bulk_ms;  /* when unreadable bulk requests were asked for last; the follower's */
  graph_pool pool;   /* what answers hold */
  graph_persisted *persisted;
  pthread_mutex_t lock; /* spare readers */
  graph_reader *spare;
  /* following; one run at a time, others share its result */
  ia_turn sync;
  graph_store *store;
  ia_chain *chain;
  ia_follow *follow;
  pthread_mutex_t bulk_lock; /* one reader of bulk requests at a time */
  graph_store *bulk_store;
  ia_http *http;
  unsigned waiting; /* requests that wait for bulk requests to be read; under `lock` */
  ia_event_id events[32];
  ia_addr watched[2 + IA_ASSET_KINDS]; /* hub, registries by kind, DataProtector */
};

/* What one log is written with. */
typedef struct graph_writer {
  ia_graph *g;
  graph_store *s;
  ia_chain *chain;
  const ia_chain_log *log;
  uint64_t block, timestamp;
  ia_h256 tx;        /* whose row is written */
  ia_chain_tx *call; /* of the log at hand */
} graph_writer;

#define GRAPH_PUT(w, table, id, e, ...)                                                            \
  graph_put((w)->s, table, id, (w)->block, (const graph_value[]){__VA_ARGS__},                     \
            sizeof((const graph_value[]){__VA_ARGS__}) / sizeof(graph_value), e)

/* sync.c: up to the ledger's head as it is now or later. */
IA_MUST bool graph_catch_up(ia_graph *g, ia_err *e);
void graph_sync_close(ia_graph *g);

/* Handlers of events. assets.c */
IA_MUST bool graph_on_moved(graph_writer *w, ia_asset_kind kind, const ia_event *ev, ia_err *e);
IA_MUST bool graph_on_schema(graph_writer *w, const ia_event *ev, ia_err *e);
IA_MUST bool graph_on_policy(graph_writer *w, const ia_event *ev, ia_err *e);
/* Makes the asset known that no event told of; an address that is none stays unknown. */
IA_MUST bool graph_know_asset(graph_writer *w, ia_asset_kind kind, const ia_addr *asset, ia_err *e);
/* What is on the ledger from its beginning: pools and categories. */
IA_MUST bool graph_on_beginning(graph_writer *w, ia_err *e);
/* accounts.c */
IA_MUST bool graph_know_account(graph_writer *w, const ia_addr *who, ia_err *e);
IA_MUST bool graph_on_transfer(graph_writer *w, const ia_event *ev, ia_err *e);
/* Lock, unlock, reward, seize; accurate and faulty contributions. */
IA_MUST bool graph_on_stake(graph_writer *w, ia_event_id id, const ia_event *ev, ia_err *e);
IA_MUST bool graph_on_judged(graph_writer *w, ia_event_id id, const ia_event *ev, ia_err *e);
/* deals.c */
IA_MUST bool graph_on_match(graph_writer *w, const ia_event *ev, ia_err *e);
IA_MUST bool graph_on_notice(graph_writer *w, const ia_event *ev, ia_err *e);
IA_MUST bool graph_on_category(graph_writer *w, const ia_event *ev, ia_err *e);
/* orders.c */
IA_MUST bool graph_put_order(graph_writer *w, ia_order_kind kind, const void *order,
                             const ia_h256 *hash, ia_err *e);
/* Under an id of its own, for orders of bulk requests. */
IA_MUST bool graph_put_dataset_order(graph_writer *w, const ia_dataset_order *o, const char *id,
                                     ia_err *e);
IA_MUST bool graph_on_broadcast(graph_writer *w, const ia_event *ev, ia_err *e);
/* tasks.c */
IA_MUST bool graph_on_task(graph_writer *w, ia_event_id id, const ia_event *ev, ia_err *e);
/* bulk.c: notes the bulk that a deal's params name, to be read. */
IA_MUST bool graph_bulk_note(graph_writer *w, const ia_h256 *dealid, const ia_deal *d, ia_err *e);
/* Reads what was noted and, with `again`, what could not be read before. Not while the ledger is
 * followed: the gateway may be of this process and need a thread of the same pool. */
IA_MUST bool graph_bulk_read(ia_graph *g, bool again, ia_err *e);
void graph_bulk_close(ia_graph *g);

/* write.c */
typedef struct graph_id {
  char s[140];
} graph_id;
/* "block-index" */
graph_id graph_event_id(const graph_writer *w);
/* The row of the log's transaction, with its accounts. */
IA_MUST bool graph_put_tx(graph_writer *w, ia_err *e);
/* A row of `event`: type, tx and time are added. */
IA_MUST bool graph_put_event(graph_writer *w, const char *type, const graph_value *v, size_t n,
                             ia_err *e);
#define GRAPH_EVENT(w, type, e, ...)                                                               \
  graph_put_event(w, type, (const graph_value[]){__VA_ARGS__},                                     \
                  sizeof((const graph_value[]){__VA_ARGS__}) / sizeof(graph_value), e)
/* Text of a contract: as it is when it is UTF-8 without NUL, else hex. */
char *graph_text(ia_span s);

#endif
