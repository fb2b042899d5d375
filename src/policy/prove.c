/* Steps 1 to 7 and 9 of docs/release.md 4: what signatures and addresses prove of a task. */
#include <stdio.h>

#include "eth/address.h"
#include "eth/eip191.h"
#include "eth/tx.h"
#include "poco/abi.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "poco/tag.h"
#include "policy/internal.h"

void ia_release_plan_free(ia_release_plan *p)
{
  if (!p)
    return;
  ia_params_free(&p->params);
  ia_buf_free(&p->result_key);
  free(p->slice);
  *p = (ia_release_plan){0};
}

bool ia_lease_in_time(const ia_lease *l, uint64_t now, ia_err *e)
{
  return (l->expires > now && l->expires <= now + IA_LEASE_MAX_SECONDS) ||
         ia_fail(e, IA_E_LEASE_INVALID, "the lease has expired or lasts too long");
}

bool ia_lease_check(const ia_lease *l, ia_domain d, const ia_h256 *task, const ia_addr *pool_owner,
                    uint64_t now, ia_err *e)
{
  ia_addr signer;
  ia_h256 h;

  if (!ia_h256_eq(&l->task_id, task))
    return ia_fail(e, IA_E_LEASE_INVALID, "the lease is of another task");
  if (!ia_lease_in_time(l, now, e) || !ia_lease_hash(&h, d, l, e))
    return false;
  if (!ia_eip191_recover(&signer, IA_SPAN_ARR(h.b), IA_SPAN_ARR(l->sig), NULL) ||
      ia_addr_zero(pool_owner) || !ia_addr_eq(&signer, pool_owner))
    return ia_fail(e, IA_E_LEASE_INVALID,
                   "the lease is not signed by the owner of the deal's pool");
  return true;
}

bool ia_lease_fencing(const ia_lease *l, const ia_release_memory *m, ia_err *e)
{
  uint64_t highest = 0;
  ia_addr worker = {{0}};
  bool has = false;

  if (!m->fencing(m->ctx, &l->task_id, &has, &highest, &worker, e))
    return false;
  if (has && (l->fencing < highest || (l->fencing == highest && !ia_addr_eq(&worker, &l->worker))))
    return ia_fail(e, IA_E_LEASE_FENCED, "a newer lease of this task exists (%llu)",
                   (unsigned long long)highest);
  return true;
}

/* -- the view that repeats matchOrders over proven facts -- */

bool ia_by_ledger_note(ia_release_plan *p, const char *text, ia_err *e)
{
  char *slot;

  for (size_t i = 0; i < p->n_by_ledger; i++)
    if (strcmp(p->by_ledger[i], text) == 0)
      return true;
  if (p->n_by_ledger == IA_BY_LEDGER_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "too much stands on the ledger's word alone");
  slot = p->by_ledger[p->n_by_ledger++];
  (void)!snprintf(slot, sizeof(p->by_ledger[0]), "%s", text);
  return true;
}

static bool v_owner(void *ctx, ia_asset_kind kind, const ia_addr *asset, bool *has, ia_addr *owner,
                    bool *registered, ia_err *e)
{
  const struct proving *p = ctx;

  (void)asset;
  (void)e;
  *owner = p->plan->owner[kind];
  *has = !ia_addr_zero(owner);
  *registered = true; /* by its address */
  return true;
}

static const ia_addr *signer_of(const struct proving *p, ia_order_kind kind)
{
  return kind == IA_ORDER_REQUEST ? &p->f->match.request.requester : &p->plan->owner[kind];
}

/* Did the owner herself sign a manage*Order(SIGN) of this very order? */
static bool presign_proves(const struct proving *p, ia_order_kind kind, const ia_h256 *hash)
{
  static const ia_call_id calls[] = {IA_CALL_MANAGE_APP_ORDER, IA_CALL_MANAGE_DATASET_ORDER,
                                     IA_CALL_MANAGE_WORKERPOOL_ORDER, IA_CALL_MANAGE_REQUEST_ORDER};
  const ia_release_pins *pins = p->f->pins;
  const ia_addr *owner = signer_of(p, kind);
  ia_h256 separator, got, op_hash;
  ia_order_op op;
  ia_addr sender;
  ia_tx tx;

  if (p->f->presign[kind].len == 0 || !ia_tx_decode(&tx, p->f->presign[kind], NULL) ||
      tx.chain_id != pins->chain_id || tx.creates || !ia_addr_eq(&tx.to, &pins->hub) ||
      !ia_call_decode(&op, calls[kind], tx.data, NULL) || op.operation != IA_ORDER_SIGN)
    return false;
  ia_order_separator(&separator, pins->chain_id, &pins->hub);
  ia_order_hash(&got, &separator, kind, &op.order.app);
  if (!ia_h256_eq(&got, hash))
    return false;
  ia_order_op_hash(&op_hash, &separator, kind, &op.order.app, IA_ORDER_SIGN);
  return (ia_tx_sender(&sender, &tx, NULL) && ia_addr_eq(&sender, owner)) ||
         ia_sig_verify(owner, &op_hash, op.sign, NULL);
}

ia_order_signing ia_signing_of(const struct proving *p, ia_order_kind kind, const ia_h256 *hash,
                               ia_span sign)
{
  if (sign.len > 0 && ia_sig_verify(signer_of(p, kind), hash, sign, NULL))
    return IA_SIGNING_KEY;
  return presign_proves(p, kind, hash) ? IA_SIGNING_TX : IA_SIGNING_CONTRACT;
}

static bool v_presigned(void *ctx, const ia_h256 *hash, ia_addr *signer, ia_err *e)
{
  const struct proving *p = ctx;

  (void)e;
  *signer = (ia_addr){{0}};
  for (int k = 0; k < IA_ORDER_KINDS; k++) {
    if (!ia_h256_eq(&p->plan->order_hash[k], hash))
      continue;
    if (presign_proves(p, (ia_order_kind)k, hash))
      *signer = *signer_of(p, (ia_order_kind)k);
    return true;
  }
  return true;
}

static bool v_consumed(void *ctx, const ia_h256 *hash, ia_u256 *volume, ia_err *e)
{
  const struct proving *p = ctx;

  *volume = ia_u256_of(0);
  if (p->f->planned)
    return p->f->ledger->consumed(p->f->ledger->ctx, hash, volume, e);
  if (ia_h256_eq(hash, &p->plan->order_hash[IA_ORDER_REQUEST]))
    *volume = p->f->deal.bot_first;
  return true;
}

static bool v_has_purpose(void *ctx, const ia_addr *group, const ia_addr *account, bool *member,
                          ia_err *e)
{
  const struct proving *p = ctx;
  char text[64];

  *member = false;
  if (!p->f->ledger || !p->f->ledger->has_purpose)
    return true;
  if (!p->f->ledger->has_purpose(p->f->ledger->ctx, group, account, member, e))
    return false;
  (void)!snprintf(text, sizeof(text), "whitelist:%s", ia_addr_lower(group).s);
  return !*member || ia_by_ledger_note(p->plan, text, e);
}

static bool v_erc1271(void *ctx, const ia_addr *account, const ia_h256 *hash, ia_span sign,
                      bool *is_contract, bool *valid, ia_err *e)
{
  const struct proving *p = ctx;
  bool by_key = false;
  char text[64];

  *is_contract = *valid = false;
  if (ia_sig_verify(account, hash, sign, NULL) || !p->f->ledger || !p->f->ledger->erc1271)
    return true;
  if (p->f->signed_here && !p->f->signed_here(p->f->signed_ctx, account, &by_key, e))
    return false;
  if (by_key)
    return true;
  if (!p->f->ledger->erc1271(p->f->ledger->ctx, account, hash, sign, is_contract, valid, e))
    return false;
  (void)!snprintf(text, sizeof(text), "erc1271:%s", ia_addr_lower(account).s);
  return !*is_contract || !*valid || ia_by_ledger_note(p->plan, text, e);
}

static bool v_categories(void *ctx, ia_u256 *count, ia_err *e)
{
  const struct proving *p = ctx;

  if (p->f->ledger && p->f->ledger->categories)
    return p->f->ledger->categories(p->f->ledger->ctx, count, e);
  /* a deal exists, so its category did */
  *count = p->f->match.request.category;
  return ia_u256_add(count, count, &(ia_u256){{1, 0, 0, 0}}) ||
         ia_fail(e, IA_E_DEAL_MISMATCH, "category out of range");
}

ia_poco_view ia_proving_view(struct proving *p)
{
  return (ia_poco_view){p,         v_owner,     v_presigned, v_consumed, v_has_purpose,
                        v_erc1271, v_categories};
}

/* -- the steps -- */
static bool s_lease(struct proving *p, ia_ruling *v)
{
  ia_err e = {0};

  if (p->f->planned)
    return true;
  if (p->f->has_lease) {
    if (!ia_lease_check(&p->f->lease, p->f->pins->domain, &p->f->task_id, &p->f->pool_owner,
                        p->f->now, &e))
      return ia_ruling_err(v, "lease", &e);
    ia_ruling_ok(v, "lease", "signed by the pool for worker %s",
                 ia_addr_text(&p->f->lease.worker).s);
  }
  return true;
}

static bool before_deadline(const ia_release_facts *f, ia_ruling *v)
{
  return f->ledger_time < f->task.contribution_deadline ||
         ia_ruling_no(v, "task", IA_E_DEADLINE_PASSED,
                      "the contribution deadline of the task has passed");
}

bool ia_release_in_time(ia_ruling *v, const ia_release_facts *f)
{
  ia_err e = {0};

  if (f->planned)
    return true;
  if (f->has_lease && !ia_lease_in_time(&f->lease, f->now, &e))
    return ia_ruling_err(v, "lease", &e);
  return before_deadline(f, v);
}

static bool s_task(struct proving *p, ia_ruling *v)
{
  const ia_release_facts *f = p->f;

  if (f->planned)
    return true;
  if (!f->has_task || f->task.status != IA_TASK_ACTIVE)
    return ia_ruling_no(v, "task", IA_E_TASK_NOT_ACTIVE, "the task is not active");
  if (!before_deadline(f, v))
    return false;
  if (f->head < f->match_block || f->head - f->match_block < f->pins->depth)
    return ia_ruling_no(v, "task", IA_E_DEPTH, "the deal is less than %llu blocks deep",
                        (unsigned long long)f->pins->depth);
  ia_ruling_ok(v, "task", "active, before its contribution deadline");
  return true;
}

static bool s_tag(struct proving *p, ia_ruling *v)
{
  const ia_release_facts *f = p->f;
  ia_h256 tag;

  if (!f->planned && !f->has_deal)
    return ia_ruling_no(v, "tag", IA_E_DEAL_MISMATCH, "the ledger shows no such deal");
  if (f->planned) {
    tag = ia_tag_or(&f->match.app.tag, &f->match.request.tag);
    tag = ia_tag_or(&tag, &f->match.dataset.tag);
  } else {
    tag = f->deal.tag;
  }
  if (!ia_tag_one_framework(&tag))
    return ia_ruling_no(v, "tag", IA_E_TAG_FRAMEWORK,
                        "the deal's tag does not name exactly one TEE framework");
  ia_ruling_ok(v, "tag", "one TEE framework");
  return true;
}

/* Hashes first: owners are proven for the addresses that the orders name. */
static bool s_orders(struct proving *p, ia_ruling *v)
{
  const ia_match *m = &p->f->match;
  const void *order[IA_ORDER_KINDS] = {&m->app, &m->dataset, &m->workerpool, &m->request};
  ia_h256 separator;
  ia_err e = {0};

  if (!p->f->has_match)
    return ia_ruling_no(v, "orders", IA_E_ORDERS_NOT_FOUND,
                        "the four orders of the deal are nowhere to be found");
  ia_order_separator(&separator, p->f->pins->chain_id, &p->f->pins->hub);
  p->plan->has_dataset = !ia_addr_zero(&m->dataset.dataset);
  for (int k = 0; k < IA_ORDER_KINDS; k++) {
    if (k == IA_ORDER_DATASET && !p->plan->has_dataset)
      continue;
    ia_order_hash(&p->plan->order_hash[k], &separator, (ia_order_kind)k, order[k]);
    if (!ia_order_provable((ia_order_kind)k, *ia_order_signature((ia_order_kind)k, order[k]), &e))
      return ia_ruling_err(v, "orders", &e);
  }
  return true;
}

/* A pool that was handed on, or that a ledger was born with, has an address of something else. */
static bool pool_address_proves(const ia_release_facts *f)
{
  ia_addr made;

  if (!f->has_pool)
    return false;
  ia_workerpool_address(&made, &f->pins->registry[IA_ASSET_WORKERPOOL], &f->pins->proxy_code_hash,
                        &f->pool_owner, f->pool.description);
  return ia_addr_eq(&made, &f->match.workerpool.workerpool);
}

static bool s_assets(struct proving *p, ia_ruling *v)
{
  const ia_release_facts *f = p->f;
  const ia_addr *address[] = {&f->match.app.app, &f->match.dataset.dataset};
  static const char *const clause[] = {"app", "dataset"};
  ia_err e = {0};

  for (int k = 0; k <= IA_ASSET_DATASET; k++) {
    if (k == IA_ASSET_DATASET && !p->plan->has_dataset)
      continue;
    if (!ia_asset_provable((ia_asset_kind)k, &f->asset[k], &e) ||
        !ia_asset_prove(&p->plan->owner[k], f->pins, (ia_asset_kind)k, address[k], &f->asset[k],
                        &e))
      return ia_ruling_err(v, clause[k], &e);
    ia_ruling_ok(v, clause[k], "%s proves its fields; owner %s", ia_addr_text(address[k]).s,
                 ia_addr_text(&p->plan->owner[k]).s);
  }
  p->plan->owner[IA_ASSET_WORKERPOOL] = f->pool_owner;
  p->plan->pool_proven = pool_address_proves(f);
  return true;
}

ia_code ia_revert_code(const ia_revert *why)
{
  switch (why->id) {
  case IA_REVERT_MATCH_21:
  case IA_REVERT_MATCH_31:
  case IA_REVERT_MATCH_41:
  case IA_REVERT_MATCH_50:
  case IA_REVERT_BULK_SIGNATURE:
  case IA_REVERT_SIGNATURE_FORMAT: return IA_E_ORDER_SIGNATURE;
  case IA_REVERT_MATCH_60:
  case IA_REVERT_BULK_CONSUMED:
  case IA_REVERT_OVERCONSUMED: return IA_E_VOLUME_SPENT;
  default: return IA_E_DEAL_MISMATCH;
  }
}

static bool s_match(struct proving *p, ia_match_facts *mf, ia_ruling *v)
{
  ia_poco_view view = ia_proving_view(p);
  const ia_release_pins *pins = p->f->pins;
  const ia_match *m = &p->f->match;
  const void *order[IA_ORDER_KINDS] = {&m->app, &m->dataset, &m->workerpool, &m->request};
  ia_revert why = {0};
  ia_h256 separator;
  ia_err e = {0};

  ia_order_separator(&separator, pins->chain_id, &pins->hub);
  if (!ia_match_check(mf, pins->rules, &separator, &view, &p->f->match, &why, &e)) {
    if (why.id != IA_REVERT_FAULT)
      e.code = ia_revert_code(&why);
    return ia_ruling_err(v, "orders", &e);
  }
  for (int k = 0; k < IA_ORDER_KINDS; k++)
    if (k != IA_ORDER_DATASET || p->plan->has_dataset)
      p->plan->signing[k] = ia_signing_of(p, (ia_order_kind)k, &p->plan->order_hash[k],
                                          *ia_order_signature((ia_order_kind)k, order[k]));
  ia_ruling_ok(v, "orders", "four orders, each signed by its owner, fit together");
  return true;
}

static bool same_resource(const ia_resource *r, const ia_addr *pointer, const ia_u256 *price)
{
  return ia_addr_eq(&r->pointer, pointer) && ia_u256_eq(&r->price, price);
}

static const char *deal_differs(const ia_deal *d, const ia_match *m, const ia_match_facts *mf)
{
  ia_u256 one = ia_u256_of(1), zero = ia_u256_of(0);
  const ia_u256 *trust = ia_u256_zero(&m->request.trust) ? &one : &m->request.trust;

  if (!same_resource(&d->app, &m->app.app, &m->app.appprice))
    return "app";
  if (!same_resource(&d->dataset, &m->dataset.dataset,
                     mf->has_dataset ? &m->dataset.datasetprice : &zero))
    return "dataset";
  if (!same_resource(&d->workerpool, &m->workerpool.workerpool, &m->workerpool.workerpoolprice))
    return "workerpool";
  if (!ia_u256_eq(&d->trust, trust) || !ia_u256_eq(&d->category, &m->request.category))
    return "trust or category";
  if (!ia_h256_eq(&d->tag, &mf->tag))
    return "tag";
  if (!ia_addr_eq(&d->requester, &m->request.requester) ||
      !ia_addr_eq(&d->beneficiary, &m->request.beneficiary) ||
      !ia_addr_eq(&d->callback, &m->request.callback))
    return "requester, beneficiary or callback";
  if (!ia_span_eq(d->params, m->request.params))
    return "params";
  return NULL;
}

/* dealId, taskId and the range of indices; no field of the deal but what the orders say. */
static bool s_deal(struct proving *p, const ia_match_facts *mf, ia_ruling *v)
{
  const ia_release_facts *f = p->f;
  const char *differs;
  ia_u256 end;
  ia_h256 task;
  uint64_t idx;

  if (f->planned)
    return true;
  differs = deal_differs(&f->deal, &f->match, mf);
  if (differs)
    return ia_ruling_no(v, "deal", IA_E_DEAL_MISMATCH,
                        "the ledger's deal differs from the signed orders: %s", differs);
  if (!ia_h256_eq(&mf->dealid, &f->task.dealid))
    return ia_ruling_no(v, "deal", IA_E_DEAL_MISMATCH, "the orders make another deal");
  ia_task_id(&task, &mf->dealid, &f->task.idx);
  if (!ia_h256_eq(&task, &f->task_id))
    return ia_ruling_no(v, "deal", IA_E_DEAL_MISMATCH, "the deal has no such task");
  if (!ia_u256_add(&end, &f->deal.bot_first, &f->deal.bot_size) ||
      ia_u256_cmp(&f->task.idx, &f->deal.bot_first) < 0 || ia_u256_cmp(&f->task.idx, &end) >= 0 ||
      ia_u256_cmp(&end, &f->match.request.volume) > 0 || !ia_u256_u64(&idx, &f->task.idx) ||
      idx > UINT32_MAX || !ia_u256_u64(&p->plan->bot_first, &f->deal.bot_first) ||
      !ia_u256_u64(&p->plan->bot_size, &f->deal.bot_size))
    return ia_ruling_no(v, "deal", IA_E_DEAL_MISMATCH,
                        "the task's index is not within the request's volume");
  p->plan->deal_id = mf->dealid;
  p->plan->task_index = (uint32_t)idx;
  ia_ruling_ok(v, "deal", "made of these orders and nothing else");
  return true;
}

static bool s_params(struct proving *p, ia_ruling *v)
{
  const ia_request_order *r = &p->f->match.request;
  ia_err e = {0};

  if (!ia_params_parse(&p->plan->params, r->params, &e)) {
    if (e.code == IA_E_PARSE)
      e.code = IA_E_PARAMS_INVALID;
    return ia_ruling_err(v, "params", &e);
  }
  p->plan->bulk = *p->plan->params.bulk_cid != '\0';
  if (p->plan->bulk && p->plan->has_dataset)
    return ia_ruling_no(v, "params", IA_E_DEAL_MISMATCH,
                        "a bulk request has no dataset of its own");
  p->plan->purpose = p->plan->params.purpose;
  p->plan->callback = !ia_addr_zero(&r->callback);
  p->plan->encrypt = p->plan->params.encrypt && !p->plan->callback;
  p->plan->beneficiary = ia_addr_zero(&r->beneficiary) ? r->requester : r->beneficiary;
  return true;
}

bool ia_release_prove(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f)
{
  struct proving p = {f, plan};
  ia_match_facts mf = {0};

  *plan = (ia_release_plan){0};
  plan->purpose = "";
  return s_lease(&p, v) && s_task(&p, v) && s_tag(&p, v) && s_orders(&p, v) && s_assets(&p, v) &&
         s_match(&p, &mf, v) && s_deal(&p, &mf, v) && s_params(&p, v) &&
         (!plan->bulk || ia_slice_prove(plan, v, f, &mf.tag));
}
