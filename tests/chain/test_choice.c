/* The parts without I/O: lists of nodes, votes, pace, and the blocks that are remembered. */
#include "../crypto/support.h"
#include "chain/agree.h"
#include "chain/pace.h"
#include "chain/past.h"

static void lists_of_nodes(void **state IA_UNUSED)
{
  static const char *const bad[] = {NULL, "", ",", "http://a,,http://b", "http://a,http://a"};
  ia_endpoints s;
  ia_err e;

  assert_true(ia_endpoints_parse(&s, "https://u:p@a.example:8/v3/KEY?k=2,http://b", &e));
  assert_int_equal(s.n, 2);
  /* no key in any name */
  assert_string_equal(s.v[0].name, "https://a.example:8");
  assert_string_equal(s.v[0].url, "https://u:p@a.example:8/v3/KEY?k=2");
  assert_string_equal(s.v[1].name, "http://b");
  ia_endpoints_free(&s);
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    assert_false(ia_endpoints_parse(&s, bad[i], &e));
    assert_int_equal(e.code, IA_E_INVALID);
    ia_endpoints_free(&s);
  }
}

static void the_next_to_ask(void **state IA_UNUSED)
{
  ia_endpoints s;
  ia_err e;
  size_t at;

  assert_true(ia_endpoints_parse(&s, "http://a,http://b,http://c", &e));
  assert_true(ia_endpoints_next(&s, 0, 5, &at) && at == 0);
  ia_endpoints_failed(&s, 0, 5);
  assert_true(ia_endpoints_next(&s, 0, 6, &at) && at == 1);
  ia_endpoints_worked(&s, 1);
  assert_true(ia_endpoints_next(&s, 1u << 1, 6, &at) && at == 2);
  /* one that rests is asked when nobody else is left */
  assert_true(ia_endpoints_next(&s, 6, 6, &at) && at == 0);
  assert_false(ia_endpoints_next(&s, 7, 6, &at));
  s.v[0].barred = true;
  assert_false(ia_endpoints_next(&s, 6, 6, &at));
  ia_endpoints_free(&s);
}

static void laggards(void **state IA_UNUSED)
{
  static const struct {
    uint64_t head[3];
    size_t n;
    bool leaves;
    size_t to;
  } rows[] =
      {
          {{100, 108}, 2, false, 0},         {{100, 109}, 2, true, 1},
          {{109, 100}, 2, false, 0},         {{100, 120, 121}, 3, true, 1},
          {{100, 101, 999999}, 3, false, 0}, /* one that boasts does not draw the others */
      };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    ia_endpoints s;
    ia_err e;

    assert_true(
        ia_endpoints_parse(&s, rows[i].n == 2 ? "http://a,http://b" : "http://a,http://b,x", &e));
    for (size_t k = 0; k < s.n; k++) {
      s.v[k].has_head = true;
      s.v[k].head = rows[i].head[k];
    }
    assert_int_equal(ia_endpoints_leave_laggard(&s, 8), rows[i].leaves);
    assert_int_equal(s.at, rows[i].to);
    ia_endpoints_free(&s);
  }
}

/* Each letter an answer, '.' none. */
static void votes(void **state IA_UNUSED)
{
  static const struct {
    const char *answers;
    size_t k;
    bool found;
    size_t which, votes;
    uint32_t differ, silent;
  } rows[] = {
      {"a", 1, true, 0, 1, 0, 0},      {"aa", 2, true, 0, 2, 0, 0},
      {"ab", 2, false, 0, 1, 2, 0},    {"aab", 2, true, 0, 2, 4, 0},
      {"baa", 2, true, 1, 2, 1, 0},    {"a.a", 2, true, 0, 2, 0, 2},
      {"a..", 2, false, 0, 1, 0, 6},   {"...", 1, false, 0, 0, 0, 7},
      {"aabb", 3, false, 0, 2, 12, 0}, {"abab", 2, true, 0, 2, 10, 0},
      {"aaab", 4, false, 0, 3, 8, 0},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    ia_agree_answer a[4] = {0};
    json_t *made[4] = {0};
    size_t n = strlen(rows[i].answers);

    for (size_t k = 0; k < n; k++)
      if (rows[i].answers[k] != '.')
        a[k].view = made[k] = json_stringn(&rows[i].answers[k], 1);
    ia_agreement r = ia_agree(a, n, rows[i].k);
    assert_int_equal(r.found, rows[i].found);
    assert_int_equal(r.votes, rows[i].votes);
    assert_int_equal(r.differ, rows[i].differ);
    assert_int_equal(r.silent, rows[i].silent);
    if (r.found)
      assert_int_equal(r.which, rows[i].which);
    for (size_t k = 0; k < n; k++)
      json_decref(made[k]);
  }
  assert_int_equal(ia_agree_default(1), 1);
  assert_int_equal(ia_agree_default(2), 2);
  assert_int_equal(ia_agree_default(3), 2);
  assert_int_equal(ia_agree_default(4), 3);
  assert_int_equal(ia_agree_default(5), 3);
}

static bool alike(const char *method, const char *a, const char *b)
{
  IA_AUTO_JSON *x = ia_json_parse(ia_span_str(a), IA_JSON_ANY, NULL);
  IA_AUTO_JSON *y = ia_json_parse(ia_span_str(b), IA_JSON_ANY, NULL);
  IA_AUTO_JSON *vx = ia_agree_view(method, x), *vy = ia_agree_view(method, y);

  assert_true(x && y && vx && vy);
  return json_equal(vx, vy);
}

/* What nodes of different make add is no difference; what callers read is. */
static void views(void **state IA_UNUSED)
{
  static const char log[] = "{\"address\":\"0xAb\",\"topics\":[\"0x1\"],\"data\":\"0x\","
                            "\"blockNumber\":\"0x1\",\"blockHash\":\"0x2\",\"transactionHash\":"
                            "\"0x3\",\"logIndex\":\"0x0\"";
  char a[512], b[512];

  assert_true(alike("eth_getBlockByNumber",
                    "{\"number\":\"0x1\",\"hash\":\"0xAA\",\"size\":\"0x1\"}",
                    "{\"hash\":\"0xaa\",\"number\":\"0x1\",\"mixHash\":\"0x0\"}"));
  assert_false(alike("eth_getBlockByNumber", "{\"number\":\"0x1\",\"hash\":\"0xaa\"}",
                     "{\"number\":\"0x1\",\"hash\":\"0xab\"}"));
  assert_false(alike("eth_getBlockByNumber", "null", "{}"));
  (void)snprintf(a, sizeof(a), "[%s,\"removed\":false}]", log);
  (void)snprintf(b, sizeof(b), "[%s,\"blockTimestamp\":\"0x1\"}]", log);
  assert_true(alike("eth_getLogs", a, b));
  assert_false(alike("eth_getLogs", a, "[]"));
  (void)snprintf(a, sizeof(a), "{\"status\":\"0x1\",\"logs\":[%s}]}", log);
  (void)snprintf(b, sizeof(b), "{\"status\":\"0x1\",\"gasUsed\":\"0x1\",\"logs\":[%s,\"x\":1}]}",
                 log);
  assert_true(alike("eth_getTransactionReceipt", a, b));
  assert_false(alike("eth_getTransactionReceipt", a, "{\"status\":\"0x1\",\"logs\":[]}"));
  assert_false(alike("eth_call", "\"0x01\"", "\"0x02\""));
  assert_true(alike("eth_call", "\"0xAB\"", "\"0xab\""));
}

static void pace(void **state IA_UNUSED)
{
  ia_pace p = {0};
  uint64_t now = 1000;

  assert_int_equal(ia_pace_next(&p, now), IA_PACE_MIN_MS);
  ia_pace_block(&p, 1, now);
  /* silence is looked at ever less often */
  assert_int_equal(ia_pace_next(&p, now), IA_PACE_MIN_MS);
  assert_int_equal(ia_pace_next(&p, now + 8000), 1000);
  assert_int_equal(ia_pace_next(&p, now + 3600000), IA_PACE_MAX_MS);
  ia_pace_block(&p, 2, now += 3600000);
  assert_int_equal(ia_pace_next(&p, now), IA_PACE_MIN_MS);
  /* a block every 12 s: asleep until it is due, awake then */
  for (uint64_t i = 3; i < 90; i++)
    ia_pace_block(&p, i, now += 12000);
  assert_int_equal(ia_pace_next(&p, now), IA_PACE_MAX_MS);
  assert_in_range(ia_pace_next(&p, now + 11000), IA_PACE_MIN_MS, 1000);
  assert_int_equal(ia_pace_next(&p, now + 12000), IA_PACE_MIN_MS);
  /* four a second */
  for (uint64_t i = 100; i < 200; i++)
    ia_pace_block(&p, i, now += 250);
  assert_in_range(ia_pace_next(&p, now), IA_PACE_MIN_MS, 250);
}

static ia_cursor block(uint64_t number)
{
  return (ia_cursor){number, {{1, (uint8_t)number}}};
}

static void remembered_blocks(void **state IA_UNUSED)
{
  IA_AUTOV(ia_past) p = {0}, q = {0};
  IA_AUTOV(ia_buf) bytes = {0};
  ia_err e;

  assert_true(ia_past_new(&p, 4, &e) && ia_past_new(&q, 3, &e));
  for (uint64_t i = 1; i <= 6; i++)
    ia_past_add(&p, &(ia_cursor){i, block(i).hash});
  assert_int_equal(p.n, 4);
  assert_null(ia_past_at(&p, 2));
  assert_int_equal(ia_past_at(&p, 4)->hash.b[1], 4);
  ia_past_save(&p, &bytes);
  assert_true(ia_past_load(&q, ia_buf_view(&bytes), &e)); /* a smaller memory keeps the newest */
  assert_int_equal(q.n, 3);
  assert_int_equal(q.v[0].number, 4);
  ia_past_cut(&q, 5);
  assert_int_equal(q.n, 2);
  for (size_t len = 1; len < bytes.len; len++)
    assert_int_equal(ia_past_load(&q, ia_span_of(bytes.ptr, len), &e), len % 40 == 0);
  bytes.ptr[47] = 1; /* no longer ascending */
  assert_false(ia_past_load(&q, ia_buf_view(&bytes), &e));
  assert_int_equal(e.code, IA_E_CORRUPT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_of_nodes),
      cmocka_unit_test(the_next_to_ask),
      cmocka_unit_test(laggards),
      cmocka_unit_test(votes),
      cmocka_unit_test(views),
      cmocka_unit_test(pace),
      cmocka_unit_test(remembered_blocks),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
