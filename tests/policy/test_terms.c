/* The terms of one grant: their grammar, their verdicts, who is told what, and which of an owner's
 * words a release falls under. */
#include "world.h"

#define ORDER "\"order\":\"0x1111111111111111111111111111111111111111111111111111111111111111\""

static ia_code parse(const char *text)
{
  IA_AUTOV(ia_terms) t = {0};
  ia_err e = {0};

  return ia_terms_parse(&t, ia_span_str(text), &e) ? IA_OK : e.code;
}

static void test_grammar(void **state)
{
  static const struct {
    const char *text;
    ia_code code;
  } cases[] = {
      {"{" ORDER ",\"v\":1}", IA_OK},
      {"{\"expires\":5," ORDER ",\"purposes\":[\"a\",\"b\"],\"runs\":0,\"v\":1}", IA_OK},
      {"{\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{" ORDER "}", IA_E_POLICY_UNKNOWN},
      {"{" ORDER ",\"v\":2}", IA_E_POLICY_UNKNOWN},
      {"{" ORDER ",\"v\":\"1\"}", IA_E_POLICY_UNKNOWN},
      {"[]", IA_E_POLICY_UNKNOWN},
      {"{\"order\":\"0x1111\",\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"order\":\"0x0000000000000000000000000000000000000000000000000000000000000000\","
       "\"v\":1}",
       IA_E_POLICY_UNKNOWN},
      {"{\"order\":7,\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"expires\":0," ORDER ",\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"expires\":-1," ORDER ",\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"expires\":\"5\"," ORDER ",\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{" ORDER ",\"purposes\":\"a\",\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{" ORDER ",\"purposes\":[\"\"],\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{" ORDER ",\"purposes\":[\"a\",1],\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{" ORDER ",\"runs\":-1,\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{" ORDER ",\"runs\":{\"total\":1},\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"daily\":1," ORDER ",\"v\":1}", IA_E_POLICY_UNKNOWN}, /* of a policy only */
      {"{\"hours\":{}," ORDER ",\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"v\":1," ORDER "}", IA_E_PARSE}, /* not canonical */
      {"{" ORDER ",\"v\": 1}", IA_E_PARSE},
      {"{" ORDER "," ORDER ",\"v\":1}", IA_E_PARSE},
      {"", IA_E_PARSE},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(cases); i++)
    if (parse(cases[i].text) != cases[i].code)
      fail_msg("%s: %s", cases[i].text, ia_code_name(parse(cases[i].text)));
}

static void test_too_large(void **state)
{
  char *text = calloc(1, IA_POLICY_MAX + 2);

  (void)state;
  assert_non_null(text);
  memset(text, ' ', IA_POLICY_MAX + 1);
  assert_int_equal(parse(text), IA_E_TOO_LARGE);
  free(text);
}

static const ia_clause *line_of(const ia_ruling *v, const char *clause)
{
  for (size_t i = 0; i < v->n; i++)
    if (strcmp(v->line[i].clause, clause) == 0)
      return &v->line[i];
  return NULL;
}

static void test_every_clause_has_its_line(void **state)
{
  static const char text[] =
      "{\"expires\":50," ORDER ",\"purposes\":[\"research\"],\"runs\":3,\"v\":1}";
  IA_AUTOV(ia_terms) t = {0};
  ia_policy_facts f = {.now = 50, .purpose = "sale", .order_runs = 3};
  ia_ruling v = {0}, good = {0};

  (void)state;
  assert_true(ia_terms_parse(&t, ia_span_str(text), NULL));
  assert_false(ia_terms_decide(&v, &t, &f));
  assert_int_equal(v.n, 3);
  assert_int_equal(line_of(&v, "grant.expires")->code, IA_E_POLICY_EXPIRED);
  assert_int_equal(line_of(&v, "grant.purposes")->code, IA_E_POLICY_PURPOSE);
  assert_int_equal(line_of(&v, "grant.runs")->code, IA_E_POLICY_BUDGET);
  f = (ia_policy_facts){.now = 49, .purpose = "research", .order_runs = 2};
  assert_true(ia_terms_decide(&good, &t, &f));
  assert_int_equal(good.n, 3);
  for (size_t i = 0; i < good.n; i++)
    assert_true(good.line[i].ok);
}

/* The owner's numbers and times are hers; that a rule of the grant refuses is told by its name. */
static void test_who_is_told_what(void **state)
{
  static const struct {
    ia_ruling_reader reader;
    const char *seen, *hidden;
  } rows[] = {
      {IA_READER_OWNER, "3 of 3 runs", "refused by"},
      {IA_READER_REQUESTER, "the runs of the grant are used up", "3 of 3"},
      {IA_READER_ANYONE, "POLICY_BUDGET", "grant.runs"},
  };
  IA_AUTOV(ia_terms) t = {0};
  ia_policy_facts f = {.now = 1, .purpose = "", .order_runs = 3};
  ia_ruling v = {0};

  (void)state;
  assert_true(ia_terms_parse(&t, ia_span_str("{" ORDER ",\"runs\":3,\"v\":1}"), NULL));
  assert_false(ia_terms_decide(&v, &t, &f));
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTO_JSON *json = ia_ruling_json(&v, rows[i].reader);
    IA_AUTOV(ia_buf) text = {0};

    assert_true(ia_json_write(&text, json, NULL));
    ia_buf_u8(&text, 0);
    assert_non_null(strstr((const char *)text.ptr, rows[i].seen));
    assert_null(strstr((const char *)text.ptr, rows[i].hidden));
  }
  assert_string_equal(ia_refusal_of_owner("grant.runs"), "refused by the terms of the grant");
  assert_string_equal(ia_refusal_of_owner("policy.runs.daily"), "refused by the owner's policy");
  assert_null(ia_refusal_of_owner("grant")); /* closed or revoked: nobody's secret */
  assert_null(ia_refusal_of_owner("volume"));
}

static ia_code with(const char *policy, const char *terms, uint64_t order_tasks,
                    ia_release_plan *plan)
{
  struct world *w = w_open("{\"iapp_purpose\":\"research\"}");
  ia_code code;

  w->policy = policy;
  w->terms = terms;
  w->order_tasks = order_tasks;
  code = decide(w, plan);
  ia_release_plan_free(plan); /* what it borrows goes with the world */
  w_close(w);
  return code;
}

/* Both the policy of the data and the terms of the grant must admit the run; an order without terms
 * falls under the policy only. */
static void test_policy_and_terms(void **state)
{
  static const struct {
    const char *policy, *terms;
    uint64_t tasks;
    ia_code code;
  } rows[] = {
      {NULL, NULL, 0, IA_OK},
      {NULL, "{" ORDER ",\"v\":1}", 0, IA_OK},
      {NULL, "{\"expires\":5," ORDER ",\"v\":1}", 0, IA_E_POLICY_EXPIRED},
      {"{\"v\":1}", "{" ORDER ",\"purposes\":[\"sale\"],\"v\":1}", 0, IA_E_POLICY_PURPOSE},
      {"{\"purposes\":[\"sale\"],\"v\":1}", "{" ORDER ",\"purposes\":[\"research\"],\"v\":1}", 0,
       IA_E_POLICY_PURPOSE},
      {"{\"purposes\":[\"research\"],\"v\":1}", "{" ORDER ",\"runs\":2,\"v\":1}", 1, IA_OK},
      {"{\"purposes\":[\"research\"],\"v\":1}", "{" ORDER ",\"runs\":2,\"v\":1}", 2,
       IA_E_POLICY_BUDGET},
      {"{\"expires\":5,\"v\":1}", NULL, 0, IA_E_POLICY_EXPIRED},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_release_plan) plan = {0};
    ia_code code = with(rows[i].policy, rows[i].terms, rows[i].tasks, &plan);

    if (code != rows[i].code)
      fail_msg("row %zu: %s", i, ia_code_name(code));
  }
}

static void test_the_plan_says_which_applied(void **state)
{
  struct world *w = w_open("");
  IA_AUTOV(ia_release_plan) none = {0}, both = {0};

  (void)state;
  assert_int_equal(decide(w, &none), IA_OK);
  assert_false(none.applied.has_policy || none.applied.has_terms);
  assert_true(ia_h256_zero(&none.applied.terms_hash));
  w->policy = "{\"v\":1}";
  w->terms = "{" ORDER ",\"v\":1}";
  assert_int_equal(decide(w, &both), IA_OK);
  assert_true(both.applied.has_policy && both.applied.has_terms);
  assert_int_equal(both.applied.terms_version, 4);
  assert_int_equal(both.applied.terms_hash.b[0], 0x7e);
  w_close(w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_grammar),
      cmocka_unit_test(test_too_large),
      cmocka_unit_test(test_every_clause_has_its_line),
      cmocka_unit_test(test_who_is_told_what),
      cmocka_unit_test(test_policy_and_terms),
      cmocka_unit_test(test_the_plan_says_which_applied),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
