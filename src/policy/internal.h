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

/* -- terms.c: what owners' documents have in common -- */
IA_MUST bool ia_body_is_canonical(const json_t *v, ia_span text, ia_err *e);
void ia_purposes_free(char **list, size_t n);
/* POLICY_UNKNOWN. What was read so far is the caller's to free, also after an error. */
IA_MUST bool ia_purposes_read(char ***out, size_t *n, const json_t *v, const char *what, ia_err *e);
bool ia_purpose_admitted(char *const *list, size_t n, const char *purpose);

/* -- provable.c; UNPROVABLE -- */
IA_MUST bool ia_asset_provable(ia_asset_kind kind, const ia_asset_facts *f, ia_err *e);
IA_MUST bool ia_order_provable(ia_order_kind kind, ia_span sign, ia_err *e);

struct admitting {
  const ia_release_facts *f;
  const ia_release_memory *m;
  ia_release_plan *plan;
};

/* -- limits.c -- */
/* What the owner of one dataset says beyond the order under which its key is asked for. */
struct limits {
  const ia_addr *dataset, *owner;
  const ia_h256 *order;
  size_t n_by_ledger; /* facts about this run of it that are the ledger's word */
  ia_applied applied; /* out: which of her words apply */
  bool logs_clear;    /* out */
};
/* Appends a line for each clause of her policy and of the terms of that grant. False: it cannot be
 * told. What is refused stands in v. */
IA_MUST bool ia_limits_judge(const struct admitting *a, struct limits *l, ia_ruling *v, ia_err *e);

/* -- slice.c: the steps 5 to 10 and 12 for each dataset of a bulk task. A refused dataset refuses
 * nothing but itself, until none is left. -- */
bool ia_slice_prove(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                    const ia_h256 *deal_tag);
bool ia_slice_admit(struct admitting *a, ia_ruling *v);

/* -- the same of one dataset order; also for trial.c. A refusal stands in *it. False: it cannot be
 * told. -- */
/* Who it is: dataset, hash, checksum, multiaddr. */
void ia_grant_identify(ia_slice_item *it, const ia_slice_facts *s, const ia_h256 *separator);
/* assertDatasetDealCompatibility over proven facts: signature, restrictions, tag, not used up on
 * the ledger. */
IA_MUST bool ia_grant_judge(ia_release_plan *plan, ia_slice_item *it, const ia_release_facts *f,
                            const ia_slice_facts *s, const ia_deal *deal, ia_err *e);
/* Step 8: volume, closed, revoked. */
IA_MUST bool ia_grant_remembered(const struct admitting *a, ia_slice_item *it,
                                 const ia_slice_facts *s, ia_err *e);
/* Step 12 of its key. */
IA_MUST bool ia_grant_key(const struct admitting *a, ia_slice_item *it, ia_err *e);

#endif
