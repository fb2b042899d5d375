/* matchOrders and order management: deals, consumption, presignatures. */
#include "poco/ids.h"
#include "poco/internal.h"
#include "poco/orders.h"

static bool consume(ia_poco *p, const ia_match_facts *f)
{
  for (int i = 0; i < IA_ORDER_KINDS; i++) {
    ia_u256 v;

    if (i == IA_ORDER_DATASET && !f->has_dataset)
      continue;
    if (!ia_poco_sum(p, &v, &f->consumed[i], &f->volume) ||
        !ia_poco_put_u256(p, IA_KEY_CONSUMED, IA_SPAN_ARR(f->hash[i].b), IA_NOTHING, &v))
      return false;
  }
  return true;
}

static void fill_deal(ia_deal *d, const ia_match *m, const ia_match_facts *f)
{
  ia_u256 one = ia_u256_of(1);

  memset(d, 0, sizeof(*d));
  d->app = (ia_resource){m->app.app, f->owner[IA_ASSET_APP], m->app.appprice};
  d->dataset = (ia_resource){m->dataset.dataset, f->owner[IA_ASSET_DATASET], ia_u256_of(0)};
  if (f->has_dataset)
    d->dataset.price = m->dataset.datasetprice;
  d->workerpool = (ia_resource){m->workerpool.workerpool, f->owner[IA_ASSET_WORKERPOOL],
                                m->workerpool.workerpoolprice};
  d->trust = ia_u256_zero(&m->request.trust) ? one : m->request.trust;
  d->category = m->request.category;
  d->tag = f->tag;
  d->requester = m->request.requester;
  d->beneficiary = m->request.beneficiary;
  d->callback = m->request.callback;
  d->params = m->request.params;
  d->bot_first = f->consumed[IA_ORDER_REQUEST];
  d->bot_size = f->volume;
}

/* What the sponsor and the pool's owner must lock. */
static bool lock_all(ia_poco *p, const ia_deal *d, const ia_u256 *volume)
{
  ia_u256 ratio = ia_u256_of(IA_WORKERPOOL_STAKE_RATIO), price, stake;

  return ia_poco_sum(p, &price, &d->app.price, &d->dataset.price) &&
         ia_poco_sum(p, &price, &price, &d->workerpool.price) &&
         ia_poco_product(p, &price, &price, volume) && ia_poco_lock(p, &d->sponsor, &price) &&
         ia_poco_percent(p, &stake, &d->workerpool.price, &ratio) &&
         ia_poco_product(p, &stake, &stake, volume) &&
         ia_poco_lock(p, &d->workerpool.owner, &stake);
}

static bool announce(ia_poco *p, const ia_deal *d, const ia_match_facts *f)
{
  ia_event notice = {.addr = {d->workerpool.pointer}, .id = {f->dealid}};
  ia_event matched = {
      .id = {f->dealid, f->hash[IA_ORDER_APP], f->hash[IA_ORDER_DATASET]},
      .more = {f->hash[IA_ORDER_WORKERPOOL], f->hash[IA_ORDER_REQUEST]},
      .value = {f->volume},
  };

  return ia_poco_emit(p, IA_EV_SCHEDULER_NOTICE, &notice) &&
         ia_poco_emit(p, IA_EV_ORDERS_MATCHED, &matched);
}

bool ia_poco_match(ia_poco *p, ia_h256 *dealid, const ia_match *m, const ia_addr *sponsor,
                   const ia_u256 *stake_ratio, const ia_u256 *reward_ratio)
{
  ia_match_facts f;
  ia_deal d;

  if (!ia_match_check(&f, p->rules, &p->separator, p->view, m, &p->why, NULL))
    return false;
  fill_deal(&d, m, &f);
  d.start_time = p->now;
  d.scheduler_reward_ratio = *reward_ratio;
  d.sponsor = *sponsor;
  *dealid = f.dealid;
  return ia_poco_percent(p, &d.worker_stake, &d.workerpool.price, stake_ratio) &&
         ia_poco_put_deal(p, &f.dealid, &d) && consume(p, &f) && lock_all(p, &d, &f.volume) &&
         announce(p, &d, &f);
}

/* --- presigned and closed orders
 * ------------------------------------------------------------------ */

static bool manager(ia_poco *p, ia_addr *owner, ia_order_kind kind, const void *order)
{
  bool has, registered;

  *owner = *ia_order_signer_of(kind, order);
  if (kind == IA_ORDER_REQUEST)
    return true;
  if (!p->view->owner(p->view->ctx, (ia_asset_kind)kind, ia_order_signer_of(kind, order), &has,
                      owner, &registered, NULL))
    return ia_revert_set(&p->why, IA_REVERT_FAULT);
  return has || ia_revert_set(&p->why, IA_REVERT_NO_OWNER);
}

static bool may_manage(ia_poco *p, ia_order_kind kind, const ia_order_op *op, const ia_addr *owner)
{
  bool valid;
  ia_h256 hash;

  if (ia_addr_eq(owner, &p->sender))
    return true;
  ia_order_op_hash(&hash, &p->separator, kind, &op->order.app, (ia_order_operation)op->operation);
  if (!ia_signature_check(&valid, p->view, owner, &hash, op->sign, &p->why, NULL))
    return false;
  return valid || ia_revert_set(&p->why, IA_REVERT_MANAGE_SENDER);
}

bool ia_poco_manage(ia_poco *p, ia_order_kind kind, const ia_order_op *op)
{
  static const ia_event_id events[IA_ORDER_KINDS][2] = {
      [IA_ORDER_APP] = {IA_EV_SIGNED_APP_ORDER, IA_EV_CLOSED_APP_ORDER},
      [IA_ORDER_DATASET] = {IA_EV_SIGNED_DATASET_ORDER, IA_EV_CLOSED_DATASET_ORDER},
      [IA_ORDER_WORKERPOOL] = {IA_EV_SIGNED_WORKERPOOL_ORDER, IA_EV_CLOSED_WORKERPOOL_ORDER},
      [IA_ORDER_REQUEST] = {IA_EV_SIGNED_REQUEST_ORDER, IA_EV_CLOSED_REQUEST_ORDER},
  };
  const void *order = &op->order.app;
  ia_event ev = {0};
  ia_addr owner;

  if (op->operation > IA_ORDER_CLOSE)
    return ia_revert_set(&p->why, IA_REVERT_MANAGE_OPERATION);
  if (!manager(p, &owner, kind, order) || !may_manage(p, kind, op, &owner))
    return false;
  ia_order_hash(&ev.id[0], &p->separator, kind, order);
  if (op->operation == IA_ORDER_SIGN
          ? !ia_poco_put_addr(p, IA_KEY_PRESIGNED, IA_SPAN_ARR(ev.id[0].b), &owner)
          : !ia_poco_put_u256(p, IA_KEY_CONSUMED, IA_SPAN_ARR(ev.id[0].b), IA_NOTHING,
                              ia_order_volume(kind, order)))
    return false;
  return ia_poco_emit(p, events[kind][op->operation], &ev);
}
