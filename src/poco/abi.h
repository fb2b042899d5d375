/* Calls, events and errors of PoCo and its neighbours, in one place: hub (diamond), registries
 * (ERC-721), registry entries, RLC token (ERC-20), DataProtector, ERC-734 groups, callback targets.
 * Used by the ledger, the chain client, SMS, scheduler and command line alike. */
#ifndef IA_POCO_ABI_H
#define IA_POCO_ABI_H

#include "poco/shape.h"

/* Arguments and results of every call that is not about orders: each call fills the fields that its
 * table row names, in order (A addr, I id, V value, B bytes, L list). */
typedef struct ia_args {
  ia_addr addr[3];
  ia_h256 id[3];
  ia_u256 value[9];
  ia_span bytes[4]; /* bytes or string */
  ia_words list[2];
  ia_addr wide[6]; /* the six addresses of viewDealABILegacy_pt1 */
  bool flag;
  uint8_t small;
  uint8_t b4[4];
} ia_args;

/* manageXOrder: the order of that kind, the operation, the owner's signature (may be empty). */
typedef struct ia_order_op {
  ia_order order;
  uint8_t operation; /* ia_order_operation */
  ia_span sign;
} ia_order_op;

/* assertDatasetDealCompatibility */
typedef struct ia_bulk_check {
  ia_dataset_order order;
  ia_h256 dealid;
} ia_bulk_check;

/* domain() */
typedef struct ia_domain_info {
  ia_span name;
  ia_span version;
  ia_u256 chain_id;
  ia_addr verifying_contract;
} ia_domain_info;

/* Room for the arguments or the result of any call. */
typedef union ia_call_value {
  ia_args a;
  ia_match match;
  ia_order order;
  ia_order_op op;
  ia_bulk_check bulk;
  ia_domain_info domain;
  ia_deal deal;
  ia_task task;
  ia_contribution contribution;
  ia_account account;
  ia_category category;
  ia_app_info app;
  ia_dataset_info dataset;
  ia_workerpool_info workerpool;
} ia_call_value;

typedef enum ia_call_id {
#define IA_CALL(id, name, selector, in, out) IA_CALL_##id,
#include "poco/calls.def"
#undef IA_CALL
  IA_CALLS
} ia_call_id;

typedef struct ia_call_row {
  const char *name;
  uint32_t selector;
  ia_shape in;
  ia_shape out;
} ia_call_row;

const ia_call_row *ia_call_of(ia_call_id id);
/* First 4 bytes of call data; false when shorter. */
IA_MUST bool ia_call_selector(uint32_t *selector, ia_span calldata);

/* `args` points at the struct that the row speaks of: ia_args, or the struct of ia_call_value. */
void ia_call_encode(ia_buf *out, ia_call_id id, const void *args);
/* Call data with its selector. Another selector: PARSE. */
IA_MUST bool ia_call_decode(void *args, ia_call_id id, ia_span calldata, ia_err *e);
void ia_result_encode(ia_buf *out, ia_call_id id, const void *result);
IA_MUST bool ia_result_decode(void *result, ia_call_id id, ia_span data, ia_err *e);

/* matchOrders, sponsorMatchOrders, or approveAndCall / receiveApproval that carries a matchOrders:
 * the four orders, borrowed from the call data. False with NOT_FOUND for any other call. */
IA_MUST bool ia_match_of_calldata(ia_match *out, ia_span calldata, ia_err *e);

typedef enum ia_event_id {
#define IA_EVENT(id, name, topic0, fields) IA_EV_##id,
#include "poco/events.def"
#undef IA_EVENT
  IA_EVENTS
} ia_event_id;

/* A decoded event or one to be emitted: the fields its row names. OrdersMatched: id[0..2] = deal,
 * app, dataset, more[0..1] = workerpool, request, value = volume. */
typedef struct ia_event {
  ia_addr addr[3];
  ia_h256 id[3];
  ia_h256 more[3];
  ia_u256 value[4];
  ia_span bytes[2];
  bool flag;
  ia_order order; /* Broadcast*Order */
} ia_event;

typedef struct ia_event_row {
  const char *name;
  ia_h256 topic0;
  ia_shape fields;
} ia_event_row;

const ia_event_row *ia_event_of(ia_event_id id);

/* A log entry: who emitted it, its topics and data. */
typedef struct ia_log_entry {
  ia_addr address;
  ia_h256 topics[IA_TOPICS_MAX];
  size_t n_topics;
  ia_span data;
} ia_log_entry;

/* Topics into `log`, data appended to `store` (log->data is set to the part of `store` that was
 * written: valid until `store` grows). */
void ia_event_encode(ia_log_entry *log, ia_buf *store, ia_event_id id, const ia_event *ev);
/* Of this event by topic0? */
bool ia_event_is(const ia_log_entry *log, ia_event_id id);
IA_MUST bool ia_event_decode(ia_event *ev, ia_event_id id, const ia_log_entry *log, ia_err *e);

/* The shapes of the structs that others hash, print or store. */
const ia_shape *ia_shape_order(ia_order_kind kind);
extern const ia_shape ia_shape_deal, ia_shape_task, ia_shape_contribution, ia_shape_account,
    ia_shape_category, ia_shape_app_info, ia_shape_dataset_info, ia_shape_workerpool_info;

#endif
