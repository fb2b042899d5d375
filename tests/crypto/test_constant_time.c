/* No branch and no index of ours depends on a secret: the secret is marked undefined, so that
 * valgrind's memcheck reports every decision taken on it. Without valgrind these run as plain tests
 * (tools/check-valgrind runs them under it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <valgrind/memcheck.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/secret.h"
#include "crypto/keccak.h"

static uint8_t secret[32], other[32];

static void hide(void *p, size_t n)
{
  (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static void show(void *p, size_t n)
{
  (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}

static unsigned reports(void)
{
  return (unsigned)VALGRIND_COUNT_ERRORS;
}

static int make(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof(secret); i++)
    secret[i] = other[i] = (uint8_t)(7 * i);
  return 0;
}

static void test_comparing(void **state)
{
  unsigned before = reports();

  (void)state;
  hide(secret, sizeof(secret));
  bool same = ia_ct_eq(secret, other, sizeof(secret));
  show(&same, sizeof(same));
  show(secret, sizeof(secret));
  assert_int_equal(reports(), before);
  assert_true(same);
}

static void test_text_of_keys(void **state)
{
  IA_AUTOV(ia_buf) base64 = {0};
  uint8_t back[32];
  unsigned before = reports();
  char hex[2 + 65] = "0x"; /* the prefix is no secret */

  (void)state;
  hide(secret, sizeof(secret));
  ia_hex(hex + 2, secret, sizeof(secret));
  ia_buf_base64(&base64, IA_SPAN_ARR(secret));
  bool read = ia_unhex(back, sizeof(back), ia_span_of(hex, 66));
  show(&read, sizeof(read));
  show(hex, sizeof(hex));
  show(back, sizeof(back));
  show(secret, sizeof(secret));
  assert_int_equal(reports(), before);
  assert_true(read);
  assert_memory_equal(back, secret, sizeof(back));
}

static void test_hashing(void **state)
{
  unsigned before = reports();
  ia_h256 hash;

  (void)state;
  hide(secret, sizeof(secret));
  ia_keccak256(&hash, IA_SPAN_ARR(secret));
  show(&hash, sizeof(hash));
  show(secret, sizeof(secret));
  assert_int_equal(reports(), before);
}

/* An early exit is what the others would be caught at. */
static __attribute__((noinline)) bool early_exit(const uint8_t *a, const uint8_t *b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (a[i] != b[i])
      return false;
  return true;
}

static void test_a_leak_is_seen(void **state)
{
  unsigned before = reports();

  (void)state;
  hide(secret, sizeof(secret));
  bool same = early_exit(secret, other, sizeof(secret));
  show(&same, sizeof(same));
  show(secret, sizeof(secret));
  assert_true(same);
  assert_true(!RUNNING_ON_VALGRIND || reports() > before);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_comparing),
      cmocka_unit_test(test_text_of_keys),
      cmocka_unit_test(test_hashing),
      cmocka_unit_test(test_a_leak_is_seen),
  };

  return cmocka_run_group_tests(tests, make, NULL);
}
