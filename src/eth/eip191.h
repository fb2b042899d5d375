/* EIP-191 version 0x45: "\x19Ethereum Signed Message:\n" || decimal length || message. */
#ifndef IA_ETH_EIP191_H
#define IA_ETH_EIP191_H

#include "crypto/secp.h"

void ia_eip191_hash(ia_h256 *out, ia_span message);
IA_MUST bool ia_eip191_sign(const ia_secp *s, ia_sig *out, ia_span message, const ia_secret *key,
                            ia_err *e);
/* sig: 65 bytes, or 64 of EIP-2098. */
IA_MUST bool ia_eip191_recover(ia_addr *out, ia_span message, ia_span sig, ia_err *e);

#endif
