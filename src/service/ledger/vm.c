/* Dispatch of calls, access to state, events. */
#include "service/ledger/vm.h"

#include "service/ledger/block.h"

/* --- state
 * ------------------------------------------------------------------------------------------ */

typedef struct key {
  uint8_t b[128];
  size_t len;
} key;

/* Keys of the rules and of the other contracts stand in one store: no compiler takes this function
 * when two have the same first byte. */
static bool IA_UNUSED first_bytes_differ(int tag)
{
  switch (tag) {
  case IA_KEY_BALANCE:
  case IA_KEY_FROZEN:
  case IA_KEY_ALLOWANCE:
  case IA_KEY_SUPPLY:
  case IA_KEY_DEAL:
  case IA_KEY_TASK:
  case IA_KEY_CONTRIBUTION:
  case IA_KEY_GROUP:
  case IA_KEY_TOTAL:
  case IA_KEY_SCORE:
  case IA_KEY_PRESIGNED:
  case IA_KEY_CONSUMED:
  case IA_KEY_CATEGORY:
  case IA_KEY_CATEGORIES:
  case IA_KEY_TEE_BROKER:
  case IA_WKEY_NONCE:
  case IA_WKEY_COINS:
  case IA_WKEY_ENTRY:
  case IA_WKEY_POLICY:
  case IA_WKEY_OWNED:
  case IA_WKEY_OWNED_AT:
  case IA_WKEY_OWNED_INDEX:
  case IA_WKEY_OWNED_COUNT:
  case IA_WKEY_ALL_AT:
  case IA_WKEY_ALL_COUNT:
  case IA_WKEY_APPROVED:
  case IA_WKEY_OPERATOR:
  case IA_WKEY_BASE_URI:
  case IA_WKEY_CONTRACT_OWNER:
  case IA_WKEY_CALLBACK_GAS:
  case IA_WKEY_RLC:
  case IA_WKEY_RLC_ALLOWANCE:
  case IA_WKEY_RLC_SUPPLY:
  case IA_WKEY_GROUP:
  case IA_WKEY_GROUP_MADE:
  case IA_WKEY_WALLET:
  case IA_WKEY_CALLBACK: return true;
  default: return false;
  }
}

static key make_key(ia_world_key tag, ia_span a, ia_span b)
{
  key k = {.len = 1 + a.len + b.len};

  k.b[0] = (uint8_t)tag;
  if (a.len > 0)
    memcpy(k.b + 1, a.ptr, a.len);
  if (b.len > 0)
    memcpy(k.b + 1 + a.len, b.ptr, b.len);
  return k;
}

static bool fault(ia_lvm *vm)
{
  return ia_revert_set(&vm->why, IA_REVERT_FAULT);
}

bool ia_lvm_get(ia_lvm *vm, ia_span *out, ia_world_key tag, ia_span a, ia_span b)
{
  key k = make_key(tag, a, b);

  return ia_kv_get(vm->kv, ia_span_of(k.b, k.len), out) || fault(vm);
}

bool ia_lvm_put(ia_lvm *vm, ia_world_key tag, ia_span a, ia_span b, ia_span value)
{
  key k = make_key(tag, a, b);

  return ia_kv_put(vm->kv, ia_span_of(k.b, k.len), value) || fault(vm);
}

bool ia_lvm_get_u256(ia_lvm *vm, ia_u256 *out, ia_world_key tag, ia_span a, ia_span b)
{
  ia_span v;

  if (!ia_lvm_get(vm, &v, tag, a, b))
    return false;
  if (v.len != 0 && v.len != 32)
    return fault(vm);
  *out = v.len ? ia_u256_from_be(v.ptr) : ia_u256_of(0);
  return true;
}

bool ia_lvm_put_u256(ia_lvm *vm, ia_world_key tag, ia_span a, ia_span b, const ia_u256 *v)
{
  uint8_t word[32];

  ia_u256_to_be(word, v);
  return ia_lvm_put(vm, tag, a, b, ia_span_of(word, ia_u256_zero(v) ? 0 : 32));
}

bool ia_lvm_get_addr(ia_lvm *vm, ia_addr *out, ia_world_key tag, ia_span a, ia_span b)
{
  ia_span v;

  memset(out, 0, sizeof(*out));
  if (!ia_lvm_get(vm, &v, tag, a, b))
    return false;
  if (v.len != 0 && v.len != 20)
    return fault(vm);
  if (v.len)
    memcpy(out->b, v.ptr, 20);
  return true;
}

bool ia_lvm_put_addr(ia_lvm *vm, ia_world_key tag, ia_span a, ia_span b, const ia_addr *v)
{
  return ia_lvm_put(vm, tag, a, b, ia_span_of(v->b, ia_addr_zero(v) ? 0 : 20));
}

/* --- events
 * ----------------------------------------------------------------------------------------- */

static bool emit_as(ia_lvm *vm, const ia_addr *self, ia_event_id id, const ia_event *ev)
{
  IA_AUTOV(ia_buf) data = {0};
  ia_log_entry log;

  log.address = *self;
  ia_event_encode(&log, &data, id, ev);
  if (!ia_buf_ok(&data, NULL))
    return fault(vm);
  ia_block_put_log(&vm->logs, &log);
  vm->n_logs++;
  return ia_buf_ok(&vm->logs, NULL) || fault(vm);
}

bool ia_emit(ia_frame *f, ia_event_id id, const ia_event *ev)
{
  return emit_as(f->vm, &f->self, id, ev);
}

/* --- the rules' access to the state
 * ------------------------------------------------------------------ */

static bool store_get(void *ctx, ia_span k, ia_span *value)
{
  return ia_kv_get(((ia_lvm *)ctx)->kv, k, value);
}

static bool store_put(void *ctx, ia_span k, ia_span value)
{
  return ia_kv_put(((ia_lvm *)ctx)->kv, k, value);
}

static bool store_emit(void *ctx, ia_event_id id, const ia_event *ev)
{
  ia_lvm *vm = ctx;

  return emit_as(vm, &vm->world->hub, id, ev);
}

static bool unreadable(ia_lvm *vm, ia_err *e)
{
  const ia_err *why = ia_kv_error(vm->kv);

  if (e && why)
    *e = *why;
  return false;
}

static bool is_master(const ia_contract *c)
{
  for (int i = 0; i < IA_ASSET_KINDS; i++)
    if (c == &ia_contract_master[i])
      return true;
  return false;
}

static bool view_owner(void *ctx, ia_asset_kind kind, const ia_addr *asset, bool *has,
                       ia_addr *owner, bool *registered, ia_err *e)
{
  ia_lvm *vm = ctx;
  ia_frame f = ia_frame_of(vm, asset, asset);
  const ia_contract *c;
  ia_asset_kind is;

  *registered = false;
  if (!ia_entry_owner(vm, asset, has, owner, &is))
    return unreadable(vm, e);
  *registered = *has && is == kind;
  if (*has)
    return true;
  /* hub, registries, groups and wallets answer owner() too, and are no assets */
  if (!ia_lvm_contract_at(vm, &c, asset))
    return unreadable(vm, e);
  *has = c && c != &ia_contract_token && c != &ia_contract_dataprotector &&
         c != &ia_contract_group_factory && c != &ia_contract_wallet_factory && !is_master(c);
  return !*has || ia_contract_owner(&f, owner) || unreadable(vm, e);
}

static bool view_presigned(void *ctx, const ia_h256 *hash, ia_addr *signer, ia_err *e)
{
  ia_lvm *vm = ctx;

  return ia_lvm_get_addr(vm, signer, (ia_world_key)IA_KEY_PRESIGNED, IA_SPAN_ARR(hash->b),
                         IA_NO_SPAN) ||
         unreadable(vm, e);
}

static bool view_consumed(void *ctx, const ia_h256 *hash, ia_u256 *volume, ia_err *e)
{
  ia_lvm *vm = ctx;

  return ia_lvm_get_u256(vm, volume, (ia_world_key)IA_KEY_CONSUMED, IA_SPAN_ARR(hash->b),
                         IA_NO_SPAN) ||
         unreadable(vm, e);
}

static bool view_has_purpose(void *ctx, const ia_addr *group, const ia_addr *account, bool *member,
                             ia_err *e)
{
  ia_u256 purpose = ia_u256_of(IA_GROUPMEMBER_PURPOSE);
  ia_h256 word = {{0}};
  const ia_contract *c;
  ia_lvm *vm = ctx;

  *member = false;
  if (!ia_lvm_contract_at(vm, &c, group))
    return unreadable(vm, e);
  if (c != &ia_contract_group)
    return true;
  memcpy(word.b + 12, account->b, 20);
  return ia_group_has(vm, group, &word, &purpose, member) || unreadable(vm, e);
}

/* Wallets judge signatures; other contracts accept none. */
static bool view_erc1271(void *ctx, const ia_addr *account, const ia_h256 *hash, ia_span sign,
                         bool *is_contract, bool *valid, ia_err *e)
{
  const ia_contract *c;
  ia_lvm *vm = ctx;

  *valid = false;
  if (!ia_lvm_contract_at(vm, &c, account))
    return unreadable(vm, e);
  *is_contract = c != NULL;
  return c != &ia_contract_wallet || ia_wallet_accepts(vm, account, hash, sign, valid) ||
         unreadable(vm, e);
}

static bool view_categories(void *ctx, ia_u256 *count, ia_err *e)
{
  ia_lvm *vm = ctx;

  return ia_lvm_get_u256(vm, count, (ia_world_key)IA_KEY_CATEGORIES, IA_NO_SPAN, IA_NO_SPAN) ||
         unreadable(vm, e);
}

/* --- calls
 * ------------------------------------------------------------------------------------------ */

void ia_lvm_init(ia_lvm *vm, const ia_world *world, ia_kv *kv)
{
  memset(vm, 0, sizeof(*vm));
  vm->world = world;
  vm->kv = kv;
  vm->store = (ia_poco_store){vm, store_get, store_put, store_emit};
  vm->view =
      (ia_poco_view){vm,           view_owner,     view_presigned, view_consumed, view_has_purpose,
                     view_erc1271, view_categories};
}

void ia_lvm_free(ia_lvm *vm)
{
  ia_buf_free(&vm->logs);
  ia_buf_free(&vm->scratch);
}

void ia_lvm_reset(ia_lvm *vm, uint64_t now, uint64_t number)
{
  ia_buf_clear(&vm->logs);
  ia_buf_clear(&vm->scratch);
  vm->n_logs = 0;
  vm->why.id = IA_REVERT_NONE;
  vm->now = now;
  vm->number = number;
}

bool ia_lvm_contract_at(ia_lvm *vm, const ia_contract **out, const ia_addr *at)
{
  const ia_world *w = vm->world;
  ia_asset_kind kind;
  ia_addr owner;
  bool has;

  *out = NULL;
  if (ia_addr_eq(at, &w->hub))
    *out = &ia_contract_hub;
  else if (ia_addr_eq(at, &w->token))
    *out = &ia_contract_token;
  else if (ia_addr_eq(at, &w->dataprotector))
    *out = &ia_contract_dataprotector;
  else if (ia_addr_eq(at, &w->group_factory))
    *out = &ia_contract_group_factory;
  else if (ia_addr_eq(at, &w->wallet_factory))
    *out = &ia_contract_wallet_factory;
  for (int i = 0; !*out && i < IA_ASSET_KINDS; i++)
    if (ia_addr_eq(at, &w->registry[i]))
      *out = &ia_contract_registry[i];
    else if (ia_addr_eq(at, &w->master[i]))
      *out = &ia_contract_master[i];
  for (size_t i = 0; !*out && i < w->n_groups; i++)
    if (ia_addr_eq(at, &w->group[i]))
      *out = &ia_contract_group;
  if (*out)
    return true;
  if (!ia_entry_owner(vm, at, &has, &owner, &kind))
    return false;
  if (has) {
    *out = &ia_contract_entry[kind];
    return true;
  }
  if (!ia_group_made(vm, at, &has))
    return false;
  if (has) {
    *out = &ia_contract_group;
    return true;
  }
  if (!ia_wallet_made(vm, at, &has))
    return false;
  if (has)
    *out = &ia_contract_wallet;
  return true;
}

static const ia_method *method_of(const ia_contract *c, ia_span data)
{
  uint32_t selector;

  if (!ia_call_selector(&selector, data))
    return NULL;
  for (size_t p = 0; p < c->n_parts; p++)
    for (size_t i = 0; i < c->parts[p]->n; i++)
      if (ia_call_of(c->parts[p]->rows[i].id)->selector == selector)
        return &c->parts[p]->rows[i];
  return NULL;
}

ia_frame ia_frame_of(ia_lvm *vm, const ia_addr *self, const ia_addr *sender)
{
  ia_frame f = {.vm = vm, .self = *self, .sender = *sender};

  f.poco = (ia_poco){.rules = vm->world->rules,
                     .view = &vm->view,
                     .store = &vm->store,
                     .separator = vm->world->separator,
                     .hub = vm->world->hub,
                     .sender = *sender,
                     .now = vm->now};
  return f;
}

bool ia_contract_has(const ia_contract *c, ia_span data)
{
  return method_of(c, data) != NULL;
}

static bool arguments(const ia_frame *f, const ia_contract *c, ia_call_id id, ia_buf *copy,
                      ia_call_value *in)
{
  ia_span data = f->input;

  if (c->old_decoder && f->poco.rules->old_texts) {
    ia_buf_span(copy, data);
    if (copy->bad)
      return false;
    ia_shape_clean(copy->ptr + 4, copy->len - 4, &ia_call_of(id)->in);
    data = ia_buf_view(copy);
  }
  return ia_call_decode(in, id, data, NULL);
}

bool ia_lvm_call(ia_lvm *vm, const ia_addr *to, const ia_addr *from, ia_span data, ia_buf *out)
{
  ia_frame f = ia_frame_of(vm, to, from);
  ia_call_value in, result;
  const ia_contract *c;

  f.input = data;
  if (!ia_lvm_contract_at(vm, &c, to))
    return false;
  if (!c)
    return true;
  const ia_method *m = method_of(c, data);
  if (!m)
    return ia_no(&f, c->unknown);
  memset(&in, 0, sizeof(in));
  memset(&result, 0, sizeof(result));
  IA_AUTOV(ia_buf) copy = {0};
  if (!arguments(&f, c, m->id, &copy, &in) && (copy.bad || !ia_malformed(&f, m->id, &in)))
    return copy.bad ? fault(vm) : false;
  if (!m->run(&f, &in, &result))
    return vm->why.id != IA_REVERT_NONE ? false : fault(vm);
  ia_result_encode(out, m->id, &result);
  return ia_buf_ok(out, NULL) || fault(vm);
}

bool ia_no(ia_frame *f, ia_revert_id id)
{
  return ia_revert_set(&f->vm->why, id);
}

bool ia_lvm_scratch(ia_lvm *vm, ia_span bytes, ia_span *kept)
{
  ia_buf_clear(&vm->scratch);
  ia_buf_span(&vm->scratch, bytes);
  *kept = ia_buf_view(&vm->scratch);
  return ia_buf_ok(&vm->scratch, NULL) || fault(vm);
}

bool ia_ruled(ia_frame *f, bool ok)
{
  if (!ok)
    f->vm->why = f->poco.why;
  if (!ok && f->vm->why.id == IA_REVERT_NONE)
    (void)fault(f->vm);
  return ok;
}

bool ia_call_as_self(ia_frame *f, const ia_addr *to, ia_call_id id, const void *args, void *result)
{
  IA_AUTOV(ia_buf) data = {0};
  IA_AUTOV(ia_buf) out = {0};

  ia_call_encode(&data, id, args);
  if (!ia_buf_ok(&data, NULL))
    return fault(f->vm);
  if (!ia_lvm_call(f->vm, to, &f->self, ia_buf_view(&data), &out))
    return false;
  /* results here are numbers, addresses and flags: nothing borrows from `out` */
  return !result || ia_result_decode(result, id, ia_buf_view(&out), NULL) ||
         ia_no(f, IA_REVERT_CALLDATA);
}

/* --- ERC-173
 * ---------------------------------------------------------------------------------------- */

bool ia_contract_owner(ia_frame *f, ia_addr *owner)
{
  return ia_lvm_get_addr(f->vm, owner, IA_WKEY_CONTRACT_OWNER, IA_SPAN_ARR(f->self.b), IA_NO_SPAN);
}

bool ia_only_owner(ia_frame *f, ia_revert_id id)
{
  ia_addr owner;

  return ia_contract_owner(f, &owner) && (ia_addr_eq(&owner, &f->sender) || ia_no(f, id));
}

bool ia_set_contract_owner(ia_frame *f, const ia_addr *owner)
{
  ia_event ev = {.addr = {{{0}}, *owner}};

  return ia_contract_owner(f, &ev.addr[0]) &&
         ia_lvm_put_addr(f->vm, IA_WKEY_CONTRACT_OWNER, IA_SPAN_ARR(f->self.b), IA_NO_SPAN,
                         owner) &&
         ia_emit(f, IA_EV_OWNERSHIP_TRANSFERRED, &ev);
}

bool ia_method_owner(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  return ia_contract_owner(f, &out->a.addr[0]);
}

bool ia_method_transfer_ownership(ia_frame *f, const ia_call_value *in,
                                  ia_call_value *out IA_UNUSED)
{
  if (!ia_only_owner(f, IA_REVERT_NOT_REGISTRY_OWNER))
    return false;
  if (ia_addr_zero(&in->a.addr[0])) {
    (void)ia_no(f, IA_REVERT_NEW_OWNER_ZERO);
    return ia_revert_addr(&f->vm->why, &in->a.addr[0]);
  }
  return ia_set_contract_owner(f, &in->a.addr[0]);
}

bool ia_method_renounce_ownership(ia_frame *f, const ia_call_value *in IA_UNUSED,
                                  ia_call_value *out IA_UNUSED)
{
  static const ia_addr nobody;

  return ia_only_owner(f, IA_REVERT_NOT_REGISTRY_OWNER) && ia_set_contract_owner(f, &nobody);
}
