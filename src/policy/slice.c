/* The datasets of a bulk task, one by one. */
#include <stdio.h>
#include <stdlib.h>

#include "eth/address.h"
#include "poco/orders.h"
#include "policy/internal.h"

static bool refuse(ia_slice_item *it, ia_code code, const char *reason)
{
  it->code = code;
  (void)!snprintf(it->reason, sizeof(it->reason), "%.*s", (int)sizeof(it->reason) - 1, reason);
  return false;
}

/* Twice in one slice would be one file and one run. */
static bool is_again(const ia_release_plan *plan, size_t at)
{
  for (size_t i = 0; i < at; i++)
    if (ia_addr_eq(&plan->slice[i].dataset, &plan->slice[at].dataset))
      return true;
  return false;
}

/* False: refused. */
static bool judge_asset(ia_slice_item *it, const ia_release_facts *f, const ia_slice_facts *s)
{
  ia_err why = {0};

  if (s->broken != IA_OK)
    return refuse(it, s->broken,
                  ia_addr_zero(&it->dataset) ? "the slice holds no dataset order here"
                                             : "its owner cannot be followed");
  if (!ia_u256_zero(&s->order.datasetprice))
    return refuse(it, IA_E_DEAL_MISMATCH, "the order has a price: it is no grant for bulk");
  if (!ia_bulk_is_grant(&s->order))
    return refuse(it, IA_E_DEAL_MISMATCH, "the order's volume is limited: it is no grant for bulk");
  if (!ia_order_provable(IA_ORDER_DATASET, s->order.sign, &why) ||
      !ia_asset_provable(IA_ASSET_DATASET, &s->asset, &why))
    return refuse(it, why.code, why.msg);
  return ia_asset_prove(&it->owner, f->pins, IA_ASSET_DATASET, &it->dataset, &s->asset, &why) ||
         refuse(it, why.code, why.msg);
}

bool ia_grant_judge(ia_release_plan *plan, ia_slice_item *it, const ia_release_facts *f,
                    const ia_slice_facts *s, const ia_deal *deal, ia_err *e)
{
  IA_AUTOV(ia_release_plan)
  own = {.order_hash[IA_ORDER_DATASET] = it->order_hash, .owner[IA_ASSET_DATASET] = it->owner};
  ia_release_facts facts = *f;
  struct proving p = {&facts, &own};
  ia_poco_view view = ia_proving_view(&p);
  ia_revert why = {0};
  ia_h256 separator;
  ia_err err = {0};
  ia_u256 used;

  facts.presign[IA_ORDER_DATASET] = s->presign;
  ia_order_separator(&separator, f->pins->chain_id, &f->pins->hub);
  if (!ia_bulk_assert(f->pins->rules, &separator, &view, &s->order, deal, &why, &err)) {
    if (why.id != IA_REVERT_FAULT)
      return refuse(it, ia_revert_code(&why), err.msg) || true;
    *e = err;
    return false;
  }
  /* the ledger's word, which can but refuse: closed orders count as consumed */
  if (!f->ledger || !f->ledger->consumed(f->ledger->ctx, &it->order_hash, &used, e))
    return f->ledger ? false : ia_fail(e, IA_E_INTERNAL, "no ledger to ask");
  if (ia_u256_cmp(&used, &s->order.volume) >= 0)
    return refuse(it, IA_E_VOLUME_SPENT, "the order is closed or used up on the ledger") || true;
  it->signing = ia_signing_of(&p, IA_ORDER_DATASET, &it->order_hash, s->order.sign);
  it->n_by_ledger += own.n_by_ledger;
  for (size_t i = 0; i < own.n_by_ledger; i++)
    if (!ia_by_ledger_note(plan, own.by_ledger[i], e))
      return false;
  return true;
}

void ia_grant_identify(ia_slice_item *it, const ia_slice_facts *s, const ia_h256 *separator)
{
  it->dataset = s->order.dataset;
  if (ia_addr_zero(&it->dataset))
    return;
  ia_order_hash(&it->order_hash, separator, IA_ORDER_DATASET, &s->order);
  it->checksum = s->asset.dataset.checksum;
  it->multiaddr = s->asset.dataset.multiaddr;
}

bool ia_slice_prove(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                    const ia_h256 *deal_tag)
{
  const ia_match *m = &f->match;
  ia_deal deal = {.app.pointer = m->app.app,
                  .workerpool.pointer = m->workerpool.workerpool,
                  .requester = m->request.requester,
                  .tag = *deal_tag};
  size_t deals_words = plan->n_by_ledger, passed = 0;
  ia_h256 separator;
  ia_err e = {0};

  if (!f->slice || f->n_slice == 0 || f->n_slice > IA_BULK_DATASETS_MAX)
    return ia_ruling_no(v, "slice", IA_E_PARAMS_INVALID, "the task has no slice of data");
  plan->slice = calloc(f->n_slice, sizeof(*plan->slice));
  if (!plan->slice)
    return ia_ruling_no(v, "slice", IA_E_MEMORY, "no memory");
  plan->n_slice = f->n_slice;
  ia_order_separator(&separator, f->pins->chain_id, &f->pins->hub);
  for (size_t i = 0; i < f->n_slice; i++) {
    ia_slice_item *it = &plan->slice[i];

    ia_grant_identify(it, &f->slice[i], &separator);
    it->n_by_ledger = deals_words;
    if (!ia_addr_zero(&it->dataset) && is_again(plan, i))
      (void)refuse(it, IA_E_EXISTS, "the dataset stands in the slice already");
    else if (judge_asset(it, f, &f->slice[i]) &&
             !ia_grant_judge(plan, it, f, &f->slice[i], &deal, &e))
      return ia_ruling_err(v, "slice", &e);
    passed += it->code == IA_OK;
  }
  ia_ruling_ok(v, "slice", "%zu of %zu datasets are granted by their owners for this deal", passed,
               f->n_slice);
  return true;
}

/* -- memory, the owner's wish, the key -- */
bool ia_grant_remembered(const struct admitting *a, ia_slice_item *it, const ia_slice_facts *s,
                         ia_err *e)
{
  bool closed = true, revoked = true;
  uint64_t tasks = 0;
  ia_u256 used;

  if (!a->m->order_tasks(a->m->ctx, &it->order_hash, &a->f->task_id, &tasks, e) ||
      !a->m->closed(a->m->ctx, &it->order_hash, &a->plan->deal_id, &closed, e) ||
      !a->m->revoked(a->m->ctx, &it->dataset, &it->owner, &it->order_hash, &revoked, e))
    return false;
  used = ia_u256_of(tasks);
  if (ia_u256_cmp(&used, &s->order.volume) >= 0)
    (void)refuse(it, IA_E_VOLUME_SPENT, "the grant's runs are used up");
  else if (closed)
    (void)refuse(it, IA_E_ORDER_CLOSED, "the order was closed before this deal was seen");
  else if (revoked)
    (void)refuse(it, IA_E_REVOKED, "the order was revoked");
  return true;
}

static bool admit_policy(struct admitting *a, ia_slice_item *it, ia_err *e)
{
  struct limits l = {.dataset = &it->dataset,
                     .owner = &it->owner,
                     .order = &it->order_hash,
                     .n_by_ledger = it->n_by_ledger};
  ia_ruling own = {0};

  if (!ia_limits_judge(a, &l, &own, e))
    return false;
  it->applied = l.applied;
  if (own.refused) {
    const ia_clause *why = &own.line[own.first];

    (void)!snprintf(it->detail, sizeof(it->detail), "%s: %.100s", why->clause, why->message);
    return refuse(it, why->code, ia_refusal_of_owner(why->clause)) || true;
  }
  a->plan->logs_clear = a->plan->logs_clear && l.logs_clear;
  return true;
}

bool ia_grant_key(const struct admitting *a, ia_slice_item *it, ia_err *e)
{
  ia_addr pusher;
  bool has = false;

  if (!a->m->secret(a->m->ctx, IA_SECRET_DATASET, &it->dataset, "", &has, &pusher, e))
    return false;
  if (!has)
    (void)refuse(it, IA_E_SECRET_MISSING, "no key of the dataset is here");
  return true;
}

bool ia_slice_admit(struct admitting *a, ia_ruling *v)
{
  ia_release_plan *plan = a->plan;
  const ia_slice_item *first = NULL;
  size_t passed = 0;
  ia_err e = {0};

  for (size_t i = 0; i < plan->n_slice; i++) {
    ia_slice_item *it = &plan->slice[i];

    if ((it->code == IA_OK && !ia_grant_remembered(a, it, &a->f->slice[i], &e)) ||
        (it->code == IA_OK && !admit_policy(a, it, &e)) ||
        (it->code == IA_OK && !ia_grant_key(a, it, &e)))
      return ia_ruling_err(v, "slice", &e);
    passed += it->code == IA_OK;
    if (it->code != IA_OK && !first)
      first = it;
  }
  if (passed == 0 && first)
    return ia_ruling_no(v, "slice", first->code, "no dataset of the slice may be used; %s: %s",
                        ia_addr_text(&first->dataset).s, first->reason);
  ia_ruling_ok(v, "slice", "%zu of %zu datasets get their keys", passed, plan->n_slice);
  return true;
}
