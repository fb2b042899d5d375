/* RLP (Ethereum yellow paper, appendix B), writing and strict reading: only the shortest form of
 * every length is taken. */
#ifndef IA_ETH_RLP_H
#define IA_ETH_RLP_H

#include "base/buf.h"
#include "eth/u256.h"

void ia_rlp_put(ia_buf *out, ia_span bytes);
void ia_rlp_put_u64(ia_buf *out, uint64_t v);
void ia_rlp_put_u256(ia_buf *out, const ia_u256 *v);
/* payload: the encoded items. */
void ia_rlp_put_list(ia_buf *out, ia_span payload);

/* Take one item off the front; PARSE for the other kind, short input or a longer form. */
IA_MUST bool ia_rlp_take(ia_span *in, ia_span *bytes, ia_err *e);
IA_MUST bool ia_rlp_take_list(ia_span *in, ia_span *payload, ia_err *e);
/* Numbers have no leading zero byte. */
IA_MUST bool ia_rlp_take_u64(ia_span *in, uint64_t *v, ia_err *e);
IA_MUST bool ia_rlp_take_u256(ia_span *in, ia_u256 *v, ia_err *e);
/* PARSE unless nothing is left. */
IA_MUST bool ia_rlp_end(ia_span in, ia_err *e);

#endif
