/* What the SMS asks of a ledger over JSON-RPC, and of a market, against real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eth/tx.h"
#include "market_world.h"
#include "poco/ids.h"
#include "policy/release.h"
#include "service/sms/ledger.h"

static ia_release_pins pins_of(world *w)
{
  ia_release_pins p = {.domain = IA_DOMAIN_SIM, .chain_id = w->net.chain_id, .hub = w->net.hub};
  ia_chain_info info;

  MUST(ia_chain_info_get(chain_of(w), &info, e));
  memcpy(p.registry, info.registry, sizeof(p.registry));
  p.proxy_code_hash = info.proxy_code_hash;
  return p;
}

static void open_over(world *w, ia_sms_ledger *l, const ia_release_pins *p, bool market)
{
  ia_sms_urls urls = {.rpc = w->net.rpc, .market = market ? w->net.market : NULL};

  MUST(ia_sms_ledger_open(l, &urls, p, e));
}

/* Publishes and matches; the boxes hold what the match borrows. */
static ia_h256 match(world *w, ia_match *m, ia_order_box box[IA_ORDER_KINDS],
                     ia_h256 hash[IA_ORDER_KINDS])
{
  ia_u256 zero = ia_u256_of(0);
  ia_h256 deal;

  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    ia_order o = order_of(w, (ia_order_kind)k, 2);
    const ia_wallet *who = k == IA_ORDER_REQUEST ? w->user : w->owner;

    sign(w, &box[k], &o, who);
    MUST(ia_to_market_publish(&w->net, who, &box[k].order, &hash[k], e));
  }
  *m = (ia_match){box[0].order.app, box[1].order.dataset, box[2].order.workerpool,
                  box[3].order.request};
  call(w, w->user, NULL, IA_CALL_MATCH_ORDERS, m);
  ia_deal_id(&deal, &hash[IA_ORDER_REQUEST], &zero);
  return deal;
}

static void boxes_free(ia_order_box box[IA_ORDER_KINDS])
{
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_box_free(&box[k]);
}

static void a_match_is_found_with_its_orders(void **state)
{
  world *w = *state;
  ia_release_pins p = pins_of(w);
  ia_order_box box[IA_ORDER_KINDS] = {0};
  IA_AUTOV(ia_sms_match) made = {0};
  IA_AUTOV(ia_sms_match) none = {0};
  IA_AUTOV(ia_buf) store = {0};
  ia_h256 hash[IA_ORDER_KINDS], nothing = {{1}};
  ia_sms_ledger l;
  ia_match m, seen;
  ia_deal deal;
  bool has = false;

  ia_h256 id = match(w, &m, box, hash);
  open_over(w, &l, &p, false);
  MUST(l.deal(l.ctx, &id, &has, &deal, &store, e));
  assert_true(has);
  MUST(l.match(l.ctx, &id, deal.start_time, &has, &made, e));
  assert_true(has);
  assert_true(ia_match_of_calldata(&seen, ia_buf_view(&made.calldata), NULL));
  assert_true(ia_addr_eq(&seen.dataset.dataset, &w->dataset));
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    assert_true(ia_h256_eq(&made.order[k], &hash[k]));
  MUST(l.match(l.ctx, &nothing, deal.start_time, &has, &none, e));
  assert_false(has);
  boxes_free(box);
  l.close(l.ctx);
}

static void orders_come_from_the_market_by_their_hash(void **state)
{
  world *w = *state;
  ia_release_pins p = pins_of(w);
  ia_order_box box[IA_ORDER_KINDS] = {0};
  ia_h256 hash[IA_ORDER_KINDS], nothing = {{1}};
  ia_sms_ledger l, alone;
  ia_match m;
  bool has = false;

  (void)match(w, &m, box, hash);
  open_over(w, &l, &p, true);
  open_over(w, &alone, &p, false);
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    IA_AUTOV(ia_order_box) got = {0};
    ia_order_box none = {0};
    ia_h256 again;

    MUST(l.order(l.ctx, (ia_order_kind)k, &hash[k], &has, &got, e));
    assert_true(has);
    ia_order_hash(&again, &w->separator, (ia_order_kind)k, &got.order.app);
    assert_true(ia_h256_eq(&again, &hash[k]));
    MUST(l.order(l.ctx, (ia_order_kind)k, &nothing, &has, &none, e));
    assert_false(has);
    MUST(alone.order(alone.ctx, (ia_order_kind)k, &hash[k], &has, &none, e));
    assert_false(has);
  }
  boxes_free(box);
  l.close(l.ctx);
  alone.close(alone.ctx);
}

static ia_addr owner_by(world *w, const ia_sms_ledger *l, const ia_release_pins *p, bool *proven)
{
  IA_AUTOV(ia_sms_transfers) t = {0};
  IA_AUTOV(ia_buf) store = {0};
  ia_asset_facts f = {0};
  ia_addr owner = {{0}};

  MUST(l->dataset(l->ctx, &w->dataset, &f.has, &f.dataset, &store, e));
  MUST(l->transfers(l->ctx, &p->registry[IA_ASSET_DATASET], &w->dataset, &t, e));
  MUST(l->owner(l->ctx, &w->dataset, &f.has, &f.ledger_owner, e));
  f.first_owner = t.first_owner;
  f.transfers = t.view;
  f.n_transfers = t.n;
  *proven = ia_asset_prove(&owner, p, IA_ASSET_DATASET, &w->dataset, &f, NULL);
  return owner;
}

static void transfer(world *w, const ia_wallet *by, const ia_wallet *from, const ia_wallet *to)
{
  ia_release_pins p = pins_of(w);
  ia_args a = {.addr = {from->address, to->address}};
  uint8_t word[32] = {0};

  memcpy(word + 12, w->dataset.b, 20);
  a.value[0] = ia_u256_from_be(word);
  call(w, by, &p.registry[IA_ASSET_DATASET], IA_CALL_TRANSFER_FROM, &a);
}

/* The address proves the first owner, signed transactions each later one; a transfer by somebody
 * whom the owner let do it on the ledger is no signature of hers. */
static void owners_are_proven_from_the_ledgers_transactions(void **state)
{
  world *w = *state;
  ia_release_pins p = pins_of(w);
  ia_args operator= {.addr = {w->user->address}, .flag = true};
  ia_sms_ledger l;
  bool proven = false;
  ia_addr who;

  open_over(w, &l, &p, false);
  who = owner_by(w, &l, &p, &proven);
  assert_true(proven && ia_addr_eq(&who, &w->owner->address));
  transfer(w, w->owner, w->owner, w->other);
  transfer(w, w->other, w->other, w->user);
  who = owner_by(w, &l, &p, &proven);
  assert_true(proven && ia_addr_eq(&who, &w->user->address));
  operator.addr[0] = w->owner->address;
  call(w, w->user, &p.registry[IA_ASSET_DATASET], IA_CALL_SET_APPROVAL_FOR_ALL, &operator);
  transfer(w, w->owner, w->user, w->other);
  (void)owner_by(w, &l, &p, &proven);
  assert_false(proven);
  l.close(l.ctx);
}

/* -- events -- */
struct seen {
  ia_sms_event ev[32];
  size_t n;
};

static bool keep(void *ctx, const ia_sms_event *ev, ia_err *e)
{
  struct seen *s = ctx;

  (void)e;
  if (s->n < IA_COUNT(s->ev))
    s->ev[s->n++] = *ev;
  return true;
}

static const ia_sms_event *find(const struct seen *s, ia_sms_event_kind kind, const ia_h256 *id)
{
  for (size_t i = 0; i < s->n; i++)
    if (s->ev[i].kind == kind && ia_h256_eq(&s->ev[i].id, id))
      return &s->ev[i];
  return NULL;
}

static void manage(world *w, ia_order_kind kind, ia_order_operation op, ia_h256 *hash)
{
  static const ia_call_id calls[] = {IA_CALL_MANAGE_APP_ORDER, IA_CALL_MANAGE_DATASET_ORDER,
                                     IA_CALL_MANAGE_WORKERPOOL_ORDER, IA_CALL_MANAGE_REQUEST_ORDER};
  ia_order_op what = {.order = order_of(w, kind, 2), .operation = (uint8_t)op};

  ia_order_hash(hash, &w->separator, kind, &what.order.app);
  call(w, kind == IA_ORDER_REQUEST ? w->user : w->owner, NULL, calls[kind], &what);
}

static void expect_manage(const ia_sms_ledger *l, const ia_sms_event *ev, const ia_addr *by,
                          const ia_release_pins *p)
{
  IA_AUTOV(ia_buf) raw = {0};
  ia_addr sender;
  bool has = false;
  ia_tx tx;

  assert_non_null(ev);
  MUST(l->raw_tx(l->ctx, &ev->tx, &has, &raw, e));
  assert_true(has && ia_tx_decode(&tx, ia_buf_view(&raw), NULL));
  assert_true(ia_tx_sender(&sender, &tx, NULL) && ia_addr_eq(&sender, by));
  assert_true(ia_addr_eq(&tx.to, &p->hub));
}

static void events_are_followed_to_signed_transactions(void **state)
{
  world *w = *state;
  ia_release_pins p = pins_of(w);
  ia_order_box box[IA_ORDER_KINDS] = {0};
  ia_h256 signed_hash[IA_ORDER_KINDS], closed[IA_ORDER_KINDS], of_match[IA_ORDER_KINDS];
  struct seen s = {0};
  ia_sms_block head;
  ia_sms_ledger l;
  ia_match m;

  ia_h256 deal = match(w, &m, box, of_match);
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    manage(w, (ia_order_kind)k, IA_ORDER_SIGN, &signed_hash[k]);
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    manage(w, (ia_order_kind)k, IA_ORDER_CLOSE, &closed[k]);
  open_over(w, &l, &p, false);
  MUST(l.head(l.ctx, &head, e));
  MUST(l.events(l.ctx, 0, head.number, keep, &s, e));
  assert_non_null(find(&s, IA_SMS_MATCHED, &deal));
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    expect_manage(&l, find(&s, IA_SMS_PRESIGNED, &signed_hash[k]),
                  k == IA_ORDER_REQUEST ? &w->user->address : &w->owner->address, &p);
  for (unsigned k = 0; k < IA_ORDER_KINDS; k++)
    expect_manage(&l, find(&s, IA_SMS_CLOSED, &closed[k]),
                  k == IA_ORDER_REQUEST ? &w->user->address : &w->owner->address, &p);
  boxes_free(box);
  l.close(l.ctx);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(a_match_is_found_with_its_orders),
      T(orders_come_from_the_market_by_their_hash),
      T(owners_are_proven_from_the_ledgers_transactions),
      T(events_are_followed_to_signed_transactions),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
