/* The owner's document: its grammar, and each clause at its edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy/policy.h"

static ia_code parse(const char *text)
{
  IA_AUTOV(ia_policy) p = ia_policy_none();
  ia_err e = {0};

  return ia_policy_parse(&p, ia_span_str(text), &e) ? IA_OK : e.code;
}

static void test_grammar(void **state)
{
  static const struct {
    const char *text;
    ia_code code;
  } cases[] = {
      {"{\"v\":1}", IA_OK},
      {"{}", IA_E_POLICY_UNKNOWN},
      {"{\"v\":2}", IA_E_POLICY_UNKNOWN},
      {"{\"V\":1,\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"gate\":{},\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"v\": 1}", IA_E_PARSE},
      {"{\"v\":1,\"expires\":5}", IA_E_PARSE}, /* keys not in order */
      {"{\"expires\":\"5\",\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"expires\":0,\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"expires\":-5,\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"hours\":{\"from\":\"08:00\",\"to\":\"18:00\"},\"v\":1}", IA_OK},
      {"{\"hours\":{\"days\":[1,5],\"from\":\"22:00\",\"to\":\"06:30\"},\"v\":1}", IA_OK},
      {"{\"hours\":{\"days\":[0],\"from\":\"08:00\",\"to\":\"18:00\"},\"v\":1}",
       IA_E_POLICY_UNKNOWN},
      {"{\"hours\":{\"from\":\"8:00\",\"to\":\"18:00\"},\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"hours\":{\"from\":\"08:00\",\"to\":\"08:00\"},\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"hours\":{\"from\":\"08:60\",\"to\":\"18:00\"},\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"requesters\":[\"0x7777777777777777777777777777777777777777\"],\"v\":1}", IA_OK},
      {"{\"requesters\":[\"0x77\"],\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"purposes\":[\"\"],\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"runs\":{},\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"runs\":{\"weekly\":1},\"v\":1}", IA_E_POLICY_UNKNOWN},
      {"{\"logs\":\"clear\",\"v\":1}", IA_OK},
      {"{\"logs\":\"open\",\"v\":1}", IA_E_POLICY_UNKNOWN},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(cases); i++)
    if (parse(cases[i].text) != cases[i].code)
      fail_msg("%s: %s", cases[i].text, ia_code_name(parse(cases[i].text)));
}

static ia_code decide(const char *text, ia_policy_facts f)
{
  IA_AUTOV(ia_policy) p = ia_policy_none();
  ia_ruling v = {0};

  assert_true(ia_policy_parse(&p, ia_span_str(text), NULL));
  return ia_policy_decide(&v, &p, &f) ? IA_OK : v.line[v.first].code;
}

/* 2026-05-28 20:26:40 UTC, a Thursday */
static ia_policy_facts at(uint64_t now)
{
  return (ia_policy_facts){.now = now, .purpose = ""};
}

static void test_hours(void **state)
{
  static const char day[] =
      "{\"hours\":{\"days\":[4],\"from\":\"08:00\",\"to\":\"20:27\"},\"v\":1}";
  static const char night[] =
      "{\"hours\":{\"days\":[4],\"from\":\"22:00\",\"to\":\"06:00\"},\"v\":1}";
  enum { THU_2026 = 1780000000, MIDNIGHT = THU_2026 - 73600 };

  (void)state;
  assert_int_equal(decide(day, at(THU_2026)), IA_OK);
  assert_int_equal(decide(day, at(THU_2026 + 20)), IA_E_POLICY_EXPIRED); /* 20:27:00 */
  assert_int_equal(decide(day, at(MIDNIGHT + 8 * 3600 - 1)), IA_E_POLICY_EXPIRED);
  assert_int_equal(decide(day, at(MIDNIGHT + 8 * 3600)), IA_OK);
  assert_int_equal(decide(day, at(MIDNIGHT + 86400 + 9 * 3600)), IA_E_POLICY_EXPIRED);
  /* the night that begins on Thursday ends on Friday */
  assert_int_equal(decide(night, at(MIDNIGHT + 3600)), IA_E_POLICY_EXPIRED);
  assert_int_equal(decide(night, at(MIDNIGHT + 22 * 3600)), IA_OK);
  assert_int_equal(decide(night, at(MIDNIGHT + 86400 + 3600)), IA_OK);
  assert_int_equal(decide(night, at(MIDNIGHT + 86400 + 6 * 3600)), IA_E_POLICY_EXPIRED);
}

static void test_people_and_purposes(void **state)
{
  ia_policy_facts f = at(1);

  (void)state;
  memset(f.requester.b, 0x77, 20);
  assert_int_equal(
      decide("{\"requesters\":[\"0x7777777777777777777777777777777777777777\"],\"v\":1}", f),
      IA_OK);
  f.requester.b[0] = 0;
  assert_int_equal(
      decide("{\"requesters\":[\"0x7777777777777777777777777777777777777777\"],\"v\":1}", f),
      IA_E_POLICY_REQUESTER);
  f.purpose = "research";
  assert_int_equal(decide("{\"purposes\":[\"research\"],\"v\":1}", f), IA_OK);
  f.purpose = "Research";
  assert_int_equal(decide("{\"purposes\":[\"research\"],\"v\":1}", f), IA_E_POLICY_PURPOSE);
}

static void test_every_clause_has_its_line(void **state)
{
  IA_AUTOV(ia_policy) p = ia_policy_none();
  ia_policy_facts f = at(100);
  ia_ruling v = {0};

  (void)state;
  assert_true(ia_policy_parse(&p,
                              ia_span_str("{\"expires\":50,\"purposes\":[\"a\"],\"requesters\":[],"
                                          "\"runs\":{\"daily\":0,\"total\":0},\"v\":1}"),
                              NULL));
  assert_false(ia_policy_decide(&v, &p, &f));
  assert_int_equal(v.n, 5);
  for (size_t i = 0; i < v.n; i++)
    assert_false(v.line[i].ok);
}

static void test_revocations(void **state)
{
  static const char *const bad[] = {"{}", "{\"all\":false}", "{\"orders\":[]}",
                                    "{\"all\":true,\"orders\":[]}", "{\"orders\":[\"0x12\"]}"};
  IA_AUTOV(ia_revocation) r = {0};

  (void)state;
  assert_true(ia_revocation_parse(&r, ia_span_str("{\"all\":true}"), NULL));
  assert_true(r.all);
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    IA_AUTOV(ia_revocation) none = {0};
    assert_false(ia_revocation_parse(&none, ia_span_str(bad[i]), NULL));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_grammar),
      cmocka_unit_test(test_hours),
      cmocka_unit_test(test_people_and_purposes),
      cmocka_unit_test(test_every_clause_has_its_line),
      cmocka_unit_test(test_revocations),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
