/* Hub: the views of the older ABI (IexecAccessorsABILegacyFacet). */
#include "service/ledger/vm.h"

static bool deal_1(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_deal d;

  if (!ia_ruled(f, ia_poco_deal(&f->poco, &d, &in->a.id[0])))
    return false;
  const ia_resource *all[] = {&d.app, &d.dataset, &d.workerpool};
  for (size_t i = 0; i < IA_COUNT(all); i++) {
    out->a.wide[2 * i] = all[i]->pointer;
    out->a.wide[2 * i + 1] = all[i]->owner;
    out->a.value[i] = all[i]->price;
  }
  return true;
}

static bool deal_2(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_deal d;

  if (!ia_ruled(f, ia_poco_deal(&f->poco, &d, &in->a.id[0])))
    return false;
  out->a.value[0] = d.trust;
  out->a.id[0] = d.tag;
  out->a.addr[0] = d.requester;
  out->a.addr[1] = d.beneficiary;
  out->a.addr[2] = d.callback;
  out->a.bytes[0] = d.params;
  return true;
}

static bool config(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_deal d;

  if (!ia_ruled(f, ia_poco_deal(&f->poco, &d, &in->a.id[0])))
    return false;
  out->a.value[0] = d.category;
  out->a.value[1] = ia_u256_of(d.start_time);
  out->a.value[2] = d.bot_first;
  out->a.value[3] = d.bot_size;
  out->a.value[4] = d.worker_stake;
  out->a.value[5] = d.scheduler_reward_ratio;
  return true;
}

static bool account(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_account a;

  if (!ia_ruled(f, ia_poco_account(&f->poco, &a, &in->a.addr[0])))
    return false;
  out->a.value[0] = a.stake;
  out->a.value[1] = a.locked;
  return true;
}

static bool task(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_task t;

  if (!ia_ruled(f, ia_poco_task(&f->poco, &t, &in->a.id[0])))
    return false;
  out->a.small = t.status;
  out->a.id[0] = t.dealid;
  out->a.value[0] = t.idx;
  out->a.value[1] = ia_u256_of(t.timeref);
  out->a.value[2] = ia_u256_of(t.contribution_deadline);
  out->a.value[3] = ia_u256_of(t.reveal_deadline);
  out->a.value[4] = ia_u256_of(t.final_deadline);
  out->a.id[1] = t.consensus_value;
  out->a.value[5] = t.reveal_counter;
  out->a.value[6] = t.winner_counter;
  out->a.list[0] = t.contributors;
  out->a.bytes[0] = t.results;
  return true;
}

static bool contribution(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_contribution c;

  if (!ia_ruled(f, ia_poco_contribution(&f->poco, &c, &in->a.id[0], &in->a.addr[0])))
    return false;
  out->a.small = c.status;
  out->a.id[0] = c.result_hash;
  out->a.id[1] = c.result_seal;
  out->a.addr[0] = c.enclave_challenge;
  return true;
}

static bool category(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_category c;
  bool there;

  if (!ia_ruled(f, ia_poco_category(&f->poco, &c, &in->a.value[0], &there)))
    return false;
  out->a.bytes[0] = c.name;
  out->a.bytes[1] = c.description;
  out->a.value[0] = ia_u256_of(c.work_clock_time_ref);
  return there || ia_no(f, IA_REVERT_NO_CATEGORY_LEGACY);
}

static const ia_method rows[] = {
    {IA_CALL_VIEW_DEAL_LEGACY_1, deal_1},     {IA_CALL_VIEW_DEAL_LEGACY_2, deal_2},
    {IA_CALL_VIEW_CONFIG_LEGACY, config},     {IA_CALL_VIEW_ACCOUNT_LEGACY, account},
    {IA_CALL_VIEW_TASK_LEGACY, task},         {IA_CALL_VIEW_CONTRIBUTION_LEGACY, contribution},
    {IA_CALL_VIEW_CATEGORY_LEGACY, category},
};

const ia_methods ia_methods_hub_legacy = {rows, IA_COUNT(rows)};
