/* Transactions on a chain whose blocks take their time; for send.c. */
#ifndef IA_CHAIN_FLIGHT_H
#define IA_CHAIN_FLIGHT_H

#include "chain/internal.h"
#include "chain/outbox.h"

/* What is to be done, by whom. */
typedef struct ia_flight {
  ia_chain *c;
  const ia_chain_account_key *key;
  ia_addr from;
  ia_outbox box;
  bool orphans; /* whoever began these does not wait for them any more, it seems */
} ia_flight;

IA_MUST bool ia_flight_open(ia_flight *f, ia_chain *c, const ia_chain_account_key *k, ia_err *e);
/* Signs tx (to, data, gas are set) with the next nonce and sends it. *out is what is under way. */
IA_MUST bool ia_flight_start(ia_flight *f, ia_outgoing *out, ia_tx *tx, ia_chain_sent *sent,
                             ia_err *e);

typedef enum ia_flight_state {
  IA_FLIGHT_WAITS,
  IA_FLIGHT_FINAL, /* the receipt is there, deep enough */
  IA_FLIGHT_TAKEN, /* another transaction has the nonce, just as deep: it can never be mined */
} ia_flight_state;
/* Looks once, and does what is due: sends again what the node has forgotten, replaces what waits
 * too long. sent: NULL, or whose `before` is asked first and whose receipt is filled. */
IA_MUST bool ia_flight_step(ia_flight *f, ia_outgoing *t, ia_chain_sent *sent,
                            ia_flight_state *state, ia_err *e);

/* -- fees.c -- */
/* Of a new transaction; FEE_REFUSED when the chain asks more than the operator allows. head: may be
 * NULL, then it is asked for. */
IA_MUST bool ia_fees_set(ia_chain *c, ia_tx *tx, const ia_block *head, ia_err *e);
/* For the same nonce once more: at least an eighth above what tx offers. *changed: worth a try. */
IA_MUST bool ia_fees_raise(ia_chain *c, ia_tx *tx, const ia_block *head, bool *changed, ia_err *e);
/* INSUFFICIENT_FUNDS with what is there and what is missing. */
bool ia_fees_missing(ia_chain *c, const ia_addr *who, const ia_tx *tx, ia_err *e);

IA_MUST bool ia_send_submit(ia_chain *c, ia_span raw, ia_err *e);
IA_MUST bool ia_send_nonce(ia_chain *c, uint64_t *out, const ia_addr *who, ia_err *e);

#endif
