/* Shared by the verifier's files; not for other layers. Each step adds its checks to the verdict
 * and returns false where what follows would have nothing to stand on. */
#ifndef IA_RECEIPT_VERIFY_H
#define IA_RECEIPT_VERIFY_H

#include "poco/orders.h"
#include "receipt/receipt.h"
#include "receipt/record.h"
#include "receipt/run.h"
#include "receipt/settlement.h"

typedef struct ia_case {
  const json_t *run, *release, *settlement, *orders, *assets, *evidence, *workerpool;
  const ia_trust *trust;
  const ia_trust_sms *sms; /* the entry that the receipt leads to; NULL: none */
  ia_verdict *out;
  bool whole; /* every step was reached */
  ia_run stated;
  ia_addr enclave; /* signer of the run statement */
  ia_record record;
  ia_settlement settled;
  ia_addr settler; /* signer of the settlement */
  ia_buf quote, event_log, aux, collateral;
  ia_order_box order[IA_ORDER_KINDS];
  ia_h256 order_hash[IA_ORDER_KINDS];
  bool has_order[IA_ORDER_KINDS];
  ia_addr data_first_owner; /* of the one dataset */
} ia_case;

/* Adds a check; ok or the code says which. Returns ok. */
bool ia_case_check(ia_case *c, const char *name, bool ok, ia_code code, const char *fmt, ...)
    IA_PRINTF(5, 6);
#define ia_case_missing(c, name, code, ...)                                                        \
  ia_verdict_add((c)->out, name, IA_CHECK_MISSING, code, __VA_ARGS__)
#define ia_case_note(c, name, ...) ia_verdict_add((c)->out, name, IA_CHECK_NOTE, IA_OK, __VA_ARGS__)
#define ia_case_unproven(c, ...)   ia_verdict_unproven((c)->out, __VA_ARGS__)

bool ia_verify_release(ia_case *c);  /* record, signatures, certificate */
void ia_verify_evidence(ia_case *c); /* descriptor, report data, quote, event log */
void ia_verify_orders(ia_case *c);   /* the four orders and their signatures */
bool ia_verify_is_slice(ia_case *c); /* the list of dataset orders fits the record */
/* The order of this dataset is signed by its owner; first: whom the address names. */
void ia_verify_slice_owner(ia_case *c, const ia_record_dataset *d, const ia_addr *first);
void ia_verify_assets(ia_case *c);     /* addresses, image, inputs */
void ia_verify_settlement(ia_case *c); /* the pool's word and the worker's transaction */
/* An order's signature against how the record says that its owner stands behind it. */
void ia_verify_signing(ia_case *c, const char *check, const char *what, ia_order_signing signing,
                       ia_span sign, const ia_h256 *hash, const ia_addr *owner, const char *who);
/* A settlement without a run: whose word it is, and what the user's anchors say of them. */
void ia_verify_alone(ia_case *c);

#endif
