/* The JSON-RPC surface: forms, error codes, blocks, logs, what is refused before any block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "eth/tx.h"
#include "ledger_world.h"
#include "poco/ids.h"

static int open_world(void **state)
{
  static world w;

  world_set_clock(1800000000);
  world_open(&w, false, NULL);
  *state = &w;
  return 0;
}

static int close_world(void **state)
{
  world_close(*state);
  return 0;
}

static json_t *request(world *w, const char *text)
{
  IA_AUTOV(ia_buf) reply = {0};
  ia_err e;

  assert_true(ia_ledger_request(w->l, ia_span_str(text), &reply, &e));
  return reply.len ? ia_json_parse(ia_buf_view(&reply), 0, &e) : NULL;
}

static json_int_t code_of(const json_t *reply)
{
  return json_integer_value(json_object_get(json_object_get(reply, "error"), "code"));
}

static const char *message_of(const json_t *reply)
{
  return json_string_value(json_object_get(json_object_get(reply, "error"), "message"));
}

static void malformed_requests_have_their_codes(void **state)
{
  static const struct {
    const char *text;
    int code;
  } cases[] = {
      {"{", -32700},
      {"1", -32600},
      {"[]", -32600},
      {"{\"id\":1}", -32600},
      {"{\"id\":1,\"method\":\"eth_none\"}", -32601},
      {"{\"id\":1,\"method\":\"eth_call\",\"params\":{}}", -32600},
      {"{\"id\":1,\"method\":\"eth_call\",\"params\":[]}", -32602},
      {"{\"id\":1,\"method\":\"eth_getBalance\",\"params\":[\"0x12\"]}", -32602},
      {"{\"id\":1,\"method\":\"eth_getBlockByNumber\",\"params\":[\"0xzz\",false]}", -32602},
      {"{\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{\"topics\":[1]}]}", -32602},
      {"{\"id\":1,\"method\":\"eth_sendRawTransaction\",\"params\":[\"0x00\"]}", -32003},
  };

  for (size_t i = 0; i < IA_COUNT(cases); i++) {
    IA_AUTO_JSON *reply = request(*state, cases[i].text);

    if (code_of(reply) != cases[i].code)
      fail_msg("%s: %d", cases[i].text, (int)code_of(reply));
  }
}

/* What a client numbers its requests with comes back digit by digit, or is refused. */
static void ids_come_back_as_they_are(void **state)
{
  static const struct {
    const char *request, *begin;
  } cases[] = {
      {"{\"id\":9007199254740993,\"method\":\"eth_chainId\"}",
       "{\"jsonrpc\":\"2.0\",\"id\":9007199254740993,\"result\""},
      {"{\"id\":9223372036854775807,\"method\":\"eth_chainId\"}",
       "{\"jsonrpc\":\"2.0\",\"id\":9223372036854775807,\"result\""},
      {"{\"id\":9223372036854775808,\"method\":\"eth_chainId\"}",
       "{\"jsonrpc\":\"2.0\",\"id\":9223372036854775808,\"result\""},
      {" { \"method\":\"eth_none\", \"params\":[\"id\"], \"id\" : 18446744073709551615 }",
       "{\"jsonrpc\":\"2.0\",\"id\":18446744073709551615,\"error\""},
      {"[{\"id\":18446744073709551615,\"method\":\"eth_chainId\"},"
       "{\"method\":\"eth_chainId\",\"id\":18446744073709551614}]",
       "[{\"jsonrpc\":\"2.0\",\"id\":18446744073709551615,\"result\""},
      /* refused: above 2^64, not a whole number of that size, not the id's place */
      {"{\"id\":18446744073709551616,\"method\":\"eth_chainId\"}",
       "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700"},
      {"{\"id\":1,\"method\":\"eth_getBalance\",\"params\":[18446744073709551615]}",
       "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700"},
      {"{\"id\":1,\"method\":\"eth_call\",\"params\":[{\"id\":18446744073709551615}]}",
       "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700"},
      {"{\"id\":{\"id above 2^63\":\"1\"},\"method\":\"eth_chainId\"}",
       "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600"},
      {"{\"id\":{},\"method\":\"eth_chainId\"}",
       "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600"},
  };
  world *w = *state;

  for (size_t i = 0; i < IA_COUNT(cases); i++) {
    IA_AUTOV(ia_buf) reply = {0};
    ia_err e;

    assert_true(ia_ledger_request(w->l, ia_span_str(cases[i].request), &reply, &e));
    ia_buf_u8(&reply, 0);
    if (strncmp((const char *)reply.ptr, cases[i].begin, strlen(cases[i].begin)) != 0)
      fail_msg("%s: %s", cases[i].request, (const char *)reply.ptr);
  }
}

static void what_was_paid_is_told_for_each_percentile(void **state)
{
  static const char ask[] =
      "{\"id\":1,\"method\":\"eth_feeHistory\",\"params\":[\"0x1\",\"latest\",%s]}";
  static const char *const bad[] = {"[50,25]", "[101]", "[-1]", "[\"x\"]", "{}"};
  char text[200];

  (void)snprintf(text, sizeof(text), ask, "[10,50.5,90]");
  IA_AUTO_JSON *reply = request(*state, text);
  const json_t *result = json_object_get(reply, "result");
  const json_t *reward = json_object_get(result, "reward");
  assert_int_equal(json_array_size(reward), 1);
  assert_int_equal(json_array_size(json_array_get(reward, 0)), 3);
  assert_string_equal(json_string_value(json_array_get(json_array_get(reward, 0), 2)), "0x0");
  assert_int_equal(json_array_size(json_object_get(result, "gasUsedRatio")), 1);
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    (void)snprintf(text, sizeof(text), ask, bad[i]);
    IA_AUTO_JSON *refused = request(*state, text);

    assert_int_equal(code_of(refused), -32602);
  }
}

static void batches_answer_in_order_without_notifications(void **state)
{
  IA_AUTO_JSON *reply =
      request(*state, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"},"
                      "{\"jsonrpc\":\"2.0\",\"method\":\"eth_blockNumber\"},"
                      "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"nope\",\"params\":[]},3]");

  assert_int_equal(json_array_size(reply), 3);
  assert_string_equal(json_string_value(json_object_get(json_array_get(reply, 0), "result")),
                      "0x66eee");
  assert_string_equal(json_string_value(json_object_get(json_array_get(reply, 1), "id")), "x");
  assert_int_equal(code_of(json_array_get(reply, 2)), -32600);
  assert_null(request(*state, "{\"jsonrpc\":\"2.0\",\"method\":\"eth_blockNumber\"}"));
  assert_null(request(*state, "[{\"jsonrpc\":\"2.0\",\"method\":\"eth_blockNumber\"}]"));
}

/* What no block may hold: other chain, fees, nonce, types, gas below what the bytes cost. */
static json_t *send_changed(world *w, void (*change)(ia_tx *))
{
  ia_tx tx = {.type = 2,
              .chain_id = w->chain_id,
              .nonce = world_nonce(w, STRANGER),
              .gas = 100000,
              .to = w->who[WORKER]};
  IA_AUTOV(ia_buf) raw = {0};
  IA_AUTOV(ia_buf) params = {0};

  change(&tx);
  assert_true(ia_tx_sign(&raw, &tx, w->secp, &w->key[STRANGER], NULL));
  ia_buf_str(&params, "[\"");
  ia_buf_hex0x(&params, ia_buf_view(&raw));
  ia_buf_str(&params, "\"]");
  ia_buf_u8(&params, 0);
  return world_rpc(w, "eth_sendRawTransaction", (const char *)params.ptr);
}

static void other_chain(ia_tx *tx)
{
  tx->chain_id = 1;
}
static void with_fee(ia_tx *tx)
{
  tx->max_fee = ia_u256_of(1);
}
static void nonce_ahead(ia_tx *tx)
{
  tx->nonce++;
}
static void little_gas(ia_tx *tx)
{
  tx->gas = 20999;
}
static void with_value(ia_tx *tx)
{
  tx->value = ia_u256_of(1);
}
static void nothing(ia_tx *tx IA_UNUSED) {}
static void used_nonce(ia_tx *tx)
{
  tx->nonce = 0;
}
static void legacy(ia_tx *tx)
{
  tx->type = 0;
}

static void transactions_are_refused_with_the_reason(void **state)
{
  static const struct {
    void (*change)(ia_tx *);
    const char *begins; /* of the message; NULL = accepted */
  } cases[] = {
      {other_chain, "invalid chain id"},  {with_fee, "this ledger takes no fees"},
      {nonce_ahead, "nonce too high"},    {little_gas, "intrinsic gas too low"},
      {with_value, "Insufficient funds"}, {nothing, NULL},
      {used_nonce, "nonce too low"},      {legacy, NULL},
  };

  for (size_t i = 0; i < IA_COUNT(cases); i++) {
    IA_AUTO_JSON *reply = send_changed(*state, cases[i].change);
    const char *message = message_of(reply);

    if (!cases[i].begins) {
      assert_null(message);
      continue;
    }
    assert_int_equal(code_of(reply), -32003);
    if (strncmp(message, cases[i].begins, strlen(cases[i].begins)) != 0)
      fail_msg("%s, want %s", message, cases[i].begins);
  }
}

static void blocks_are_chained_and_found(void **state)
{
  world *w = *state;
  ia_args a = {.value = {ia_u256_of(5)}};
  char ask[100];

  IA_AUTO_JSON *receipt = world_send(w, STRANGER, &w->token, IA_CALL_FAUCET, &a, true);
  IA_AUTO_JSON *head = world_ask(w, "eth_getBlockByNumber", "[\"latest\",true]");
  IA_AUTO_JSON *first = world_ask(w, "eth_getBlockByNumber", "[\"0x0\",false]");
  assert_string_equal(json_string_value(json_object_get(head, "parentHash")),
                      json_string_value(json_object_get(first, "hash")));
  assert_string_equal(json_string_value(json_object_get(head, "number")), "0x1");
  assert_string_equal(json_string_value(json_object_get(head, "baseFeePerGas")), "0x0");
  const json_t *tx = json_array_get(json_object_get(head, "transactions"), 0);
  assert_string_equal(json_string_value(json_object_get(tx, "hash")),
                      json_string_value(json_object_get(receipt, "transactionHash")));
  assert_string_equal(json_string_value(json_object_get(tx, "from")),
                      ia_addr_lower(&w->who[STRANGER]).s);
  (void)snprintf(ask, sizeof(ask), "[\"%s\",false]",
                 json_string_value(json_object_get(head, "hash")));
  IA_AUTO_JSON *same = world_ask(w, "eth_getBlockByHash", ask);
  assert_string_equal(json_string_value(json_object_get(same, "number")), "0x1");
  (void)snprintf(ask, sizeof(ask), "[\"%s\"]", json_string_value(json_object_get(tx, "hash")));
  IA_AUTO_JSON *raw = world_ask(w, "eth_getRawTransactionByHash", ask);
  IA_AUTOV(ia_buf) bytes = {0};
  ia_tx again;
  assert_true(ia_unhex_buf(&bytes, ia_span_str(json_string_value(raw))));
  assert_true(ia_tx_decode(&again, ia_buf_view(&bytes), NULL));
  IA_AUTO_JSON *none = world_ask(w, "eth_getBlockByNumber", "[\"0x99\",false]");
  assert_true(json_is_null(none));
}

static size_t count_logs(world *w, const char *filter)
{
  IA_AUTO_JSON *logs = world_ask(w, "eth_getLogs", filter);

  return json_array_size(logs);
}

static void logs_are_found_by_address_topic_and_range(void **state)
{
  world *w = *state;
  ia_args a = {.value = {ia_u256_of(5)}};
  char filter[512];

  for (int i = 0; i < 3; i++)
    json_decref(world_send(w, i == 2 ? WORKER : STRANGER, &w->token, IA_CALL_FAUCET, &a, true));
  const char *transfer = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
  assert_int_equal(count_logs(w, "[{\"fromBlock\":\"0x1\",\"toBlock\":\"latest\"}]"), 3);
  (void)snprintf(filter, sizeof(filter),
                 "[{\"fromBlock\":\"0x1\",\"address\":[\"%s\"],\"topics\":[\"%s\"]}]",
                 ia_addr_lower(&w->token).s, transfer);
  assert_int_equal(count_logs(w, filter), 3);
  (void)snprintf(filter, sizeof(filter),
                 "[{\"fromBlock\":\"0x0\",\"topics\":[[\"%s\"],null,"
                 "\"0x000000000000000000000000%s\"]}]",
                 transfer, ia_addr_lower(&w->who[WORKER]).s + 2);
  assert_int_equal(count_logs(w, filter), 1);
  (void)snprintf(filter, sizeof(filter),
                 "[{\"fromBlock\":\"0x2\",\"toBlock\":\"0x2\",\"topics\":[\"%s\"]}]", transfer);
  assert_int_equal(count_logs(w, filter), 1);
  (void)snprintf(filter, sizeof(filter), "[{\"fromBlock\":\"0x1\",\"address\":\"%s\"}]",
                 ia_addr_lower(&w->hub).s);
  assert_int_equal(count_logs(w, filter), 0);
}

static void code_tells_groups_from_accounts(void **state)
{
  world *w = *state;
  char ask[80];

  (void)snprintf(ask, sizeof(ask), "[\"%s\",\"latest\"]", ia_addr_lower(&w->group).s);
  IA_AUTO_JSON *group = world_ask(w, "eth_getCode", ask);
  assert_non_null(strstr(json_string_value(group), "d202158d"));
  (void)snprintf(ask, sizeof(ask), "[\"%s\",\"latest\"]", ia_addr_lower(&w->pool).s);
  IA_AUTO_JSON *pool = world_ask(w, "eth_getCode", ask);
  assert_true(strlen(json_string_value(pool)) > 2);
  (void)snprintf(ask, sizeof(ask), "[\"%s\",\"latest\"]", ia_addr_lower(&w->who[WORKER]).s);
  IA_AUTO_JSON *account = world_ask(w, "eth_getCode", ask);
  assert_string_equal(json_string_value(account), "0x");
}

static void the_packages_find_their_addresses(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) store = {0};
  ia_args a = {.addr = {w->pool}}, out;

  assert_string_equal(ia_addr_lower(&w->pool).s, "0xb967057a21dc6a66a29721d96b8aa7454b7c383f");
  assert_string_equal(ia_addr_lower(&w->group).s, "0x8d46d40840f1aa2264f96184ffadf04e5d573b9b");
  world_view(w, &w->registry[IA_ASSET_WORKERPOOL], IA_CALL_IS_REGISTERED, &a, &out, &store);
  assert_true(out.flag);
  a.value[0] = ia_u256_of(IA_GROUPMEMBER_PURPOSE);
  memset(&a.id[0], 0, 32);
  memcpy(a.id[0].b + 12, w->group.b, 20);
  world_view(w, &w->group, IA_CALL_KEY_HAS_PURPOSE, &a, &out, &store);
  assert_true(out.flag); /* a whitelist holds itself */
}

/* The long poll answers a follower that is behind at once, and says to wait when there is no news.
 */
static void waiting_needs_a_newer_block(void **state)
{
  static const char ask[] = "{\"id\":5,\"method\":\"iapp_waitBlock\",\"params\":[0,9000]}";
  world *w = *state;
  IA_AUTOV(ia_ledger_reply) r = {0};
  IA_AUTOV(ia_ledger_reply) after = {0};
  ia_err e;

  assert_true(ia_ledger_rpc(w->l, ia_span_str(ask), &r, &e));
  assert_true(r.wait);
  assert_int_equal(r.wait_ms, 9000);
  json_decref(world_ask(w, "evm_mine", "[]"));
  assert_true(ia_ledger_wait_reply(w->l, &r, &e));
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&r.text), 0, &e);
  assert_int_equal(json_integer_value(json_object_get(v, "id")), 5);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(v, "result"), "number")), 1);
  assert_true(ia_ledger_rpc(w->l, ia_span_str(ask), &after, &e));
  assert_false(after.wait);
}

static uint64_t world_head(world *w)
{
  IA_AUTO_JSON *v = world_ask(w, "eth_blockNumber", "[]");

  return strtoull(json_string_value(v), NULL, 16);
}

static char *snapshot(world *w)
{
  IA_AUTO_JSON *id = world_ask(w, "evm_snapshot", "[]");

  return strdup(json_string_value(id));
}

static bool revert(world *w, const char *id)
{
  char params[40];

  (void)snprintf(params, sizeof(params), "[\"%s\"]", id);
  IA_AUTO_JSON *done = world_ask(w, "evm_revert", params);
  return json_is_true(done);
}

static void give(world *w, uint64_t nrlc)
{
  ia_args a = {.value = {ia_u256_of(nrlc)}};

  json_decref(world_send(w, STRANGER, &w->token, IA_CALL_FAUCET, &a, true));
}

static void snapshots_nest_and_are_reverted_once(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) store = {0};
  ia_args who = {.addr = {w->who[STRANGER]}}, balance;

  uint64_t before = world_head(w), nonce = world_nonce(w, STRANGER);
  ia_autofree char *outer = snapshot(w);
  give(w, 5);
  ia_autofree char *inner = snapshot(w);
  give(w, 7);
  give(w, 9);
  assert_true(revert(w, inner));
  world_view(w, &w->token, IA_CALL_BALANCE_OF, &who, &balance, &store);
  assert_true(ia_u256_eq(&balance.value[0], &(ia_u256){.w = {5}}));
  assert_false(revert(w, inner));
  give(w, 1);
  assert_true(revert(w, outer));
  world_view(w, &w->token, IA_CALL_BALANCE_OF, &who, &balance, &store);
  assert_true(ia_u256_zero(&balance.value[0]));
  assert_int_equal(world_head(w), before);
  assert_int_equal(world_nonce(w, STRANGER), nonce);
  assert_false(revert(w, outer));
  give(w, 3); /* the ledger goes on */
  assert_int_equal(world_head(w), before + 1);
}

static void ask_call(world *w, ia_span data, ia_ledger_reply *r)
{
  IA_AUTO_JSON *rq = json_pack("{s:i,s:s,s:[{s:o,s:o},s]}", "id", 1, "method", "eth_call", "params",
                               "to", ia_json_addr(&w->hub), "data", ia_json_hex(data), "latest");
  IA_AUTOV(ia_buf) text = {0};

  assert_true(ia_json_write(&text, rq, NULL));
  assert_true(ia_ledger_rpc(w->l, ia_buf_view(&text), r, NULL));
}

static void reads_of_running_tasks_are_known(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) store = {0};
  IA_AUTOV(ia_buf) data = {0};
  ia_sig sigs[IA_ORDER_KINDS];
  ia_args of = {0};
  ia_match m;
  ia_h256 task, other = {{1}};

  world_settle_in(w);
  world_orders(w, &m, 1);
  world_sign(w, &m, sigs);
  ia_h256 deal = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  ia_u256 zero = ia_u256_of(0);
  ia_task_id(&task, &deal, &zero);
  assert_true(ia_ledger_task_runs(w->l, &task)); /* not initialised, but of a new deal */
  assert_false(ia_ledger_task_runs(w->l, &other));
  world_initialize(w, &deal, 0);
  assert_true(ia_ledger_task_runs(w->l, &task));
  of.id[0] = task;
  ia_call_encode(&data, IA_CALL_VIEW_TASK, &of);
  IA_AUTOV(ia_ledger_reply) r = {0};
  ask_call(w, ia_buf_view(&data), &r);
  assert_true(r.watches && ia_h256_eq(&r.task, &task) && !r.wrote);
  world_proofs(w, &of, &task, "done", NULL, &store);
  json_decref(world_send(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &of, true));
  assert_false(ia_ledger_task_runs(w->l, &task));
  IA_AUTOV(ia_ledger_reply) after = {0};
  ask_call(w, ia_buf_view(&data), &after);
  assert_false(after.watches);
}

/* A long batch comes in slices, between which others have their turn; its reply is the same. */
static void batches_come_in_slices(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_buf) text = {0}, at_once = {0};
  IA_AUTOV(ia_ledger_reply) r = {0};
  ia_ledger_rest *rest = NULL;
  bool whole = false;
  size_t slices = 0;
  ia_err e;

  ia_buf_str(&text, "[");
  for (int i = 0; i < 1000; i++)
    ia_buf_printf(&text,
                  "%s{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"eth_getLogs\",\"params\":"
                  "[{\"fromBlock\":\"0x0\",\"toBlock\":\"latest\"}]}",
                  i ? "," : "", i);
  ia_buf_str(&text, "]");
  assert_true(ia_ledger_request(w->l, ia_buf_view(&text), &at_once, &e));
  assert_true(ia_ledger_rpc_begin(w->l, ia_buf_view(&text), &r, &rest, &e));
  assert_non_null(rest);
  for (; !whole; slices++) {
    IA_AUTO_JSON *other = request(w, "{\"id\":1,\"method\":\"eth_blockNumber\"}");

    assert_non_null(json_object_get(other, "result"));
    assert_true(ia_ledger_rpc_go_on(w->l, rest, &r, &whole, &e));
  }
  assert_true(slices > 1);
  assert_true(ia_ledger_rest_spent(rest) > 0);
  ia_ledger_rest_free(rest);
  assert_int_equal(r.text.len, at_once.len);
  assert_memory_equal(r.text.ptr, at_once.ptr, at_once.len);
}

/* Pages of elsewhere drive no test and pour no faucet, in a batch neither. */
static void pages_drive_no_test(void **state)
{
  static const char *const texts[] = {
      "{\"id\":1,\"method\":\"evm_increaseTime\",\"params\":[9]}",
      "{\"id\":1,\"method\":\"evm_mine\"}",
      "{\"id\":1,\"method\":\"evm_snapshot\"}",
      "[{\"id\":1,\"method\":\"evm_revert\",\"params\":[\"0x1\"]}]",
  };
  world *w = *state;
  uint64_t head = ia_ledger_head(w->l);

  for (size_t i = 0; i < IA_COUNT(texts); i++) {
    IA_AUTOV(ia_ledger_reply) r = {.from_page = true};
    ia_err e;

    assert_true(ia_ledger_rpc(w->l, ia_span_str(texts[i]), &r, &e));
    ia_buf_u8(&r.text, 0);
    assert_non_null(strstr((const char *)r.text.ptr, "not for a page"));
  }
  assert_int_equal(ia_ledger_head(w->l), head);
}

static void test_methods_exist_for_tests_only(void **state IA_UNUSED)
{
  ia_ledger_config c = {0};
  IA_AUTOV(ia_buf) reply = {0};
  IA_AUTO(ia_ledger) *l = NULL;
  ia_err e;

  memset(c.genesis.pool_owner.b, 0x31, 20);
  assert_true(ia_ledger_open(&l, &c, &e));
  assert_true(ia_ledger_request(
      l, ia_span_str("{\"id\":1,\"method\":\"evm_increaseTime\",\"params\":[1]}"), &reply, &e));
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&reply), 0, &e);
  assert_int_equal(code_of(v), -32601);
  ia_ledger_config dev = {.genesis.dev_accounts = true};
  IA_AUTO(ia_ledger) *other = NULL;
  memset(dev.genesis.pool_owner.b, 0x31, 20);
  assert_false(ia_ledger_open(&other, &dev, &e));
  static const uint8_t known[20] = {0xf3, 0x9f, 0xd6, 0xe5, 0x1a, 0xad, 0x88, 0xf6, 0xf4, 0xce,
                                    0x6a, 0xb8, 0x82, 0x72, 0x79, 0xcf, 0xff, 0xb9, 0x22, 0x66};
  memcpy(dev.genesis.pool_owner.b, known, 20);
  dev.test = true;
  assert_false(ia_ledger_open(&other, &dev, &e)); /* a role is never a development account */
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      TEST(ids_come_back_as_they_are),
      TEST(what_was_paid_is_told_for_each_percentile),
      TEST(malformed_requests_have_their_codes),
      TEST(batches_answer_in_order_without_notifications),
      TEST(transactions_are_refused_with_the_reason),
      TEST(blocks_are_chained_and_found),
      TEST(logs_are_found_by_address_topic_and_range),
      TEST(code_tells_groups_from_accounts),
      TEST(the_packages_find_their_addresses),
      TEST(waiting_needs_a_newer_block),
      TEST(snapshots_nest_and_are_reverted_once),
      TEST(reads_of_running_tasks_are_known),
      TEST(batches_come_in_slices),
      TEST(pages_drive_no_test),
      cmocka_unit_test(test_methods_exist_for_tests_only),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
