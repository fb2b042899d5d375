/* Receipts: a sound one verifies; every field, changed, is noticed by the check that the table of
 * covers names; parts of another task, service, guest or pool are refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/json.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "sample.h"

static const char result_bytes[] = "sealed result";

static int setup_kind(void **state, sample_kind kind)
{
  sample *s = calloc(1, sizeof(*s));

  if (!s)
    return -1;
  sample_make_kind(s, kind, ia_span_str(result_bytes));
  *state = s;
  return 0;
}

static int setup(void **state)
{
  return setup_kind(state, SAMPLE_COMPLETED);
}

static int setup_bulk(void **state)
{
  return setup_kind(state, SAMPLE_BULK);
}

static int setup_failed(void **state)
{
  return setup_kind(state, SAMPLE_FAILED);
}

static int setup_alone(void **state)
{
  return setup_kind(state, SAMPLE_ALONE);
}

static int setup_presigned(void **state)
{
  return setup_kind(state, SAMPLE_PRESIGNED);
}

static int teardown(void **state)
{
  sample_free(*state);
  free(*state);
  return 0;
}

static void verify(ia_verdict *v, const sample *s, const json_t *receipt, const char *result)
{
  ia_autofree char *text = json_dumps(receipt, JSON_COMPACT);
  ia_blob blob = ia_blob_mem(ia_span_str(result ? result : ""));

  assert_true(ia_receipt_verify(v, ia_span_str(text), result ? &blob : NULL, s->trust, NULL));
}

static json_t *receipt_of(const sample *s)
{
  IA_AUTOV(ia_buf) text = {0};

  sample_receipt(&text, s);
  json_t *v = ia_json_parse(ia_buf_view(&text), 0, NULL);
  assert_non_null(v);
  return v;
}

static bool fails(const ia_verdict *v, const char *check)
{
  for (size_t i = 0; i < v->n; i++)
    if (v->check[i].state == IA_CHECK_FAIL && strcmp(v->check[i].name, check) == 0)
      return true;
  return false;
}

static void a_sound_receipt_verifies(void **state)
{
  const sample *s = *state;
  IA_AUTO_JSON *r = receipt_of(s);
  ia_verdict v;

  verify(&v, s, r, result_bytes);
  for (size_t i = 0; i < v.n; i++)
    if (v.check[i].state == IA_CHECK_FAIL)
      print_error("%s: %s\n", v.check[i].name, v.check[i].text);
  assert_int_equal(v.outcome, IA_PROVEN);
  assert_true(v.completed);
  assert_true(v.simulated);
  assert_true(v.n_unproven >= 3);
  assert_true(ia_h256_eq(&v.task_id, &s->stated.desc.task_id));
  verify(&v, s, r, "another file");
  assert_true(fails(&v, "result-file"));
  assert_int_equal(v.code, IA_E_RESULT_MISMATCH);
}

static void a_receipt_is_small(void **state)
{
  IA_AUTOV(ia_buf) text = {0};

  sample_receipt(&text, *state);
  assert_in_range(text.len, 1000, IA_RECEIPT_MAX);
}

static bool not_proven(const ia_verdict *v, const char *words)
{
  for (size_t i = 0; i < v->n_unproven; i++)
    if (strstr(v->unproven[i], words))
      return true;
  return false;
}

/* An order by a later owner: proven as hers where the service found her, and said to be its
 * finding.
 */
static void assets_may_have_been_handed_on(void **state)
{
  sample *s = *state;
  ia_verdict v;
  ia_sig sig;

  assert_true(ia_secp_sign(s->secp, &sig, &s->order_hash[IA_ORDER_APP], &s->requester, NULL));
  assert_int_equal(json_object_set_new(json_object_get(s->orders, "app"), "sign",
                                       ia_json_hex(IA_SPAN_ARR(sig.b))),
                   0);
  IA_AUTO_JSON *stranger = receipt_of(s);
  verify(&v, s, stranger, NULL);
  assert_true(fails(&v, "sign-app"));
  s->record.app_owner = s->requester_a;
  sample_release(s);
  IA_AUTO_JSON *sold = receipt_of(s);
  verify(&v, s, sold, NULL);
  assert_int_equal(v.outcome, IA_PROVEN);
  assert_true(not_proven(&v, "handed it on"));
}

/* A service that listens to simulations elsewhere says so in every record. */
static void simulation_from_elsewhere_is_said(void **state)
{
  sample *s = *state;
  ia_verdict v;

  s->record.remote_simulation = true;
  sample_release(s);
  IA_AUTO_JSON *r = receipt_of(s);
  verify(&v, s, r, NULL);
  assert_int_equal(v.outcome, IA_PROVEN);
  assert_true(not_proven(&v, "from other machines"));
}

/* Everything on the ledger's word is said, however much it is. */
static void every_word_of_the_ledger_is_said(void **state)
{
  sample *s = *state;
  char words[16][IA_RECORD_WORD];
  ia_verdict v;

  for (size_t i = 0; i < IA_COUNT(words); i++)
    (void)snprintf(words[i], sizeof(words[i]), "whitelist:0x%040zu", i);
  s->record.by_ledger = words;
  s->record.n_by_ledger = IA_COUNT(words);
  sample_release(s);
  s->record.by_ledger = NULL;
  s->record.n_by_ledger = 0;
  IA_AUTO_JSON *r = receipt_of(s);
  verify(&v, s, r, NULL);
  assert_int_equal(v.outcome, IA_PROVEN);
  for (size_t i = 0; i < IA_COUNT(words); i++)
    assert_true(not_proven(&v, words[i]));
}

static const ia_check *missing(const ia_verdict *v)
{
  return v->outcome == IA_NOT_PROVEN ? ia_verdict_reason(v) : NULL;
}

static void unknown_anchors_are_named(void **state)
{
  sample *s = *state;
  IA_AUTO_JSON *r = receipt_of(s);
  ia_trust_sms *t = &s->trust->sms[0];
  const struct {
    uint8_t *byte;
    ia_outcome outcome;
    ia_code code;
  } rows[] = {
      {&t->sim_roots[0].b[0], IA_NOT_PROVEN, IA_E_SIM_ROOT},
      {&t->guests[0].b[0], IA_NOT_PROVEN, IA_E_UNKNOWN_GUEST},
      {&t->app_registry.b[0], IA_REFUSED, IA_E_ASSET_MISMATCH},
      {&t->hub.b[0], IA_REFUSED, IA_E_DOMAIN_MISMATCH},
      {&t->key.b[0], IA_NOT_PROVEN, IA_E_UNKNOWN_SMS},
  };
  ia_verdict v;

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    *rows[i].byte ^= 1;
    verify(&v, s, r, NULL);
    assert_int_equal(v.outcome, rows[i].outcome);
    assert_int_equal(v.code, rows[i].code);
    assert_int_equal(missing(&v) != NULL, rows[i].outcome == IA_NOT_PROVEN);
    *rows[i].byte ^= 1;
  }
  t->key.b[0] ^= 1; /* what needs no anchor is compared all the same */
  verify(&v, s, r, "another file");
  assert_int_equal(v.outcome, IA_REFUSED);
  assert_int_equal(v.code, IA_E_RESULT_MISMATCH);
  t->key.b[0] ^= 1;
  verify(&v, s, r, NULL);
  assert_int_equal(v.outcome, IA_PROVEN);
}

/* The pool settles with an enclave key of its own making. */
static void a_pools_own_key_is_no_enclave(void **state)
{
  sample *s = *state;
  ia_verdict v;
  json_t *forged;

  assert_true(ia_run_sign(&forged, &s->stated, s->secp, &s->pool, NULL));
  json_decref(s->run);
  s->run = forged;
  IA_AUTO_JSON *r = receipt_of(s);
  verify(&v, s, r, NULL);
  assert_true(fails(&v, "release-run"));
  assert_false(v.completed);
}

static void assert_outcome(const sample *s, const json_t *receipt, ia_outcome want, ia_code code)
{
  ia_verdict v;

  verify(&v, s, receipt, NULL);
  if (v.outcome != want || v.code != code)
    print_error("%s (%s): %s\n", ia_outcome_name(v.outcome), ia_code_name(v.code),
                v.outcome == IA_PROVEN ? "" : ia_verdict_reason(&v)->text);
  assert_int_equal(v.outcome, want);
  assert_int_equal(v.code, code);
  assert_false(v.completed);
}

/* Proven where the pool's fields make its address, its owner signed, and the pool is listed. */
static void a_task_without_an_enclave(void **state)
{
  sample *s = *state;
  ia_trust_sms *t = &s->trust->sms[0];
  IA_AUTO_JSON *r = receipt_of(s);
  IA_AUTO_JSON *bare = json_pack("{s:O}", "settlement", json_object_get(r, "settlement"));

  assert_outcome(s, r, IA_PROVEN, IA_OK);
  assert_outcome(s, bare, IA_NOT_PROVEN, IA_E_UNKNOWN_POOL);
  t->n_pools = 0;
  assert_outcome(s, r, IA_NOT_PROVEN, IA_E_UNKNOWN_POOL);
  t->n_pools = 1;
  t->workerpool_registry.b[0] ^= 1; /* then this is no address of such fields */
  assert_outcome(s, r, IA_REFUSED, IA_E_ASSET_MISMATCH);
  t->workerpool_registry.b[0] ^= 1;
  t->chain_id++;
  assert_outcome(s, r, IA_NOT_PROVEN, IA_E_UNKNOWN_POOL);
  t->chain_id--;
  t->domain = IA_DOMAIN_HW;
  assert_outcome(s, r, IA_REFUSED, IA_E_DOMAIN_MISMATCH);
  t->domain = IA_DOMAIN_SIM;
  sample_settle(s, &s->worker); /* anybody */
  IA_AUTO_JSON *forged = receipt_of(s);
  assert_outcome(s, forged, IA_REFUSED, IA_E_ORDER_SIGNATURE);
  IA_AUTO_JSON *own = json_deep_copy(forged);
  assert_int_equal(
      json_object_set_new(json_object_get(own, "workerpool"), "owner", ia_json_addr(&s->worker_a)),
      0);
  assert_outcome(s, own, IA_REFUSED, IA_E_ASSET_MISMATCH);
  ia_addr made;
  ia_workerpool_address(&made, &t->workerpool_registry, &t->proxy_code_hash, &s->worker_a,
                        ia_span_str("sample pool"));
  assert_int_equal(
      json_object_set_new(json_object_get(own, "workerpool"), "address", ia_json_addr(&made)), 0);
  assert_outcome(s, own, IA_NOT_PROVEN, IA_E_UNKNOWN_POOL); /* a pool of the forger's own */
}

/* A run whose other parts were cut off does not become a task that reached no enclave. */
static void a_cut_receipt_is_no_settlement_alone(void **state)
{
  sample *s = *state;
  IA_AUTO_JSON *r = receipt_of(s);
  IA_AUTO_JSON *cut = json_pack("{s:O,s:O}", "settlement", json_object_get(r, "settlement"),
                                "workerpool", s->workerpool);
  IA_AUTO_JSON *more = json_deep_copy(r);

  assert_outcome(s, cut, IA_REFUSED, IA_E_RECEIPT_FIELD);
  assert_int_equal(json_object_set(more, "workerpool", s->workerpool), 0);
  assert_outcome(s, more, IA_REFUSED, IA_E_RECEIPT_FIELD);
}

/* A file is the result where a run states one, and nowhere else. */
static void a_file_without_a_stated_result_is_refused(void **state)
{
  sample *s = *state;
  IA_AUTO_JSON *r = receipt_of(s);
  ia_verdict v;

  verify(&v, s, r, result_bytes);
  assert_int_equal(v.outcome, IA_REFUSED);
  assert_int_equal(v.code, IA_E_RESULT_MISMATCH);
  assert_true(fails(&v, "result-file"));
}

/* Whether it is simulated is the trust file's word; one who is not listed says nothing of it. */
static void the_domain_is_the_trust_files(void **state)
{
  sample *s = *state;
  ia_trust_sms *t = &s->trust->sms[0];
  ia_settlement st = {.domain = IA_DOMAIN_HW, .chain_id = t->chain_id, .hub = t->hub};
  json_t *part = NULL;
  ia_verdict v;

  (void)snprintf(st.cause, sizeof(st.cause), "ABORTED_BY_WORKER");
  assert_true(ia_settlement_sign(&part, &st, s->secp, &s->pool, NULL));
  IA_AUTO_JSON *hw = json_pack("{s:o,s:O}", "settlement", part, "workerpool", s->workerpool);
  verify(&v, s, hw, NULL);
  assert_true(v.simulated && v.domain_known);
  assert_int_equal(v.code, IA_E_DOMAIN_MISMATCH);
  t->n_pools = 0;
  verify(&v, s, hw, NULL);
  assert_true(v.simulated && !v.domain_known);
  assert_int_equal(v.outcome, IA_NOT_PROVEN);
  t->n_pools = 1;
}

/* Who settles is the pool's owner whom the record names, not whoever signed. */
static void a_settlement_by_another_is_refused(void **state)
{
  sample *s = *state;
  ia_verdict v;

  sample_settle(s, &s->worker);
  IA_AUTO_JSON *r = receipt_of(s);
  assert_int_equal(json_object_set_new(json_object_get(json_object_get(r, "orders"), "workerpool"),
                                       "sign", json_string("0x")),
                   0);
  verify(&v, s, r, NULL);
  assert_int_equal(v.outcome, IA_REFUSED);
  assert_true(fails(&v, "settlement-pool"));
  assert_true(s->kind == SAMPLE_PRESIGNED || fails(&v, "sign-workerpool"));
}

/* A worker that signs as the pool: the seals are compared with the record's owner. */
static void a_worker_forges_no_seal_of_the_pool(void **state)
{
  sample *s = *state;
  ia_secret pool = s->pool;
  ia_verdict v;

  s->pool = s->worker; /* authorises itself */
  sample_settle(s, &pool);
  s->pool = pool;
  IA_AUTO_JSON *r = receipt_of(s);
  verify(&v, s, r, NULL);
  assert_true(fails(&v, "settlement-seals"));
  assert_false(fails(&v, "settlement-pool"));
  assert_int_equal(v.outcome, IA_REFUSED);
}

/* An empty signature where the record says signed, and one where it says presigned. */
static void signatures_are_as_the_record_says(void **state)
{
  static const char *const names[] = {"app", "dataset", "workerpool", "request"};
  sample *s = *state;
  bool presigned = s->kind == SAMPLE_PRESIGNED;

  for (size_t i = 0; i < IA_COUNT(names); i++) {
    IA_AUTO_JSON *r = receipt_of(s);
    json_t *orders = json_object_get(r, "orders"), *order = json_object_get(orders, names[i]);
    char check[32];
    ia_verdict v;
    ia_sig sig;

    if (json_is_null(order))
      order = json_array_get(json_object_get(orders, "slice"), 0);
    (void)snprintf(check, sizeof(check), "sign-%s", s->bulk && i == 1 ? "slice" : names[i]);
    assert_true(ia_secp_sign(s->secp, &sig, &s->order_hash[i], &s->owner, NULL));
    json_t *sign = presigned ? ia_json_hex(IA_SPAN_ARR(sig.b)) : json_string("0x");
    assert_int_equal(json_object_set_new(order, "sign", sign), 0);
    verify(&v, s, r, NULL);
    if (!fails(&v, check))
      print_error("%s\n", check);
    assert_true(fails(&v, check));
  }
}

/* What a signature cannot prove is said, for each order. */
static void presigned_orders_are_the_services_word(void **state)
{
  sample *s = *state;
  IA_AUTO_JSON *r = receipt_of(s);
  ia_verdict v;

  verify(&v, s, r, NULL);
  assert_int_equal(v.outcome, IA_PROVEN);
  assert_true(not_proven(&v, "signed the app order by a transaction"));
  assert_true(not_proven(&v, "signed the dataset order by a transaction"));
  assert_true(not_proven(&v, "signed the workerpool order by a transaction"));
  assert_true(not_proven(&v, "signed the request order by a transaction"));
  s->record.signing[IA_ORDER_REQUEST] = IA_SIGNING_CONTRACT;
  s->record.pool_proven = false;
  sample_release(s);
  IA_AUTO_JSON *contract = receipt_of(s);
  verify(&v, s, contract, NULL);
  assert_int_equal(v.outcome, IA_PROVEN);
  assert_true(not_proven(&v, "contract wallet"));
  assert_true(not_proven(&v, "owns the pool"));
}

/* The record of an older SMS has no word of who settles: it is refused by its version. */
static void an_older_record_is_refused_by_name(void **state)
{
  sample *s = *state;
  IA_AUTO_JSON *r = receipt_of(s);
  json_t *release = json_object_get(r, "release");
  IA_AUTO_JSON *record =
      ia_json_parse(ia_span_str(json_string_value(json_object_get(release, "record"))), 0, NULL);
  IA_AUTOV(ia_buf) text = {0};
  ia_verdict v;

  assert_int_equal(json_object_del(record, "v"), 0);
  assert_int_equal(json_object_del(record, "poolOwner"), 0);
  assert_true(ia_json_canonical(&text, record, NULL));
  assert_int_equal(json_object_set_new(release, "record", ia_json_bytes(ia_buf_view(&text))), 0);
  verify(&v, s, r, NULL);
  assert_int_equal(v.outcome, IA_REFUSED);
  assert_int_equal(v.code, IA_E_UNSUPPORTED);
  assert_non_null(strstr(ia_verdict_reason(&v)->text, "version 1"));
}

/* A failure: nothing settled, the enclave says why, and the pool. */
static void a_failed_run_is_proven_as_failed(void **state)
{
  sample *s = *state;
  IA_AUTO_JSON *r = receipt_of(s);
  ia_verdict v;

  verify(&v, s, r, NULL);
  assert_int_equal(v.outcome, IA_PROVEN);
  assert_false(v.completed);
  assert_true(ia_h256_zero(&v.tx));
  assert_true(not_proven(&v, "the pool's word"));
}

/* Files that are no receipt at all have a verdict too. */
static void other_files_are_refused(void **state)
{
  static const char *const texts[] = {"",
                                      "{}",
                                      "[]",
                                      "sealed result",
                                      "{\"settlement\":null}",
                                      "{\"settlement\":{},\"settlement\":{}}"};
  const sample *s = *state;
  ia_verdict v;

  for (size_t i = 0; i < IA_COUNT(texts); i++) {
    assert_true(ia_receipt_verify(&v, ia_span_str(texts[i]), NULL, s->trust, NULL));
    assert_int_equal(v.outcome, IA_REFUSED);
    assert_true(v.simulated);
  }
}

/* The list of a bulk task: as long as the record says, each at its place, the refused ones bare. */
static void a_slice_is_whole(void **state)
{
  sample *s = *state;
  ia_verdict v;

  for (int change = 0; change < 5; change++) {
    IA_AUTO_JSON *r = receipt_of(s);
    json_t *slice = json_object_get(json_object_get(r, "orders"), "slice");
    json_t *data = json_object_get(json_object_get(r, "assets"), "datasets");

    if (change == 1) /* the refused one is left out */
      assert_int_equal(json_array_remove(slice, 1), 0);
    if (change == 2)
      assert_int_equal(json_array_remove(data, 1), 0);
    if (change == 3) /* it is shown as if it had been released */
      assert_int_equal(json_array_set(slice, 1, json_array_get(slice, 0)), 0);
    if (change == 4) /* with more than the hash of the inputs covers */
      assert_int_equal(
          json_object_set_new(json_array_get(data, 1), "owner", ia_json_addr(&s->owner_a)), 0);
    verify(&v, s, r, result_bytes);
    assert_int_equal(v.outcome, change == 0 ? IA_PROVEN : IA_REFUSED);
    assert_true(change == 0 || fails(&v, change % 2 == 1 ? "orders-slice" : "asset-datasets"));
  }
  IA_AUTO_JSON *sound = receipt_of(s);
  verify(&v, s, sound, NULL);
  bool said = false;
  for (size_t i = 0; i < v.n; i++)
    said = said || (strcmp(v.check[i].name, "refused") == 0 && strstr(v.check[i].text, "REVOKED"));
  assert_true(said);
}

#define BULK(f)      cmocka_unit_test_setup_teardown(f, setup_bulk, teardown)
#define FAILED(f)    cmocka_unit_test_setup_teardown(f, setup_failed, teardown)
#define ALONE(f)     cmocka_unit_test_setup_teardown(f, setup_alone, teardown)
#define PRESIGNED(f) cmocka_unit_test_setup_teardown(f, setup_presigned, teardown)
#define TEST(f)      cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  static const struct CMUnitTest tests[] = {
      TEST(a_sound_receipt_verifies),
      TEST(a_receipt_is_small),
      TEST(unknown_anchors_are_named),
      TEST(a_pools_own_key_is_no_enclave),
      TEST(a_cut_receipt_is_no_settlement_alone),
      TEST(a_settlement_by_another_is_refused),
      TEST(a_worker_forges_no_seal_of_the_pool),
      TEST(signatures_are_as_the_record_says),
      TEST(an_older_record_is_refused_by_name),
      TEST(other_files_are_refused),
      TEST(assets_may_have_been_handed_on),
      TEST(every_word_of_the_ledger_is_said),
      TEST(simulation_from_elsewhere_is_said),
      BULK(a_sound_receipt_verifies),
      BULK(a_slice_is_whole),
      BULK(a_settlement_by_another_is_refused),
      BULK(signatures_are_as_the_record_says),
      FAILED(a_failed_run_is_proven_as_failed),
      FAILED(a_cut_receipt_is_no_settlement_alone),
      FAILED(a_settlement_by_another_is_refused),
      FAILED(a_file_without_a_stated_result_is_refused),
      ALONE(a_task_without_an_enclave),
      ALONE(a_file_without_a_stated_result_is_refused),
      ALONE(the_domain_is_the_trust_files),
      PRESIGNED(signatures_are_as_the_record_says),
      PRESIGNED(a_settlement_by_another_is_refused),
      PRESIGNED(presigned_orders_are_the_services_word),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
