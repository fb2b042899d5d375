/* Several workers on one task, stakes, scores, the kitty's share, and every deadline to the second,
 * through JSON-RPC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "eth/eip191.h"
#include "ledger_world.h"
#include "poco/ids.h"
#include "poco/tag.h"

enum { START = 1800000000, T = 300, DEPOSIT = 1000000 };

static int open_world(void **state)
{
  static world w;

  world_set_clock(START);
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

static void deposit(world *w, person who, uint64_t nrlc)
{
  ia_args a = {.addr = {w->hub}, .value = {ia_u256_of(nrlc)}};

  json_decref(world_send(w, who, &w->token, IA_CALL_FAUCET, &a, true));
  json_decref(world_send(w, who, &w->token, IA_CALL_APPROVE_AND_CALL, &a, true));
}

/* A deal without enclaves of that trust and pool price. */
static ia_h256 deal_of(world *w, uint64_t trust, uint64_t price, uint64_t volume)
{
  static uint8_t salt;
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;

  world_orders(w, &m, volume);
  m.app.tag = m.dataset.tag = m.workerpool.tag = m.request.tag = ia_tag_of(0);
  m.request.trust = m.workerpool.trust = ia_u256_of(trust);
  m.workerpool.workerpoolprice = m.request.workerpoolmaxprice = ia_u256_of(price);
  m.app.salt.b[1] = m.dataset.salt.b[1] = m.workerpool.salt.b[1] = m.request.salt.b[1] = ++salt;
  world_sign(w, &m, sigs);
  return world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
}

typedef struct given {
  ia_args a; /* of contribute */
  ia_sig authorization;
  ia_h256 digest;
} given;

/* What a worker hands in whose result has the digest of 32 bytes `result`. */
static void give(world *w, given *g, person who, const ia_h256 *task, uint8_t result)
{
  ia_addr none = {{0}};
  ia_h256 message;

  *g = (given){.a.id = {*task}};
  memset(g->digest.b, result, 32);
  ia_result_hash(&g->a.id[1], task, &g->digest);
  ia_result_seal(&g->a.id[2], &w->who[who], task, &g->digest);
  ia_authorization_message(&message, &w->who[who], task, &none);
  assert_true(ia_eip191_sign(w->secp, &g->authorization, IA_SPAN_ARR(message.b),
                             &w->key[POOL_OWNER], NULL));
  g->a.bytes[1] = IA_SPAN_ARR(g->authorization.b);
}

static bool contribute(world *w, person who, const ia_h256 *task, uint8_t result)
{
  given g;

  give(w, &g, who, task, result);
  IA_AUTO_JSON *receipt = world_send(w, who, &w->hub, IA_CALL_CONTRIBUTE, &g.a, true);
  return world_has_event(receipt, &w->hub, IA_EV_TASK_CONSENSUS);
}

static void reveal(world *w, person who, const ia_h256 *task, uint8_t result)
{
  ia_args a = {.id = {*task}};

  memset(a.id[1].b, result, 32);
  json_decref(world_send(w, who, &w->hub, IA_CALL_REVEAL, &a, true));
}

static uint64_t score(world *w, person who)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args a = {.addr = {w->who[who]}}, out;

  world_view(w, &w->hub, IA_CALL_VIEW_SCORE, &a, &out, &store);
  return out.value[0].w[0];
}

/* The time that the next block, and a call now, will have. */
static void at(world *w, uint64_t seconds)
{
  char params[40];

  (void)snprintf(params, sizeof(params), "[%llu]", (unsigned long long)(START + seconds));
  json_decref(world_ask(w, "evm_setNextBlockTimestamp", params));
}

static uint64_t everything(world *w)
{
  ia_addr kitty = ia_kitty_address;
  uint64_t sum = world_locked(w, &kitty);

  for (int i = 0; i < PEOPLE; i++)
    sum += world_stake(w, &w->who[i]) + world_locked(w, &w->who[i]);
  return sum;
}

/* Trust 3: three equal results of four agree; the one of another result and the one that does not
 * reveal lose stake and score, the two that prove share the pot. */
static void the_agreeing_share_the_pot(void **state)
{
  static const person workers[] = {WORKER, APP_OWNER, DATA_OWNER, STRANGER};
  world *w = *state;
  uint64_t total;

  for (size_t i = 1; i < IA_COUNT(workers); i++)
    deposit(w, workers[i], DEPOSIT);
  total = everything(w);
  ia_h256 deal = deal_of(w, 3, 100, 1), task = world_initialize(w, &deal, 0);
  assert_false(contribute(w, WORKER, &task, 0xaa));
  assert_false(contribute(w, APP_OWNER, &task, 0xbb));
  assert_false(contribute(w, DATA_OWNER, &task, 0xaa));
  assert_true(contribute(w, STRANGER, &task, 0xaa));
  for (size_t i = 0; i < IA_COUNT(workers); i++)
    assert_int_equal(world_locked(w, &w->who[workers[i]]), 30);
  ia_args a = {.id = {task}};
  memset(a.id[1].b, 0xbb, 32);
  world_reverts(w, APP_OWNER, &w->hub, IA_CALL_REVEAL, &a, ""); /* not the consensus */
  reveal(w, WORKER, &task, 0xaa);
  reveal(w, DATA_OWNER, &task, 0xaa);
  world_reverts(w, POOL_OWNER, &w->hub, IA_CALL_FINALIZE, &a, ""); /* one may still reveal */
  at(w, 2 * T);
  json_decref(world_send(w, POOL_OWNER, &w->hub, IA_CALL_FINALIZE, &a, true));
  /* pot 100 + 30 + 30; 99 % of it in two halves; the app's price is 1, the data's 2 */
  assert_int_equal(world_stake(w, &w->who[WORKER]), DEPOSIT + 79);
  assert_int_equal(world_stake(w, &w->who[DATA_OWNER]), DEPOSIT + 79 + 2);
  assert_int_equal(world_stake(w, &w->who[APP_OWNER]), DEPOSIT - 30 + 1);
  assert_int_equal(world_stake(w, &w->who[STRANGER]), DEPOSIT - 30);
  assert_int_equal(world_stake(w, &w->who[POOL_OWNER]), DEPOSIT + 2);
  for (int i = 0; i < PEOPLE; i++)
    assert_int_equal(world_locked(w, &w->who[i]), 0);
  assert_int_equal(score(w, WORKER), 1);
  assert_int_equal(score(w, DATA_OWNER), 1);
  assert_int_equal(score(w, STRANGER), 0);
  assert_int_equal(everything(w), total);
}

/* A score falls to two thirds, rounded down. */
static void a_wrong_result_costs_score(void **state)
{
  world *w = *state;

  deposit(w, STRANGER, DEPOSIT);
  deposit(w, APP_OWNER, DEPOSIT);
  for (uint64_t i = 0; i < 3; i++) {
    ia_h256 deal = deal_of(w, 3, 100, 1), task = world_initialize(w, &deal, 0);
    ia_args a = {.id = {task}};
    bool wrong = i == 2;

    assert_false(contribute(w, WORKER, &task, wrong ? 0xbb : 0xaa));
    assert_int_equal(contribute(w, STRANGER, &task, 0xaa), !wrong);
    if (wrong) {
      assert_false(contribute(w, POOL_OWNER, &task, 0xaa));
      assert_true(contribute(w, APP_OWNER, &task, 0xaa));
      reveal(w, POOL_OWNER, &task, 0xaa);
      reveal(w, APP_OWNER, &task, 0xaa);
    } else {
      reveal(w, WORKER, &task, 0xaa);
    }
    reveal(w, STRANGER, &task, 0xaa);
    json_decref(world_send(w, POOL_OWNER, &w->hub, IA_CALL_FINALIZE, &a, true));
    assert_int_equal(score(w, WORKER), wrong ? 1 : i + 1); /* 2 * 2 / 3 */
  }
  assert_int_equal(score(w, STRANGER), 3);
}

/* A tenth of the kitty, at least 1 RLC, at most all of it. */
static void the_kitty_pays_a_tenth(void **state)
{
  static const uint64_t left[] = {27000000000, 24300000000};
  const uint64_t price = 100000000000; /* 100 RLC */
  ia_addr kitty = {{0x99, 0xc2, 0x26, 0x84, 0x79, 0xb9, 0x3f, 0xde, 0x36, 0x23,
                    0x23, 0x51, 0x22, 0x98, 0x15, 0xdf, 0x80, 0x83, 0x7e, 0x23}};
  world *w = *state;

  deposit(w, POOL_OWNER, 4 * price);
  deposit(w, REQUESTER, 4 * price);
  ia_h256 deal = deal_of(w, 1, price, 1), task = world_initialize(w, &deal, 0);
  ia_args claim = {.id = {task}};
  json_decref(world_ask(w, "evm_increaseTime", "[3000]"));
  json_decref(world_send(w, STRANGER, &w->hub, IA_CALL_CLAIM, &claim, true));
  assert_int_equal(world_locked(w, &kitty), 30000000000);
  for (size_t i = 0; i < IA_COUNT(left); i++) {
    uint64_t before = world_stake(w, &w->who[POOL_OWNER]);

    deal = deal_of(w, 1, 100, 1);
    task = world_initialize(w, &deal, 0);
    assert_true(contribute(w, WORKER, &task, 0xaa));
    reveal(w, WORKER, &task, 0xaa);
    ia_args a = {.id = {task}};
    json_decref(world_send(w, POOL_OWNER, &w->hub, IA_CALL_FINALIZE, &a, true));
    assert_int_equal(world_locked(w, &kitty), left[i]);
    assert_int_equal(world_stake(w, &w->who[POOL_OWNER]) - before, left[i] / 9 + 1);
  }
}

/* The second before each deadline is in time, the deadline itself is too late. */
static void deadlines_are_exact(void **state)
{
  world *w = *state;
  ia_h256 deal = deal_of(w, 1, 100, 2), task = world_initialize(w, &deal, 0);
  ia_args a = {.id = {task}};
  given g;

  give(w, &g, WORKER, &task, 0xaa);
  at(w, 7 * T);
  world_reverts(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE, &g.a, "");
  at(w, 7 * T - 1);
  assert_true(contribute(w, WORKER, &task, 0xaa));
  memset(a.id[1].b, 0xaa, 32);
  at(w, 7 * T - 1 + 2 * T);
  world_reverts(w, WORKER, &w->hub, IA_CALL_REVEAL, &a, "");
  at(w, 7 * T - 1 + 2 * T - 1);
  world_reverts(w, POOL_OWNER, &w->hub, IA_CALL_REOPEN, &a, ""); /* may still be revealed */
  reveal(w, WORKER, &task, 0xaa);
  at(w, 10 * T);
  world_reverts(w, POOL_OWNER, &w->hub, IA_CALL_FINALIZE, &a, "");
  at(w, 10 * T - 1);
  world_reverts(w, STRANGER, &w->hub, IA_CALL_CLAIM, &a, "");
  json_decref(world_send(w, POOL_OWNER, &w->hub, IA_CALL_FINALIZE, &a, true));
  /* the task that nobody initialised: initialised and claimed at once, the money is back */
  uint8_t zero_one[64] = {0};
  zero_one[31] = 1;
  ia_args both = {.list = {{deal.b, 1}, {zero_one, 1}}};
  world_reverts(w, STRANGER, &w->hub, IA_CALL_INITIALIZE_AND_CLAIM_ARRAY, &both, "");
  at(w, 10 * T);
  assert_int_equal(world_locked(w, &w->who[REQUESTER]), 103);
  json_decref(world_send(w, STRANGER, &w->hub, IA_CALL_INITIALIZE_AND_CLAIM_ARRAY, &both, true));
  assert_int_equal(world_locked(w, &w->who[REQUESTER]), 0);
  assert_int_equal(world_stake(w, &w->who[REQUESTER]), DEPOSIT - 103);
}

/* A claim gives contributors their stakes back, whatever they handed in. */
static void a_claim_unlocks_contributors(void **state)
{
  world *w = *state;
  ia_h256 deal = deal_of(w, 5, 100, 1), task = world_initialize(w, &deal, 0);
  ia_args a = {.id = {task}};

  assert_false(contribute(w, WORKER, &task, 0xaa));
  assert_int_equal(world_locked(w, &w->who[WORKER]), 30);
  at(w, 10 * T);
  json_decref(world_send(w, STRANGER, &w->hub, IA_CALL_CLAIM, &a, true));
  assert_int_equal(world_stake(w, &w->who[WORKER]), DEPOSIT);
  assert_int_equal(world_locked(w, &w->who[WORKER]), 0);
  assert_int_equal(score(w, WORKER), 0);
}

/* Hand-set time stays: later blocks and evm_increaseTime go on from there, a reopened ledger too.
 */
static void test_time_goes_on(void **state)
{
  world *w = *state;

  at(w, 5000);
  json_decref(world_ask(w, "evm_mine", "[]"));
  json_decref(world_ask(w, "evm_increaseTime", "[7]"));
  json_decref(world_ask(w, "evm_mine", "[]"));
  IA_AUTO_JSON *head = world_ask(w, "eth_getBlockByNumber", "[\"latest\",false]");
  char want[24];
  (void)snprintf(want, sizeof(want), "0x%x", START + 5007);
  assert_string_equal(json_string_value(json_object_get(head, "timestamp")), want);
  IA_AUTO_JSON *back = world_rpc(w, "evm_setNextBlockTimestamp", "[1800000001]");
  assert_non_null(json_object_get(back, "error"));
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      TEST(the_agreeing_share_the_pot),   TEST(a_wrong_result_costs_score),
      TEST(the_kitty_pays_a_tenth),       TEST(deadlines_are_exact),
      TEST(a_claim_unlocks_contributors), TEST(test_time_goes_on),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
