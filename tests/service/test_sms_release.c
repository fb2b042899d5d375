/* The attested release over a socket: a guest gets its keys once and for nothing that is wrong, and
 * what is remembered stays remembered. */
#include "crypto/rsa.h"
#include "crypto/sha.h"
#include "receipt/record.h"
#include "sms_items.h"
#include "sms_owner.h"

#define ASSERT_OUTCOME(b, code) assert_string_equal(lab_outcome(b), code)

static struct lab *with_key(const char *params)
{
  struct lab *b = lab_open(params, IA_DOMAIN_SIM);

  assert_int_equal(lab_push_key(b, W_DATA), 204);
  return b;
}

static void check_record(struct lab *b, const json_t *v, const struct evidence *ev)
{
  const char *text;
  IA_AUTOV(ia_buf) sig = {0};
  IA_AUTOV(ia_record) rec = {0};

  assert_true(ia_json_get_str(v, "record", &text, NULL));
  assert_true(ia_json_get_hex(v, "recordSig", &sig, NULL));
  assert_true(ia_text_verify(IA_DOMAIN_SIM, IA_RECORD_LABEL, ia_span_str(text), sig.ptr,
                             &b->w->pins.sms_key, NULL));
  assert_true(ia_record_parse(&rec, ia_span_str(text), NULL));
  assert_true(ia_h256_eq(&rec.evidence_hash, &ev->hash));
  assert_true(ia_h256_eq(&rec.task_id, &b->w->f.task_id));
  assert_true(ia_addr_eq(&rec.enclave, &b->enclave));
  assert_int_equal(rec.seq, 1);
  assert_int_equal(rec.attempt, 1);
  assert_true(ia_addr_eq(&rec.pool_owner, &b->w->who[W_POOL].addr));
  assert_true(rec.pool_proven);
  assert_int_equal(rec.signing[IA_ORDER_WORKERPOOL], IA_SIGNING_KEY);
  assert_int_equal(rec.datasets[0].signing, IA_SIGNING_KEY);
}

static void test_a_guest_gets_its_keys(void **state)
{
  struct lab *b = with_key("{\"iexec_args\":\"one 'two three'\",\"iapp_purpose\":\"research\"}");
  struct evidence ev = {0};
  IA_AUTO_JSON *v = lab_release(b, &ev), *task = NULL;
  IA_AUTOV(ia_sealed_release) r = {0};
  ia_secret plain[4] = {0};

  (void)state;
  if (!v)
    fail_msg("%s", b->error);
  lab_open_items(b, &ev, v, plain, &r);
  assert_int_equal(r.n, 2);
  assert_memory_equal(r.items[0].name, "dataset-key/0x", 14);
  assert_true(
      ia_span_is(ia_secret_view(&plain[0]), "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s="));
  assert_string_equal(r.items[1].name, "task");
  task = ia_json_parse(ia_secret_view(&plain[1]), 0, NULL);
  assert_non_null(task);
  assert_int_equal(json_array_size(json_object_get(task, "argv")), 2);
  assert_string_equal(json_string_value(json_object_get(task, "purpose")), "research");
  assert_string_equal(json_string_value(json_object_get(task, "logs")), "none");
  assert_string_equal(json_string_value(json_object_get(task, "worker")),
                      ia_addr_lower(&b->w->who[W_WORKER].addr).s);
  check_record(b, v, &ev);
  ia_secret_free(&plain[0]);
  ia_secret_free(&plain[1]);
  evidence_free(&ev);
  lab_close(b);
}

static void test_no_key_no_release(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);

  (void)state;
  ASSERT_OUTCOME(b, "SECRET_MISSING");
  lab_close(b);
}

static void test_nonces_are_used_once(void **state)
{
  struct lab *b = with_key("");
  struct evidence ev = {0};
  IA_AUTO_JSON *v = lab_release(b, &ev);

  (void)state;
  assert_non_null(v);
  json_decref(lab_post(b, "/attest/v1/release", lab_request(b, &ev)));
  assert_string_equal(b->error, "NONCE_INVALID");
  ev.nonce.b[0] ^= 1;
  json_decref(lab_post(b, "/attest/v1/release", lab_request(b, &ev)));
  assert_string_equal(b->error, "NONCE_INVALID");
  for (int i = 0; i < 100; i++) /* asking takes nothing away from anybody */
    assert_true(lab_challenge(b, &ev.nonce));
  evidence_free(&ev);
  lab_close(b);
}

static void test_leases(void **state)
{
  struct lab *b = with_key("");
  ia_h256 nonce;

  (void)state;
  w_lease_sign(b->w, W_USER);
  assert_false(lab_challenge(b, &nonce));
  assert_string_equal(b->error, "LEASE_INVALID");
  w_lease_sign(b->w, W_POOL);
  ASSERT_OUTCOME(b, "OK");
  b->w->f.lease.fencing = 1;
  w_lease_sign(b->w, W_POOL);
  assert_false(lab_challenge(b, &nonce));
  assert_string_equal(b->error, "LEASE_FENCED");
  b->w->f.lease.fencing = 2;
  b->w->f.lease.worker = b->w->who[W_USER].addr;
  w_lease_sign(b->w, W_POOL);
  assert_false(lab_challenge(b, &nonce));
  assert_string_equal(b->error, "LEASE_FENCED");
  lab_close(b);
}

/* A lie in the evidence, each with its name. */
static void lie(struct lab *b, void (*tell)(struct lab *, ia_descriptor *), const char *code)
{
  struct evidence ev = {0};
  ia_descriptor d;

  assert_true(lab_challenge(b, &ev.nonce));
  lab_descriptor(b, &d);
  if (tell)
    tell(b, &d);
  lab_evidence(b, &d, &ev);
  json_decref(lab_post(b, "/attest/v1/release", lab_request(b, &ev)));
  assert_string_equal(b->error, code);
  evidence_free(&ev);
}

static void another_requester(struct lab *b, ia_descriptor *d)
{
  (void)b;
  d->requester.b[0] ^= 1;
}

static void another_build(struct lab *b, ia_descriptor *d)
{
  (void)d;
  b->guest.b[0] ^= 1;
}

static void test_evidence(void **state)
{
  struct lab *b = with_key("");
  struct evidence ev = {0};
  ia_simpki *own = b->pki;
  ia_descriptor d;

  (void)state;
  lie(b, another_requester, "REPORT_DATA");
  lie(b, another_build, "GUEST_UNKNOWN");
  b->guest.b[0] ^= 1;
  assert_true(ia_simpki_new(&b->pki, ia_now(), NULL));
  lie(b, NULL, "SIM_ROOT");
  ia_simpki_free(b->pki);
  b->pki = own;
  /* evidence of another key: the sealed answer would be useless, and is not given */
  assert_true(lab_challenge(b, &ev.nonce));
  lab_descriptor(b, &d);
  lab_evidence(b, &d, &ev);
  b->pk.b[0] ^= 1;
  json_decref(lab_post(b, "/attest/v1/release", lab_request(b, &ev)));
  assert_string_equal(b->error, "REPORT_DATA");
  b->pk.b[0] ^= 1;
  evidence_free(&ev);
  ASSERT_OUTCOME(b, "OK");
  lab_close(b);
}

static void test_policy_and_revocation(void **state)
{
  struct lab *b = with_key("");

  (void)state;
  lab_message(b, W_USER, "policy", &b->w->dataset, 1, "{\"v\":1}");
  assert_string_equal(b->error, "UNAUTHORIZED");
  lab_message(b, W_DATA, "policy", &b->w->dataset, 1, "{\"nonsense\":1,\"v\":1}");
  assert_string_equal(b->error, "POLICY_UNKNOWN");
  lab_message(b, W_DATA, "policy", &b->w->dataset, 5, "{\"purposes\":[\"x\"],\"v\":1}");
  assert_string_equal(b->error, "");
  ASSERT_OUTCOME(b, "POLICY_PURPOSE");
  lab_message(b, W_DATA, "policy", &b->w->dataset, 4, "{\"v\":1}");
  assert_string_equal(b->error, "POLICY_ROLLBACK");
  lab_message(b, W_DATA, "policy", &b->w->dataset, 5, "{\"v\":1}");
  assert_string_equal(b->error, "POLICY_ROLLBACK");
  lab_message(b, W_DATA, "policy", &b->w->dataset, 6, "{\"runs\":{\"total\":1},\"v\":1}");
  ASSERT_OUTCOME(b, "OK");
  ASSERT_OUTCOME(b, "OK"); /* the same task again is no second run */
  lab_message(b, W_DATA, "revoke", &b->w->dataset, 1, "{\"all\":true}");
  assert_string_equal(b->error, "");
  lab_message(b, W_DATA, "revoke", &b->w->dataset, 1, "{\"all\":true}"); /* idempotent */
  assert_string_equal(b->error, "");
  ASSERT_OUTCOME(b, "REVOKED");
  lab_close(b);
}

static void add_event(struct lab *b, ia_sms_event_kind kind, const ia_h256 *id, uint64_t block)
{
  b->events[b->n_events++] = (ia_sms_event){.kind = kind, .id = *id, .block = block};
  lab_head(b, block);
}

static void test_a_close_bars_later_deals_alone(void **state)
{
  struct lab *b = with_key("");
  ia_h256 order;

  (void)state;
  ia_order_hash(&order, &b->w->separator, IA_ORDER_DATASET, &b->w->f.match.dataset);
  add_event(b, IA_SMS_MATCHED, &b->w->f.task.dealid, 9);
  add_event(b, IA_SMS_CLOSED, &order, 10);
  ASSERT_OUTCOME(b, "OK");
  lab_close(b);

  b = with_key("");
  ia_order_hash(&order, &b->w->separator, IA_ORDER_DATASET, &b->w->f.match.dataset);
  add_event(b, IA_SMS_CLOSED, &order, 9);
  add_event(b, IA_SMS_MATCHED, &b->w->f.task.dealid, 10);
  ASSERT_OUTCOME(b, "ORDER_CLOSED");
  /* a ledger that never shows the close again does not open it */
  b->n_events = 0;
  lab_stop(b);
  assert_true(lab_start(b, NULL));
  ASSERT_OUTCOME(b, "ORDER_CLOSED");
  lab_close(b);
}

/* Of whichever order: a CLOSE is its signer's last word on it. */
static void test_every_kind_of_order_is_closed(void **state)
{
  (void)state;
  for (int k = 0; k < IA_ORDER_KINDS; k++) {
    struct lab *b = with_key("");
    const ia_match *m = &b->w->f.match;
    const void *order[IA_ORDER_KINDS] = {&m->app, &m->dataset, &m->workerpool, &m->request};
    ia_h256 hash;

    ia_order_hash(&hash, &b->w->separator, (ia_order_kind)k, order[k]);
    add_event(b, IA_SMS_CLOSED, &hash, 9);
    add_event(b, IA_SMS_MATCHED, &b->w->f.task.dealid, 10);
    ASSERT_OUTCOME(b, "ORDER_CLOSED");
    lab_close(b);
  }
}

static void test_a_changed_past_stops_everything(void **state)
{
  struct lab *b = with_key("");

  (void)state;
  ASSERT_OUTCOME(b, "OK");
  b->past_changed = true;
  lab_head(b, 9);
  ASSERT_OUTCOME(b, "LEDGER_ROLLBACK");
  b->past_changed = false; /* the old past again: still stopped, the operator decides */
  lab_head(b, 9);
  ASSERT_OUTCOME(b, "LEDGER_ROLLBACK");
  assert_true(ia_sms_confirm_ledger(&(ia_sms_operator){b->dir, &b->pass, true}, NULL));
  ASSERT_OUTCOME(b, "OK");
  lab_head(b, 3); /* a shorter chain is another past as well */
  b->w->f.match_block = 2;
  ASSERT_OUTCOME(b, "LEDGER_ROLLBACK");
  lab_close(b);
}

/* Blocks without events are remembered while the service runs: a sale may have stood there. */
static void test_quiet_blocks_are_remembered(void **state)
{
  struct lab *b = with_key("");

  (void)state;
  ASSERT_OUTCOME(b, "OK");
  lab_head(b, 20);
  ASSERT_OUTCOME(b, "OK");
  b->past_changed = true;
  b->lies_from = 15; /* above the block that the store holds */
  lab_head(b, 21);
  ASSERT_OUTCOME(b, "LEDGER_ROLLBACK");
  lab_close(b);
}

static struct lab *on_a_chain(uint64_t reorg_depth)
{
  struct lab *b = with_key("");
  ia_err e = {0};

  lab_stop(b);
  b->c.reorg_depth = reorg_depth;
  lab_head(b, 20);
  if (!lab_start(b, &e))
    fail_msg("%s", e.msg);
  return b;
}

/* On a chain of others the last blocks may change; what lies deeper may not. */
static void test_the_end_of_a_chain_may_change(void **state)
{
  struct lab *b = on_a_chain(6);

  (void)state;
  ASSERT_OUTCOME(b, "OK");
  b->past_changed = true;
  b->lies_from = 15;
  lab_head(b, 20);
  ASSERT_OUTCOME(b, "OK");
  lab_head(b, 12); /* a node that is behind stops nothing for good */
  ASSERT_OUTCOME(b, "UNAVAILABLE");
  lab_head(b, 21);
  ASSERT_OUTCOME(b, "OK");
  b->past_changed = false; /* block 15 is deep enough now */
  lab_head(b, 22);
  ASSERT_OUTCOME(b, "LEDGER_ROLLBACK");
  lab_close(b);
}

static void test_what_was_rewritten_is_read_again(void **state)
{
  struct lab *b = on_a_chain(6);
  ia_sms_ledger l;
  ia_h256 hash;
  ia_err e = {0};

  (void)state;
  assert_true(lb_make(b, &l, NULL, &e));
  assert_true(ia_sms_catch_up(b->sms, &l, &e));
  ia_order_hash(&hash, &b->w->separator, IA_ORDER_DATASET, &b->w->f.match.dataset);
  add_event(b, IA_SMS_CLOSED, &hash, 16);
  add_event(b, IA_SMS_MATCHED, &b->w->f.task.dealid, 17);
  assert_true(ia_sms_catch_up(b->sms, &l, &e)); /* the same head: nothing is read */
  b->past_changed = true;
  b->lies_from = 15;
  lab_head(b, 20);
  ASSERT_OUTCOME(b, "ORDER_CLOSED");
  lab_close(b);
}

static void test_result_keys_keep_their_time(void **state)
{
  struct lab *b = with_key("{\"iexec_result_encryption\":true}");
  IA_AUTOV(ia_buf) key = lab_result_key();

  (void)state;
  ASSERT_OUTCOME(b, "RESULT_KEY_MISSING");
  /* pushed after the deal was seen: it is not for this deal (a second later, by the clock) */
  usleep(1100 * 1000);
  assert_int_equal(lab_push_result_key(b, "POST", ia_buf_view(&key)), 204);
  ASSERT_OUTCOME(b, "RESULT_KEY_MISSING");
  lab_close(b);
}

static ia_h256 key_of_record(struct lab *b)
{
  IA_AUTO_JSON *v = lab_release(b, NULL);
  IA_AUTOV(ia_record) rec = {0};
  const char *text;

  if (!v)
    fail_msg("%s", b->error);
  assert_true(ia_json_get_str(v, "record", &text, NULL));
  assert_true(ia_record_parse(&rec, ia_span_str(text), NULL));
  return rec.result_key_hash;
}

/* The key of the time at which the deal was first seen, whatever is put in its place later; the
 * record says which. */
static void test_a_replaced_result_key_is_not_for_older_deals(void **state)
{
  struct lab *b = with_key("{\"iexec_result_encryption\":true}");
  IA_AUTOV(ia_buf) first = lab_result_key(), second = lab_result_key();
  ia_h256 want, got;

  (void)state;
  ia_sha256(&want, ia_buf_view(&first));
  assert_int_equal(lab_push_result_key(b, "POST", ia_buf_view(&first)), 204);
  got = key_of_record(b);
  assert_true(ia_h256_eq(&got, &want));
  usleep(1100 * 1000); /* a second later, by the clock */
  assert_int_equal(lab_push_result_key(b, "PUT", ia_buf_view(&second)), 204);
  got = key_of_record(b);
  assert_true(ia_h256_eq(&got, &want));
  lab_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_guest_gets_its_keys),
      cmocka_unit_test(test_no_key_no_release),
      cmocka_unit_test(test_nonces_are_used_once),
      cmocka_unit_test(test_leases),
      cmocka_unit_test(test_evidence),
      cmocka_unit_test(test_policy_and_revocation),
      cmocka_unit_test(test_a_close_bars_later_deals_alone),
      cmocka_unit_test(test_every_kind_of_order_is_closed),
      cmocka_unit_test(test_a_changed_past_stops_everything),
      cmocka_unit_test(test_quiet_blocks_are_remembered),
      cmocka_unit_test(test_the_end_of_a_chain_may_change),
      cmocka_unit_test(test_what_was_rewritten_is_read_again),
      cmocka_unit_test(test_result_keys_keep_their_time),
      cmocka_unit_test(test_a_replaced_result_key_is_not_for_older_deals),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
