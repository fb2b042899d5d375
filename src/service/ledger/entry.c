/* Registry entries: apps, datasets, pools. */
#include "service/ledger/vm.h"

static ia_asset_kind kind_of(ia_frame *f)
{
  ia_asset_kind kind = IA_ASSET_KINDS;
  ia_addr owner;
  bool has;

  if (!ia_entry_owner(f->vm, &f->self, &has, &owner, &kind))
    return IA_ASSET_KINDS;
  return kind;
}

static bool fields(ia_frame *f, ia_args *a)
{
  return ia_entry_fields(f->vm, a, &f->self, kind_of(f));
}

/* Getters of the initialiser's i-th text, or of its checksum. */
#define TEXT_FIELD(name, i)                                                                        \
  static bool name(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)             \
  {                                                                                                \
    ia_args a;                                                                                     \
                                                                                                   \
    if (!fields(f, &a))                                                                            \
      return false;                                                                                \
    out->a.bytes[0] = a.bytes[i];                                                                  \
    return true;                                                                                   \
  }
TEXT_FIELD(field_0, 0)
TEXT_FIELD(field_1, 1)
TEXT_FIELD(field_2, 2)
TEXT_FIELD(field_3, 3)

static bool checksum(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  ia_args a;

  if (!fields(f, &a))
    return false;
  out->a.id[0] = a.id[0];
  return true;
}

static bool owner_is_sender(ia_frame *f)
{
  ia_asset_kind kind;
  ia_addr owner;
  bool has;

  if (!ia_entry_owner(f->vm, &f->self, &has, &owner, &kind))
    return false;
  return ia_addr_eq(&owner, &f->sender) || ia_no(f, IA_REVERT_NOT_ENTRY_OWNER);
}

static bool owner(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  ia_asset_kind kind;
  bool has;

  return ia_entry_owner(f->vm, &f->self, &has, &out->a.addr[0], &kind);
}

static bool registry(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  ia_asset_kind kind = kind_of(f);

  if (kind >= IA_ASSET_KINDS)
    return ia_no(f, IA_REVERT_FAULT);
  out->a.addr[0] = f->vm->world->registry[kind];
  return true;
}

static bool set_name(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out IA_UNUSED)
{
  return owner_is_sender(f) && ia_no(f, IA_REVERT_NAMES_OFF);
}

static bool initialize(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out IA_UNUSED)
{
  return ia_no(f, IA_REVERT_ENTRY_READY);
}

/* --- pools
 * ------------------------------------------------------------------------------------------- */

static bool stake_ratio(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  ia_u256 reward;

  return ia_pool_policy(f->vm, &f->self, &out->a.value[0], &reward);
}

static bool reward_ratio(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  ia_u256 stake;

  return ia_pool_policy(f->vm, &f->self, &stake, &out->a.value[0]);
}

static bool change_policy(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  ia_u256 hundred = ia_u256_of(100);
  ia_event ev = {.value = {ia_u256_of(0), in->a.value[0], ia_u256_of(0), in->a.value[1]}};
  uint8_t value[64];

  if (!owner_is_sender(f))
    return false;
  if (ia_u256_cmp(&in->a.value[1], &hundred) > 0)
    return ia_no(f, IA_REVERT_POLICY_RATIO);
  if (!ia_pool_policy(f->vm, &f->self, &ev.value[0], &ev.value[2]))
    return false;
  ia_u256_to_be(value, &in->a.value[0]);
  ia_u256_to_be(value + 32, &in->a.value[1]);
  return ia_emit(f, IA_EV_POLICY_UPDATE, &ev) &&
         ia_lvm_put(f->vm, IA_WKEY_POLICY, IA_SPAN_ARR(f->self.b), IA_NO_SPAN, IA_SPAN_ARR(value));
}

/* --- tables
 * ------------------------------------------------------------------------------------------ */

static const ia_method common_rows[] = {
    {IA_CALL_OWNER, owner},
    {IA_CALL_REGISTRY, registry},
    {IA_CALL_SET_NAME, set_name},
};
static const ia_method app_rows[] = {
    {IA_CALL_APP_NAME, field_0},      {IA_CALL_APP_TYPE, field_1},
    {IA_CALL_APP_MULTIADDR, field_2}, {IA_CALL_APP_MRENCLAVE, field_3},
    {IA_CALL_APP_CHECKSUM, checksum}, {IA_CALL_INIT_APP, initialize},
};
static const ia_method dataset_rows[] = {
    {IA_CALL_DATASET_NAME, field_0},
    {IA_CALL_DATASET_MULTIADDR, field_1},
    {IA_CALL_DATASET_CHECKSUM, checksum},
    {IA_CALL_INIT_DATASET, initialize},
};
static const ia_method pool_rows[] = {
    {IA_CALL_WORKERPOOL_DESCRIPTION, field_0},
    {IA_CALL_WORKER_STAKE_RATIO_POLICY, stake_ratio},
    {IA_CALL_SCHEDULER_REWARD_RATIO_POLICY, reward_ratio},
    {IA_CALL_CHANGE_POLICY, change_policy},
    {IA_CALL_INIT_WORKERPOOL, initialize},
};
/* -- what registries name as master(): the contract of a kind that was never initialised -- */

static bool unset(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED,
                  ia_call_value *out IA_UNUSED)
{
  return true;
}

/* There is no registry to ask. */
static bool no_owner(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out IA_UNUSED)
{
  return ia_no(f, IA_REVERT_NO_OWNER);
}

static const ia_method master_rows[] = {
    {IA_CALL_OWNER, no_owner},
    {IA_CALL_REGISTRY, unset},
    {IA_CALL_SET_NAME, no_owner},
};
static const ia_method master_app_rows[] = {
    {IA_CALL_APP_NAME, unset},      {IA_CALL_APP_TYPE, unset},     {IA_CALL_APP_MULTIADDR, unset},
    {IA_CALL_APP_MRENCLAVE, unset}, {IA_CALL_APP_CHECKSUM, unset}, {IA_CALL_INIT_APP, initialize},
};
static const ia_method master_dataset_rows[] = {
    {IA_CALL_DATASET_NAME, unset},
    {IA_CALL_DATASET_MULTIADDR, unset},
    {IA_CALL_DATASET_CHECKSUM, unset},
    {IA_CALL_INIT_DATASET, initialize},
};
static const ia_method master_pool_rows[] = {
    {IA_CALL_WORKERPOOL_DESCRIPTION, unset},        {IA_CALL_WORKER_STAKE_RATIO_POLICY, unset},
    {IA_CALL_SCHEDULER_REWARD_RATIO_POLICY, unset}, {IA_CALL_CHANGE_POLICY, no_owner},
    {IA_CALL_INIT_WORKERPOOL, initialize},
};

static const ia_methods common = {common_rows, IA_COUNT(common_rows)};
static const ia_methods of_app = {app_rows, IA_COUNT(app_rows)};
static const ia_methods of_dataset = {dataset_rows, IA_COUNT(dataset_rows)};
static const ia_methods of_pool = {pool_rows, IA_COUNT(pool_rows)};
static const ia_methods *const app_parts[] = {&common, &of_app};
static const ia_methods *const dataset_parts[] = {&common, &of_dataset};
static const ia_methods *const pool_parts[] = {&common, &of_pool};
static const uint8_t code[] = "\xfeiapp registry entry";

static const ia_methods master_common = {master_rows, IA_COUNT(master_rows)};
static const ia_methods master_app = {master_app_rows, IA_COUNT(master_app_rows)};
static const ia_methods master_dataset = {master_dataset_rows, IA_COUNT(master_dataset_rows)};
static const ia_methods master_pool = {master_pool_rows, IA_COUNT(master_pool_rows)};
static const ia_methods *const master_app_parts[] = {&master_common, &master_app};
static const ia_methods *const master_dataset_parts[] = {&master_common, &master_dataset};
static const ia_methods *const master_pool_parts[] = {&master_common, &master_pool};

#define ENTRY(parts_)                                                                              \
  {                                                                                                \
    .name = "entry", .parts = parts_, .n_parts = IA_COUNT(parts_),                                 \
    .unknown = IA_REVERT_NO_FUNCTION, .old_decoder = true, .code = {                               \
      code,                                                                                        \
      sizeof(code) - 1                                                                             \
    }                                                                                              \
  }

const ia_contract ia_contract_entry[IA_ASSET_KINDS] = {
    [IA_ASSET_APP] = ENTRY(app_parts),
    [IA_ASSET_DATASET] = ENTRY(dataset_parts),
    [IA_ASSET_WORKERPOOL] = ENTRY(pool_parts),
};

const ia_contract ia_contract_master[IA_ASSET_KINDS] = {
    [IA_ASSET_APP] = ENTRY(master_app_parts),
    [IA_ASSET_DATASET] = ENTRY(master_dataset_parts),
    [IA_ASSET_WORKERPOOL] = ENTRY(master_pool_parts),
};
