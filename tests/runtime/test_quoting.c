/* Simulated quoting: keys once made stay, quotes verify against their own root and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "runtime/quoting.h"
#include "tee/sim.h"

static int setup(void **state)
{
  static char dir[32];

  (void)snprintf(dir, sizeof(dir), "/tmp/ia-quoting-XXXXXX");
  *state = mkdtemp(dir);
  return *state ? 0 : -1;
}

static int teardown(void **state)
{
  ia_err e;

  return ia_remove_tree(*state, &e) ? 0 : -1;
}

static void keys_stay(void **state)
{
  ia_h256 first, second;
  struct stat st;
  ia_path p;
  ia_err e = {0};

  for (int i = 0; i < 2; i++) {
    IA_AUTO(ia_quoting) *q = NULL;

    if (!ia_quoting_open(&q, *state, &e))
      fail_msg("%s", e.msg);
    ia_quoting_root(q, i ? &second : &first);
  }
  assert_true(ia_h256_eq(&first, &second));
  assert_true(ia_path_join(&p, &e, "%s/sim-root.key", (char *)*state));
  assert_int_equal(stat(p.s, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  /* a key that others can read is no key any more */
  assert_int_equal(chmod(p.s, 0644), 0);
  IA_AUTO(ia_quoting) *q = NULL;
  assert_false(ia_quoting_open(&q, *state, &e));
  assert_int_equal(e.code, IA_E_FORBIDDEN);
}

static void quotes_verify(void **state)
{
  IA_AUTO(ia_quoting) *q = NULL;
  IA_AUTOV(ia_buf) quote = {0};
  ia_h384 mr_td, rtmr3 = {{0}}, zero = {{0}};
  uint8_t digest[48] = {1}, report[64] = {2};
  ia_h256 root, other = {{3}};
  sim_evidence out;
  ia_err e = {0};

  assert_true(ia_quoting_open(&q, *state, &e));
  ia_quoting_root(q, &root);
  assert_true(ia_quoting_measure(&mr_td, "/proc/self/exe", &e));
  assert_true(ia_quoting_extend(&rtmr3, IA_SPAN_ARR(digest), &e));
  assert_memory_not_equal(rtmr3.b, zero.b, sizeof(zero.b));
  assert_false(ia_quoting_extend(&rtmr3, ia_span_of(digest, 47), &e));
  assert_true(ia_quoting_quote(q, &quote, &mr_td, &rtmr3, IA_SPAN_ARR(report), &e));
  ia_sim_trust trust = {&root, 1, &mr_td, 1, ia_now()};
  if (!ia_sim_verify(&out, ia_buf_view(&quote), &trust, &e))
    fail_msg("%s", e.msg);
  assert_memory_equal(out.sim_rtmr3.b, rtmr3.b, sizeof(rtmr3.b));
  assert_memory_equal(out.sim_report_data.b, report, sizeof(report));
  trust.roots = &other;
  assert_false(ia_sim_verify(&out, ia_buf_view(&quote), &trust, &e));
  assert_int_equal(e.code, IA_E_SIM_ROOT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(keys_stay, setup, teardown),
      cmocka_unit_test_setup_teardown(quotes_verify, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
