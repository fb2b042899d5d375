/* 256-bit unsigned integers. Operations that can overflow say so; nothing wraps silently. */
#ifndef IA_ETH_U256_H
#define IA_ETH_U256_H

#include "base/err.h"
#include "base/span.h"
#include "base/types.h"

typedef struct ia_u256 {
  uint64_t w[4]; /* least significant first */
} ia_u256;

static inline ia_u256 ia_u256_of(uint64_t v)
{
  return (ia_u256){{v, 0, 0, 0}};
}

/* False on overflow (or division by zero); out is then the result modulo 2^256 (or untouched). out
 * may be an input. */
IA_MUST bool ia_u256_add(ia_u256 *out, const ia_u256 *a, const ia_u256 *b);
IA_MUST bool ia_u256_sub(ia_u256 *out, const ia_u256 *a, const ia_u256 *b);
IA_MUST bool ia_u256_mul(ia_u256 *out, const ia_u256 *a, const ia_u256 *b);
/* quotient or remainder may be NULL. */
IA_MUST bool ia_u256_div(ia_u256 *quotient, ia_u256 *remainder, const ia_u256 *a, const ia_u256 *b);

int ia_u256_cmp(const ia_u256 *a, const ia_u256 *b); /* -1, 0, 1 */
bool ia_u256_zero(const ia_u256 *a);
unsigned ia_u256_bits(const ia_u256 *a); /* 0 for zero, else 1..256 */
/* False when it does not fit. */
IA_MUST bool ia_u256_u64(uint64_t *out, const ia_u256 *a);

static inline bool ia_u256_eq(const ia_u256 *a, const ia_u256 *b)
{
  return ia_u256_cmp(a, b) == 0;
}

static inline const ia_u256 *ia_u256_min(const ia_u256 *a, const ia_u256 *b)
{
  return ia_u256_cmp(a, b) <= 0 ? a : b;
}

/* Big-endian words, as in the ABI. */
ia_u256 ia_u256_from_be(const uint8_t in[32]);
void ia_u256_to_be(uint8_t out[32], const ia_u256 *a);
/* At most 32 bytes, leading zeros allowed. */
IA_MUST bool ia_u256_from_span(ia_u256 *out, ia_span be);

typedef struct ia_text80 {
  char s[80];
} ia_text80;
ia_text80 ia_u256_dec(const ia_u256 *a); /* "0", "1200" */
ia_text80 ia_u256_hex(const ia_u256 *a); /* "0x0", "0x4b0": a JSON-RPC quantity */
/* Decimal digits or 0x-hex digits, at least one, nothing else; leading zeros are fine. PARSE. */
IA_MUST bool ia_u256_parse(ia_u256 *out, ia_span text, ia_err *e);

#endif
