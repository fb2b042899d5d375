/* The blind that a sealed result's digests cover: for whom it is, and that it stays the same. */
#include "sms_items.h"

static struct lab *open_with_key(const char *params)
{
  struct lab *b = lab_open(params, IA_DOMAIN_SIM);

  assert_int_equal(lab_push_key(b, W_DATA), 204);
  return b;
}

/* The blind of a release; false: there is none. */
static bool blind_of(struct lab *b, ia_h256 *out)
{
  struct evidence ev = {0};
  IA_AUTO_JSON *v = lab_release(b, &ev);
  IA_AUTOV(ia_sealed_release) r = {0};
  ia_secret plain[4] = {0};
  bool found = false;

  if (!v)
    fail_msg("%s", b->error);
  lab_open_items(b, &ev, v, plain, &r);
  assert_string_equal(r.items[r.n - 1].name, "task");
  for (size_t i = 0; i < r.n; i++) {
    if (strcmp(r.items[i].name, IA_RELEASE_BLIND) == 0) {
      assert_int_equal(plain[i].len, sizeof(out->b));
      memcpy(out->b, plain[i].ptr, sizeof(out->b));
      found = true;
    }
    ia_secret_free(&plain[i]);
  }
  evidence_free(&ev);
  return found;
}

/* The same 32 bytes for every attempt of a task, also after a restart; others at another SMS. */
static void test_a_sealed_result_gets_its_blind(void **state)
{
  struct lab *b = open_with_key("{\"iexec_result_encryption\":true}");
  IA_AUTOV(ia_buf) key = lab_result_key();
  ia_h256 first, second, elsewhere;
  ia_err e = {0};

  (void)state;
  assert_int_equal(lab_push_result_key(b, "POST", ia_buf_view(&key)), 204);
  assert_true(blind_of(b, &first));
  lab_stop(b);
  if (!lab_start(b, &e))
    fail_msg("%s", e.msg);
  assert_true(blind_of(b, &second));
  assert_true(ia_h256_eq(&first, &second));
  assert_false(ia_h256_zero(&first));
  lab_close(b);

  b = open_with_key("{\"iexec_result_encryption\":true}");
  assert_int_equal(lab_push_result_key(b, "POST", ia_buf_view(&key)), 204);
  assert_true(blind_of(b, &elsewhere));
  assert_false(ia_h256_eq(&first, &elsewhere));
  lab_close(b);

  b = open_with_key(""); /* a result in clear: its digest is PoCo's own */
  assert_false(blind_of(b, &elsewhere));
  lab_close(b);
}

/* By task and domain, from the root alone. */
static void test_blinds_differ_by_task_and_domain(void **state)
{
  ia_sms_keys sim = {.domain = IA_DOMAIN_SIM}, hw = {.domain = IA_DOMAIN_HW};
  IA_AUTOV(ia_secret) a = {0}, again = {0}, other = {0}, real = {0};
  ia_h256 one = {{1}}, two = {{2}};
  uint8_t root[32] = {7};

  (void)state;
  assert_true(ia_secret_copy(&sim.blind, IA_SPAN_ARR(root), NULL));
  assert_true(ia_secret_copy(&hw.blind, IA_SPAN_ARR(root), NULL));
  assert_true(ia_sms_result_blind(&a, &sim, &one, NULL));
  assert_true(ia_sms_result_blind(&again, &sim, &one, NULL));
  assert_true(ia_sms_result_blind(&other, &sim, &two, NULL));
  assert_true(ia_sms_result_blind(&real, &hw, &one, NULL));
  assert_int_equal(a.len, 32);
  assert_memory_equal(a.ptr, again.ptr, 32);
  assert_memory_not_equal(a.ptr, other.ptr, 32);
  assert_memory_not_equal(a.ptr, real.ptr, 32);
  ia_sms_keys_free(&sim);
  ia_sms_keys_free(&hw);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_sealed_result_gets_its_blind),
      cmocka_unit_test(test_blinds_differ_by_task_and_domain),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
