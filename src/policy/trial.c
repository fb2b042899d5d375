/* What an owner asks beforehand about one grant of hers. */
#include <stdlib.h>

#include "poco/orders.h"
#include "poco/tag.h"
#include "policy/internal.h"

/* The first refusal of the grant itself. */
static void say_grant(ia_ruling *v, const ia_slice_item *it, const char *fine)
{
  if (it->code != IA_OK)
    (void)ia_ruling_no(v, "grant", it->code, "%s", it->reason);
  else
    ia_ruling_ok(v, "grant", "%s", fine);
}

bool ia_trial_prove(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f, ia_err *e)
{
  const ia_addr *dataset = &f->match.dataset.dataset;
  ia_deal deal = {.app.pointer = f->match.app.app,
                  .requester = f->match.request.requester,
                  .tag = ia_tag_of(IA_TAG_TEE | IA_TAG_TDX)};
  ia_h256 separator;

  if (!ia_asset_prove(&plan->owner[IA_ASSET_DATASET], f->pins, IA_ASSET_DATASET, dataset,
                      &f->asset[IA_ASSET_DATASET], e))
    return false;
  plan->slice = calloc(1, sizeof(*plan->slice));
  if (!plan->slice)
    return ia_fail(e, IA_E_MEMORY, "no memory");
  plan->n_slice = 1;
  plan->slice[0].dataset = *dataset;
  plan->slice[0].owner = plan->owner[IA_ASSET_DATASET];
  if (f->n_slice == 0) {
    (void)ia_ruling_no(v, "grant", IA_E_GRANT_MISSING, "no open grant is for this app and user");
    return true;
  }
  ia_order_separator(&separator, f->pins->chain_id, &f->pins->hub);
  ia_grant_identify(&plan->slice[0], &f->slice[0], &separator);
  deal.workerpool.pointer = f->slice[0].order.workerpoolrestrict;
  if (!ia_grant_judge(plan, &plan->slice[0], f, &f->slice[0], &deal, e))
    return false;
  say_grant(v, &plan->slice[0], "the grant is signed by the owner, for this app and user");
  return true;
}

static bool admit_order(const struct admitting *a, ia_ruling *v, ia_err *e)
{
  ia_slice_item *it = &a->plan->slice[0];

  if (a->f->n_slice == 0 || it->code != IA_OK)
    return true; /* said already */
  if (!ia_grant_remembered(a, it, &a->f->slice[0], e))
    return false;
  say_grant(v, it, "the grant is not closed, revoked or used up");
  it->code = IA_OK; /* so that the other rules are told as well */
  return true;
}

bool ia_trial_admit(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                    const ia_release_memory *m, ia_err *e)
{
  struct admitting a = {f, m, plan};
  ia_slice_item *it = &plan->slice[0];
  struct limits l = {.dataset = &it->dataset,
                     .owner = &it->owner,
                     .order = &it->order_hash,
                     .n_by_ledger = it->n_by_ledger};

  if (!admit_order(&a, v, e) || !ia_limits_judge(&a, &l, v, e))
    return false;
  if (!l.applied.has_policy && !l.applied.has_terms)
    ia_ruling_ok(v, "policy", "the owner states nothing beyond the order");
  it->code = IA_OK;
  if (!ia_grant_key(&a, it, e))
    return false;
  if (it->code != IA_OK)
    (void)ia_ruling_no(v, "secrets", it->code, "%s", it->reason);
  else
    ia_ruling_ok(v, "secrets", "the key of the dataset is here");
  return true;
}
