/* Keccak-256 of standard input, for transactions that are too long to hash in Python. */
#include "crypto/keccak.h"

#include <stdio.h>

int main(void)
{
  static uint8_t part[1 << 16];
  ia_keccak k;
  ia_h256 hash;
  size_t n;

  ia_keccak_init(&k);
  while ((n = fread(part, 1, sizeof(part), stdin)) > 0)
    ia_keccak_update(&k, ia_span_of(part, n));
  ia_keccak_final(&k, &hash);
  return fwrite(hash.b, 1, sizeof(hash.b), stdout) != sizeof(hash.b);
}
