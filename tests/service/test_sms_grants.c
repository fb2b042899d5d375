/* Terms of grants at the SMS: each binds its own order, beside the policy of the data; counted in
 * the journal; in the record; told to their owner, who may also try them. */
#include "crypto/sha.h"
#include "receipt/record.h"
#include "sms_lab.h"
#include "sms_owner.h"

#define ASSERT_OUTCOME(b, code) assert_string_equal(lab_outcome(b), code)
#define ASSERT_MESSAGE(b, who, kind, version, body, code)                                          \
  do {                                                                                             \
    lab_message(b, who, kind, &(b)->w->dataset, version, body);                                    \
    assert_string_equal((b)->error, code);                                                         \
  } while (0)

static ia_h256 order_of(const struct lab *b)
{
  ia_h256 hash;

  ia_order_hash(&hash, &b->w->separator, IA_ORDER_DATASET, &b->w->f.match.dataset);
  return hash;
}

/* Canonical terms of this order: members before "order", members after it. */
static const char *terms(const ia_h256 *order, const char *before, const char *after)
{
  static char out[512];

  (void)!snprintf(out, sizeof(out), "{%s\"order\":\"%s\"%s,\"v\":1}", before, ia_h256_text(order).s,
                  after);
  return out;
}

/* A signed question about the dataset and its answer; NULL: refused with this status. */
static json_t *answer_to(struct lab *b, int who, const char *method, const char *path,
                         const json_t *asked, bool posted, int status)
{
  IA_AUTOV(ia_http_answer) a = {0};
  IA_AUTOV(ia_buf) body = {0};
  struct lab_question q = {0};
  char header[300];
  const char *headers[] = {header, NULL};
  ia_http_call call = {.method = method, .url = fixture_url(&b->f, path), .headers = headers};
  json_t *out;

  lab_ask(b, &q, who, "audit", &b->w->dataset, asked, ia_now_ms());
  (void)!snprintf(header, sizeof(header), "Authorization: %s", q.auth);
  if (posted) {
    assert_true(ia_json_canonical(&body, asked, NULL));
    call.body = ia_buf_view(&body);
  }
  assert_true(ia_http_do(b->f.http, &a, &call, NULL));
  if (a.status != status)
    fail_msg("status %d: %.*s", a.status, (int)a.body.len, (const char *)a.body.ptr);
  out = a.status == 200 ? lab_opened(b, &q, &a.body) : NULL;
  assert_true(a.status != 200 || out);
  ia_secret_free(&q.secret);
  return out;
}

static json_t *limits_after(struct lab *b, int who, const ia_h256 *after, int status)
{
  IA_AUTO_JSON *asked = json_pack("{s:o}", "limitsAfter", ia_json_h256(after));
  char path[256];

  (void)!snprintf(path, sizeof(path), "/owner/v1/limits?object=%s&after=%s",
                  ia_addr_lower(&b->w->dataset).s, ia_h256_text(after).s);
  return answer_to(b, who, "GET", path, asked, false, status);
}

static json_t *limits_of(struct lab *b, int who, int status)
{
  static const ia_h256 none;

  return limits_after(b, who, &none, status);
}

static json_t *log_of(struct lab *b, int who)
{
  IA_AUTO_JSON *asked = json_pack("{s:i}", "after", 0);
  char path[128];

  (void)!snprintf(path, sizeof(path), "/owner/v1/log?object=%s", ia_addr_lower(&b->w->dataset).s);
  return answer_to(b, who, "GET", path, asked, false, 200);
}

/* -- enforced -- */
/* What is said of one grant changes nothing for another one. */
static void test_terms_bind_their_own_order(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_h256 mine = order_of(b), other = mine;

  (void)state;
  other.b[0] ^= 1;
  ASSERT_MESSAGE(b, W_DATA, "grant", 1, terms(&other, "\"expires\":5,", ""), "");
  ASSERT_OUTCOME(b, "OK");
  ASSERT_MESSAGE(b, W_DATA, "grant", 2, terms(&mine, "\"expires\":5,", ""), "");
  ASSERT_OUTCOME(b, "POLICY_EXPIRED");
  assert_non_null(strstr(b->message, "terms of the grant"));
  assert_null(strstr(b->message, "1970"));
  restart(b);
  ASSERT_OUTCOME(b, "POLICY_EXPIRED");
  /* the newest message about an order is the one in force */
  ASSERT_MESSAGE(b, W_DATA, "grant", 3, terms(&mine, "", ",\"purposes\":[\"research\"]"), "");
  ASSERT_OUTCOME(b, "POLICY_PURPOSE");
  ASSERT_MESSAGE(b, W_DATA, "grant", 4, terms(&mine, "", ""), "");
  ASSERT_OUTCOME(b, "OK");
  lab_close(b);
}

/* Both hold, and neither loosens the other. */
static void test_policy_and_terms_both_hold(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_h256 mine = order_of(b);

  (void)state;
  ASSERT_MESSAGE(b, W_DATA, "policy", 1, "{\"requesters\":[],\"v\":1}", "");
  ASSERT_MESSAGE(b, W_DATA, "grant", 1, terms(&mine, "", ""), "");
  ASSERT_OUTCOME(b, "POLICY_REQUESTER");
  ASSERT_MESSAGE(b, W_DATA, "policy", 2, "{\"v\":1}", "");
  ASSERT_OUTCOME(b, "OK");
  lab_close(b);
}

/* Distinct tasks on that order, over restarts; a second attempt counts once. */
static void test_runs_are_counted_by_order(void **state)
{
  struct lab *b = lab_of(3, 3);
  ia_h256 mine = order_of(b);

  (void)state;
  ASSERT_MESSAGE(b, W_DATA, "grant", 1, terms(&mine, "", ",\"runs\":2"), "");
  ASSERT_OUTCOME(b, "OK");
  ASSERT_OUTCOME(b, "OK");
  nth(b, 1);
  ASSERT_OUTCOME(b, "OK");
  nth(b, 2);
  ASSERT_OUTCOME(b, "POLICY_BUDGET");
  restart(b);
  ASSERT_OUTCOME(b, "POLICY_BUDGET");
  ASSERT_MESSAGE(b, W_DATA, "grant", 2, terms(&mine, "", ",\"runs\":3"), "");
  ASSERT_OUTCOME(b, "OK");
  lab_close(b);
}

static void test_who_may_state_terms(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_h256 mine = order_of(b);

  (void)state;
  ASSERT_MESSAGE(b, W_USER, "grant", 1, terms(&mine, "", ""), "UNAUTHORIZED");
  ASSERT_MESSAGE(b, W_DATA, "grant", 1, "{\"v\":1}", "POLICY_UNKNOWN");
  ASSERT_MESSAGE(b, W_DATA, "grant", 1, terms(&mine, "\"daily\":1,", ""), "POLICY_UNKNOWN");
  ASSERT_MESSAGE(b, W_DATA, "grant", 5, terms(&mine, "", ""), "");
  ASSERT_MESSAGE(b, W_DATA, "grant", 5, terms(&mine, "", ""), ""); /* the very same */
  ASSERT_MESSAGE(b, W_DATA, "grant", 5, terms(&mine, "", ",\"runs\":9"), "POLICY_ROLLBACK");
  ASSERT_MESSAGE(b, W_DATA, "grant", 4, terms(&mine, "", ",\"runs\":9"), "POLICY_ROLLBACK");
  ASSERT_MESSAGE(b, W_DATA, "policy", 1, "{\"v\":1}", ""); /* versions of its own */
  lab_close(b);
}

/* -- in the record -- */
static void test_the_record_names_the_terms(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_h256 mine = order_of(b), want, zero = {{0}};
  const char *body = terms(&mine, "", ",\"runs\":5");
  const char *text;

  (void)state;
  ia_sha256(&want, ia_span_str(body));
  for (int stated = 0; stated < 2; stated++) {
    IA_AUTOV(ia_record) r = {0};

    if (stated)
      ASSERT_MESSAGE(b, W_DATA, "grant", 7, body, "");
    IA_AUTO_JSON *v = lab_release(b, NULL);
    assert_non_null(v);
    assert_true(ia_json_get_str(v, "record", &text, NULL));
    assert_true(ia_record_parse(&r, ia_span_str(text), NULL));
    assert_int_equal(r.n_datasets, 1);
    assert_int_equal(r.datasets[0].terms_version, stated ? 7 : 0);
    assert_memory_equal(r.datasets[0].terms_hash.b, stated ? want.b : zero.b, 32);
    assert_int_equal(r.datasets[0].epoch, 0);
  }
  lab_close(b);
}

/* -- told to the owner -- */
static void test_the_owner_reads_her_limits(void **state)
{
  struct lab *b = lab_of(2, 2);
  ia_h256 mine = order_of(b), other = mine;
  char revoke[128];
  const char *hash;

  (void)state;
  other.b[0] ^= 1;
  assert_null(limits_of(b, W_USER, 401));
  IA_AUTO_JSON *none = limits_of(b, W_DATA, 200);
  assert_true(json_is_null(json_object_get(none, "policy")));
  assert_int_equal(json_array_size(json_object_get(none, "grants")), 0);
  ASSERT_MESSAGE(b, W_DATA, "policy", 3, "{\"runs\":{\"total\":9},\"v\":1}", "");
  ASSERT_MESSAGE(b, W_DATA, "grant", 1, terms(&mine, "", ",\"purposes\":[\"a\"]"), "");
  ASSERT_MESSAGE(b, W_DATA, "grant", 2, terms(&mine, "", ",\"runs\":2"), "");
  ASSERT_OUTCOME(b, "OK");
  nth(b, 1);
  ASSERT_OUTCOME(b, "OK");
  (void)!snprintf(revoke, sizeof(revoke), "{\"orders\":[\"%s\"]}", ia_h256_text(&other).s);
  ASSERT_MESSAGE(b, W_DATA, "revoke", 1, revoke, "");
  restart(b);
  IA_AUTO_JSON *v = limits_of(b, W_DATA, 200);
  assert_int_equal(json_integer_value(json_object_get(v, "policyVersion")), 3);
  assert_true(json_is_false(json_object_get(v, "revokedAll")));
  assert_int_equal(json_integer_value(json_object_get(json_object_get(v, "runs"), "total")), 2);
  assert_int_equal(json_array_size(json_object_get(v, "grants")), 2);
  for (size_t i = 0; i < 2; i++) {
    const json_t *g = json_array_get(json_object_get(v, "grants"), i);
    assert_true(ia_json_get_str(g, "orderHash", &hash, NULL));
    bool is_mine = strcmp(hash, ia_h256_text(&mine).s) == 0;

    assert_int_equal(json_integer_value(json_object_get(g, "version")), is_mine ? 2 : 0);
    assert_int_equal(json_integer_value(json_object_get(g, "runs")), is_mine ? 2 : 0);
    assert_int_equal(json_is_true(json_object_get(g, "revoked")), !is_mine);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(g, "terms"), "runs")),
                     is_mine ? 2 : 0);
  }
  lab_close(b);
}

static void test_many_grants_come_in_pages(void **state)
{
  enum { MANY = 203, PAGE = 200 };
  struct lab *b = lab_of(1, 1);
  ia_h256 order = {{0}}, after;

  (void)state;
  for (int i = 1; i <= MANY; i++) {
    order.b[0] = (uint8_t)i;
    ASSERT_MESSAGE(b, W_DATA, "grant", (uint64_t)i, terms(&order, "", ""), "");
  }
  IA_AUTO_JSON *first = limits_of(b, W_DATA, 200);
  assert_int_equal(json_array_size(json_object_get(first, "grants")), PAGE);
  assert_true(ia_json_get_h256(first, "next", &after, NULL));
  assert_int_equal(after.b[0], PAGE);
  IA_AUTO_JSON *second = limits_after(b, W_DATA, &after, 200);
  assert_int_equal(json_array_size(json_object_get(second, "grants")), MANY - PAGE);
  assert_null(json_object_get(second, "next"));
  lab_close(b);
}

static void test_the_log_shows_messages(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_h256 mine = order_of(b);
  static const char *const kinds[] = {"grant", "policy", "revoke"};

  (void)state;
  ASSERT_MESSAGE(b, W_DATA, "grant", 1, terms(&mine, "", ",\"purposes\":[\"research\"]"), "");
  ASSERT_MESSAGE(b, W_DATA, "policy", 2, "{\"v\":1}", "");
  ASSERT_OUTCOME(b, "POLICY_PURPOSE");
  ASSERT_MESSAGE(b, W_DATA, "revoke", 1, "{\"all\":true}", "");
  restart(b);
  IA_AUTO_JSON *v = log_of(b, W_DATA);
  const json_t *list = json_object_get(v, "entries"), *one;
  size_t i, messages = 0;
  json_array_foreach (list, i, one) {
    const char *verdict = json_string_value(json_object_get(one, "verdict"));
    const char *text = json_string_value(json_object_get(one, "message"));

    if (strcmp(verdict, "refuse") == 0) {
      assert_non_null(strstr(text, "grant.purposes: "));
      continue;
    }
    assert_string_equal(verdict, "message");
    assert_string_equal(json_string_value(json_object_get(one, "code")), kinds[messages++]);
    assert_string_equal(json_string_value(json_object_get(one, "requester")),
                        ia_addr_lower(&b->w->who[W_DATA].addr).s);
    assert_non_null(strstr(text, messages == 1   ? "version 1: {\"order\""
                                 : messages == 2 ? "version 2: {\"v\":1}"
                                                 : "\"all\":true"));
  }
  assert_int_equal(messages, 3);
  lab_close(b);
}

/* -- tried -- */
static json_t *tried(struct lab *b, int who, const char *purpose, uint64_t at, bool with_order,
                     int status)
{
  const struct world *w = b->w;
  IA_AUTO_JSON *asked = json_pack(
      "{s:o, s:o, s:o, s:s, s:I, s:b, s:o}", "dataset", ia_json_addr(&w->dataset), "app",
      ia_json_addr(&w->app), "requester", ia_json_addr(&w->who[W_USER].addr), "purpose", purpose,
      "at", (json_int_t)at, "encrypt", 1, "order",
      with_order ? ia_order_json(IA_ORDER_DATASET, &w->f.match.dataset, IA_ORDER_DECIMAL, NULL)
                 : json_null());

  return answer_to(b, who, "POST", "/owner/v1/test", asked, true, status);
}

/* "" or the first clause that refuses. */
static const char *refusing(const json_t *v)
{
  const json_t *one;
  size_t i;

  json_array_foreach (json_object_get(v, "clauses"), i, one)
    if (json_is_false(json_object_get(one, "ok")))
      return json_string_value(json_object_get(one, "clause"));
  return "";
}

#define TRIED(b, purpose, at, with_order, clause)                                                  \
  do {                                                                                             \
    IA_AUTO_JSON *v_ = tried(b, W_DATA, purpose, at, with_order, 200);                             \
    assert_string_equal(refusing(v_), clause);                                                     \
    assert_string_equal(json_string_value(json_object_get(v_, "verdict")),                         \
                        *(clause) ? "refuse" : "release");                                         \
  } while (0)

static void test_an_owner_tries_her_grant(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_h256 mine = order_of(b);
  uint64_t now = ia_now();
  char until[64], revoke[128];

  (void)state;
  (void)!snprintf(until, sizeof(until), "\"expires\":%llu,", (unsigned long long)now + 1000);
  TRIED(b, "", now, true, "");
  assert_null(tried(b, W_USER, "", now, true, 401));
  ASSERT_MESSAGE(b, W_DATA, "grant", 1,
                 terms(&mine, until, ",\"purposes\":[\"research\"],\"runs\":1"), "");
  TRIED(b, "", now, true, "grant.purposes");
  TRIED(b, "research", now, true, "");
  TRIED(b, "research", now + 999, true, "");
  TRIED(b, "research", now + 1000, true, "grant.expires");
  for (int i = 0; i < 3; i++) /* trying uses nothing up */
    TRIED(b, "research", now, true, "");
  ASSERT_MESSAGE(b, W_DATA, "policy", 1, "{\"requesters\":[],\"v\":1}", "");
  TRIED(b, "research", now, true, "policy.requesters");
  ASSERT_MESSAGE(b, W_DATA, "policy", 2, "{\"v\":1}", "");
  TRIED(b, "research", now, false, "grant"); /* no grant fits */
  b->w->f.match.dataset.apprestrict = b->w->pool;
  TRIED(b, "research", now, true, "grant"); /* not what the owner signed */
  b->w->f.match.dataset.apprestrict = b->w->app;
  (void)!snprintf(revoke, sizeof(revoke), "{\"orders\":[\"%s\"]}", ia_h256_text(&mine).s);
  ASSERT_MESSAGE(b, W_DATA, "revoke", 1, revoke, "");
  TRIED(b, "research", now, true, "grant");
  lab_close(b);
}

/* What a trial says is what a release then answers, and nothing was counted before. */
static void test_a_trial_counts_nothing(void **state)
{
  struct lab *b = lab_of(2, 2);
  ia_h256 mine = order_of(b);
  uint64_t now = ia_now();

  (void)state;
  ASSERT_MESSAGE(b, W_DATA, "grant", 1, terms(&mine, "", ",\"runs\":1"), "");
  for (int i = 0; i < 3; i++)
    TRIED(b, "", now, true, "");
  ASSERT_OUTCOME(b, "OK");
  TRIED(b, "", now, true, "grant.runs");
  nth(b, 1);
  ASSERT_OUTCOME(b, "POLICY_BUDGET");
  lab_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_terms_bind_their_own_order),
      cmocka_unit_test(test_policy_and_terms_both_hold),
      cmocka_unit_test(test_runs_are_counted_by_order),
      cmocka_unit_test(test_who_may_state_terms),
      cmocka_unit_test(test_the_record_names_the_terms),
      cmocka_unit_test(test_the_owner_reads_her_limits),
      cmocka_unit_test(test_many_grants_come_in_pages),
      cmocka_unit_test(test_the_log_shows_messages),
      cmocka_unit_test(test_an_owner_tries_her_grant),
      cmocka_unit_test(test_a_trial_counts_nothing),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
