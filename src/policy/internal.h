/* Shared by the files of this layer; not for others. */
#ifndef IA_POLICY_INTERNAL_H
#define IA_POLICY_INTERNAL_H

#include "policy/release.h"

/* Facts proven so far: what the view of matchOrders' rules answers from. */
struct proving {
  const ia_release_facts *f;
  ia_release_plan *plan;
};
ia_poco_view ia_proving_view(struct proving *p);
ia_code ia_revert_code(const ia_revert *why);
/* How the owner stands behind an order that the rules took: by her key where the signature is hers,
 * by her transaction, else by the contract that the ledger asked. */
ia_order_signing ia_signing_of(const struct proving *p, ia_order_kind kind, const ia_h256 *hash,
                               ia_span sign);
/* Once a text; never left out: TOO_LARGE. */
IA_MUST bool ia_by_ledger_note(ia_release_plan *p, const char *text, ia_err *e);

/* -- provable.c; UNPROVABLE -- */
IA_MUST bool ia_asset_provable(ia_asset_kind kind, const ia_asset_facts *f, ia_err *e);
IA_MUST bool ia_order_provable(ia_order_kind kind, ia_span sign, ia_err *e);

struct admitting {
  const ia_release_facts *f;
  const ia_release_memory *m;
  ia_release_plan *plan;
};

/* -- slice.c: the steps 5 to 10 and 12 for each dataset of a bulk task. A refused dataset refuses
 * nothing but itself, until none is left. -- */
bool ia_slice_prove(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                    const ia_h256 *deal_tag);
bool ia_slice_admit(struct admitting *a, ia_ruling *v);

#endif
