/* The index follows a ledger: assets and their owners, deals, tasks, bulk requests; a rewritten
 * ledger gives the same answers as an index that never saw the other one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../http/fixture.h"
#include "base/file.h"
#include "base/hex.h"
#include "ledger_world.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "service/graph/graph.h"
#include "service/ipfs/ipfs.h"
#include "store/db.h"

typedef struct lab {
  world w[2]; /* two ledgers with one beginning */
  int shown;  /* which of them the index asks */
  fixture f;
  ia_ipfs *ipfs;
  ia_graph *graph;
  ia_routes rpc;
  char dir[40], db[64], blobs[64];
  ia_graph_config cfg;
} lab;

static bool rpc(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  lab *l = ctx;

  ia_reply_type(rp, "application/json");
  return ia_ledger_request(l->w[l->shown].l, ia_request_body(rq), ia_reply_body(rp), e);
}

static bool serve(lab *l, ia_err *e)
{
  static const ia_route row = {"POST", "/", IA_ROUTE_INLINE, 1 << 20, false, rpc, IA_MARK_PUBLIC};
  world *w = &l->w[0];

  l->rpc = (ia_routes){&row, 1, l, NULL, false};
  l->cfg = (ia_graph_config){.db = l->db,
                             .rpc_url = ia_server_url(l->f.server),
                             .ipfs_url = ia_server_url(l->f.server),
                             .chain_id = w->chain_id,
                             .hub = w->hub,
                             .dataprotector = w->dataprotector};
  return ia_server_mount(l->f.server, &l->rpc, e) &&
         ia_ipfs_open(&l->ipfs, &(ia_ipfs_config){.dir = l->blobs}, NULL, e) &&
         ia_ipfs_mount(l->ipfs, l->f.server, e) &&
         ia_graph_open(&l->graph, &l->cfg, l->f.loop, e) &&
         ia_graph_mount(l->graph, l->f.server, e) && fixture_run_on(&l->f);
}

static int setup(void **state)
{
  lab *l = calloc(1, sizeof(*l));
  ia_err e = {0};

  *state = l;
  world_set_clock(1800000000);
  for (int i = 0; i < 2; i++) {
    world_open(&l->w[i], false, NULL);
    world_settle_in(&l->w[i]);
  }
  (void)snprintf(l->dir, sizeof(l->dir), "/tmp/ia-graph-XXXXXX");
  if (!mkdtemp(l->dir))
    return -1;
  (void)snprintf(l->db, sizeof(l->db), "sqlite:%s/g.db", l->dir);
  (void)snprintf(l->blobs, sizeof(l->blobs), "%s/blobs", l->dir);
  return fixture_start(&l->f, NULL, &e) && serve(l, &e) ? 0 : -1;
}

static int teardown(void **state)
{
  lab *l = *state;

  ia_loop_stop(l->f.loop);
  pthread_join(l->f.thread, NULL);
  ia_server_close(l->f.server);
  ia_graph_close(l->graph);
  ia_ipfs_close(l->ipfs);
  ia_loop_free(l->f.loop);
  ia_http_free(l->f.http);
  for (int i = 0; i < 2; i++)
    world_close(&l->w[i]);
  bool ok = ia_remove_tree(l->dir, NULL);
  free(l);
  return ok ? 0 : -1;
}

/* The data of an answer without errors; new reference. */
static json_t *ask(lab *l, const char *path, const char *query)
{
  IA_AUTO_JSON *body = json_pack("{s:s}", "query", query);
  IA_AUTO_JSON *v = NULL;
  ia_err e = {0};

  if (!ia_http_json(l->f.http, &v, "POST", fixture_url(&l->f, path), body, &e))
    fail_msg("%s: %s", query, e.msg);
  if (json_object_get(v, "errors"))
    fail_msg("%s: %s", query,
             json_string_value(
                 json_object_get(json_array_get(json_object_get(v, "errors"), 0), "message")));
  return json_incref(json_object_get(v, "data"));
}

static void expect(lab *l, const char *path, const char *query, const char *data)
{
  IA_AUTO_JSON *v = ask(l, path, query);
  IA_AUTOV(ia_buf) text = {0};

  assert_true(ia_json_write(&text, v, NULL));
  ia_buf_u8(&text, 0);
  assert_string_equal((const char *)text.ptr, data);
}

#define POCO "/graphql/poco"
#define DP   "/graphql/dataprotector"

static ia_addr protect(world *w, const char *name, const char *schema)
{
  ia_args a = {.addr = {w->who[DATA_OWNER]},
               .bytes = {ia_span_str(name), ia_span_str(schema), ia_span_str("\xa5\x03\x01")}};
  IA_AUTOV(ia_buf) store = {0};
  ia_args out, predict = {.addr = {w->who[DATA_OWNER]}, .bytes = {a.bytes[0], a.bytes[2]}};

  a.id[0].b[0] = predict.id[0].b[0] = 0xc5;
  world_view(w, &w->registry[IA_ASSET_DATASET], IA_CALL_PREDICT_DATASET, &predict, &out, &store);
  json_decref(
      world_send(w, STRANGER, &w->dataprotector, IA_CALL_CREATE_DATASET_WITH_SCHEMA, &a, true));
  return out.addr[0];
}

static void hand_over(world *w, ia_asset_kind kind, const ia_addr *asset, person from, person to)
{
  ia_args a = {.addr = {w->who[from], w->who[to]}};
  uint8_t id[32] = {0};

  memcpy(id + 12, asset->b, 20);
  a.value[0] = ia_u256_from_be(id);
  json_decref(world_send(w, from, &w->registry[kind], IA_CALL_SAFE_TRANSFER_FROM, &a, true));
}

static void protected_data_and_their_owner(void **state)
{
  lab *l = *state;
  world *w = &l->w[0];
  char want[400];
  ia_addr data =
      protect(w, "mine", "{\"email\":\"string\",\"a\":{\"b\":{\"c\":\"i128\"}},\"n\":5}");

  (void)snprintf(want, sizeof(want),
                 "{\"protectedDatas\":[{\"id\":\"%s\",\"name\":\"mine\",\"owner\":{\"id\":\"%s\"},"
                 "\"schema\":[{\"id\":\"email:string\"},{\"id\":\"a.b.c:i128\"}],"
                 "\"creationTimestamp\":\"1800000000\",\"multiaddr\":\"0xa50301\"}]}",
                 ia_addr_lower(&data).s, ia_addr_lower(&w->who[DATA_OWNER]).s);
  expect(l, DP,
         "{protectedDatas(where:{schema_contains:[\"email:string\"]}){id name owner{id} schema{id}"
         " creationTimestamp multiaddr}}",
         want);
  hand_over(w, IA_ASSET_DATASET, &data, DATA_OWNER, STRANGER);
  (void)snprintf(
      want, sizeof(want),
      "{\"protectedDatas\":[{\"owner\":{\"id\":\"%s\",\"datasets\":[{\"id\":\"%s\"}]}}]}",
      ia_addr_lower(&w->who[STRANGER]).s, ia_addr_lower(&data).s);
  expect(l, DP, "{protectedDatas{owner{id datasets{id}}}}", want);
  (void)snprintf(want, sizeof(want),
                 "{\"datasets\":[{\"transfers\":[{\"__typename\":\"DatasetTransfer\",\"to\":"
                 "{\"id\":\"%s\"}}]}]}",
                 ia_addr_lower(&w->who[STRANGER]).s);
  expect(
      l, POCO,
      "{datasets(where:{name:\"mine\"}){transfers(where:{from_not:\"0x0000000000000000000000000000000000000000\"})"
      "{__typename to{id}}}}",
      want);
}

/* A deal with one task that completes. */
static ia_h256 settle(world *w)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;
  ia_args a;

  world_orders(w, &m, 2);
  world_sign(w, &m, sigs);
  ia_h256 deal = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  ia_h256 task = world_initialize(w, &deal, 0);
  world_proofs(w, &a, &task, "{\"storage\":\"ipfs\"}", NULL, &store);
  json_decref(world_send(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, true));
  return task;
}

static void deals_tasks_and_money(void **state)
{
  lab *l = *state;
  world *w = &l->w[0];
  char want[700];
  ia_h256 task = settle(w);

  (void)snprintf(
      want, sizeof(want),
      "{\"deals\":[{\"appPrice\":\"0.000000001\",\"botSize\":\"2\",\"completedTasksCount\":\"1\","
      "\"category\":{\"name\":\"XS\"},\"app\":{\"name\":\"app\"},\"workerpool\":{\"id\":\"%s\"},"
      "\"requestorder\":{\"volume\":\"2\",\"params\":\"{}\"},\"tasks\":[{\"id\":\"%s\",\"status\":"
      "\"COMPLETED\",\"results\":\"0x7b2273746f72616765223a2269706673227d\",\"contributions\":"
      "[{\"status\":\"PROVED\",\"worker\":{\"id\":\"%s\"}}],\"bulkSlice\":null}],"
      "\"events\":[{\"__typename\":\"OrdersMatched\"}]}]}",
      ia_addr_lower(&w->pool).s, ia_h256_text(&task).s, ia_addr_lower(&w->who[WORKER]).s);
  expect(l, POCO,
         "{deals{appPrice botSize completedTasksCount category{name} app{name} workerpool{id}"
         " requestorder{volume params} tasks{id status results contributions{status worker{id}}"
         " bulkSlice{id}} events{__typename}}}",
         want);
  (void)snprintf(want, sizeof(want),
                 "{\"account\":{\"balance\":\"0.00099%llu\",\"frozen\":\"0.000000%llu\"}}",
                 (unsigned long long)world_stake(w, &w->who[REQUESTER]) - 990000,
                 (unsigned long long)world_locked(w, &w->who[REQUESTER]));
  char query[120];
  (void)snprintf(query, sizeof(query), "{account(id:\"%s\"){balance frozen}}",
                 ia_addr_lower(&w->who[REQUESTER]).s);
  expect(l, POCO, query, want);
  expect(l, POCO,
         "{protocol(id:\"iExec\"){appsCount datasetsCount dealsCount tasksCount"
         " completedTasksCount tvl} rewards(orderBy:value,orderDirection:desc,first:1){value}}",
         "{\"protocol\":{\"appsCount\":\"1\",\"datasetsCount\":\"1\",\"dealsCount\":\"1\","
         "\"tasksCount\":\"2\",\"completedTasksCount\":\"1\",\"tvl\":\"0.003\"},"
         "\"rewards\":[{\"value\":\"0.000000099\"}]}");
}

/* -- bulk -- */
static json_t *bulk_order(world *w, person who)
{
  ia_dataset_order o = {.dataset = w->dataset, .volume = ia_u256_of(9007199254740991U)};
  IA_AUTOV(ia_order_box) box = {0};

  o.salt.b[0] = (uint8_t)who;
  assert_true(ia_order_copy(&box, IA_ORDER_DATASET, &o, NULL));
  assert_true(ia_order_sign(&box, w->secp, &w->separator, &w->key[who], NULL));
  return ia_order_json(IA_ORDER_DATASET, &box.order.dataset, IA_ORDER_DECIMAL, NULL);
}

static ia_cid put_json(lab *l, json_t *v)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_cid cid;

  assert_true(ia_json_write(&text, v, NULL));
  assert_true(ia_blob_put(&cid, ia_ipfs_blobs(l->ipfs), ia_buf_view(&text), NULL));
  json_decref(v);
  return cid;
}

static ia_h256 match_bulk(world *w, const ia_cid *root)
{
  ia_sig sigs[IA_ORDER_KINDS];
  char params[120];
  ia_match m;

  (void)snprintf(params, sizeof(params), "{\"bulk_cid\":\"%s\"}", ia_cid_format(root).s);
  world_orders(w, &m, 2);
  m.dataset = (ia_dataset_order){0};
  m.request.dataset = (ia_addr){{0}};
  m.request.datasetmaxprice = ia_u256_of(0);
  m.request.params = ia_span_str(params);
  world_sign(w, &m, sigs);
  return world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
}

static void slices_of_bulk_requests(void **state)
{
  lab *l = *state;
  world *w = &l->w[0];
  char want[500];
  ia_cid slice = put_json(l, json_pack("[o,{s:s},o]", bulk_order(w, DATA_OWNER), "no", "order",
                                       bulk_order(w, STRANGER)));
  ia_cid absent = slice;
  absent.hash.b[0] ^= 1;
  ia_cid root = put_json(l, json_pack("[s,s]", ia_cid_format(&slice).s, ia_cid_format(&absent).s));
  ia_h256 deal = match_bulk(w, &root), task = world_initialize(w, &deal, 0);
  (void)world_initialize(w, &deal, 1);

  (void)snprintf(want, sizeof(want),
                 "{\"deals\":[{\"tasks\":[{\"taskId\":\"%s\",\"bulkSlice\":{\"datasets\":[{\"id\":"
                 "\"%s\"},{\"id\":\"%s\"}]}},{\"taskId\":",
                 ia_h256_text(&task).s, ia_addr_lower(&w->dataset).s, ia_addr_lower(&w->dataset).s);
  IA_AUTO_JSON *v =
      ask(l, POCO, "{deals{tasks(orderBy:index){taskId:id bulkSlice{datasets{id}}}}}");
  IA_AUTOV(ia_buf) text = {0};
  assert_true(ia_json_write(&text, v, NULL));
  ia_buf_u8(&text, 0);
  assert_memory_equal(text.ptr, want, strlen(want));
  assert_non_null(strstr((const char *)text.ptr, "\"bulkSlice\":null"));
  expect(l, POCO, "{bulks{slices{index datasetOrders{volume}}} datasets{bulkUsages{task{status}}}}",
         "{\"bulks\":[{\"slices\":[{\"index\":\"0\",\"datasetOrders\":[{\"volume\":"
         "\"9007199254740991\"},{\"volume\":\"9007199254740991\"}]}]}],\"datasets\":"
         "[{\"bulkUsages\":[{\"task\":{\"status\":\"ACTIVE\"}},{\"task\":{\"status\":"
         "\"ACTIVE\"}}]}]}");
}

/* A gateway may answer anything. */
static bool liar(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)rq;
  ia_reply_type(rp, "application/octet-stream");
  ia_buf_str(ia_reply_body(rp), "[]");
  ++*(unsigned *)ctx;
  return ia_buf_ok(ia_reply_body(rp), e);
}

static void bytes_that_are_not_of_their_cid_are_none(void **state)
{
  static const ia_route row = {"GET", "/ipfs/:cid", IA_ROUTE_JOB, 0, false, liar, IA_MARK_PUBLIC};
  lab *l = *state;
  unsigned asked = 0;
  const ia_routes table = {&row, 1, &asked, NULL, false};
  const ia_routes *const tables[] = {&table, NULL};
  ia_cid root = put_json(l, json_pack("[s]", "no cid"));
  char db[80];
  fixture other;
  ia_err e = {0};

  (void)match_bulk(&l->w[0], &root);
  assert_true(fixture_open(&other, NULL, tables, &e));
  (void)snprintf(db, sizeof(db), "sqlite:%s/other.db", l->dir);
  l->cfg.db = db;
  l->cfg.ipfs_url = ia_server_url(other.server);
  if (!ia_graph_reindex(&l->cfg, &e))
    fail_msg("%s", e.msg);
  fixture_close(&other);
  assert_int_equal(asked, 1);
  IA_AUTO(ia_db) *index = NULL;
  ia_stmt *s;
  bool row_there;
  assert_true(ia_db_open_again(&index, db, NULL));
  assert_true(ia_db_stmt(&s, index, "SELECT 1 FROM bulk", NULL));
  assert_true(ia_stmt_step(s, &row_there, NULL));
  assert_false(row_there);
}

/* -- a rewritten ledger -- */
static const char *const everything[] = {
    "{apps{id name owner{id balance frozen score}} datasets{id owner{id} timestamp transfers{id}}"
    " workerpools{id workerStakeRatio} categories{id} protocol(id:\"iExec\"){tvl dealsCount}}",
    "{deals{id tasks{id status timestamp events{id __typename transaction{id from{id}}}}"
    " requestorder{id params sign} apporder{id salt}} transfers{id value from{id} to{id}}"
    " accountEvents{id __typename account{id}} _meta{block{number hash}}}",
};

static void a_rewritten_ledger_leaves_nothing_behind(void **state)
{
  lab *l = *state;
  IA_AUTO_JSON *before = ask(l, POCO, everything[0]);

  /* one history is followed step by step, so that there are blocks to go back to */
  (void)settle(&l->w[0]);
  json_decref(ask(l, POCO, everything[1]));
  hand_over(&l->w[0], IA_ASSET_APP, &l->w[0].app, APP_OWNER, STRANGER);
  json_decref(ask(l, POCO, everything[0]));
  /* the other has other transactions in the same blocks */
  hand_over(&l->w[1], IA_ASSET_DATASET, &l->w[1].dataset, DATA_OWNER, STRANGER);
  (void)protect(&l->w[1], "new", "{\"x\":\"bool\"}");
  l->shown = 1;
  json_t *after[] = {ask(l, POCO, everything[0]), ask(l, POCO, everything[1]),
                     ask(l, DP, "{protectedDatas{id owner{id} blockNumber}}")};
  assert_false(json_equal(before, after[0]));
  assert_int_equal(json_array_size(json_object_get(after[1], "deals")), 0);
  assert_int_equal(json_array_size(json_object_get(after[2], "protectedDatas")), 1);
  ia_err e = {0};
  if (!ia_graph_reindex(&l->cfg, &e))
    fail_msg("%s", e.msg);
  json_t *rebuilt[] = {ask(l, POCO, everything[0]), ask(l, POCO, everything[1]),
                       ask(l, DP, "{protectedDatas{id owner{id} blockNumber}}")};
  for (int i = 0; i < 3; i++) {
    assert_true(json_equal(after[i], rebuilt[i]));
    json_decref(after[i]);
    json_decref(rebuilt[i]);
  }
}

static void an_index_belongs_to_one_ledger(void **state)
{
  lab *l = *state;
  ia_graph_config c = l->cfg;
  ia_graph *g = NULL;
  ia_err e = {0};

  c.hub = l->w[0].app;
  assert_false(ia_graph_open(&g, &c, NULL, &e));
  assert_int_equal(e.code, IA_E_INVALID);
}

static void requests_that_are_none(void **state)
{
  lab *l = *state;
  static const struct {
    const char *body;
    int status;
  } rows[] = {{"", 400}, {"{", 400}, {"5", 400}, {"[]", 200}, {"{}", 200}, {"{\"query\":5}", 200}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_http_answer) a = {0};
    ia_http_call c = {
        .method = "POST", .url = fixture_url(&l->f, POCO), .body = ia_span_str(rows[i].body)};

    assert_true(ia_http_do(l->f.http, &a, &c, NULL));
    assert_int_equal(a.status, rows[i].status);
    IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&a.body), 0, NULL);
    assert_int_equal(json_array_size(json_object_get(v, "errors")), 1);
    assert_true(ia_span_is(ia_http_field(&a, "content-type"), "application/json"));
  }
  IA_AUTOV(ia_http_answer) a = {0};
  assert_true(fixture_get(&l->f, &a, "GET", DP, NULL));
  assert_int_equal(a.status, 200);
  assert_true(ia_span_is(ia_http_field(&a, "content-type"), "text/plain; charset=utf-8"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(protected_data_and_their_owner),
      T(deals_tasks_and_money),
      T(slices_of_bulk_requests),
      T(bytes_that_are_not_of_their_cid_are_none),
      T(a_rewritten_ledger_leaves_nothing_behind),
      T(an_index_belongs_to_one_ledger),
      T(requests_that_are_none),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
