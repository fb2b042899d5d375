/* When it is judged: by the clock of the moment in which the decision is written down, over facts
 * that took no longer than they may. */
#include <time.h>

#include "receipt/record.h"
#include "sms_lab.h"
#include "sms_owner.h"

enum { SLOW_MS = 1200 };

/* What the ledger answers of the match comes late: the request began SLOW_MS before. */
static struct lab *late(void)
{
  struct lab *b = lab_of(1, 1);

  b->slow_ms = SLOW_MS;
  return b;
}

static void terms(struct lab *b, const char *clause, uint64_t time)
{
  char text[80];

  (void)!snprintf(text, sizeof(text), "{\"%s\":%llu,\"v\":1}", clause, (unsigned long long)time);
  lab_message(b, W_DATA, "policy", &b->w->dataset, 1, text);
  assert_string_equal(b->error, "");
}

static void test_a_policy_that_ends_meanwhile(void **state)
{
  struct lab *b = late();

  (void)state;
  terms(b, "expires", ia_now() + 1);
  assert_string_equal(lab_outcome(b), "POLICY_EXPIRED");
  lab_close(b);
}

/* The record tells the time of the decision, which is that of what it was judged by. */
static void test_a_policy_that_begins_meanwhile(void **state)
{
  struct lab *b = late();
  uint64_t begin = ia_now() + 1;
  struct evidence ev = {0};
  IA_AUTOV(ia_record) r = {0};
  const char *text;

  (void)state;
  terms(b, "notBefore", begin);
  IA_AUTO_JSON *v = lab_release(b, &ev);
  if (!v)
    fail_msg("%s: %s", b->error, b->message);
  assert_true(ia_json_get_str(v, "record", &text, NULL));
  assert_true(ia_record_parse(&r, ia_span_str(text), NULL));
  assert_true(r.time >= begin);
  evidence_free(&ev);
  lab_close(b);
}

static void test_a_lease_that_ends_meanwhile(void **state)
{
  struct lab *b = late();

  (void)state;
  b->w->f.lease.expires = ia_now() + 1;
  w_lease_sign(b->w, W_POOL);
  assert_string_equal(lab_outcome(b), "LEASE_INVALID");
  lab_close(b);
}

/* By the ledger's clock, which goes on as ours does. */
static void test_a_deadline_that_passes_meanwhile(void **state)
{
  struct lab *b = late();
  ia_descriptor d;

  (void)state;
  lab_descriptor(b, &d);
  b->w->f.task.contribution_deadline = b->head.time + 1;
  assert_string_equal(outcome_of(b, &d), "DEADLINE_PASSED");
  lab_close(b);
}

static void test_a_nonce_that_ends_meanwhile(void **state)
{
  struct lab *b = late();
  struct evidence ev = {0};
  ia_descriptor d;

  (void)state;
  lab_descriptor(b, &d);
  /* given out so long ago that a second of it is left */
  assert_true(ia_sms_nonce_new(b->sms, &ev.nonce, &b->w->who[W_POOL].addr, &b->w->f.task_id, "sim",
                               "app", ia_now() + 1 - IA_NONCE_SECONDS, NULL));
  lab_evidence(b, &d, &ev);
  json_decref(lab_post(b, "/attest/v1/release", lab_request(b, &ev)));
  assert_string_equal(b->error, "NONCE_INVALID");
  evidence_free(&ev);
  lab_close(b);
}

/* A ledger that takes its time is not waited for: the whole of it has one limit. */
static void test_gathering_facts_has_an_end(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_descriptor d;
  ia_h256 nonce;

  (void)state;
  lab_stop(b);
  b->c.gather_ms = 300;
  assert_true(lab_start(b, NULL));
  lab_descriptor(b, &d);
  b->slow_ms = 400;
  assert_string_equal(outcome_of(b, &d), "TIMEOUT");
  json_decref(lab_post(b, "/why/v1", json_pack("{s:o}", "taskId", ia_json_h256(&d.task_id))));
  assert_string_equal(b->error, "TIMEOUT");
  b->slow_task = true;
  assert_false(lab_challenge(b, &nonce));
  assert_string_equal(b->error, "TIMEOUT");
  lab_message(b, W_DATA, "policy", &b->w->dataset, 1, "{\"v\":1}");
  assert_string_equal(b->error, "TIMEOUT");
  assert_true(b->told > 0); /* and the ledger object knows until when it may ask */
  b->slow_ms = 0;
  assert_string_equal(outcome_of(b, &d), "OK");
  lab_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_policy_that_ends_meanwhile),
      cmocka_unit_test(test_a_policy_that_begins_meanwhile),
      cmocka_unit_test(test_a_lease_that_ends_meanwhile),
      cmocka_unit_test(test_a_deadline_that_passes_meanwhile),
      cmocka_unit_test(test_a_nonce_that_ends_meanwhile),
      cmocka_unit_test(test_gathering_facts_has_an_end),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
