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

static inline uint64_t rotl(uint64_t v, unsigned n)
{
  return v << n | v >> (64 - n);
}

/* theta, in place */
static inline void mix_columns(uint64_t a[25])
{
  uint64_t c[5];

  for (size_t x = 0; x < 5; x++)
    c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
  for (size_t x = 0; x < 5; x++) {
    uint64_t d = c[(x + 4) % 5] ^ rotl(c[(x + 1) % 5], 1);

    a[x] ^= d, a[x + 5] ^= d, a[x + 10] ^= d, a[x + 15] ^= d, a[x + 20] ^= d;
  }
}

/* rho and pi: every lane is rotated and goes to another place. Written out, so that places and
 * rotations are constants: looked up in tables this alone takes three times as long as the rest. */
static inline void move_lanes(uint64_t b[25], const uint64_t a[25])
{
  b[0] = a[0];
  b[1] = rotl(a[6], 44), b[2] = rotl(a[12], 43), b[3] = rotl(a[18], 21), b[4] = rotl(a[24], 14);
  b[5] = rotl(a[3], 28), b[6] = rotl(a[9], 20), b[7] = rotl(a[10], 3), b[8] = rotl(a[16], 45);
  b[9] = rotl(a[22], 61), b[10] = rotl(a[1], 1), b[11] = rotl(a[7], 6), b[12] = rotl(a[13], 25);
  b[13] = rotl(a[19], 8), b[14] = rotl(a[20], 18), b[15] = rotl(a[4], 27), b[16] = rotl(a[5], 36);
  b[17] = rotl(a[11], 10), b[18] = rotl(a[17], 15), b[19] = rotl(a[23], 56), b[20] = rotl(a[2], 62);
  b[21] = rotl(a[8], 55), b[22] = rotl(a[14], 39), b[23] = rotl(a[15], 41), b[24] = rotl(a[21], 2);
}

/* chi */
static inline void mix_rows(uint64_t a[25], const uint64_t b[25])
{
  for (size_t y = 0; y < 25; y += 5) {
    a[y] = b[y] ^ (~b[y + 1] & b[y + 2]);
    a[y + 1] = b[y + 1] ^ (~b[y + 2] & b[y + 3]);
    a[y + 2] = b[y + 2] ^ (~b[y + 3] & b[y + 4]);
    a[y + 3] = b[y + 3] ^ (~b[y + 4] & b[y]);
    a[y + 4] = b[y + 4] ^ (~b[y] & b[y + 1]);
  }
}

static void permute(uint64_t state[25])
{
  uint64_t a[25], b[25];

  memcpy(a, state, sizeof(a));
  for (size_t r = 0; r < 24; r++) {
    mix_columns(a);
    move_lanes(b, a);
    mix_rows(a, b);
    a[0] ^= round_constant[r];
  }
  memcpy(state, a, sizeof(a));
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
