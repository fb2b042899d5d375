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

/* A dataset of this wallet. */
static ia_addr dataset_of(world *w, const ia_wallet *who)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args in = {.addr = {who->address}, .id = {{{0}}}}, out = {0};
  ia_chain_info info;

  in.bytes[0] = ia_span_str("data");
  in.bytes[1] = ia_span_str("/ipfs/y");
  MUST(ia_chain_info_get(chain_of(w), &info, e));
  MUST(ia_chain_read(chain_of(w), &out, &store, &info.registry[IA_ASSET_DATASET],
                     IA_CALL_PREDICT_DATASET, &in, e));
  call(w, who, &info.registry[IA_ASSET_DATASET], IA_CALL_CREATE_DATASET, &in);
  return out.addr[0];
}

/* Restricts an order of the dataset to three new groups. */
static ia_order to_new_groups(world *w, const ia_wallet *who, const ia_addr *dataset, uint8_t *salt)
{
  ia_order o = order_of(w, IA_ORDER_DATASET, 3);

  o.dataset.dataset = *dataset;
  o.dataset.apprestrict = new_group(w, who, ++*salt);
  o.dataset.workerpoolrestrict = new_group(w, who, ++*salt);
  o.dataset.requesterrestrict = new_group(w, who, ++*salt);
  return o;
}

/* One wallet's orders name 15 groups; those of the next one are refused by the name of the second,
 * which would be the 17th. *last: a group of the last order. */
static ia_addr fill_share(world *w, const ia_wallet *who, ia_addr *last)
{
  enum { ORDERS = 5 };
  ia_addr data = dataset_of(w, who);
  IA_AUTOV(ia_order_box) box = {0};
  ia_err why = {0};
  uint8_t salt = 0;
  ia_h256 hash;

  for (size_t k = 0; k < ORDERS; k++) {
    ia_order o = to_new_groups(w, who, &data, &salt);

    *last = o.dataset.apprestrict;
    (void)publish(w, &o, who);
  }
  ia_order o = to_new_groups(w, who, &data, &salt);
  sign(w, &box, &o, who);
  assert_false(ia_to_market_publish(&w->net, who, &box.order, &hash, &why));
  assert_int_equal(why.code, IA_E_FORBIDDEN);
  assert_non_null(strstr(why.msg, ia_addr_text(&o.dataset.workerpoolrestrict).s));
  assert_non_null(strstr(why.msg, "16 groups already"));
  return data;
}

/* More groups than a node takes addresses in one filter: lists, events and restarts go on, and the
 * members are right. A wallet that wants more than its share is refused by the group's name. */
static void many_groups_stop_nobody(void **state)
{
  enum { WALLETS = 8 };
  world *w = *state;
  ia_addr group = new_group(w, w->owner, 200), last = {{0}}, data = {{0}};
  ia_order mine = order_of(w, IA_ORDER_DATASET, 3);
  char q[240];

  for (uint8_t i = 0; i < WALLETS; i++) {
    ia_wallet *who = wallet_of((uint8_t)(20 + i));

    data = fill_share(w, who, &last);
    if (i + 1 == WALLETS)
      member(w, who, &last, IA_CALL_ADD_KEY, &w->app, 4);
    ia_wallet_free(who);
  }
  mine.dataset.apprestrict = group;
  (void)publish(w, &mine, w->owner);
  member(w, w->owner, &group, IA_CALL_ADD_KEY, &w->app, 4);
  assert_int_equal(for_app(w, &w->app, ""), 1);
  (void)snprintf(q, sizeof(q), "dataset=%s&app=%s&workerpool=any&requester=any",
                 ia_addr_text(&data).s, ia_addr_text(&w->app).s);
  assert_int_equal(listed(w, IA_ORDER_DATASET, q), 1);
  MUST(ia_market_reindex(&w->cfg, e));
  assert_int_equal(for_app(w, &w->app, ""), 1);
  member(w, w->owner, &group, IA_CALL_REMOVE_KEY, &w->app, 4);
  assert_int_equal(for_app(w, &w->app, ""), 0);
}

static void make_unreadable(world *w, const ia_addr *group)
{
  IA_AUTO(ia_db) *db = NULL;
  ia_stmt *s;

  MUST(ia_db_open_again(&db, w->db, e));
  MUST(ia_db_stmt(&s, db, "UPDATE groups SET loaded = 2, why = 'too much' WHERE grp = $1", e));
  ia_bind_addr(s, 1, group);
  MUST(ia_stmt_run(s, e));
  MUST(ia_db_exec(db, "DELETE FROM members", e));
}

/* A group that cannot be followed: its orders are listed for whoever asks for any, marked; nobody
 * is a member, others go on, and new orders that name it are refused with the reason. */
static void a_group_that_cannot_be_followed_is_named(void **state)
{
  world *w = *state;
  ia_order o = order_of(w, IA_ORDER_DATASET, 3);
  ia_addr bad = new_group(w, w->owner, 1), good = new_group(w, w->owner, 2);
  IA_AUTO_JSON *v = NULL;
  IA_AUTOV(ia_order_box) box = {0};
  char url[256];
  ia_err why = {0};
  ia_h256 hash;

  member(w, w->owner, &bad, IA_CALL_ADD_KEY, &w->app, 4);
  o.dataset.apprestrict = bad;
  hash = publish(w, &o, w->owner);
  assert_int_equal(for_app(w, &w->app, ""), 1);
  make_unreadable(w, &bad);
  o = order_of(w, IA_ORDER_DATASET, 3);
  o.dataset.apprestrict = good;
  (void)publish(w, &o, w->owner);
  member(w, w->owner, &good, IA_CALL_ADD_KEY, &w->app, 4);
  member(w, w->owner, &bad, IA_CALL_ADD_KEY, &w->dataset, 4);
  assert_int_equal(for_app(w, &w->app, ""), 1);
  assert_int_equal(for_app(w, &w->dataset, ""), 0);
  (void)snprintf(url, sizeof(url), "%s/datasetorders/%s?chainId=%llu", w->net.market,
                 ia_h256_text(&hash).s, (unsigned long long)w->net.chain_id);
  MUST(ia_http_json(w->f.http, &v, "GET", url, NULL, e));
  assert_string_equal(json_string_value(json_array_get(json_object_get(v, "unverifiable"), 0)),
                      ia_addr_text(&bad).s);
  o = order_of(w, IA_ORDER_DATASET, 3);
  o.dataset.requesterrestrict = bad;
  sign(w, &box, &o, w->owner);
  assert_false(ia_to_market_publish(&w->net, w->owner, &box.order, &hash, &why));
  assert_non_null(strstr(why.msg, "cannot be followed: too much"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(a_members_list_holds_its_groups_orders),
      T(groups_do_not_mix),
      T(members_outlive_a_restart_and_a_reindex),
      T(requests_match_through_groups),
      T(many_groups_stop_nobody),
      T(a_group_that_cannot_be_followed_is_named),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
