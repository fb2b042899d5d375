/* RLC of a wallet: in hand, as stake in the hub, locked in deals. Amounts in nRLC. */
#ifndef IA_CLIENT_MONEY_H
#define IA_CLIENT_MONEY_H

#include "chain/coin.h"
#include "client/net.h"

typedef struct ia_money {
  uint64_t wallet;
  uint64_t stake;
  uint64_t locked;
} ia_money;

IA_MUST bool ia_money_of(ia_net *net, ia_money *out, const ia_addr *who, ia_err *e);
/* Test money; our own ledger alone. */
IA_MUST bool ia_money_faucet(ia_net *net, const ia_wallet *w, uint64_t nrlc, ia_err *e);
/* From the wallet to the stake: approve and deposit. */
IA_MUST bool ia_money_deposit(ia_net *net, const ia_wallet *w, uint64_t nrlc, ia_err *e);
IA_MUST bool ia_money_withdraw(ia_net *net, const ia_wallet *w, uint64_t nrlc, ia_err *e);
/* Wei in decimal digits, for fees; "" on our own ledger, which takes none. */
IA_MUST bool ia_money_coin(ia_net *net, ia_text80 *wei, ia_text96 *text, const ia_addr *who,
                           ia_err *e);
/* What our ledger says of itself (iapp_info), else {"chainId","hub"}; new reference. */
json_t *ia_money_chain(ia_net *net, ia_err *e);

#endif
