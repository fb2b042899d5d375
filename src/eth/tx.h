/* Transactions of type 0 with EIP-155 and of type 2 (EIP-1559). Others are UNSUPPORTED. */
#ifndef IA_ETH_TX_H
#define IA_ETH_TX_H

#include "base/buf.h"
#include "crypto/secp.h"
#include "eth/u256.h"

typedef struct ia_tx {
  uint8_t type; /* 0 or 2 */
  uint64_t chain_id;
  uint64_t nonce;
  ia_u256 max_fee;      /* type 0: the gas price; wei */
  ia_u256 max_priority; /* type 0: equal to max_fee */
  uint64_t gas;
  bool creates; /* no `to` */
  ia_addr to;
  ia_u256 value;       /* wei */
  ia_span data;        /* borrowed */
  ia_span access_list; /* type 2: encoded items, borrowed; usually empty */
  ia_sig sig;          /* of a decoded transaction */
} ia_tx;

/* What is signed. */
IA_MUST bool ia_tx_digest(ia_h256 *out, const ia_tx *tx, ia_err *e);
/* Appends the signed transaction as eth_sendRawTransaction takes it; tx->sig is set. */
IA_MUST bool ia_tx_sign(ia_buf *out, ia_tx *tx, const ia_secp *s, const ia_secret *key, ia_err *e);
/* Strict; data and access_list borrow from raw. v without EIP-155: CHAIN_ID. */
IA_MUST bool ia_tx_decode(ia_tx *tx, ia_span raw, ia_err *e);
/* Of a decoded or signed one. */
IA_MUST bool ia_tx_sender(ia_addr *out, const ia_tx *tx, ia_err *e);
void ia_tx_hash(ia_h256 *out, ia_span raw);

#endif
