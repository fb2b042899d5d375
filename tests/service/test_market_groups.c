/* Orders restricted to groups (ERC-734): listed for the members of the day, matched as the ledger
 * would, and still so after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "market_world.h"
#include "store/db.h"

static ia_addr new_group(world *w, const ia_wallet *who, uint8_t salt)
{
  IA_AUTO_JSON *info = ia_ledger_info(w->ledger, NULL);
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_args a = {.id = {{{salt}}}};
  ia_addr factory;

  MUST(ia_json_get_addr(info, "groupFactory", &factory, e));
  MUST(ia_net_call(&w->net, who, &factory, IA_CALL_CREATE_GROUP, &a, &sent, e));
  return sent.receipt.logs.v[0].entry.address;
}

static void member(world *w, const ia_wallet *who, const ia_addr *group, ia_call_id id,
                   const ia_addr *account, uint64_t purpose)
{
  ia_args a = {.value = {ia_u256_of(purpose), ia_u256_of(1)}};

  memcpy(a.id[0].b + 12, account->b, 20);
  call(w, who, group, id, &a);
}

/* The dataset's open orders for this app; more: further filters. */
static size_t for_app(world *w, const ia_addr *app, const char *more)
{
  char q[240];

  (void)snprintf(q, sizeof(q), "dataset=%s&app=%s%s", ia_addr_text(&w->dataset).s,
                 ia_addr_text(app).s, more);
  return listed(w, IA_ORDER_DATASET, q);
}

static void a_members_list_holds_its_groups_orders(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_DATASET, 3);
  ia_addr group = new_group(w, w->owner, 1), app2 = make(w, IA_ASSET_APP, "app 2");

  member(w, w->owner, &group, IA_CALL_ADD_KEY, &w->app, 4);
  o.dataset.apprestrict = group;
  (void)publish(w, &o, w->owner);
  assert_int_equal(for_app(w, &w->app, ""), 1);
  assert_int_equal(for_app(w, &w->app, "&isAppStrict=true"), 0);
  assert_int_equal(for_app(w, &group, "&isAppStrict=true"), 1);
  assert_int_equal(for_app(w, &app2, ""), 0);
  /* another purpose is no membership */
  member(w, w->owner, &group, IA_CALL_ADD_KEY, &app2, 3);
  assert_int_equal(for_app(w, &app2, ""), 0);
  member(w, w->owner, &group, IA_CALL_ADD_KEY, &app2, 4);
  assert_int_equal(for_app(w, &app2, ""), 1);
  member(w, w->owner, &group, IA_CALL_REMOVE_KEY, &w->app, 4);
  assert_int_equal(for_app(w, &w->app, ""), 0);
  assert_int_equal(for_app(w, &app2, ""), 1);
}

/* Each group's events are its own: a stranger's contract makes nobody a member of mine. */
static void groups_do_not_mix(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_DATASET, 3);
  ia_addr mine = new_group(w, w->owner, 1), theirs = new_group(w, w->other, 1);

  o.dataset.apprestrict = mine;
  (void)publish(w, &o, w->owner);
  o = order_of(w, IA_ORDER_DATASET, 3);
  o.dataset.apprestrict = theirs;
  (void)publish(w, &o, w->owner);
  member(w, w->other, &theirs, IA_CALL_ADD_KEY, &w->app, 4);
  assert_int_equal(for_app(w, &w->app, ""), 1);
  member(w, w->owner, &mine, IA_CALL_ADD_KEY, &w->app, 4);
  assert_int_equal(for_app(w, &w->app, ""), 2);
}

static void members_outlive_a_restart_and_a_reindex(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_DATASET, 3);
  ia_addr group = new_group(w, w->owner, 1);
  char q[240];

  o.dataset.requesterrestrict = group;
  (void)publish(w, &o, w->owner);
  member(w, w->owner, &group, IA_CALL_ADD_KEY, &w->user->address, 4);
  (void)snprintf(q, sizeof(q), "dataset=%s&requester=%s", ia_addr_text(&w->dataset).s,
                 ia_addr_text(&w->user->address).s);
  assert_int_equal(listed(w, IA_ORDER_DATASET, q), 1);
  MUST(ia_market_reindex(&w->cfg, e));
  IA_AUTO(ia_db) *db = NULL;
  ia_stmt *s;
  bool row;
  MUST(ia_db_open_again(&db, w->db, e));
  MUST(ia_db_stmt(&s, db, "SELECT count(*) FROM members WHERE account = $1", e));
  ia_bind_addr(s, 1, &w->user->address);
  MUST(ia_stmt_step(s, &row, e));
  assert_int_equal(ia_col_u64(s, 0), 1);
  ia_stmt_reset(s);
  assert_int_equal(listed(w, IA_ORDER_DATASET, q), 1);
}

/* A request order needs something to match: an app order for a group of the requester's will do. */
static void requests_match_through_groups(void **state)
{
  world *w = *state;
  ia_order app = order_of(w, IA_ORDER_APP, 3), request = order_of(w, IA_ORDER_REQUEST, 1);
  ia_addr group = new_group(w, w->owner, 1);
  IA_AUTOV(ia_order_box) box = {0};
  ia_err e = {0};
  ia_h256 hash;

  app.app.requesterrestrict = group;
  (void)publish(w, &app, w->owner);
  memset(&request.request.dataset, 0, 20);
  sign(w, &box, &request, w->user);
  assert_false(ia_to_market_publish(&w->net, w->user, &box.order, &hash, &e));
  assert_non_null(strstr(e.msg, "No apporder published"));
  member(w, w->owner, &group, IA_CALL_ADD_KEY, &w->user->address, 4);
  (void)publish(w, &request, w->user);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(a_members_list_holds_its_groups_orders),
      T(groups_do_not_mix),
      T(members_outlive_a_restart_and_a_reindex),
      T(requests_match_through_groups),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
