/* Insides of the market service. */
#ifndef IA_SERVICE_MARKET_INT_H
#define IA_SERVICE_MARKET_INT_H

#include <pthread.h>

#include "base/soon.h"
#include "base/turn.h"
#include "chain/follow.h"
#include "eth/challenge.h"
#include "poco/orders.h"
#include "service/market/market.h"
#include "store/db.h"

enum {
  CHALLENGE_S = 300,
  GROUPS_MAX = 4096, /* contracts whose members are followed */
  GROUPS_EACH = 16,  /* that the open orders of one wallet name */
  GROUP_MEMBERS_MAX = 10000,
  GROUP_EVENTS_MAX = 50000, /* of its past, and in one step */
  WATCHED_MAX = 1 + IA_ASSET_KINDS,
  IDLE_SYNC_MS = 30000,
  RATE_ROWS = 1024,
  RATE_S = 60,
  RATE_LOCAL = 300000, /* requests of this machine in that time */
};
enum { TOPIC_ORDERS = 1, TOPIC_DEALS = 2 };
/* Prices and volumes are JSON numbers of clients: at most 2^53 - 1. */
#define NUMBER_MAX 9007199254740991U

/* What a job works with: handles of its own. */
typedef struct worker {
  struct worker *next;
  ia_db *db;
  ia_chain *chain;
} worker;

/* Requests of one address since a time. */
typedef struct rate_row {
  char peer[64];
  uint64_t since;
  unsigned n;
} rate_row;

typedef struct market_events market_events;

struct ia_market {
  ia_loop *loop;
  char *db, *rpc_url;
  uint64_t chain_id, first_block;
  size_t depth; /* of rewrites that are remembered */
  ia_addr hub;
  ia_h256 separator;
  unsigned open_max, rate_max;
  bool rate_loopback; /* count those of this machine too */
  volatile bool cancel;
  ia_routes table;
  ia_soon *follower;     /* NULL without a loop */
  market_events *events; /* NULL without a loop */
  pthread_mutex_t lock;  /* spare workers, rates */
  rate_row rates[RATE_ROWS];
  worker *spare;
  ia_challenges *challenges;
  /* following; one run at a time, others share its result */
  ia_turn sync;
  worker *sync_worker;
  ia_chain *sync_chain;
  ia_follow *follow;
  ia_addr watched[WATCHED_MAX]; /* hub, registries by ia_asset_kind */
  bool regroup; /* guarded by sync.lock: groups became known, or their members unknown */
};

/* market.c */
IA_MUST bool ia_market_worker(ia_market *m, worker **out, ia_err *e);
void ia_market_worker_back(ia_market *m, worker *w);

/* sync.c: up to the ledger's head as it is now or later. Registries are known after. */
IA_MUST bool ia_market_catch_up(ia_market *m, ia_err *e);
void ia_market_sync_close(ia_market *m);
/* Looks an order up on the ledger anew: consumed, and whether its signer still owns the asset. */
IA_MUST bool ia_market_recheck(ia_market *m, worker *w, const ia_h256 *hash, ia_err *e);

/* rate.c: a request that is answered: of this chain, and of an address within its rate. */
IA_MUST bool ia_market_admit(ia_market *m, ia_request *rq, ia_err *e);

/* values.c: values, and the query's. A refusal is INVALID with the public market's text. */
IA_MUST bool ia_market_address(ia_span v, const char *name, ia_addr *out, ia_err *e);
IA_MUST bool ia_market_bytes32(ia_span v, const char *name, ia_h256 *out, ia_err *e);
/* A whole number from least to most. */
IA_MUST bool ia_market_number(ia_span v, const char *name, uint64_t least, uint64_t most,
                              uint64_t *out, ia_err *e);
/* Always false: it is missing. */
bool ia_market_required(const char *name, ia_err *e);
/* `chainId` must be ours. */
IA_MUST bool ia_market_chain(const ia_market *m, ia_request *rq, ia_err *e);
/* A filter that no list has is refused: misspelt, it would widen the list. */
IA_MUST bool ia_market_query_known(ia_request *rq, ia_err *e);
/* out stays as it is when the parameter is not given. */
IA_MUST bool ia_market_query_addr(ia_request *rq, const char *name, ia_addr *out, bool *given,
                                  ia_err *e);
/* The same, or the word "any". */
IA_MUST bool ia_market_query_any(ia_request *rq, const char *name, ia_addr *out, bool *given,
                                 bool *any, ia_err *e);
IA_MUST bool ia_market_query_number(ia_request *rq, const char *name, uint64_t least, uint64_t most,
                                    uint64_t *out, bool *given, ia_err *e);
IA_MUST bool ia_market_query_h256(ia_request *rq, const char *name, ia_h256 *out, bool *given,
                                  ia_err *e);
/* false when it is not given */
IA_MUST bool ia_market_query_flag(ia_request *rq, const char *name, bool *out, ia_err *e);

/* order_check.c: the member "order" of a body, each field checked and plain; *out is the caller's.
 */
IA_MUST bool ia_market_plain_order(json_t **out, ia_order_kind kind, const json_t *body, ia_err *e);

/* schema.c */
extern const ia_migration ia_market_schema[];
extern const size_t ia_market_schema_steps;

/* login.c */
bool ia_market_get_challenge(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
/* Who signed the challenge that the request's Authorization names; the challenge is spent. */
IA_MUST bool ia_market_login_open(ia_market *m, ia_err *e);
IA_MUST bool ia_market_login(ia_market *m, ia_request *rq, ia_addr *who, ia_err *e);

/* row.c */
typedef struct order_row {
  ia_order_kind kind;
  ia_h256 hash;
  ia_addr asset, signer;
  uint64_t price, volume, remaining, category, trust;
  uint64_t need; /* nRLC that a unit needs of the signer's stake */
  uint64_t app_max, dataset_max;
  ia_h256 tag;
  ia_addr app, dataset, workerpool, requester; /* restrictions; targets of a request order */
  ia_addr beneficiary;
  bool is_group[4]; /* of app, dataset, workerpool, requester; ia_market_learn_groups */
} order_row;
/* Fields out of the order; PARSE when a number is beyond what clients take. */
IA_MUST bool ia_market_row_of(order_row *r, const ia_order *o, ia_err *e);
/* Two rows: in a transaction of the caller. */
IA_MUST bool ia_market_insert(ia_db *db, const order_row *r, const ia_order *o, ia_err *e);
/* Part i of the four of a tag, the most significant first, as SQL keeps it. */
int64_t ia_market_tag_part(const ia_h256 *tag, size_t i);
/* Columns of the row in this order; see ITEM_COLUMNS. */
#define BODY         "(SELECT body FROM bodies WHERE bodies.id = orders.id)"
#define ITEM_COLUMNS "hash, " BODY ", remaining, status, published, signer"
json_t *ia_market_item(const ia_market *m, ia_db *db, ia_stmt *s, ia_err *e);
/* An open app order, and dataset order if there is a dataset, that this request could match. why:
 * NULL, or what it lacks. */
IA_MUST bool ia_market_matchable(ia_db *db, bool *yes, const order_row *request, ia_err *why,
                                 ia_err *e);
/* Is this stake enough for `remaining` units? */
bool ia_market_stake_ok(const order_row *r, const ia_u256 *stake);
/* Row of a stored order; false with NOT_FOUND. */
IA_MUST bool ia_market_row_load(ia_db *db, order_row *r, const ia_h256 *hash, ia_err *e);

/* groups.c */
/* Before an order is stored: its restrictions that are groups become known. FORBIDDEN by name when
 * they are too many, or when one of them cannot be followed. */
IA_MUST bool ia_market_learn_groups(ia_market *m, worker *w, order_row *r, ia_err *e);
/* In the transaction that stores the order: its groups have not been dropped meanwhile. */
IA_MUST bool ia_market_hold_groups(ia_market *m, ia_db *db, const order_row *r, ia_err *e);
/* KeyAdded and KeyRemoved; other events are none of its business. */
IA_MUST bool ia_market_on_key(ia_market *m, worker *w, const ia_log_entry *log, ia_err *e);
/* In the run that follows: loads the members of groups that are new, and lists those that can be
 * followed; *out is the caller's. */
IA_MUST bool ia_market_groups(ia_market *m, worker *w, uint64_t to, ia_addr **out, size_t *n,
                              ia_err *e);
/* For the follower (ia_chain_skip): its orders are nobody's from here on, and say so. */
IA_MUST bool ia_market_group_unreadable(ia_market *m, ia_db *db, const ia_addr *group,
                                        const ia_err *why, ia_err *e);
/* In the run that follows: members are looked up anew with the next one. */
IA_MUST bool ia_market_groups_forget(ia_market *m, ia_db *db, ia_err *e);
/* Adds "unverifiable":[ADDRESS] to an item whose order names groups that cannot be followed. */
IA_MUST bool ia_market_show_unverifiable(ia_db *db, json_t *item, ia_err *e);

/* events.c */
IA_MUST bool ia_market_events_new(ia_market *m, ia_err *e);
void ia_market_events_free(ia_market *m); /* after the server is closed */
/* Any thread, once it is committed: the event KIND_WHAT. */
void ia_market_tell(ia_market *m, unsigned topic, const char *kind, const char *what,
                    const json_t *data);
/* What blocks (after, to] did to orders and deals. */
IA_MUST bool ia_market_tell_blocks(ia_market *m, ia_db *db, uint64_t after, uint64_t to, ia_err *e);

/* Kind of a collection's name, "apporders". */
IA_MUST bool ia_market_kind(ia_span collection, ia_order_kind *kind, ia_err *e);

/* Open request orders that lived on an order which is gone: dead when nothing else would match.
 * Their hashes are appended to `dead`, unless that is NULL. */
IA_MUST bool ia_market_recheck_requests(ia_db *db, const order_row *gone, uint64_t block,
                                        json_t *dead, ia_err *e);

/* Handlers. publish.c, list.c, deals.c, stats.c, events.c */
bool ia_market_ohlc(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_market_metrics(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_market_events_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_market_publish(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_market_unpublish(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_market_list(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_market_one(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_market_deals(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_market_deal(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_market_categories(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_market_category(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
IA_MUST bool ia_market_store_deal(ia_market *m, worker *w, const ia_chain_log *log,
                                  const ia_event *ev, ia_err *e);

/* Paging of a list; count and nextPage of its answer. */
typedef struct paging {
  uint64_t size, skip, index;
  uint64_t bytes; /* of the items so far */
} paging;
IA_MUST bool ia_market_paging(ia_request *rq, paging *p, ia_err *e);
/* Appends an item, which is taken over (NULL: MEMORY). TOO_LARGE where the page then has more than
 * 16 MiB; the smallest page, of 10 items, is always taken. */
IA_MUST bool ia_market_page_add(paging *p, json_t *items, json_t *item, ia_err *e);
/* {"ok":true,"count","<name>":items,"nextPage"?}; takes items over. */
IA_MUST bool ia_market_page(ia_reply *rp, const char *name, json_t *items, uint64_t count,
                            const paging *p, ia_err *e);

#endif
