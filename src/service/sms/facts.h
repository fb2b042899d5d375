/* Gathers what a release is decided on: from the ledger (its word, to be proven) and from the
 * instance's own memory. */
#ifndef IA_SERVICE_SMS_FACTS_H
#define IA_SERVICE_SMS_FACTS_H

#include "service/sms/ledger.h"
#include "service/sms/store.h"

/* One asset's facts with what they borrow from. */
typedef struct ia_sms_asset {
  ia_buf store;
  ia_sms_transfers transfers;
  ia_transfer_message *messages;
  ia_buf *bodies;
  size_t n_messages;
} ia_sms_asset;

/* Facts with everything that they borrow from. Zeroed = empty; not to be moved once filled. */
typedef struct ia_sms_facts {
  ia_release_facts f;
  ia_buf task_store, deal_store, pool_store;
  ia_sms_match made;                  /* how the deal was */
  ia_order_box order[IA_ORDER_KINDS]; /* from the market, where the call data does not hold them */
  ia_buf presign[IA_ORDER_KINDS];
  ia_sms_asset asset[IA_ASSET_KINDS];
  struct ia_sms_slice *slice; /* of a bulk request */
} ia_sms_facts;
void ia_sms_facts_free(ia_sms_facts *x);
IA_DEFINE_AUTO_VALUE(ia_sms_facts, ia_sms_facts_free)

/* Task, deal, head: enough for the lease. */
IA_MUST bool ia_sms_facts_task(ia_sms_facts *x, const ia_sms_ledger *l, const ia_release_pins *pins,
                               const ia_h256 *task, uint64_t now, ia_err *e);
/* The rest: orders, assets, presignatures, the slice. x->f.match is filled already when planned. */
IA_MUST bool ia_sms_facts_orders(ia_sms_facts *x, const ia_sms_ledger *l, ia_sms_store *store,
                                 ia_err *e);
/* Facts of one asset, e.g. to prove who may push its key. */
IA_MUST bool ia_sms_facts_asset(ia_sms_asset *a, ia_asset_facts *out, const ia_sms_ledger *l,
                                const ia_release_pins *pins, ia_sms_store *store,
                                ia_asset_kind kind, const ia_addr *at, ia_err *e);
/* For ia_release_facts.signed_here; ctx is the store. */
bool ia_sms_signed_here(void *ctx, const ia_addr *account, bool *yes, ia_err *e);
/* The transaction that presigned an order without a signature, if one was seen. */
IA_MUST bool ia_sms_facts_presign(ia_buf *raw, const ia_sms_ledger *l, const ia_release_pins *pins,
                                  ia_sms_store *store, ia_order_kind kind, const void *order,
                                  ia_err *e);
/* -- slice.c: where the request's params name one -- */
IA_MUST bool ia_sms_facts_slice(ia_sms_facts *x, const ia_sms_ledger *l, ia_sms_store *store,
                                ia_err *e);
void ia_sms_slice_free(struct ia_sms_slice *s);
void ia_sms_asset_free(ia_sms_asset *a);
IA_DEFINE_AUTO_VALUE(ia_sms_asset, ia_sms_asset_free)

#endif
