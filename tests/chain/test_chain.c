/* The chain client and the follower against our own ledger over HTTP, and against a node that
 * answers wrongly or rewrites its past. */
#include "../crypto/support.h"
#include "../http/fixture.h"
#include "chain/follow.h"
#include "service/ledger/service.h"

typedef struct lab {
  fixture f;
  ia_ledger_service *ledger;
  ia_chain *chain;
  ia_secp *secp;
  ia_secret key;
  ia_addr me;
} lab;

#define MUST(call)                                                                                 \
  do {                                                                                             \
    ia_err e = {0};                                                                                \
    if (!(call)) {                                                                                 \
      print_error("%s: %s\n", #call, e.msg);                                                       \
      fail();                                                                                      \
    }                                                                                              \
  } while (0)

static int open_lab(void **state)
{
  static lab b;
  ia_ledger_config lc = {.genesis = {.seed = {{7}}}, .test = true};
  ia_chain_options o = {0};

  b = (lab){0};
  MUST(ia_secp_new(&b.secp, &e));
  b.key = key_of(5);
  MUST(ia_secp_address(b.secp, &b.me, &b.key, &e));
  lc.genesis.pool_owner = b.me;
  MUST(fixture_start(&b.f, NULL, &e));
  MUST(ia_ledger_service_open(&b.ledger, &lc, b.f.loop, &e));
  MUST(ia_server_mount(b.f.server, ia_ledger_service_routes(b.ledger), &e));
  assert_true(fixture_run_on(&b.f));
  o.url = ia_server_url(b.f.server);
  MUST(ia_chain_open(&b.chain, &o, &e));
  *state = &b;
  return 0;
}

static int close_lab(void **state)
{
  lab *b = *state;

  ia_chain_close(b->chain);
  ia_loop_stop(b->f.loop);
  pthread_join(b->f.thread, NULL);
  ia_server_close(b->f.server);
  ia_ledger_service_close(b->ledger);
  ia_loop_free(b->f.loop);
  ia_http_free(b->f.http);
  ia_secret_free(&b->key);
  ia_secp_free(b->secp);
  return 0;
}

static bool faucet(lab *b, uint64_t nrlc, ia_chain_sent *sent, ia_err *e)
{
  const ia_chain_account_key k = {b->secp, &b->key};
  const ia_args a = {.value = {ia_u256_of(nrlc)}};
  ia_chain_info info;

  return ia_chain_info_get(b->chain, &info, e) &&
         ia_chain_call(b->chain, sent, &k, &info.token, IA_CALL_FAUCET, &a, e);
}

static void knows_our_ledger(void **state)
{
  lab *b = *state;
  ia_chain_options o = {.url = ia_server_url(b->f.server), .chain_id = 1};
  ia_chain *other = NULL;
  ia_domain_info d;
  IA_AUTOV(ia_buf) store = {0};
  ia_err why = {0};

  assert_true(ia_chain_is_local(b->chain));
  assert_int_equal(ia_chain_id(b->chain), 421614);
  MUST(ia_chain_read(b->chain, &d, &store, NULL, IA_CALL_DOMAIN, NULL, &e));
  assert_true(ia_span_is(d.name, "iExecODB"));
  assert_true(ia_addr_eq(&d.verifying_contract, ia_chain_hub(b->chain)));
  assert_false(ia_chain_open(&other, &o, &why));
  assert_int_equal(why.code, IA_E_CHAIN_ID);
}

static void sends_and_reads(void **state)
{
  lab *b = *state;
  IA_AUTOV(ia_chain_sent) sent = {0};
  IA_AUTOV(ia_chain_receipt) again = {0};
  IA_AUTOV(ia_chain_tx) tx = {0};
  ia_block head;

  MUST(faucet(b, 1000, &sent, &e));
  assert_true(sent.receipt.ok);
  assert_true(ia_addr_eq(&sent.receipt.from, &b->me));
  MUST(ia_chain_tx_get(b->chain, &tx, &sent.receipt.tx, &e));
  assert_int_equal(tx.block, sent.receipt.block);
  assert_int_equal(tx.input.len, 36);
  /* bytes that are known already are no error */
  MUST(ia_chain_send_raw(b->chain, &again, ia_buf_view(&sent.raw), &e));
  assert_int_equal(again.block, sent.receipt.block);
  MUST(ia_chain_head(b->chain, &head, &e));
  assert_int_equal(head.number, sent.receipt.block);
}

static void refusals_have_their_class(void **state)
{
  lab *b = *state;
  const ia_chain_account_key k = {b->secp, &b->key};
  IA_AUTOV(ia_chain_sent) sent = {0};
  IA_AUTOV(ia_buf) store = {0};
  IA_AUTO_JSON *v = NULL;
  ia_args a = {.id = {{{1}}}};
  ia_deal deal;
  ia_block block;
  ia_err why = {0};

  assert_false(ia_chain_call(b->chain, &sent, &k, NULL, IA_CALL_CLAIM, &a, &why));
  assert_int_equal(why.code, IA_E_REVERT);
  assert_false(ia_chain_deal(b->chain, &deal, &store, &a.id[0], &why));
  assert_int_equal(why.code, IA_E_NOT_FOUND);
  assert_false(ia_chain_block(b->chain, &block, 1000000, &why));
  assert_int_equal(why.code, IA_E_NOT_FOUND);
  assert_false(ia_rpc_call(ia_chain_rpc(b->chain), &v, "eth_mining", NULL, &why));
  assert_int_equal(why.code, IA_E_UNSUPPORTED);
  assert_null(v);
}

static void batches_keep_order_and_failures_apart(void **state)
{
  lab *b = *state;
  ia_rpc_item items[3] = {
      {.method = "eth_blockNumber"}, {.method = "no_such"}, {.method = "eth_chainId"}};
  uint64_t id;

  MUST(ia_rpc_batch(ia_chain_rpc(b->chain), items, 3, &e));
  assert_true(items[0].ok && items[2].ok);
  assert_false(items[1].ok);
  assert_int_equal(items[1].err.code, IA_E_UNSUPPORTED);
  MUST(ia_rpc_u64(&id, items[2].result, &e));
  assert_int_equal(id, 421614);
  ia_rpc_items_free(items, 3);
}

/* -- the follower -- */

typedef struct seen {
  size_t n_logs, n_calls, n_rollbacks;
  ia_cursor last;
  bool refuse;
} seen;

static bool on_blocks(void *ctx, const ia_chain_logs *logs, const ia_cursor *to, ia_err *e)
{
  seen *s = ctx;

  if (s->refuse)
    return ia_fail(e, IA_E_IO, "not now");
  s->n_logs += logs->n;
  s->n_calls++;
  assert_true(to->number >= s->last.number || s->n_rollbacks > 0);
  s->last = *to;
  return true;
}

static bool on_rollback(void *ctx, const ia_cursor *to, ia_err *e)
{
  seen *s = ctx;

  (void)e;
  s->n_rollbacks++;
  s->last = *to;
  return true;
}

static void follows_in_steps_and_waits(void **state)
{
  static const ia_event_id transfer = IA_EV_TRANSFER;
  lab *b = *state;
  seen s = {0};
  const ia_follow_config cfg = {.events = &transfer,
                                .n_events = 1,
                                .span = 3,
                                .blocks = on_blocks,
                                .rollback = on_rollback,
                                .ctx = &s};
  IA_AUTO(ia_follow) *f = NULL;
  ia_cursor from = {0};
  ia_err why = {0};
  size_t before;

  for (int i = 0; i < 5; i++) {
    IA_AUTOV(ia_chain_sent) sent = {0};

    MUST(faucet(b, 1, &sent, &e));
  }
  MUST(ia_follow_new(&f, b->chain, &cfg, &from, &e));
  MUST(ia_follow_catch_up(f, &e));
  assert_true(s.n_calls >= 2 && s.n_logs >= 5);
  before = s.n_logs;
  MUST(ia_follow_catch_up(f, &e));
  assert_int_equal(s.n_logs, before); /* nothing twice */
  IA_AUTOV(ia_chain_sent) sent = {0};
  MUST(faucet(b, 1, &sent, &e));
  s.refuse = true; /* what the owner could not store comes again */
  assert_false(ia_follow_wait(f, 5000, &why));
  s.refuse = false;
  MUST(ia_follow_wait(f, 5000, &e));
  assert_int_equal(s.n_logs, before + 1);
  assert_int_equal(s.last.number, sent.receipt.block);
  assert_int_equal(s.n_rollbacks, 0);
}

/* -- a node of our own making -- */

typedef struct node {
  fixture f;
  uint64_t height, fork; /* blocks from `fork` have other hashes */
  uint64_t most;         /* blocks that it looks for logs in at once; 0 = any number */
  const char *raw;       /* this instead of an answer */
} node;

static json_t *node_block(const node *n, uint64_t number)
{
  ia_h256 hash = {{0}};

  hash.b[0] = (uint8_t)(number + 1);
  hash.b[1] = number >= n->fork ? (uint8_t)(n->fork + 1) : 0;
  return json_pack("{s:o, s:o, s:o, s:s}", "number", ia_rpc_quantity(number), "hash",
                   ia_json_h256(&hash), "parentHash", ia_json_h256(&hash), "timestamp", "0x1");
}

static json_t *node_logs(const node *n, const json_t *filter)
{
  uint64_t from, to;

  MUST(ia_rpc_get_u64(filter, "fromBlock", &from, &e));
  MUST(ia_rpc_get_u64(filter, "toBlock", &to, &e));
  return n->most && to - from >= n->most ? NULL : json_array();
}

static json_t *node_result(const node *n, const char *method, const json_t *params)
{
  const char *which = json_string_value(json_array_get(params, 0));
  ia_u256 v;
  uint64_t number = n->height;

  if (strcmp(method, "eth_chainId") == 0)
    return json_string("0x1");
  if (strcmp(method, "eth_getLogs") == 0)
    return node_logs(n, json_array_get(params, 0));
  if (strcmp(method, "eth_getBlockByNumber") != 0)
    return NULL;
  if (strcmp(which, "latest") != 0 && ia_u256_parse(&v, ia_span_str(which), NULL))
    assert_true(ia_u256_u64(&number, &v));
  return number > n->height ? json_null() : node_block(n, number);
}

static bool node_post(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  const node *n = ctx;
  IA_AUTO_JSON *body = ia_request_json(rq, e);
  IA_AUTO_JSON *answer = NULL;
  const char *method = json_string_value(json_object_get(body, "method"));
  json_t *result;

  if (!body)
    return false;
  if (n->raw) {
    ia_buf_str(ia_reply_body(rp), n->raw);
    return true;
  }
  result = node_result(n, method, json_object_get(body, "params"));
  answer = json_pack("{s:s, s:O}", "jsonrpc", "2.0", "id", json_object_get(body, "id"));
  if (result)
    json_object_set_new(answer, "result", result);
  else
    json_object_set_new(answer, "error",
                        json_pack("{s:i, s:s}", "code",
                                  strcmp(method, "eth_getLogs") == 0 ? -32005 : -32601, "message",
                                  "query returned more than 10000 results"));
  return ia_reply_json(rp, 200, answer, e);
}

static void with_node(node *n, ia_chain **chain)
{
  static const ia_route rows[] = {{"POST", "/", IA_ROUTE_INLINE, 1 << 16, false, node_post}};
  static ia_routes table;
  const ia_routes *tables[] = {&table, NULL};
  ia_chain_options o = {.hub = {{1}}};

  table = (ia_routes){.rows = rows, .n = 1, .ctx = n};
  MUST(fixture_open(&n->f, NULL, tables, &e));
  o.url = ia_server_url(n->f.server);
  MUST(ia_chain_open(chain, &o, &e));
  assert_false(ia_chain_is_local(*chain));
}

/* The follower goes back to the last block that both have, and reads on from there. */
static void a_rewritten_chain_is_rolled_back(void **state IA_UNUSED)
{
  node n = {.height = 4, .fork = 100};
  IA_AUTO(ia_chain) *c = NULL;
  IA_AUTO(ia_follow) *f = NULL;
  seen s = {0};
  const ia_follow_config cfg = {.span = 2, .blocks = on_blocks, .rollback = on_rollback, .ctx = &s};
  ia_cursor from = {0};

  with_node(&n, &c);
  MUST(ia_follow_new(&f, c, &cfg, &from, &e));
  MUST(ia_follow_catch_up(f, &e)); /* cursors 1, 3, 4 */
  assert_int_equal(s.last.number, 4);
  n.fork = 3;
  n.height = 6;
  MUST(ia_follow_wait(f, 100, &e));
  assert_int_equal(s.n_rollbacks, 1);
  assert_int_equal(s.last.number, 6);
  assert_int_equal(s.last.hash.b[1], 4);
  n.fork = 0; /* nothing is left of what we knew */
  n.height = 7;
  MUST(ia_follow_wait(f, 100, &e));
  assert_int_equal(s.n_rollbacks, 2);
  assert_int_equal(s.last.number, 7);
  fixture_close(&n.f);
}

/* Blocks so full that the node gives few at once are still followed, and no block is left out. */
static void a_node_with_limits_is_followed(void **state IA_UNUSED)
{
  node n = {.height = 1000, .fork = 2000, .most = 3};
  IA_AUTO(ia_chain) *c = NULL;
  IA_AUTO(ia_follow) *f = NULL;
  IA_AUTOV(ia_chain_logs) logs = {0};
  seen s = {0};
  const ia_follow_config cfg = {.blocks = on_blocks, .rollback = on_rollback, .ctx = &s};
  ia_chain_filter filter = {.from = 10, .to = 500};
  ia_cursor from = {0};

  with_node(&n, &c);
  MUST(ia_follow_new(&f, c, &cfg, &from, &e));
  MUST(ia_follow_catch_up(f, &e));
  assert_int_equal(s.last.number, 1000);
  assert_true(s.n_calls >= 1000 / 3);
  MUST(ia_chain_logs_part(c, &logs, &filter, &e));
  assert_true(filter.from == 10 && filter.to >= 10 && filter.to < 13);
  n.most = 1;
  n.height = 1001;
  MUST(ia_follow_catch_up(f, &e));
  assert_int_equal(s.last.number, 1001);
  fixture_close(&n.f);
}

static void hostile_answers(void **state IA_UNUSED)
{
  static const char *const raw[] = {
      "",
      "[]",
      "{}",
      "null",
      "{\"id\":1}",
      "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":\"0x1\"}",
      "{\"id\":null,\"result\":{}}",
      "[{\"id\":1}]",
      "{\"result\":",
  };
  node n = {.height = 1, .fork = 100};
  IA_AUTO(ia_chain) *c = NULL;

  with_node(&n, &c);
  for (size_t i = 0; i < IA_COUNT(raw); i++) {
    ia_rpc_item item = {.method = "eth_chainId"};
    ia_block b;
    ia_err why = {0};

    n.raw = raw[i];
    assert_false(ia_chain_head(c, &b, &why));
    assert_int_not_equal(why.code, IA_OK);
    if (ia_rpc_batch(ia_chain_rpc(c), &item, 1, &why))
      assert_false(item.ok);
    ia_rpc_items_free(&item, 1);
  }
  fixture_close(&n.f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_our_ledger),
      cmocka_unit_test(sends_and_reads),
      cmocka_unit_test(refusals_have_their_class),
      cmocka_unit_test(batches_keep_order_and_failures_apart),
      cmocka_unit_test(follows_in_steps_and_waits),
      cmocka_unit_test(a_rewritten_chain_is_rolled_back),
      cmocka_unit_test(a_node_with_limits_is_followed),
      cmocka_unit_test(hostile_answers),
  };

  return cmocka_run_group_tests(tests, open_lab, close_lab);
}
