/* The market against a real ledger: publishing and its refusals, filters, and that what the ledger
 * undoes is gone at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/login.h"
#include "market_world.h"

static void a_published_order_is_found(void **state)
{
  world *w = *state;
  ia_offer offer = {0};
  char q[128];
  ia_order o = order_of(w, IA_ORDER_DATASET, 3);

  assert_int_equal(listed(w, IA_ORDER_DATASET, about(q, sizeof(q), "dataset", &w->dataset, "")), 0);
  ia_h256 hash = publish(w, &o, w->owner);
  assert_int_equal(listed(w, IA_ORDER_DATASET, q), 1);
  MUST(ia_to_market_fetch(&w->net, &offer, IA_ORDER_DATASET, &hash, e));
  assert_true(ia_addr_eq(&offer.signer, &w->owner->address));
  assert_int_equal(offer.remaining, 3);
  ia_order_box_free(&offer.box);
  assert_int_equal(
      listed(w, IA_ORDER_DATASET, about(q, sizeof(q), "datasetOwner", &w->owner->address, "")), 1);
  assert_int_equal(
      listed(w, IA_ORDER_DATASET, about(q, sizeof(q), "datasetOwner", &w->other->address, "")), 0);
}

static void refused(world *w, const ia_order *o, const ia_wallet *signer, const ia_wallet *login,
                    ia_code code, const char *says)
{
  IA_AUTOV(ia_order_box) box = {0};
  ia_err e = {0};
  ia_h256 hash;

  sign(w, &box, o, signer);
  if (ia_to_market_publish(&w->net, login, &box.order, &hash, &e))
    fail_msg("published, want: %s", says);
  if (e.code != code || !strstr(e.msg, says))
    fail_msg("%s: %s; want %s", ia_code_name(e.code), e.msg, says);
}

static void what_is_not_published(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_APP, 1);

  refused(w, &o, w->other, w->other, IA_E_FORBIDDEN, "only order signer");
  refused(w, &o, w->other, w->owner, IA_E_FORBIDDEN, "invalid sign");
  (void)publish(w, &o, w->owner);
  refused(w, &o, w->owner, w->owner, IA_E_EXISTS, "already published");
  o.app.app = w->owner->address;
  refused(w, &o, w->owner, w->owner, IA_E_FORBIDDEN, "Resource not deployed");
  o = order_of(w, IA_ORDER_APP, 0);
  refused(w, &o, w->owner, w->owner, IA_E_INVALID, "volume");
  o = order_of(w, IA_ORDER_APP, 1ULL << 53);
  refused(w, &o, w->owner, w->owner, IA_E_INVALID, "volume");
  o = order_of(w, IA_ORDER_WORKERPOOL, 1);
  o.workerpool.workerpoolprice = ia_u256_of(1000);
  refused(w, &o, w->owner, w->owner, IA_E_FORBIDDEN, "stake");
  o = order_of(w, IA_ORDER_REQUEST, 1); /* no dataset order is there */
  refused(w, &o, w->user, w->user, IA_E_FORBIDDEN, "No datasetorder published for dataset");
  o.request.workerpoolmaxprice = ia_u256_of(1);
  refused(w, &o, w->user, w->user, IA_E_FORBIDDEN, "stake");
}

static void open_orders_are_limited(void **state)
{
  world *w = *state;

  for (int i = 0; i < 30; i++) {
    ia_order o = order_of(w, IA_ORDER_APP, 1);

    (void)publish(w, &o, w->owner);
  }
  ia_order o = order_of(w, IA_ORDER_APP, 1);
  refused(w, &o, w->owner, w->owner, IA_E_FORBIDDEN, "maximum of");
}

/* A POST with this Authorization, as bytes. */
static int post_with(world *w, const char *authorization)
{
  IA_AUTOV(ia_http_answer) a = {0};
  char path[64], header[512];
  const char *const headers[] = {header, "Content-Type: application/json", NULL};

  (void)snprintf(header, sizeof(header), "Authorization: %s", authorization);
  (void)snprintf(path, sizeof(path), "/apporders?chainId=%llu",
                 (unsigned long long)w->net.chain_id);
  ia_http_call c = {.method = "POST",
                    .url = fixture_url(&w->f, path),
                    .headers = headers,
                    .body = ia_span_str("{\"order\":{}}")};
  MUST(ia_http_do(w->f.http, &a, &c, e));
  assert_non_null(memmem(a.body.ptr, a.body.len, "{\"ok\":false,\"error\":", 20));
  return a.status;
}

static void a_login_is_good_once(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) first = {0};
  IA_AUTOV(ia_buf) second = {0};
  char url[200];

  (void)snprintf(url, sizeof(url), "%s/challenge?chainId=%llu&address=%s",
                 ia_server_url(w->f.server), (unsigned long long)w->net.chain_id,
                 ia_addr_text(&w->owner->address).s);
  IA_AUTO_JSON *asked = NULL;
  MUST(ia_http_json(w->f.http, &asked, "GET", url, NULL, e));
  const json_t *domain = json_object_get(json_object_get(asked, "data"), "domain");
  assert_int_equal(strtoull(json_string_value(json_object_get(domain, "chainId")), NULL, 10),
                   w->net.chain_id);
  /* who waits for the scheduler's login signs none of the market */
  assert_false(ia_login(&first, &w->net, w->owner, IA_LOGIN_SCHEDULER, url, NULL));
  MUST(ia_login(&first, &w->net, w->owner, IA_LOGIN_MARKET, url, e));
  MUST(ia_login(&second, &w->net, w->owner, IA_LOGIN_MARKET, url, e)); /* two in flight */
  assert_int_equal(post_with(w, (const char *)first.ptr), 400); /* past the login: an empty order */
  assert_int_equal(post_with(w, (const char *)first.ptr), 403); /* spent */
  assert_int_equal(post_with(w, (const char *)second.ptr), 400); /* the other still holds */
  assert_int_equal(post_with(w, "nonsense"), 403);
  assert_int_equal(post_with(w, ""), 403);
  /* the challenge of one, signed by another */
  MUST(ia_login(&first, &w->net, w->other, IA_LOGIN_MARKET, url, e));
  char *address = strrchr((char *)first.ptr, '_') + 1;
  memcpy(address, ia_addr_text(&w->owner->address).s, 42);
  assert_int_equal(post_with(w, (const char *)first.ptr), 403);
}

static void restrictions_filter_as_clients_expect(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_DATASET, 1);
  static const ia_addr who = {{7}};
  char q[400], base[80];
  ia_text43 user = ia_addr_text(&w->user->address);

  (void)publish(w, &o, w->owner); /* for everybody */
  o = order_of(w, IA_ORDER_DATASET, 1);
  o.dataset.apprestrict = w->app;
  o.dataset.requesterrestrict = w->user->address;
  (void)publish(w, &o, w->owner);
  (void)about(base, sizeof(base), "dataset", &w->dataset, "");
  assert_int_equal(listed(w, IA_ORDER_DATASET, base), 1);
  (void)snprintf(q, sizeof(q), "%s&app=%s", base, ia_addr_text(&w->app).s);
  assert_int_equal(listed(w, IA_ORDER_DATASET, q), 1); /* its requester is not named */
  (void)snprintf(q, sizeof(q), "%s&app=%s&requester=%s", base, ia_addr_text(&w->app).s, user.s);
  assert_int_equal(listed(w, IA_ORDER_DATASET, q), 2);
  (void)snprintf(q, sizeof(q), "%s&app=%s&requester=%s&isAppStrict=true", base,
                 ia_addr_text(&w->app).s, user.s);
  assert_int_equal(listed(w, IA_ORDER_DATASET, q), 1);
  (void)snprintf(q, sizeof(q), "dataset=any&app=any&requester=any&isAppStrict=true");
  assert_int_equal(listed(w, IA_ORDER_DATASET, q), 2);
  (void)snprintf(q, sizeof(q), "%s&app=%s&requester=any", base, ia_addr_text(&who).s);
  assert_int_equal(listed(w, IA_ORDER_DATASET, q), 1);
}

static int status_of(world *w, const char *path)
{
  IA_AUTOV(ia_http_answer) a = {0};

  MUST(fixture_get(&w->f, &a, "GET", path, e));
  return a.status;
}

static void numbers_and_tags_filter(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_WORKERPOOL, 5);
  char path[120];

  o.workerpool.tag.b[31] = 9;
  o.workerpool.trust = ia_u256_of(4);
  o.workerpool.category = ia_u256_of(2);
  (void)publish(w, &o, w->owner);
#define TAG(low) "0x00000000000000000000000000000000000000000000000000000000000000" low
  assert_int_equal(listed(w, IA_ORDER_WORKERPOOL, "minTag=" TAG("01")), 1);
  assert_int_equal(listed(w, IA_ORDER_WORKERPOOL, "minTag=" TAG("03")), 0);
  assert_int_equal(listed(w, IA_ORDER_WORKERPOOL, "maxTag=" TAG("09")), 1);
  assert_int_equal(listed(w, IA_ORDER_WORKERPOOL, "maxTag=" TAG("01")), 0);
  assert_int_equal(listed(w, IA_ORDER_WORKERPOOL, "category=2&minTrust=4&minVolume=5"), 1);
  assert_int_equal(listed(w, IA_ORDER_WORKERPOOL, "category=1"), 0);
  assert_int_equal(listed(w, IA_ORDER_WORKERPOOL, "minTrust=5"), 0);
  assert_int_equal(listed(w, IA_ORDER_WORKERPOOL, "minVolume=6"), 0);
  static const char *const bad[] = {"",
                                    "chainId=1",
                                    "chainId=CHAIN&pageSize=9",
                                    "chainId=CHAIN&pageSize=1001",
                                    "chainId=CHAIN&minTag=0x1",
                                    "chainId=CHAIN&app=0x1",
                                    "chainId=CHAIN&isAppStrict=perhaps",
                                    "chainId=CHAIN&requestor=any"};
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    const char *rest = strstr(bad[i], "CHAIN");

    if (rest)
      (void)snprintf(path, sizeof(path), "/workerpoolorders?chainId=%llu%s",
                     (unsigned long long)w->net.chain_id, rest + 5);
    else
      (void)snprintf(path, sizeof(path), "/workerpoolorders?%s", bad[i]);
    assert_int_equal(status_of(w, path), 400);
  }
}

static void cheapest_first_then_oldest(void **state)
{
  static const uint64_t prices[] = {5, 3, 9, 3};
  static const size_t order[] = {1, 3, 0, 2};
  world *w = *state;
  IA_AUTOV(ia_offers) found = {0};
  ia_h256 hashes[4];
  char q[80];

  for (size_t i = 0; i < 4; i++) {
    ia_order o = order_of(w, IA_ORDER_APP, 1);

    o.app.appprice = ia_u256_of(prices[i]);
    hashes[i] = publish(w, &o, w->owner);
    usleep(2000); /* publication times in milliseconds */
  }
  MUST(ia_to_market_list(&w->net, &found, IA_ORDER_APP, about(q, sizeof(q), "app", &w->app, ""), 10,
                         e));
  assert_int_equal(found.n, 4);
  for (size_t i = 0; i < 4; i++)
    assert_true(ia_h256_eq(&found.list[i].hash, &hashes[order[i]]));
}

static void pages(void **state)
{
  world *w = *state;
  IA_AUTO_JSON *first = NULL;
  IA_AUTO_JSON *second = NULL;
  char path[160];
  uint64_t next;

  for (int i = 0; i < 12; i++) {
    ia_order o = order_of(w, IA_ORDER_APP, 1);

    (void)publish(w, &o, w->owner);
  }
  (void)snprintf(path, sizeof(path), "/apporders?app=any&pageSize=10&chainId=%llu&pageIndex=0",
                 (unsigned long long)w->net.chain_id);
  MUST(ia_http_json(w->f.http, &first, "GET", fixture_url(&w->f, path), NULL, e));
  assert_int_equal(json_array_size(json_object_get(first, "orders")), 10);
  MUST(ia_json_get_u64(first, "nextPage", &next, e));
  assert_int_equal(next, 10); /* the rows to skip, as `page` takes them */
  path[strlen(path) - 1] = '1';
  MUST(ia_http_json(w->f.http, &second, "GET", fixture_url(&w->f, path), NULL, e));
  assert_int_equal(json_array_size(json_object_get(second, "orders")), 2);
  assert_null(json_object_get(second, "nextPage"));
  assert_int_equal(json_integer_value(json_object_get(second, "count")), 12);
  /* numbers are JSON numbers */
  const json_t *item = json_array_get(json_object_get(second, "orders"), 0);
  assert_true(json_is_integer(json_object_get(json_object_get(item, "order"), "volume")));
  assert_true(json_is_string(json_object_get(item, "publicationTimestamp")));
}

static void bulk_grants(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_DATASET, 9007199254740991);
  char q[120];

  (void)publish(w, &o, w->owner);
  o = order_of(w, IA_ORDER_DATASET, 7);
  (void)publish(w, &o, w->owner);
  assert_int_equal(
      listed(w, IA_ORDER_DATASET, about(q, sizeof(q), "dataset", &w->dataset, "&bulkOnly=true")),
      1);
  assert_int_equal(
      listed(w, IA_ORDER_DATASET, about(q, sizeof(q), "dataset", &w->dataset, "&bulkOnly=false")),
      2);
}

/* An item says whether it can be a part of a bulk; other kinds of order say nothing of it. */
static void a_dataset_order_says_whether_it_is_for_bulks(void **state)
{
  static const struct {
    uint64_t volume, price;
    bool bulk;
  } rows[] = {{9007199254740991, 0, true},
              {9007199254740990, 0, true},
              {9007199254740989, 0, false},
              {9007199254740991, 1, false}};
  world *w = *state;
  char path[200];

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTO_JSON *v = NULL;
    ia_order o = order_of(w, IA_ORDER_DATASET, rows[i].volume);

    o.dataset.datasetprice = ia_u256_of(rows[i].price);
    ia_h256 hash = publish(w, &o, w->owner);
    (void)snprintf(path, sizeof(path), "/datasetorders/%s?chainId=%llu", ia_h256_text(&hash).s,
                   (unsigned long long)w->net.chain_id);
    MUST(ia_http_json(w->f.http, &v, "GET", fixture_url(&w->f, path), NULL, e));
    const json_t *bulk = json_object_get(v, "bulk");
    assert_true(json_is_boolean(bulk));
    assert_int_equal(json_is_true(bulk), rows[i].bulk);
  }
  ia_order app = order_of(w, IA_ORDER_APP, 9007199254740991);
  ia_h256 hash = publish(w, &app, w->owner);
  (void)snprintf(path, sizeof(path), "/apporders/%s?chainId=%llu", ia_h256_text(&hash).s,
                 (unsigned long long)w->net.chain_id);
  IA_AUTO_JSON *v = NULL;
  MUST(ia_http_json(w->f.http, &v, "GET", fixture_url(&w->f, path), NULL, e));
  assert_null(json_object_get(v, "bulk"));
}

static size_t unpublish(world *w, const ia_wallet *who, const char *target, const char *key,
                        const char *value, ia_err *why)
{
  IA_AUTO_JSON *body = json_pack("{s:s,s:s}", "target", target, key, value);
  IA_AUTO_JSON *answer = NULL;
  IA_AUTOV(ia_buf) login = {0};
  char url[200], header[400], path[64];
  const char *const headers[] = {header, NULL};

  (void)snprintf(url, sizeof(url), "%s/challenge?chainId=%llu&address=%s",
                 ia_server_url(w->f.server), (unsigned long long)w->net.chain_id,
                 ia_addr_text(&who->address).s);
  MUST(ia_login(&login, &w->net, who, IA_LOGIN_MARKET, url, e));
  (void)snprintf(header, sizeof(header), "Authorization: %s", (const char *)login.ptr);
  (void)snprintf(path, sizeof(path), "/apporders?chainId=%llu",
                 (unsigned long long)w->net.chain_id);
  ia_http_call c = {.method = "PUT", .url = fixture_url(&w->f, path), .headers = headers};
  if (!ia_http_json_call(w->f.http, &answer, &c, body, why))
    return 0;
  return json_array_size(json_object_get(answer, "unpublished"));
}

static void orders_are_taken_back_by_their_signer(void **state)
{
  world *w = *state;
  ia_h256 hash[4];
  ia_err e = {0};
  char q[80];

  for (int i = 0; i < 4; i++) {
    ia_order o = order_of(w, IA_ORDER_APP, 1);

    hash[i] = publish(w, &o, w->owner);
    usleep(2000);
  }
  ia_text67 h0 = ia_h256_text(&hash[0]), h1 = ia_h256_text(&hash[1]);
  ia_text43 app = ia_addr_text(&w->app);
  assert_int_equal(unpublish(w, w->other, "unpublish_orderHash", "orderHash", h0.s, &e), 0);
  assert_int_equal(e.code, IA_E_FORBIDDEN);
  assert_int_equal(unpublish(w, w->other, "unpublish_all", "app", app.s, &e), 0);
  assert_int_equal(e.code, IA_E_FORBIDDEN);
  assert_int_equal(unpublish(w, w->owner, "unpublish_orderHash", "orderHash", h0.s, &e), 1);
  assert_int_equal(unpublish(w, w->owner, "unpublish_orderHash", "orderHash", h0.s, &e), 0);
  assert_int_equal(unpublish(w, w->owner, "unpublish_last", "app", app.s, &e), 1);
  expect_order(w, IA_ORDER_APP, &hash[1], "open", 1);
  assert_int_equal(listed(w, IA_ORDER_APP, about(q, sizeof(q), "app", &w->app, "")), 2);
  assert_int_equal(unpublish(w, w->owner, "unpublish_all", "app", app.s, &e), 2);
  assert_int_equal(unpublish(w, w->owner, "nonsense", "app", h1.s, &e), 0);
  assert_int_equal(e.code, IA_E_INVALID);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(a_published_order_is_found),
      T(what_is_not_published),
      T(open_orders_are_limited),
      T(a_login_is_good_once),
      T(restrictions_filter_as_clients_expect),
      T(numbers_and_tags_filter),
      T(cheapest_first_then_oldest),
      T(pages),
      T(bulk_grants),
      T(a_dataset_order_says_whether_it_is_for_bulks),
      T(orders_are_taken_back_by_their_signer),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
