/* Several nodes of one chain: one that fails is replaced, one that lies is outvoted or named. */
#include "crypto/keccak.h"
#include "node.h"

enum { NODES = 3 };

typedef struct town {
  node n[NODES];
  char list[512];
  ia_chain *chain;
} town;

static void town_open(town *t, size_t n, size_t agree)
{
  ia_chain_options o = {.hub = {{1}}, .url = t->list, .agree = agree, .timeout_ms = 600000};

  for (size_t i = 0; i < n; i++) {
    size_t len = strlen(t->list);

    if (t->n[i].height == 0)
      t->n[i].height = 100;
    if (!t->n[i].word)
      t->n[i].word = "0x0000000000000000000000000000000000000000000000000000000000000001";
    node_start(&t->n[i]);
    (void)snprintf(t->list + len, sizeof(t->list) - len, "%s%s", i ? "," : "",
                   ia_server_url(t->n[i].f.server));
  }
  MUST(ia_chain_open(&t->chain, &o, &e));
}

static void town_close(town *t, size_t n)
{
  ia_chain_close(t->chain);
  for (size_t i = 0; i < n; i++)
    if (t->n[i].f.loop)
      node_end(&t->n[i]);
}

static void fall(node *n)
{
  node_end(n);
  n->f.loop = NULL;
}

static bool consumed(town *t, ia_u256 *out, ia_err *e)
{
  const ia_h256 order = {{7}};

  return ia_chain_consumed(t->chain, out, &order, e);
}

/* -- one after another -- */

static void the_next_node_answers_when_one_fails(void **state IA_UNUSED)
{
  town t = {0};
  ia_rpc_item item = {.method = "eth_blockNumber"};
  ia_u256 v;
  ia_block b;

  town_open(&t, 3, 0);
  t.n[0].raw = "<html>busy</html>";
  t.n[0].status = 503;
  MUST(ia_chain_head(t.chain, &b, &e));
  assert_int_equal(b.number, 100);
  fall(&t.n[1]);
  MUST(consumed(&t, &v, &e));
  MUST(ia_rpc_batch(ia_chain_rpc(t.chain), &item, 1, &e));
  assert_true(item.ok);
  ia_rpc_items_free(&item, 1);
  t.n[0].raw = NULL;
  t.n[0].status = 0;
  fall(&t.n[2]);
  MUST(consumed(&t, &v, &e)); /* the first one again */
  fall(&t.n[0]);
  ia_err why = {0};
  assert_false(consumed(&t, &v, &why));
  assert_int_equal(why.code, IA_E_UNAVAILABLE);
  town_close(&t, 3);
}

static void a_node_that_lags_is_left(void **state IA_UNUSED)
{
  town t = {0};
  ia_block b;

  t.n[0].height = 50;
  town_open(&t, 3, 0);
  MUST(ia_chain_head(t.chain, &b, &e));
  assert_int_equal(b.number, 100);
  town_close(&t, 3);
}

static void a_node_of_another_chain_is_not_asked(void **state IA_UNUSED)
{
  town t = {0};
  ia_block b;

  t.n[1].chain_id = 5;
  t.n[2].height = 102;
  town_open(&t, 3, 0);
  fall(&t.n[0]);
  MUST(ia_chain_head(t.chain, &b, &e));
  assert_int_equal(b.number, 102);
  town_close(&t, 3);
}

static void what_a_contract_refuses_is_asked_once(void **state IA_UNUSED)
{
  town t = {0};
  ia_u256 v;
  ia_err why = {0};

  town_open(&t, 2, 0);
  t.n[0].raw = "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":3,\"message\":\"execution "
               "reverted\",\"data\":\"0x\"}}";
  assert_false(consumed(&t, &v, &why));
  /* whatever its number: an error of a contract, not of a node */
  assert_int_equal(why.code, IA_E_REVERT);
  town_close(&t, 2);
}

/* One has no such method, the other is away: what the first says counts. */
static void a_refusal_says_more_than_silence(void **state IA_UNUSED)
{
  town t = {0};
  IA_AUTO_JSON *v = NULL;
  ia_err why = {0};

  town_open(&t, 2, 0);
  fall(&t.n[1]);
  assert_false(ia_rpc_call(ia_chain_rpc(t.chain), &v, "iapp_info", NULL, &why));
  assert_int_equal(why.code, IA_E_UNSUPPORTED);
  town_close(&t, 2);
}

/* -- together -- */

static void a_liar_is_outvoted(void **state IA_UNUSED)
{
  for (size_t liar = 0; liar < 3; liar++) {
    town t = {0};
    size_t reads = 0;
    ia_h256 top;
    ia_u256 v;

    t.n[liar].word = "0x0000000000000000000000000000000000000000000000000000000000000009";
    town_open(&t, 3, 2);
    MUST(ia_chain_pin(t.chain, &e));
    MUST(consumed(&t, &v, &e));
    assert_int_equal(v.w[0], 1);
    top = node_hash(&t.n[0], 100);
    for (size_t i = 0; i < 3; i++)
      reads += strcmp(t.n[i].last_block, ia_h256_text(&top).s) == 0;
    assert_true(reads >= 2);
    town_close(&t, 3);
  }
}

static void two_that_differ_decide_nothing(void **state IA_UNUSED)
{
  town t = {0};
  ia_err why = {0};
  ia_u256 v;

  t.n[1].word = "0x";
  town_open(&t, 2, 2);
  MUST(ia_chain_pin(t.chain, &e));
  assert_false(consumed(&t, &v, &why));
  assert_int_equal(why.code, IA_E_LEDGER_DISAGREES);
  assert_non_null(strstr(why.msg, ia_server_url(t.n[0].f.server)));
  assert_non_null(strstr(why.msg, ia_server_url(t.n[1].f.server)));
  town_close(&t, 2);
}

static void the_one_that_differs_is_named(void **state IA_UNUSED)
{
  town t = {0};
  ia_err why = {0};
  ia_u256 v;

  t.n[2].word = "0x";
  town_open(&t, 3, 3);
  MUST(ia_chain_pin(t.chain, &e));
  assert_false(consumed(&t, &v, &why));
  assert_int_equal(why.code, IA_E_LEDGER_DISAGREES);
  assert_null(strstr(why.msg, ia_server_url(t.n[0].f.server)));
  assert_non_null(strstr(why.msg, ia_server_url(t.n[2].f.server)));
  town_close(&t, 3);
}

static void heads_are_those_that_enough_have(void **state IA_UNUSED)
{
  static const struct {
    uint64_t height[3], want; /* 0: refused */
    uint8_t branch[3];        /* from block 95 */
    size_t k;
  } rows[] = {
      {{100, 100, 100}, 100, {0}, 2},     {{100, 90, 100}, 100, {0}, 2},
      {{500, 100, 99}, 100, {0}, 2},      {{100, 90, 80}, 90, {0}, 2},
      {{100, 90, 80}, 80, {0}, 3},        {{100, 100, 100}, 100, {0, 1, 0}, 2},
      {{100, 100, 100}, 0, {0, 1, 2}, 2}, {{100, 100, 100}, 0, {0, 1, 0}, 3},
      {{100, 94, 100}, 94, {0, 1, 0}, 3}, /* below where they part */
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    town t = {0};
    ia_err why = {0};
    ia_block b;

    for (size_t k = 0; k < 3; k++) {
      t.n[k].height = rows[i].height[k];
      t.n[k].branch[95] = rows[i].branch[k];
    }
    town_open(&t, 3, rows[i].k);
    if (rows[i].want == 0) {
      assert_false(ia_chain_pin(t.chain, &why));
      assert_int_equal(why.code, IA_E_LEDGER_DISAGREES);
    } else {
      MUST(ia_chain_pin(t.chain, &e));
      MUST(ia_chain_head(t.chain, &b, &e));
      assert_int_equal(b.number, rows[i].want);
    }
    town_close(&t, 3);
  }
}

static void the_dead_have_no_vote(void **state IA_UNUSED)
{
  town t = {0};
  ia_err why = {0};
  ia_u256 v;

  town_open(&t, 3, 2);
  fall(&t.n[1]);
  MUST(ia_chain_pin(t.chain, &e));
  MUST(consumed(&t, &v, &e));
  fall(&t.n[2]);
  assert_false(consumed(&t, &v, &why));
  assert_int_equal(why.code, IA_E_UNAVAILABLE);
  assert_false(ia_chain_pin(t.chain, &why));
  assert_int_equal(why.code, IA_E_UNAVAILABLE);
  town_close(&t, 3);
}

static void a_rewrite_between_the_answers_is_a_difference(void **state IA_UNUSED)
{
  town t = {0};
  IA_AUTOV(ia_chain_logs) logs = {0};
  const ia_chain_filter f = {.from = 90, .to = 100};
  ia_err why = {0};

  town_open(&t, 2, 2);
  MUST(ia_chain_pin(t.chain, &e));
  MUST(ia_chain_logs_get(t.chain, &logs, &f, &e));
  assert_int_equal(logs.n, 11);
  t.n[1].branch[98] = 1;
  assert_false(ia_chain_logs_get(t.chain, &logs, &f, &why));
  assert_int_equal(why.code, IA_E_LEDGER_DISAGREES);
  t.n[0].branch[98] = 1;
  MUST(ia_chain_logs_get(t.chain, &logs, &f, &e));
  town_close(&t, 2);
}

/* -- slow ones -- */

static size_t posts(const node *n)
{
  return __atomic_load_n(&n->posts, __ATOMIC_SEQ_CST);
}

/* Enough have answered: the one that hangs is not waited for, and comes last from then on. */
static void one_that_hangs_keeps_nobody_waiting(void **state IA_UNUSED)
{
  enum { QUESTIONS = 40 };

  for (size_t slow = 0; slow < 3; slow++) {
    town t = {0};
    ia_u256 v;

    t.n[slow].hangs = true;
    town_open(&t, 3, 2);
    MUST(ia_chain_pin(t.chain, &e));
    for (size_t i = 0; i < QUESTIONS; i++)
      MUST(consumed(&t, &v, &e));
    assert_true(t.n[slow].hangs);
    assert_true(posts(&t.n[slow]) >= 1); /* all were asked at once */
    assert_true(posts(&t.n[slow]) < QUESTIONS / 2);
    town_close(&t, 3);
  }
}

static void one_that_begins_to_hang_is_replaced(void **state IA_UNUSED)
{
  town t = {0};
  ia_u256 v;

  town_open(&t, 3, 2);
  MUST(ia_chain_pin(t.chain, &e));
  for (size_t slow = 0; slow < 3; slow++) {
    t.n[slow].hangs = true;
    MUST(consumed(&t, &v, &e));
    MUST(consumed(&t, &v, &e));
    t.n[slow].hangs = false;
  }
  town_close(&t, 3);
}

/* One hangs and one lies: nothing is decided; the dead one is named. */
static void a_liar_beside_a_dead_one_decides_nothing(void **state IA_UNUSED)
{
  town t = {0};
  ia_err why = {0};
  ia_u256 v;

  town_open(&t, 3, 2);
  MUST(ia_chain_pin(t.chain, &e));
  t.n[1].word = "0x0000000000000000000000000000000000000000000000000000000000000009";
  fall(&t.n[2]);
  assert_false(consumed(&t, &v, &why));
  assert_int_equal(why.code, IA_E_LEDGER_DISAGREES);
  town_close(&t, 3);
}

/* Where one is believed: the next answers in the place of one that hangs, and keeps that place. */
static void the_next_node_answers_when_one_hangs(void **state IA_UNUSED)
{
  town t = {0};
  ia_rpc_item items[] = {{.method = "eth_blockNumber"}, {.method = "eth_chainId"}};
  ia_u256 v;

  town_open(&t, 2, 0);
  MUST(consumed(&t, &v, &e));
  t.n[0].hangs = true;
  size_t before = posts(&t.n[0]);
  MUST(consumed(&t, &v, &e));
  assert_int_equal(posts(&t.n[0]), before + 1);
  MUST(ia_rpc_batch(ia_chain_rpc(t.chain), items, 2, &e));
  assert_true(items[0].ok && items[1].ok);
  ia_rpc_items_free(items, 2);
  assert_int_equal(posts(&t.n[0]), before + 1);
  town_close(&t, 2);
}

static bool receipt(town *t, bool *known, ia_err *e)
{
  const ia_h256 tx = {{8}};
  IA_AUTO_JSON *v = NULL;

  if (!ia_rpc_call(ia_chain_rpc(t->chain), &v, "eth_getTransactionReceipt",
                   json_pack("[o]", ia_json_h256(&tx)), e))
    return false;
  *known = json_is_object(v);
  return true;
}

static void a_node_that_does_not_know_gives_no_answer(void **state IA_UNUSED)
{
  for (size_t behind = 0; behind < 3; behind++) {
    town t = {0};
    bool known;

    t.n[behind].is_behind = true;
    town_open(&t, 3, 0);
    MUST(receipt(&t, &known, &e));
    assert_true(known);
    MUST(receipt(&t, &known, &e));
    assert_true(known);
    for (size_t i = 0; i < 3; i++)
      t.n[i].is_behind = true;
    MUST(receipt(&t, &known, &e));
    assert_false(known);
    town_close(&t, 3);
  }
}

/* So in a batch. */
static void a_batch_goes_to_one_who_knows(void **state IA_UNUSED)
{
  town t = {0};
  ia_rpc_item items[] = {
      {.method = "eth_blockNumber"},
      {.method = "eth_getTransactionReceipt", .params = json_pack("[s]", "0x08")}};

  t.n[0].is_behind = true;
  town_open(&t, 2, 0);
  MUST(ia_rpc_batch(ia_chain_rpc(t.chain), items, 2, &e));
  assert_true(json_is_object(items[1].result));
  ia_rpc_items_free(items, 2);
  town_close(&t, 2);
}

static void two_that_do_not_know_outvote_nobody(void **state IA_UNUSED)
{
  town t = {0};
  ia_err why = {0};
  bool known;

  t.n[0].is_behind = t.n[2].is_behind = true;
  town_open(&t, 3, 2);
  assert_false(receipt(&t, &known, &why));
  assert_int_equal(why.code, IA_E_UNAVAILABLE); /* to be asked again */
  t.n[0].is_behind = false;
  MUST(receipt(&t, &known, &e));
  assert_true(known);
  for (size_t i = 0; i < 3; i++)
    t.n[i].is_behind = true;
  MUST(receipt(&t, &known, &e));
  assert_false(known);
  t.n[1].hangs = true; /* enough say so, and nobody else will */
  MUST(receipt(&t, &known, &e));
  assert_false(known);
  town_close(&t, 3);
}

static void bytes_that_prove_themselves_need_one_node(void **state IA_UNUSED)
{
  town t = {0};
  const uint8_t bytes[] = {1, 2, 3};
  IA_AUTO_JSON *v = NULL;
  ia_h256 hash;

  ia_keccak256(&hash, IA_SPAN_ARR(bytes));
  t.n[0].raw_tx = "0x0102";
  t.n[2].raw_tx = "0x010203";
  town_open(&t, 3, 3);
  MUST(ia_rpc_call(ia_chain_rpc(t.chain), &v, "eth_getRawTransactionByHash",
                   json_pack("[o]", ia_json_h256(&hash)), &e));
  assert_string_equal(json_string_value(v), "0x010203");
  town_close(&t, 3);
}

static void such_a_chain_is_not_our_own_ledger(void **state IA_UNUSED)
{
  town t = {0};

  town_open(&t, 2, 2);
  assert_false(ia_chain_is_local(t.chain));
  town_close(&t, 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_next_node_answers_when_one_fails),
      cmocka_unit_test(a_node_that_lags_is_left),
      cmocka_unit_test(a_node_of_another_chain_is_not_asked),
      cmocka_unit_test(what_a_contract_refuses_is_asked_once),
      cmocka_unit_test(a_refusal_says_more_than_silence),
      cmocka_unit_test(a_liar_is_outvoted),
      cmocka_unit_test(two_that_differ_decide_nothing),
      cmocka_unit_test(the_one_that_differs_is_named),
      cmocka_unit_test(heads_are_those_that_enough_have),
      cmocka_unit_test(the_dead_have_no_vote),
      cmocka_unit_test(a_rewrite_between_the_answers_is_a_difference),
      cmocka_unit_test(one_that_hangs_keeps_nobody_waiting),
      cmocka_unit_test(one_that_begins_to_hang_is_replaced),
      cmocka_unit_test(a_liar_beside_a_dead_one_decides_nothing),
      cmocka_unit_test(the_next_node_answers_when_one_hangs),
      cmocka_unit_test(a_node_that_does_not_know_gives_no_answer),
      cmocka_unit_test(a_batch_goes_to_one_who_knows),
      cmocka_unit_test(two_that_do_not_know_outvote_nobody),
      cmocka_unit_test(bytes_that_prove_themselves_need_one_node),
      cmocka_unit_test(such_a_chain_is_not_our_own_ledger),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
