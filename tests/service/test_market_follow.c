/* What the ledger does to published orders is seen by the very next query: matches, closings,
 * transfers, and the same again after everything derived was thrown away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "market_world.h"

typedef struct matched {
  ia_h256 hash[IA_ORDER_KINDS];
} matched;

/* A deal of a request that nobody published, with such params. */
static void deal_with_params(world *w, ia_span params)
{
  ia_order_box box[IA_ORDER_KINDS] = {0};
  ia_match m = {0};

  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    ia_order o = order_of(w, (ia_order_kind)k, 1);

    if (k == IA_ORDER_REQUEST)
      o.request.params = params;
    sign(w, &box[k], &o, k == IA_ORDER_REQUEST ? w->user : w->owner);
  }
  m.app = box[IA_ORDER_APP].order.app;
  m.dataset = box[IA_ORDER_DATASET].order.dataset;
  m.workerpool = box[IA_ORDER_WORKERPOOL].order.workerpool;
  m.request = box[IA_ORDER_REQUEST].order.request;
  call(w, w->user, NULL, IA_CALL_MATCH_ORDERS, &m);
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_box_free(&box[k]);
}

static json_t *newest_deal(world *w, size_t want)
{
  IA_AUTOV(ia_http_answer) a = {0};
  ia_http_call get = {.method = "GET", .cap = 64 << 20};
  char path[80];

  (void)snprintf(path, sizeof(path), "/deals?chainId=%llu", (unsigned long long)w->net.chain_id);
  get.url = fixture_url(&w->f, path);
  MUST(ia_http_do(w->f.http, &a, &get, e));
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&a.body), IA_JSON_ALLOW_NUL, NULL);
  assert_int_equal(json_array_size(json_object_get(v, "deals")), want);
  return json_incref(json_array_get(json_object_get(v, "deals"), 0));
}

#define BYTES(t)                                                                                   \
  {                                                                                                \
    (const uint8_t *)(t), sizeof(t) - 1                                                            \
  }

/* Whatever bytes a request's params have, the list of deals is there, and shows them: as they are,
 * or replaced with the bytes beside. */
static void params_of_any_bytes_are_listed(void **state)
{
  static const struct {
    ia_span params, shown;
    const char *hex;
  } kinds[] = {
      {BYTES("\0a"), BYTES("\0a"), NULL},
      {BYTES("a\0b"), BYTES("a\0b"), NULL},
      {BYTES("a\0"), BYTES("a\0"), NULL},
      {BYTES("\xff\xfe"), BYTES("\xef\xbf\xbd\xef\xbf\xbd"), "0xfffe"},
      {BYTES("\xc0\x80"), BYTES("\xef\xbf\xbd\xef\xbf\xbd"), "0xc080"},
      {BYTES("\xed\xa0\x80z"), BYTES("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"), "0xeda0807a"},
      {BYTES("\xef\xbf\xbf\xe2\x80\xae\x1b\n"), BYTES("\xef\xbf\xbf\xe2\x80\xae\x1b\n"), NULL},
  };
  world *w = *state;

  for (size_t i = 0; i < IA_COUNT(kinds); i++) {
    deal_with_params(w, kinds[i].params);
    IA_AUTO_JSON *deal = newest_deal(w, i + 1);
    const json_t *text = json_object_get(deal, "params");
    const char *hex = json_string_value(json_object_get(deal, "paramsHex"));

    assert_true(
        ia_span_eq(ia_span_of(json_string_value(text), json_string_length(text)), kinds[i].shown));
    assert_true(kinds[i].hex ? hex && strcmp(hex, kinds[i].hex) == 0 : !hex);
  }
}

/* Four orders, published but for the request, and matched. */
static matched match(world *w, uint64_t volume, uint64_t times)
{
  ia_order_box box[IA_ORDER_KINDS] = {0};
  matched out;
  ia_match m = {0};

  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    ia_order o = order_of(w, (ia_order_kind)k, k == IA_ORDER_REQUEST ? times : volume);
    const ia_wallet *who = k == IA_ORDER_REQUEST ? w->user : w->owner;

    sign(w, &box[k], &o, who);
    MUST(ia_to_market_publish(&w->net, who, &box[k].order, &out.hash[k], e));
  }
  m.app = box[IA_ORDER_APP].order.app;
  m.dataset = box[IA_ORDER_DATASET].order.dataset;
  m.workerpool = box[IA_ORDER_WORKERPOOL].order.workerpool;
  m.request = box[IA_ORDER_REQUEST].order.request;
  call(w, w->user, NULL, IA_CALL_MATCH_ORDERS, &m);
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_box_free(&box[k]);
  return out;
}

static json_t *deals_of(world *w, const ia_h256 *request)
{
  json_t *v = NULL;
  char path[200];

  (void)snprintf(path, sizeof(path), "/deals?chainId=%llu&requestorderHash=%s",
                 (unsigned long long)w->net.chain_id, ia_h256_text(request).s);
  MUST(ia_http_json(w->f.http, &v, "GET", fixture_url(&w->f, path), NULL, e));
  return v;
}

static void a_match_consumes_and_makes_a_deal(void **state)
{
  world *w = *state;
  char q[80];
  matched m = match(w, 5, 3);

  for (unsigned k = 0; k < IA_ORDER_REQUEST; k++)
    expect_order(w, (ia_order_kind)k, &m.hash[k], "open", 2);
  expect_order(w, IA_ORDER_REQUEST, &m.hash[IA_ORDER_REQUEST], "filled", 0);
  assert_int_equal(
      listed(w, IA_ORDER_REQUEST, about(q, sizeof(q), "requester", &w->user->address, "")), 0);
  IA_AUTO_JSON *v = deals_of(w, &m.hash[IA_ORDER_REQUEST]);
  const json_t *deal = json_array_get(json_object_get(v, "deals"), 0);
  assert_int_equal(json_integer_value(json_object_get(v, "count")), 1);
  assert_int_equal(json_integer_value(json_object_get(deal, "botFirst")), 0);
  assert_int_equal(json_integer_value(json_object_get(deal, "botSize")), 3);
  assert_string_equal(
      json_string_value(json_object_get(json_object_get(deal, "dataset"), "pointer")),
      ia_addr_text(&w->dataset).s);
}

static void a_spent_order_is_gone_and_stays_gone(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_order_box) box = {0};
  ia_order o = order_of(w, IA_ORDER_APP, 1);
  ia_err e = {0};
  ia_h256 hash;

  matched m = match(w, 1, 1);
  expect_order(w, IA_ORDER_DATASET, &m.hash[IA_ORDER_DATASET], "filled", 0);
  /* an order closed before it was ever published */
  sign(w, &box, &o, w->owner);
  ia_order_op op = {.order = box.order, .operation = IA_ORDER_CLOSE};
  call(w, w->owner, NULL, IA_CALL_MANAGE_APP_ORDER, &op);
  assert_false(ia_to_market_publish(&w->net, w->owner, &box.order, &hash, &e));
  assert_non_null(strstr(e.msg, "consumed"));
}

static void a_closed_order_is_gone_at_once(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_order_box) box = {0};
  ia_order o = order_of(w, IA_ORDER_DATASET, 10);
  char q[80];
  ia_h256 hash;

  sign(w, &box, &o, w->owner);
  MUST(ia_to_market_publish(&w->net, w->owner, &box.order, &hash, e));
  ia_order_op op = {.order = box.order, .operation = IA_ORDER_CLOSE};
  call(w, w->owner, NULL, IA_CALL_MANAGE_DATASET_ORDER, &op);
  assert_int_equal(listed(w, IA_ORDER_DATASET, about(q, sizeof(q), "dataset", &w->dataset, "")), 0);
  expect_order(w, IA_ORDER_DATASET, &hash, "canceled", 0);
}

static void orders_of_a_former_owner_are_dead(void **state)
{
  world *w = *state;
  ia_chain_info info;
  ia_args args = {0};
  uint8_t id[32] = {0};
  ia_order app = order_of(w, IA_ORDER_APP, 1), data = order_of(w, IA_ORDER_DATASET, 1),
           request = order_of(w, IA_ORDER_REQUEST, 1);

  (void)publish(w, &app, w->owner);
  ia_h256 data_hash = publish(w, &data, w->owner), request_hash = publish(w, &request, w->user);
  MUST(ia_chain_info_get(chain_of(w), &info, e));
  memcpy(id + 12, w->dataset.b, 20);
  args.addr[0] = w->owner->address;
  args.addr[1] = w->other->address;
  args.value[0] = ia_u256_from_be(id);
  call(w, w->owner, &info.registry[IA_ASSET_DATASET], IA_CALL_SAFE_TRANSFER_FROM, &args);
  expect_order(w, IA_ORDER_DATASET, &data_hash, "dead", 1);
  /* the request has nothing to match any more */
  expect_order(w, IA_ORDER_REQUEST, &request_hash, "dead", 1);
  data.dataset.salt.b[1] = 1;
  (void)publish(w, &data, w->other);   /* the new owner's order */
  (void)publish(w, &request, w->user); /* dead ones may come again */
  expect_order(w, IA_ORDER_REQUEST, &request_hash, "open", 1);
}

static void what_is_derived_can_be_derived_again(void **state)
{
  world *w = *state;
  matched m = match(w, 5, 3);
  IA_AUTO_JSON *before = deals_of(w, &m.hash[IA_ORDER_REQUEST]);

  MUST(ia_market_reindex(&w->cfg, e));
  IA_AUTO_JSON *after = deals_of(w, &m.hash[IA_ORDER_REQUEST]);
  assert_true(json_equal(before, after));
  expect_order(w, IA_ORDER_APP, &m.hash[IA_ORDER_APP], "open", 2);
  expect_order(w, IA_ORDER_REQUEST, &m.hash[IA_ORDER_REQUEST], "filled", 0);
}

static void move_dataset(world *w, const ia_wallet *from, const ia_wallet *to)
{
  ia_chain_info info;
  ia_args args = {.addr = {from->address, to->address}};
  uint8_t id[32] = {0};

  MUST(ia_chain_info_get(chain_of(w), &info, e));
  memcpy(id + 12, w->dataset.b, 20);
  args.value[0] = ia_u256_from_be(id);
  call(w, from, &info.registry[IA_ASSET_DATASET], IA_CALL_SAFE_TRANSFER_FROM, &args);
}

/* Events are read again when other ones came after them: what counts is what is so now. */
static void old_events_do_not_come_true_again(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_order_box) box = {0};
  ia_order app = order_of(w, IA_ORDER_APP, 1), data = order_of(w, IA_ORDER_DATASET, 1),
           request = order_of(w, IA_ORDER_REQUEST, 1), closed = order_of(w, IA_ORDER_APP, 1);
  ia_h256 closed_hash;

  move_dataset(w, w->owner, w->other);
  move_dataset(w, w->other, w->owner);
  ia_h256 app_hash = publish(w, &app, w->owner), data_hash = publish(w, &data, w->owner);
  ia_h256 request_hash = publish(w, &request, w->user);
  sign(w, &box, &closed, w->owner);
  MUST(ia_to_market_publish(&w->net, w->owner, &box.order, &closed_hash, e));
  ia_order_op op = {.order = box.order, .operation = IA_ORDER_CLOSE};
  call(w, w->owner, NULL, IA_CALL_MANAGE_APP_ORDER, &op);
  for (int i = 0; i < 2; i++) {
    MUST(ia_market_reindex(&w->cfg, e));
    expect_order(w, IA_ORDER_APP, &app_hash, "open", 1);
    expect_order(w, IA_ORDER_DATASET, &data_hash, "open", 1);
    expect_order(w, IA_ORDER_REQUEST, &request_hash, "open", 1);
    expect_order(w, IA_ORDER_APP, &closed_hash, "canceled", 0);
  }
  move_dataset(w, w->owner, w->other);
  MUST(ia_market_reindex(&w->cfg, e));
  expect_order(w, IA_ORDER_DATASET, &data_hash, "dead", 1);
  expect_order(w, IA_ORDER_REQUEST, &request_hash, "dead", 1);
  expect_order(w, IA_ORDER_APP, &app_hash, "open", 1);
}

static void categories_are_the_ledgers(void **state)
{
  world *w = *state;
  IA_AUTO_JSON *v = NULL;
  char path[80];

  (void)snprintf(path, sizeof(path), "/categories?chainId=%llu",
                 (unsigned long long)w->net.chain_id);
  MUST(ia_http_json(w->f.http, &v, "GET", fixture_url(&w->f, path), NULL, e));
  assert_true(json_array_size(json_object_get(v, "categories")) >= 1);
  (void)snprintf(path, sizeof(path), "/categories/999999?chainId=%llu",
                 (unsigned long long)w->net.chain_id);
  IA_AUTOV(ia_http_answer) a = {0};
  MUST(fixture_get(&w->f, &a, "GET", path, e));
  assert_int_equal(a.status, 404);
}

static void a_store_belongs_to_one_ledger(void **state)
{
  world *w = *state;
  ia_market_config c = w->cfg;
  ia_market *m = NULL;
  ia_err e = {0};

  c.hub = w->app;
  assert_false(ia_market_open(&m, &c, w->f.loop, &e));
  assert_int_equal(e.code, IA_E_INVALID);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(params_of_any_bytes_are_listed),       T(a_match_consumes_and_makes_a_deal),
      T(a_spent_order_is_gone_and_stays_gone), T(a_closed_order_is_gone_at_once),
      T(orders_of_a_former_owner_are_dead),    T(what_is_derived_can_be_derived_again),
      T(old_events_do_not_come_true_again),    T(categories_are_the_ledgers),
      T(a_store_belongs_to_one_ledger),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
