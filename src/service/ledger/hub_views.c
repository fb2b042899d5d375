/* Hub: what it answers without changing anything. */
#include "service/ledger/vm.h"

static bool view_deal(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f, ia_poco_deal(&f->poco, &out->deal, &in->a.id[0]));
}

static bool view_task(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f, ia_poco_task(&f->poco, &out->task, &in->a.id[0]));
}

static bool view_contribution(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f,
                  ia_poco_contribution(&f->poco, &out->contribution, &in->a.id[0], &in->a.addr[0]));
}

static bool number(ia_frame *f, ia_call_value *out, ia_poco_key tag, ia_span key)
{
  return ia_ruled(f, ia_poco_get_u256(&f->poco, &out->a.value[0], tag, key, IA_NO_SPAN));
}

static bool view_consumed(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return number(f, out, IA_KEY_CONSUMED, IA_SPAN_ARR(in->a.id[0].b));
}

static bool view_presigned(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(
      f, ia_poco_get_addr(&f->poco, &out->a.addr[0], IA_KEY_PRESIGNED, IA_SPAN_ARR(in->a.id[0].b)));
}

static bool view_score(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return number(f, out, IA_KEY_SCORE, IA_SPAN_ARR(in->a.addr[0].b));
}

static bool view_account(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f, ia_poco_account(&f->poco, &out->account, &in->a.addr[0]));
}

static bool view_category(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  bool there;

  if (!ia_ruled(f, ia_poco_category(&f->poco, &out->category, &in->a.value[0], &there)))
    return false;
  return there || ia_no(f, IA_REVERT_NO_CATEGORY);
}

static bool count_category(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  return number(f, out, IA_KEY_CATEGORIES, IA_NO_SPAN);
}

static bool result_for(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_task t;

  if (!ia_ruled(f, ia_poco_task(&f->poco, &t, &in->a.id[0])))
    return false;
  out->a.bytes[0] = t.results_callback;
  return t.status == IA_TASK_COMPLETED || ia_no(f, IA_REVERT_TASK_PENDING);
}

/* --- assets
 * ----------------------------------------------------------------------------------------- */

static bool entry(ia_frame *f, ia_args *fields, ia_addr *owner, const ia_addr *at,
                  ia_asset_kind kind)
{
  ia_asset_kind is;
  bool has;

  /* others have no such getter; the hub says so in its own way */
  if (ia_addr_eq(at, &f->self))
    return ia_no(f, IA_REVERT_NO_FUNCTION_HUB);
  if (!ia_entry_fields(f->vm, fields, at, kind))
    return false;
  return ia_entry_owner(f->vm, at, &has, owner, &is);
}

static bool view_app(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_args a;

  if (!entry(f, &a, &out->app.owner, &in->a.addr[0], IA_ASSET_APP))
    return false;
  out->app.name = a.bytes[0];
  out->app.type = a.bytes[1];
  out->app.multiaddr = a.bytes[2];
  out->app.checksum = a.id[0];
  out->app.mrenclave = a.bytes[3];
  return true;
}

static bool view_dataset(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_args a;

  if (!entry(f, &a, &out->dataset.owner, &in->a.addr[0], IA_ASSET_DATASET))
    return false;
  out->dataset.name = a.bytes[0];
  out->dataset.multiaddr = a.bytes[1];
  out->dataset.checksum = a.id[0];
  return true;
}

static bool view_workerpool(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_args a;

  if (!entry(f, &a, &out->workerpool.owner, &in->a.addr[0], IA_ASSET_WORKERPOOL))
    return false;
  out->workerpool.description = a.bytes[0];
  return ia_pool_policy(f->vm, &in->a.addr[0], &out->workerpool.worker_stake_ratio,
                        &out->workerpool.scheduler_reward_ratio);
}

/* --- constants and configuration
 * -------------------------------------------------------------------- */

static bool domain(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->domain.name = ia_span_str("iExecODB");
  out->domain.version = ia_span_str("5.0.0");
  out->domain.chain_id = ia_u256_of(f->vm->world->chain_id);
  out->domain.verifying_contract = f->self;
  return true;
}

static bool domain_separator(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.id[0] = f->vm->world->separator;
  return true;
}

static bool tee_broker(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  return ia_ruled(f, ia_poco_get_addr(&f->poco, &out->a.addr[0], IA_KEY_TEE_BROKER, IA_NO_SPAN));
}

static bool callback_gas(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  return ia_lvm_get_u256(f->vm, &out->a.value[0], IA_WKEY_CALLBACK_GAS, IA_NO_SPAN, IA_NO_SPAN);
}

static bool kitty_address(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED,
                          ia_call_value *out)
{
  out->a.addr[0] = ia_kitty_address;
  return true;
}

#define CONSTANT(name, value_)                                                                     \
  static bool name(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED, ia_call_value *out)   \
  {                                                                                                \
    out->a.value[0] = ia_u256_of(value_);                                                          \
    return true;                                                                                   \
  }
CONSTANT(contribution_ratio, IA_CONTRIBUTION_DEADLINE_RATIO)
CONSTANT(reveal_ratio, IA_REVEAL_DEADLINE_RATIO)
CONSTANT(final_ratio, IA_FINAL_DEADLINE_RATIO)
CONSTANT(stake_ratio, IA_WORKERPOOL_STAKE_RATIO)
CONSTANT(kitty_ratio, IA_KITTY_RATIO)
CONSTANT(kitty_min, IA_KITTY_MIN)
CONSTANT(member_purpose, IA_GROUPMEMBER_PURPOSE)

#define ADDRESS(name, where)                                                                       \
  static bool name(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)             \
  {                                                                                                \
    out->a.addr[0] = f->vm->world->where;                                                          \
    return true;                                                                                   \
  }
ADDRESS(token, token)
ADDRESS(app_registry, registry[IA_ASSET_APP])
ADDRESS(dataset_registry, registry[IA_ASSET_DATASET])
ADDRESS(workerpool_registry, registry[IA_ASSET_WORKERPOOL])

static const ia_method rows[] = {
    {IA_CALL_VIEW_TASK, view_task},
    {IA_CALL_VIEW_DEAL, view_deal},
    {IA_CALL_VIEW_CONSUMED, view_consumed},
    {IA_CALL_VIEW_PRESIGNED, view_presigned},
    {IA_CALL_VIEW_CONTRIBUTION, view_contribution},
    {IA_CALL_VIEW_SCORE, view_score},
    {IA_CALL_VIEW_ACCOUNT, view_account},
    {IA_CALL_VIEW_CATEGORY, view_category},
    {IA_CALL_COUNT_CATEGORY, count_category},
    {IA_CALL_RESULT_FOR, result_for},
    {IA_CALL_VIEW_APP, view_app},
    {IA_CALL_VIEW_DATASET, view_dataset},
    {IA_CALL_VIEW_WORKERPOOL, view_workerpool},
    {IA_CALL_DOMAIN, domain},
    {IA_CALL_EIP712_DOMAIN_SEPARATOR, domain_separator},
    {IA_CALL_TEE_BROKER, tee_broker},
    {IA_CALL_CALLBACK_GAS, callback_gas},
    {IA_CALL_KITTY_ADDRESS, kitty_address},
    {IA_CALL_CONTRIBUTION_DEADLINE_RATIO, contribution_ratio},
    {IA_CALL_REVEAL_DEADLINE_RATIO, reveal_ratio},
    {IA_CALL_FINAL_DEADLINE_RATIO, final_ratio},
    {IA_CALL_WORKERPOOL_STAKE_RATIO, stake_ratio},
    {IA_CALL_KITTY_RATIO, kitty_ratio},
    {IA_CALL_KITTY_MIN, kitty_min},
    {IA_CALL_GROUPMEMBER_PURPOSE, member_purpose},
    {IA_CALL_TOKEN, token},
    {IA_CALL_APP_REGISTRY, app_registry},
    {IA_CALL_DATASET_REGISTRY, dataset_registry},
    {IA_CALL_WORKERPOOL_REGISTRY, workerpool_registry},
    {IA_CALL_OWNER, ia_method_owner},
};

const ia_methods ia_methods_hub_views = {rows, IA_COUNT(rows)};
