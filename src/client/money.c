/* RLC of a wallet. */
#include "client/money.h"

#include "chain/about.h"
#include "eth/address.h"

static bool token_of(ia_net *net, ia_chain **chain, ia_addr *token, ia_err *e)
{
  ia_chain_info info;

  if (!ia_net_chain(net, chain, e) || !ia_chain_info_get(*chain, &info, e))
    return false;
  *token = info.token;
  return true;
}

static uint64_t capped(const ia_u256 *v)
{
  uint64_t out;

  return ia_u256_u64(&out, v) && out <= INT64_MAX ? out : INT64_MAX;
}

bool ia_money_of(ia_net *net, ia_money *out, const ia_addr *who, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args ask = {.addr = {*who}}, got = {0};
  ia_account account;
  ia_chain *chain;
  ia_addr token;

  if (!token_of(net, &chain, &token, e) || !ia_chain_account(chain, &account, who, e) ||
      !ia_chain_read(chain, &got, &store, &token, IA_CALL_BALANCE_OF, &ask, e))
    return ia_wrap(e, "balance");
  *out = (ia_money){capped(&got.value[0]), capped(&account.stake), capped(&account.locked)};
  return true;
}

bool ia_money_coin(ia_net *net, ia_text80 *wei, ia_text96 *text, const ia_addr *who, ia_err *e)
{
  ia_chain *chain;
  ia_u256 have;

  wei->s[0] = text->s[0] = '\0';
  if (!ia_net_chain(net, &chain, e))
    return false;
  if (ia_chain_is_local(chain))
    return true;
  if (!ia_chain_coin(chain, &have, who, e))
    return false;
  *wei = ia_u256_dec(&have);
  *text = ia_coin_text(&have);
  return true;
}

bool ia_money_faucet(ia_net *net, const ia_wallet *w, uint64_t nrlc, ia_err *e)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  const ia_args args = {.value = {ia_u256_of(nrlc)}};
  ia_chain *chain;
  ia_addr token;

  if (!token_of(net, &chain, &token, e))
    return false;
  if (!ia_chain_is_local(chain))
    return ia_fail(e, IA_E_UNSUPPORTED, "only our own ledger has a faucet");
  return ia_net_call(net, w, &token, IA_CALL_FAUCET, &args, &sent, e);
}

bool ia_money_deposit(ia_net *net, const ia_wallet *w, uint64_t nrlc, ia_err *e)
{
  IA_AUTOV(ia_chain_sent) approved = {0};
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_args args = {.addr = {net->hub}, .value = {ia_u256_of(nrlc)}};
  ia_money have;
  ia_chain *chain;
  ia_addr token;

  if (!token_of(net, &chain, &token, e) || !ia_money_of(net, &have, &w->address, e))
    return false;
  if (have.wallet < nrlc) {
    ia_fail(e, IA_E_REVERT, "Balance is insufficient: %llu nRLC of %llu are there",
            (unsigned long long)have.wallet, (unsigned long long)nrlc);
    return ia_chain_is_local(chain) &&
           ia_hint(e, "iapp balance --faucet %llunRLC", (unsigned long long)(nrlc - have.wallet));
  }
  args.addr[0] = *ia_chain_hub(chain);
  return ia_net_call(net, w, &token, IA_CALL_APPROVE, &args, &approved, e) &&
         ia_net_call(net, w, NULL, IA_CALL_DEPOSIT, &args, &sent, e);
}

bool ia_money_withdraw(ia_net *net, const ia_wallet *w, uint64_t nrlc, ia_err *e)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  const ia_args args = {.value = {ia_u256_of(nrlc)}};

  return ia_net_call(net, w, NULL, IA_CALL_WITHDRAW, &args, &sent, e);
}

json_t *ia_money_chain(ia_net *net, ia_err *e)
{
  ia_chain *chain;
  json_t *info = NULL;

  if (!ia_net_chain(net, &chain, e))
    return NULL;
  if (!ia_chain_is_local(chain))
    return json_pack("{s:I, s:s}", "chainId", (json_int_t)ia_chain_id(chain), "hub",
                     ia_addr_text(ia_chain_hub(chain)).s);
  return ia_rpc_call(ia_chain_rpc(chain), &info, "iapp_info", NULL, e) ? info : NULL;
}
