/* What an owner says beyond her orders, as her client sends it: read here first with the same code
 * as the SMS, so that what it would refuse is not signed (docs/policy.md). */
#ifndef IA_CLIENT_LIMITS_H
#define IA_CLIENT_LIMITS_H

#include "client/to_sms.h"

/* POLICY_UNKNOWN. *expires, *begins: Unix seconds, 0 = without. */
IA_MUST bool ia_limits_policy_check(const json_t *policy, uint64_t *begins, uint64_t *expires,
                                    ia_err *e);
/* Sends the terms of a grant; *version (may be NULL) is that of the message. */
IA_MUST bool ia_limits_send_terms(const ia_net *net, const ia_wallet *w, const ia_addr *dataset,
                                  const json_t *terms, uint64_t *version, ia_err *e);
/* The row of this order among the grants of ia_to_sms_limits (borrowed), or NULL. */
const json_t *ia_limits_of_order(const json_t *limits, const ia_h256 *order);

/* Moves an app, a dataset or a workerpool to another owner on the ledger (safeTransferFrom of its
 * registry). NOT_FOUND: no registry holds it; FORBIDDEN: it belongs to somebody else. */
typedef struct ia_transfer_done {
  ia_asset_kind kind;
  bool already; /* it was the buyer's before: nothing was sent to the ledger */
  ia_h256 tx;   /* zero when already */
} ia_transfer_done;
IA_MUST bool ia_transfer_asset(ia_net *net, const ia_wallet *w, const ia_addr *asset,
                               const ia_addr *to, ia_transfer_done *out, ia_err *e);
/* Which registry holds it; NOT_FOUND. *owner: by the ledger. */
IA_MUST bool ia_transfer_find(ia_net *net, const ia_addr *asset, ia_asset_kind *kind,
                              ia_addr *owner, ia_err *e);

#endif
