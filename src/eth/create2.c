/* CREATE and CREATE2 addresses. */
#include "eth/create2.h"

#include "crypto/keccak.h"

void ia_create2(ia_addr *out, const ia_addr *deployer, const ia_h256 *salt,
                const ia_h256 *code_hash)
{
  uint8_t in[85] = {0xff};
  ia_h256 h;

  memcpy(in + 1, deployer->b, 20);
  memcpy(in + 21, salt->b, 32);
  memcpy(in + 53, code_hash->b, 32);
  ia_keccak256(&h, IA_SPAN_ARR(in));
  memcpy(out->b, h.b + 12, 20);
}

void ia_create(ia_addr *out, const ia_addr *deployer, uint64_t nonce)
{
  uint8_t in[32] = {0};
  size_t digits = 0, n = 0;
  ia_h256 h;

  while (digits < 8 && nonce >> (8 * digits))
    digits++;
  in[1] = 0x94; /* a string of 20 bytes */
  memcpy(in + 2, deployer->b, 20);
  n = 22;
  if (nonce < 0x80) {
    in[n++] = nonce ? (uint8_t)nonce : 0x80;
  } else {
    in[n++] = (uint8_t)(0x80 + digits);
    for (size_t i = digits; i-- > 0;)
      in[n++] = (uint8_t)(nonce >> (8 * i));
  }
  in[0] = (uint8_t)(0xc0 + n - 1);
  ia_keccak256(&h, ia_span_of(in, n));
  memcpy(out->b, h.b + 12, 20);
}
