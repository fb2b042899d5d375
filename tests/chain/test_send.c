/* Sending to a node that mines when it is told to, forgets, and says no in the words of others. */
#include "../crypto/support.h"
#include "../http/fixture.h"
#include "base/hex.h"
#include "chain/coin.h"
#include "chain/outbox.h"
#include "chain/poco.h"
#include "chain/words.h"

#define MUST(call)                                                                                 \
  do {                                                                                             \
    ia_err e = {0};                                                                                \
    if (!(call)) {                                                                                 \
      print_error("%s: %s\n", #call, e.msg);                                                       \
      fail();                                                                                      \
    }                                                                                              \
  } while (0)

enum { SENT_MAX = 16 };

typedef struct node {
  fixture f;
  uint64_t height, mined; /* mined: transactions of the account in blocks */
  uint64_t base_fee;
  const char *no; /* this instead of taking a transaction, so often */
  unsigned n_no;
  bool keeps;   /* a transaction is mined as soon as it comes */
  bool forgets; /* .. or is not even known */
  ia_buf sent[SENT_MAX];
  unsigned n_sent;
  ia_h256 in_block; /* zero: none of ours is */
  unsigned late;    /* so many questions come before the receipt is shown */
} node;

static json_t *block_of(const node *n)
{
  const ia_h256 hash = {{1}};

  return json_pack("{s:o, s:o, s:o, s:s, s:o, s:s}", "number", ia_rpc_quantity(n->height), "hash",
                   ia_json_h256(&hash), "parentHash", ia_json_h256(&hash), "timestamp", "0x1",
                   "baseFeePerGas", ia_rpc_quantity(n->base_fee), "gasLimit", "0x1c9c380");
}

static void mine(node *n, unsigned which)
{
  ia_tx_hash(&n->in_block, ia_buf_view(&n->sent[which]));
  n->height++;
  n->mined++;
}

static json_t *receipt_of(node *n, const char *hash)
{
  const ia_h256 block = {{1}};
  const ia_addr from = {{2}};

  if (ia_h256_zero(&n->in_block) || strcmp(ia_h256_text(&n->in_block).s, hash) != 0)
    return json_null();
  if (n->late > 0) {
    n->late--;
    return json_null();
  }
  return json_pack("{s:s, s:o, s:o, s:o, s:[]}", "status", "0x1", "blockNumber",
                   ia_rpc_quantity(n->height), "blockHash", ia_json_h256(&block), "from",
                   ia_json_addr(&from), "logs");
}

static json_t *take_tx(node *n, const char *hex)
{
  ia_h256 hash;

  if (n->no && n->n_no > 0 && n->n_no--)
    return json_pack("{s:i, s:s}", "code", -32000, "message", n->no);
  assert_true(n->n_sent < SENT_MAX);
  n->sent[n->n_sent] = (ia_buf){0};
  assert_true(ia_unhex_buf(&n->sent[n->n_sent], ia_span_str(hex)));
  ia_tx_hash(&hash, ia_buf_view(&n->sent[n->n_sent]));
  if (n->keeps)
    mine(n, n->n_sent);
  n->n_sent++;
  return ia_json_h256(&hash);
}

static json_t *known_tx(const node *n)
{
  const ia_addr a = {{2}};

  return n->forgets ? json_null()
                    : json_pack("{s:n, s:o, s:o, s:s}", "blockNumber", "from", ia_json_addr(&a),
                                "to", ia_json_addr(&a), "input", "0x");
}

static json_t *answer_to(node *n, const char *method, const char *first)
{
  static const struct {
    const char *method, *answer;
  } fixed[] = {{"eth_chainId", "0x5"},
               {"eth_estimateGas", "0x5208"},
               {"eth_gasPrice", "0x77359400"},
               {"eth_maxPriorityFeePerGas", "0x3b9aca00"},
               {"eth_getBalance", "0x9184e72a000"}};

  for (size_t i = 0; i < IA_COUNT(fixed); i++)
    if (strcmp(method, fixed[i].method) == 0)
      return json_string(fixed[i].answer);
  if (strcmp(method, "eth_getBlockByNumber") == 0)
    return block_of(n);
  if (strcmp(method, "eth_getTransactionCount") == 0)
    return ia_rpc_quantity(n->mined);
  if (strcmp(method, "eth_getTransactionReceipt") == 0)
    return receipt_of(n, first);
  if (strcmp(method, "eth_getTransactionByHash") == 0)
    return known_tx(n);
  if (strcmp(method, "eth_sendRawTransaction") == 0)
    return take_tx(n, first);
  return json_pack("{s:i, s:s}", "code", -32601, "message", "no such method");
}

static json_t *one(node *n, const json_t *ask)
{
  const char *first = json_string_value(json_array_get(json_object_get(ask, "params"), 0));
  json_t *v = answer_to(n, json_string_value(json_object_get(ask, "method")), first);
  bool error = json_object_get(v, "message") != NULL;

  return json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", json_object_get(ask, "id"),
                   error ? "error" : "result", v);
}

static bool node_post(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *body = ia_request_json(rq, e);
  IA_AUTO_JSON *answers = NULL;
  json_t *ask;
  size_t i;

  if (!body)
    return false;
  if (!json_is_array(body)) {
    answers = one(ctx, body);
    return ia_reply_json(rp, 200, answers, e);
  }
  answers = json_array();
  json_array_foreach (body, i, ask)
    json_array_append_new(answers, one(ctx, ask));
  return ia_reply_json(rp, 200, answers, e);
}

typedef struct lab {
  node n;
  ia_chain *chain;
  ia_secp *secp;
  ia_secret key;
  ia_chain_account_key account;
  char folder[64];
} lab;

static void start(lab *b, const char *max_fee, uint32_t stuck_ms)
{
  static const ia_route rows[] = {
      {"POST", "/", IA_ROUTE_INLINE, 1 << 16, false, node_post, IA_MARK_PUBLIC}};
  static ia_routes table;
  const ia_routes *tables[] = {&table, NULL};
  ia_chain_options o = {.hub = {{1}}, .sending = {.max_fee = max_fee, .stuck_ms = stuck_ms}};

  strcpy(b->folder, "/tmp/iapp-outbox-XXXXXX");
  assert_non_null(mkdtemp(b->folder));
  b->n.base_fee = 1000000000;
  b->n.height = 10;
  table = (ia_routes){.rows = rows, .n = 1, .ctx = &b->n};
  MUST(fixture_open(&b->n.f, NULL, tables, &e));
  o.url = ia_server_url(b->n.f.server);
  o.sending.outbox = b->folder;
  MUST(ia_chain_open(&b->chain, &o, &e));
  MUST(ia_secp_new(&b->secp, &e));
  b->key = key_of(5);
  b->account = (ia_chain_account_key){b->secp, &b->key};
}

static void end(lab *b)
{
  ia_chain_close(b->chain);
  fixture_close(&b->n.f);
  for (unsigned i = 0; i < b->n.n_sent; i++)
    ia_buf_free(&b->n.sent[i]);
  ia_secret_free(&b->key);
  ia_secp_free(b->secp);
  MUST(ia_remove_tree(b->folder, &e));
}

static bool call(lab *b, ia_chain_sent *sent, ia_err *e)
{
  const ia_addr to = {{9}};

  return ia_chain_send(b->chain, sent, &b->account, &to, ia_span_str("data"), e);
}

static ia_tx sent_tx(const lab *b, unsigned i)
{
  ia_tx tx;

  MUST(ia_tx_decode(&tx, ia_buf_view(&b->n.sent[i]), &e));
  return tx;
}

/* -- */

static void words_of_nodes(void **state IA_UNUSED)
{
  static const struct {
    const char *words;
    ia_code code;
  } rows[] = {
      /* geth and Erigon */
      {"nonce too low: next nonce 5, tx nonce 4", IA_E_NONCE_LOW},
      {"already known", IA_E_TX_KNOWN},
      {"replacement transaction underpriced", IA_E_TX_UNDERPRICED},
      {"transaction underpriced: gas tip cap 0, minimum needed 1", IA_E_FEE_REFUSED},
      {"max fee per gas less than block base fee: address 0x1", IA_E_FEE_REFUSED},
      {"insufficient funds for gas * price + value: balance 0", IA_E_INSUFFICIENT_FUNDS},
      {"exceeds block gas limit", IA_E_TOO_LARGE},
      {"could not replace existing tx", IA_E_TX_UNDERPRICED},
      /* anvil */
      {"Insufficient funds for gas * price + value", IA_E_INSUFFICIENT_FUNDS},
      {"transaction already imported", IA_E_TX_KNOWN},
      /* Nethermind */
      {"AlreadyKnown", IA_E_TX_KNOWN},
      {"OldNonce, Current nonce: 5, nonce of rejected tx: 4", IA_E_NONCE_LOW},
      {"ReplacementNotAllowed", IA_E_TX_UNDERPRICED},
      {"FeeTooLow, MaxFeePerGas too low", IA_E_FEE_REFUSED},
      {"InsufficientFunds, Account balance: 0", IA_E_INSUFFICIENT_FUNDS},
      /* Besu */
      {"Known transaction", IA_E_TX_KNOWN},
      {"Upfront cost exceeds account balance", IA_E_INSUFFICIENT_FUNDS},
      {"the sky is blue", IA_E_UNAVAILABLE},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++)
    if (ia_send_refusal(rows[i].words, IA_E_UNAVAILABLE) != rows[i].code)
      fail_msg("%s: %s", rows[i].words,
               ia_code_name(ia_send_refusal(rows[i].words, IA_E_UNAVAILABLE)));
}

static void amounts(void **state IA_UNUSED)
{
  static const struct {
    const char *wei, *text;
  } rows[] = {{"0", "0"},
              {"1", "0.000000001"},
              {"1000000000000000000", "1"},
              {"12500000000000000000", "12.5"},
              {"2100000000000000", "0.0021"},
              {"100000000000000000", "0.1"},
              {"999999999999999999", "1"}};
  static const char *const bad[] = {"", ".", "1.", ".5", "-1", "1e9", "1.0000000001", "1 "};
  ia_u256 v;

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    MUST(ia_u256_parse(&v, ia_span_str(rows[i].wei), &e));
    assert_string_equal(ia_coin_text(&v).s, rows[i].text);
  }
  assert_true(ia_gwei_parse(&v, "1.5") && v.w[0] == 1500000000);
  assert_true(ia_gwei_parse(&v, "30") && v.w[0] == 30000000000);
  for (size_t i = 0; i < IA_COUNT(bad); i++)
    assert_false(ia_gwei_parse(&v, bad[i]));
}

static void offers_tip_and_twice_the_base_fee(void **state IA_UNUSED)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  lab b = {.n = {.keeps = true}};

  start(&b, NULL, 0);
  MUST(call(&b, &sent, &e));
  ia_tx tx = sent_tx(&b, 0);
  assert_int_equal(tx.type, 2);
  assert_int_equal(tx.max_priority.w[0], 1000000000);
  assert_int_equal(tx.max_fee.w[0], 3000000000);
  assert_int_equal(tx.gas, 21000 + 21000 / 5);
  assert_true(sent.receipt.ok);
  end(&b);
}

static void a_limit_lowers_the_offer_or_refuses(void **state IA_UNUSED)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  lab b = {.n = {.keeps = true}}, c = {0};
  ia_err why = {0};

  start(&b, "2.5", 0);
  MUST(call(&b, &sent, &e));
  assert_int_equal(sent_tx(&b, 0).max_fee.w[0], 2500000000);
  end(&b);
  start(&c, "1.9", 0);
  assert_false(call(&c, &sent, &why));
  assert_int_equal(why.code, IA_E_FEE_REFUSED);
  assert_int_equal(c.n.n_sent, 0);
  end(&c);
}

static void refusals_of_the_node(void **state IA_UNUSED)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  lab b = {.n = {.keeps = true, .no = "nonce too low", .n_no = 2}};
  lab c = {.n = {.no = "insufficient funds for gas * price + value", .n_no = 1}};
  lab d = {.n = {.keeps = true, .no = "replacement transaction underpriced", .n_no = 1}};
  ia_err why = {0};

  start(&b, NULL, 0);
  MUST(call(&b, &sent, &e));
  end(&b);
  /* a stranger's transaction waits under our number: the next one is ours */
  start(&d, NULL, 0);
  MUST(call(&d, &sent, &e) || e.code == IA_E_TIMEOUT);
  assert_int_equal(sent_tx(&d, 0).nonce, 1);
  end(&d);
  start(&c, NULL, 0);
  assert_false(call(&c, &sent, &why));
  assert_int_equal(why.code, IA_E_INSUFFICIENT_FUNDS);
  assert_non_null(strstr(why.msg, "has 0.00001 ETH"));
  end(&c);
}

static void leave(lab *b, ia_chain_sent *sent)
{
  sent->no_wait = sent->join = true;
  MUST(call(b, sent, &e));
}

static void the_same_call_is_not_sent_twice(void **state IA_UNUSED)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  lab b = {0};

  start(&b, NULL, 0);
  leave(&b, &sent);
  leave(&b, &sent);
  assert_int_equal(b.n.n_sent, 1);
  /* what is not to be joined takes the next number, though the node knows of none */
  sent.join = false;
  MUST(call(&b, &sent, &e));
  assert_int_equal(sent_tx(&b, 1).nonce, 1);
  end(&b);
}

static void tend(lab *b, unsigned times)
{
  for (unsigned i = 0; i < times; i++)
    MUST(ia_chain_tend(b->chain, &b->account, NULL, &e));
}

/* Replaced by time and blocks, an eighth above; whichever form is mined ends it. */
static void waits_too_long_and_offers_more(void **state IA_UNUSED)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  lab b = {0};

  start(&b, NULL, 1);
  leave(&b, &sent);
  usleep(10000);
  tend(&b, 2);
  assert_int_equal(b.n.n_sent, 1); /* no block came: a higher fee would bring none */
  b.n.height += 2;
  tend(&b, 1);
  assert_int_equal(b.n.n_sent, 2);
  ia_tx one = sent_tx(&b, 0), two = sent_tx(&b, 1);
  assert_int_equal(two.nonce, one.nonce);
  assert_true(two.max_fee.w[0] >= one.max_fee.w[0] + one.max_fee.w[0] / 8);
  assert_true(two.max_priority.w[0] >= one.max_priority.w[0] + one.max_priority.w[0] / 8);
  mine(&b.n, 0);
  tend(&b, 1);
  b.n.height += 9;
  usleep(10000);
  tend(&b, 1);
  assert_int_equal(b.n.n_sent, 2);
  end(&b);
}

static void forgotten_by_the_node(void **state IA_UNUSED)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  lab b = {.n = {.forgets = true}};

  start(&b, NULL, 5);
  leave(&b, &sent);
  usleep(20000);
  tend(&b, 1);
  assert_int_equal(b.n.n_sent, 2);
  assert_true(ia_span_eq(ia_buf_view(&b.n.sent[0]), ia_buf_view(&b.n.sent[1])));
  end(&b);
}

/* Another process goes on where this one ended, and signs anew only what can never be mined. */
static void another_took_the_nonce(void **state IA_UNUSED)
{
  IA_AUTOV(ia_chain_sent) sent = {0}, after = {0};
  lab b = {0};
  ia_err why = {0};

  start(&b, NULL, 0);
  leave(&b, &sent);
  b.n.mined = 1; /* none of ours */
  b.n.height++;
  assert_false(ia_chain_resume(b.chain, &sent, &b.account, &why));
  assert_int_equal(why.code, IA_E_NONCE_LOW);
  b.n.keeps = true;
  MUST(call(&b, &after, &e));
  assert_int_equal(b.n.n_sent, 2);
  assert_int_equal(sent_tx(&b, 1).nonce, 1);
  end(&b);
}

/* It is counted before its receipt is shown: it is ours all the same, and not sent twice. */
static void a_receipt_that_comes_late(void **state IA_UNUSED)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  lab b = {0};

  start(&b, NULL, 0);
  b.n.keeps = true;
  b.n.late = 4;
  MUST(call(&b, &sent, &e));
  assert_int_equal(b.n.n_sent, 1);
  end(&b);
}

static bool refuse_to_note(void *ctx IA_UNUSED, ia_span raw IA_UNUSED, ia_err *e)
{
  return ia_fail(e, IA_E_IO, "no room for notes");
}

static void nothing_leaves_without_a_note(void **state IA_UNUSED)
{
  IA_AUTOV(ia_chain_sent) sent = {.before = refuse_to_note};
  lab b = {.n = {.keeps = true}};
  ia_err why = {0};

  start(&b, NULL, 0);
  assert_false(call(&b, &sent, &why));
  assert_int_equal(why.code, IA_E_IO);
  assert_int_equal(b.n.n_sent, 0);
  sent.before = NULL;
  MUST(call(&b, &sent, &e));
  assert_int_equal(sent_tx(&b, 0).nonce, 0);
  end(&b);
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_of_nodes),
      cmocka_unit_test(amounts),
      cmocka_unit_test(offers_tip_and_twice_the_base_fee),
      cmocka_unit_test(a_limit_lowers_the_offer_or_refuses),
      cmocka_unit_test(refusals_of_the_node),
      cmocka_unit_test(the_same_call_is_not_sent_twice),
      cmocka_unit_test(waits_too_long_and_offers_more),
      cmocka_unit_test(forgotten_by_the_node),
      cmocka_unit_test(another_took_the_nonce),
      cmocka_unit_test(a_receipt_that_comes_late),
      cmocka_unit_test(nothing_leaves_without_a_note),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
