/* 256-bit integers: arithmetic at the edges, text. */
#include "../crypto/support.h"
#include "eth/u256.h"

static ia_u256 num(const char *text)
{
  ia_u256 v;

  assert_true(ia_u256_parse(&v, ia_span_str(text), NULL));
  return v;
}

#define MAX_DEC "115792089237316195423570985008687907853269984665640564039457584007913129639935"

static void text_both_ways(void **state IA_UNUSED)
{
  static const char *const dec[] = {
      "0",
      "1",
      "18446744073709551615",
      "18446744073709551616",
      "340282366920938463463374607431768211456",
      MAX_DEC,
  };
  ia_u256 v;

  for (size_t i = 0; i < IA_COUNT(dec); i++) {
    v = num(dec[i]);
    assert_string_equal(ia_u256_dec(&v).s, dec[i]);
    ia_u256 again = num(ia_u256_hex(&v).s);
    assert_true(ia_u256_eq(&v, &again));
  }
  v = ia_u256_of(0);
  assert_string_equal(ia_u256_hex(&v).s, "0x0");
  v = ia_u256_of(1200);
  assert_string_equal(ia_u256_hex(&v).s, "0x4b0");
  v = num("0x10000000000000000");
  assert_string_equal(ia_u256_hex(&v).s, "0x10000000000000000");
}

static void text_refused(void **state IA_UNUSED)
{
  static const char *const bad[] = {
      "",
      "0x",
      "-1",
      "1.0",
      " 1",
      "1 ",
      "0xg",
      "12a",
      "1e9",
      "115792089237316195423570985008687907853269984665640564039457584007913129639936",
      "0x10000000000000000000000000000000000000000000000000000000000000000",
  };
  ia_u256 v;

  for (size_t i = 0; i < IA_COUNT(bad); i++)
    assert_false(ia_u256_parse(&v, ia_span_str(bad[i]), NULL));
}

static void overflow_is_reported(void **state IA_UNUSED)
{
  ia_u256 max = num(MAX_DEC), one = ia_u256_of(1), zero = ia_u256_of(0), r;
  ia_u256 half = num("340282366920938463463374607431768211456"); /* 2^128 */

  assert_false(ia_u256_add(&r, &max, &one));
  assert_true(ia_u256_zero(&r));
  assert_true(ia_u256_add(&r, &max, &zero));
  assert_false(ia_u256_sub(&r, &zero, &one));
  assert_true(ia_u256_eq(&r, &max));
  assert_false(ia_u256_mul(&r, &half, &half));
  assert_true(ia_u256_sub(&r, &half, &one));
  assert_true(ia_u256_mul(&r, &r, &half));
  assert_false(ia_u256_div(&r, NULL, &one, &zero));
}

/* q * b + r == a and r < b, for divisors of one word and of several */
static void division(void **state IA_UNUSED)
{
  static const char *const a[] = {MAX_DEC, "1000000000000000000000000000007", "5", "0"};
  static const char *const b[] = {"1",
                                  "7",
                                  "18446744073709551615",
                                  "18446744073709551617",
                                  "340282366920938463463374607431768211507",
                                  MAX_DEC};

  for (size_t i = 0; i < IA_COUNT(a); i++) {
    for (size_t j = 0; j < IA_COUNT(b); j++) {
      ia_u256 x = num(a[i]), y = num(b[j]), q, r, back;

      assert_true(ia_u256_div(&q, &r, &x, &y));
      assert_true(ia_u256_cmp(&r, &y) < 0);
      assert_true(ia_u256_mul(&back, &q, &y) && ia_u256_add(&back, &back, &r));
      assert_true(ia_u256_eq(&back, &x));
    }
  }
}

static void words_and_order(void **state IA_UNUSED)
{
  ia_u256 v = num("0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"), w;
  uint8_t be[33] = {0};
  uint64_t u;

  ia_u256_to_be(be, &v);
  assert_hex(be, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
  w = ia_u256_from_be(be);
  assert_true(ia_u256_eq(&v, &w));
  assert_int_equal(ia_u256_bits(&v), 249);
  assert_false(ia_u256_u64(&u, &v));
  assert_false(ia_u256_from_span(&w, ia_span_of(be, 33)));
  assert_true(ia_u256_from_span(&w, ia_span_of(be, 2)) && ia_u256_u64(&u, &w));
  assert_int_equal(u, 0x0102);
  assert_ptr_equal(ia_u256_min(&v, &w), &w);
  assert_int_equal(ia_u256_cmp(&v, &w), 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_both_ways),       cmocka_unit_test(text_refused),
      cmocka_unit_test(overflow_is_reported), cmocka_unit_test(division),
      cmocka_unit_test(words_and_order),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
