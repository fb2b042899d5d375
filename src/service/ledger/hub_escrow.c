/* Hub: deposits in RLC and their ERC-20 face "SRLC" (IexecEscrowTokenFacet). */
#include "service/ledger/vm.h"

/* Moves RLC from `from` to the hub, by the allowance that the hub has. */
static bool take_token(ia_frame *f, const ia_addr *from, const ia_u256 *amount)
{
  ia_args a = {.addr = {*from, f->self}, .value = {*amount}};

  return ia_call_as_self(f, &f->vm->world->token, IA_CALL_TRANSFER_FROM, &a, NULL);
}

static bool deposit_for(ia_frame *f, const ia_addr *target, const ia_u256 *amount)
{
  return take_token(f, &f->sender, amount) && ia_ruled(f, ia_poco_mint(&f->poco, target, amount));
}

static bool deposit(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = deposit_for(f, &f->sender, &in->a.value[0]);
}

static bool deposit_for_one(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = deposit_for(f, &in->a.addr[0], &in->a.value[0]);
}

static bool deposit_for_array(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  const ia_words *amounts = &in->a.list[0], *targets = &in->a.list[1];
  static const uint8_t nothing[12];

  if (amounts->n != targets->n)
    return ia_no(f, IA_REVERT_DEPOSIT_ARRAYS);
  for (size_t i = 0; i < amounts->n; i++) {
    ia_u256 amount = ia_u256_from_be(amounts->ptr + 32 * i);
    ia_addr target;

    /* the target is looked at when the money is taken */
    memcpy(target.b, targets->ptr + 32 * i + 12, 20);
    if (!take_token(f, &f->sender, &amount))
      return false;
    if (memcmp(targets->ptr + 32 * i, nothing, sizeof(nothing)) != 0)
      return ia_no(f, IA_REVERT_CALLDATA);
    if (!ia_ruled(f, ia_poco_mint(&f->poco, &target, &amount)))
      return false;
  }
  out->a.flag = true;
  return true;
}

static bool withdraw_for(ia_frame *f, const ia_addr *target, const ia_u256 *amount)
{
  ia_args a = {.addr = {*target}, .value = {*amount}};

  return ia_ruled(f, ia_poco_burn(&f->poco, &f->sender, amount)) &&
         ia_call_as_self(f, &f->vm->world->token, IA_CALL_TRANSFER, &a, NULL);
}

static bool withdraw(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = withdraw_for(f, &f->sender, &in->a.value[0]);
}

static bool withdraw_to(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = withdraw_for(f, &in->a.addr[0], &in->a.value[0]);
}

/* RLC that came to the hub without a deposit goes to its owner's account. */
static bool recover(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  ia_u256 held, supply;
  ia_addr owner;

  if (!ia_only_owner(f, IA_REVERT_NOT_HUB_OWNER) || !ia_contract_owner(f, &owner) ||
      !ia_lvm_get_u256(f->vm, &held, IA_WKEY_RLC, IA_SPAN_ARR(f->self.b), IA_NO_SPAN) ||
      !ia_ruled(f, ia_poco_get_u256(&f->poco, &supply, IA_KEY_SUPPLY, IA_NO_SPAN, IA_NO_SPAN)))
    return false;
  if (!ia_u256_sub(&out->a.value[0], &held, &supply))
    return ia_no(f, IA_REVERT_ARITHMETIC);
  return ia_ruled(f, ia_poco_mint(&f->poco, &owner, &out->a.value[0]));
}

/* --- approveAndCall of the token: deposit, and under 6.2 a match with it
 * ----------------------------- */

static bool unsupported(ia_frame *f, ia_span data)
{
  ia_h256 word = {{0}};

  memcpy(word.b, data.ptr, data.len < 4 ? data.len : 4);
  (void)ia_no(f, IA_REVERT_UNSUPPORTED_OPERATION);
  f->vm->why.n_words = 1;
  f->vm->why.word[0] = word;
  return false;
}

static bool execute(ia_frame *f, const ia_addr *depositor, ia_span data)
{
  IA_AUTOV(ia_buf) out = {0};
  uint32_t selector = 0;
  ia_match m;

  if (!ia_call_selector(&selector, data))
    return ia_no(f, IA_REVERT_CALLDATA);
  if (selector != ia_call_of(IA_CALL_MATCH_ORDERS)->selector)
    return unsupported(f, data);
  if (!ia_call_decode(&m, IA_CALL_MATCH_ORDERS, data, NULL))
    return ia_no(f, IA_REVERT_CALLDATA);
  if (!ia_addr_eq(&m.request.requester, depositor))
    return ia_no(f, IA_REVERT_NOT_THE_REQUESTER);
  if (ia_lvm_call(f->vm, &f->self, &f->sender, data, &out))
    return true;
  IA_AUTOV(ia_buf) reason = {0};
  if (f->vm->why.id != IA_REVERT_FAULT)
    ia_revert_data(&reason, f->poco.rules, &f->vm->why);
  if (f->vm->why.id != IA_REVERT_FAULT && reason.len == 0)
    return ia_no(f, IA_REVERT_OPERATION_FAILED);
  return false;
}

static bool receive_approval(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  const ia_addr *depositor = &in->a.addr[0];

  if (!ia_addr_eq(&in->a.addr[1], &f->vm->world->token))
    return ia_no(f, IA_REVERT_WRONG_TOKEN);
  if (!take_token(f, depositor, &in->a.value[0]) ||
      !ia_ruled(f, ia_poco_mint(&f->poco, depositor, &in->a.value[0])))
    return false;
  if (f->poco.rules->approve_and_call_matches && in->a.bytes[0].len > 0 &&
      !execute(f, depositor, in->a.bytes[0]))
    return false;
  out->a.flag = true;
  return true;
}

/* --- ERC-20
 * ----------------------------------------------------------------------------------------- */

static bool balance_of(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f, ia_poco_get_u256(&f->poco, &out->a.value[0], IA_KEY_BALANCE,
                                      IA_SPAN_ARR(in->a.addr[0].b), IA_NO_SPAN));
}

static bool frozen_of(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f, ia_poco_get_u256(&f->poco, &out->a.value[0], IA_KEY_FROZEN,
                                      IA_SPAN_ARR(in->a.addr[0].b), IA_NO_SPAN));
}

static bool total_supply(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  return ia_ruled(
      f, ia_poco_get_u256(&f->poco, &out->a.value[0], IA_KEY_SUPPLY, IA_NO_SPAN, IA_NO_SPAN));
}

static bool allowance(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return ia_ruled(f, ia_poco_get_u256(&f->poco, &out->a.value[0], IA_KEY_ALLOWANCE,
                                      IA_SPAN_ARR(in->a.addr[0].b), IA_SPAN_ARR(in->a.addr[1].b)));
}

static bool transfer(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag =
             ia_ruled(f, ia_poco_transfer(&f->poco, &f->sender, &in->a.addr[0], &in->a.value[0]));
}

static bool transfer_from(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = ia_ruled(
             f, ia_poco_transfer_from(&f->poco, &in->a.addr[0], &in->a.addr[1], &in->a.value[0]));
}

static bool approve(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = ia_ruled(f, ia_poco_approve(&f->poco, &in->a.addr[0], &in->a.value[0]));
}

/* The spender is asked as the deposit token; no contract of this ledger takes SRLC. */
static bool approve_and_call(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_args a = {.addr = {f->sender, f->self}, .value = {in->a.value[0]}, .bytes = {in->a.bytes[0]}};
  const ia_contract *c;
  ia_args answer;

  if (!ia_ruled(f, ia_poco_approve(&f->poco, &in->a.addr[0], &in->a.value[0])) ||
      !ia_lvm_contract_at(f->vm, &c, &in->a.addr[0]))
    return false;
  if (!c)
    return ia_no(f, IA_REVERT_NO_SPENDER_CODE);
  if (!ia_call_as_self(f, &in->a.addr[0], IA_CALL_RECEIVE_APPROVAL, &a, &answer))
    return false;
  out->a.flag = true;
  return answer.flag || ia_no(f, IA_REVERT_APPROVAL_REFUSED);
}

static bool increase_allowance(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag =
             ia_ruled(f, ia_poco_change_allowance(&f->poco, &in->a.addr[0], &in->a.value[0], true));
}

static bool decrease_allowance(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return out->a.flag = ia_ruled(
             f, ia_poco_change_allowance(&f->poco, &in->a.addr[0], &in->a.value[0], false));
}

static bool name(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.bytes[0] = ia_span_str("Staked RLC");
  return true;
}

static bool symbol(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.bytes[0] = ia_span_str("SRLC");
  return true;
}

static bool decimals(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  out->a.small = 9;
  return true;
}

static const ia_method rows[] = {
    {IA_CALL_DEPOSIT, deposit},
    {IA_CALL_DEPOSIT_FOR, deposit_for_one},
    {IA_CALL_DEPOSIT_FOR_ARRAY, deposit_for_array},
    {IA_CALL_WITHDRAW, withdraw},
    {IA_CALL_WITHDRAW_TO, withdraw_to},
    {IA_CALL_RECOVER, recover},
    {IA_CALL_RECEIVE_APPROVAL, receive_approval},
    {IA_CALL_BALANCE_OF, balance_of},
    {IA_CALL_FROZEN_OF, frozen_of},
    {IA_CALL_TOTAL_SUPPLY, total_supply},
    {IA_CALL_ALLOWANCE, allowance},
    {IA_CALL_TRANSFER, transfer},
    {IA_CALL_TRANSFER_FROM, transfer_from},
    {IA_CALL_APPROVE, approve},
    {IA_CALL_APPROVE_AND_CALL, approve_and_call},
    {IA_CALL_INCREASE_ALLOWANCE, increase_allowance},
    {IA_CALL_DECREASE_ALLOWANCE, decrease_allowance},
    {IA_CALL_NAME, name},
    {IA_CALL_SYMBOL, symbol},
    {IA_CALL_DECIMALS, decimals},
};

const ia_methods ia_methods_hub_escrow = {rows, IA_COUNT(rows)};
