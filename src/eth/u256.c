/* 256-bit unsigned integers. */
#include "eth/u256.h"

#include <stdio.h>

typedef unsigned __int128 u128;

bool ia_u256_add(ia_u256 *out, const ia_u256 *a, const ia_u256 *b)
{
  u128 carry = 0;

  for (size_t i = 0; i < 4; i++) {
    carry += (u128)a->w[i] + b->w[i];
    out->w[i] = (uint64_t)carry;
    carry >>= 64;
  }
  return carry == 0;
}

bool ia_u256_sub(ia_u256 *out, const ia_u256 *a, const ia_u256 *b)
{
  uint64_t borrow = 0;

  for (size_t i = 0; i < 4; i++) {
    u128 d = (u128)a->w[i] - b->w[i] - borrow;

    out->w[i] = (uint64_t)d;
    borrow = (uint64_t)(d >> 64) != 0;
  }
  return borrow == 0;
}

bool ia_u256_mul(ia_u256 *out, const ia_u256 *a, const ia_u256 *b)
{
  uint64_t r[8] = {0};

  for (size_t i = 0; i < 4; i++) {
    u128 carry = 0;

    for (size_t j = 0; j < 4; j++) {
      carry += (u128)a->w[i] * b->w[j] + r[i + j];
      r[i + j] = (uint64_t)carry;
      carry >>= 64;
    }
    r[i + 4] = (uint64_t)carry;
  }
  memcpy(out->w, r, sizeof(out->w));
  return (r[4] | r[5] | r[6] | r[7]) == 0;
}

static bool bit_of(const ia_u256 *a, unsigned i)
{
  return a->w[i / 64] >> (i % 64) & 1;
}

/* Shift-and-subtract for wide divisors; word by word where the divisor is one word, as it nearly
 * always is. */
static void div_small(ia_u256 *q, ia_u256 *r, const ia_u256 *a, uint64_t b)
{
  u128 rest = 0;

  for (size_t i = 4; i-- > 0;) {
    rest = rest << 64 | a->w[i];
    q->w[i] = (uint64_t)(rest / b);
    rest %= b;
  }
  *r = ia_u256_of((uint64_t)rest);
}

static void div_wide(ia_u256 *q, ia_u256 *r, const ia_u256 *a, const ia_u256 *b)
{
  *q = *r = ia_u256_of(0);
  for (unsigned i = ia_u256_bits(a); i-- > 0;) {
    bool top = r->w[3] >> 63;

    for (size_t j = 4; j-- > 1;)
      r->w[j] = r->w[j] << 1 | r->w[j - 1] >> 63;
    r->w[0] = r->w[0] << 1 | bit_of(a, i);
    if (top || ia_u256_cmp(r, b) >= 0) {
      /* with a bit shifted out the difference borrows it back */
      (void)!ia_u256_sub(r, r, b);
      q->w[i / 64] |= 1ull << (i % 64);
    }
  }
}

bool ia_u256_div(ia_u256 *quotient, ia_u256 *remainder, const ia_u256 *a, const ia_u256 *b)
{
  ia_u256 q, r;

  if (ia_u256_zero(b))
    return false;
  if ((b->w[1] | b->w[2] | b->w[3]) == 0)
    div_small(&q, &r, a, b->w[0]);
  else
    div_wide(&q, &r, a, b);
  if (quotient)
    *quotient = q;
  if (remainder)
    *remainder = r;
  return true;
}

int ia_u256_cmp(const ia_u256 *a, const ia_u256 *b)
{
  for (size_t i = 4; i-- > 0;) {
    if (a->w[i] != b->w[i])
      return a->w[i] < b->w[i] ? -1 : 1;
  }
  return 0;
}

bool ia_u256_zero(const ia_u256 *a)
{
  return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

unsigned ia_u256_bits(const ia_u256 *a)
{
  for (unsigned i = 4; i-- > 0;) {
    if (a->w[i])
      return 64 * i + 64 - (unsigned)__builtin_clzll(a->w[i]);
  }
  return 0;
}

bool ia_u256_u64(uint64_t *out, const ia_u256 *a)
{
  if (a->w[1] | a->w[2] | a->w[3])
    return false;
  *out = a->w[0];
  return true;
}

ia_u256 ia_u256_from_be(const uint8_t in[32])
{
  ia_u256 a = {{0}};

  for (size_t i = 0; i < 32; i++)
    a.w[3 - i / 8] = a.w[3 - i / 8] << 8 | in[i];
  return a;
}

void ia_u256_to_be(uint8_t out[32], const ia_u256 *a)
{
  for (size_t i = 0; i < 32; i++)
    out[i] = (uint8_t)(a->w[3 - i / 8] >> (56 - 8 * (i % 8)));
}

bool ia_u256_from_span(ia_u256 *out, ia_span be)
{
  uint8_t word[32] = {0};

  if (be.len > 32)
    return false;
  if (be.len > 0)
    memcpy(word + 32 - be.len, be.ptr, be.len);
  *out = ia_u256_from_be(word);
  return true;
}

ia_text80 ia_u256_dec(const ia_u256 *a)
{
  ia_text80 t = {""};
  char digits[80];
  size_t n = 0;
  ia_u256 v = *a, r;

  do {
    div_small(&v, &r, &v, 10);
    digits[n++] = (char)('0' + r.w[0]);
  } while (!ia_u256_zero(&v));
  for (size_t i = 0; i < n; i++)
    t.s[i] = digits[n - 1 - i];
  return t;
}

ia_text80 ia_u256_hex(const ia_u256 *a)
{
  static const char digit[] = "0123456789abcdef";
  unsigned n = (ia_u256_bits(a) + 3) / 4;
  ia_text80 t = {"0x"};

  if (n == 0)
    n = 1;
  for (unsigned i = 0; i < n; i++) {
    unsigned at = n - 1 - i;

    t.s[2 + i] = digit[a->w[at / 16] >> (4 * (at % 16)) & 15];
  }
  return t;
}

static int digit_value(uint8_t c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return 99;
}

bool ia_u256_parse(ia_u256 *out, ia_span text, ia_err *e)
{
  bool hex = text.len > 2 && text.ptr[0] == '0' && text.ptr[1] == 'x';
  ia_u256 base = ia_u256_of(hex ? 16 : 10), v = ia_u256_of(0), d;

  if (text.len == 0)
    return ia_fail(e, IA_E_PARSE, "number: empty");
  for (size_t i = hex ? 2 : 0; i < text.len; i++) {
    int x = digit_value(text.ptr[i]);

    if (x >= (hex ? 16 : 10))
      return ia_fail(e, IA_E_PARSE, "number: want decimal or 0x digits");
    d = ia_u256_of((uint64_t)x);
    if (!ia_u256_mul(&v, &v, &base) || !ia_u256_add(&v, &v, &d))
      return ia_fail(e, IA_E_PARSE, "number: above 2^256");
  }
  *out = v;
  return true;
}
