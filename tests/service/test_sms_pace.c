/* How often a task gets its keys: three at once and then one more as time goes, and no more at all
 * after three runs in which the app failed by its own fault, as its enclaves stated. */
#include "receipt/run.h"
#include "service/sms/internal.h"
#include "sms_lab_guest.h"

struct enclave {
  ia_secp *secp;
  ia_secret key;
};

static struct lab *open_lab(struct enclave *x)
{
  struct lab *b = lab_of(1, 1);

  assert_true(ia_secp_new(&x->secp, NULL) && ia_secp_key_new(&x->key, NULL));
  assert_true(ia_secp_address(x->secp, &b->enclave, &x->key, NULL));
  return b;
}

static void close_lab(struct lab *b, struct enclave *x)
{
  ia_secp_free(x->secp);
  ia_secret_free(&x->key);
  lab_close(b);
}

/* A release, and what its enclave would state. */
static void release(struct lab *b, ia_run *run)
{
  struct evidence ev = {0};
  IA_AUTO_JSON *v = lab_release(b, &ev);

  if (!v)
    fail_msg("%s: %s", b->error, b->message);
  *run = (ia_run){.nonce = ev.nonce,
                  .pk_guest = b->pk,
                  .sms_key = b->w->pins.sms_key,
                  .exit_code = 1,
                  .started = ia_now(),
                  .ended = ia_now()};
  lab_descriptor(b, &run->desc);
  (void)snprintf(run->cause, sizeof(run->cause), "APP_COMPUTE_FAILED");
  evidence_free(&ev);
}

/* "counted", "not", or the code of the refusal. */
static const char *state_it(struct lab *b, const struct enclave *x, const ia_run *run)
{
  json_t *envelope = NULL;
  ia_err e = {0};

  if (!ia_run_sign(&envelope, run, x->secp, &x->key, &e))
    fail_msg("%s", e.msg);
  IA_AUTO_JSON *v = lab_post(b, "/attest/v1/ended", json_pack("{s:o}", "run", envelope));
  if (!v)
    return b->error;
  return json_is_true(json_object_get(v, "counted")) ? "counted" : "not";
}

/* -- the limit that time refills -- */

static void test_three_at_once(void **state)
{
  struct enclave x;
  struct lab *b = open_lab(&x);

  (void)state;
  for (int i = 0; i < 3; i++)
    assert_string_equal(lab_outcome(b), "OK");
  assert_string_equal(lab_outcome(b), "RELEASE_PACE");
  assert_non_null(strstr(b->message, "one more every 30 s"));
  /* not forgotten by a restart, and another lease is no way round */
  restart(b);
  b->w->f.lease.fencing++;
  w_lease_sign(b->w, W_POOL);
  assert_string_equal(lab_outcome(b), "RELEASE_PACE");
  close_lab(b, &x);
}

struct past {
  ia_h256 task;
  uint64_t seq, time;
};

static bool unit_past(void *ctx, ia_db *db, ia_err *e)
{
  static const ia_addr none;
  static const ia_h256 nil;
  IA_AUTOV(ia_entry) x = {0};
  const struct past *p = ctx;

  ia_entry_begin(&x, IA_J_RELEASE);
  ia_entry_u64(&x, p->seq);
  ia_entry_h256(&x, &p->task);
  ia_entry_addr(&x, &none);
  ia_entry_h256(&x, &nil);
  ia_entry_u64(&x, p->time);
  ia_entry_text(&x, ia_span_str("{}"));
  ia_entry_bytes(&x, ia_span_str("sig"));
  return ia_journal_put(db, &x, NULL, e);
}

static void test_time_refills_it(void **state)
{
  struct enclave x;
  struct lab *b = open_lab(&x);

  (void)state;
  for (uint64_t i = 0; i < 3; i++) {
    struct past p = {b->w->f.task_id, i + 1, ia_now() - 45};
    ia_err e = {0};

    if (!ia_sms_store_run(b->sms->store, unit_past, &p, &e))
      fail_msg("%s", e.msg);
  }
  assert_string_equal(lab_outcome(b), "OK");
  assert_string_equal(lab_outcome(b), "RELEASE_PACE");
  close_lab(b, &x);
}

/* -- runs that failed by the app's own fault -- */

static void test_three_failures_end_it(void **state)
{
  struct enclave x;
  struct lab *b = open_lab(&x);

  (void)state;
  for (int i = 0; i < 3; i++) {
    ia_run run;

    release(b, &run);
    assert_string_equal(state_it(b, &x, &run), "counted");
    assert_string_equal(state_it(b, &x, &run), "counted"); /* once, however often it is said */
  }
  assert_string_equal(lab_outcome(b), "RELEASE_LIMIT");
  restart(b);
  assert_string_equal(lab_outcome(b), "RELEASE_LIMIT");
  close_lab(b, &x);
}

static void test_one_statement_counts_once(void **state)
{
  struct enclave x;
  struct lab *b = open_lab(&x);
  ia_run run;

  (void)state;
  release(b, &run);
  for (int i = 0; i < 5; i++)
    assert_string_equal(state_it(b, &x, &run), "counted");
  assert_string_equal(lab_outcome(b), "OK");
  assert_string_equal(lab_outcome(b), "OK");
  assert_string_equal(lab_outcome(b), "RELEASE_PACE"); /* and not RELEASE_LIMIT */
  close_lab(b, &x);
}

static void test_whose_word_counts(void **state)
{
  struct enclave x, stranger;
  struct lab *b = open_lab(&x);
  ia_run run, other;

  (void)state;
  assert_true(ia_secp_new(&stranger.secp, NULL) && ia_secp_key_new(&stranger.key, NULL));
  release(b, &run);
  assert_string_equal(state_it(b, &stranger, &run), "FORBIDDEN");
  other = run;
  other.nonce.b[0] ^= 1;
  assert_string_equal(state_it(b, &x, &other), "FORBIDDEN");
  other = run;
  other.desc.task_id.b[0] ^= 1;
  assert_string_equal(state_it(b, &x, &other), "FORBIDDEN");
  /* what is not the app's fault, and what went well */
  static const char *const causes[] = {"PRE_COMPUTE_DATASET_DOWNLOAD_FAILED",
                                       "PRE_COMPUTE_DATASET_DECRYPTION_FAILED"};
  for (size_t i = 0; i < IA_COUNT(causes); i++) {
    other = run;
    (void)snprintf(other.cause, sizeof(other.cause), "%s", causes[i]);
    assert_string_equal(state_it(b, &x, &other), "not");
  }
  json_decref(lab_post(b, "/attest/v1/ended", json_pack("{s:{}}", "run")));
  assert_string_not_equal(b->error, "");
  json_decref(lab_post(b, "/attest/v1/ended", json_pack("{s:s}", "run", "no statement")));
  assert_string_not_equal(b->error, "");
  assert_string_equal(lab_outcome(b), "OK");
  ia_secp_free(stranger.secp);
  ia_secret_free(&stranger.key);
  close_lab(b, &x);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_three_at_once),
      cmocka_unit_test(test_time_refills_it),
      cmocka_unit_test(test_three_failures_end_it),
      cmocka_unit_test(test_one_statement_counts_once),
      cmocka_unit_test(test_whose_word_counts),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
