/* Fixed-size values, so that the compiler tells 20-byte and 32-byte things apart. */
#ifndef IA_BASE_TYPES_H
#define IA_BASE_TYPES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct ia_addr {
  uint8_t b[20]; /* Ethereum address, all zero = none */
} ia_addr;

typedef struct ia_h256 {
  uint8_t b[32]; /* hash, id or bytes32, in wire order */
} ia_h256;

typedef struct ia_h384 {
  uint8_t b[48]; /* SHA-384: measurements and runtime registers of TDX */
} ia_h384;

typedef struct ia_h512 {
  uint8_t b[64]; /* SHA-512: report data */
} ia_h512;

static inline bool ia_addr_eq(const ia_addr *a, const ia_addr *b)
{
  return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline bool ia_addr_zero(const ia_addr *a)
{
  static const ia_addr zero;

  return ia_addr_eq(a, &zero);
}

static inline bool ia_h256_eq(const ia_h256 *a, const ia_h256 *b)
{
  return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline bool ia_h256_zero(const ia_h256 *a)
{
  static const ia_h256 zero;

  return ia_h256_eq(a, &zero);
}

#endif
