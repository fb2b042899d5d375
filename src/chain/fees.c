/* What a transaction offers, and what its account has. */
#include "chain/about.h"
#include "chain/coin.h"
#include "chain/flight.h"
#include "eth/address.h"

/* The node's tip. A node whose gas price is lower than base fee and tip takes that too: on a chain
 * without fees it is 0. */
static bool market_tip(ia_chain *c, ia_u256 *tip, const ia_block *head, ia_err *e)
{
  ia_rpc_item ask[] = {{.method = "eth_gasPrice"}, {.method = "eth_maxPriorityFeePerGas"}};
  ia_u256 price, rest, said;

  if (!ia_rpc_batch(c->rpc, ask, IA_COUNT(ask), e))
    return false;
  bool ok = ask[0].ok ? ia_rpc_u256(&price, ask[0].result, e) : (e && (*e = ask[0].err, false));
  bool tipped = ask[1].ok && ia_rpc_u256(&said, ask[1].result, NULL);
  ia_rpc_items_free(ask, IA_COUNT(ask));
  if (!ok)
    return false;
  if (!ia_u256_sub(&rest, &price, &head->base_fee))
    rest = (ia_u256){0};
  *tip = tipped && head->has_base_fee ? *ia_u256_min(&rest, &said) : rest;
  return true;
}

static bool most(const ia_chain *c, ia_u256 *out)
{
  return c->sending.max_fee && ia_gwei_parse(out, c->sending.max_fee);
}

static bool too_dear(const ia_u256 *asked, const ia_u256 *cap, ia_err *e)
{
  const ia_u256 gwei = ia_u256_of(1000000000);
  ia_u256 a, b;

  /* a gwei is to a wei what the coin is to a gwei */
  if (!ia_u256_mul(&a, asked, &gwei) || !ia_u256_mul(&b, cap, &gwei))
    return ia_fail(e, IA_E_FEE_REFUSED, "the chain asks an impossible price");
  ia_fail(e, IA_E_FEE_REFUSED, "the chain asks %s gwei for a unit of gas, allowed are %s",
          ia_coin_text(&a).s, ia_coin_text(&b).s);
  return ia_hint(e, "--max-fee GWEI");
}

bool ia_fees_set(ia_chain *c, ia_tx *tx, const ia_block *head, ia_err *e)
{
  ia_u256 least, twice, cap;

  tx->type = head->has_base_fee ? 2 : 0;
  if (!market_tip(c, &tx->max_priority, head, e))
    return false;
  if (!ia_u256_add(&least, &head->base_fee, &tx->max_priority) ||
      !ia_u256_add(&twice, &least, &head->base_fee))
    return ia_fail(e, IA_E_INVALID, "ledger: impossible base fee");
  /* room for the base fee to double before the next block that has room */
  tx->max_fee = head->has_base_fee ? twice : tx->max_priority;
  if (!most(c, &cap) || ia_u256_cmp(&tx->max_fee, &cap) <= 0)
    return true;
  tx->max_fee = cap;
  if (tx->type == 0)
    tx->max_priority = cap;
  return ia_u256_cmp(&least, &cap) <= 0 || too_dear(&least, &cap, e);
}

/* An eighth more, rounded up: nodes ask for a tenth or an eighth. */
static bool eighth_more(ia_u256 *out, const ia_u256 *v)
{
  const ia_u256 eight = ia_u256_of(8), one = ia_u256_of(1);

  return ia_u256_div(out, NULL, v, &eight) && ia_u256_add(out, out, v) &&
         ia_u256_add(out, out, &one);
}

bool ia_fees_raise(ia_chain *c, ia_tx *tx, const ia_block *head, bool *changed, ia_err *e)
{
  ia_u256 fee, tip, cap;
  ia_tx now = {0};
  ia_err why = {0};

  *changed = false;
  if (!ia_fees_set(c, &now, head, &why))
    return why.code == IA_E_FEE_REFUSED || (e && (*e = why, false));
  if (ia_u256_zero(&now.max_fee) && ia_u256_zero(&tx->max_fee))
    return true; /* a chain without fees: there is nothing to outbid */
  if (!eighth_more(&fee, &tx->max_fee) || !eighth_more(&tip, &tx->max_priority))
    return ia_fail(e, IA_E_INVALID, "ledger: impossible fee");
  if (ia_u256_cmp(&now.max_fee, &fee) > 0)
    fee = now.max_fee;
  if (ia_u256_cmp(&now.max_priority, &tip) > 0)
    tip = now.max_priority;
  if (most(c, &cap) && ia_u256_cmp(&fee, &cap) > 0)
    return true;
  tx->max_fee = fee;
  tx->max_priority = tx->type == 0 ? fee : *ia_u256_min(&tip, &fee);
  *changed = true;
  return true;
}

bool ia_fees_missing(ia_chain *c, const ia_addr *who, const ia_tx *tx, ia_err *e)
{
  const ia_u256 gas = ia_u256_of(tx->gas);
  ia_u256 have, cost, missing;

  if (!ia_u256_mul(&cost, &gas, &tx->max_fee) || !ia_u256_add(&cost, &cost, &tx->value) ||
      !ia_chain_coin(c, &have, who, NULL) || !ia_u256_sub(&missing, &cost, &have))
    return ia_fail(e, IA_E_INSUFFICIENT_FUNDS, "%s has too little coin for the fee",
                   ia_addr_text(who).s);
  ia_fail(e, IA_E_INSUFFICIENT_FUNDS, "%s has %s ETH, the fee may come to %s: %s are missing",
          ia_addr_text(who).s, ia_coin_text(&have).s, ia_coin_text(&cost).s,
          ia_coin_text(&missing).s);
  return ia_hint(e, "send at least %s ETH to %s", ia_coin_text(&missing).s, ia_addr_text(who).s);
}

bool ia_chain_can_pay(ia_chain *c, const ia_addr *who, uint64_t gas, ia_err *e)
{
  const ia_u256 units = ia_u256_of(gas);
  ia_tx tx = {.gas = gas};
  ia_u256 have, cost;
  ia_block head;

  if (c->local)
    return true;
  if (!ia_chain_head(c, &head, e) || !ia_fees_set(c, &tx, &head, e) ||
      !ia_chain_coin(c, &have, who, e))
    return false;
  if (ia_u256_mul(&cost, &units, &tx.max_fee) && ia_u256_cmp(&have, &cost) >= 0)
    return true;
  return ia_fees_missing(c, who, &tx, e);
}
