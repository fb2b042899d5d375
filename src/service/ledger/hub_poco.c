/* Hub: matching, order management, broadcast, life of a task. */
#include "eth/eip712.h"
#include "poco/orders.h"
#include "service/ledger/block.h"
#include "service/ledger/vm.h"

/* Stake and reward ratio of the pool; a pool that is none fails in the match itself. */
static bool ratios(ia_frame *f, const ia_addr *pool, ia_u256 *stake, ia_u256 *reward)
{
  return ia_pool_policy(f->vm, pool, stake, reward);
}

static bool match(ia_frame *f, const ia_match *m, const ia_addr *sponsor, ia_h256 *dealid)
{
  ia_u256 stake, reward;

  return ratios(f, &m->workerpool.workerpool, &stake, &reward) &&
         ia_ruled(f, ia_poco_match(&f->poco, dealid, m, sponsor, &stake, &reward));
}

static bool match_orders(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return match(f, &in->match, &in->match.request.requester, &out->a.id[0]);
}

static bool sponsor_match_orders(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_event ev = {.addr = {f->sender}};

  if (!match(f, &in->match, &f->sender, &out->a.id[0]))
    return false;
  ev.id[0] = out->a.id[0];
  return ia_emit(f, IA_EV_DEAL_SPONSORED, &ev);
}

static bool compute_deal_volume(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f, ia_match_volume(&out->a.value[0], &f->poco.separator, f->poco.view, &in->match,
                                     &f->poco.why, NULL));
}

static bool assert_compatibility(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  ia_deal d;

  return ia_ruled(f, ia_poco_deal(&f->poco, &d, &in->bulk.dealid) &&
                         ia_bulk_assert(f->poco.rules, &f->poco.separator, f->poco.view,
                                        &in->bulk.order, &d, &f->poco.why, NULL));
}

static bool verify_signature(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f, ia_signature_check(&out->a.flag, f->poco.view, &in->a.addr[0], &in->a.id[0],
                                        in->a.bytes[0], &f->poco.why, NULL));
}

static bool verify_presignature(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_addr signer;

  if (!f->poco.view->presigned(f->vm, &in->a.id[0], &signer, NULL))
    return ia_no(f, IA_REVERT_FAULT);
  out->a.flag = !ia_addr_zero(&in->a.addr[0]) && ia_addr_eq(&signer, &in->a.addr[0]);
  return true;
}

static bool verify_either(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f, ia_signed_or_presigned(&out->a.flag, f->poco.view, &in->a.addr[0],
                                            &in->a.id[0], in->a.bytes[0], &f->poco.why, NULL));
}

/* --- order management: four calls of one form
 * ------------------------------------------------------- */

static bool manage(ia_frame *f, const ia_call_value *in, ia_order_kind kind)
{
  return ia_ruled(f, ia_poco_manage(&f->poco, kind, &in->op));
}

static bool broadcast(ia_frame *f, const ia_call_value *in, ia_event_id id)
{
  ia_event ev = {.order = in->order};

  return ia_emit(f, id, &ev);
}

#define MANAGE(name, kind, event)                                                                  \
  static bool manage_##name(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)    \
  {                                                                                                \
    return manage(f, in, kind);                                                                    \
  }                                                                                                \
  static bool broadcast_##name(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED) \
  {                                                                                                \
    return broadcast(f, in, event);                                                                \
  }
MANAGE(app, IA_ORDER_APP, IA_EV_BROADCAST_APP_ORDER)
MANAGE(dataset, IA_ORDER_DATASET, IA_EV_BROADCAST_DATASET_ORDER)
MANAGE(workerpool, IA_ORDER_WORKERPOOL, IA_EV_BROADCAST_WORKERPOOL_ORDER)
MANAGE(request, IA_ORDER_REQUEST, IA_EV_BROADCAST_REQUEST_ORDER)

/* --- tasks
 * ------------------------------------------------------------------------------------------ */

static bool initialize(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f, ia_poco_initialize(&f->poco, &out->a.id[0], &in->a.id[0], &in->a.value[0]));
}

static bool contribute(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  return ia_ruled(f, ia_poco_contribute(&f->poco, &in->a));
}

/* target.receiveResult(taskid, data): a failure is ignored. What a callback address of ours, or one
 * without code, was given is recorded. */
static bool run_callback(ia_frame *f, const ia_addr *target, const ia_h256 *taskid, ia_span data)
{
  const ia_contract *c;

  if (ia_addr_zero(target))
    return true;
  if (!ia_lvm_contract_at(f->vm, &c, target))
    return false;
  /* no contract of this ledger has receiveResult, so nothing runs and nothing can fail */
  return ia_lvm_put(f->vm, IA_WKEY_CALLBACK, IA_SPAN_ARR(target->b), IA_SPAN_ARR(taskid->b),
                    data.len > 0 ? data : IA_SPAN_ARR(taskid->b));
}

static bool contribute_and_finalize(ia_frame *f, const ia_call_value *in,
                                    ia_call_value *out IA_UNUSED)
{
  ia_addr callback = {{0}};

  return ia_ruled(f, ia_poco_contribute_and_finalize(&f->poco, &in->a, &callback)) &&
         run_callback(f, &callback, &in->a.id[0], in->a.bytes[1]);
}

static bool finalize(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  ia_addr callback = {{0}};

  return ia_ruled(f, ia_poco_finalize(&f->poco, &in->a, &callback)) &&
         run_callback(f, &callback, &in->a.id[0], in->a.bytes[1]);
}

static bool reveal(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  return ia_ruled(f, ia_poco_reveal(&f->poco, &in->a.id[0], &in->a.id[1]));
}

static bool reopen(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  return ia_ruled(f, ia_poco_reopen(&f->poco, &in->a.id[0]));
}

static bool claim(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  return ia_ruled(f, ia_poco_claim(&f->poco, &in->a.id[0]));
}

static ia_h256 word_at(const ia_words *w, size_t i)
{
  ia_h256 h;

  memcpy(h.b, w->ptr + 32 * i, 32);
  return h;
}

static bool initialize_each(ia_frame *f, const ia_call_value *in, bool and_claim)
{
  const ia_words *deals = &in->a.list[0], *indexes = &in->a.list[1];

  if (deals->n != indexes->n)
    return ia_no(f, IA_REVERT_ARRAY_LENGTHS);
  if (deals->n > IA_LOGS_MAX)
    return ia_no(f, IA_REVERT_TOO_MUCH);
  for (size_t i = 0; i < deals->n; i++) {
    ia_h256 dealid = word_at(deals, i), taskid;
    ia_u256 idx = ia_u256_from_be(indexes->ptr + 32 * i);

    if (!ia_ruled(f, ia_poco_initialize(&f->poco, &taskid, &dealid, &idx)) ||
        (and_claim && !ia_ruled(f, ia_poco_claim(&f->poco, &taskid))))
      return false;
  }
  return true;
}

static bool initialize_array(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = initialize_each(f, in, false);
}

static bool initialize_and_claim_array(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = initialize_each(f, in, true);
}

static bool claim_array(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  if (in->a.list[0].n > IA_LOGS_MAX)
    return ia_no(f, IA_REVERT_TOO_MUCH);
  for (size_t i = 0; i < in->a.list[0].n; i++) {
    ia_h256 taskid = word_at(&in->a.list[0], i);

    if (!ia_ruled(f, ia_poco_claim(&f->poco, &taskid)))
      return false;
  }
  out->a.flag = true;
  return true;
}

static const ia_method rows[] = {
    {IA_CALL_MATCH_ORDERS, match_orders},
    {IA_CALL_CONTRIBUTE_AND_FINALIZE, contribute_and_finalize},
    {IA_CALL_INITIALIZE, initialize},
    {IA_CALL_SPONSOR_MATCH_ORDERS, sponsor_match_orders},
    {IA_CALL_COMPUTE_DEAL_VOLUME, compute_deal_volume},
    {IA_CALL_ASSERT_DATASET_DEAL_COMPATIBILITY, assert_compatibility},
    {IA_CALL_VERIFY_SIGNATURE, verify_signature},
    {IA_CALL_VERIFY_PRESIGNATURE, verify_presignature},
    {IA_CALL_VERIFY_PRESIGNATURE_OR_SIGNATURE, verify_either},
    {IA_CALL_MANAGE_APP_ORDER, manage_app},
    {IA_CALL_MANAGE_DATASET_ORDER, manage_dataset},
    {IA_CALL_MANAGE_WORKERPOOL_ORDER, manage_workerpool},
    {IA_CALL_MANAGE_REQUEST_ORDER, manage_request},
    {IA_CALL_BROADCAST_APP_ORDER, broadcast_app},
    {IA_CALL_BROADCAST_DATASET_ORDER, broadcast_dataset},
    {IA_CALL_BROADCAST_WORKERPOOL_ORDER, broadcast_workerpool},
    {IA_CALL_BROADCAST_REQUEST_ORDER, broadcast_request},
    {IA_CALL_CONTRIBUTE, contribute},
    {IA_CALL_REVEAL, reveal},
    {IA_CALL_REOPEN, reopen},
    {IA_CALL_FINALIZE, finalize},
    {IA_CALL_CLAIM, claim},
    {IA_CALL_INITIALIZE_ARRAY, initialize_array},
    {IA_CALL_CLAIM_ARRAY, claim_array},
    {IA_CALL_INITIALIZE_AND_CLAIM_ARRAY, initialize_and_claim_array},
};

const ia_methods ia_methods_hub_poco = {rows, IA_COUNT(rows)};
