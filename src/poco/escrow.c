/* Deposits: locks, rewards, the kitty, and the ERC-20 face of the balances (IexecEscrow,
 * IexecERC20Base, the payments of IexecPoco2Facet). */
#include "poco/internal.h"

static const ia_addr zero_address;

static bool get(ia_poco *p, ia_u256 *out, ia_poco_key tag, const ia_addr *who)
{
  return ia_poco_get_u256(p, out, tag, IA_SPAN_ARR(who->b), IA_NOTHING);
}

static bool put(ia_poco *p, ia_poco_key tag, const ia_addr *who, const ia_u256 *v)
{
  return ia_poco_put_u256(p, tag, IA_SPAN_ARR(who->b), IA_NOTHING, v);
}

static bool add(ia_poco *p, ia_poco_key tag, const ia_addr *who, const ia_u256 *amount)
{
  ia_u256 v;

  return get(p, &v, tag, who) && ia_poco_sum(p, &v, &v, amount) && put(p, tag, who, &v);
}

static bool take(ia_poco *p, ia_poco_key tag, const ia_addr *who, const ia_u256 *amount)
{
  ia_u256 v;

  return get(p, &v, tag, who) && ia_poco_difference(p, &v, &v, amount) && put(p, tag, who, &v);
}

static bool emit_transfer(ia_poco *p, const ia_addr *from, const ia_addr *to, const ia_u256 *amount)
{
  ia_event ev = {.addr = {*from, *to}, .value = {*amount}};

  return ia_poco_emit(p, IA_EV_TRANSFER, &ev);
}

static bool emit_amount(ia_poco *p, ia_event_id id, const ia_addr *who, const ia_u256 *amount,
                        const ia_h256 *ref)
{
  ia_event ev = {.addr = {*who}, .value = {*amount}};

  if (ref)
    ev.id[0] = *ref;
  return ia_poco_emit(p, id, &ev);
}

/* Moves without any other check than these three, as IexecEscrow._transfer does. */
static bool move(ia_poco *p, const ia_addr *from, const ia_addr *to, const ia_u256 *amount)
{
  ia_u256 balance;

  if (ia_addr_zero(from))
    return ia_revert_set(&p->why, IA_REVERT_ESCROW_FROM);
  if (ia_addr_zero(to))
    return ia_revert_set(&p->why, IA_REVERT_ESCROW_TO);
  if (!get(p, &balance, IA_KEY_BALANCE, from))
    return false;
  if (ia_u256_cmp(amount, &balance) > 0)
    return ia_revert_set(&p->why, IA_REVERT_ESCROW_BALANCE);
  return take(p, IA_KEY_BALANCE, from, amount) && add(p, IA_KEY_BALANCE, to, amount) &&
         emit_transfer(p, from, to, amount);
}

bool ia_poco_account(ia_poco *p, ia_account *out, const ia_addr *who)
{
  return get(p, &out->stake, IA_KEY_BALANCE, who) && get(p, &out->locked, IA_KEY_FROZEN, who);
}

bool ia_poco_lock(ia_poco *p, const ia_addr *who, const ia_u256 *amount)
{
  return move(p, who, &p->hub, amount) && add(p, IA_KEY_FROZEN, who, amount) &&
         emit_amount(p, IA_EV_LOCK, who, amount, NULL);
}

bool ia_poco_unlock(ia_poco *p, const ia_addr *who, const ia_u256 *amount)
{
  return move(p, &p->hub, who, amount) && take(p, IA_KEY_FROZEN, who, amount) &&
         emit_amount(p, IA_EV_UNLOCK, who, amount, NULL);
}

bool ia_poco_reward(ia_poco *p, const ia_addr *who, const ia_u256 *amount, const ia_h256 *ref)
{
  return move(p, &p->hub, who, amount) && emit_amount(p, IA_EV_REWARD, who, amount, ref);
}

bool ia_poco_seize(ia_poco *p, const ia_addr *who, const ia_u256 *amount, const ia_h256 *ref)
{
  return take(p, IA_KEY_FROZEN, who, amount) && emit_amount(p, IA_EV_SEIZE, who, amount, ref);
}

/* --- payments of a finished task
 * ------------------------------------------------------------------ */

static bool prices(ia_poco *p, const ia_deal *d, ia_u256 *task, ia_u256 *pool_stake)
{
  ia_u256 ratio = ia_u256_of(IA_WORKERPOOL_STAKE_RATIO);

  return ia_poco_sum(p, task, &d->app.price, &d->dataset.price) &&
         ia_poco_sum(p, task, task, &d->workerpool.price) &&
         ia_poco_percent(p, pool_stake, &d->workerpool.price, &ratio);
}

/* min(max(kitty * 10 %, 1 RLC), kitty) goes to the pool's owner. */
static bool pay_kitty(ia_poco *p, const ia_deal *d, const ia_h256 *taskid)
{
  ia_u256 ratio = ia_u256_of(IA_KITTY_RATIO), least = ia_u256_of(IA_KITTY_MIN), kitty, part;

  if (!get(p, &kitty, IA_KEY_FROZEN, &ia_kitty_address))
    return false;
  if (ia_u256_zero(&kitty))
    return true;
  if (!ia_poco_percent(p, &part, &kitty, &ratio))
    return false;
  if (ia_u256_cmp(&part, &least) < 0)
    part = least;
  part = *ia_u256_min(&part, &kitty);
  return ia_poco_seize(p, &ia_kitty_address, &part, taskid) &&
         ia_poco_reward(p, &d->workerpool.owner, &part, taskid);
}

bool ia_poco_success(ia_poco *p, const ia_deal *d, const ia_h256 *taskid)
{
  ia_u256 price, stake;

  if (!prices(p, d, &price, &stake) || !ia_poco_seize(p, &d->sponsor, &price, taskid))
    return false;
  if (!ia_u256_zero(&d->app.price) && !ia_poco_reward(p, &d->app.owner, &d->app.price, taskid))
    return false;
  if (!ia_u256_zero(&d->dataset.price) && !ia_addr_zero(&d->dataset.pointer) &&
      !ia_poco_reward(p, &d->dataset.owner, &d->dataset.price, taskid))
    return false;
  return ia_poco_unlock(p, &d->workerpool.owner, &stake) && pay_kitty(p, d, taskid);
}

bool ia_poco_failure(ia_poco *p, const ia_deal *d, const ia_h256 *taskid)
{
  ia_u256 price, stake;

  return prices(p, d, &price, &stake) && ia_poco_unlock(p, &d->sponsor, &price) &&
         ia_poco_seize(p, &d->workerpool.owner, &stake, taskid) &&
         add(p, IA_KEY_FROZEN, &ia_kitty_address, &stake) &&
         emit_amount(p, IA_EV_REWARD, &ia_kitty_address, &stake, taskid) &&
         emit_amount(p, IA_EV_LOCK, &ia_kitty_address, &stake, NULL);
}

/* --- ERC-20 of the deposits
 * ------------------------------------------------------------------------ */

static bool supply(ia_poco *p, const ia_u256 *amount, bool up)
{
  ia_u256 v;

  if (!ia_poco_get_u256(p, &v, IA_KEY_SUPPLY, IA_NOTHING, IA_NOTHING))
    return false;
  if (up ? !ia_poco_sum(p, &v, &v, amount) : !ia_poco_difference(p, &v, &v, amount))
    return false;
  return ia_poco_put_u256(p, IA_KEY_SUPPLY, IA_NOTHING, IA_NOTHING, &v);
}

bool ia_poco_mint(ia_poco *p, const ia_addr *who, const ia_u256 *amount)
{
  if (ia_addr_zero(who))
    return ia_revert_set(&p->why, IA_REVERT_HUB_MINT_ZERO);
  return supply(p, amount, true) && add(p, IA_KEY_BALANCE, who, amount) &&
         emit_transfer(p, &zero_address, who, amount);
}

static bool enough(ia_poco *p, const ia_addr *who, const ia_u256 *amount)
{
  ia_u256 balance;

  if (!get(p, &balance, IA_KEY_BALANCE, who))
    return false;
  if (ia_u256_cmp(&balance, amount) < 0)
    return ia_revert_set(&p->why, IA_REVERT_HUB_BALANCE);
  return true;
}

bool ia_poco_burn(ia_poco *p, const ia_addr *who, const ia_u256 *amount)
{
  if (ia_addr_zero(who))
    return ia_revert_set(&p->why, IA_REVERT_HUB_BURN_ZERO);
  return enough(p, who, amount) && supply(p, amount, false) &&
         take(p, IA_KEY_BALANCE, who, amount) && emit_transfer(p, who, &zero_address, amount);
}

bool ia_poco_transfer(ia_poco *p, const ia_addr *from, const ia_addr *to, const ia_u256 *amount)
{
  if (ia_addr_zero(from))
    return ia_revert_set(&p->why, IA_REVERT_HUB_FROM_ZERO);
  if (ia_addr_zero(to))
    return ia_revert_set(&p->why, IA_REVERT_HUB_TO_ZERO);
  return enough(p, from, amount) && take(p, IA_KEY_BALANCE, from, amount) &&
         add(p, IA_KEY_BALANCE, to, amount) && emit_transfer(p, from, to, amount);
}

static bool set_allowance(ia_poco *p, const ia_addr *owner, const ia_addr *spender,
                          const ia_u256 *amount)
{
  ia_event ev = {.addr = {*owner, *spender}, .value = {*amount}};

  if (ia_addr_zero(owner))
    return ia_revert_set(&p->why, IA_REVERT_HUB_APPROVE_FROM_ZERO);
  if (ia_addr_zero(spender))
    return ia_revert_set(&p->why, IA_REVERT_HUB_APPROVE_ZERO);
  return ia_poco_put_u256(p, IA_KEY_ALLOWANCE, IA_SPAN_ARR(owner->b), IA_SPAN_ARR(spender->b),
                          amount) &&
         ia_poco_emit(p, IA_EV_APPROVAL, &ev);
}

static bool allowance(ia_poco *p, ia_u256 *out, const ia_addr *owner, const ia_addr *spender)
{
  return ia_poco_get_u256(p, out, IA_KEY_ALLOWANCE, IA_SPAN_ARR(owner->b), IA_SPAN_ARR(spender->b));
}

bool ia_poco_approve(ia_poco *p, const ia_addr *spender, const ia_u256 *amount)
{
  return set_allowance(p, &p->sender, spender, amount);
}

bool ia_poco_transfer_from(ia_poco *p, const ia_addr *from, const ia_addr *to,
                           const ia_u256 *amount)
{
  ia_u256 left;

  if (!ia_poco_transfer(p, from, to, amount) || !allowance(p, &left, from, &p->sender))
    return false;
  if (!ia_u256_sub(&left, &left, amount))
    return ia_revert_set(&p->why, IA_REVERT_HUB_ALLOWANCE);
  return set_allowance(p, from, &p->sender, &left);
}

bool ia_poco_change_allowance(ia_poco *p, const ia_addr *spender, const ia_u256 *amount, bool up)
{
  ia_u256 v;

  if (!allowance(p, &v, &p->sender, spender))
    return false;
  if (up) {
    if (!ia_poco_sum(p, &v, &v, amount))
      return false;
  } else if (!ia_u256_sub(&v, &v, amount)) {
    return ia_revert_set(&p->why, IA_REVERT_HUB_ALLOWANCE);
  }
  return set_allowance(p, &p->sender, spender, &v);
}
