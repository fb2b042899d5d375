/* How clients ask the index: bodies, URLs, batches, persisted queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../http/fixture.h"
#include "base/file.h"
#include "base/hex.h"
#include "crypto/sha.h"
#include "ledger_world.h"
#include "service/graph/graph.h"

#define POCO "/graphql/poco"

typedef struct lab {
  world w;
  fixture f;
  ia_graph *graph;
  ia_routes rpc;
  char dir[40], db[64];
} lab;

static bool rpc(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_reply_type(rp, "application/json");
  return ia_ledger_request(((lab *)ctx)->w.l, ia_request_body(rq), ia_reply_body(rp), e);
}

static int setup(void **state)
{
  static const ia_route row = {"POST", "/", IA_ROUTE_INLINE, 1 << 20, false, rpc, IA_MARK_PUBLIC};
  lab *l = calloc(1, sizeof(*l));
  ia_err e = {0};

  *state = l;
  world_set_clock(1800000000);
  world_open(&l->w, false, NULL);
  world_settle_in(&l->w);
  (void)snprintf(l->dir, sizeof(l->dir), "/tmp/ia-graph-XXXXXX");
  if (!mkdtemp(l->dir) || !fixture_start(&l->f, NULL, &e))
    return -1;
  (void)snprintf(l->db, sizeof(l->db), "sqlite:%s/g.db", l->dir);
  l->rpc = (ia_routes){&row, 1, l, NULL, false};
  ia_graph_config c = {.db = l->db,
                       .rpc_url = ia_server_url(l->f.server),
                       .chain_id = l->w.chain_id,
                       .hub = l->w.hub,
                       .dataprotector = l->w.dataprotector};
  return ia_server_mount(l->f.server, &l->rpc, &e) && ia_graph_open(&l->graph, &c, l->f.loop, &e) &&
                 ia_graph_mount(l->graph, l->f.server, &e) && fixture_run_on(&l->f)
             ? 0
             : -1;
}

static int teardown(void **state)
{
  lab *l = *state;

  ia_loop_stop(l->f.loop);
  pthread_join(l->f.thread, NULL);
  ia_server_close(l->f.server);
  ia_graph_close(l->graph);
  ia_loop_free(l->f.loop);
  ia_http_free(l->f.http);
  world_close(&l->w);
  bool ok = ia_remove_tree(l->dir, NULL);
  free(l);
  return ok ? 0 : -1;
}

/* The status; the answer's text in *out. */
static int get(lab *l, const char *target, ia_buf *out)
{
  IA_AUTOV(ia_http_answer) a = {0};

  assert_true(fixture_get(&l->f, &a, "GET", target, NULL));
  ia_buf_clear(out);
  ia_buf_span(out, ia_buf_view(&a.body));
  ia_buf_u8(out, 0);
  return a.status;
}

static void post(lab *l, const char *body, ia_buf *out)
{
  IA_AUTOV(ia_http_answer) a = {0};
  ia_http_call c = {.method = "POST", .url = fixture_url(&l->f, POCO), .body = ia_span_str(body)};

  assert_true(ia_http_do(l->f.http, &a, &c, NULL));
  assert_int_equal(a.status, 200);
  ia_buf_clear(out);
  ia_buf_span(out, ia_buf_view(&a.body));
  ia_buf_u8(out, 0);
}

static const char *text(const ia_buf *b)
{
  return (const char *)b->ptr;
}

/* -- in a URL -- */
static const struct {
  const char *query;
  int status;
  const char *says; /* within the answer */
} urls[] = {
    {"query={__typename}", 200, "{\"data\":{\"__typename\":\"Query\"}}"},
    {"query=%7B+__typename%20%7D&variables=", 200, "{\"data\":{\"__typename\":\"Query\"}}"},
    {"query=query($n:String!){__type(name:$n){name}}&variables={\"n\":\"Deal\"}", 200,
     "{\"data\":{\"__type\":{\"name\":\"Deal\"}}}"},
    {"query=query+A{a:__typename}query+B{b:__typename}&operationName=B", 200,
     "{\"data\":{\"b\":\"Query\"}}"},
    {"query={__typename}&variables=null&extensions={}&other=1", 200, "{\"data\":{"},
    {"query=", 200, "the document ends"},
    {"query={nothing}", 200, "\"errors\""},
    {"variables={}", 200, "\\\"query\\\" is wanted"},
    {"query=mutation{a}", 200, "mutation"},
    {"query={__typename}&extensions=5", 200, "\\\"extensions\\\""},
    {"query={__typename}&variables=5", 200, "\\\"variables\\\""},
    {"query={__typename}&variables={", 400, "\\\"variables\\\""},
    {"query={__typename}&query={__typename}", 400, "more than once"},
    {"query=%FF", 400, "UTF-8"},
};

static void a_query_in_a_url(void **state)
{
  IA_AUTOV(ia_buf) out = {0};
  char target[300];

  for (size_t i = 0; i < IA_COUNT(urls); i++) {
    IA_AUTOV(ia_buf) encoded = {0};

    /* what a URL may not hold as it is */
    for (const char *c = urls[i].query; *c; c++)
      if (strchr("{}\"$!", *c))
        ia_buf_printf(&encoded, "%%%02X", (unsigned char)*c);
      else
        ia_buf_u8(&encoded, (uint8_t)*c);
    (void)snprintf(target, sizeof(target), POCO "?%.*s", (int)encoded.len, (char *)encoded.ptr);
    assert_int_equal(get(*state, target, &out), urls[i].status);
    if (!strstr(text(&out), urls[i].says))
      fail_msg("%s: %s", urls[i].query, text(&out));
  }
  assert_int_equal(get(*state, POCO, &out), 200);
  assert_non_null(strstr(text(&out), "This is a GraphQL endpoint"));
}

/* -- batches -- */
static void a_batch_is_answered_in_order(void **state)
{
  IA_AUTOV(ia_buf) out = {0}, body = {0};

  post(*state,
       "[{\"query\":\"{a:__typename}\"},{\"query\":\"{b\"},7,"
       "{\"query\":\"query($n:String!){__type(name:$n){name}}\",\"variables\":{\"n\":\"App\"}}]",
       &out);
  IA_AUTO_JSON *v = ia_json_parse(ia_span_str(text(&out)), 0, NULL);
  assert_int_equal(json_array_size(v), 4);
  assert_non_null(json_object_get(json_object_get(json_array_get(v, 0), "data"), "a"));
  for (size_t i = 1; i < 3; i++) {
    assert_int_equal(json_array_size(json_object_get(json_array_get(v, i), "errors")), 1);
    assert_null(json_object_get(json_array_get(v, i), "data"));
  }
  assert_non_null(json_object_get(json_array_get(v, 3), "data"));
  post(*state, "[]", &out);
  assert_non_null(strstr(text(&out), "a batch has 1 to 100 operations; this one has 0"));
  ia_buf_str(&body, "[{\"query\":\"{__typename}\"}");
  for (int i = 1; i < 101; i++)
    ia_buf_str(&body, ",{\"query\":\"{__typename}\"}");
  ia_buf_str(&body, "]");
  ia_buf_u8(&body, 0);
  post(*state, text(&body), &out);
  assert_non_null(strstr(text(&out), "this one has 101"));
}

/* n times the same operation. */
static void repeated(lab *l, const char *query, size_t n, json_t **answers)
{
  IA_AUTO_JSON *batch = json_array();
  IA_AUTOV(ia_buf) body = {0}, out = {0};

  for (size_t i = 0; i < n; i++)
    assert_int_equal(json_array_append_new(batch, json_pack("{s:s}", "query", query)), 0);
  assert_true(ia_json_write(&body, batch, NULL));
  ia_buf_u8(&body, 0);
  post(l, text(&body), &out);
  *answers = ia_json_parse(ia_span_str(text(&out)), 0, NULL);
  assert_int_equal(json_array_size(*answers), n);
}

static bool has_data(const json_t *answers, size_t i)
{
  return json_object_get(json_array_get(answers, i), "data");
}

static const char *error_of(const json_t *answer)
{
  const json_t *error = json_array_get(json_object_get(answer, "errors"), 0);

  return json_string_value(json_object_get(error, "message"));
}

/* What one operation may have, all of a batch have together. */
static void limits_hold_for_the_whole_batch(void **state)
{
  IA_AUTOV(ia_buf) wide = {0}, long_one = {0};
  IA_AUTO_JSON *a = NULL;
  IA_AUTO_JSON *b = NULL;

  /* 100 selections, spread 110 times */
  ia_buf_str(&wide, "{");
  for (int i = 0; i < 110; i++)
    ia_buf_str(&wide, "...f ");
  ia_buf_str(&wide, "} fragment f on Query {");
  for (int i = 0; i < 100; i++)
    ia_buf_printf(&wide, "a%d:__typename ", i);
  ia_buf_str(&wide, "}");
  ia_buf_u8(&wide, 0);
  repeated(*state, text(&wide), 2, &a);
  assert_true(has_data(a, 0));
  assert_false(has_data(a, 1));
  assert_non_null(strstr(error_of(json_array_get(a, 1)), "20000 selections"));
  ia_buf_str(&long_one, "{__typename}");
  for (int i = 0; i < 100 << 10; i++)
    ia_buf_u8(&long_one, ' ');
  ia_buf_u8(&long_one, 0);
  repeated(*state, text(&long_one), 3, &b);
  assert_true(has_data(b, 1));
  assert_non_null(strstr(error_of(json_array_get(b, 2)), "256 KiB in one batch"));
}

/* -- persisted queries -- */
static void hash_of(char out[65], const char *query)
{
  ia_h256 h;

  ia_sha256(&h, ia_span_str(query));
  ia_hex(out, h.b, sizeof(h.b));
}

/* query NULL: only the hash */
static void persisted(lab *l, const char *query, const char *hash, int version, ia_buf *out)
{
  IA_AUTO_JSON *body = json_pack("{s:{s:{s:i,s:s}}}", "extensions", "persistedQuery", "version",
                                 version, "sha256Hash", hash);
  IA_AUTOV(ia_buf) sent = {0};

  if (query)
    assert_true(ia_json_set(body, "query", json_string(query), NULL));
  assert_true(ia_json_write(&sent, body, NULL));
  ia_buf_u8(&sent, 0);
  post(l, text(&sent), out);
}

static const char not_found[] = "{\"errors\":[{\"message\":\"PersistedQueryNotFound\","
                                "\"extensions\":{\"code\":\"PERSISTED_QUERY_NOT_FOUND\"}}]}";

static void persisted_queries(void **state)
{
  static const char query[] = "{persisted:__typename}";
  IA_AUTOV(ia_buf) out = {0};
  char hash[65], target[300];

  hash_of(hash, query);
  persisted(*state, NULL, hash, 1, &out);
  assert_string_equal(text(&out), not_found);
  persisted(*state, query, hash, 1, &out);
  assert_string_equal(text(&out), "{\"data\":{\"persisted\":\"Query\"}}");
  persisted(*state, NULL, hash, 1, &out);
  assert_string_equal(text(&out), "{\"data\":{\"persisted\":\"Query\"}}");
  (void)snprintf(target, sizeof(target),
                 POCO "?extensions=%%7B%%22persistedQuery%%22:%%7B%%22version%%22:1,"
                      "%%22sha256Hash%%22:%%22%s%%22%%7D%%7D",
                 hash);
  assert_int_equal(get(*state, target, &out), 200);
  assert_string_equal(text(&out), "{\"data\":{\"persisted\":\"Query\"}}");
  persisted(*state, "{other:__typename}", hash, 1, &out);
  assert_non_null(strstr(text(&out), "not the hash"));
  persisted(*state, NULL, hash, 2, &out);
  assert_non_null(strstr(text(&out), "PERSISTED_QUERY_NOT_SUPPORTED"));
  persisted(*state, NULL, "ab", 1, &out);
  assert_non_null(strstr(text(&out), "\"PersistedQueryNotSupported\""));
}

static void the_last_queries_are_kept(void **state)
{
  IA_AUTOV(ia_buf) out = {0};
  char query[40], other[65], hash[65];

  hash_of(hash, "{persisted:__typename}");
  persisted(*state, "{persisted:__typename}", hash, 1, &out);
  for (int i = 0; i < 300; i++) {
    (void)snprintf(query, sizeof(query), "{q%d:__typename}", i);
    hash_of(other, query);
    persisted(*state, query, other, 1, &out);
    persisted(*state, NULL, hash, 1, &out);
    assert_non_null(strstr(text(&out), "\"data\""));
  }
  hash_of(other, "{q0:__typename}");
  persisted(*state, NULL, other, 1, &out);
  assert_string_equal(text(&out), not_found);
  /* what did not run is not kept */
  hash_of(hash, "{no}");
  persisted(*state, "{no}", hash, 1, &out);
  persisted(*state, NULL, hash, 1, &out);
  assert_string_equal(text(&out), not_found);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(a_query_in_a_url),  T(a_batch_is_answered_in_order), T(limits_hold_for_the_whole_batch),
      T(persisted_queries), T(the_last_queries_are_kept),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
