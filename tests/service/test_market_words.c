/* What the public market says: every check of a query and of a body, with status and text as
 * iExec's own market gives them. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/login.h"
#include "market_world.h"

static int ask(world *w, const char *method, const char *path, const char *authorization,
               const json_t *body, json_t **out)
{
  IA_AUTOV(ia_http_answer) a = {0};
  IA_AUTOV(ia_buf) text = {0};
  const char *const headers[] = {"Content-Type: application/json", authorization, NULL};
  char full[400];

  (void)snprintf(full, sizeof(full), "%s%s%cchainId=%llu", ia_server_url(w->f.server), path,
                 strchr(path, '?') ? '&' : '?', (unsigned long long)w->net.chain_id);
  if (body)
    MUST(ia_json_write(&text, body, e));
  ia_http_call c = {
      .method = method, .url = full, .headers = body ? headers : NULL, .body = ia_buf_view(&text)};
  MUST(ia_http_do(w->f.http, &a, &c, e));
  *out = ia_json_parse(ia_buf_view(&a.body), IA_JSON_ANY, NULL);
  return a.status;
}

/* v is read after the call that fills it, wherever that stands among the arguments. */
static void says(const char *what, int status, json_t *const *out, int want, const char *text)
{
  const json_t *v = *out;
  const char *error = json_string_value(json_object_get(v, "error"));

  if (status != want || !json_is_false(json_object_get(v, "ok")) || !error ||
      strcmp(error, text) != 0)
    fail_msg("%s: %d %s; want %d %s", what, status, error ? error : "-", want, text);
}

#define NUMBER(name, value)                                                                        \
  name " must be a `number` type, but the final value was: `NaN` (cast from the value `\"" value   \
       "\"`)."
#define LEAST(name, n) name " must be greater than or equal to " n
#define MOST(name, n)  name " must be less than or equal to " n
#define FLAG(name)     name " must be a `boolean` type, but the final value was: `\"abc\"`."
#define B32(name)      name " must be a bytes32 hexstring"
#define ANY(name)      name " is neither \"any\" nor a valid ethereum address"
#define ADDR(name)     name " is not a valid ethereum address"
#define SAFE           "9007199254740991"

typedef struct row {
  const char *path, *text;
} row;

static const row filters[] = {
    {"/apporders", "app or appOwner is required"},
    {"/datasetorders", "dataset or datasetOwner is required"},
    {"/apporders?app=0x1", ANY("app")},
    {"/apporders?appOwner=any", ADDR("appOwner")},
    {"/apporders?app=any&dataset=x", ANY("dataset")},
    {"/apporders?app=any&workerpool=x", ANY("workerpool")},
    {"/apporders?app=any&requester=x", ANY("requester")},
    {"/apporders?app=any&isDatasetStrict=abc", FLAG("isDatasetStrict")},
    {"/apporders?app=any&isWorkerpoolStrict=abc", FLAG("isWorkerpoolStrict")},
    {"/apporders?app=any&isRequesterStrict=abc", FLAG("isRequesterStrict")},
    {"/datasetorders?dataset=any&isAppStrict=abc", FLAG("isAppStrict")},
    {"/datasetorders?dataset=any&bulkOnly=abc", FLAG("bulkOnly")},
    {"/datasetorders?datasetOwner=0x", ADDR("datasetOwner")},
    {"/workerpoolorders?workerpoolOwner=any", ADDR("workerpoolOwner")},
    {"/workerpoolorders?workerpool=1", ANY("workerpool")},
    {"/workerpoolorders?category=x", NUMBER("category", "x")},
    {"/workerpoolorders?category=1.5", "category must be an integer"},
    {"/workerpoolorders?minTrust=-1", LEAST("minTrust", "0")},
    {"/requestorders?maxTrust=" SAFE "0", MOST("maxTrust", SAFE)},
    {"/requestorders?beneficiary=me", ANY("beneficiary")},
    {"/requestorders?requester=me", ANY("requester")},
    {"/requestorders?workerpool=me", ANY("workerpool")},
    {"/requestorders?minTag=0x1", B32("minTag")},
    {"/requestorders?maxTag=9", B32("maxTag")},
    {"/requestorders?minVolume=0", LEAST("minVolume", "1")},
    {"/requestorders?minVolume=", NUMBER("minVolume", "")},
    {"/requestorders?pageSize=9", LEAST("pageSize", "10")},
    {"/requestorders?pageSize=1001", MOST("pageSize", "1000")},
    {"/requestorders?pageIndex=-1", LEAST("pageIndex", "0")},
    {"/requestorders?page=-1", LEAST("page", "0")},
    {"/requestorders?requestor=any", "requestor: no such filter"},
    {"/requestorders?app=any&app=any", "app: given twice"},
    {"/deals?app=any", ADDR("app")},
    {"/deals?requestorderHash=0x12", B32("requestorderHash")},
    {"/deals?apporderHash=0x12", B32("apporderHash")},
    {"/deals?datasetorderHash=0x12", B32("datasetorderHash")},
    {"/deals?workerpoolorderHash=0x12", B32("workerpoolorderHash")},
    {"/deals?category=x", NUMBER("category", "x")},
    {"/deals?pageSize=9", LEAST("pageSize", "10")},
    {"/deals?beneficiary=0", ADDR("beneficiary")},
    {"/deals?appOwner=0", ADDR("appOwner")},
    {"/deals?datasetOwner=0", ADDR("datasetOwner")},
    {"/deals?workerpoolOwner=0", ADDR("workerpoolOwner")},
    {"/deals/0x12", B32("dealid")},
    {"/apporders/0x12", B32("orderHash")},
    {"/categories/x", NUMBER("catid", "x")},
    {"/categories?minWorkClockTimeRef=x", NUMBER("minWorkClockTimeRef", "x")},
    {"/categories?maxWorkClockTimeRef=-1", LEAST("maxWorkClockTimeRef", "0")},
    {"/categories?pageSize=1001", MOST("pageSize", "1000")},
    {"/ohlc", "category is a required field"},
    {"/ohlc?category=x", NUMBER("category", "x")},
    {"/challenge", "address is a required field"},
    {"/challenge?address=any", ADDR("address")},
};

static void every_filter_is_checked(void **state)
{
  for (size_t i = 0; i < IA_COUNT(filters); i++) {
    IA_AUTO_JSON *v = NULL;
    int status = ask(*state, "GET", filters[i].path, NULL, NULL, &v);

    says(filters[i].path, status, &v, 400, filters[i].text);
  }
}

/* Without chainId, and with another's, every route that has one refuses. */
static void every_route_asks_for_the_chain(void **state)
{
  static const char *const routes[] = {
      "/challenge",     "/categories",       "/categories/0",  "/deals",   "/ohlc",  "/apporders",
      "/datasetorders", "/workerpoolorders", "/requestorders", "/metrics", "/events"};
  static const row rows[] = {{"", "chainId is a required field"},
                             {"?chainId=1", "chainId 1 is not supported"},
                             {"?chainId=x", "chainId x is not supported"}};
  world *w = *state;

  for (size_t i = 0; i < IA_COUNT(routes) * IA_COUNT(rows); i++) {
    const row *r = &rows[i % IA_COUNT(rows)];
    IA_AUTOV(ia_http_answer) a = {0};
    char path[80];

    (void)snprintf(path, sizeof(path), "%s%s", routes[i / IA_COUNT(rows)], r->path);
    MUST(fixture_get(&w->f, &a, "GET", path, e));
    IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&a.body), IA_JSON_ANY, NULL);
    says(path, a.status, &v, 400, r->text);
  }
}

/* What the public market takes in several spellings. */
static void spellings_that_are_taken(void **state)
{
  static const char *const paths[] = {
      "/apporders?app=any&isDatasetStrict=TRUE&isWorkerpoolStrict=0&isRequesterStrict=1",
      "/apporders?app=ANYCASE",
      "/apporders?app=any&pageSize=1e2&pageIndex=0.0&minVolume=0x10",
      "/apporders?app=any&minTrust=99&category=7&bulkOnly=true", /* other kinds' */
      "/workerpoolorders",
      "/requestorders",
      "/requestorders?maxTrust=0&category=0&app=any&dataset=any&workerpool=any&beneficiary=any",
      "/deals?pageIndex=7",
      "/categories?page=3",
  };
  world *w = *state;

  for (size_t i = 0; i < IA_COUNT(paths); i++) {
    IA_AUTO_JSON *v = NULL;
    char path[200];

    (void)snprintf(path, sizeof(path), "%s", paths[i]);
    char *at = strstr(path, "ANYCASE");
    for (size_t k = 0; at && k < 43; k++) /* as no checksum has it */
      at[k] = (char)(k == 1 ? 'x' : toupper((unsigned char)ia_addr_text(&w->app).s[k]));
    if (at && isalpha((unsigned char)at[41]))
      at[41] = (char)tolower((unsigned char)at[41]);
    if (ask(w, "GET", path, NULL, NULL, &v) != 200)
      fail_msg("%s: %s", path, json_string_value(json_object_get(v, "error")));
  }
}

static ia_buf login_of(world *w, const ia_wallet *who)
{
  IA_AUTOV(ia_buf) login = {0};
  ia_buf header = {0};
  char url[200];

  (void)snprintf(url, sizeof(url), "%s/challenge?chainId=%llu&address=%s",
                 ia_server_url(w->f.server), (unsigned long long)w->net.chain_id,
                 ia_addr_text(&who->address).s);
  MUST(ia_login(&login, &w->net, who, IA_LOGIN_MARKET, url, e));
  ia_buf_printf(&header, "Authorization: %s", (const char *)login.ptr);
  ia_buf_u8(&header, 0);
  return header;
}

static int send_body(world *w, const char *method, const char *path, const ia_wallet *who,
                     const json_t *body, json_t **out)
{
  IA_AUTOV(ia_buf) header = login_of(w, who);

  return ask(w, method, path, (const char *)header.ptr, body, out);
}

/* The same order with one member changed; JSON text, "" takes it out. */
typedef struct change {
  ia_order_kind kind;
  const char *member, *value, *text;
} change;

#define HUGE SAFE "9"

static const change changes[] = {
    {IA_ORDER_APP, "app", "", "order.app is a required field"},
    {IA_ORDER_APP, "app", "null", "order.app is a required field"},
    {IA_ORDER_APP, "app", "\"0x1\"", ADDR("order.app")},
    {IA_ORDER_APP, "appprice", "", "order.appprice is a required field"},
    {IA_ORDER_APP, "appprice", "\"-1\"", LEAST("order.appprice", "0")},
    {IA_ORDER_APP, "appprice", "\"x\"", NUMBER("order.appprice", "x")},
    {IA_ORDER_APP, "appprice", "1.5", "order.appprice must be an integer"},
    {IA_ORDER_APP, "appprice", "9007199254740991.4", "order.appprice must be an integer"},
    {IA_ORDER_APP, "appprice", "\"9007199254740990.6\"", "order.appprice must be an integer"},
    {IA_ORDER_APP, "appprice", "\"" HUGE "\"", MOST("order.appprice", SAFE)},
    {IA_ORDER_APP, "volume", "0", LEAST("order.volume", "1")},
    {IA_ORDER_APP, "volume", "\"9007199254740992\"", MOST("order.volume", SAFE)},
    {IA_ORDER_APP, "tag", "\"0x1\"", B32("order.tag")},
    {IA_ORDER_APP, "datasetrestrict", "\"x\"", ADDR("order.datasetrestrict")},
    {IA_ORDER_APP, "workerpoolrestrict", "\"\"", "order.workerpoolrestrict is a required field"},
    {IA_ORDER_APP, "requesterrestrict", "", "order.requesterrestrict is a required field"},
    {IA_ORDER_APP, "salt", "\"0x00\"", B32("order.salt")},
    {IA_ORDER_APP, "sign", "", "order.sign is a required field"},
    {IA_ORDER_APP, "sign", "\"zz\"", "order.sign must be a valid signature"},
    {IA_ORDER_DATASET, "dataset", "\"0x1\"", ADDR("order.dataset")},
    {IA_ORDER_DATASET, "datasetprice", "\"\"", NUMBER("order.datasetprice", "")},
    {IA_ORDER_DATASET, "apprestrict", "", "order.apprestrict is a required field"},
    {IA_ORDER_WORKERPOOL, "workerpool", "", "order.workerpool is a required field"},
    {IA_ORDER_WORKERPOOL, "workerpoolprice", "-5", LEAST("order.workerpoolprice", "0")},
    {IA_ORDER_WORKERPOOL, "category", "", "order.category is a required field"},
    {IA_ORDER_WORKERPOOL, "trust", "\"-1\"", LEAST("order.trust", "0")},
    {IA_ORDER_REQUEST, "requester", "\"x\"", ADDR("order.requester")},
    {IA_ORDER_REQUEST, "beneficiary", "", "order.beneficiary is a required field"},
    {IA_ORDER_REQUEST, "callback", "\"x\"", ADDR("order.callback")},
    {IA_ORDER_REQUEST, "appmaxprice", "", "order.appmaxprice is a required field"},
    {IA_ORDER_REQUEST, "datasetmaxprice", "\"" HUGE "\"", MOST("order.datasetmaxprice", SAFE)},
    {IA_ORDER_REQUEST, "workerpoolmaxprice", "\"1e400\"",
     "order.workerpoolmaxprice must be an integer"},
    {IA_ORDER_REQUEST, "params", "7", "order.params must be a `string` type"},
};

static json_t *signed_body(world *w, ia_order_kind kind)
{
  IA_AUTOV(ia_order_box) box = {0};
  ia_order o = order_of(w, kind, 2);
  ia_err e;

  sign(w, &box, &o, kind == IA_ORDER_REQUEST ? w->user : w->owner);
  json_t *order = ia_order_json(kind, &box.order.app, IA_ORDER_DECIMAL, &e);
  return json_pack("{s:o}", "order", order);
}

static void every_field_of_an_order_is_checked(void **state)
{
  world *w = *state;

  for (size_t i = 0; i < IA_COUNT(changes); i++) {
    const change *c = &changes[i];
    IA_AUTO_JSON *body = signed_body(w, c->kind);
    IA_AUTO_JSON *v = NULL;
    json_t *order = json_object_get(body, "order");
    char path[40];

    (void)snprintf(path, sizeof(path), "/%ss", ia_order_kind_name(c->kind));
    json_object_del(order, c->member);
    if (c->value[0])
      json_object_set_new(order, c->member, json_loads(c->value, JSON_DECODE_ANY, NULL));
    int status = send_body(w, "POST", path, w->owner, body, &v);
    says(c->member, status, &v, 400, c->text);
  }
}

/* Numbers as numbers or texts, addresses in any case, members that nobody knows: all the same
 * order.
 */
static void an_order_is_made_plain(void **state)
{
  world *w = *state;
  IA_AUTO_JSON *body = signed_body(w, IA_ORDER_APP);
  IA_AUTO_JSON *v = NULL;
  IA_AUTO_JSON *again = NULL;
  json_t *order = json_object_get(body, "order");

  json_object_set_new(order, "app", json_string(ia_addr_lower(&w->app).s));
  json_object_set_new(order, "volume", json_real(2.0));
  json_object_set_new(order, "appprice", json_integer(0));
  json_object_set_new(order, "note", json_string("of another client"));
  json_object_set_new(body, "client", json_string("x"));
  assert_int_equal(send_body(w, "POST", "/apporders", w->owner, body, &v), 200);
  const json_t *stored = json_object_get(json_object_get(v, "published"), "order");
  assert_string_equal(json_string_value(json_object_get(stored, "app")), ia_addr_text(&w->app).s);
  assert_int_equal(json_integer_value(json_object_get(stored, "volume")), 2);
  assert_null(json_object_get(stored, "note"));
  says("twice", send_body(w, "POST", "/apporders", w->owner, body, &again), &again, 403,
       "order already published");
}

static void bodies_that_are_none(void **state)
{
  static const row rows[] = {
      {"{}", "order is a required field"},
      {"{\"order\":null}", "order is a required field"},
      {"{\"order\":\"x\"}", "order must be a `object` type"},
  };
  static const row puts[] = {
      {"{}", "orderHash is a required field"},
      {"{\"target\":\"unpublish_orderHash\"}", "orderHash is a required field"},
      {"{\"orderHash\":\"0x12\"}", B32("orderHash")},
      {"{\"target\":\"unpublish_last\"}", "app is a required field"},
      {"{\"target\":\"unpublish_all\",\"app\":\"x\"}", ADDR("app")},
      {"{\"target\":\"all\"}", "target must be one of the following values: unpublish_orderHash,"
                               " unpublish_last, unpublish_all"},
  };
  world *w = *state;

  for (size_t i = 0; i < IA_COUNT(rows) + IA_COUNT(puts); i++) {
    bool put = i >= IA_COUNT(rows);
    const row *r = put ? &puts[i - IA_COUNT(rows)] : &rows[i];
    IA_AUTO_JSON *body = json_loads(r->path, 0, NULL);
    IA_AUTO_JSON *v = NULL;
    int status = send_body(w, put ? "PUT" : "POST", "/apporders", w->owner, body, &v);

    says(r->path, status, &v, 400, r->text);
  }
}

static void business_is_refused_with_403(void **state)
{
  world *w = *state;
  IA_AUTO_JSON *empty =
      json_pack("{s:s,s:s}", "target", "unpublish_last", "app", ia_addr_text(&w->app).s);
  IA_AUTO_JSON *request = signed_body(w, IA_ORDER_REQUEST);
  IA_AUTO_JSON *v = NULL;
  IA_AUTO_JSON *none = NULL;
  IA_AUTO_JSON *unsent = NULL;
  char text[200];

  (void)snprintf(text, sizeof(text), "no open apporder published by signer %s for app %s",
                 ia_addr_text(&w->owner->address).s, ia_addr_text(&w->app).s);
  says("last", send_body(w, "PUT", "/apporders", w->owner, empty, &v), &v, 403, text);
  (void)snprintf(text, sizeof(text), "No apporder published for app %s", ia_addr_text(&w->app).s);
  says("request", send_body(w, "POST", "/requestorders", w->user, request, &none), &none, 403,
       text);
  says("no login", ask(w, "POST", "/requestorders", NULL, request, &unsent), &unsent, 403,
       "invalid authorization");
}

static void what_a_request_must_cover(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_order_box) box = {0};
  ia_order o = order_of(w, IA_ORDER_REQUEST, 3);
  ia_err e;

  o.request.appmaxprice = ia_u256_of(2);
  o.request.datasetmaxprice = ia_u256_of(3);
  o.request.workerpoolmaxprice = ia_u256_of(6);
  sign(w, &box, &o, w->user);
  IA_AUTO_JSON *body = json_pack(
      "{s:o}", "order", ia_order_json(IA_ORDER_REQUEST, &box.order.app, IA_ORDER_DECIMAL, &e));
  IA_AUTO_JSON *v = NULL;
  says("stake", send_body(w, "POST", "/requestorders", w->user, body, &v), &v, 403,
       "requester stake is too low to cover requestorder payment, minimum stake required is 33"
       " nRLC");
}

/* `page` counts only where neither of the new names is given. */
static void old_and_new_pages(void **state)
{
  static const struct {
    const char *query;
    size_t rows;
    int next;
  } rows[] = {{"page=5", 20, 25},
              {"page=5&pageSize=10", 10, 10},
              {"page=5&pageIndex=0", 20, 20},
              {"pageIndex=2&pageSize=10", 6, 0},
              {"page=20", 6, 0},
              {"page=26", 0, 0},
              {"", 20, 20},
              {"pageIndex=9007199254740", 0, 0}};
  world *w = *state;

  for (int i = 0; i < 26; i++) {
    ia_order o = order_of(w, IA_ORDER_APP, 1);

    (void)publish(w, &o, w->owner);
  }
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTO_JSON *v = NULL;
    char path[80];

    (void)snprintf(path, sizeof(path), "/apporders?app=any&%s", rows[i].query);
    assert_int_equal(ask(w, "GET", path, NULL, NULL, &v), 200);
    const json_t *next = json_object_get(v, "nextPage");
    if (json_array_size(json_object_get(v, "orders")) != rows[i].rows ||
        json_integer_value(next) != rows[i].next || (rows[i].next == 0) != (next == NULL))
      fail_msg("%s: %zu, %d", path, json_array_size(json_object_get(v, "orders")),
               (int)json_integer_value(next));
    assert_int_equal(json_integer_value(json_object_get(v, "count")), 26);
  }
}

static void a_page_for_people(void **state)
{
  static const char *const parts[] = {"GET <code>/apporders</code>", "POST <code>/requestorders",
                                      "GET <code>/ohlc</code>", "GET <code>/events</code>"};
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};

  MUST(fixture_get(&w->f, &a, "GET", "/docs", e));
  assert_int_equal(a.status, 200);
  for (size_t i = 0; i < IA_COUNT(parts); i++)
    assert_non_null(memmem(a.body.ptr, a.body.len, parts[i], strlen(parts[i])));
}

static void too_many_requests_of_one_address(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};
  char path[60];
  int n = 0;

  (void)snprintf(path, sizeof(path), "/metrics?chainId=%llu", (unsigned long long)w->net.chain_id);
  for (; n < 30; n++) {
    MUST(fixture_get(&w->f, &a, "GET", path, e));
    if (a.status != 200)
      break;
    ia_http_answer_free(&a);
  }
  assert_int_equal(n, 12);
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&a.body), IA_JSON_ANY, NULL);
  says(path, a.status, &v, 429, "Rate limit exceeded");
}

static int limited_setup(void **state)
{
  market_rate = 12;
  int r = world_setup(state);
  market_rate = 0;
  return r;
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(every_filter_is_checked),
      T(every_route_asks_for_the_chain),
      T(spellings_that_are_taken),
      T(every_field_of_an_order_is_checked),
      T(an_order_is_made_plain),
      T(bodies_that_are_none),
      T(business_is_refused_with_403),
      T(what_a_request_must_cover),
      T(old_and_new_pages),
      T(a_page_for_people),
      cmocka_unit_test_setup_teardown(too_many_requests_of_one_address, limited_setup,
                                      world_teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
