/* Shares of used nonces, pool by pool. */
#include "crypto/rsa.h"
#include "crypto/sha.h"
#include "receipt/record.h"
#include "sms_items.h"

static bool nonce_used(ia_sms *s, const ia_addr *pool, const ia_h256 *task, uint64_t now, ia_err *e)
{
  uint64_t expires;
  ia_h256 n;

  return ia_sms_nonce_new(s, &n, pool, task, "sim", "app", now, e) &&
         ia_sms_nonce_use(s, &n, task, "sim", "app", now, &expires, e);
}

/* A pool that uses all it gets is stopped by itself, not by the table. */
static void test_nonces_have_shares(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  const ia_addr greedy = {{1}}, other = {{2}}, third = {{3}};
  ia_h256 task = {{7}}, late, first;
  uint64_t now = 1000, expires;
  ia_err e = {0};
  size_t n = 0;

  (void)state;
  assert_true(ia_sms_nonce_new(b->sms, &first, &other, &task, "sim", "app", now, &e));
  while (nonce_used(b->sms, &greedy, &task, now, &e))
    n++;
  assert_int_equal(e.code, IA_E_NONCE_LIMIT);
  assert_int_equal(n, IA_SMS_NONCES_MAX / 2);
  assert_true(ia_sms_nonce_use(b->sms, &first, &task, "sim", "app", now, &expires, &e));
  assert_int_equal(expires, now + IA_NONCE_SECONDS);
  for (int i = 0; i < 100; i++)
    assert_true(nonce_used(b->sms, i % 2 ? &other : &third, &task, now, &e));
  assert_false(ia_sms_nonce_use(b->sms, &first, &task, "sim", "app", now, &expires, &e));
  /* of another task, stage, kind; too late; of another service */
  assert_true(ia_sms_nonce_new(b->sms, &late, &other, &task, "sim", "app", now, &e));
  task.b[0]++;
  assert_false(ia_sms_nonce_use(b->sms, &late, &task, "sim", "app", now, &expires, &e));
  task.b[0]--;
  assert_false(ia_sms_nonce_use(b->sms, &late, &task, "tdx", "app", now, &expires, &e));
  assert_false(ia_sms_nonce_use(b->sms, &late, &task, "sim", "post", now, &expires, &e));
  assert_false(
      ia_sms_nonce_use(b->sms, &late, &task, "sim", "app", now + IA_NONCE_SECONDS, &expires, &e));
  late.b[7]++;
  assert_false(ia_sms_nonce_use(b->sms, &late, &task, "sim", "app", now, &expires, &e));
  assert_int_equal(e.code, IA_E_NONCE_INVALID);
  /* what has expired makes room */
  assert_true(nonce_used(b->sms, &greedy, &task, now + IA_NONCE_SECONDS, &e));
  lab_close(b);
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nonces_have_shares),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
