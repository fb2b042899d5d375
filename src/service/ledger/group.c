/* ERC-734 groups: whitelists whose members an order may admit together. */
#include "service/ledger/vm.h"

typedef struct place {
  uint8_t b[64];
} place;

static place place_of(const ia_h256 *key, const ia_u256 *purpose)
{
  place p;

  memcpy(p.b, key->b, 32);
  ia_u256_to_be(p.b + 32, purpose);
  return p;
}

bool ia_group_has(ia_lvm *vm, const ia_addr *group, const ia_h256 *key, const ia_u256 *purpose,
                  bool *has)
{
  place p = place_of(key, purpose);
  ia_span v;

  if (!ia_lvm_get(vm, &v, IA_WKEY_GROUP, IA_SPAN_ARR(group->b), IA_SPAN_ARR(p.b)))
    return false;
  *has = v.len > 0;
  return true;
}

bool ia_group_add(ia_frame *f, const ia_h256 *key, const ia_u256 *purpose, const ia_u256 *type)
{
  place p = place_of(key, purpose);
  ia_event ev = {.id = {*key}, .value = {*purpose, *type}};
  uint8_t word[32];

  ia_u256_to_be(word, type);
  return ia_lvm_put(f->vm, IA_WKEY_GROUP, IA_SPAN_ARR(f->self.b), IA_SPAN_ARR(p.b),
                    IA_SPAN_ARR(word)) &&
         ia_emit(f, IA_EV_KEY_ADDED, &ev);
}

static bool key_has_purpose(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_group_has(f->vm, &f->self, &in->a.id[0], &in->a.value[0], &out->a.flag);
}

static bool add_key(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  bool has;

  if (!ia_only_owner(f, IA_REVERT_NOT_GROUP_OWNER) ||
      !ia_group_has(f->vm, &f->self, &in->a.id[0], &in->a.value[0], &has))
    return false;
  if (has)
    return ia_no(f, IA_REVERT_GROUP_HAS_KEY);
  out->a.flag = true;
  return ia_group_add(f, &in->a.id[0], &in->a.value[0], &in->a.value[1]);
}

static bool remove_key(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  place p = place_of(&in->a.id[0], &in->a.value[0]);
  ia_event ev = {.id = {in->a.id[0]}, .value = {in->a.value[0]}};
  ia_span v;

  if (!ia_only_owner(f, IA_REVERT_NOT_GROUP_OWNER) ||
      !ia_lvm_get(f->vm, &v, IA_WKEY_GROUP, IA_SPAN_ARR(f->self.b), IA_SPAN_ARR(p.b)))
    return false;
  if (v.len != 32)
    return ia_no(f, IA_REVERT_GROUP_NO_KEY);
  ev.value[1] = ia_u256_from_be(v.ptr);
  out->a.flag = true;
  return ia_lvm_put(f->vm, IA_WKEY_GROUP, IA_SPAN_ARR(f->self.b), IA_SPAN_ARR(p.b), IA_NO_SPAN) &&
         ia_emit(f, IA_EV_KEY_REMOVED, &ev);
}

static const ia_method rows[] = {
    {IA_CALL_KEY_HAS_PURPOSE, key_has_purpose},
    {IA_CALL_ADD_KEY, add_key},
    {IA_CALL_REMOVE_KEY, remove_key},
    {IA_CALL_OWNER, ia_method_owner},
    {IA_CALL_TRANSFER_OWNERSHIP, ia_method_transfer_ownership},
    {IA_CALL_RENOUNCE_OWNERSHIP, ia_method_renounce_ownership},
};
static const ia_methods methods = {rows, IA_COUNT(rows)};
static const ia_methods *const parts[] = {&methods};
/* Clients look for the selector of keyHasPurpose in the code to know a group: PUSH4 d202158d. */
static const uint8_t code[] = "\xfeiapp group \x63\xd2\x02\x15\x8d";

const ia_contract ia_contract_group = {
    .name = "group",
    .parts = parts,
    .n_parts = IA_COUNT(parts),
    .unknown = IA_REVERT_NO_FUNCTION,
    .code = {code, sizeof(code) - 1},
};
