/* Keccak-f[1600] and the 256-bit sponge. Compiled with -O3. */
#include "crypto/keccak.h"

static const uint64_t round_constant[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* rho's rotations, and pi's order of lanes, along the one cycle that starts at lane 1 */
static const unsigned rotation[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                      27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
static const unsigned next_lane[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                       15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};

static inline uint64_t rotl(uint64_t v, unsigned n)
{
  return v << n | v >> (64 - n);
}

static void permute(uint64_t a[25])
{
  uint64_t c[5], d, t;

  for (size_t r = 0; r < 24; r++) {
    for (size_t x = 0; x < 5; x++)
      c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (size_t x = 0; x < 5; x++) {
      d = c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1);
      for (size_t y = 0; y < 25; y += 5)
        a[y + x] ^= d;
    }
    t = a[1];
    for (size_t i = 0; i < 24; i++) {
      d = a[next_lane[i]];
      a[next_lane[i]] = rotl(t, rotation[i]);
      t = d;
    }
    for (size_t y = 0; y < 25; y += 5) {
      for (size_t x = 0; x < 5; x++)
        c[x] = a[y + x];
      for (size_t x = 0; x < 5; x++)
        a[y + x] = c[x] ^ (~c[(x + 1) % 5] & c[(x + 2) % 5]);
    }
    a[0] ^= round_constant[r];
  }
}

static uint64_t load_le(const uint8_t *p)
{
  uint64_t v = 0;

  for (int i = 7; i >= 0; i--)
    v = v << 8 | p[i];
  return v;
}

static void absorb_byte(ia_keccak *k, size_t at, uint8_t v)
{
  k->lane[at / 8] ^= (uint64_t)v << (8 * (at % 8));
}

void ia_keccak_init(ia_keccak *k)
{
  memset(k, 0, sizeof(*k));
}

void ia_keccak_update(ia_keccak *k, ia_span in)
{
  while (in.len > 0) {
    if (k->n == 0 && in.len >= IA_KECCAK_RATE) {
      for (size_t i = 0; i < IA_KECCAK_RATE / 8; i++)
        k->lane[i] ^= load_le(in.ptr + 8 * i);
      in.ptr += IA_KECCAK_RATE;
      in.len -= IA_KECCAK_RATE;
      permute(k->lane);
      continue;
    }
    absorb_byte(k, k->n++, *in.ptr++);
    in.len--;
    if (k->n == IA_KECCAK_RATE) {
      permute(k->lane);
      k->n = 0;
    }
  }
}

void ia_keccak_final(ia_keccak *k, ia_h256 *out)
{
  absorb_byte(k, k->n, 0x01);
  absorb_byte(k, IA_KECCAK_RATE - 1, 0x80);
  permute(k->lane);
  for (size_t i = 0; i < 32; i++)
    out->b[i] = (uint8_t)(k->lane[i / 8] >> (8 * (i % 8)));
}

void ia_keccak256(ia_h256 *out, ia_span in)
{
  ia_keccak k;

  ia_keccak_init(&k);
  ia_keccak_update(&k, in);
  ia_keccak_final(&k, out);
}
