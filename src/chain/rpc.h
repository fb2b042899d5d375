/* Ethereum JSON-RPC 2.0 over HTTP. Blocking; one object belongs to one thread at a time.
 *
 * Errors of the node become our classes: REVERT (with the contract's text where there is one),
 * NONCE_LOW, CHAIN_ID, FEE_REFUSED, UNSUPPORTED (no such method), INVALID (bad parameters),
 * TOO_LARGE (more than the node gives at once), else UNAVAILABLE; of the transport those of
 * http/client.h; an answer that is no JSON-RPC: PARSE. */
#ifndef IA_CHAIN_RPC_H
#define IA_CHAIN_RPC_H

#include "base/buf.h"
#include "base/json.h"
#include "eth/u256.h"

typedef struct ia_rpc ia_rpc;

typedef struct ia_rpc_options {
  const char *url;         /* or several with commas between: when one fails, the next is asked */
  const char *unix_socket; /* NULL = by the URL */
  uint32_t timeout_ms;     /* of one request; 0 = 30000 */
  /* 0: whichever node answers is believed. Else every question goes to the nodes until so many
   * answer alike, LEDGER_DISAGREES when they do not; transactions by hash that prove themselves
   * need no second answer. */
  size_t agree;
  const volatile bool *cancel; /* set by another thread: requests end with CANCELLED */
  uint64_t until;              /* as of ia_rpc_until */
} ia_rpc_options;

IA_MUST bool ia_rpc_new(ia_rpc **out, const ia_rpc_options *o, ia_err *e); /* texts are copied */
void ia_rpc_free(ia_rpc *r);                                               /* NULL is fine */
IA_DEFINE_AUTO(ia_rpc, ia_rpc_free)

/* Nodes of another chain are not asked (UNAVAILABLE). */
void ia_rpc_want_chain(ia_rpc *r, uint64_t chain_id);
/* At most every ten seconds: asks all nodes for their heads, and leaves the present one when it is
 * more than lag blocks behind. */
void ia_rpc_leave_laggard(ia_rpc *r, uint64_t lag);
/* With agreement: the number of the newest block that enough nodes have. */
IA_MUST bool ia_rpc_agreed_head(ia_rpc *r, uint64_t *out, ia_err *e);
/* All questions together end by then (ia_mono_ms; TIMEOUT); 0 = each has its own time. */
void ia_rpc_until(ia_rpc *r, uint64_t mono_ms);
/* Host of the node that was asked last, for messages. */
const char *ia_rpc_name(const ia_rpc *r);

/* params: an array, taken over even on failure; NULL = []. *result: new reference, JSON null
 * included. timeout_ms 0 = that of the object. */
IA_MUST bool ia_rpc_call(ia_rpc *r, json_t **result, const char *method, json_t *params, ia_err *e);
IA_MUST bool ia_rpc_call_within(ia_rpc *r, json_t **result, const char *method, json_t *params,
                                uint32_t timeout_ms, ia_err *e);

typedef struct ia_rpc_item {
  const char *method;
  json_t *params; /* taken over */
  json_t *result; /* new reference when ok, else NULL */
  bool ok;
  ia_err err; /* when not ok */
} ia_rpc_item;
enum { IA_RPC_BATCH_MAX = 256 };

/* One HTTP request for all, several where the node takes fewer at once. False when the batch as a
 * whole failed (no item is ok then); what single calls answered stands in the items. */
IA_MUST bool ia_rpc_batch(ia_rpc *r, ia_rpc_item *items, size_t n, ia_err *e);
void ia_rpc_items_free(ia_rpc_item *items, size_t n); /* results; the array stays */

/* Bytes that came with the last REVERT of this object; valid until its next call. */
ia_span ia_rpc_revert_data(const ia_rpc *r);

/* Values in JSON-RPC's forms. Quantities: "0x4b0" or a JSON integer >= 0; PARSE otherwise. */
IA_MUST bool ia_rpc_u64(uint64_t *out, const json_t *v, ia_err *e);
IA_MUST bool ia_rpc_u256(ia_u256 *out, const json_t *v, ia_err *e);
IA_MUST bool ia_rpc_get_u64(const json_t *obj, const char *key, uint64_t *out, ia_err *e);
json_t *ia_rpc_quantity(uint64_t v); /* "0x4b0" */

#endif
