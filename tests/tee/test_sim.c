/* Simulated quotes: what their verifier demands, and that each check of real hardware refuses them
 * by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crypto/sha.h"
#include "tee/hw.h"
#include "tee/sim.h"

enum { NOW = 1780272000 };

struct bench {
  ia_simpki *pki;
  ia_h256 root;
  ia_sim_claims claims;
  ia_sim_trust trust;
};

static int setup(void **state)
{
  struct bench *b = calloc(1, sizeof(*b));

  assert_non_null(b);
  assert_true(ia_simpki_new(&b->pki, NOW, NULL));
  assert_true(ia_simpki_root_digest(&b->root, b->pki, NULL));
  memset(b->claims.mr_td.b, 1, 48);
  memset(b->claims.rtmr3.b, 2, 48);
  memset(b->claims.report_data.b, 3, 64);
  b->trust = (ia_sim_trust){&b->root, 1, &b->claims.mr_td, 1, NOW};
  *state = b;
  return 0;
}

static int teardown(void **state)
{
  struct bench *b = *state;

  ia_simpki_free(b->pki);
  free(b);
  return 0;
}

static void make(struct bench *b, ia_buf *quote)
{
  assert_true(ia_sim_quote(quote, b->pki, &b->claims, NULL));
}

static void refused(const ia_buf *quote, const ia_sim_trust *trust, ia_code code)
{
  sim_evidence ev;
  ia_err e = {0};

  assert_false(ia_sim_verify(&ev, ia_buf_view(quote), trust, &e));
  assert_string_equal(ia_code_name(e.code), ia_code_name(code));
}

static void test_own_quote_verifies(void **state)
{
  struct bench *b = *state;
  IA_AUTOV(ia_buf) q = {0};
  sim_evidence ev;
  ia_err e = {0};

  make(b, &q);
  if (!ia_sim_verify(&ev, ia_buf_view(&q), &b->trust, &e))
    fail_msg("%s", e.msg);
  assert_memory_equal(ev.sim_mr_td.b, b->claims.mr_td.b, 48);
  assert_memory_equal(ev.sim_rtmr3.b, b->claims.rtmr3.b, 48);
  assert_memory_equal(ev.sim_report_data.b, b->claims.report_data.b, 64);
  assert_true(ia_h256_eq(&ev.sim_root, &b->root));
}

static void test_names_identify_nobody(void **state)
{
  struct bench *b = *state, *other = NULL;
  IA_AUTOV(ia_buf) q = {0};

  /* another installation: the same names, another root */
  setup((void **)&other);
  make(other, &q);
  refused(&q, &b->trust, IA_E_SIM_ROOT);
  b->trust.n_roots = 0;
  ia_buf_clear(&q);
  make(b, &q);
  refused(&q, &b->trust, IA_E_SIM_ROOT);
  teardown((void **)&other);
}

static void test_unknown_guest_and_time(void **state)
{
  struct bench *b = *state;
  IA_AUTOV(ia_buf) q = {0};
  ia_sim_trust t = b->trust;
  ia_h384 other = {{9}};

  make(b, &q);
  t.guests = &other;
  refused(&q, &t, IA_E_GUEST_UNKNOWN);
  t = b->trust;
  t.now = NOW - 2 * 86400;
  refused(&q, &t, IA_E_CHAIN);
  t.now = NOW + 21ULL * 365 * 86400;
  refused(&q, &t, IA_E_CHAIN);
}

/* Offsets of the TDX version 4 layout. */
static void test_every_region_is_judged(void **state)
{
  static const struct {
    size_t off;
    ia_code code;
  } at[] = {
      {0x0c, IA_E_SIM_QUOTE},                     /* vendor id */
      {0x1c, IA_E_QUOTE_SIG},                     /* user data */
      {0x30 + 0x10, IA_E_SIM_QUOTE},              /* MRSEAM */
      {0x30 + 0x78, IA_E_SIM_QUOTE},              /* DEBUG */
      {0x30 + 0x79, IA_E_SIM_QUOTE},              /* another attribute */
      {0x30 + 0x80, IA_E_QUOTE_SIG},              /* XFAM */
      {0x30 + 0x88, IA_E_QUOTE_SIG},              /* MRTD */
      {0x30 + 0xb8, IA_E_SIM_QUOTE},              /* MRCONFIGID */
      {0x30 + 0x148, IA_E_SIM_QUOTE},             /* RTMR0 */
      {0x30 + 0x1d8, IA_E_QUOTE_SIG},             /* RTMR3 */
      {0x30 + 0x208, IA_E_QUOTE_SIG},             /* REPORTDATA */
      {636, IA_E_QUOTE_SIG},                      /* signature */
      {636 + 64, IA_E_QUOTE_SIG},                 /* attestation key */
      {636 + 134 + 0x140, IA_E_QUOTE_SIG},        /* QE report data */
      {636 + 134 + 0x40, IA_E_QUOTE_SIG},         /* MRENCLAVE of the QE */
      {636 + 134 + 384, IA_E_QUOTE_SIG},          /* its signature */
      {636 + 134 + 384 + 64 + 2, IA_E_QUOTE_SIG}, /* QE auth data */
  };
  struct bench *b = *state;
  IA_AUTOV(ia_buf) q = {0};

  make(b, &q);
  for (size_t i = 0; i < IA_COUNT(at); i++) {
    q.ptr[at[i].off] ^= 1;
    refused(&q, &b->trust, at[i].code);
    q.ptr[at[i].off] ^= 1;
  }
}

/* Each barrier of docs/release.md 5 (5) holds when all others are looked away from. */
static void test_each_hardware_check_refuses_it_alone(void **state)
{
  struct bench *b = *state;
  IA_AUTOV(ia_buf) buf = {0};
  ia_err e = {0};
  hw_evidence hw;
  ia_quote q;

  make(b, &buf);
  assert_true(ia_quote_parse(&q, ia_buf_view(&buf), NULL));
  assert_false(ia_hw_check_vendor(&q, &e));
  assert_int_equal(e.code, IA_E_QE_VENDOR);
  assert_false(ia_hw_check_debug(&q, &e));
  assert_int_equal(e.code, IA_E_TD_DEBUG);
  assert_false(ia_hw_check_root(&q, &e));
  assert_int_equal(e.code, IA_E_CHAIN_ROOT);
  assert_false(ia_hw_check_extensions(&q, &e));
  assert_int_equal(e.code, IA_E_CHAIN);
  assert_non_null(strstr(e.msg, "critical"));
  assert_false(ia_hw_verify(&hw, ia_buf_view(&buf), &e));
  assert_int_equal(e.code, IA_E_QE_VENDOR);
}

static void test_keys_survive_export(void **state)
{
  struct bench *b = *state;
  IA_AUTOV(ia_buf) certs = {0}, keys = {0}, q = {0};
  IA_AUTO(ia_simpki) *again = NULL;
  ia_h256 root;
  sim_evidence ev;

  assert_true(ia_simpki_export(b->pki, &certs, &keys, NULL));
  assert_true(ia_simpki_import(&again, ia_buf_view(&certs), ia_buf_view(&keys), NULL));
  assert_true(ia_sim_quote(&q, again, &b->claims, NULL));
  assert_true(ia_sim_verify(&ev, ia_buf_view(&q), &b->trust, NULL));
  assert_true(ia_sim_root_digest_pem(&root, ia_buf_view(&certs), NULL));
  assert_true(ia_h256_eq(&root, &b->root));
  struct bench *other = NULL;
  setup((void **)&other);
  IA_AUTOV(ia_buf) certs2 = {0}, keys2 = {0};
  IA_AUTO(ia_simpki) *mixed = NULL;
  assert_true(ia_simpki_export(other->pki, &certs2, &keys2, NULL));
  assert_false(ia_simpki_import(&mixed, ia_buf_view(&certs), ia_buf_view(&keys2), NULL));
  teardown((void **)&other);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_own_quote_verifies, setup, teardown),
      cmocka_unit_test_setup_teardown(test_names_identify_nobody, setup, teardown),
      cmocka_unit_test_setup_teardown(test_unknown_guest_and_time, setup, teardown),
      cmocka_unit_test_setup_teardown(test_every_region_is_judged, setup, teardown),
      cmocka_unit_test_setup_teardown(test_each_hardware_check_refuses_it_alone, setup, teardown),
      cmocka_unit_test_setup_teardown(test_keys_survive_export, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
