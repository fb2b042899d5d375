/* Hub: what its owner may do. */
#include "service/ledger/vm.h"

/* Deadlines stay within 64 bits. */
#define TIME_REF_MAX (1ull << 40)

static bool create_category(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_category c = {in->a.bytes[0], in->a.bytes[1], 0};
  ia_event ev = {.bytes = {c.name, c.description}};

  if (!ia_only_owner(f, IA_REVERT_NOT_HUB_OWNER))
    return false;
  if (!ia_u256_u64(&c.work_clock_time_ref, &in->a.value[0]) || c.work_clock_time_ref > TIME_REF_MAX)
    return ia_no(f, IA_REVERT_CATEGORY_TIME);
  if (!ia_ruled(f, ia_poco_category_add(&f->poco, &c, &out->a.value[0])))
    return false;
  ev.value[0] = out->a.value[0];
  ev.value[1] = in->a.value[0];
  return ia_emit(f, IA_EV_CREATE_CATEGORY, &ev);
}

static bool configure(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out IA_UNUSED)
{
  return ia_only_owner(f, IA_REVERT_NOT_HUB_OWNER) && ia_no(f, IA_REVERT_CONFIGURED);
}

/* The domain holds nothing that changes. */
static bool update_domain_separator(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED,
                                    ia_call_value *out IA_UNUSED)
{
  return true;
}

static bool import_score(ia_frame *f, const ia_call_value *in IA_UNUSED,
                         ia_call_value *out IA_UNUSED)
{
  return ia_no(f, IA_REVERT_IMPORT_SCORE);
}

static bool set_tee_broker(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  return ia_only_owner(f, IA_REVERT_NOT_HUB_OWNER) &&
         ia_ruled(f, ia_poco_put_addr(&f->poco, IA_KEY_TEE_BROKER, IA_NO_SPAN, &in->a.addr[0]));
}

static bool set_callback_gas(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  return ia_only_owner(f, IA_REVERT_NOT_HUB_OWNER) &&
         ia_lvm_put_u256(f->vm, IA_WKEY_CALLBACK_GAS, IA_NO_SPAN, IA_NO_SPAN, &in->a.value[0]);
}

/* Registries are part of this ledger and stay. */
static bool change_registries(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  if (!ia_only_owner(f, IA_REVERT_NOT_HUB_OWNER))
    return false;
  for (int i = 0; i < IA_ASSET_KINDS; i++)
    if (!ia_addr_eq(&in->a.addr[i], &f->vm->world->registry[i]))
      return ia_no(f, IA_REVERT_REGISTRIES_FIXED);
  return true;
}

/* As the diamond has it: to anybody, the zero address too. */
static bool transfer_ownership(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  ia_addr owner;

  if (!ia_contract_owner(f, &owner))
    return false;
  if (ia_addr_eq(&owner, &f->sender))
    return ia_set_contract_owner(f, &in->a.addr[0]);
  (void)ia_no(f, IA_REVERT_NOT_DIAMOND_OWNER);
  (void)ia_revert_addr(&f->vm->why, &f->sender);
  return ia_revert_addr(&f->vm->why, &owner);
}

static const ia_method rows[] = {
    {IA_CALL_CREATE_CATEGORY, create_category},
    {IA_CALL_CONFIGURE, configure},
    {IA_CALL_UPDATE_DOMAIN_SEPARATOR, update_domain_separator},
    {IA_CALL_IMPORT_SCORE, import_score},
    {IA_CALL_SET_TEE_BROKER, set_tee_broker},
    {IA_CALL_SET_CALLBACK_GAS, set_callback_gas},
    {IA_CALL_CHANGE_REGISTRIES, change_registries},
    {IA_CALL_TRANSFER_OWNERSHIP, transfer_ownership},
};

const ia_methods ia_methods_hub_admin = {rows, IA_COUNT(rows)};
