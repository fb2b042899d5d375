/* Queries against rows that are put here: every test of filters, paging, order, past blocks, and
 * what is refused. */
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

typedef struct lab {
  char dir[40];
  graph_store *s;
  graph_head head;
  graph_share share; /* of the last answer */
} lab;

#define PUT(l, table, id, block, ...)                                                              \
  assert_true(graph_put((l)->s, table, id, block, (const graph_value[]){__VA_ARGS__},              \
                        sizeof((const graph_value[]){__VA_ARGS__}) / sizeof(graph_value), NULL))

static graph_big big(uint64_t v)
{
  ia_u256 n = ia_u256_of(v);

  return graph_big_of(&n);
}

static void account(lab *l, const char *id, uint64_t nrlc)
{
  PUT(l, "account", id, 1, GRAPH_TEXT("balance", big(nrlc).s), GRAPH_TEXT("frozen", big(0).s),
      GRAPH_TEXT("score", big(0).s));
}

static void dataset(lab *l, const char *id, const char *owner, const char *name, uint64_t time,
                    const char *schema)
{
  PUT(l, "protected_data", id, time, GRAPH_TEXT("owner", owner), GRAPH_TEXT("name", name),
      GRAPH_TEXT("json_schema", "{}"), GRAPH_TEXT("multiaddr", "0xa503"),
      GRAPH_TEXT("checksum", "0xcc"), GRAPH_TIME("timestamp", time), GRAPH_TEXT("tx", "0x01"),
      GRAPH_TIME("block", time));
  for (uint64_t i = 0; *schema; i++) {
    char entry[32];
    size_t n = strcspn(schema, " ");

    (void)snprintf(entry, sizeof(entry), "%.*s", (int)n, schema);
    PUT(l, "schema_entry", entry, 1, GRAPH_TEXT("path", entry), GRAPH_TEXT("type", "string"));
    assert_true(graph_link(l->s, "schema", id, i, entry, time, NULL));
    schema += n + (schema[n] == ' ');
  }
}

static void deal(lab *l, const char *id, const char *who, uint64_t trust, uint64_t price)
{
  PUT(l, "deal", id, 5, GRAPH_TEXT("requester", who), GRAPH_TEXT("app", "0xaa"),
      GRAPH_TEXT("trust", big(trust).s), GRAPH_TEXT("app_price", big(price).s),
      GRAPH_TEXT("bot_size", big(2).s), GRAPH_TIME("timestamp", 50 + trust));
}

static void task(lab *l, const char *id, const char *of, const char *status)
{
  PUT(l, "task", id, 6, GRAPH_TEXT("deal", of), GRAPH_TEXT("status", status),
      GRAPH_TEXT("idx", big(0).s), GRAPH_TIME("timestamp", 60));
  PUT(l, "event", id + 2, 6, GRAPH_TEXT("type", "TaskFinalize"), GRAPH_TEXT("task", id),
      GRAPH_TEXT("results", "0xbeef"), GRAPH_TIME("timestamp", 7));
  PUT(l, "event", id, 6, GRAPH_TEXT("type", "TaskClaimed"), GRAPH_TEXT("task", id),
      GRAPH_TIME("timestamp", 8));
}

static int setup(void **state)
{
  lab *l = calloc(1, sizeof(*l));
  char url[64];

  *state = l;
  (void)snprintf(l->dir, sizeof(l->dir), "/tmp/ia-graph-XXXXXX");
  if (!mkdtemp(l->dir))
    return -1;
  (void)snprintf(url, sizeof(url), "sqlite:%s/g.db", l->dir);
  if (!graph_store_open(&l->s, url, NULL))
    return -1;
  l->head.number = 100;
  account(l, "0xab01", 5);
  account(l, "0xab02", 1500000000);
  account(l, "0xcd03", 12000000000);
  dataset(l, "0x0d01", "0xab01", "Alpha", 10, "email:string age:i128");
  dataset(l, "0x0d02", "0xab01", "beta", 20, "email:string");
  dataset(l, "0x0d03", "0xab02", "alphabet", 30, "age:i128 Name:string");
  dataset(l, "0x0d04", "0xcd03", "100%_é", 40, "");
  deal(l, "0xde01", "0xab01", 1, 0);
  deal(l, "0xde02", "0xab02", 20, 2500000000);
  deal(l, "0xde03", "0xab02", 3, 1);
  task(l, "0x7a01", "0xde01", "COMPLETED");
  task(l, "0x7a02", "0xde01", "ACTIVE");
  task(l, "0x7a03", "0xde02", "FAILLED");
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

static json_t *answer_to(lab *l, const graph_schema *s, const json_t *request)
{
  graph_ask a = {s, graph_store_db(l->s), &l->head, &l->share, NULL};

  return graph_answer(&a, request);
}

static json_t *ask_with(lab *l, const graph_schema *s, const char *query, const char *variables)
{
  IA_AUTO_JSON *vars = variables ? ia_json_parse(ia_span_str(variables), 0, NULL) : json_null();
  IA_AUTO_JSON *request = json_pack("{s:s,s:O}", "query", query, "variables", vars);

  assert_non_null(request);
  graph_share_free(&l->share);
  json_t *v = answer_to(l, s, request);
  assert_non_null(v);
  return v;
}

static void expect(lab *l, const graph_schema *s, const char *query, const char *variables,
                   const char *data)
{
  IA_AUTO_JSON *got = ask_with(l, s, query, variables);
  IA_AUTOV(ia_buf) text = {0};

  assert_true(ia_json_write(&text, got, NULL));
  ia_buf_u8(&text, 0);
  assert_string_equal((const char *)text.ptr, data);
}

/* Ids of what a filter finds, joined. */
static void found_with(lab *l, const char *what, const char *filter, const char *variables,
                       const char *ids)
{
  const graph_schema *s = strcmp(what, "protectedDatas") == 0 ? &graph_dataprotector : &graph_poco;
  char query[600], got[200] = "";

  (void)snprintf(query, sizeof(query), "query Q($v: [String!], $n: BigInt) {%s(where: {%s}) {id}}",
                 what, filter);
  IA_AUTO_JSON *v = ask_with(l, s, query, variables);
  json_t *item, *list = json_object_get(json_object_get(v, "data"), what);
  size_t i;

  if (!json_is_array(list))
    fail_msg("%s: %s", filter,
             json_string_value(
                 json_object_get(json_array_get(json_object_get(v, "errors"), 0), "message")));
  json_array_foreach (list, i, item)
    (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
                   json_string_value(json_object_get(item, "id")) + 4);
  if (strcmp(got, ids) != 0)
    fail_msg("%s: %s, want %s", filter, got, ids);
}

static const struct {
  const char *what, *filter, *ids;
} filters[] = {
    {"protectedDatas", "", "01 02 03 04"},
    {"protectedDatas", "id: \"0x0D02\"", "02"},
    {"protectedDatas", "id_not: \"0x0d02\"", "01 03 04"},
    {"protectedDatas", "id_in: [\"0x0d03\", \"0x0D01\", \"0x0d03\", \"0xff\"]", "01 03"},
    {"protectedDatas", "id_in: []", ""},
    {"protectedDatas", "id_not_in: [\"0x0d03\"]", "01 02 04"},
    {"protectedDatas", "id_not_in: []", "01 02 03 04"},
    {"protectedDatas", "id_gt: \"0x0d02\"", "03 04"},
    {"protectedDatas", "id_gte: \"0x0d02\"", "02 03 04"},
    {"protectedDatas", "id_lt: \"0x0d02\"", "01"},
    {"protectedDatas", "id_lte: \"0x0d02\"", "01 02"},
    {"protectedDatas", "id_contains: \"d03\"", "03"},
    {"protectedDatas", "id_contains: \"0xd03\"", "03"},
    {"protectedDatas", "id_not_contains: \"d03\"", "01 02 04"},
    {"protectedDatas", "name: \"beta\"", "02"},
    {"protectedDatas", "name_contains: \"lpha\"", "01 03"},
    {"protectedDatas", "name_contains: \"ALPHA\"", ""},
    {"protectedDatas", "name_contains_nocase: \"ALPHA\"", "01 03"},
    {"protectedDatas", "name_not_contains: \"lpha\"", "02 04"},
    {"protectedDatas", "name_not_contains_nocase: \"ALPHA\"", "02 04"},
    {"protectedDatas", "name_starts_with: \"alpha\"", "03"},
    {"protectedDatas", "name_starts_with_nocase: \"alpha\"", "01 03"},
    {"protectedDatas", "name_not_starts_with: \"alpha\"", "01 02 04"},
    {"protectedDatas", "name_not_starts_with_nocase: \"alpha\"", "02 04"},
    {"protectedDatas", "name_ends_with: \"a\"", "01 02"},
    {"protectedDatas", "name_ends_with_nocase: \"A\"", "01 02"},
    {"protectedDatas", "name_not_ends_with: \"a\"", "03 04"},
    {"protectedDatas", "name_not_ends_with_nocase: \"A\"", "03 04"},
    {"protectedDatas", "name_starts_with: \"\"", "01 02 03 04"},
    {"protectedDatas", "name_ends_with: \"\"", "01 02 03 04"},
    {"protectedDatas", "name_ends_with: \"_é\"", "04"},
    {"protectedDatas", "name_contains: \"%\"", "04"},
    {"protectedDatas", "name: \"' OR 1=1 --\"", ""},
    {"protectedDatas", "name: null", ""},
    {"protectedDatas", "name_not: null", "01 02 03 04"},
    {"protectedDatas", "creationTimestamp: 20", "02"},
    {"protectedDatas", "creationTimestamp_gte: \"20\"", "02 03 04"},
    {"protectedDatas", "creationTimestamp_gt: 20", "03 04"},
    {"protectedDatas", "creationTimestamp_lt: \"99999999999999999999999\"", "01 02 03 04"},
    {"protectedDatas", "creationTimestamp_gt: \"-99999999999999999999999\"", "01 02 03 04"},
    {"protectedDatas", "creationTimestamp_in: [10, \"40\"]", "01 04"},
    {"protectedDatas", "owner: \"0xAB01\"", "01 02"},
    {"protectedDatas", "owner_not: \"0xab01\"", "03 04"},
    {"protectedDatas", "owner_in: [\"0xab02\", \"0xcd03\"]", "03 04"},
    {"protectedDatas", "owner_starts_with: \"0xab\"", "01 02 03"},
    {"protectedDatas", "owner_: {id: \"0xcd03\"}", "04"},
    {"protectedDatas", "owner_: {datasets_: {name: \"beta\"}}", "01 02"},
    {"protectedDatas", "schema_contains: [\"email:string\"]", "01 02"},
    {"protectedDatas", "schema_contains: [\"email:string\", \"age:i128\"]", "01"},
    {"protectedDatas", "schema_contains: \"age:i128\"", "01 03"},
    {"protectedDatas", "schema_contains: []", "01 02 03 04"},
    {"protectedDatas", "schema_contains: [\"NAME:string\"]", ""},
    {"protectedDatas", "schema_contains_nocase: [\"NAME:string\"]", "03"},
    {"protectedDatas", "schema_not_contains: [\"email:string\"]", "03 04"},
    {"protectedDatas", "schema_not_contains_nocase: [\"EMAIL:string\"]", "03 04"},
    {"protectedDatas", "schema: [\"email:string\", \"age:i128\"]", "01"},
    {"protectedDatas", "schema: []", "04"},
    {"protectedDatas", "schema_not: [\"email:string\"]", "01 03 04"},
    {"protectedDatas", "schema_: {id: \"age:i128\"}", "01 03"},
    {"protectedDatas", "and: [{owner: \"0xab01\"}, {name_not: \"beta\"}]", "01"},
    {"protectedDatas", "and: [{or: [{name: \"beta\"}, {name: \"Alpha\"}]}, {id_not: \"0x0d01\"}]",
     "02"},
    {"protectedDatas", "or: [{schema_contains: [\"Name:string\"]}, {owner: \"0xcd03\"}]", "03 04"},
    {"protectedDatas", "and: [], or: []", "01 02 03 04"},
    {"protectedDatas", "or: [{}]", "01 02 03 04"},
    {"protectedDatas", "name_not: \"beta\", or: [{id: \"0x0d01\"}, {id: \"0x0d02\"}]", "01"},
    {"protectedDatas", "transactionHash_not: \"0x\"", "01 02 03 04"},
    {"protectedDatas", "_change_block: {number_gte: 30}", "03 04"},
    {"protectedDatas", "id_in: $v", "02 04"},
    {"protectedDatas", "creationTimestamp_gt: $n", "03 04"},
    {"accounts", "balance_gt: 1", "02 03"},
    {"accounts", "balance: \"1.5\"", "02"},
    {"accounts", "balance: 1.50", "02"},
    {"accounts", "balance_gt: \"0.000000005\"", "02 03"},
    {"accounts", "balance_gte: \"0.000000005\"", "01 02 03"},
    {"accounts", "balance_gt: -1", "01 02 03"},
    {"accounts", "dealRequester_: {tasks_: {status: FAILLED}}", "02"},
    {"deals", "trust_gt: 3", "02"},
    {"deals", "trust_in: [1, \"20\"]", "01 02"},
    {"deals", "trust_not_in: [1, \"20\"]", "03"},
    {"deals", "completedTasksCount: 1", "01"},
    {"deals", "completedTasksCount_gte: 0, claimedTasksCount: 1", "02"},
    {"deals", "tasks_: {status_in: [ACTIVE, FAILLED]}", "01 02"},
    {"deals", "tasks_: {events_: {timestamp: 8}}", "01 02"},
    {"deals", "requester_: {balance_lt: 1}", "01"},
    {"tasks", "status: COMPLETED", "01"},
    {"tasks", "status_not: COMPLETED", "02 03"},
    {"tasks", "deal_: {requester: \"0xab02\"}", "03"},
};

static void every_test_of_filters(void **state)
{
  for (size_t i = 0; i < IA_COUNT(filters); i++)
    found_with(*state, filters[i].what, filters[i].filter,
               "{\"v\":[\"0x0D02\",\"0x0d04\"],\"n\":\"20\"}", filters[i].ids);
}

static void pages_and_orders(void **state)
{
  lab *l = *state;

  expect(l, &graph_dataprotector, "{protectedDatas(first:2,skip:1,orderBy:name){id}}", NULL,
         "{\"data\":{\"protectedDatas\":[{\"id\":\"0x0d01\"},{\"id\":\"0x0d03\"}]}}");
  expect(l, &graph_dataprotector,
         "{protectedDatas(first:1,orderBy:creationTimestamp,orderDirection:desc){id}}", NULL,
         "{\"data\":{\"protectedDatas\":[{\"id\":\"0x0d04\"}]}}");
  expect(l, &graph_dataprotector, "{protectedDatas(orderBy:owner__id,orderDirection:desc){id}}",
         NULL,
         "{\"data\":{\"protectedDatas\":[{\"id\":\"0x0d04\"},{\"id\":\"0x0d03\"},"
         "{\"id\":\"0x0d02\"},{\"id\":\"0x0d01\"}]}}");
  /* numbers by value, not by text */
  expect(
      l, &graph_poco, "{deals(orderBy:trust){trust appPrice}}", NULL,
      "{\"data\":{\"deals\":[{\"trust\":\"1\",\"appPrice\":\"0\"},"
      "{\"trust\":\"3\",\"appPrice\":\"0.000000001\"},{\"trust\":\"20\",\"appPrice\":\"2.5\"}]}}");
  expect(l, &graph_dataprotector, "{protectedDatas(first:0){id}}", NULL,
         "{\"data\":{\"protectedDatas\":[]}}");
}

/* Lists below are cut for each object, not for all together. */
static void what_is_below_comes_in_one_go(void **state)
{
  lab *l = *state;

  expect(l, &graph_poco,
         "{deals{id tasks(first:1,orderBy:status,orderDirection:desc){i:id deal{id}}}}", NULL,
         "{\"data\":{\"deals\":[{\"id\":\"0xde01\",\"tasks\":[{\"i\":\"0x7a01\",\"deal\":"
         "{\"id\":\"0xde01\"}}]},{\"id\":\"0xde02\",\"tasks\":[{\"i\":\"0x7a03\",\"deal\":"
         "{\"id\":\"0xde02\"}}]},{\"id\":\"0xde03\",\"tasks\":[]}]}}");
  expect(l, &graph_poco, "{deals(skip:2){tasks{id} app{id}}}", NULL,
         "{\"data\":{\"deals\":[{\"tasks\":[],\"app\":null}]}}");
  expect(l, &graph_dataprotector,
         "{accounts(where:{id:\"0xab01\"}){datasets(skip:1){name schema{id path}}}}", NULL,
         "{\"data\":{\"accounts\":[{\"datasets\":[{\"name\":\"beta\",\"schema\":[{\"id\":"
         "\"email:string\",\"path\":\"email:string\"}]}]}]}}");
  expect(l, &graph_poco, "{task(id:\"0x7A01\"){id bulkSlice{id}} deal(id:\"0x00\"){id}}", NULL,
         "{\"data\":{\"task\":{\"id\":\"0x7a01\",\"bulkSlice\":null},\"deal\":null}}");
}

static void interfaces_show_what_a_row_is(void **state)
{
  expect(*state, &graph_poco,
         "{task(id:\"0x7a01\"){events(orderBy:timestamp){type:__typename timestamp"
         " ...on TaskFinalize{results} ...on TaskReveal{digest}}}}",
         NULL,
         "{\"data\":{\"task\":{\"events\":[{\"type\":\"TaskFinalize\",\"timestamp\":\"7\","
         "\"results\":\"0xbeef\"},{\"type\":\"TaskClaimed\",\"timestamp\":\"8\"}]}}}");
  expect(*state, &graph_poco, "{taskFinalizes(first:1){id __typename task{id}}}", NULL,
         "{\"data\":{\"taskFinalizes\":[{\"id\":\"7a01\",\"__typename\":\"TaskFinalize\","
         "\"task\":{\"id\":\"0x7a01\"}}]}}");
}

static void fragments_directives_variables(void **state)
{
  lab *l = *state;

  expect(l, &graph_poco,
         "query Q($no: Boolean = false, $n: Int!) {deals(first: $n) {...F id @skip(if: $no)"
         " trust @include(if: $no)}} fragment F on Deal {id ...G} fragment G on Deal {t: trust}",
         "{\"n\":1}", "{\"data\":{\"deals\":[{\"id\":\"0xde01\",\"t\":\"1\"}]}}");
  expect(l, &graph_dataprotector,
         "query ($w: ProtectedData_filter) {protectedDatas(where: $w) {id}}",
         "{\"w\":{\"and\":[{\"owner\":\"0xAB01\"},{\"creationTimestamp_gte\":15},"
         "{\"or\":[{\"schema_contains\":[\"email:string\"]}]}]}}",
         "{\"data\":{\"protectedDatas\":[{\"id\":\"0x0d02\"}]}}");
  /* a variable that is not given is an argument that is not given */
  expect(l, &graph_dataprotector,
         "query ($w: ProtectedData_filter, $n: Int) {protectedDatas(where: $w, first: $n) {id}}",
         "{\"n\":1}", "{\"data\":{\"protectedDatas\":[{\"id\":\"0x0d01\"}]}}");
}

static void past_blocks_are_shown_as_they_were(void **state)
{
  lab *l = *state;
  const char *q = "query($b:Int!){protectedData(id:\"0x0d01\",block:{number:$b}){owner{id}}}";

  PUT(l, "protected_data", "0x0d01", 50, GRAPH_TEXT("owner", "0xcd03"));
  PUT(l, "protected_data", "0x0d01", 50, GRAPH_TEXT("name", "moved"));
  expect(l, &graph_dataprotector, q, "{\"b\":50}",
         "{\"data\":{\"protectedData\":{\"owner\":{\"id\":\"0xcd03\"}}}}");
  expect(l, &graph_dataprotector, q, "{\"b\":49}",
         "{\"data\":{\"protectedData\":{\"owner\":{\"id\":\"0xab01\"}}}}");
  expect(l, &graph_dataprotector, q, "{\"b\":9}", "{\"data\":{\"protectedData\":null}}");
  expect(l, &graph_poco, "{protocol(id:\"iExec\"){dealsCount}}", NULL,
         "{\"data\":{\"protocol\":null}}");
  assert_true(graph_rollback(l->s, 49, NULL));
  expect(l, &graph_dataprotector, "{protectedData(id:\"0x0d01\"){owner{id} name}}", NULL,
         "{\"data\":{\"protectedData\":{\"owner\":{\"id\":\"0xab01\"},\"name\":\"Alpha\"}}}");
  assert_true(graph_rollback(l->s, 25, NULL));
  found_with(l, "protectedDatas", "", NULL, "01 02");
  found_with(l, "protectedDatas", "schema_: {id: \"Name:string\"}", NULL, "");
}

static const struct {
  const char *query, *message;
  int column;
} refused[] = {
    {"{nothing}", "type Query has no field \"nothing\"", 2},
    {"{deals{id nope}}", "type Deal has no field \"nope\"", 11},
    {"{deals{tasks}}", "field \"tasks\" is a [Task!]!: say which of its fields, { .. }", 8},
    {"{deals{id{x}}}", "field \"id\" is a ID! and has no fields", 8},
    {"{deals(nope:1){id}}", "field \"deals\" has no argument \"nope\"", 8},
    {"{deals(first:1,first:2){id}}", "argument \"first\" stands twice", 16},
    {"{deal{id}}", "field \"deal\": argument \"id\" is wanted", 2},
    {"{deals(first:\"1\"){id}}", "Int is wanted, not 1", 8},
    {"{deals(first:1001){id}}", "first: from 0 to 1000, not 1001", 2},
    {"{deals(skip:-1){id}}", "skip: not below 0", 2},
    {"{deals(first:99999999999){id}}", "Int is wanted, not 99999999999", 8},
    {"{deals(orderBy:nope){id}}", "nope is no value of Deal_orderBy", 8},
    {"{deals(orderDirection:\"asc\"){id}}", "OrderDirection is wanted, not asc", 8},
    {"{deals(where:{nope:1}){id}}", "Deal_filter has no field \"nope\"", 15},
    {"{deals(where:{tag:\"xyz\"}){id}}", "Bytes is wanted, not xyz", 15},
    {"{deals(where:{trust:1.5}){id}}", "BigInt is wanted, not 1.5", 15},
    {"{deals(where:{id_in:null}){id}}", "id_in: a list is wanted, not null", 2},
    {"{deals(where:5){id}}", "Deal_filter is wanted: an object", 8},
    {"{deals(where:$w){id}}", "variable \"$w\" is not declared", 8},
    {"query($w:Task_filter){deals(where:$w){id}}",
     "variable \"$w\" is a Task_filter, where Deal_filter is wanted", 29},
    {"query($w:Nope){deals{id}}", "\"Nope\" is no type of inputs", 7},
    {"query($w:Deal){deals{id}}", "\"Deal\" is no type of inputs", 7},
    {"query($a:Int!){deals(first:$a){id}}", "variable \"$a\" must be given", 7},
    {"query($a:Int,$a:Int){deals{id}}", "variable \"$a\" is declared twice", 14},
    {"{...F}", "fragment \"F\" is not there", 2},
    {"{...F} fragment F on Query{...F}", "fragment \"F\" holds itself", 28},
    {"{...on Deal{id}}", "a Query is never a Deal", 2},
    {"{...on Nope{id}}", "\"Nope\" is no type with fields", 2},
    {"{deals{id a:id a:trust}}", "\"a\" is asked for twice, with different meanings", 16},
    {"{deals(first:1){id} deals(first:2){id}}",
     "\"deals\" is asked for twice, with different meanings", 21},
    {"{deals{id @nope}}", "directive \"@nope\" is not known", 11},
    {"{deals{id @skip}}", "@skip: argument \"if\" is wanted", 11},
    {"{deals{id @skip(if:true) @skip(if:true)}}", "directive \"@skip\" stands twice", 26},
    {"{deals @skip(if:true){nope}}", "type Deal has no field \"nope\"", 23},
    {"query @x {deals{id}}", "directive \"@x\" cannot stand here", 7},
    {"mutation{a}", "a mutation is not taken: the index is written by the ledger", 1},
    {"subscription{a}", "a subscription is not taken: the index is written by the ledger", 1},
    {"query A{deals{id}} query B{deals{id}}", "several operations: \"operationName\" says which",
     0},
    {"{deals{id}} query B{deals{id}}", "an operation without a name stands alone", 13},
    {"query A{deals{id}} query A{deals{id}}", "the name \"A\" stands twice", 20},
    {"fragment F on Deal{id}", "the document holds no operation", 0},
    {"type T{a:Int}", "definitions of a schema are not taken here, only queries and fragments", 1},
    {"{deals{id}", "line 1, column 11: the document ends where a name is wanted", 11},
    {"{deals(block:{number:101}){id}}", "block: the ledger is at block 100", 2},
    {"{deals(block:{hash:\"0x01\"}){id}}", "block: no block with this hash holds anything", 2},
};

static void what_is_refused_is_named(void **state)
{
  for (size_t i = 0; i < IA_COUNT(refused); i++) {
    IA_AUTO_JSON *v = ask_with(*state, &graph_poco, refused[i].query, NULL);
    json_t *error = json_array_get(json_object_get(v, "errors"), 0);
    json_t *place = json_array_get(json_object_get(error, "locations"), 0);
    const char *message = json_string_value(json_object_get(error, "message"));

    if (!message || strcmp(message, refused[i].message) != 0)
      fail_msg("%s: \"%s\"", refused[i].query, message ? message : "taken");
    if (json_integer_value(json_object_get(place, "column")) != refused[i].column)
      fail_msg("%s: column %lld", refused[i].query,
               (long long)json_integer_value(json_object_get(place, "column")));
    assert_null(json_object_get(v, "data"));
  }
}

static void refuse_long(lab *l, const char *before, const char *unit, size_t n, const char *after,
                        const char *message)
{
  IA_AUTOV(ia_buf) q = {0};

  ia_buf_str(&q, before);
  for (size_t i = 0; i < n; i++)
    ia_buf_str(&q, unit);
  ia_buf_str(&q, after);
  ia_buf_u8(&q, 0);
  IA_AUTO_JSON *v = ask_with(l, &graph_poco, (const char *)q.ptr, NULL);
  json_t *error = json_array_get(json_object_get(v, "errors"), 0);
  const char *said = json_string_value(json_object_get(error, "message"));
  if (!said || !strstr(said, message))
    fail_msg("%s..: %s", before, said ? said : "taken");
}

static void costs_are_bounded(void **state)
{
  lab *l = *state;
  char name[32];

  refuse_long(l, "{deals{", "tasks{deal{", 16, "id}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}", "levels");
  refuse_long(l, "{deals(where:{or:[", "{id:\"0x\"},", 500, "]}){id}}", "tests in filters");
  refuse_long(l, "{deals(where:{", "and:{", 70, "", "levels");
  refuse_long(l, "{deals{id ", "...on Deal{id} ", 15000, "}}", "tokens");
  refuse_long(l, "", "{deals{id}}", 30000, "", "bytes");
  /* fragments that double at every step */
  IA_AUTOV(ia_buf) q = {0};
  ia_buf_str(&q, "{deals{...F0}}");
  for (int i = 0; i < 30; i++)
    ia_buf_printf(&q, " fragment F%d on Deal{...F%d a%d:id ...F%d}", i, i + 1, i, i + 1);
  ia_buf_str(&q, " fragment F30 on Deal{id}");
  ia_buf_u8(&q, 0);
  refuse_long(l, (const char *)q.ptr, "", 0, "", "selections and values");
  /* an answer that grows with every level, from few rows */
  for (int i = 0; i < 300; i++) {
    (void)snprintf(name, sizeof(name), "0x7b%04d", i);
    task(l, name, "0xde03", "ACTIVE");
  }
  refuse_long(l, "{tasks(first:1000){deal{", "tasks(first:1000){deal{", 2, "id}}}}}}}", "objects");
}

static void budgets_end_long_statements(void **state)
{
  lab *l = *state;
  ia_db *db = graph_store_db(l->s);
  ia_err e = {0};

  ia_db_budget(db, 100000);
  assert_false(ia_db_exec(db,
                          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                          " SELECT max(i) FROM n",
                          &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
  ia_db_budget(db, 0);
  assert_true(ia_db_exec(db, "SELECT 1", &e));
}

static void numbers_sort_and_read_back(void **state)
{
  static const char *const rising[] = {
      "-5",
      "0",
      "1",
      "9",
      "10",
      "99",
      "100",
      "18446744073709551616",
      ("115792089237316195423570985008687907853269984665640564039457"
       "584007913129639935")};
  graph_big had = {""}, got;
  IA_AUTOV(ia_buf) text = {0};

  (void)state;
  for (size_t i = 0; i < IA_COUNT(rising); i++) {
    assert_true(graph_big_parse(&got, ia_span_str(rising[i]), 0, NULL));
    assert_true(strcmp(had.s, got.s) < 0);
    had = got;
    if (i == 0)
      continue;
    ia_buf_clear(&text);
    graph_big_show(&text, got.s, 0);
    ia_buf_u8(&text, 0);
    assert_string_equal((const char *)text.ptr, rising[i]);
  }
  assert_true(graph_big_parse(&got, ia_span_str("0.050"), 9, NULL));
  ia_buf_clear(&text);
  graph_big_show(&text, got.s, 9);
  assert_true(ia_span_is(ia_buf_view(&text), "0.05"));
  assert_true(graph_big_parse(&got, ia_span_str("007"), 0, NULL));
  assert_string_equal(got.s, "017");
  assert_false(graph_big_parse(&got, ia_span_str("0.0000000001"), 9, NULL));
  assert_false(graph_big_parse(&got, ia_span_str(""), 0, NULL));
  assert_false(graph_big_parse(&got, ia_span_str("1.5"), 0, NULL));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(every_test_of_filters),          T(pages_and_orders),
      T(what_is_below_comes_in_one_go),  T(interfaces_show_what_a_row_is),
      T(fragments_directives_variables), T(past_blocks_are_shown_as_they_were),
      T(what_is_refused_is_named),       T(costs_are_bounded),

      T(budgets_end_long_statements),    T(numbers_sort_and_read_back),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
