/* EIP-712 typed data, driven by the encodeType text itself:
 * "Mail(Person from,string contents)Person(string name,address wallet)".
 * Values are the flat list of eth/abi.h: members of a struct one after the other, T[] a count and
 * then its elements. */
#ifndef IA_ETH_EIP712_H
#define IA_ETH_EIP712_H

#include "crypto/secp.h"
#include "eth/abi.h"

/* A NULL text or zero contract leaves the member out of the domain's type; chain_id is always in.
 */
typedef struct ia_eip712_domain {
  const char *name;
  const char *version;
  uint64_t chain_id;
  ia_addr contract;
} ia_eip712_domain;

void ia_eip712_type_hash(ia_h256 *out, const char *encode_type);
IA_MUST bool ia_eip712_separator(ia_h256 *out, const ia_eip712_domain *d, ia_err *e);
/* hashStruct. INVALID when values and type do not fit. */
IA_MUST bool ia_eip712_struct(ia_h256 *out, const char *encode_type, const ia_abi_val *v, size_t n,
                              ia_err *e);
/* keccak256("\x19\x01" || separator || structHash): what is signed. */
void ia_eip712_digest(ia_h256 *out, const ia_h256 *separator, const ia_h256 *struct_hash);
/* The three above in one. */
IA_MUST bool ia_eip712_hash(ia_h256 *out, const ia_eip712_domain *d, const char *encode_type,
                            const ia_abi_val *v, size_t n, ia_err *e);

#endif
