/* What else clients read of the market: deals as the public one writes them, prices, counts,
 * categories, pages of old clients; and live updates that miss nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/login.h"
#include "market_world.h"

static int status_of(world *w, const char *method, const char *path, json_t **out)
{
  IA_AUTOV(ia_http_answer) a = {0};
  char full[300];

  (void)snprintf(full, sizeof(full), "%s%cchainId=%llu", path, strchr(path, '?') ? '&' : '?',
                 (unsigned long long)w->net.chain_id);
  ia_http_call c = {.method = method, .url = fixture_url(&w->f, full)};
  MUST(ia_http_do(w->f.http, &a, &c, e));
  if (out)
    *out = ia_json_parse(ia_buf_view(&a.body), IA_JSON_ANY, NULL);
  return a.status;
}

static json_t *get(world *w, const char *path)
{
  json_t *v = NULL;

  assert_int_equal(status_of(w, "GET", path, &v), 200);
  assert_non_null(v);
  assert_true(json_is_true(json_object_get(v, "ok")));
  return v;
}

/* The refusal's status and text, as the public market gives them. */
static void refuses(world *w, const char *path, int status, const char *text)
{
  IA_AUTO_JSON *v = NULL;

  assert_int_equal(status_of(w, "GET", path, &v), status);
  assert_true(json_is_false(json_object_get(v, "ok")));
  if (!strstr(json_string_value(json_object_get(v, "error")), text))
    fail_msg("%s: %s", path, json_string_value(json_object_get(v, "error")));
}

static void refusals_are_those_of_the_public_market(void **state)
{
  world *w = *state;

  refuses(w, "/apporders", 400, "app or appOwner is required");
  refuses(w, "/apporders?app=0x1", 400, "app is neither \"any\" nor a valid ethereum address");
  refuses(w, "/apporders?app=any&minTag=0x1", 400, "minTag must be a bytes32 hexstring");
  refuses(w, "/apporders?app=any&minVolume=0", 400, "minVolume must be greater than");
  refuses(w, "/apporders?app=any&pageSize=9", 400, "pageSize");
  refuses(w, "/apporders?app=any&pageSize=1001", 400, "pageSize");
  refuses(w, "/apporders/0x12", 400, "orderHash must be a bytes32 hexstring");
  refuses(w, "/apporders/0x1111111111111111111111111111111111111111111111111111111111111111", 404,
          "apporder not found");
  refuses(w, "/deals/0x1111111111111111111111111111111111111111111111111111111111111111", 404,
          "deal not found");
  refuses(w, "/categories/77", 404, "category not found");
  refuses(w, "/ohlc", 400, "category is a required field");
  refuses(w, "/events?topic=weather", 400, "topic");
  assert_int_equal(status_of(w, "POST", "/apporders", NULL), 403);
}

/* A match of all the owner's orders with a request of the user's. */
static ia_h256 match(world *w, uint64_t volume, uint64_t times)
{
  ia_order_box box[IA_ORDER_KINDS] = {0};
  ia_h256 hash[IA_ORDER_KINDS];
  ia_match m = {0};

  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    ia_order o = order_of(w, (ia_order_kind)k, k == IA_ORDER_REQUEST ? times : volume);
    const ia_wallet *who = k == IA_ORDER_REQUEST ? w->user : w->owner;

    sign(w, &box[k], &o, who);
    MUST(ia_to_market_publish(&w->net, who, &box[k].order, &hash[k], e));
  }
  m.app = box[IA_ORDER_APP].order.app;
  m.dataset = box[IA_ORDER_DATASET].order.dataset;
  m.workerpool = box[IA_ORDER_WORKERPOOL].order.workerpool;
  m.request = box[IA_ORDER_REQUEST].order.request;
  call(w, w->user, NULL, IA_CALL_MATCH_ORDERS, &m);
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_box_free(&box[k]);
  return hash[IA_ORDER_REQUEST];
}

static void expect_members(const json_t *deal)
{
  static const char *const members[] = {"dealid",
                                        "chainId",
                                        "app",
                                        "dataset",
                                        "workerpool",
                                        "requester",
                                        "callback",
                                        "appHash",
                                        "volume",
                                        "workerpoolHash",
                                        "beneficiary",
                                        "datasetHash",
                                        "params",
                                        "requestHash",
                                        "category",
                                        "transactionHash",
                                        "blockNumber",
                                        "blockTimestamp",
                                        "tag",
                                        "trust",
                                        "startTime",
                                        "botFirst",
                                        "workerStake",
                                        "botSize",
                                        "schedulerRewardRatio"};

  for (size_t i = 0; i < IA_COUNT(members); i++)
    if (!json_object_get(deal, members[i]))
      fail_msg("no %s", members[i]);
}

static void deals_and_their_prices(void **state)
{
  world *w = *state;
  char path[120];

  ia_h256 first = match(w, 5, 3);
  (void)match(w, 2, 2);
  (void)snprintf(path, sizeof(path), "/deals?requestorderHash=%s", ia_h256_text(&first).s);
  IA_AUTO_JSON *v = get(w, path);
  const json_t *deal = json_array_get(json_object_get(v, "deals"), 0);
  expect_members(deal);
  const char *when = json_string_value(json_object_get(deal, "blockTimestamp"));
  assert_int_equal(strlen(when), 24);
  assert_string_equal(when + 19, ".000Z");
  IA_AUTO_JSON *prices = get(w, "/ohlc?category=0");
  const json_t *list = json_object_get(prices, "ohlc");
  assert_int_equal(json_array_size(list), 2);
  assert_int_equal(json_integer_value(json_array_get(json_array_get(list, 0), 2)), 2);
  assert_int_equal(json_integer_value(json_array_get(json_array_get(list, 1), 2)), 3);
  assert_true(json_is_string(json_array_get(json_array_get(list, 0), 0)));
  IA_AUTO_JSON *none = get(w, "/ohlc?category=1");
  assert_int_equal(json_array_size(json_object_get(none, "ohlc")), 0);
}

static void counts_of_open_orders(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_APP, 1);

  (void)publish(w, &o, w->owner);
  o = order_of(w, IA_ORDER_APP, 1);
  (void)publish(w, &o, w->owner);
  o = order_of(w, IA_ORDER_DATASET, 1);
  (void)publish(w, &o, w->owner);
  IA_AUTO_JSON *v = get(w, "/metrics");
  assert_int_equal(json_integer_value(json_object_get(v, "apporders")), 2);
  assert_int_equal(json_integer_value(json_object_get(v, "datasetorders")), 1);
  assert_int_equal(json_integer_value(json_object_get(v, "requestorders")), 0);
  ia_block head;
  MUST(ia_chain_head(chain_of(w), &head, e));
  assert_int_equal(json_integer_value(json_object_get(v, "lastBlock")), head.number);
  (void)match(w, 1, 1);
  IA_AUTO_JSON *later = get(w, "/metrics");
  assert_int_equal(json_integer_value(json_object_get(later, "apporders")), 2);
  assert_true(json_integer_value(json_object_get(later, "lastBlock")) > (json_int_t)head.number);
}

static void categories_by_their_time(void **state)
{
  world *w = *state;
  IA_AUTO_JSON *all = get(w, "/categories"), *few = NULL;
  const json_t *list = json_object_get(all, "categories");

  assert_int_equal(json_array_size(list), 5);
  for (size_t i = 1; i < 5; i++)
    assert_true(
        json_integer_value(json_object_get(json_array_get(list, i - 1), "workClockTimeRef")) <=
        json_integer_value(json_object_get(json_array_get(list, i), "workClockTimeRef")));
  few = get(w, "/categories?minWorkClockTimeRef=1200&maxWorkClockTimeRef=3600");
  assert_int_equal(json_integer_value(json_object_get(few, "count")), 2);
  assert_int_equal(json_integer_value(json_object_get(
                       json_array_get(json_object_get(few, "categories"), 0), "catid")),
                   1);
}

/* `page` of old clients is the number of rows to skip, and nextPage what to give next. */
static void old_clients_page_by_rows(void **state)
{
  world *w = *state;
  size_t seen = 0, turns = 0;
  json_int_t next = 0;

  for (int i = 0; i < 25; i++) {
    ia_order o = order_of(w, IA_ORDER_APP, 1);

    (void)publish(w, &o, w->owner);
  }
  do {
    char path[80];

    (void)snprintf(path, sizeof(path), "/apporders?app=any&page=%d", (int)next);
    IA_AUTO_JSON *v = get(w, path);
    seen += json_array_size(json_object_get(v, "orders"));
    next = json_integer_value(json_object_get(v, "nextPage"));
  } while (next != 0 && ++turns < 5);
  assert_int_equal(seen, 25);
  assert_int_equal(turns, 1);
}

/* Two logins of one wallet at once: each challenge is good, once, in either order. */
static void challenges_in_flight(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) a = {0}, b = {0};
  char url[200], header[2][400];

  (void)snprintf(url, sizeof(url), "%s/challenge?chainId=%llu&address=%s",
                 ia_server_url(w->f.server), (unsigned long long)w->net.chain_id,
                 ia_addr_text(&w->owner->address).s);
  MUST(ia_login(&a, &w->net, w->owner, IA_LOGIN_MARKET, url, e));
  MUST(ia_login(&b, &w->net, w->owner, IA_LOGIN_MARKET, url, e));
  (void)snprintf(header[0], sizeof(header[0]), "Authorization: %s", (const char *)b.ptr);
  (void)snprintf(header[1], sizeof(header[1]), "Authorization: %s", (const char *)a.ptr);
  for (int i = 0; i < 4; i++) {
    IA_AUTOV(ia_http_answer) answer = {0};
    const char *const headers[] = {header[i % 2], NULL};
    char path[80];

    (void)snprintf(path, sizeof(path), "/apporders?chainId=%llu",
                   (unsigned long long)w->net.chain_id);
    ia_http_call c = {.method = "PUT",
                      .url = fixture_url(&w->f, path),
                      .headers = headers,
                      .body = ia_span_str("{\"target\":\"nonsense\"}")};
    MUST(ia_http_do(w->f.http, &answer, &c, e));
    assert_int_equal(answer.status, i < 2 ? 400 : 403); /* 400: past the login */
  }
}

/* -- live updates -- */
typedef struct listening {
  world *w;
  ia_http *http;
  char last[32], topic[16];
  char text[65536]; /* all that came */
} listening;

/* One request; the number to go on from stays in l->last. */
static void listen_once(listening *l)
{
  IA_AUTOV(ia_http_answer) a = {0};
  char path[120], header[64];
  const char *const headers[] = {header, NULL};

  (void)snprintf(path, sizeof(path), "%s/events?chainId=%llu%s%s", ia_server_url(l->w->f.server),
                 (unsigned long long)l->w->net.chain_id, *l->topic ? "&topic=" : "", l->topic);
  (void)snprintf(header, sizeof(header), "Last-Event-ID: %s", l->last);
  ia_http_call c = {.method = "GET", .url = path, .headers = *l->last ? headers : NULL};
  MUST(ia_http_do(l->http, &a, &c, e));
  assert_int_equal(a.status, 200);
  ia_buf_u8(&a.body, 0);
  const char *text = (const char *)a.body.ptr;
  assert_true(strlen(l->text) + strlen(text) < sizeof(l->text));
  strcat(l->text, text);
  for (const char *at = text; (at = strstr(at, "id: ")); at++)
    (void)snprintf(l->last, sizeof(l->last), "%.*s", (int)strcspn(at + 4, "\n"), at + 4);
}

static void *listener(void *ctx)
{
  listen_once(ctx);
  return NULL;
}

static listening *listening_new(world *w, const char *topic)
{
  listening *l = calloc(1, sizeof(*l));

  assert_non_null(l);
  l->w = w;
  (void)snprintf(l->topic, sizeof(l->topic), "%s", topic);
  MUST(ia_http_new(&l->http, NULL, e));
  return l;
}

static void listening_free(listening *l)
{
  ia_http_free(l->http);
  free(l);
}

/* Until the text has come: answers may part it. */
static void until(listening *l, const char *text)
{
  for (int i = 0; i < 50 && !strstr(l->text, text); i++)
    listen_once(l);
  if (!strstr(l->text, text))
    fail_msg("no %s in: %.2000s", text, l->text);
}

static void updates_come_as_they_happen(void **state)
{
  world *w = *state;
  listening *l = listening_new(w, "orders"), *deals = listening_new(w, "deals");
  ia_order o = order_of(w, IA_ORDER_APP, 9);
  pthread_t thread;

  listen_once(l); /* the number to begin from */
  /* held before anything happened, answered by it */
  assert_int_equal(pthread_create(&thread, NULL, listener, l), 0);
  usleep(100000);
  ia_h256 hash = publish(w, &o, w->owner);
  assert_int_equal(pthread_join(thread, NULL), 0);
  until(l, "event: apporder_published\ndata: {");
  assert_non_null(strstr(l->text, ia_h256_text(&hash).s));
  assert_null(strstr(l->text, "deal_created"));
  (void)snprintf(deals->last, sizeof(deals->last), "%s", l->last);
  /* a match: what is left, what is spent, and the deal under its own topic. Nobody asks the market
   * for anything else meanwhile */
  (void)match(w, 5, 5);
  until(l, "event: datasetorder_unpublished\ndata: \"0x");
  until(deals, "event: deal_created\ndata: {");
  assert_null(strstr(deals->text, "order_"));
  l->text[0] = 0;
  MUST(ia_to_market_unpublish(&w->net, w->owner, IA_ORDER_APP, &hash, e));
  until(l, "event: apporder_unpublished\ndata: \"0x");
  listening_free(l);
  listening_free(deals);
}

static void who_was_away_misses_nothing_or_is_told(void **state)
{
  world *w = *state;
  listening *l = listening_new(w, ""), *old = listening_new(w, "");
  ia_order o = order_of(w, IA_ORDER_APP, 9);
  char first[32];

  listen_once(l);
  (void)publish(w, &o, w->owner);
  listen_once(l);
  (void)snprintf(first, sizeof(first), "%s", l->last);
  for (int i = 0; i < 3; i++) {
    o = order_of(w, IA_ORDER_DATASET, 1);
    (void)publish(w, &o, w->owner);
  }
  l->text[0] = 0;
  listen_once(l);
  size_t n = 0;
  for (const char *at = l->text; (at = strstr(at, "event: datasetorder_published")); at++)
    n++;
  assert_int_equal(n, 3);
  assert_int_equal(strtoull(l->last, NULL, 10) - strtoull(first, NULL, 10), 3);
  /* a number of an earlier process, or of none */
  (void)snprintf(old->last, sizeof(old->last), "12");
  listen_once(old);
  assert_non_null(strstr(old->text, "event: reset\n"));
  assert_string_equal(old->last, l->last);
  listening_free(l);
  listening_free(old);
}

/* A request order lives on app and dataset orders: it goes with the last one. */
static void dependent_requests_go_with_what_they_lived_on(void **state)
{
  world *w = *state;
  listening *l = listening_new(w, "orders");
  ia_order app = order_of(w, IA_ORDER_APP, 9), more = order_of(w, IA_ORDER_APP, 9),
           data = order_of(w, IA_ORDER_DATASET, 9), request = order_of(w, IA_ORDER_REQUEST, 1);
  ia_h256 first = publish(w, &app, w->owner), second = publish(w, &more, w->owner);

  (void)publish(w, &data, w->owner);
  ia_h256 hash = publish(w, &request, w->user);
  MUST(ia_to_market_unpublish(&w->net, w->owner, IA_ORDER_APP, &first, e));
  expect_order(w, IA_ORDER_REQUEST, &hash, "open", 1);
  listen_once(l);
  MUST(ia_to_market_unpublish(&w->net, w->owner, IA_ORDER_APP, &second, e));
  expect_order(w, IA_ORDER_REQUEST, &hash, "dead", 1);
  until(l, "event: requestorder_unpublished");
  listening_free(l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(refusals_are_those_of_the_public_market),
      T(deals_and_their_prices),
      T(counts_of_open_orders),
      T(categories_by_their_time),
      T(old_clients_page_by_rows),
      T(challenges_in_flight),
      T(updates_come_as_they_happen),
      T(who_was_away_misses_nothing_or_is_told),
      T(dependent_requests_go_with_what_they_lived_on),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
