/* The ledger through its JSON-RPC function: the life of deals and tasks, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hex.h"
#include "eth/eip191.h"
#include "ledger_world.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "poco/tag.h"

static int open_world(void **state)
{
  static world w;

  world_set_clock(1800000000);
  world_open(&w, false, NULL);
  world_settle_in(&w);
  *state = &w;
  return 0;
}

static int close_world(void **state)
{
  world_close(*state);
  return 0;
}

/* match, initialize, contributeAndFinalize: everybody is paid to the nRLC */
static void a_task_is_settled(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) store = {0};
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;
  ia_args a;

  world_orders(w, &m, 1);
  world_sign(w, &m, sigs);
  ia_h256 deal = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  assert_int_equal(world_stake(w, &w->who[REQUESTER]), 1000000 - 103);
  assert_int_equal(world_locked(w, &w->who[REQUESTER]), 103);
  assert_int_equal(world_locked(w, &w->who[POOL_OWNER]), 30);
  ia_h256 task = world_initialize(w, &deal, 0);
  world_proofs(w, &a, &task, "{\"storage\":\"ipfs\"}", NULL, &store);
  IA_AUTO_JSON *receipt = world_send(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, true);
  assert_true(world_has_event(receipt, &w->hub, IA_EV_TASK_FINALIZE));
  /* Seize, (Transfer, Reward) x 2, (Transfer, Unlock), (Transfer, Reward) x 2, four of the task */
  assert_int_equal(json_array_size(json_object_get(receipt, "logs")), 1 + 4 + 2 + 4 + 4);
  IA_AUTOV(ia_buf) kept = {0};
  ia_task t = world_task(w, &task, &kept);
  assert_int_equal(t.status, IA_TASK_COMPLETED);
  assert_true(ia_span_is(t.results, "{\"storage\":\"ipfs\"}"));
  assert_int_equal(t.contribution_deadline, 1800000000 + 2100);
  assert_int_equal(t.final_deadline, 1800000000 + 3000);
  assert_int_equal(world_locked(w, &w->who[REQUESTER]), 0);
  assert_int_equal(world_stake(w, &w->who[APP_OWNER]), 1);
  assert_int_equal(world_stake(w, &w->who[DATA_OWNER]), 2);
  assert_int_equal(world_stake(w, &w->who[WORKER]), 1000000 + 99);
  assert_int_equal(world_stake(w, &w->who[POOL_OWNER]), 1000000 + 1);
  assert_int_equal(world_locked(w, &w->who[POOL_OWNER]), 0);
}

/* Nobody settled: after the final deadline the money goes back, the stake to the kitty, which the
 * next success pays out. */
static void a_late_task_is_claimed(void **state)
{
  world *w = *state;
  ia_addr kitty = ia_kitty_address;
  IA_AUTOV(ia_buf) store = {0};
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;
  ia_args a;

  world_orders(w, &m, 2);
  world_sign(w, &m, sigs);
  ia_h256 deal = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  ia_h256 task = world_initialize(w, &deal, 0), second = world_initialize(w, &deal, 1);
  a = (ia_args){.id = {task}};
  world_reverts(w, STRANGER, &w->hub, IA_CALL_CLAIM, &a, "");
  json_decref(world_ask(w, "evm_increaseTime", "[2999]"));
  world_reverts(w, STRANGER, &w->hub, IA_CALL_CLAIM, &a, "");
  json_decref(world_ask(w, "evm_increaseTime", "[1]"));
  json_decref(world_send(w, STRANGER, &w->hub, IA_CALL_CLAIM, &a, true));
  assert_int_equal(world_locked(w, &w->who[REQUESTER]), 103);
  assert_int_equal(world_locked(w, &kitty), 30);
  world_reverts(w, STRANGER, &w->hub, IA_CALL_CLAIM, &a, "");
  world_proofs(w, &a, &second, "late", NULL, &store);
  world_reverts(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, "");
  a = (ia_args){.list = {{second.b, 1}}};
  json_decref(world_send(w, STRANGER, &w->hub, IA_CALL_CLAIM_ARRAY, &a, true));
  assert_int_equal(world_stake(w, &w->who[REQUESTER]), 1000000);
  assert_int_equal(world_locked(w, &kitty), 60);
  m.request.salt.b[0] = m.app.salt.b[0] = m.dataset.salt.b[0] = m.workerpool.salt.b[0] = 1;
  world_sign(w, &m, sigs);
  deal = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  task = world_initialize(w, &deal, 1);
  world_proofs(w, &a, &task, "now", NULL, &store);
  json_decref(world_send(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, true));
  assert_int_equal(world_locked(w, &kitty), 0);
  assert_int_equal(world_stake(w, &w->who[POOL_OWNER]) + world_locked(w, &w->who[POOL_OWNER]),
                   1000000 - 60 + 60 + 1);
}

/* Each proof wrong in turn. */
static void wrong_proofs_settle_nothing(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) store = {0};
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;
  ia_args good, a;

  world_orders(w, &m, 1);
  world_sign(w, &m, sigs);
  ia_h256 deal = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  ia_h256 task = world_initialize(w, &deal, 0);
  world_proofs(w, &good, &task, "r", NULL, &store);
  for (int wrong = 0; wrong < 7; wrong++) {
    a = good;
    if (wrong == 0)
      a.addr[0] = w->who[STRANGER]; /* another enclave */
    if (wrong == 1)
      memset(&a.addr[0], 0, 20); /* no enclave in a TEE deal */
    if (wrong == 2)
      a.id[1].b[0] ^= 1; /* another digest */
    if (wrong == 3)
      a.bytes[2] = good.bytes[3]; /* the enclave did not sign */
    if (wrong == 4)
      a.bytes[3] = good.bytes[2]; /* the pool did not authorise */
    if (wrong == 5)
      a.id[0].b[0] ^= 1; /* another task */
    if (wrong == 6)
      a.bytes[1] = ia_span_str("callback"); /* data that is not the digest's */
    world_reverts(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, "");
    json_decref(world_send(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, false));
  }
  world_reverts(w, STRANGER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &good,
                ""); /* not the worker */
  a = good;
  a.bytes[3].len = 60;
  world_reverts(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a,
                "invalid-signature-format");
  json_decref(world_send(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &good, true));
  world_reverts(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &good, "");
}

/* A closed order matches no more; only its owner closes. */
static void a_cancelled_order_is_dead(void **state)
{
  world *w = *state;
  ia_sig sigs[IA_ORDER_KINDS];
  ia_order_op op = {.order.kind = IA_ORDER_DATASET, .operation = IA_ORDER_CLOSE};
  ia_match m;

  world_orders(w, &m, 3);
  world_sign(w, &m, sigs);
  op.order.dataset = m.dataset;
  world_reverts(w, REQUESTER, &w->hub, IA_CALL_MANAGE_DATASET_ORDER, &op,
                "invalid-signature-format");
  IA_AUTO_JSON *receipt =
      world_send(w, DATA_OWNER, &w->hub, IA_CALL_MANAGE_DATASET_ORDER, &op, true);
  assert_true(world_has_event(receipt, &w->hub, IA_EV_CLOSED_DATASET_ORDER));
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x60");
  m.dataset.salt.b[0] = 1;
  world_sign(w, &m, sigs);
  (void)world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x60");
}

/* Presigned on the ledger: the order needs no signature; a signed operation works for another
 * sender. */
static void presigned_orders_match(void **state)
{
  world *w = *state;
  ia_sig sigs[IA_ORDER_KINDS], by_owner;
  ia_order_op op = {.order.kind = IA_ORDER_APP, .operation = IA_ORDER_SIGN};
  ia_match m;
  ia_h256 hash;

  world_orders(w, &m, 1);
  world_sign(w, &m, sigs);
  m.app.sign = ia_span_of(NULL, 0);
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "invalid-signature-format");
  op.order.app = m.app;
  ia_order_op_hash(&hash, &w->separator, IA_ORDER_APP, &m.app, IA_ORDER_SIGN);
  assert_true(ia_secp_sign(w->secp, &by_owner, &hash, &w->key[DATA_OWNER], NULL));
  op.sign = IA_SPAN_ARR(by_owner.b);
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MANAGE_APP_ORDER, &op, "invalid-sender-or-signature");
  assert_true(ia_secp_sign(w->secp, &by_owner, &hash, &w->key[APP_OWNER], NULL));
  json_decref(world_send(w, STRANGER, &w->hub, IA_CALL_MANAGE_APP_ORDER, &op, true));
  (void)world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
}

/* sponsorMatchOrders: the sender pays, not the requester. */
static void a_sponsor_pays(void **state)
{
  world *w = *state;
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;

  world_orders(w, &m, 1);
  world_sign(w, &m, sigs);
  world_reverts(w, STRANGER, &w->hub, IA_CALL_SPONSOR_MATCH_ORDERS, &m,
                "IexecEscrow: Transfer amount exceeds balance");
  (void)world_match(w, &m, WORKER, IA_CALL_SPONSOR_MATCH_ORDERS);
  assert_int_equal(world_locked(w, &w->who[WORKER]), 103);
  assert_int_equal(world_stake(w, &w->who[REQUESTER]), 1000000);
}

/* A group admits its members and nobody else; only its owner changes it. */
static void a_whitelist_admits_its_members(void **state)
{
  world *w = *state;
  ia_args a = {.value = {ia_u256_of(IA_GROUPMEMBER_PURPOSE), ia_u256_of(1)}}, out;
  IA_AUTOV(ia_buf) store = {0};
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;

  memcpy(a.id[0].b + 12, w->app.b, 20);
  world_orders(w, &m, 1);
  m.dataset.apprestrict = w->group;
  world_sign(w, &m, sigs);
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x16");
  world_reverts(w, STRANGER, &w->group, IA_CALL_ADD_KEY, &a, "Ownable: caller is not the owner");
  json_decref(world_send(w, POOL_OWNER, &w->group, IA_CALL_ADD_KEY, &a, true));
  world_view(w, &w->group, IA_CALL_KEY_HAS_PURPOSE, &a, &out, &store);
  assert_true(out.flag);
  json_decref(world_send(w, POOL_OWNER, &w->group, IA_CALL_REMOVE_KEY, &a, true));
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x16");
  json_decref(world_send(w, POOL_OWNER, &w->group, IA_CALL_ADD_KEY, &a, true));
  (void)world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
}

/* Every check of matchOrders, by the one field that it looks at; the first failing check answers.
 */
typedef struct change {
  const char *reason;
  size_t offset;
  size_t size;
  uint8_t value;
} change;

#define FIELD(f, v) offsetof(ia_match, f), sizeof(((ia_match *)0)->f), v

static const change changes[] = {
    {"iExecV5-matchOrders-0x00", FIELD(request.category.w[0], 1)},
    {"iExecV5-matchOrders-0x02", FIELD(request.trust.w[0], 1)},
    {"iExecV5-matchOrders-0x03", FIELD(app.appprice.w[1], 1)},
    {"iExecV5-matchOrders-0x04", FIELD(dataset.datasetprice.w[0], 9)},
    {"iExecV5-matchOrders-0x05", FIELD(workerpool.workerpoolprice.w[0], 101)},
    {"iExecV5-matchOrders-0x06", FIELD(request.tag.b[30], 1)},
    {"iExecV5-matchOrders-0x07", FIELD(app.tag.b[31], 8)},
    {"iExecV5-matchOrders-0x10", FIELD(request.app.b[0], 0x77)},
    {"iExecV5-matchOrders-0x11", FIELD(request.dataset.b[0], 0x77)},
    {"iExecV5-matchOrders-0x12", FIELD(request.workerpool.b[0], 0x77)},
    {"iExecV5-matchOrders-0x13", FIELD(app.datasetrestrict.b[0], 0x77)},
    {"iExecV5-matchOrders-0x14", FIELD(app.workerpoolrestrict.b[0], 0x77)},
    {"iExecV5-matchOrders-0x15", FIELD(app.requesterrestrict.b[0], 0x77)},
    {"iExecV5-matchOrders-0x16", FIELD(dataset.apprestrict.b[0], 0x77)},
    {"iExecV5-matchOrders-0x17", FIELD(dataset.workerpoolrestrict.b[0], 0x77)},
    {"iExecV5-matchOrders-0x18", FIELD(dataset.requesterrestrict.b[0], 0x77)},
    {"iExecV5-matchOrders-0x19", FIELD(workerpool.apprestrict.b[0], 0x77)},
    {"iExecV5-matchOrders-0x1a", FIELD(workerpool.datasetrestrict.b[0], 0x77)},
    {"iExecV5-matchOrders-0x1b", FIELD(workerpool.requesterrestrict.b[0], 0x77)},
    {"iExecV5-matchOrders-0x21", FIELD(app.salt.b[0], 1)},
    {"iExecV5-matchOrders-0x31", FIELD(dataset.salt.b[0], 1)},
    {"iExecV5-matchOrders-0x41", FIELD(workerpool.salt.b[0], 1)},
    {"iExecV5-matchOrders-0x50", FIELD(request.salt.b[0], 1)},
    {"", FIELD(workerpool.workerpool.b[0], 0x77)}, /* nothing answers owner() there */
};

static void every_check_has_its_word(void **state)
{
  world *w = *state;
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match good, m;

  world_orders(w, &good, 1);
  world_sign(w, &good, sigs);
  for (size_t i = 0; i < IA_COUNT(changes); i++) {
    m = good;
    *((uint8_t *)&m + changes[i].offset) = changes[i].value;
    world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, changes[i].reason);
  }
  m = good;
  m.request.category = m.workerpool.category = ia_u256_of(5);
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x01");
  m = good;
  m.app.app = m.request.app = w->dataset; /* answers owner(), is no app */
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x20");
  m = good;
  m.dataset.dataset = m.request.dataset = w->app;
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x30");
  m = good;
  m.workerpool.workerpool = w->hub;
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x40");
  (void)world_match(w, &good, STRANGER, IA_CALL_MATCH_ORDERS);
}

/* contribute, reveal, finalize with one worker whose stake is locked and returned. */
static void the_slow_path_pays_too(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) store = {0};
  ia_sig sigs[IA_ORDER_KINDS];
  ia_args fast, a = {0};
  ia_match m;

  world_orders(w, &m, 1);
  world_sign(w, &m, sigs);
  ia_h256 deal = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  ia_h256 task = world_initialize(w, &deal, 0);
  world_proofs(w, &fast, &task, "", NULL, &store);
  a.id[0] = task;
  ia_result_hash(&a.id[1], &task, &fast.id[1]);
  ia_result_seal(&a.id[2], &w->who[WORKER], &task, &fast.id[1]);
  a.addr[0] = fast.addr[0];
  a.bytes[0] = fast.bytes[2];
  a.bytes[1] = fast.bytes[3];
  IA_AUTO_JSON *receipt = world_send(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE, &a, true);
  assert_true(world_has_event(receipt, &w->hub, IA_EV_TASK_CONSENSUS));
  assert_int_equal(world_locked(w, &w->who[WORKER]), 30);
  world_reverts(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE, &a, "");
  a.bytes[0] = ia_span_str("results");
  a.bytes[1] = ia_span_of(NULL, 0);
  world_reverts(w, POOL_OWNER, &w->hub, IA_CALL_FINALIZE, &a, ""); /* not revealed */
  a.id[1] = fast.id[1];
  world_reverts(w, STRANGER, &w->hub, IA_CALL_REVEAL, &a, "");
  json_decref(world_send(w, WORKER, &w->hub, IA_CALL_REVEAL, &a, true));
  world_reverts(w, STRANGER, &w->hub, IA_CALL_FINALIZE, &a, "");
  json_decref(world_send(w, POOL_OWNER, &w->hub, IA_CALL_FINALIZE, &a, true));
  assert_int_equal(world_locked(w, &w->who[WORKER]), 0);
  assert_int_equal(world_stake(w, &w->who[WORKER]), 1000000 + 99);
  assert_int_equal(world_stake(w, &w->who[POOL_OWNER]), 1000000 + 1);
}

/* Consensus that nobody reveals: the pool reopens, another worker contributes. */
static void an_unrevealed_task_is_reopened(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) store = {0};
  ia_sig sigs[IA_ORDER_KINDS];
  ia_args fast, a = {0};
  ia_match m;

  world_orders(w, &m, 1);
  world_sign(w, &m, sigs);
  ia_h256 deal = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  ia_h256 task = world_initialize(w, &deal, 0);
  world_proofs(w, &fast, &task, "", NULL, &store);
  a.id[0] = task;
  ia_result_hash(&a.id[1], &task, &fast.id[1]);
  ia_result_seal(&a.id[2], &w->who[WORKER], &task, &fast.id[1]);
  a.addr[0] = fast.addr[0];
  a.bytes[0] = fast.bytes[2];
  a.bytes[1] = fast.bytes[3];
  json_decref(world_send(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE, &a, true));
  world_reverts(w, POOL_OWNER, &w->hub, IA_CALL_REOPEN, &a, "");
  json_decref(world_ask(w, "evm_increaseTime", "[600]"));
  world_reverts(w, STRANGER, &w->hub, IA_CALL_REOPEN, &a, "");
  json_decref(world_send(w, POOL_OWNER, &w->hub, IA_CALL_REOPEN, &a, true));
  ia_task t = world_task(w, &task, &store);
  assert_int_equal(t.status, IA_TASK_ACTIVE);
  assert_int_equal(t.contributors.n, 1);
  ia_args key = {.id = {task}, .addr = {w->who[WORKER]}};
  ia_contribution c;
  world_view(w, &w->hub, IA_CALL_VIEW_CONTRIBUTION, &key, &c, &store);
  assert_int_equal(c.status, IA_CONTRIBUTION_REJECTED);
}

/* Results for a callback address without code; bulk checks of dataset orders against the deal. */
static void callbacks_and_bulk(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) store = {0};
  ia_sig sigs[IA_ORDER_KINDS], sig;
  ia_bulk_check bulk;
  ia_args a, out;
  ia_match m;
  ia_h256 hash;

  world_orders(w, &m, 1);
  bulk.order = m.dataset;
  memset(&m.dataset, 0, sizeof(m.dataset));
  memset(&m.request.dataset, 0, 20);
  memset(m.request.callback.b, 0x5f, 20);
  world_sign(w, &m, sigs);
  bulk.dealid = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  bulk.order.volume = ia_u256_of(9007199254740991);
  bulk.order.sign = IA_SPAN_ARR(sig.b);
  ia_order_hash(&hash, &w->separator, IA_ORDER_DATASET, &bulk.order);
  assert_true(ia_secp_sign(w->secp, &sig, &hash, &w->key[DATA_OWNER], NULL));
  world_view(w, &w->hub, IA_CALL_ASSERT_DATASET_DEAL_COMPATIBILITY, &bulk, &out, &store);
  bulk.order.requesterrestrict = w->who[STRANGER];
  ia_order_hash(&hash, &w->separator, IA_ORDER_DATASET, &bulk.order);
  assert_true(ia_secp_sign(w->secp, &sig, &hash, &w->key[DATA_OWNER], NULL));
  world_reverts(w, STRANGER, &w->hub, IA_CALL_ASSERT_DATASET_DEAL_COMPATIBILITY, &bulk, "");
  ia_h256 task = world_initialize(w, &bulk.dealid, 0);
  world_proofs(w, &a, &task, "r", "callback bytes", &store);
  ia_args id = {.id = {task}};
  world_reverts(w, STRANGER, &w->hub, IA_CALL_RESULT_FOR, &id, "task-pending");
  json_decref(world_send(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, true));
  world_view(w, &w->hub, IA_CALL_RESULT_FOR, &id, &out, &store);
  assert_true(ia_span_is(out.bytes[0], "callback bytes"));
}

/* Anybody makes groups; each is its maker's, holds itself, and admits whom she adds. */
static void a_group_of_ones_own(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) store = {0};
  ia_args salt = {.id = {{{7}}}}, made, key = {.value = {ia_u256_of(4), ia_u256_of(1)}}, out;
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;

  world_view(w, &w->group_factory, IA_CALL_CREATE_GROUP, &salt, &out, &store);
  IA_AUTO_JSON *receipt =
      world_send(w, APP_OWNER, &w->group_factory, IA_CALL_CREATE_GROUP, &salt, true);
  const json_t *log = json_array_get(json_object_get(receipt, "logs"), 0);
  assert_true(ia_json_get_addr(log, "address", &made.addr[0], NULL));
  const ia_addr *group = &made.addr[0];
  assert_true(world_has_event(receipt, group, IA_EV_OWNERSHIP_TRANSFERRED));
  assert_true(world_has_event(receipt, group, IA_EV_KEY_ADDED));
  world_view(w, group, IA_CALL_OWNER, NULL, &out, &store);
  assert_memory_equal(out.addr[0].b, w->who[APP_OWNER].b, 20);
  memcpy(key.id[0].b + 12, group->b, 20);
  world_view(w, group, IA_CALL_KEY_HAS_PURPOSE, &key, &out, &store);
  assert_true(out.flag);
  world_orders(w, &m, 1);
  m.dataset.apprestrict = *group;
  world_sign(w, &m, sigs);
  world_reverts(w, REQUESTER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x16");
  memcpy(key.id[0].b + 12, w->app.b, 20);
  world_reverts(w, STRANGER, group, IA_CALL_ADD_KEY, &key, "Ownable: caller is not the owner");
  json_decref(world_send(w, APP_OWNER, group, IA_CALL_ADD_KEY, &key, true));
  (void)world_match(w, &m, REQUESTER, IA_CALL_MATCH_ORDERS);
  /* the same salt is another's group where another sends it */
  IA_AUTO_JSON *other =
      world_send(w, STRANGER, &w->group_factory, IA_CALL_CREATE_GROUP, &salt, true);
  log = json_array_get(json_object_get(other, "logs"), 0);
  assert_true(ia_json_get_addr(log, "address", &out.addr[0], NULL));
  assert_memory_not_equal(out.addr[0].b, group->b, 20);
}

static void sign_request(world *w, ia_match *m, ia_sig *sig, person by)
{
  ia_h256 hash;

  ia_order_hash(&hash, &w->separator, IA_ORDER_REQUEST, &m->request);
  assert_true(ia_secp_sign(w->secp, sig, &hash, &w->key[by], NULL));
  m->request.sign = IA_SPAN_ARR(sig->b);
}

/* A contract wallet buys by its owner's signature, and does what she sends through it. */
static void a_contract_wallet(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) store = {0};
  IA_AUTOV(ia_buf) data = {0};
  ia_args salt = {.id = {{{9}}}}, made, move = {.value = {ia_u256_of(1000)}}, out;
  ia_sig sigs[IA_ORDER_KINDS], sig;
  ia_match m;

  world_view(w, &w->wallet_factory, IA_CALL_CREATE_WALLET, &salt, &made, &store);
  json_decref(world_send(w, STRANGER, &w->wallet_factory, IA_CALL_CREATE_WALLET, &salt, true));
  move.addr[0] = made.addr[0];
  json_decref(world_send(w, REQUESTER, &w->hub, IA_CALL_TRANSFER, &move, true));
  world_orders(w, &m, 1);
  m.request.requester = made.addr[0];
  world_sign(w, &m, sigs);
  world_reverts(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x50");
  sign_request(w, &m, &sig, STRANGER);
  (void)world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  ia_args withdraw = {.value = {ia_u256_of(10)}}, through = {.addr = {w->hub}};
  ia_call_encode(&data, IA_CALL_WITHDRAW, &withdraw);
  through.bytes[0] = ia_buf_view(&data);
  json_decref(world_send(w, STRANGER, &made.addr[0], IA_CALL_EXECUTE, &through, true));
  ia_args who = {.addr = {made.addr[0]}};
  ia_u256 ten = ia_u256_of(10);
  world_view(w, &w->token, IA_CALL_BALANCE_OF, &who, &out, &store);
  assert_true(ia_u256_eq(&out.value[0], &ten));
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      TEST(a_task_is_settled),
      TEST(a_late_task_is_claimed),
      TEST(wrong_proofs_settle_nothing),
      TEST(a_cancelled_order_is_dead),
      TEST(presigned_orders_match),
      TEST(a_sponsor_pays),
      TEST(a_whitelist_admits_its_members),
      TEST(a_group_of_ones_own),
      TEST(a_contract_wallet),
      TEST(every_check_has_its_word),
      TEST(the_slow_path_pays_too),
      TEST(an_unrevealed_task_is_reopened),
      TEST(callbacks_and_bulk),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
