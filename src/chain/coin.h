/* Amounts of a chain's coin, for people. */
#ifndef IA_CHAIN_COIN_H
#define IA_CHAIN_COIN_H

#include "eth/u256.h"

typedef struct ia_text96 {
  char s[96];
} ia_text96;
/* "0.0021", "12": wei over 10^18, rounded up to nine places. */
ia_text96 ia_coin_text(const ia_u256 *wei);
/* Wei of a number of gwei, whole or with at most nine places. False when it is none. */
IA_MUST bool ia_gwei_parse(ia_u256 *wei, const char *text);

#endif
