/* The embedded ledger: PoCo rules natively behind Ethereum JSON-RPC. One operator, not a
 * blockchain. Independent of HTTP: request bytes in, reply bytes out. Every function is for one
 * thread (the loop's) but ia_ledger_durable, ia_ledger_wait and the notification. */
#ifndef IA_SERVICE_LEDGER_LEDGER_H
#define IA_SERVICE_LEDGER_LEDGER_H

#include "base/json.h"
#include "poco/rules.h"

typedef struct ia_ledger ia_ledger;

typedef struct ia_genesis_balance {
  ia_addr who;
  ia_u256 nrlc;
} ia_genesis_balance;

/* What record 0 fixes for ever. */
typedef struct ia_genesis {
  uint64_t chain_id;  /* 0 = 421614 */
  const char *rules;  /* "6.1", "6.2"; NULL = "6.2" */
  ia_h256 seed;       /* zero = random; tests give their own */
  ia_addr pool_owner; /* owns hub, pools and groups at the start; never a development account */
  uint64_t timestamp; /* of block 0; 0 = now */
  const ia_genesis_balance *balances; /* RLC */
  size_t n_balances;
  bool dev_accounts; /* coins and RLC for the ten usual development accounts: test or loopback only
                      */
} ia_genesis;

typedef struct ia_ledger_config {
  const char *path;   /* ledger.db; NULL = in memory */
  ia_genesis genesis; /* used when the store is new; later a different chain id or rules: INVALID */
  bool test;          /* evm_* methods; faucet */
  bool loopback;      /* faucet */
  bool allow_fees;    /* accept transactions that offer a fee (none is ever taken) */
  bool no_hold;       /* the service answers everything as soon as it can */
  const char *metadata;  /* URL below which the metadata of entries are served (base URI of the
                            registries); NULL = nowhere; lives as long as the ledger */
  size_t cache;          /* bytes of state in memory; 0 = 16 MiB */
  uint64_t (*now)(void); /* Unix seconds; NULL = ia_now */
} ia_ledger_config;

/* Makes genesis when the store is new. CORRUPT when the store is not a ledger's. */
IA_MUST bool ia_ledger_open(ia_ledger **out, const ia_ledger_config *c, ia_err *e);
void ia_ledger_close(ia_ledger *l); /* NULL is fine; what was acknowledged is on disk already */
IA_DEFINE_AUTO(ia_ledger, ia_ledger_close)

typedef struct ia_ledger_reply {
  bool from_page;  /* set before: a page of elsewhere asks, and gets no test method and no faucet */
  ia_buf text;     /* JSON; empty after a request of notifications only */
  uint64_t height; /* the text says what is so after this block: send it once that is durable */
  bool wait; /* iapp_waitBlock: `text` is empty; ask ia_ledger_wait_reply when the head is above
                wait_above, or after wait_ms */
  uint64_t wait_above;
  uint64_t wait_ms;
  ia_buf wait_id; /* JSON text of the request's id */
  bool wrote;     /* the request changed something: not to be run again */
  bool sent;    /* by who asked for the nonce just before, as clients do that keep what they read */
  bool watches; /* viewTask of a task that runs: better answered when it has ended */
  ia_h256 task;
} ia_ledger_reply;
void ia_ledger_reply_free(ia_ledger_reply *r);
IA_DEFINE_AUTO_VALUE(ia_ledger_reply, ia_ledger_reply_free)

/* One JSON-RPC request or a batch. False only when there is no memory. */
IA_MUST bool ia_ledger_rpc(ia_ledger *l, ia_span request, ia_ledger_reply *out, ia_err *e);
/* The same in slices of some milliseconds, so that other requests have their turn between those of
 * a batch. *rest: what is left of it, NULL when the reply is whole. */
typedef struct ia_ledger_rest ia_ledger_rest;
IA_MUST bool ia_ledger_rpc_begin(ia_ledger *l, ia_span request, ia_ledger_reply *out,
                                 ia_ledger_rest **rest, ia_err *e);
/* *whole: the reply is. The ledger may be another one that was opened on the same store. */
IA_MUST bool ia_ledger_rpc_go_on(ia_ledger *l, ia_ledger_rest *rest, ia_ledger_reply *out,
                                 bool *whole, ia_err *e);
/* Microseconds that its slices took. */
uint64_t ia_ledger_rest_spent(const ia_ledger_rest *rest);
void ia_ledger_rest_free(ia_ledger_rest *rest); /* NULL is fine */
/* The reply of a wait: the durable head. */
IA_MUST bool ia_ledger_wait_reply(ia_ledger *l, ia_ledger_reply *r, ia_err *e);
/* The error reply for a request whose blocks could not be made durable. */
IA_MUST bool ia_ledger_failed_reply(const ia_err *why, ia_buf *text, ia_err *e);
/* The same in one blocking call: for tests and the command line. iapp_waitBlock answers at once. */
IA_MUST bool ia_ledger_request(ia_ledger *l, ia_span request, ia_buf *reply, ia_err *e);

/* Whether a task of a deal is not over yet and may still end well. */
bool ia_ledger_task_runs(ia_ledger *l, const ia_h256 *task);
/* Tasks that have ended since this was asked last; they stay there until the next request. *any:
 * every task may have ended, because time was set, blocks were taken back, or there are too many to
 * name.
 */
size_t ia_ledger_take_ended(ia_ledger *l, const ia_h256 **tasks, bool *any);
/* How many times evm_revert took blocks back. */
uint64_t ia_ledger_reverts(const ia_ledger *l);

uint64_t ia_ledger_head(const ia_ledger *l);             /* last block executed */
uint64_t ia_ledger_durable(const ia_ledger *l);          /* last block on disk; any thread */
IA_MUST bool ia_ledger_healthy(ia_ledger *l, ia_err *e); /* false: the disk failed; any thread */
/* Waits until that block is durable; any thread. */
IA_MUST bool ia_ledger_wait(ia_ledger *l, uint64_t number, ia_err *e);
/* Called on another thread whenever the durable block changed, or the disk failed. */
typedef void ia_ledger_notify(void *ctx);
void ia_ledger_on_durable(ia_ledger *l, ia_ledger_notify *fn, void *ctx);
/* Drops cached state beyond its cap; call now and then, between requests. */
void ia_ledger_trim(ia_ledger *l);

/* What iapp_info answers; new reference. */
json_t *ia_ledger_info(const ia_ledger *l, ia_err *e);
/* The metadata of an entry as JSON of ERC-721: "app", "421614", token in decimal digits. NOT_FOUND;
 * new reference. */
json_t *ia_ledger_metadata(ia_ledger *l, ia_span kind, ia_span chain, ia_span token, ia_err *e);
ia_addr ia_ledger_hub(const ia_ledger *l);
uint64_t ia_ledger_chain_id(const ia_ledger *l);
/* A pool and a group at the addresses that the packages have built in; zero when there is none. */
ia_addr ia_ledger_pool(const ia_ledger *l);

/* `iappd ledger verify`: replays the log of `path` into a store of its own beside it, compares
 * every block hash and then the whole state. CORRUPT names the first block that differs. */
typedef struct ia_ledger_verified {
  uint64_t blocks;
  ia_h256 head;
} ia_ledger_verified;
IA_MUST bool ia_ledger_verify(ia_ledger_verified *out, const char *path, ia_err *e);
/* Puts state and indexes as the log gives them in the place of those stored, in one transaction;
 * the log itself is not touched. CORRUPT, and nothing is changed, when the log does not replay.
 * Both while no ledger runs on this store. */
IA_MUST bool ia_ledger_reindex(ia_ledger_verified *out, const char *path, ia_err *e);

#endif
