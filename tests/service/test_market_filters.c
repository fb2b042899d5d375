/* Every filter of every list: what it finds and what it leaves out; and that orders whose maker
 * cannot pay any more are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/money.h"
#include "market_world.h"

#define TAG(low) "0x00000000000000000000000000000000000000000000000000000000000000" low
#define NOBODY   "0x00000000000000000000000000000000000000aa"

/* %a app, %d dataset, %w workerpool, %o owner, %u user, %x other */
static void fill_in(const world *w, char *out, size_t size, const char *pattern)
{
  const struct {
    char c;
    const ia_addr *a;
  } names[] = {{'a', &w->app},           {'d', &w->dataset},
               {'w', &w->pool},          {'o', &w->owner->address},
               {'u', &w->user->address}, {'x', &w->other->address}};
  size_t n = 0;

  for (const char *p = pattern; *p && n + 44 < size; p++) {
    const char *text = NULL;

    for (size_t i = 0; *p == '%' && i < IA_COUNT(names); i++)
      if (p[1] == names[i].c)
        text = ia_addr_text(names[i].a).s;
    if (text) {
      memcpy(out + n, text, 42);
      n += 42;
      p++;
    } else {
      out[n++] = *p;
    }
  }
  out[n] = '\0';
}

typedef struct expectation {
  const char *query;
  size_t n;
} expectation;

static void expect_all(world *w, ia_order_kind kind, const expectation *rows, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    char q[600];

    fill_in(w, q, sizeof(q), rows[i].query);
    size_t found = listed(w, kind, q);
    if (found != rows[i].n)
      fail_msg("%s: %zu, want %zu", q, found, rows[i].n);
  }
}

/* One order open to all (price 0, volume 5, tag 0), one restricted in every way (price 1, volume 9,
 * tag 9). */
static const expectation of_apps[] = {
    {"app=%a", 1},
    {"app=any", 1},
    {"app=" NOBODY, 0},
    {"appOwner=%o", 1},
    {"appOwner=%x", 0},
    {"app=%a&appOwner=%x", 0},
    {"app=%a&dataset=any&workerpool=any&requester=any", 2},
    {"app=%a&dataset=%d&workerpool=%w&requester=%u", 2},
    {"app=%a&dataset=%d&workerpool=%w&requester=%x", 1},
    {"app=%a&dataset=%d&workerpool=%w", 1},
    {"app=%a&dataset=%d&isDatasetStrict=true&workerpool=any&requester=any", 1},
    {"app=%a&dataset=any&workerpool=%w&isWorkerpoolStrict=true&requester=any", 1},
    {"app=%a&dataset=any&workerpool=any&requester=%u&isRequesterStrict=true", 1},
    {"app=%a&dataset=any&workerpool=any&requester=%x&isRequesterStrict=true", 0},
    {"app=%a&dataset=any&workerpool=any&requester=any&minTag=" TAG("01"), 1},
    {"app=%a&dataset=any&workerpool=any&requester=any&minTag=" TAG("00"), 2},
    {"app=%a&dataset=any&workerpool=any&requester=any&maxTag=" TAG("00"), 1},
    {"app=%a&dataset=any&workerpool=any&requester=any&maxTag=" TAG("09"), 2},
    {"app=%a&dataset=any&workerpool=any&requester=any&minTag=" TAG("09") "&maxTag=" TAG("09"), 1},
    {"app=%a&dataset=any&workerpool=any&requester=any&minTag=" TAG("02"), 0},
    {"app=%a&dataset=any&workerpool=any&requester=any&minVolume=5", 2},
    {"app=%a&dataset=any&workerpool=any&requester=any&minVolume=6", 1},
    {"app=%a&dataset=any&workerpool=any&requester=any&minVolume=10", 0},
};

static void filters_of_app_orders(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_APP, 5);

  (void)publish(w, &o, w->owner);
  o = order_of(w, IA_ORDER_APP, 9);
  o.app.appprice = ia_u256_of(1);
  o.app.tag.b[31] = 9;
  o.app.datasetrestrict = w->dataset;
  o.app.workerpoolrestrict = w->pool;
  o.app.requesterrestrict = w->user->address;
  (void)publish(w, &o, w->owner);
  expect_all(w, IA_ORDER_APP, of_apps, IA_COUNT(of_apps));
}

/* As above; and a bulk grant to everybody. */
static const expectation of_data[] = {
    {"dataset=%d", 2},
    {"dataset=" NOBODY, 0},
    {"datasetOwner=%o", 2},
    {"datasetOwner=%u", 0},
    {"dataset=any&app=any&workerpool=any&requester=any", 3},
    {"dataset=%d&app=%a&workerpool=%w&requester=%u", 3},
    {"dataset=%d&app=" NOBODY "&workerpool=%w&requester=%u", 2},
    {"dataset=%d&app=%a&isAppStrict=true&workerpool=any&requester=any", 1},
    {"dataset=%d&app=any&isAppStrict=true&workerpool=any&requester=any", 3},
    {"dataset=%d&app=any&workerpool=%w&isWorkerpoolStrict=true&requester=any", 1},
    {"dataset=%d&app=any&workerpool=any&requester=%u&isRequesterStrict=true", 1},
    {"dataset=%d&bulkOnly=true", 1},
    {"dataset=%d&bulkOnly=false", 2},
    {"dataset=%d&bulkOnly=true&app=any&workerpool=any&requester=any", 1},
    {"dataset=%d&app=any&workerpool=any&requester=any&minTag=" TAG("09"), 1},
    {"dataset=%d&app=any&workerpool=any&requester=any&maxTag=" TAG("00"), 2},
    {"dataset=%d&minVolume=6", 1},
};

static void filters_of_dataset_orders(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_DATASET, 5);

  (void)publish(w, &o, w->owner);
  o = order_of(w, IA_ORDER_DATASET, 9007199254740991);
  (void)publish(w, &o, w->owner);
  o = order_of(w, IA_ORDER_DATASET, 9007199254740991);
  o.dataset.datasetprice = ia_u256_of(1); /* so it is no bulk grant */
  o.dataset.tag.b[31] = 9;
  o.dataset.apprestrict = w->app;
  o.dataset.workerpoolrestrict = w->pool;
  o.dataset.requesterrestrict = w->user->address;
  (void)publish(w, &o, w->owner);
  expect_all(w, IA_ORDER_DATASET, of_data, IA_COUNT(of_data));
}

/* One of category 0, trust 0; one restricted, of category 2, trust 4, tag 9. */
static const expectation of_pools[] = {
    {"", 1},
    {"workerpool=%w", 1},
    {"workerpool=any", 1},
    {"workerpool=" NOBODY, 0},
    {"workerpoolOwner=%o", 1},
    {"workerpoolOwner=%x", 0},
    {"category=0", 1},
    {"category=2", 0},
    {"category=2&app=any&dataset=any&requester=any", 1},
    {"app=%a&dataset=%d&requester=%u", 2},
    {"app=%a&dataset=%d&requester=%x", 1},
    {"app=%a&isAppStrict=true&dataset=any&requester=any", 1},
    {"app=any&dataset=%d&isDatasetStrict=true&requester=any", 1},
    {"app=any&dataset=any&requester=%u&isRequesterStrict=true", 1},
    {"app=any&dataset=any&requester=any&minTrust=0", 2},
    {"app=any&dataset=any&requester=any&minTrust=1", 2},
    {"app=any&dataset=any&requester=any&minTrust=4", 1},
    {"app=any&dataset=any&requester=any&minTrust=5", 0},
    {"app=any&dataset=any&requester=any&minVolume=3", 1},
    {"app=any&dataset=any&requester=any&minTag=" TAG("08"), 1},
    {"app=any&dataset=any&requester=any&maxTag=" TAG("08"), 1},
};

static void filters_of_workerpool_orders(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_WORKERPOOL, 2);

  (void)publish(w, &o, w->owner);
  o = order_of(w, IA_ORDER_WORKERPOOL, 3);
  o.workerpool.tag.b[31] = 9;
  o.workerpool.category = ia_u256_of(2);
  o.workerpool.trust = ia_u256_of(4);
  o.workerpool.apprestrict = w->app;
  o.workerpool.datasetrestrict = w->dataset;
  o.workerpool.requesterrestrict = w->user->address;
  (void)publish(w, &o, w->owner);
  expect_all(w, IA_ORDER_WORKERPOOL, of_pools, IA_COUNT(of_pools));
}

/* One for any pool without data; one for the pool with data, of category 1, trust 3, beneficiary
 * other. */
static const expectation of_requests[] = {
    {"", 1},
    {"workerpool=any", 2},
    {"workerpool=%w", 2},
    {"workerpool=%w&isWorkerpoolStrict=true", 1},
    {"workerpool=" NOBODY, 1},
    {"workerpool=any&app=%a", 2},
    {"workerpool=any&app=" NOBODY, 0},
    {"workerpool=any&dataset=%d", 1},
    {"workerpool=any&dataset=0x0000000000000000000000000000000000000000", 1},
    {"workerpool=any&dataset=any", 2},
    {"workerpool=any&requester=%u", 2},
    {"workerpool=any&requester=%x", 0},
    {"workerpool=any&beneficiary=%u", 1},
    {"workerpool=any&beneficiary=%x", 1},
    {"workerpool=any&beneficiary=%o", 0},
    {"workerpool=any&category=1", 1},
    {"workerpool=any&category=7", 0},
    {"workerpool=any&maxTrust=0", 1},
    {"workerpool=any&maxTrust=2", 1},
    {"workerpool=any&maxTrust=3", 2},
    {"workerpool=any&minVolume=4", 1},
    {"workerpool=any&minTag=" TAG("09"), 1},
    {"workerpool=any&maxTag=" TAG("01"), 1},
};

static void filters_of_request_orders(void **state)
{
  world *w = *state;
  ia_order app = order_of(w, IA_ORDER_APP, 100), data = order_of(w, IA_ORDER_DATASET, 100),
           o = order_of(w, IA_ORDER_REQUEST, 2);

  app.app.tag.b[31] = 9;
  (void)publish(w, &app, w->owner);
  (void)publish(w, &data, w->owner);
  o.request.workerpool = (ia_addr){{0}};
  o.request.dataset = (ia_addr){{0}};
  (void)publish(w, &o, w->user);
  o = order_of(w, IA_ORDER_REQUEST, 4);
  o.request.tag.b[31] = 9;
  o.request.category = ia_u256_of(1);
  o.request.trust = ia_u256_of(3);
  o.request.beneficiary = w->other->address;
  (void)publish(w, &o, w->user);
  expect_all(w, IA_ORDER_REQUEST, of_requests, IA_COUNT(of_requests));
}

/* -- deals -- */
static size_t deals(world *w, const char *query)
{
  IA_AUTO_JSON *v = NULL;
  char path[700];

  (void)snprintf(path, sizeof(path), "%s/deals?chainId=%llu&%s", ia_server_url(w->f.server),
                 (unsigned long long)w->net.chain_id, query);
  MUST(ia_http_json(w->f.http, &v, "GET", path, NULL, e));
  assert_int_equal(json_integer_value(json_object_get(v, "count")),
                   json_array_size(json_object_get(v, "deals")));
  return json_array_size(json_object_get(v, "deals"));
}

/* Hashes of the orders of a match of everything. */
static void match_once(world *w, ia_h256 hash[IA_ORDER_KINDS])
{
  ia_order_box box[IA_ORDER_KINDS] = {0};
  ia_match m = {0};

  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    ia_order o = order_of(w, (ia_order_kind)k, 1);
    const ia_wallet *who = k == IA_ORDER_REQUEST ? w->user : w->owner;

    sign(w, &box[k], &o, who);
    ia_order_hash(&hash[k], &w->separator, (ia_order_kind)k, &box[k].order.app);
  }
  m.app = box[IA_ORDER_APP].order.app;
  m.dataset = box[IA_ORDER_DATASET].order.dataset;
  m.workerpool = box[IA_ORDER_WORKERPOOL].order.workerpool;
  m.request = box[IA_ORDER_REQUEST].order.request;
  call(w, w->user, NULL, IA_CALL_MATCH_ORDERS, &m);
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_box_free(&box[k]);
}

static const expectation of_deals[] = {
    {"app=%a", 2},
    {"app=%d", 0},
    {"dataset=%d", 2},
    {"dataset=%a", 0},
    {"workerpool=%w", 2},
    {"workerpool=%a", 0},
    {"appOwner=%o", 2},
    {"appOwner=%u", 0},
    {"datasetOwner=%o", 2},
    {"datasetOwner=%u", 0},
    {"workerpoolOwner=%o", 2},
    {"workerpoolOwner=%x", 0},
    {"requester=%u", 2},
    {"requester=%o", 0},
    {"beneficiary=%u", 2},
    {"beneficiary=%o", 0},
    {"category=0", 2},
    {"category=1", 0},
    {"requester=%u&app=%a&dataset=%d&workerpool=%w", 2},
    {"requester=%u&app=%d", 0},
};

static void filters_of_deals(void **state)
{
  static const char *const names[] = {"apporderHash", "datasetorderHash", "workerpoolorderHash",
                                      "requestorderHash"};
  world *w = *state;
  ia_h256 first[IA_ORDER_KINDS], second[IA_ORDER_KINDS], none = {{1}};
  char q[600];

  match_once(w, first);
  match_once(w, second);
  for (size_t i = 0; i < IA_COUNT(of_deals); i++) {
    fill_in(w, q, sizeof(q), of_deals[i].query);
    if (deals(w, q) != of_deals[i].n)
      fail_msg("%s: %zu", q, deals(w, q));
  }
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    (void)snprintf(q, sizeof(q), "%s=%s", names[k], ia_h256_text(&first[k]).s);
    assert_int_equal(deals(w, q), 1);
    (void)snprintf(q, sizeof(q), "%s=%s", names[k], ia_h256_text(&none).s);
    assert_int_equal(deals(w, q), 0);
  }
}

/* -- means -- */
static void orders_go_with_the_stake_they_need(void **state)
{
  world *w = *state;
  ia_order pool = order_of(w, IA_ORDER_WORKERPOOL, 2), app = order_of(w, IA_ORDER_APP, 9),
           request = order_of(w, IA_ORDER_REQUEST, 2), small = order_of(w, IA_ORDER_REQUEST, 1);

  pool.workerpool.workerpoolprice = ia_u256_of(1000); /* locks 300 a task */
  request.request.dataset = small.request.dataset = (ia_addr){{0}};
  request.request.workerpoolmaxprice = ia_u256_of(1000);
  small.request.workerpoolmaxprice = ia_u256_of(100);
  for (int i = 0; i < 2; i++) {
    ia_wallet *who = i == 0 ? w->owner : w->user;

    MUST(ia_money_faucet(&w->net, who, 5000, e));
    MUST(ia_money_deposit(&w->net, who, i == 0 ? 600 : 2000, e));
  }
  (void)publish(w, &app, w->owner);
  ia_h256 pool_hash = publish(w, &pool, w->owner), big = publish(w, &request, w->user),
          little = publish(w, &small, w->user);
  expect_order(w, IA_ORDER_WORKERPOOL, &pool_hash, "open", 2);
  MUST(ia_money_withdraw(&w->net, w->owner, 1, e));
  expect_order(w, IA_ORDER_WORKERPOOL, &pool_hash, "dead", 2);
  assert_int_equal(listed(w, IA_ORDER_WORKERPOOL, ""), 0);
  MUST(ia_money_withdraw(&w->net, w->user, 1, e));
  expect_order(w, IA_ORDER_REQUEST, &big, "dead", 2);
  expect_order(w, IA_ORDER_REQUEST, &little, "open", 1);
  /* with the stake it may be published again */
  MUST(ia_money_deposit(&w->net, w->owner, 1, e));
  ia_h256 again = publish(w, &pool, w->owner);
  assert_true(ia_h256_eq(&again, &pool_hash));
  expect_order(w, IA_ORDER_WORKERPOOL, &pool_hash, "open", 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(filters_of_app_orders),
      T(filters_of_dataset_orders),
      T(filters_of_workerpool_orders),
      T(filters_of_request_orders),
      T(filters_of_deals),
      T(orders_go_with_the_stake_they_need),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
