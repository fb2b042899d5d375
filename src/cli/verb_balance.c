/* iapp balance: money of a wallet. */
#include "cli/net.h"
#include "cli/parse.h"
#include "cli/wallet.h"
#include "client/money.h"
#include "eth/address.h"

static bool move(ia_cli *c, ia_net *net, ia_err *e)
{
  static const struct {
    const char *flag;
    bool (*fn)(ia_net *net, const ia_wallet *w, uint64_t nrlc, ia_err *e);
  } moves[] = {
      {"faucet", ia_money_faucet}, {"deposit", ia_money_deposit}, {"withdraw", ia_money_withdraw}};
  IA_AUTO(ia_wallet) *w = NULL;
  uint64_t nrlc;

  for (unsigned i = 0; i < IA_COUNT(moves); i++) {
    if (!ia_cli_flag(c, moves[i].flag))
      continue;
    if (!ia_parse_amount(&nrlc, ia_cli_opt(c, moves[i].flag), e) ||
        (!w && !ia_cli_wallet(c, &w, e)) || !moves[i].fn(net, w, nrlc, e))
      return ia_wrap(e, "--%s", moves[i].flag);
  }
  return true;
}

static bool balance(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  ia_wallet_file me;
  IA_AUTO_JSON *answer = NULL;
  ia_text80 wei;
  ia_text96 coin;
  ia_money m;
  ia_addr who;

  if (ia_cli_arg(c, 0) && !ia_cli_addr(&who, ia_cli_arg(c, 0), "ADDRESS", e))
    return false;
  if (!ia_cli_net(c, &net, e) || !move(c, &net, e))
    return false;
  if (!ia_cli_arg(c, 0)) {
    if (!ia_cli_wallet_file(c, &me, e))
      return false;
    who = me.address;
  }
  if (!ia_money_of(&net, &m, &who, e) || !ia_money_coin(&net, &wei, &coin, &who, e))
    return false;
  ia_cli_out(c, "%s\n  wallet %s\n  stake  %s (what deals are paid from)\n  locked %s",
             ia_addr_text(&who).s, ia_amount(m.wallet).s, ia_amount(m.stake).s,
             ia_amount(m.locked).s);
  answer =
      json_pack("{s:s, s:I, s:I, s:I}", "address", ia_addr_text(&who).s, "wallet",
                (json_int_t)m.wallet, "stake", (json_int_t)m.stake, "locked", (json_int_t)m.locked);
  if (coin.s[0])
    ia_cli_out(c, "  coin   %s ETH (what the chain's fees are paid from)", coin.s);
  return (!wei.s[0] || ia_json_set(answer, "coinWei", json_string(wei.s), e)) &&
         ia_cli_json(c, json_incref(answer), e);
}

static const ia_option balance_options[] = {
    {"faucet", "RLC", false, "first take test money (local ledger)", "balance --faucet 10RLC"},
    {"deposit", "RLC", false, "first move money from the wallet to the stake",
     "balance --deposit 5RLC"},
    {"withdraw", "RLC", false, "first move money from the stake to the wallet",
     "balance --withdraw 5RLC"},
    {0},
};

const ia_verb ia_verb_balance = {
    .name = "balance",
    .args = "[ADDRESS]",
    .max_args = 1,
    .brief = "money of a wallet: in hand, as stake, locked in deals",
    .example = "balance",
    .options = balance_options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = balance,
};
