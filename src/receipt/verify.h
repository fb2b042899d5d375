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
  const json_t *run, *release, *settlement, *orders, *assets, *evidence;
  const ia_trust_sms *sms;
  ia_verdict *out;
  ia_run stated;
  ia_addr enclave; /* signer of the run statement */
  ia_record record;
  ia_settlement settled;
  ia_addr pool; /* signer of the settlement */
  ia_buf quote, event_log, aux, collateral;
  ia_order_box order[IA_ORDER_KINDS];
  ia_h256 order_hash[IA_ORDER_KINDS];
  bool has_order[IA_ORDER_KINDS];
  ia_addr data_first_owner; /* of the one dataset */
} ia_case;

/* Adds a check; ok or the code says which. Returns ok. */
bool ia_case_check(ia_case *c, const char *name, bool ok, ia_code code, const char *fmt, ...)
    IA_PRINTF(5, 6);
/* Something to be said that is neither right nor wrong. */
void ia_case_note(ia_case *c, const char *name, const char *fmt, ...) IA_PRINTF(3, 4);
/* What the receipt does not prove. */
void ia_case_unproven(ia_case *c, const char *fmt, ...) IA_PRINTF(2, 3);

bool ia_verify_release(ia_case *c);  /* record, signatures, certificate */
void ia_verify_evidence(ia_case *c); /* descriptor, report data, quote, event log */
void ia_verify_orders(ia_case *c);   /* the four orders and their signatures */
bool ia_verify_is_slice(ia_case *c); /* the list of dataset orders fits the record */
/* The order of this dataset is signed by its owner; first: whom the address names. */
void ia_verify_slice_owner(ia_case *c, const ia_record_dataset *d, const ia_addr *first);
void ia_verify_assets(ia_case *c);     /* addresses, image, inputs */
void ia_verify_settlement(ia_case *c); /* the pool's word and the worker's transaction */

#endif
