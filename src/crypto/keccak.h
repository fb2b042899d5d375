/* Keccak-256 as Ethereum uses it: the sponge of FIPS 202 with the original padding 0x01. */
#ifndef IA_CRYPTO_KECCAK_H
#define IA_CRYPTO_KECCAK_H

#include "base/span.h"
#include "base/types.h"

enum { IA_KECCAK_RATE = 136 };

typedef struct ia_keccak {
  uint64_t lane[25];
  size_t n; /* bytes absorbed into the current block */
} ia_keccak;

void ia_keccak_init(ia_keccak *k);
void ia_keccak_update(ia_keccak *k, ia_span in);
void ia_keccak_final(ia_keccak *k, ia_h256 *out); /* init before using it again */

void ia_keccak256(ia_h256 *out, ia_span in);

#endif
