/* Few rows can be large: what is read and what is written are counted in bytes, for one request and
 * for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "service/graph/query.h"
#include "service/graph/store.h"

enum { PARAMS = 900 << 10, DEALS = 3, TASKS = 200 };

typedef struct lab {
  char dir[40];
  graph_store *s;
  graph_head head;
  graph_share share; /* of the last answer */
} lab;

#define PUT(l, table, id, ...)                                                                     \
  assert_true(graph_put((l)->s, table, id, 5, (const graph_value[]){__VA_ARGS__},                  \
                        sizeof((const graph_value[]){__VA_ARGS__}) / sizeof(graph_value), NULL))

/* Three deals whose params are large, and 200 tasks of the first of them. */
static int setup(void **state)
{
  lab *l = calloc(1, sizeof(*l));
  ia_autofree char *params = malloc(PARAMS + 1);
  char url[64], name[32];

  *state = l;
  (void)snprintf(l->dir, sizeof(l->dir), "/tmp/ia-graph-XXXXXX");
  if (!params || !mkdtemp(l->dir))
    return -1;
  (void)snprintf(url, sizeof(url), "sqlite:%s/g.db", l->dir);
  if (!graph_store_open(&l->s, url, NULL))
    return -1;
  l->head.number = 100;
  memset(params, 'p', PARAMS);
  params[PARAMS] = '\0';
  for (int i = 0; i < DEALS; i++) {
    (void)snprintf(name, sizeof(name), "0xbb%02d", i);
    PUT(l, "deal", name, GRAPH_TEXT("requester", "0xab01"), GRAPH_TEXT("params", params));
  }
  for (int i = 0; i < TASKS; i++) {
    (void)snprintf(name, sizeof(name), "0x7c%04d", i);
    PUT(l, "task", name, GRAPH_TEXT("deal", "0xbb00"), GRAPH_TEXT("status", "ACTIVE"));
  }
  return 0;
}

static int teardown(void **state)
{
  lab *l = *state;

  graph_store_close(l->s);
  bool ok = ia_remove_tree(l->dir, NULL);
  free(l);
  return ok ? 0 : -1;
}

static json_t *ask(lab *l, const char *query)
{
  IA_AUTO_JSON *request = json_pack("{s:s}", "query", query);

  graph_share_free(&l->share);
  graph_ask a = {&graph_poco, graph_store_db(l->s), &l->head, &l->share, NULL};
  json_t *v = graph_answer(&a, request);
  assert_non_null(v);
  return v;
}

static void refused(lab *l, const char *query, const char *message)
{
  IA_AUTO_JSON *v = ask(l, query);
  const char *said = json_string_value(
      json_object_get(json_array_get(json_object_get(v, "errors"), 0), "message"));

  if (!said || !strstr(said, message))
    fail_msg("%.60s: %s", query, said ? said : "taken");
}

/* n times the field, each under an alias of its own. */
static char *aliases(const char *field, int n)
{
  ia_buf q = {0};

  ia_buf_str(&q, "{");
  for (int i = 0; i < n; i++)
    ia_buf_printf(&q, "a%d:%s", i, field);
  ia_buf_str(&q, "}");
  return ia_buf_text(&q);
}

static void one_large_row_is_shown(void **state)
{
  lab *l = *state;
  IA_AUTO_JSON *v = ask(l, "{deals(where:{id:\"0xbb01\"}){params}}");

  assert_non_null(json_object_get(v, "data"));
  assert_in_range(l->share.held, PARAMS, 2 * PARAMS);
}

static void rows_of_many_aliases_are_counted(void **state)
{
  lab *l = *state;
  ia_autofree char *large = aliases("deals{params}", 1000);
  ia_autofree char *small = aliases("tasks(first:1000){id}", 600);

  refused(l, large, "answer of more than 16 MiB");
  assert_in_range(l->share.held, 1, GRAPH_HELD_MAX);
  /* these hold more than they write */
  refused(l, small, "more than 48 MiB");
}

/* A row that many others show stands once in memory, and in the answer as often as it is shown. */
static void joined_rows_are_counted(void **state)
{
  lab *l = *state;

  refused(l, "{tasks(first:1000){deal{params}}}", "answer of more than 16 MiB");
  assert_in_range(l->share.held, 1, 4 * PARAMS);
  refused(l, "{deals{tasks(first:1000){deal{params}}}}", "answer of more than 16 MiB");
  assert_in_range(l->share.held, 1, 8 * PARAMS);
}

static void rows_are_sorted_by_large_texts(void **state)
{
  lab *l = *state;
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *v = ask(l, "{deals(orderBy:params,orderDirection:desc,first:1){id}}");

  assert_true(ia_json_write(&text, v, NULL));
  assert_true(ia_span_is(ia_buf_view(&text), "{\"data\":{\"deals\":[{\"id\":\"0xbb02\"}]}}"));
}

/* All requests together hold no more than the pool, and give it back. */
static void requests_share_a_pool(void **state)
{
  graph_pool pool = {0};
  graph_share shares[8] = {0};
  ia_err e = {0};
  size_t n = 0;

  (void)state;
  for (size_t i = 0; i < IA_COUNT(shares); i++)
    shares[i].pool = &pool;
  while (n < IA_COUNT(shares) && graph_hold(&shares[n], GRAPH_HELD_MAX, &e))
    n++;
  assert_int_equal(n, GRAPH_POOL_MAX / GRAPH_HELD_MAX);
  assert_int_equal(e.code, IA_E_BUSY);
  assert_false(graph_hold(&shares[0], 1, &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
  graph_share_free(&shares[0]);
  assert_true(graph_hold(&shares[n], GRAPH_HELD_MAX, &e));
  for (size_t i = 0; i < IA_COUNT(shares); i++)
    graph_share_free(&shares[i]);
  assert_int_equal(pool.held, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_large_row_is_shown),  cmocka_unit_test(rows_of_many_aliases_are_counted),
      cmocka_unit_test(joined_rows_are_counted), cmocka_unit_test(rows_are_sorted_by_large_texts),
      cmocka_unit_test(requests_share_a_pool),
  };

  return cmocka_run_group_tests(tests, setup, teardown);
}
