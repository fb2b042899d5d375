/* What lasts: reopening, kill -9, replay and its comparison, and the two rule sets. */
#include <malloc.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/hex.h"
#include "ledger_world.h"
#include "poco/tag.h"

static int open_world(void **state)
{
  static world w;

  world_set_clock(1800000000);
  world_open(&w, true, NULL);
  *state = &w;
  return 0;
}

static int close_world(void **state)
{
  world_close(*state);
  return 0;
}

static void settle(world *w)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;
  ia_args a;

  world_settle_in(w);
  world_orders(w, &m, 1);
  world_sign(w, &m, sigs);
  ia_h256 deal = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  ia_h256 task = world_initialize(w, &deal, 0);
  world_proofs(w, &a, &task, "done", NULL, &store);
  json_decref(world_send(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, true));
  json_decref(world_ask(w, "evm_mine", "[]"));
}

static void a_reopened_ledger_goes_on(void **state)
{
  world *w = *state;
  uint64_t stake;

  settle(w);
  stake = world_stake(w, &w->who[WORKER]);
  IA_AUTO_JSON *before = world_ask(w, "eth_getBlockByNumber", "[\"latest\",false]");
  world_reopen(w);
  IA_AUTO_JSON *after = world_ask(w, "eth_getBlockByNumber", "[\"latest\",false]");
  assert_true(json_equal(before, after));
  assert_int_equal(world_stake(w, &w->who[WORKER]), stake);
  IA_AUTO_JSON *logs = world_ask(w, "eth_getLogs", "[{\"fromBlock\":\"0x1\"}]");
  assert_true(json_array_size(logs) > 20);
  json_decref(world_ask(w, "evm_mine", "[]"));
  IA_AUTO_JSON *next = world_ask(w, "eth_getBlockByNumber", "[\"latest\",false]");
  assert_string_equal(json_string_value(json_object_get(next, "parentHash")),
                      json_string_value(json_object_get(before, "hash")));
}

static void the_log_replays_to_the_same_hashes(void **state)
{
  world *w = *state;
  ia_ledger_verified v;
  ia_err e;

  settle(w);
  if (!ia_ledger_verify(&v, w->path, &e))
    fail_msg("%s", e.msg);
  assert_int_equal(v.blocks, ia_ledger_head(w->l) + 1);
  IA_AUTO_JSON *head = world_ask(w, "eth_getBlockByNumber", "[\"latest\",false]");
  assert_string_equal(ia_h256_text(&v.head).s, json_string_value(json_object_get(head, "hash")));
}

static void execute(const char *path, const char *sql)
{
  sqlite3 *db;

  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

/* A changed record, a changed balance, a missing block: each is found. */
static void a_changed_store_is_noticed(void **state)
{
  static const char *const changes[][2] = {
      {"UPDATE state SET v = x'0000000000000000000000000000000000000000000000000000000000000001' "
       "WHERE hex(substr(k, 1, 1)) = '42'",
       "the stored state is not what the log gives"},
      {"UPDATE block SET body = CAST(substr(body, 1, 50) || x'ff' || substr(body, 52) AS BLOB) "
       "WHERE n = 3",
       "block 3"},
      {"DELETE FROM block WHERE n = 2", "block 2"},
  };
  world *w = *state;
  ia_ledger_verified v;
  ia_err e;

  settle(w);
  ia_ledger_close(w->l);
  w->l = NULL;
  for (size_t i = 0; i < IA_COUNT(changes); i++) {
    execute(w->path, changes[i][0]);
    assert_false(ia_ledger_verify(&v, w->path, &e));
    assert_int_equal(e.code, IA_E_CORRUPT);
    if (!strstr(e.msg, changes[i][1]))
      fail_msg("%s, want %s", e.msg, changes[i][1]);
  }
}

/* A child sends faucet transactions and reports every acknowledged one; it is killed in the middle.
 */
static void run_child(world *w, int out)
{
  ia_args a = {.value = {ia_u256_of(1)}};

  for (uint32_t n = 1;; n++) {
    json_decref(world_send(w, STRANGER, &w->token, IA_CALL_FAUCET, &a, true));
    if (write(out, &n, sizeof(n)) != sizeof(n))
      _exit(1);
  }
}

static void kill_loses_nothing_acknowledged(void **state)
{
  world *w = *state;
  uint32_t n = 0, acknowledged = 0;
  int pipes[2];

  ia_ledger_close(w->l);
  w->l = NULL;
  assert_int_equal(pipe(pipes), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    memset(w->key[STRANGER].ptr, STRANGER + 1, 32); /* secrets are wiped in a child */
    world_reopen(w);
    run_child(w, pipes[1]);
  }
  close(pipes[1]);
  while (acknowledged < 40 && read(pipes[0], &n, sizeof(n)) == sizeof(n))
    acknowledged = n;
  kill(pid, SIGKILL);
  assert_int_equal(waitpid(pid, NULL, 0), pid);
  while (read(pipes[0], &n, sizeof(n)) == sizeof(n))
    acknowledged = n;
  close(pipes[0]);
  world_reopen(w);
  assert_true(acknowledged >= 40);
  assert_true(world_nonce(w, STRANGER) >= acknowledged);
  assert_true(world_nonce(w, STRANGER) <= acknowledged + 1);
  ia_ledger_verified v;
  ia_err e;
  assert_true(ia_ledger_verify(&v, w->path, &e));
}

static const char *const damage[] = {
    "UPDATE state SET v = x'0000000000000000000000000000000000000000000000000000000000000001'",
    "DELETE FROM state",
    "DELETE FROM ref; DELETE FROM term",
    "INSERT INTO state VALUES (x'77', x'77'); INSERT INTO term VALUES (1, 1)",
};

/* State and indexes are made again from the log; of a damaged log nothing is made. */
static void what_is_derived_is_derived_again(void **state)
{
  world *w = *state;
  ia_ledger_verified v;
  ia_err e;

  settle(w);
  uint64_t stake = world_stake(w, &w->who[WORKER]), head = ia_ledger_head(w->l);
  IA_AUTO_JSON *logs = world_ask(w, "eth_getLogs", "[{\"fromBlock\":\"0x1\"}]");
  for (size_t i = 0; i < IA_COUNT(damage); i++) {
    ia_ledger_close(w->l);
    w->l = NULL;
    execute(w->path, damage[i]);
    if (!ia_ledger_reindex(&v, w->path, &e))
      fail_msg("%s: %s", damage[i], e.msg);
    assert_int_equal(v.blocks, head + 1);
    assert_true(ia_ledger_verify(&v, w->path, &e));
    world_reopen(w);
    assert_int_equal(world_stake(w, &w->who[WORKER]), stake);
    IA_AUTO_JSON *again = world_ask(w, "eth_getLogs", "[{\"fromBlock\":\"0x1\"}]");
    assert_true(json_equal(logs, again));
  }
  ia_ledger_close(w->l);
  w->l = NULL;
  execute(w->path, "DELETE FROM ref; DELETE FROM block WHERE n = 2");
  assert_false(ia_ledger_reindex(&v, w->path, &e));
  assert_int_equal(e.code, IA_E_CORRUPT);
}

/* A wish for other rules or another chain than the store has is refused. */
static void a_store_keeps_its_genesis(void **state)
{
  world *w = *state;
  ia_ledger_config c = {.path = w->path, .test = true};
  IA_AUTO(ia_ledger) *l = NULL;
  ia_err e;

  ia_ledger_close(w->l);
  w->l = NULL;
  c.genesis.rules = "6.1";
  assert_false(ia_ledger_open(&l, &c, &e));
  c.genesis.rules = NULL;
  c.genesis.chain_id = 5;
  assert_false(ia_ledger_open(&l, &c, &e));
  c.genesis.chain_id = 0;
  memset(c.genesis.pool_owner.b, 0x44, 20);
  assert_false(ia_ledger_open(&l, &c, &e));
  memset(&c.genesis.pool_owner, 0, 20);
  assert_true(ia_ledger_open(&l, &c, &e));
}

/* What only tests may do is refused to stored ledgers too, when they are opened otherwise. */
static void test_ledgers_open_for_tests_only(void **state)
{
  world *w = *state;
  ia_ledger_config c = {.path = w->path};
  IA_AUTO(ia_ledger) *l = NULL;
  ia_err e;

  ia_ledger_close(w->l);
  w->l = NULL;
  /* its development accounts hold coins: not beyond loopback */
  assert_false(ia_ledger_open(&l, &c, &e));
  assert_int_equal(e.code, IA_E_INVALID);
  c.loopback = true;
  assert_true(ia_ledger_open(&l, &c, &e));
  static const uint64_t public[] = {1, 134, 42161};
  for (size_t i = 0; i < IA_COUNT(public); i++) {
    char path[128];
    ia_ledger_config own = {.path = path, .test = true, .genesis.chain_id = public[i]};
    IA_AUTO(ia_ledger) *of_public = NULL;

    (void)snprintf(path, sizeof(path), "%s/%d.db", w->dir, (int)i);
    own.genesis.pool_owner = w->who[POOL_OWNER];
    assert_true(ia_ledger_open(&of_public, &own, &e));
    ia_ledger_close(ia_steal(&of_public));
    own.test = false;
    own.loopback = true;
    own.genesis = (ia_genesis){0};
    assert_false(ia_ledger_open(&of_public, &own, &e));
    assert_int_equal(e.code, IA_E_CHAIN_ID);
  }
}

/* --- group commit, memory
 * ---------------------------------------------------------------------------- */

typedef struct writer {
  sem_t go;
  unsigned commits;
} writer;

static void hold_writer(void *ctx)
{
  writer *x = ctx;

  if (x->commits++ == 0)
    sem_wait(&x->go);
}

/* A transaction without waiting for the disk; how far the answer says that the ledger is. */
static uint64_t send_only(world *w, uint64_t nonce)
{
  IA_AUTOV(ia_ledger_reply) reply = {0};
  IA_AUTOV(ia_buf) request = {0};
  IA_AUTOV(ia_buf) data = {0};
  ia_args a = {.value = {ia_u256_of(nonce + 1)}};
  ia_err e;

  ia_call_encode(&data, IA_CALL_FAUCET, &a);
  ia_buf_str(&request, "{\"id\":1,\"method\":\"eth_sendRawTransaction\",\"params\":[\"");
  world_sign_tx(w, &request, STRANGER, &w->token, ia_buf_view(&data), nonce);
  ia_buf_str(&request, "\"]}");
  assert_true(ia_ledger_rpc(w->l, ia_buf_view(&request), &reply, &e));
  assert_non_null(memmem(reply.text.ptr, reply.text.len, "result", 6));
  return reply.height;
}

/* While one transaction of the store is being written, the next blocks gather for one more; their
 * replies, and those of reads that saw them, are to be held meanwhile. */
static void blocks_gather_while_the_disk_writes(void **state)
{
  enum { GATHERED = 200 };
  world *w = *state;
  IA_AUTOV(ia_ledger_reply) read = {0};
  writer x = {0};
  ia_err e;

  sem_init(&x.go, 0, 0);
  ia_ledger_on_durable(w->l, hold_writer, &x);
  uint64_t first = send_only(w, 0);
  assert_true(ia_ledger_wait(w->l, first, &e));
  for (uint64_t n = 1; n <= GATHERED; n++)
    assert_int_equal(send_only(w, n), first + n);
  assert_int_equal(ia_ledger_durable(w->l), first);
  assert_true(
      ia_ledger_rpc(w->l, ia_span_str("{\"id\":1,\"method\":\"eth_blockNumber\"}"), &read, &e));
  assert_int_equal(read.height, first + GATHERED);
  sem_post(&x.go);
  assert_true(ia_ledger_wait(w->l, first + GATHERED, &e));
  ia_ledger_on_durable(w->l, NULL, NULL);
  assert_true(x.commits <= 2);
  sem_destroy(&x.go);
  assert_int_equal(world_nonce(w, STRANGER), GATHERED + 1);
}

#if defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
static size_t allocated(void)
{
  return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t allocated(void)
{
  return mallinfo2().uordblks;
}
#endif

/* Transfers to ever new accounts: blocks, indexes and state grow on disk alone. */
static void grow(world *w, uint64_t from, uint64_t to)
{
  for (uint64_t n = from; n < to; n++) {
    ia_args a = {.value = {ia_u256_of(1)}};
    IA_AUTOV(ia_buf) data = {0};
    IA_AUTOV(ia_buf) params = {0};

    memcpy(a.addr[0].b, &n, sizeof(n));
    a.addr[0].b[19] = 1;
    ia_call_encode(&data, IA_CALL_TRANSFER, &a);
    ia_buf_str(&params, "[\"");
    world_sign_tx(w, &params, STRANGER, &w->token, ia_buf_view(&data), n);
    ia_buf_str(&params, "\"]");
    ia_buf_u8(&params, 0);
    json_decref(world_ask(w, "eth_sendRawTransaction", (const char *)params.ptr));
  }
}

/* By a sender who stands in more blocks than a query looks at: the receiver tells more. */
static void one_transfer_is_found(world *w, uint64_t n)
{
  const ia_h256 *transfer = &ia_event_of(IA_EV_TRANSFER)->topic0;
  ia_addr to = {{0}};
  char filter[512];

  memcpy(to.b, &n, sizeof(n));
  to.b[19] = 1;
  (void)snprintf(filter, sizeof(filter),
                 "[{\"fromBlock\":\"0x0\",\"topics\":[\"%s\",\"0x%024d%s\",\"0x%024d%s\"]}]",
                 ia_h256_text(transfer).s, 0, ia_addr_lower(&w->who[STRANGER]).s + 2, 0,
                 ia_addr_lower(&to).s + 2);
  IA_AUTO_JSON *logs = world_ask(w, "eth_getLogs", filter);
  assert_int_equal(json_array_size(logs), 1);
}

static void memory_stays_flat_as_blocks_grow(void **state)
{
  enum { WARM = 5000, END = 10400, SLACK = 256 << 10 };
  world *w = *state;
  ia_args a = {.value = {ia_u256_of(1000000)}};
  ia_ledger_config c = {.path = w->path, .test = true, .cache = 64 << 10};
  ia_err e;

  ia_ledger_close(w->l);
  w->l = NULL;
  assert_true(ia_ledger_open(&w->l, &c, &e));
  json_decref(world_send(w, STRANGER, &w->token, IA_CALL_FAUCET, &a, true));
  grow(w, 1, WARM);
  size_t warm = allocated();
  grow(w, WARM, END);
  size_t end = allocated();
  if (end > warm + SLACK)
    fail_msg("%zu bytes more for %d blocks", end - warm, END - WARM);
  assert_int_equal(ia_ledger_head(w->l), END);
  one_transfer_is_found(w, 500);
}

/* A dataset order tagged SCONE meets a TDX deal: 6.2 ignores the framework, 6.1 does not; and
 * only 6.2 matches orders that come with approveAndCall. */
static void the_rule_sets_differ(void **state IA_UNUSED)
{
  static const char *const rules[] = {"6.1", "6.2"};

  for (size_t i = 0; i < IA_COUNT(rules); i++) {
    IA_AUTOV(ia_buf) data = {0};
    ia_sig sigs[IA_ORDER_KINDS];
    world w;
    ia_match m;

    world_open(&w, false, rules[i]);
    world_settle_in(&w);
    world_orders(&w, &m, 1);
    m.dataset.tag = ia_tag_of(IA_TAG_TEE | IA_TAG_SCONE);
    world_sign(&w, &m, sigs);
    if (i == 0)
      world_reverts(&w, STRANGER, &w.hub, IA_CALL_MATCH_ORDERS, &m, "iExecV5-matchOrders-0x06");
    m.dataset.tag = ia_tag_of(i == 0 ? IA_TAG_TEE : IA_TAG_TEE | IA_TAG_SCONE);
    world_sign(&w, &m, sigs);
    ia_call_encode(&data, IA_CALL_MATCH_ORDERS, &m);
    ia_args a = {.addr = {w.hub}, .bytes = {ia_buf_view(&data)}};
    world_reverts(&w, i ? STRANGER : APP_OWNER, &w.token, IA_CALL_APPROVE_AND_CALL,
                  i ? (void *)&a : (void *)&(ia_args){.addr = {w.app}}, "");
    IA_AUTO_JSON *receipt = world_send(&w, REQUESTER, &w.token, IA_CALL_APPROVE_AND_CALL, &a, true);
    assert_int_equal(world_has_event(receipt, &w.hub, IA_EV_ORDERS_MATCHED), i == 1);
    world_close(&w);
  }
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      TEST(a_reopened_ledger_goes_on),        TEST(the_log_replays_to_the_same_hashes),
      TEST(a_changed_store_is_noticed),       TEST(kill_loses_nothing_acknowledged),
      TEST(a_store_keeps_its_genesis),        TEST(what_is_derived_is_derived_again),
      TEST(test_ledgers_open_for_tests_only), TEST(blocks_gather_while_the_disk_writes),
      TEST(memory_stays_flat_as_blocks_grow), cmocka_unit_test(the_rule_sets_differ),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
