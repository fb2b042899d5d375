/* Publishing: all four kinds there and back, and the checks in the order in which iExec's market
 * makes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "market_world.h"

static const char *const by_asset[] = {"app", "dataset", "workerpool", "requester"};

static const ia_addr *asset_of(const world *w, ia_order_kind kind)
{
  const ia_addr *assets[] = {&w->app, &w->dataset, &w->pool, &w->user->address};

  return assets[kind];
}

static const ia_wallet *maker_of(const world *w, ia_order_kind kind)
{
  return kind == IA_ORDER_REQUEST ? w->user : w->owner;
}

/* Published, listed, fetched as it was signed, taken back by its signer alone, gone. */
static void every_kind_comes_and_goes(void **state)
{
  world *w = *state;
  ia_h256 hash[IA_ORDER_KINDS];
  char q[160];

  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    ia_order o = order_of(w, (ia_order_kind)k, 2);
    ia_offer offer = {0};

    hash[k] = publish(w, &o, maker_of(w, (ia_order_kind)k));
    (void)about(q, sizeof(q), by_asset[k], asset_of(w, (ia_order_kind)k),
                k == IA_ORDER_REQUEST ? "&app=any&dataset=any&workerpool=any" : "");
    assert_int_equal(listed(w, (ia_order_kind)k, q), 1);
    MUST(ia_to_market_fetch(&w->net, &offer, (ia_order_kind)k, &hash[k], e));
    assert_true(ia_addr_eq(&offer.signer, &maker_of(w, (ia_order_kind)k)->address));
    ia_order_box_free(&offer.box);
  }
  for (unsigned k = IA_ORDER_KINDS; k-- > 0;) {
    const ia_wallet *maker = maker_of(w, (ia_order_kind)k);
    ia_err why = {0};

    assert_false(ia_to_market_unpublish(&w->net, w->other, (ia_order_kind)k, &hash[k], &why));
    assert_int_equal(why.code, IA_E_FORBIDDEN);
    MUST(ia_to_market_unpublish(&w->net, maker, (ia_order_kind)k, &hash[k], e));
    assert_false(ia_to_market_unpublish(&w->net, maker, (ia_order_kind)k, &hash[k], &why));
    assert_int_equal(why.code, IA_E_FORBIDDEN);
  }
}

static void kinds_do_not_mix(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_APP, 1);
  ia_offer offer = {0};
  ia_err e = {0};
  ia_h256 hash = publish(w, &o, w->owner);

  assert_false(ia_to_market_unpublish(&w->net, w->owner, IA_ORDER_DATASET, &hash, &e));
  assert_int_equal(e.code, IA_E_FORBIDDEN);
  assert_false(ia_to_market_fetch(&w->net, &offer, IA_ORDER_DATASET, &hash, &e));
  expect_order(w, IA_ORDER_APP, &hash, "open", 1);
}

static void expect(world *w, const ia_order *o, const ia_wallet *signer, ia_code code,
                   const char *says)
{
  IA_AUTOV(ia_order_box) box = {0};
  ia_err e = {0};
  ia_h256 hash;

  sign(w, &box, o, signer);
  if (ia_to_market_publish(&w->net, w->owner, &box.order, &hash, &e) || e.code != code ||
      !strstr(e.msg, says))
    fail_msg("%s: %s; want %s", ia_code_name(e.code), e.msg, says);
}

/* Signed on the ledger by its owner, and without a signature of its own: clients could not match
 * it.
 */
static void presigned_orders_are_not_taken(void **state)
{
  world *w = *state;
  ia_order_op op = {.order = order_of(w, IA_ORDER_APP, 1), .operation = IA_ORDER_SIGN};
  ia_err e = {0};
  ia_h256 hash;

  call(w, w->owner, NULL, IA_CALL_MANAGE_APP_ORDER, &op);
  assert_false(ia_to_market_publish(&w->net, w->owner, &op.order, &hash, &e));
  assert_int_equal(e.code, IA_E_FORBIDDEN);
  assert_non_null(strstr(e.msg, "invalid sign"));
}

/* Told from the last check to the first: each fault hides those behind it. */
static void the_first_failure_is_named(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_WORKERPOOL, 1);

  o.workerpool.workerpoolprice = ia_u256_of(1000);
  expect(w, &o, w->owner, IA_E_FORBIDDEN, "stake");
  ia_order_op op = {.order = o, .operation = IA_ORDER_CLOSE};
  call(w, w->owner, NULL, IA_CALL_MANAGE_WORKERPOOL_ORDER, &op);
  expect(w, &o, w->owner, IA_E_FORBIDDEN, "already consumed");
  for (int i = 0; i < 30; i++) {
    ia_order cheap = order_of(w, IA_ORDER_WORKERPOOL, 1);

    (void)publish(w, &cheap, w->owner);
  }
  expect(w, &o, w->owner, IA_E_FORBIDDEN, "maximum of");
  expect(w, &o, w->other, IA_E_FORBIDDEN, "invalid sign");
  o.workerpool.workerpool = w->other->address;
  expect(w, &o, w->other, IA_E_FORBIDDEN, "Resource not deployed");
  o.workerpool.volume = ia_u256_of(0);
  expect(w, &o, w->other, IA_E_INVALID, "volume");
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(every_kind_comes_and_goes),
      T(kinds_do_not_mix),
      T(presigned_orders_are_not_taken),
      T(the_first_failure_is_named),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
