/* What the SMS remembers and proves over its own store: counted grants, orders that are not in
 * the call data, and what is durable when it dies. */
#include <sys/wait.h>

#include "receipt/record.h"
#include "sms_lab.h"
#include "sms_owner.h"

#define ASSERT_OUTCOME(b, code) assert_string_equal(lab_outcome(b), code)

static bool unit_yesterday(void *ctx, ia_db *db, ia_err *e)
{
  (void)ctx;
  return ia_db_exec(db, "UPDATE release SET time = time - 86400", e);
}

/* What was released was released a day before. */
static void yesterday(struct lab *b)
{
  assert_true(ia_sms_store_run(b->sms->store, unit_yesterday, NULL, NULL));
}

/* -- counted -- */
static void test_a_grant_counts_tasks_not_attempts(void **state)
{
  struct lab *b = lab_of(3, 2);

  (void)state;
  ASSERT_OUTCOME(b, "OK");
  ASSERT_OUTCOME(b, "OK");
  nth(b, 1);
  ASSERT_OUTCOME(b, "OK");
  nth(b, 2);
  ASSERT_OUTCOME(b, "VOLUME_SPENT");
  restart(b);
  ASSERT_OUTCOME(b, "VOLUME_SPENT");
  nth(b, 0);
  ASSERT_OUTCOME(b, "OK");
  lab_close(b);
}

struct asker {
  struct lab *b;
  json_t *body;
  char outcome[64];
};

static void *ask(void *arg)
{
  struct asker *a = arg;
  IA_AUTO(ia_http) *http = NULL;
  char url[128];
  ia_err e = {0};

  (void)!snprintf(url, sizeof(url), "%s/attest/v1/release", ia_server_url(a->b->f.server));
  bool ok = ia_http_new(&http, NULL, &e) && ia_http_json(http, NULL, "POST", url, a->body, &e);
  (void)!snprintf(a->outcome, sizeof(a->outcome), "%s", ok ? "OK" : ia_code_name(e.code));
  return NULL;
}

/* Two tasks for one run at the same moment: one of them gets it. */
static void test_two_at_once_share_no_last_run(void **state)
{
  struct lab *b = lab_of(2, 1);
  struct asker a[2] = {{.b = b}, {.b = b}};
  pthread_t t[2];

  (void)state;
  for (uint64_t i = 0; i < 2; i++) {
    struct evidence ev = {0};
    ia_descriptor d;

    nth(b, i);
    assert_true(lab_challenge(b, &ev.nonce));
    lab_descriptor(b, &d);
    lab_evidence(b, &d, &ev);
    a[i].body = lab_request(b, &ev);
    evidence_free(&ev);
  }
  for (int i = 0; i < 2; i++)
    assert_int_equal(pthread_create(&t[i], NULL, ask, &a[i]), 0);
  for (int i = 0; i < 2; i++) {
    pthread_join(t[i], NULL);
    json_decref(a[i].body);
  }
  bool first = strcmp(a[0].outcome, "OK") == 0;
  assert_string_equal(a[first ? 0 : 1].outcome, "OK");
  assert_string_equal(a[first ? 1 : 0].outcome, "VOLUME_SPENT");
  lab_close(b);
}

static void test_a_refusal_spends_nothing(void **state)
{
  struct lab *b = lab_of(2, 1);

  (void)state;
  b->guest.b[0] ^= 1;
  b->c.guests = NULL; /* what lab_evidence claims is on no list */
  b->c.n_guests = 0;
  restart(b);
  ASSERT_OUTCOME(b, "GUEST_UNKNOWN");
  b->c.guests = &b->guest;
  b->c.n_guests = 1;
  restart(b);
  nth(b, 1);
  ASSERT_OUTCOME(b, "OK");
  lab_close(b);
}

static void test_budgets(void **state)
{
  struct lab *b = lab_of(3, 10);

  (void)state;
  lab_message(b, W_DATA, "policy", &b->w->dataset, 1,
              "{\"runs\":{\"daily\":1,\"total\":2},\"v\":1}");
  ASSERT_OUTCOME(b, "OK");
  ASSERT_OUTCOME(b, "OK");
  nth(b, 1);
  ASSERT_OUTCOME(b, "POLICY_BUDGET");
  yesterday(b);
  ASSERT_OUTCOME(b, "OK");
  yesterday(b);
  nth(b, 2);
  ASSERT_OUTCOME(b, "POLICY_BUDGET"); /* two in all */
  restart(b);
  ASSERT_OUTCOME(b, "POLICY_BUDGET");
  lab_message(b, W_DATA, "policy", &b->w->dataset, 2, "{\"runs\":{\"total\":3},\"v\":1}");
  ASSERT_OUTCOME(b, "OK");
  lab_close(b);
}

/* Every clause of this version over the wire, each with its own name. */
static void test_clauses(void **state)
{
  static const struct {
    const char *policy, *code;
  } rows[] = {
      {"{\"expires\":1,\"v\":1}", "POLICY_EXPIRED"},
      {"{\"notBefore\":4102444800,\"v\":1}", "POLICY_EXPIRED"},
      {"{\"requesters\":[\"0x1111111111111111111111111111111111111111\"],\"v\":1}",
       "POLICY_REQUESTER"},
      {"{\"purposes\":[\"research\"],\"v\":1}", "POLICY_PURPOSE"},
      {"{\"runs\":{\"total\":0},\"v\":1}", "POLICY_BUDGET"},
      {"{\"plainResult\":false,\"v\":1}", "POLICY_RESULT"},
      {"{\"expires\":4102444800,\"v\":1}", "OK"},
  };
  struct lab *b = lab_of(1, 1);

  (void)state;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    lab_message(b, W_DATA, "policy", &b->w->dataset, i + 1, rows[i].policy);
    assert_string_equal(b->error, "");
    ASSERT_OUTCOME(b, rows[i].code);
    /* the terms themselves are for the owner's log */
    if (b->error[0])
      assert_non_null(strstr(b->message, "refused by the owner's policy"));
  }
  lab_close(b);
}

static void revoke_order(struct lab *b, ia_order_kind kind, int who, uint64_t version, bool another)
{
  const ia_match *m = &b->w->f.match;
  const void *order[] = {&m->app, &m->dataset};
  char body[128];
  ia_h256 h;

  ia_order_hash(&h, &b->w->separator, kind, order[kind]);
  h.b[0] ^= another;
  (void)!snprintf(body, sizeof(body), "{\"orders\":[\"%s\"]}", ia_h256_text(&h).s);
  lab_message(b, who, "revoke", kind == IA_ORDER_APP ? &b->w->app : &b->w->dataset, version, body);
  assert_string_equal(b->error, "");
}

static void test_revoked_orders(void **state)
{
  (void)state;
  for (int k = IA_ORDER_APP; k <= IA_ORDER_DATASET; k++) {
    int who = k == IA_ORDER_APP ? W_APP : W_DATA;
    struct lab *b = lab_of(1, 1);

    revoke_order(b, (ia_order_kind)k, who, 1, true);
    ASSERT_OUTCOME(b, "OK");
    revoke_order(b, (ia_order_kind)k, who, 2, false);
    ASSERT_OUTCOME(b, "REVOKED");
    /* final: no later message takes it back */
    revoke_order(b, (ia_order_kind)k, who, 3, true);
    restart(b);
    ASSERT_OUTCOME(b, "REVOKED");
    lab_close(b);
  }
}

/* How the record of a release says that the owner stands behind the dataset order. */
static ia_order_signing signing_of_record(struct lab *b, const ia_descriptor *d)
{
  struct evidence ev = {0};
  IA_AUTOV(ia_record) r = {0};
  IA_AUTO_JSON *v = NULL;
  const char *text;

  assert_true(lab_challenge(b, &ev.nonce));
  lab_evidence(b, d, &ev);
  v = lab_post(b, "/attest/v1/release", lab_request(b, &ev));
  evidence_free(&ev);
  assert_true(ia_json_get_str(v, "record", &text, NULL));
  assert_true(ia_record_parse(&r, ia_span_str(text), NULL));
  return r.n_datasets == 1 ? r.datasets[0].signing : IA_SIGNING_NONE;
}

/* -- orders that no signature or no call data holds -- */
static void test_a_presigned_order_is_followed_to_its_transaction(void **state)
{
  struct lab *b = lab_of(1, 1);
  struct world *w = b->w;
  ia_order_op what = {.order = w->order[IA_ORDER_DATASET].order, .operation = IA_ORDER_SIGN};
  IA_AUTOV(ia_buf) data = {0};
  ia_tx tx = {.type = 2, .chain_id = w->pins.chain_id, .gas = 100000, .to = w->pins.hub};
  ia_descriptor d;
  ia_h256 hash;

  (void)state;
  lab_descriptor(b, &d);
  ia_order_hash(&hash, &w->separator, IA_ORDER_DATASET, &w->f.match.dataset);
  ia_call_encode(&data, IA_CALL_MANAGE_DATASET_ORDER, &what);
  tx.data = ia_buf_view(&data);
  w->f.match.dataset.sign = ia_span_of(NULL, 0);
  lab_calldata(b);
  assert_true(ia_tx_sign(&b->raw, &tx, w->secp, &w->who[W_DATA].key, NULL));
  assert_string_equal(outcome_of(b, &d), "ORDER_SIGNATURE"); /* no event told of it */
  b->events[b->n_events++] = (ia_sms_event){.kind = IA_SMS_PRESIGNED, .id = hash, .block = 10};
  lab_head(b, 10);
  assert_int_equal(signing_of_record(b, &d), IA_SIGNING_TX);
  ia_buf_clear(&b->raw);
  assert_true(ia_tx_sign(&b->raw, &tx, w->secp, &w->who[W_USER].key, NULL));
  assert_string_equal(outcome_of(b, &d), "ORDER_SIGNATURE");
  lab_close(b);
}

/* Matched by another contract: its call data says nothing, the market has the orders. */
static void test_wrapped_matches_are_read_from_the_market(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_order_box *o = b->w->order, other = {0};
  ia_err e = {0};

  (void)state;
  ia_buf_clear(&b->calldata);
  ia_buf_str(&b->calldata, "another call");
  ASSERT_OUTCOME(b, "ORDERS_NOT_FOUND");
  for (int k = 0; k < IA_ORDER_KINDS; k++) {
    ASSERT_OUTCOME(b, "ORDERS_NOT_FOUND");
    b->market[k] = &o[k];
  }
  ASSERT_OUTCOME(b, "OK");
  /* a market that gives another order, though signed by the owner of something else */
  assert_true(ia_order_copy(&other, IA_ORDER_DATASET, &o[IA_ORDER_DATASET].order.dataset, &e));
  other.order.dataset.volume = ia_u256_of(1000);
  b->market[IA_ORDER_DATASET] = &other;
  ASSERT_OUTCOME(b, "ORDER_SIGNATURE");
  b->market[IA_ORDER_DATASET] = &o[IA_ORDER_DATASET];
  other.order.dataset.volume = ia_u256_of(1);
  ASSERT_OUTCOME(b, "OK");
  ia_order_box_free(&other);
  lab_close(b);
}

/* -- order and durability -- */
/* A lease that a newer one fenced off says so, whatever else is wrong. */
static void test_fencing_comes_first(void **state)
{
  struct lab *b = lab_of(1, 1);
  struct evidence ev = {0};
  ia_lease old;
  ia_descriptor d;
  ia_h256 nonce;

  (void)state;
  lab_descriptor(b, &d);
  assert_true(lab_challenge(b, &ev.nonce));
  lab_evidence(b, &d, &ev);
  old = b->w->f.lease;
  b->w->f.lease.fencing = 3;
  w_lease_sign(b->w, W_POOL);
  assert_true(lab_challenge(b, &nonce));
  b->w->f.lease = old;
  b->w->f.task.status = IA_TASK_COMPLETED;
  json_decref(lab_post(b, "/attest/v1/release", lab_request(b, &ev)));
  assert_string_equal(b->error, "LEASE_FENCED");
  /* the nonce went with it */
  b->w->f.lease.fencing = 3;
  w_lease_sign(b->w, W_POOL);
  json_decref(lab_post(b, "/attest/v1/release", lab_request(b, &ev)));
  assert_string_equal(b->error, "NONCE_INVALID");
  evidence_free(&ev);
  lab_close(b);
}

/* Dies as by kill -9 at the named point while it releases. */
static void die_at(struct lab *b, const char *point)
{
  int status = 0;
  ia_err e = {0};
  pid_t child = fork();

  assert_true(child >= 0);
  if (child == 0) { /* secrets do not go through a fork */
    if (!ia_secret_copy(&b->pass, ia_span_str(LAB_PASSPHRASE), NULL) ||
        setenv("IAPP_CRASH_DIR", b->dir, 1) != 0 || setenv("IAPP_CRASH_ONLY", point, 1) != 0 ||
        !lab_start(b, &e)) {
      print_error("%s\n", e.msg);
      _exit(2);
    }
    (void)lab_outcome(b);
    _exit(3);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
    fail_msg("%s: status %d", point, status);
}

static uint64_t attempt_of(struct lab *b)
{
  struct evidence ev = {0};
  IA_AUTO_JSON *v = lab_release(b, &ev);
  IA_AUTOV(ia_record) r = {0};
  const char *text;

  if (!v)
    fail_msg("%s", b->error);
  assert_true(ia_json_get_str(v, "record", &text, NULL));
  assert_true(ia_record_parse(&r, ia_span_str(text), NULL));
  evidence_free(&ev);
  return r.attempt;
}

/* No answer without its record: one that died between the two has counted. */
static void test_the_record_is_durable_before_the_answer(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_err e = {0};

  (void)state;
  lab_stop(b);
  die_at(b, "sms.committed"); /* within the challenge: nothing was released yet */
  die_at(b, "sms.release.written");
  die_at(b, "sms.release.reply");
  if (!lab_start(b, &e))
    fail_msg("%s", e.msg);
  assert_int_equal(attempt_of(b), 3);
  ASSERT_OUTCOME(b, "RELEASE_PACE");
  lab_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_grant_counts_tasks_not_attempts),
      cmocka_unit_test(test_two_at_once_share_no_last_run),
      cmocka_unit_test(test_a_refusal_spends_nothing),
      cmocka_unit_test(test_budgets),
      cmocka_unit_test(test_clauses),
      cmocka_unit_test(test_revoked_orders),
      cmocka_unit_test(test_a_presigned_order_is_followed_to_its_transaction),
      cmocka_unit_test(test_wrapped_matches_are_read_from_the_market),
      cmocka_unit_test(test_fencing_comes_first),
      cmocka_unit_test(test_the_record_is_durable_before_the_answer),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
