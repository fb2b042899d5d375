/* What the SMS asks of a ledger, as one table, so that tests can lie in every answer. Nothing that
 * comes from here is believed where a signature or an address can prove it. One object belongs to
 * one thread at a time. */
#ifndef IA_SERVICE_SMS_LEDGER_H
#define IA_SERVICE_SMS_LEDGER_H

#include "poco/abi.h"
#include "poco/match.h"
#include "poco/orders.h"
#include "policy/release.h"

typedef struct ia_sms_block {
  uint64_t number;
  ia_h256 hash;
  uint64_t time; /* Unix seconds */
} ia_sms_block;

/* Events that the SMS remembers, in the order of the chain. */
typedef enum ia_sms_event_kind {
  IA_SMS_MATCHED,
  IA_SMS_CLOSED,
  IA_SMS_PRESIGNED
} ia_sms_event_kind;
typedef struct ia_sms_event {
  ia_sms_event_kind kind;
  ia_h256 id; /* deal or order hash */
  ia_h256 tx;
  uint64_t block;
} ia_sms_event;

/* How a deal was made. Owned. */
typedef struct ia_sms_match {
  ia_buf calldata; /* of the transaction, whoever it called */
  uint64_t block;
  ia_h256 order[IA_ORDER_KINDS]; /* hashes that OrdersMatched names */
} ia_sms_match;
void ia_sms_match_free(ia_sms_match *m);
IA_DEFINE_AUTO_VALUE(ia_sms_match, ia_sms_match_free)

/* The transfers of an asset with their raw signed transactions, oldest first, without the mint.
 * Owned. */
typedef struct ia_sms_transfers {
  ia_addr first_owner; /* to whom it was minted, as the ledger says */
  ia_buf *raw;
  ia_transfer_fact *view; /* raw of each is that of `raw` */
  size_t n;
} ia_sms_transfers;
void ia_sms_transfers_free(ia_sms_transfers *t);
IA_DEFINE_AUTO_VALUE(ia_sms_transfers, ia_sms_transfers_free)

typedef struct ia_sms_ledger ia_sms_ledger;
struct ia_sms_ledger {
  void *ctx;
  /* Before every conversation; NULL = nothing is to be done. What is asked after it is answered of
   * one block on which enough nodes agree. */
  bool (*begin)(void *ctx, ia_err *e);
  /* what is asked from here on ends by then (ia_mono_ms; TIMEOUT); NULL = it is not told */
  void (*until)(void *ctx, uint64_t mono_ms);
  uint64_t deadline; /* as it was told; of who holds the object */
  bool (*head)(void *ctx, ia_sms_block *out, ia_err *e);
  bool (*block)(void *ctx, uint64_t number, bool *has, ia_sms_block *out, ia_err *e);
  bool (*task)(void *ctx, const ia_h256 *id, ia_task *out, ia_buf *store, ia_err *e);
  bool (*deal)(void *ctx, const ia_h256 *id, bool *has, ia_deal *out, ia_buf *store, ia_err *e);
  bool (*match)(void *ctx, const ia_h256 *deal, uint64_t start_time, bool *has, ia_sms_match *out,
                ia_err *e);
  /* an order that the market holds; its hash is the one asked for */
  bool (*order)(void *ctx, ia_order_kind kind, const ia_h256 *hash, bool *has, ia_order_box *out,
                ia_err *e);
  /* the slice of task `index`, an array of 1 to IA_BULK_DATASETS_MAX entries, by what bulk_cid
   * names: checked against their CIDs. PARAMS_INVALID when they are something else. */
  bool (*slice)(void *ctx, const char *bulk_cid, uint64_t index, json_t **out, ia_err *e);
  bool (*app)(void *ctx, const ia_addr *at, bool *has, ia_app_info *out, ia_buf *store, ia_err *e);
  bool (*dataset)(void *ctx, const ia_addr *at, bool *has, ia_dataset_info *out, ia_buf *store,
                  ia_err *e);
  bool (*workerpool)(void *ctx, const ia_addr *at, bool *has, ia_workerpool_info *out,
                     ia_buf *store, ia_err *e);
  bool (*owner)(void *ctx, const ia_addr *asset, bool *has, ia_addr *out, ia_err *e);
  bool (*transfers)(void *ctx, const ia_addr *registry, const ia_addr *asset, ia_sms_transfers *out,
                    ia_err *e);
  bool (*raw_tx)(void *ctx, const ia_h256 *tx, bool *has, ia_buf *out, ia_err *e);
  /* calls sink for each event of blocks [from, to] */
  bool (*events)(void *ctx, uint64_t from, uint64_t to,
                 bool (*sink)(void *sink_ctx, const ia_sms_event *ev, ia_err *e), void *sink_ctx,
                 ia_err *e);
  ia_poco_view view; /* consumed, has_purpose, erc1271, categories: its word */
  void (*close)(void *ctx);
};

typedef struct ia_sms_urls {
  const char *rpc;
  size_t agree;       /* of the nodes at `rpc`; 0 = the one that is there is asked */
  const char *market; /* orders of deals that another contract matched; NULL = nowhere */
  const char *ipfs;   /* slices of bulk requests; NULL = nowhere */
  uint64_t until;     /* for the first questions, as of ia_sms_ledger.until */
} ia_sms_urls;

/* Over JSON-RPC. The URLs are borrowed. */
IA_MUST bool ia_sms_ledger_open(ia_sms_ledger *out, const ia_sms_urls *urls,
                                const ia_release_pins *pins, ia_err *e);

#endif
