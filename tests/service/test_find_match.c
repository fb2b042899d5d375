/* A deal's matching transaction, found on a real ledger: one of this moment, and one that many
 * blocks came after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "market_world.h"
#include "poco/ids.h"

enum { LATER_BLOCKS = 70 }; /* more than are looked at first */

static ia_h256 match(world *w, ia_h256 *tx)
{
  ia_order_box box[IA_ORDER_KINDS] = {0};
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_u256 zero = ia_u256_of(0);
  ia_h256 request, deal;

  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    ia_order o = order_of(w, (ia_order_kind)k, 1);

    sign(w, &box[k], &o, k == IA_ORDER_REQUEST ? w->user : w->owner);
  }
  ia_match m = {box[0].order.app, box[1].order.dataset, box[2].order.workerpool,
                box[3].order.request};
  MUST(ia_net_call(&w->net, w->user, NULL, IA_CALL_MATCH_ORDERS, &m, &sent, e));
  *tx = sent.receipt.tx;
  ia_order_hash(&request, ia_chain_separator(chain_of(w)), IA_ORDER_REQUEST, &box[3].order.request);
  ia_deal_id(&deal, &request, &zero);
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_box_free(&box[k]);
  return deal;
}

static void found(world *w, const ia_h256 *deal, const ia_h256 *tx)
{
  IA_AUTOV(ia_chain_tx) got = {0};
  IA_AUTOV(ia_buf) store = {0};
  ia_event ev = {0};
  ia_deal d;

  MUST(ia_chain_deal(chain_of(w), &d, &store, deal, e));
  MUST(ia_chain_find_match(chain_of(w), &got, &ev, deal, d.start_time, e));
  assert_memory_equal(got.hash.b, tx->b, 32);
  assert_memory_equal(ev.id[0].b, deal->b, 32);
  assert_true(got.input.len > 0);
}

static void a_deal_is_found_however_old(void **state)
{
  world *w = *state;
  ia_chain_info info;
  ia_args some = {.value = {ia_u256_of(1)}};
  ia_h256 tx;

  ia_h256 deal = match(w, &tx);
  found(w, &deal, &tx);
  MUST(ia_chain_info_get(chain_of(w), &info, e));
  for (int i = 0; i < LATER_BLOCKS; i++)
    call(w, w->user, &info.token, IA_CALL_FAUCET, &some);
  found(w, &deal, &tx);
}

static void no_such_deal(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_chain_tx) got = {0};
  ia_h256 nothing = {{7}};
  ia_err e = {0};

  assert_false(ia_chain_find_match(chain_of(w), &got, NULL, &nothing, 0, &e));
  assert_int_equal(e.code, IA_E_NOT_FOUND);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_deal_is_found_however_old, world_setup, world_teardown),
      cmocka_unit_test_setup_teardown(no_such_deal, world_setup, world_teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
