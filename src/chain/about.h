/* What a hub on an EVM chain is, learned from the chain: for clients that are told its address and
 * nothing more. Our own ledger says all this by itself (iapp_info). */
#ifndef IA_CHAIN_ABOUT_H
#define IA_CHAIN_ABOUT_H

#include "chain/poco.h"

typedef struct ia_chain_about {
  ia_chain_info info;
  const char *rules; /* "6.1", "6.2" */
  uint64_t callback_gas;
} ia_chain_about;

/* NOT_FOUND: no code at the hub's address; INVALID: a contract that is no PoCo hub, or one whose
 * signatures are bound to another chain or address. */
IA_MUST bool ia_chain_about_get(ia_chain *c, ia_chain_about *out, ia_err *e);
/* The block after which there is code at an address, by halving. Where the node does not keep the
 * states of its past: 0 on a short chain, else UNSUPPORTED. */
IA_MUST bool ia_chain_first_block(ia_chain *c, uint64_t *out, const ia_addr *at, ia_err *e);
/* The time of the next block, as far as the node says: at least that of `head`. */
IA_MUST bool ia_chain_time(ia_chain *c, const ia_block *head, uint64_t *out, ia_err *e);
/* Wei of an account. */
IA_MUST bool ia_chain_coin(ia_chain *c, ia_u256 *out, const ia_addr *who, ia_err *e);
/* Whether `who` could pay for so much gas at today's fees. FEE_REFUSED, INSUFFICIENT_FUNDS with
 * what is there and what is missing. Always true of our own ledger. */
IA_MUST bool ia_chain_can_pay(ia_chain *c, const ia_addr *who, uint64_t gas, ia_err *e);

#endif
