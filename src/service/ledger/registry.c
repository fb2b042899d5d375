/* The three registries: entries at CREATE2 addresses, their fields, and the registries' own
 * settings. */
#include "crypto/keccak.h"
#include "poco/ids.h"
#include "service/ledger/vm.h"

/* 0xfe (INVALID) makes it unrunnable on any EVM, so that no address of ours can exist there. */
static const uint8_t proxy_code[] = "\xfeiapp registry entry/v1";
const ia_span ia_proxy_code = {proxy_code, sizeof(proxy_code) - 1};

static const struct kind {
  const char *name;
  const char *symbol;
  ia_call_id init;
} kinds[IA_ASSET_KINDS] = {
    [IA_ASSET_APP] = {"iExec Application Registry (V5)", "iExecAppsV5", IA_CALL_INIT_APP},
    [IA_ASSET_DATASET] = {"iExec Dataset Registry (V5)", "iExecDatasetsV5", IA_CALL_INIT_DATASET},
    [IA_ASSET_WORKERPOOL] = {"iExec Workerpool Registry (V5)", "iExecWorkerpoolV5",
                             IA_CALL_INIT_WORKERPOOL},
};

ia_asset_kind ia_registry_kind(const ia_frame *f)
{
  for (int i = 0; i < IA_ASSET_KINDS; i++)
    if (ia_addr_eq(&f->self, &f->vm->world->registry[i]))
      return (ia_asset_kind)i;
  return IA_ASSET_KINDS;
}

/* --- entries
 * ---------------------------------------------------------------------------------------- */

bool ia_entry_owner(ia_lvm *vm, const ia_addr *entry, bool *has, ia_addr *owner,
                    ia_asset_kind *kind)
{
  ia_span v;

  memset(owner, 0, sizeof(*owner));
  if (!ia_lvm_get(vm, &v, IA_WKEY_ENTRY, IA_SPAN_ARR(entry->b), IA_NO_SPAN))
    return false;
  *has = v.len > 0 && v.ptr[0] < IA_ASSET_KINDS;
  if (!*has)
    return true;
  *kind = (ia_asset_kind)v.ptr[0];
  return ia_lvm_get_addr(vm, owner, IA_WKEY_OWNED, IA_SPAN_ARR(entry->b), IA_NO_SPAN);
}

bool ia_entry_fields(ia_lvm *vm, ia_args *out, const ia_addr *entry, ia_asset_kind kind)
{
  ia_span v;

  memset(out, 0, sizeof(*out));
  if (!ia_lvm_get(vm, &v, IA_WKEY_ENTRY, IA_SPAN_ARR(entry->b), IA_NO_SPAN))
    return false;
  if (v.len < 1 || v.ptr[0] != kind)
    return ia_revert_set(&vm->why, IA_REVERT_NO_OWNER);
  return ia_shape_decode(out, &ia_call_of(kinds[kind].init)->in, ia_span_of(v.ptr + 1, v.len - 1),
                         NULL) ||
         ia_revert_set(&vm->why, IA_REVERT_FAULT);
}

bool ia_pool_policy(ia_lvm *vm, const ia_addr *pool, ia_u256 *stake, ia_u256 *reward)
{
  ia_span v;

  if (!ia_lvm_get(vm, &v, IA_WKEY_POLICY, IA_SPAN_ARR(pool->b), IA_NO_SPAN))
    return false;
  *stake = v.len == 64 ? ia_u256_from_be(v.ptr) : ia_u256_of(IA_DEFAULT_STAKE_RATIO);
  *reward = v.len == 64 ? ia_u256_from_be(v.ptr + 32) : ia_u256_of(IA_DEFAULT_REWARD_RATIO);
  return true;
}

bool ia_entry_create(ia_frame *registry, ia_asset_kind kind, const ia_addr *at,
                     const ia_addr *owner, ia_span fields)
{
  IA_AUTOV(ia_buf) value = {0};

  ia_buf_u8(&value, (uint8_t)kind);
  ia_buf_span(&value, fields);
  if (!ia_buf_ok(&value, NULL))
    return ia_no(registry, IA_REVERT_FAULT);
  return ia_lvm_put(registry->vm, IA_WKEY_ENTRY, IA_SPAN_ARR(at->b), IA_NO_SPAN,
                    ia_buf_view(&value)) &&
         ia_nft_mint(registry, owner, at);
}

/* Address and initialiser of the entry that createX or predictX speaks of. */
static bool place(ia_frame *f, ia_asset_kind kind, const ia_args *a, ia_buf *init, ia_addr *at)
{
  ia_call_encode(init, kinds[kind].init, a);
  if (!ia_buf_ok(init, NULL))
    return ia_no(f, IA_REVERT_FAULT);
  ia_asset_address(at, &f->self, &f->vm->world->proxy_code_hash, ia_buf_view(init), &a->addr[0]);
  return true;
}

static bool predict(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  IA_AUTOV(ia_buf) init = {0};

  return place(f, ia_registry_kind(f), &in->a, &init, &out->a.addr[0]);
}

static bool create(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_asset_kind kind = ia_registry_kind(f);
  ia_addr *at = &out->a.addr[0];
  IA_AUTOV(ia_buf) init = {0};
  const ia_contract *c;

  if (!place(f, kind, &in->a, &init, at) || !ia_lvm_contract_at(f->vm, &c, at))
    return false;
  if (c)
    return ia_no(f, IA_REVERT_CREATE_TWICE);
  return ia_entry_create(f, kind, at, &in->a.addr[0], ia_span_of(init.ptr + 4, init.len - 4));
}

/* --- settings
 * --------------------------------------------------------------------------------------- */

static bool is_registered(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_asset_kind kind;
  ia_addr owner;
  bool has;

  if (!ia_entry_owner(f->vm, &in->a.addr[0], &has, &owner, &kind))
    return false;
  out->a.flag = has && kind == ia_registry_kind(f);
  return true;
}

static bool name(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.bytes[0] = ia_span_str(kinds[ia_registry_kind(f)].name);
  return true;
}

static bool symbol(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.bytes[0] = ia_span_str(kinds[ia_registry_kind(f)].symbol);
  return true;
}

static bool master(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.addr[0] = f->vm->world->master[ia_registry_kind(f)];
  return true;
}

/* There is no registry before this one: the zero address. */
static bool previous(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED,
                     ia_call_value *out IA_UNUSED)
{
  return true;
}

static bool initialized(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED,
                        ia_call_value *out)
{
  out->a.flag = true;
  return true;
}

static bool initialize(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out IA_UNUSED)
{
  return ia_only_owner(f, IA_REVERT_NOT_REGISTRY_OWNER) && ia_no(f, IA_REVERT_REGISTRY_READY);
}

static bool code(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.bytes[0] = ia_proxy_code;
  return true;
}

static bool code_hash(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.id[0] = f->vm->world->proxy_code_hash;
  return true;
}

static bool base_uri(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  IA_AUTOV(ia_buf) base = {0};

  return ia_registry_base(f, &base) && ia_lvm_scratch(f->vm, ia_buf_view(&base), &out->a.bytes[0]);
}

static bool set_base_uri(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  return ia_only_owner(f, IA_REVERT_NOT_REGISTRY_OWNER) && ia_registry_set_base(f, in->a.bytes[0]);
}

static bool set_name(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out IA_UNUSED)
{
  return ia_only_owner(f, IA_REVERT_NOT_REGISTRY_OWNER) && ia_no(f, IA_REVERT_NAMES_OFF);
}

/* --- tables
 * ----------------------------------------------------------------------------------------- */

static const ia_method common_rows[] = {
    {IA_CALL_IS_REGISTERED, is_registered},
    {IA_CALL_NAME, name},
    {IA_CALL_SYMBOL, symbol},
    {IA_CALL_MASTER, master},
    {IA_CALL_PREVIOUS, previous},
    {IA_CALL_INITIALIZED, initialized},
    {IA_CALL_INITIALIZE_REGISTRY, initialize},
    {IA_CALL_PROXY_CODE, code},
    {IA_CALL_PROXY_CODE_HASH, code_hash},
    {IA_CALL_BASE_URI, base_uri},
    {IA_CALL_SET_BASE_URI, set_base_uri},
    {IA_CALL_SET_NAME, set_name},
    {IA_CALL_OWNER, ia_method_owner},
    {IA_CALL_TRANSFER_OWNERSHIP, ia_method_transfer_ownership},
    {IA_CALL_RENOUNCE_OWNERSHIP, ia_method_renounce_ownership},
};
static const ia_method app_rows[] = {{IA_CALL_CREATE_APP, create}, {IA_CALL_PREDICT_APP, predict}};
static const ia_method dataset_rows[] = {{IA_CALL_CREATE_DATASET, create},
                                         {IA_CALL_PREDICT_DATASET, predict}};
static const ia_method pool_rows[] = {{IA_CALL_CREATE_WORKERPOOL, create},
                                      {IA_CALL_PREDICT_WORKERPOOL, predict}};
static const ia_methods common = {common_rows, IA_COUNT(common_rows)};
static const ia_methods of_app = {app_rows, IA_COUNT(app_rows)};
static const ia_methods of_dataset = {dataset_rows, IA_COUNT(dataset_rows)};
static const ia_methods of_pool = {pool_rows, IA_COUNT(pool_rows)};

static const ia_methods *const app_parts[] = {&of_app, &common, &ia_methods_nft};
static const ia_methods *const dataset_parts[] = {&of_dataset, &common, &ia_methods_nft};
static const ia_methods *const pool_parts[] = {&of_pool, &common, &ia_methods_nft};
static const uint8_t registry_code[] = "\xfeiapp registry";

#define REGISTRY(parts_)                                                                           \
  {                                                                                                \
    .name = "registry", .parts = parts_, .n_parts = IA_COUNT(parts_),                              \
    .unknown = IA_REVERT_NO_FUNCTION, .old_decoder = true, .code = {                               \
      registry_code,                                                                               \
      sizeof(registry_code) - 1                                                                    \
    }                                                                                              \
  }

const ia_contract ia_contract_registry[IA_ASSET_KINDS] = {
    [IA_ASSET_APP] = REGISTRY(app_parts),
    [IA_ASSET_DATASET] = REGISTRY(dataset_parts),
    [IA_ASSET_WORKERPOOL] = REGISTRY(pool_parts),
};
