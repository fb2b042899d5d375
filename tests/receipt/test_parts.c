/* Parts of receipts by themselves: DSSE (docs/release.md 11), run statement, record, settlement,
 * trust file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/json.h"
#include "sample.h"
#include "tee/release.h"

static int setup(void **state)
{
  sample *s = calloc(1, sizeof(*s));

  if (!s)
    return -1;
  sample_make(s, ia_span_str("result"));
  *state = s;
  return 0;
}

static int teardown(void **state)
{
  sample_free(*state);
  free(*state);
  return 0;
}

static void dsse_vector(void **state IA_UNUSED)
{
  ia_h256 h;

  assert_true(ia_dsse_digest(&h, IA_DSSE_INTOTO, ia_span_str("{}"), NULL));
  assert_string_equal(ia_h256_text(&h).s,
                      "0x4842cb1ba6fed6e460d8a0d56f6b64ccf1f1e11f7714a7f282080d5780251b63");
}

static void envelopes_bind_type_and_signer(void **state)
{
  const sample *s = *state;
  IA_AUTO_JSON *env = NULL;
  IA_AUTOV(ia_buf) payload = {0};
  ia_addr signer;
  ia_err e = {0};

  assert_true(ia_dsse_sign(&env, IA_DSSE_INTOTO, ia_span_str("{}"), s->secp, &s->enclave, &e));
  assert_true(ia_dsse_open(&payload, &signer, env, IA_DSSE_INTOTO, &e));
  assert_true(ia_addr_eq(&signer, &s->enclave_a));
  assert_false(ia_dsse_open(&payload, &signer, env, "text/plain", &e));
  json_t *list = json_object_get(env, "signatures");
  assert_int_equal(json_array_append(list, json_array_get(list, 0)), 0);
  assert_false(ia_dsse_open(&payload, &signer, env, IA_DSSE_INTOTO, &e));
  assert_int_equal(e.code, IA_E_RECEIPT_FIELD);
}

static void run_statements_go_both_ways(void **state)
{
  const sample *s = *state;
  IA_AUTOV(ia_buf) text = {0}, again = {0};
  IA_AUTOV(ia_run) r = {0};
  ia_err e = {0};

  assert_true(ia_run_text(&text, &s->stated, &e));
  assert_true(ia_run_parse(&r, ia_buf_view(&text), &e));
  assert_true(r.has_result && r.result.there && r.logs.there);
  assert_string_equal(r.result.cid, "QmResult");
  assert_true(ia_run_text(&again, &r, &e));
  assert_true(ia_span_eq(ia_buf_view(&text), ia_buf_view(&again)));
}

/* Each member of the predicate, taken away or joined by another. */
static void run_statements_are_closed(void **state)
{
  const sample *s = *state;
  IA_AUTOV(ia_buf) text = {0};
  const char *key;
  json_t *v;
  void *next;

  assert_true(ia_run_text(&text, &s->stated, NULL));
  IA_AUTO_JSON *all = ia_json_parse(ia_buf_view(&text), 0, NULL);
  json_object_foreach_safe(json_object_get(all, "predicate"), next, key, v)
  {
    IA_AUTO_JSON *copy = json_deep_copy(all);
    IA_AUTOV(ia_buf) less = {0}, more = {0};
    IA_AUTOV(ia_run) a = {0}, b = {0};
    json_t *pred = json_object_get(copy, "predicate");

    assert_int_equal(json_object_del(pred, key), 0);
    assert_true(ia_json_canonical(&less, copy, NULL));
    assert_false(ia_run_parse(&a, ia_buf_view(&less), NULL));
    assert_int_equal(json_object_set(pred, key, v), 0);
    assert_int_equal(json_object_set(pred, "another", v), 0);
    assert_true(ia_json_canonical(&more, copy, NULL));
    assert_false(ia_run_parse(&b, ia_buf_view(&more), NULL));
  }
}

/* A statement of the first version is refused by name, whatever else stands in it. */
static void older_runs_are_refused_by_name(void **state)
{
  const sample *s = *state;
  IA_AUTOV(ia_buf) text = {0}, old = {0};
  IA_AUTOV(ia_run) back = {0};
  ia_err e = {0};

  assert_true(ia_run_text(&text, &s->stated, NULL));
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&text), 0, NULL);
  json_object_set_new(v, "predicateType", json_string(IA_RUN_PREDICATE_V1));
  assert_true(ia_json_canonical(&old, v, NULL));
  assert_false(ia_run_parse(&back, ia_buf_view(&old), &e));
  assert_int_equal(e.code, IA_E_UNSUPPORTED);
}

static void failed_runs_have_no_result(void **state)
{
  const sample *s = *state;
  ia_run r = s->stated;
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTOV(ia_run) back = {0};

  r.has_result = false;
  r.result.there = false;
  r.exit_code = -9;
  memcpy(r.cause, "APP_COMPUTE_FAILED", 19);
  assert_true(ia_run_text(&text, &r, NULL));
  assert_true(ia_run_parse(&back, ia_buf_view(&text), NULL));
  assert_false(back.has_result);
  assert_int_equal(back.exit_code, -9);
}

static void records_go_both_ways(void **state)
{
  const sample *s = *state;
  IA_AUTOV(ia_buf) text = {0}, loose = {0};
  IA_AUTOV(ia_record) r = {0}, none = {0};
  ia_err e = {0};

  assert_true(ia_record_text(&text, &s->record, &e));
  assert_true(ia_record_parse(&r, ia_buf_view(&text), &e));
  assert_memory_equal(&r.report_data, &s->record.report_data, 64);
  assert_int_equal(r.n_datasets, 1);
  ia_buf_u8(&loose, ' ');
  ia_buf_span(&loose, ia_buf_view(&text));
  assert_false(ia_record_parse(&none, ia_buf_view(&loose), &e));
}

/* Policy and terms of a grant: hash and version are there, or neither; a record without the terms
 * is of an older version, which is refused by its name. */
static void records_state_the_terms(void **state)
{
  static const struct {
    const char *member;
    bool version;
  } cut[] = {{"policyHash", false}, {"epoch", true}, {"termsHash", false}, {"termsVersion", true}};
  const sample *s = *state;
  IA_AUTOV(ia_buf) text = {0}, old = {0};
  IA_AUTOV(ia_record) r = {0}, none = {0};
  ia_err e = {0};

  assert_true(ia_record_text(&text, &s->record, &e));
  assert_true(ia_record_parse(&r, ia_buf_view(&text), &e));
  assert_int_equal(r.datasets[0].terms_version, 3);
  assert_memory_equal(r.datasets[0].terms_hash.b, s->record.datasets[0].terms_hash.b, 32);
  for (size_t i = 0; i < IA_COUNT(cut); i++) {
    IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&text), 0, NULL);
    json_t *d = json_array_get(json_object_get(v, "datasets"), 0);
    static const ia_h256 zero;
    IA_AUTOV(ia_buf) half = {0};
    IA_AUTOV(ia_record) broken = {0};

    json_object_set_new(d, cut[i].member, cut[i].version ? json_integer(0) : ia_json_h256(&zero));
    assert_true(ia_json_canonical(&half, v, NULL));
    assert_false(ia_record_parse(&broken, ia_buf_view(&half), &e));
    assert_int_equal(e.code, IA_E_PARSE);
    if (i == 0) { /* as version 2 was */
      json_object_set_new(v, "v", json_integer(2));
      json_object_del(d, "termsHash");
      json_object_del(d, "termsVersion");
      assert_true(ia_json_canonical(&old, v, NULL));
    }
  }
  assert_false(ia_record_parse(&none, ia_buf_view(&old), &e));
  assert_int_equal(e.code, IA_E_UNSUPPORTED);
  assert_non_null(strstr(e.msg, "version 2"));
}

/* A settlement signed in one domain does not verify in the other. */
static void settlements_belong_to_their_domain(void **state)
{
  const sample *s = *state;
  IA_AUTOV(ia_settlement)
  st = {.domain = IA_DOMAIN_SIM, .chain_id = 7, .cause = "ABORTED_BY_WORKER"};
  IA_AUTOV(ia_settlement) back = {0}, other = {0};
  IA_AUTO_JSON *part = NULL;
  IA_AUTOV(ia_buf) text = {0};
  ia_addr signer;

  assert_true(ia_settlement_sign(&part, &st, s->secp, &s->pool, NULL));
  assert_true(ia_settlement_open(&back, &signer, part, NULL));
  assert_true(ia_addr_eq(&signer, &s->pool_a));
  st.domain = IA_DOMAIN_HW;
  assert_true(ia_settlement_text(&text, &st, NULL));
  assert_int_equal(json_object_set_new(part, "text", ia_json_bytes(ia_buf_view(&text))), 0);
  assert_false(ia_settlement_open(&other, &signer, part, NULL) && ia_addr_eq(&signer, &s->pool_a));
}

/* The text with another cause in it, as who signs by herself may write it. */
static void with_cause(ia_buf *out, const ia_buf *text, const char *cause)
{
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(text), 0, NULL);
  json_t *at = json_object_get(v, "predicate") ? json_object_get(v, "predicate") : v;

  assert_int_equal(json_object_set_new(at, "cause", json_string(cause)), 0);
  assert_true(ia_json_canonical(out, v, NULL));
}

/* A cause is a word of the list: nothing else is signed, and nothing else is read. */
static void causes_are_of_the_list(void **state)
{
  static const struct {
    const char *cause;
    bool known;
  } rows[] = {
      {"APP_COMPUTE_FAILED", true},
      {"TEE_SESSION_GENERATION_POLICY_EXPIRED", true},
      {"UNKNOWN", true},
      {"PRE_COMPUTE_", false},
      {"PRE_COMPUTE_X", false},
      {"TEE_SESSION_GENERATION_", false},
      {"TEE_SESSION_GENERATION_POLICY", false},
      {"TEE_SESSION_GENERATION_FORBIDDEN\n", false},
      {"app_compute_failed", false},
      {"APP_COMPUTE_FAILED\nok    PROVEN", false},
      {"\x1b[2J", false},
      {"\xe2\x80\xae", false},
  };
  const sample *s = *state;

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_settlement)
    st = {.domain = IA_DOMAIN_SIM, .chain_id = 7, .cause = "UNKNOWN"}, settled = {0};
    IA_AUTOV(ia_buf) own = {0}, text = {0}, forged = {0}, run_text = {0}, run_forged = {0};
    IA_AUTOV(ia_run) run = {0};
    ia_err e = {0};

    assert_true(ia_settlement_text(&text, &st, NULL) && ia_run_text(&run_text, &s->stated, NULL));
    with_cause(&forged, &text, rows[i].cause);
    with_cause(&run_forged, &run_text, rows[i].cause);
    (void)snprintf(st.cause, sizeof(st.cause), "%s", rows[i].cause);
    assert_int_equal(ia_settlement_text(&own, &st, NULL), rows[i].known);
    assert_int_equal(ia_settlement_parse(&settled, ia_buf_view(&forged), &e), rows[i].known);
    assert_true(rows[i].known || strstr(e.msg, "unknown cause"));
    assert_int_equal(ia_run_parse(&run, ia_buf_view(&run_forged), &e), rows[i].known);
    assert_true(rows[i].known || strstr(e.msg, "unknown cause"));
  }
}

static json_t *info_answer(const sample *s, bool right)
{
  static const char hex48[] = "0x7777777777777777777777777777777777777777777777777777777777777777"
                              "77777777777777777777777777777777";
  const ia_trust_sms *t = &s->trust->sms[0];
  IA_AUTOV(ia_buf) text = {0};
  uint8_t sig[64];
  IA_AUTO_JSON *v = json_pack(
      "{s:i,s:s,s:o,s:I,s:o,s:{s:o,s:o,s:o},s:o,s:[s],s:[o],s:b}", "v", 1, "domain", "sim",
      "smsKey", ia_json_h256(&s->sms_key), "chainId", (json_int_t)t->chain_id, "hub",
      ia_json_addr(&t->hub), "registries", "app", ia_json_addr(&t->app_registry), "dataset",
      ia_json_addr(&t->dataset_registry), "workerpool", ia_json_addr(&t->workerpool_registry),
      "proxyCodeHash", ia_json_h256(&t->proxy_code_hash), "guests", hex48, "simRoots",
      ia_json_h256(&t->sim_roots[0]), "remoteSimulation", false);

  assert_true(ia_json_canonical(&text, v, NULL));
  assert_true(ia_text_sign(sig, IA_DOMAIN_SIM, right ? "sms-info" : "other", ia_buf_view(&text),
                           &s->sms, NULL));
  return json_pack("{s:o,s:o}", "text", ia_json_bytes(ia_buf_view(&text)), "sig",
                   ia_json_hex(IA_SPAN_ARR(sig)));
}

static void trust_comes_from_signed_info(void **state)
{
  const sample *s = *state;
  IA_AUTO_JSON *good = info_answer(s, true);
  IA_AUTO_JSON *bad = info_answer(s, false);
  IA_AUTO_JSON *members = NULL;
  IA_AUTOV(ia_trust_sms) sms = {0}, none = {0};
  IA_AUTOV(ia_buf) file = {0}, twice = {0}, receipt = {0};
  IA_AUTO(ia_trust) *t = NULL;
  ia_verdict v;
  ia_err e = {0};

  assert_false(ia_info_open(&none, NULL, bad, &e));
  assert_int_equal(e.code, IA_E_SMS_SIGNATURE);
  assert_true(ia_info_open(&sms, &members, good, &e));
  assert_true(ia_h256_eq(&sms.key, &s->sms_key));
  assert_true(ia_trust_add(&file, ia_span_of("", 0), members, NULL, &e));
  assert_true(ia_trust_add(&twice, ia_buf_view(&file), members, NULL, &e));
  assert_true(ia_span_eq(ia_buf_view(&file), ia_buf_view(&twice)));
  assert_true(ia_trust_parse(&t, ia_buf_view(&file), &e));
  assert_non_null(ia_trust_find(t, &s->sms_key));
  sample_receipt(&receipt, s);
  assert_true(ia_receipt_verify(&v, ia_buf_view(&receipt), NULL, t, &e));
  assert_int_equal(v.outcome, IA_PROVEN);
}

/* The pools that a user trusts: hers alone to list, once each, and kept when an SMS is entered
 * again. */
static void pools_are_the_users_to_list(void **state)
{
  const sample *s = *state;
  IA_AUTO_JSON *good = info_answer(s, true), *members = NULL;
  IA_AUTOV(ia_trust_sms) sms = {0};
  IA_AUTOV(ia_buf) file = {0}, twice = {0}, again = {0}, none = {0};
  IA_AUTO(ia_trust) *t = NULL;
  const ia_trust_sms *mine = &s->trust->sms[0];
  ia_addr other = {{7}};
  ia_err e = {0};

  assert_true(ia_info_open(&sms, &members, good, &e));
  assert_true(ia_trust_add(&file, ia_span_of("", 0), members, &s->pool_at, &e));
  assert_true(ia_trust_add(&twice, ia_buf_view(&file), members, &s->pool_at, &e));
  assert_true(ia_span_eq(ia_buf_view(&file), ia_buf_view(&twice)));
  assert_true(ia_trust_add(&again, ia_buf_view(&file), members, NULL, &e));
  assert_true(ia_span_eq(ia_buf_view(&file), ia_buf_view(&again)));
  assert_true(ia_trust_parse(&t, ia_buf_view(&file), &e));
  assert_int_equal(t->sms[0].n_pools, 1);
  assert_non_null(ia_trust_ledger(t, mine->chain_id, &mine->hub, &s->pool_at, IA_DOMAIN_SIM));
  assert_null(ia_trust_ledger(t, mine->chain_id, &mine->hub, &s->pool_at, IA_DOMAIN_HW));
  assert_null(ia_trust_ledger(t, mine->chain_id, &mine->hub, &other, IA_DOMAIN_NONE));
  assert_null(ia_trust_ledger(t, mine->chain_id + 1, &mine->hub, NULL, IA_DOMAIN_NONE));
  assert_null(ia_trust_ledger(t, mine->chain_id, &other, NULL, IA_DOMAIN_NONE));
  assert_int_equal(json_object_set_new(members, "pools", json_pack("[o]", ia_json_addr(&other))),
                   0);
  assert_false(ia_trust_add(&none, ia_buf_view(&file), members, NULL, &e));
}

/* Nor does an SMS that signs a list of pools get one into anything. */
static void an_sms_names_no_pools(void **state)
{
  const sample *s = *state;
  IA_AUTO_JSON *good = info_answer(s, true);
  IA_AUTO_JSON *text =
      ia_json_parse(ia_span_str(json_string_value(json_object_get(good, "text"))), 0, NULL);
  IA_AUTOV(ia_trust_sms) sms = {0};
  IA_AUTOV(ia_buf) raw = {0};
  uint8_t sig[64];

  assert_int_equal(json_object_set_new(text, "pools", json_pack("[o]", ia_json_addr(&s->pool_at))),
                   0);
  assert_true(ia_json_canonical(&raw, text, NULL));
  assert_true(ia_text_sign(sig, IA_DOMAIN_SIM, "sms-info", ia_buf_view(&raw), &s->sms, NULL));
  IA_AUTO_JSON *answer = json_pack("{s:o,s:o}", "text", ia_json_bytes(ia_buf_view(&raw)), "sig",
                                   ia_json_hex(IA_SPAN_ARR(sig)));
  assert_false(ia_info_open(&sms, NULL, answer, NULL));
}

/* A second member of a name, a second entry of a key: no trust file. */
static void trust_files_say_nothing_twice(void **state)
{
  const sample *s = *state;
  IA_AUTOV(ia_buf) file = {0};
  static const char *const names[] = {"v",      "sms",      "smsKey",     "hub",
                                      "guests", "simRoots", "registries", "pools"};

  sample_trust_file(&file, s);
  for (size_t i = 0; i < IA_COUNT(names); i++) {
    IA_AUTOV(ia_buf) twice = {0};
    IA_AUTO(ia_trust) *t = NULL;
    char name[24];
    ia_err e = {0};

    (void)snprintf(name, sizeof(name), "\"%s\":", names[i]);
    const uint8_t *at = memmem(file.ptr, file.len, name, strlen(name));
    assert_non_null(at);
    ia_buf_put(&twice, file.ptr, (size_t)(at - file.ptr));
    ia_buf_printf(&twice, "%snull,", name);
    ia_buf_put(&twice, at, file.len - (size_t)(at - file.ptr));
    assert_false(ia_trust_parse(&t, ia_buf_view(&twice), &e));
    assert_int_equal(e.code, IA_E_PARSE);
  }
}

static void labels_bear_their_version(void **state)
{
  (void)state;
  assert_string_equal(ia_label_of(IA_DOMAIN_HW, IA_RECORD_LABEL).s, "iapp-release-record/v3");
  assert_string_equal(ia_label_of(IA_DOMAIN_SIM, IA_RECORD_LABEL).s, "iapp-release-record-SIM/v3");
  assert_string_equal(ia_label_of(IA_DOMAIN_SIM, "sms-info").s, "iapp-sms-info-SIM/v1");
}

/* Nothing settled has no block; what was settled has a run and no cause. */
static void settlements_are_whole(void **state)
{
  const ia_h256 some = {{1}};
  IA_AUTOV(ia_buf) tx = {0};
  ia_settlement rows[] = {
      {.domain = IA_DOMAIN_SIM},
      {.domain = IA_DOMAIN_SIM, .cause = "ABORTED_BY_WORKER", .block_number = 1},
      {.domain = IA_DOMAIN_SIM, .cause = "ABORTED_BY_WORKER", .block_hash = some},
      {.domain = IA_DOMAIN_SIM, .tx = {.len = 1}},
      {.domain = IA_DOMAIN_SIM, .tx = {.len = 1}, .run_hash = some, .cause = "ABORTED_BY_WORKER"},
  };

  (void)state;
  ia_buf_u8(&tx, 1);
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_buf) text = {0};

    if (rows[i].tx.len > 0)
      rows[i].tx = tx;
    assert_false(ia_settlement_text(&text, &rows[i], NULL));
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(dsse_vector),
      TEST(envelopes_bind_type_and_signer),
      TEST(run_statements_go_both_ways),
      TEST(run_statements_are_closed),
      TEST(older_runs_are_refused_by_name),
      TEST(failed_runs_have_no_result),
      TEST(records_go_both_ways),
      TEST(records_state_the_terms),
      TEST(settlements_belong_to_their_domain),
      TEST(causes_are_of_the_list),
      TEST(trust_comes_from_signed_info),
      TEST(pools_are_the_users_to_list),
      TEST(an_sms_names_no_pools),
      TEST(trust_files_say_nothing_twice),
      cmocka_unit_test(labels_bear_their_version),
      cmocka_unit_test(settlements_are_whole),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
