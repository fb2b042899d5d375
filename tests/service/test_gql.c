/* The parser of GraphQL documents: the tree, the places of faults, the bounds. That it takes what
 * npm's graphql takes is tested beside that package. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "service/graph/gql.h"

static void a_document_is_a_tree(void **state)
{
  static const char text[] =
      "query Q($a: [Int!]! = [1]) @d { x: f(b: $a, c: {s: \"\\u00e9\"}) { g } }\n"
      "fragment F on T { ...G ... on U { h } }";
  IA_AUTO(ia_gql_document) *d = NULL;

  (void)state;
  assert_true(ia_gql_parse(&d, ia_span_str(text), NULL, NULL));
  const ia_gql_definition *q = ia_gql_definitions(d), *f = q->next;
  assert_int_equal(q->operation, IA_GQL_QUERY);
  assert_true(ia_span_is(q->variables->name, "a") && q->variables->type->non_null);
  assert_true(q->variables->type->of->non_null);
  assert_true(ia_span_is(q->variables->type->of->name, "Int"));
  assert_int_equal(q->variables->value->kind, IA_GQL_LIST);
  const ia_gql_selection *s = q->selections;
  assert_true(ia_span_is(s->alias, "x") && ia_span_is(s->name, "f") && !s->next);
  assert_int_equal(s->arguments->kind, IA_GQL_VARIABLE);
  assert_true(ia_span_is(s->arguments->next->first->text, "\xc3\xa9"));
  assert_true(ia_span_is(s->selections->name, "g"));
  assert_int_equal(f->operation, IA_GQL_FRAGMENT);
  assert_true(ia_span_is(f->condition, "T"));
  assert_int_equal(f->selections->kind, IA_GQL_SPREAD);
  assert_int_equal(f->selections->next->kind, IA_GQL_INLINE);
  assert_null(f->next);
}

static void faults_have_a_place(void **state)
{
  static const struct {
    const char *text;
    size_t at;
    unsigned line, column;
    ia_code code;
  } rows[] = {
      {"{a", 2, 1, 3, IA_E_PARSE},
      {"{\r\n  a(b: 01)\n}", 11, 2, 9, IA_E_PARSE},
      {"{a(b:\"\xc3\xa9\" ?)}", 10, 1, 10, IA_E_PARSE},
      {"{a}\n type T {a: Int}", 5, 2, 2, IA_E_UNSUPPORTED},
      {"{a(b: \"x\n\")}", 6, 1, 7, IA_E_PARSE},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    ia_gql_document *d = NULL;
    unsigned line, column;
    ia_err e = {0};
    size_t at;

    assert_false(ia_gql_parse(&d, ia_span_str(rows[i].text), &at, &e));
    ia_gql_place(ia_span_str(rows[i].text), at, &line, &column);
    if (e.code != rows[i].code || at != rows[i].at || line != rows[i].line ||
        column != rows[i].column)
      fail_msg("%zu: %zu, line %u, column %u, %s", i, at, line, column, e.msg);
  }
}

static void refused(const char *before, const char *unit, size_t n, ia_code code)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_gql_document *d = NULL;
  ia_err e = {0};

  ia_buf_str(&text, before);
  for (size_t i = 0; i < n; i++)
    ia_buf_str(&text, unit);
  assert_false(ia_gql_parse(&d, ia_buf_view(&text), NULL, &e));
  if (e.code != code)
    fail_msg("%s%s..: %s", before, unit, e.msg);
}

static void documents_are_bounded(void **state)
{
  ia_gql_document *d = NULL;

  (void)state;
  refused("", "{a", IA_GQL_DEPTH_MAX + 1, IA_E_TOO_LARGE);
  refused("{a(b:", "[", 100000, IA_E_TOO_LARGE);
  refused("query($a:", "[", 100000, IA_E_TOO_LARGE);
  refused("{", "a ", IA_GQL_TOKENS_MAX, IA_E_TOO_LARGE);
  refused("{a}", "          ", IA_GQL_MAX / 10 + 1, IA_E_TOO_LARGE);
  refused("{a(b:\"", "\xff", 1, IA_E_PARSE);
  refused("", "{a", IA_GQL_DEPTH_MAX, IA_E_PARSE);
  assert_false(ia_gql_parse(&d, (ia_span){0}, NULL, NULL));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_document_is_a_tree),
      cmocka_unit_test(faults_have_a_place),
      cmocka_unit_test(documents_are_bounded),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
