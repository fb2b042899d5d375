/* The ledger as PoCo clients see it: typed calls, transactions, receipts, logs. Works on our ledger
 * and on any EVM node with the PoCo contracts. Blocking; one object belongs to one thread. Nothing
 * here is trusted: callers that need proof (the SMS) recompute hashes and signatures themselves. */
#ifndef IA_CHAIN_POCO_H
#define IA_CHAIN_POCO_H

#include "chain/rpc.h"
#include "crypto/secp.h"
#include "poco/abi.h"

typedef struct ia_chain ia_chain;

/* How transactions are sent where blocks take their time; means nothing to our own ledger. */
typedef struct ia_chain_sending {
  const char *outbox;     /* folder of what is under way; NULL = it ends with this object */
  uint64_t confirmations; /* blocks that make a transaction final, its own included; 0 = 1 */
  const char *max_fee;    /* most for a unit of gas, in gwei; NULL = no limit */
  uint32_t stuck_ms;      /* a transaction that waits so long is replaced; 0 = 30 s */
} ia_chain_sending;

typedef struct ia_chain_options {
  const char *url;             /* of one node, or of several with commas between (rpc.h) */
  const char *unix_socket;     /* NULL = by the URL */
  ia_addr hub;                 /* zero: ask our ledger (iapp_info) */
  uint64_t chain_id;           /* 0 = whatever the node says; else CHAIN_ID when it differs */
  uint32_t timeout_ms;         /* 0 = 30000 */
  const volatile bool *cancel; /* ends requests and waits */
  ia_chain_sending sending;    /* texts are copied */
  size_t agree; /* so many nodes must say the same (rpc.h); such a chain is never our own ledger */
  uint64_t lag; /* blocks that a node may be behind the others; 0 = 8 */
  uint64_t until; /* ia_mono_ms by which what is asked ends, see ia_rpc_until; 0 = none */
} ia_chain_options;

/* Asks the node for its chain id. */
IA_MUST bool ia_chain_open(ia_chain **out, const ia_chain_options *o, ia_err *e);
void ia_chain_close(ia_chain *c); /* NULL is fine */
IA_DEFINE_AUTO(ia_chain, ia_chain_close)

uint64_t ia_chain_id(const ia_chain *c);
const ia_addr *ia_chain_hub(const ia_chain *c);
/* EIP-712 domain separator of the hub, computed here. */
const ia_h256 *ia_chain_separator(const ia_chain *c);
ia_rpc *ia_chain_rpc(ia_chain *c);
/* True when the node is our own ledger (answers iapp_info). */
bool ia_chain_is_local(const ia_chain *c);

typedef struct ia_chain_info {
  ia_addr token;
  ia_addr registry[IA_ASSET_KINDS];
  ia_h256 proxy_code_hash; /* zero when the node does not tell */
} ia_chain_info;
/* By hub views (and proxyCodeHash of the app registry). */
IA_MUST bool ia_chain_info_get(ia_chain *c, ia_chain_info *out, ia_err *e);

/* -- reads: eth_call at the latest block -- */

/* result: the struct that the row of `id` speaks of (ia_args for plain values), borrowing from
 * `store`, which is replaced. args may be NULL for calls without. to NULL = the hub. */
IA_MUST bool ia_chain_read(ia_chain *c, void *result, ia_buf *store, const ia_addr *to,
                           ia_call_id id, const void *args, ia_err *e);
typedef struct ia_chain_query {
  const ia_addr *to; /* NULL = the hub */
  ia_call_id id;
  const void *args;
  void *result;
  ia_buf *store;
  bool ok;
  ia_err err;
} ia_chain_query;
/* All in one batch; single failures stand in the queries. */
IA_MUST bool ia_chain_read_many(ia_chain *c, ia_chain_query *q, size_t n, ia_err *e);

/* NOT_FOUND when there is no such deal. */
IA_MUST bool ia_chain_deal(ia_chain *c, ia_deal *out, ia_buf *store, const ia_h256 *dealid,
                           ia_err *e);
/* An UNSET task is no error. */
IA_MUST bool ia_chain_task(ia_chain *c, ia_task *out, ia_buf *store, const ia_h256 *taskid,
                           ia_err *e);
IA_MUST bool ia_chain_account(ia_chain *c, ia_account *out, const ia_addr *who, ia_err *e);
IA_MUST bool ia_chain_consumed(ia_chain *c, ia_u256 *out, const ia_h256 *order_hash, ia_err *e);
IA_MUST bool ia_chain_category(ia_chain *c, ia_category *out, ia_buf *store, const ia_u256 *index,
                               ia_err *e);
IA_MUST bool ia_chain_owner(ia_chain *c, ia_addr *out, const ia_addr *asset, ia_err *e);
IA_MUST bool ia_chain_app(ia_chain *c, ia_app_info *out, ia_buf *store, const ia_addr *app,
                          ia_err *e);
IA_MUST bool ia_chain_dataset(ia_chain *c, ia_dataset_info *out, ia_buf *store,
                              const ia_addr *dataset, ia_err *e);
IA_MUST bool ia_chain_workerpool(ia_chain *c, ia_workerpool_info *out, ia_buf *store,
                                 const ia_addr *pool, ia_err *e);
IA_MUST bool ia_chain_registered(ia_chain *c, bool *out, const ia_addr *registry,
                                 const ia_addr *asset, ia_err *e);
/* The hub's word on a signature (ERC-1271 included). */
IA_MUST bool ia_chain_verify_signature(ia_chain *c, bool *out, const ia_addr *who,
                                       const ia_h256 *hash, ia_span sign, ia_err *e);
/* ERC-734: the group's word; an address without code says no. */
IA_MUST bool ia_chain_has_purpose(ia_chain *c, bool *out, const ia_addr *group,
                                  const ia_addr *account, ia_err *e);
/* Does its code hold the selector of keyHasPurpose? That is how the packages know a group. */
IA_MUST bool ia_chain_is_group(ia_chain *c, bool *out, const ia_addr *at, ia_err *e);
/* eth_getCode is not empty */
IA_MUST bool ia_chain_has_code(ia_chain *c, bool *out, const ia_addr *at, ia_err *e);

/* -- blocks -- */
typedef struct ia_block {
  uint64_t number;
  ia_h256 hash;
  ia_h256 parent;
  uint64_t timestamp;
  bool has_base_fee;
  ia_u256 base_fee;
} ia_block;
IA_MUST bool ia_chain_head(ia_chain *c, ia_block *out, ia_err *e);
/* NOT_FOUND when there is none. */
IA_MUST bool ia_chain_block(ia_chain *c, ia_block *out, uint64_t number, ia_err *e);
/* Where nodes must agree: from here on ia_chain_head answers the newest block that enough of them
 * have, and every read is of the state after that block, by its hash; again for a newer one. Else
 * nothing. */
IA_MUST bool ia_chain_pin(ia_chain *c, ia_err *e);
/* Our own ledger alone: waits until the head is above `number`, at most ms (25 s). *out is the head
 * in any case (number and hash; timestamp 0). */
IA_MUST bool ia_chain_wait_block(ia_chain *c, ia_block *out, uint64_t number, uint32_t ms,
                                 ia_err *e);

/* -- logs, transactions -- */
typedef struct ia_chain_log {
  ia_log_entry entry; /* data is owned by the list */
  uint64_t block;
  ia_h256 block_hash;
  ia_h256 tx;
  uint64_t index; /* in the block */
} ia_chain_log;
typedef struct ia_chain_logs {
  ia_chain_log *v;
  size_t n;
  ia_buf store;
} ia_chain_logs;
void ia_chain_logs_free(ia_chain_logs *l);
IA_DEFINE_AUTO_VALUE(ia_chain_logs, ia_chain_logs_free)

#define IA_CHAIN_LATEST UINT64_MAX
typedef struct ia_chain_filter {
  uint64_t from, to;        /* blocks, both included; to IA_CHAIN_LATEST = the head, whichever */
  const ia_addr *addresses; /* any of them; n 0 = all */
  size_t n_addresses;
  const ia_event_id *events; /* any of them by topic0; n 0 = all */
  size_t n_events;
  const ia_h256 *topics[3]; /* the indexed fields after the event itself; NULL = any */
} ia_chain_filter;
/* Replaces the list; order of the chain. Many addresses are asked for in parts, in smaller ones
 * where the node takes no more. */
IA_MUST bool ia_chain_logs_get(ia_chain *c, ia_chain_logs *out, const ia_chain_filter *f,
                               ia_err *e);
/* The same for the first blocks of the range; f->to is lowered until the node gives them. */
IA_MUST bool ia_chain_logs_part(ia_chain *c, ia_chain_logs *out, ia_chain_filter *f, ia_err *e);
/* Puts the logs of `more` where they belong by the order of the chain; `more` is empty after. */
IA_MUST bool ia_chain_logs_merge(ia_chain_logs *into, ia_chain_logs *more, ia_err *e);
/* An address cannot be read; false ends the reading with that error. */
typedef bool ia_chain_skip(void *ctx, const ia_addr *who, const ia_err *why, ia_err *e);
/* The same as ia_chain_logs_get for addresses that strangers chose: one of them whose logs cannot
 * be read, or that has more than `most` of them in the range, is told to `skip` and left out, and
 * the others are read. */
IA_MUST bool ia_chain_logs_each(ia_chain *c, ia_chain_logs *out, const ia_chain_filter *f,
                                size_t most, ia_chain_skip *skip, void *ctx, ia_err *e);

typedef struct ia_chain_receipt {
  ia_h256 tx;
  bool ok; /* status 1 */
  uint64_t block;
  ia_h256 block_hash;
  ia_addr from;
  ia_chain_logs logs;
} ia_chain_receipt;
void ia_chain_receipt_free(ia_chain_receipt *r);
IA_DEFINE_AUTO_VALUE(ia_chain_receipt, ia_chain_receipt_free)
/* NOT_FOUND while the transaction is in no block. */
IA_MUST bool ia_chain_receipt_get(ia_chain *c, ia_chain_receipt *out, const ia_h256 *tx, ia_err *e);
/* First log of the hub (or any address: NULL) of this event; NULL when there is none. */
const ia_chain_log *ia_chain_find_log(const ia_chain_logs *l, ia_event_id id, const ia_addr *at);

typedef struct ia_chain_tx {
  ia_h256 hash;
  ia_addr from;
  ia_addr to; /* zero when it creates */
  uint64_t block;
  ia_buf input;
} ia_chain_tx;
void ia_chain_tx_free(ia_chain_tx *t);
IA_DEFINE_AUTO_VALUE(ia_chain_tx, ia_chain_tx_free)
IA_MUST bool ia_chain_tx_get(ia_chain *c, ia_chain_tx *out, const ia_h256 *hash, ia_err *e);

/* The transaction whose OrdersMatched has this deal: found by the deal's start time, so that the
 * cost does not grow with the chain. NOT_FOUND. `log` may be NULL. */
IA_MUST bool ia_chain_find_match(ia_chain *c, ia_chain_tx *out, ia_event *log,
                                 const ia_h256 *dealid, uint64_t start_time, ia_err *e);

/* -- sending -- */
typedef struct ia_chain_account_key {
  const ia_secp *secp;
  const ia_secret *key;
} ia_chain_account_key;

typedef struct ia_chain_sent {
  ia_buf raw; /* the signed transaction; of several forms the one in the block */
  ia_chain_receipt receipt;
  /* NULL, or what must be done (kept on disk) before `raw` leaves; false: it is not sent. Called
   * again for each form that replaces one */
  bool (*before)(void *ctx, ia_span raw, ia_err *e);
  void *ctx;
  /* not for our own ledger, which answers at once */
  bool join;    /* the very same call, when it is under way, is waited for instead of sent again */
  bool no_wait; /* return when it has left: `receipt` stays empty, ia_chain_tend does the rest */
} ia_chain_sent;
void ia_chain_sent_free(ia_chain_sent *s);
IA_DEFINE_AUTO_VALUE(ia_chain_sent, ia_chain_sent_free)

/* Estimates (a revert shows here, with its reason), signs, sends and waits for the receipt. Type 2
 * where the head has a base fee, else type 0; no fee on our ledger. A nonce that another
 * transaction took is renewed. Where blocks take their time: what the node forgets is sent again,
 * what waits too long is replaced under the same nonce, and only what can never be mined is signed
 * anew. INSUFFICIENT_FUNDS, FEE_REFUSED (more than is allowed); REVERT when the block says so;
 * TIMEOUT or UNAVAILABLE with out->raw set: it may still be mined, see ia_chain_resume. data: call
 * data. */
IA_MUST bool ia_chain_send(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k,
                           const ia_addr *to, ia_span data, ia_err *e);
/* The same of a typed call, with gas for the callback that it makes. to NULL = the hub. */
IA_MUST bool ia_chain_call(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k,
                           const ia_addr *to, ia_call_id id, const void *args, ia_err *e);
/* Waits on for what out->raw began. */
IA_MUST bool ia_chain_resume(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k,
                             ia_err *e);
/* Looks after everything of this account that is under way and that nobody waits for. like: NULL,
 * or whose `before` is called for each form that replaces one. */
IA_MUST bool ia_chain_tend(ia_chain *c, const ia_chain_account_key *k, const ia_chain_sent *like,
                           ia_err *e);
/* Sends bytes that are signed already, again if need be: known ones are no error. */
IA_MUST bool ia_chain_send_raw(ia_chain *c, ia_chain_receipt *out, ia_span raw, ia_err *e);

#endif
