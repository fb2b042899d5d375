/* Signed questions: who reads what, sealed to whom; what a heard one is worth. */
#include "sms_owner.h"

#define ASSERT_OUTCOME(b, code) assert_string_equal(lab_outcome(b), code)

static struct lab *with_key(const char *params)
{
  struct lab *b = lab_open(params, IA_DOMAIN_SIM);

  assert_int_equal(lab_push_key(b, W_DATA), 204);
  return b;
}

static json_t *question_of(struct lab *b)
{
  return json_pack("{s:o}", "taskId", ia_json_h256(&b->w->f.task_id));
}

/* who < 0: unsigned. The answer's text, so that a test sees whatever stands in it. */
static int why_text(struct lab *b, int who, const char *kind, uint64_t ms, ia_buf *out)
{
  IA_AUTO_JSON *question = question_of(b);
  IA_AUTOV(ia_http_answer) a = {0};
  IA_AUTOV(ia_buf) body = {0};
  static const ia_addr none;
  struct lab_question q = {0};
  char header[300];
  const char *headers[] = {header, NULL};
  ia_http_call call = {.method = "POST", .headers = who < 0 ? NULL : headers};

  assert_true(ia_json_canonical(&body, question, NULL));
  call.url = fixture_url(&b->f, "/why/v1");
  call.body = ia_buf_view(&body);
  if (who >= 0) {
    lab_ask(b, &q, who, kind, &none, question, ms);
    (void)!snprintf(header, sizeof(header), "Authorization: %s", q.auth);
  }
  assert_true(ia_http_do(b->f.http, &a, &call, NULL));
  if (who >= 0 && a.status == 200) {
    IA_AUTO_JSON *opened = lab_opened(b, &q, &a.body);

    assert_null(memmem(a.body.ptr, a.body.len, "verdict", 7));
    if (opened)
      assert_true(ia_json_write(out, opened, NULL));
  } else {
    ia_buf_span(out, ia_buf_view(&a.body));
  }
  ia_secret_free(&q.secret);
  ia_buf_u8(out, 0);
  return a.status;
}

/* The owner reads all, the requester what refuses her, anyone else codes. */
static void test_why_tells_each_what_is_hers(void **state)
{
  static const char policy[] = "{\"expires\":981173106,\"purposes\":[\"research\"],"
                               "\"runs\":{\"total\":7},\"v\":1}";
  static const struct {
    int who;
    const char *seen[8], *hidden[8];
  } rows[] = {
      {-1,
       {"\"verdict\":\"refuse\"", "POLICY_EXPIRED"},
       {"message", "past", "policy.", "2001", "marketing", "research", "runs"}},
      {W_APP,
       {"\"verdict\":\"refuse\"", "POLICY_EXPIRED", "\"past\":[]"},
       {"message", "policy.", "2001", "marketing", "research", "runs"}},
      {W_USER,
       {"policy has expired", "marketing", "policy.purposes", "\"past\":[{", "POLICY_EXPIRED"},
       {"2001", "research", "policy.runs", "of 7 runs"}},
      {W_DATA,
       {"2001-02-03T04:05:06Z", "marketing", "policy.runs.total", "of 7 runs", "\"past\":[{",
        "\"message\":\"policy.expires: the owner's policy expired on"},
       {"research"}},
  };
  struct lab *b = with_key("{\"iapp_purpose\":\"marketing\"}");

  (void)state;
  lab_message(b, W_DATA, "policy", &b->w->dataset, 1, policy);
  assert_string_equal(b->error, "");
  ASSERT_OUTCOME(b, "POLICY_EXPIRED");
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_buf) text = {0};

    assert_int_equal(why_text(b, rows[i].who, "why", ia_now_ms(), &text), 200);
    for (size_t k = 0; rows[i].seen[k]; k++)
      if (!strstr((const char *)text.ptr, rows[i].seen[k]))
        fail_msg("row %zu: no <%s> in %s", i, rows[i].seen[k], (const char *)text.ptr);
    for (size_t k = 0; rows[i].hidden[k]; k++)
      if (strstr((const char *)text.ptr, rows[i].hidden[k]))
        fail_msg("row %zu: <%s> in %s", i, rows[i].hidden[k], (const char *)text.ptr);
  }
  lab_close(b);
}

/* A signature of another time, kind or question is none. */
static void test_why_is_asked_afresh(void **state)
{
  struct lab *b = with_key("");
  IA_AUTOV(ia_buf) text = {0};
  struct lab_question q = {0};
  static const ia_addr none;

  (void)state;
  assert_int_equal(why_text(b, W_USER, "why", ia_now_ms() - 400000, &text), 401);
  assert_int_equal(why_text(b, W_USER, "why", ia_now_ms() + 400000, &text), 401);
  ia_buf_clear(&text);
  /* of another kind, or of another question: somebody else's signature, by its digest */
  assert_int_equal(why_text(b, W_DATA, "audit", ia_now_ms(), &text), 200);
  assert_null(strstr((const char *)text.ptr, "message"));
  IA_AUTO_JSON *question = question_of(b);
  IA_AUTOV(ia_buf) body = {0};
  assert_true(ia_json_canonical(&body, question, NULL));
  assert_int_equal(lab_raw(b, "POST", "/why/v1", "no_signature", ia_buf_view(&body)), 401);
  IA_AUTO_JSON *other = json_object();
  lab_ask(b, &q, W_DATA, "why", &none, other, ia_now_ms());
  assert_int_equal(lab_raw(b, "POST", "/why/v1", q.auth, ia_buf_view(&body)), 200);
  ia_secret_free(&q.secret);
  lab_close(b);
}

static void audit_path(struct lab *b, char path[160])
{
  (void)!snprintf(path, 160, "/owner/v1/log?object=%s", ia_addr_lower(&b->w->dataset).s);
}

static int audit_as(struct lab *b, struct lab_question *q, int who, uint64_t ms)
{
  IA_AUTO_JSON *asked = json_pack("{s:i}", "after", 0);
  char path[160];

  audit_path(b, path);
  lab_ask(b, q, who, "audit", &b->w->dataset, asked, ms);
  return lab_raw(b, "GET", path, q->auth, ia_span_of(NULL, 0));
}

/* The same bytes once more, as whoever heard them sends them. */
static void again(struct lab *b, const char *path, const struct lab_question *q, ia_buf *out,
                  int status)
{
  IA_AUTOV(ia_http_answer) a = {0};
  char header[300];
  const char *headers[] = {header, NULL};

  (void)!snprintf(header, sizeof(header), "Authorization: %s", q->auth);
  assert_true(ia_http_do(
      b->f.http, &a, &(ia_http_call){.url = fixture_url(&b->f, path), .headers = headers}, NULL));
  assert_int_equal(a.status, status);
  ia_buf_clear(out);
  ia_buf_span(out, ia_buf_view(&a.body));
}

static void test_the_owner_reads_her_log(void **state)
{
  struct lab *b = with_key("{\"iapp_purpose\":\"research\"}");
  struct lab_question q = {0}, other = {0};
  IA_AUTOV(ia_buf) raw = {0};
  char path[160];

  (void)state;
  ASSERT_OUTCOME(b, "OK");
  audit_path(b, path);
  assert_int_equal(audit_as(b, &q, W_USER, ia_now_ms()), 401);
  assert_int_equal(audit_as(b, &q, W_DATA, ia_now_ms() - 400000), 401);
  assert_int_equal(audit_as(b, &other, W_DATA, ia_now_ms()), 200);
  assert_int_equal(audit_as(b, &q, W_DATA, ia_now_ms()), 200);
  again(b, path, &q, &raw, 200);
  IA_AUTO_JSON *v = lab_opened(b, &q, &raw);
  const json_t *entry = json_array_get(json_object_get(v, "entries"), 0);
  assert_string_equal(json_string_value(json_object_get(entry, "verdict")), "release");
  assert_string_equal(json_string_value(json_object_get(entry, "purpose")), "research");
  assert_non_null(json_string_value(json_object_get(entry, "record")));
  /* only that asker reads it, and as the answer to that question */
  assert_null(memmem(raw.ptr, raw.len, "research", 8));
  assert_null(lab_opened(b, &other, &raw));
  ia_secret_free(&other.secret);
  assert_true(ia_secret_copy(&other.secret, ia_secret_view(&q.secret), NULL));
  assert_null(lab_opened(b, &other, &raw));
  other.hash = q.hash;
  assert_true(ia_secret_random(&other.secret, 32, NULL));
  assert_null(lab_opened(b, &other, &raw));
  ia_secret_free(&q.secret);
  ia_secret_free(&other.secret);
  lab_close(b);
}

/* The header serves for its own page and key alone. */
static void test_a_heard_question_is_of_no_use(void **state)
{
  struct lab *b = with_key("");
  struct lab_question q = {0};
  IA_AUTOV(ia_buf) raw = {0};
  char path[160], more[200], old[240];

  (void)state;
  audit_path(b, path);
  assert_int_equal(audit_as(b, &q, W_DATA, ia_now_ms()), 200);
  (void)!snprintf(more, sizeof(more), "%s&after=7", path);
  again(b, more, &q, &raw, 401);
  (void)!snprintf(more, sizeof(more), "/owner/v1/version?object=%s&kind=policy",
                  ia_addr_lower(&b->w->dataset).s);
  again(b, more, &q, &raw, 200); /* signed by nobody whom this SMS knows: version 0, sealed */
  assert_null(lab_opened(b, &q, &raw));
  /* another reply key under the same signature */
  q.auth[strcspn(q.auth, "_") + 3] ^= 1;
  again(b, path, &q, &raw, 401);
  /* the form without a key, whose answer anybody could read */
  (void)!snprintf(old, sizeof(old), "%.*s%s", (int)strcspn(q.auth, "_"), q.auth,
                  strrchr(q.auth, '_'));
  (void)!snprintf(q.auth, sizeof(q.auth), "%s", old);
  again(b, path, &q, &raw, 401);
  ia_secret_free(&q.secret);
  lab_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_why_tells_each_what_is_hers),
      cmocka_unit_test(test_why_is_asked_afresh),
      cmocka_unit_test(test_the_owner_reads_her_log),
      cmocka_unit_test(test_a_heard_question_is_of_no_use),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
