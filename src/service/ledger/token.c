/* The RLC token: ERC-20 with approveAndCall, and a faucet (whether it may be used is judged where
 * transactions come in, so that a replay never depends on an option). */
#include "service/ledger/vm.h"

#define FAUCET_MAX_NRLC (1000000ull * 1000000000ull)

static bool get(ia_frame *f, ia_u256 *out, const ia_addr *who)
{
  return ia_lvm_get_u256(f->vm, out, IA_WKEY_RLC, IA_SPAN_ARR(who->b), IA_NO_SPAN);
}

static bool put(ia_frame *f, const ia_addr *who, const ia_u256 *v)
{
  return ia_lvm_put_u256(f->vm, IA_WKEY_RLC, IA_SPAN_ARR(who->b), IA_NO_SPAN, v);
}

static bool credit(ia_frame *f, const ia_addr *from, const ia_addr *to, const ia_u256 *amount)
{
  ia_event ev = {.addr = {*from, *to}, .value = {*amount}};
  ia_u256 v;

  if (!get(f, &v, to))
    return false;
  if (!ia_u256_add(&v, &v, amount))
    return ia_no(f, IA_REVERT_ARITHMETIC);
  return put(f, to, &v) && ia_emit(f, IA_EV_TRANSFER, &ev);
}

bool ia_token_mint(ia_frame *f, const ia_addr *to, const ia_u256 *nrlc)
{
  static const ia_addr nobody;
  ia_u256 supply;

  if (!ia_lvm_get_u256(f->vm, &supply, IA_WKEY_RLC_SUPPLY, IA_NO_SPAN, IA_NO_SPAN))
    return false;
  if (!ia_u256_add(&supply, &supply, nrlc))
    return ia_no(f, IA_REVERT_ARITHMETIC);
  return ia_lvm_put_u256(f->vm, IA_WKEY_RLC_SUPPLY, IA_NO_SPAN, IA_NO_SPAN, &supply) &&
         credit(f, &nobody, to, nrlc);
}

static bool faucet(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  ia_u256 most = ia_u256_of(FAUCET_MAX_NRLC);

  if (ia_u256_cmp(&in->a.value[0], &most) > 0)
    return ia_no(f, IA_REVERT_FAUCET_LIMIT);
  return ia_token_mint(f, &f->sender, &in->a.value[0]);
}

/* custom errors of ERC-6093: (account, what there is, what is needed) */
static bool insufficient(ia_frame *f, ia_revert_id id, const ia_addr *who, const ia_u256 *has,
                         const ia_u256 *needed)
{
  (void)ia_no(f, id);
  (void)ia_revert_addr(&f->vm->why, who);
  (void)ia_revert_u256(&f->vm->why, has);
  return ia_revert_u256(&f->vm->why, needed);
}

static bool move(ia_frame *f, const ia_addr *from, const ia_addr *to, const ia_u256 *amount)
{
  ia_u256 v, left;

  if (ia_addr_zero(from)) {
    (void)ia_no(f, IA_REVERT_TOKEN_SENDER);
    return ia_revert_addr(&f->vm->why, from);
  }
  if (ia_addr_zero(to)) {
    (void)ia_no(f, IA_REVERT_TOKEN_RECEIVER);
    return ia_revert_addr(&f->vm->why, to);
  }
  if (!get(f, &v, from))
    return false;
  if (!ia_u256_sub(&left, &v, amount))
    return insufficient(f, IA_REVERT_TOKEN_BALANCE, from, &v, amount);
  return put(f, from, &left) && credit(f, from, to, amount);
}

static bool allowance_of(ia_frame *f, ia_u256 *out, const ia_addr *owner, const ia_addr *spender)
{
  return ia_lvm_get_u256(f->vm, out, IA_WKEY_RLC_ALLOWANCE, IA_SPAN_ARR(owner->b),
                         IA_SPAN_ARR(spender->b));
}

static bool set_allowance(ia_frame *f, const ia_addr *spender, const ia_u256 *amount)
{
  ia_event ev = {.addr = {f->sender, *spender}, .value = {*amount}};

  if (ia_addr_zero(&f->sender)) {
    (void)ia_no(f, IA_REVERT_TOKEN_APPROVER);
    return ia_revert_addr(&f->vm->why, &f->sender);
  }
  if (ia_addr_zero(spender)) {
    (void)ia_no(f, IA_REVERT_TOKEN_SPENDER);
    return ia_revert_addr(&f->vm->why, spender);
  }
  return ia_lvm_put_u256(f->vm, IA_WKEY_RLC_ALLOWANCE, IA_SPAN_ARR(f->sender.b),
                         IA_SPAN_ARR(spender->b), amount) &&
         ia_emit(f, IA_EV_APPROVAL, &ev);
}

/* An allowance of 2^256-1 is not used up. */
static bool spend(ia_frame *f, const ia_addr *owner, const ia_u256 *amount)
{
  ia_u256 v, left;

  if (!allowance_of(f, &v, owner, &f->sender))
    return false;
  if (!ia_u256_sub(&left, &v, amount))
    return insufficient(f, IA_REVERT_TOKEN_ALLOWANCE, &f->sender, &v, amount);
  if ((v.w[0] & v.w[1] & v.w[2] & v.w[3]) == UINT64_MAX)
    return true;
  if (ia_addr_zero(owner)) {
    (void)ia_no(f, IA_REVERT_TOKEN_APPROVER);
    return ia_revert_addr(&f->vm->why, owner);
  }
  return ia_lvm_put_u256(f->vm, IA_WKEY_RLC_ALLOWANCE, IA_SPAN_ARR(owner->b),
                         IA_SPAN_ARR(f->sender.b), &left);
}

static bool transfer(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = move(f, &f->sender, &in->a.addr[0], &in->a.value[0]);
}

static bool transfer_from(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = spend(f, &in->a.addr[0], &in->a.value[0]) &&
                       move(f, &in->a.addr[0], &in->a.addr[1], &in->a.value[0]);
}

static bool approve(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = set_allowance(f, &in->a.addr[0], &in->a.value[0]);
}

static bool approve_and_call(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_args a = {.addr = {f->sender, f->self}, .value = {in->a.value[0]}, .bytes = {in->a.bytes[0]}};
  const ia_contract *c;

  if (!set_allowance(f, &in->a.addr[0], &in->a.value[0]) ||
      !ia_lvm_contract_at(f->vm, &c, &in->a.addr[0]))
    return false;
  if (!c)
    return ia_no(f, IA_REVERT_NO_SPENDER_CODE);
  return out->a.flag = ia_call_as_self(f, &in->a.addr[0], IA_CALL_RECEIVE_APPROVAL, &a, NULL);
}

static bool change_allowance(ia_frame *f, const ia_call_value *in, bool up)
{
  const ia_addr *spender = &in->a.addr[0];
  ia_u256 v, changed;

  if (!allowance_of(f, &v, &f->sender, spender))
    return false;
  if (up && !ia_u256_add(&changed, &v, &in->a.value[0]))
    return ia_no(f, IA_REVERT_ARITHMETIC);
  if (!up && !ia_u256_sub(&changed, &v, &in->a.value[0]))
    return insufficient(f, IA_REVERT_TOKEN_DECREASE, spender, &v, &in->a.value[0]);
  return set_allowance(f, spender, &changed);
}

static bool increase_allowance(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = change_allowance(f, in, true);
}

static bool decrease_allowance(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = change_allowance(f, in, false);
}

static bool balance_of(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return get(f, &out->a.value[0], &in->a.addr[0]);
}

static bool total_supply(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  return ia_lvm_get_u256(f->vm, &out->a.value[0], IA_WKEY_RLC_SUPPLY, IA_NO_SPAN, IA_NO_SPAN);
}

static bool allowance(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return allowance_of(f, &out->a.value[0], &in->a.addr[0], &in->a.addr[1]);
}

static bool name(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.bytes[0] = ia_span_str("RLC (local ledger)");
  return true;
}

static bool symbol(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.bytes[0] = ia_span_str("RLC");
  return true;
}

static bool decimals(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.small = 9;
  return true;
}

static const ia_method rows[] = {
    {IA_CALL_BALANCE_OF, balance_of},
    {IA_CALL_TOTAL_SUPPLY, total_supply},
    {IA_CALL_ALLOWANCE, allowance},
    {IA_CALL_TRANSFER, transfer},
    {IA_CALL_APPROVE, approve},
    {IA_CALL_TRANSFER_FROM, transfer_from},
    {IA_CALL_APPROVE_AND_CALL, approve_and_call},
    {IA_CALL_INCREASE_ALLOWANCE, increase_allowance},
    {IA_CALL_DECREASE_ALLOWANCE, decrease_allowance},
    {IA_CALL_NAME, name},
    {IA_CALL_SYMBOL, symbol},
    {IA_CALL_DECIMALS, decimals},
    {IA_CALL_FAUCET, faucet},
};
static const ia_methods methods = {rows, IA_COUNT(rows)};
static const ia_methods *const parts[] = {&methods};
static const uint8_t code[] = "\xfeiapp RLC token";

const ia_contract ia_contract_token = {
    .name = "token",
    .parts = parts,
    .n_parts = IA_COUNT(parts),
    .unknown = IA_REVERT_NO_FUNCTION,
    .code = {code, sizeof(code) - 1},
};
