/* Where people make groups of their own. On an EVM a group is deployed as bytecode; here no
 * bytecode runs, so one call makes a contract of the only kind there is. */
#include "crypto/keccak.h"
#include "service/ledger/vm.h"

ia_addr ia_factory_address(const ia_frame *f, const ia_h256 *salt, ia_span code)
{
  uint8_t both[52], all[85] = {0xff};
  ia_h256 h;
  ia_addr a;

  memcpy(both, f->sender.b, 20);
  memcpy(both + 20, salt->b, 32);
  ia_keccak256(&h, IA_SPAN_ARR(both));
  memcpy(all + 1, f->self.b, 20);
  memcpy(all + 21, h.b, 32);
  ia_keccak256(&h, code);
  memcpy(all + 53, h.b, 32);
  ia_keccak256(&h, IA_SPAN_ARR(all));
  memcpy(a.b, h.b + 12, 20);
  return a;
}

bool ia_group_made(ia_lvm *vm, const ia_addr *at, bool *made)
{
  ia_span v;

  if (!ia_lvm_get(vm, &v, IA_WKEY_GROUP_MADE, IA_SPAN_ARR(at->b), IA_NO_SPAN))
    return false;
  *made = v.len > 0;
  return true;
}

/* The group is the sender's and, as those that are there from the start, a member of itself. */
static bool create_group(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_u256 purpose = ia_u256_of(IA_GROUPMEMBER_PURPOSE), type = ia_u256_of(1);
  ia_addr at = ia_factory_address(f, &in->a.id[0], ia_contract_group.code);
  static const uint8_t yes[] = {1};
  ia_h256 key = {{0}};
  bool made;

  if (!ia_group_made(f->vm, &at, &made))
    return false;
  if (made)
    return ia_no(f, IA_REVERT_GROUP_EXISTS);
  ia_frame group = ia_frame_of(f->vm, &at, &f->sender);
  memcpy(key.b + 12, at.b, 20);
  out->a.addr[0] = at;
  return ia_lvm_put(f->vm, IA_WKEY_GROUP_MADE, IA_SPAN_ARR(at.b), IA_NO_SPAN, IA_SPAN_ARR(yes)) &&
         ia_set_contract_owner(&group, &f->sender) && ia_group_add(&group, &key, &purpose, &type);
}

static const ia_method rows[] = {{IA_CALL_CREATE_GROUP, create_group}};
static const ia_methods methods = {rows, IA_COUNT(rows)};
static const ia_methods *const parts[] = {&methods};
static const uint8_t code[] = "\xfeiapp group factory";

const ia_contract ia_contract_group_factory = {
    .name = "group factory",
    .parts = parts,
    .n_parts = IA_COUNT(parts),
    .unknown = IA_REVERT_NO_FUNCTION,
    .code = {code, sizeof(code) - 1},
};
