/* Addresses of contracts. */
#ifndef IA_ETH_CREATE2_H
#define IA_ETH_CREATE2_H

#include "base/types.h"

/* EIP-1014: last 20 bytes of keccak256(0xff || deployer || salt || codeHash). */
void ia_create2(ia_addr *out, const ia_addr *deployer, const ia_h256 *salt,
                const ia_h256 *code_hash);
/* Last 20 bytes of keccak256(rlp([deployer, nonce])). */
void ia_create(ia_addr *out, const ia_addr *deployer, uint64_t nonce);

#endif
