/* The follower on chains that are rewritten: what its owner derived is at the end what a new
 * reading derives, and no step ever holds two histories. */
#include "node.h"

enum { FIRST = 3 };

typedef struct owner {
  ia_h256 at[NODE_BLOCKS]; /* what was derived of a block; zero: nothing */
  ia_cursor cursor;
  ia_buf past;
  size_t n_rollbacks, n_refusals;
  ia_cursor back; /* of the last rollback */
  ia_addr skipped;
  size_t n_skipped;
} owner;

static bool keep(owner *o, const ia_cursor *to, ia_span past)
{
  o->cursor = *to;
  ia_buf_clear(&o->past);
  ia_buf_span(&o->past, past);
  return ia_buf_ok(&o->past, NULL);
}

static bool on_blocks(void *ctx, const ia_chain_logs *logs, const ia_cursor *to, ia_span past,
                      ia_err *e)
{
  owner *o = ctx;

  if (o->n_refusals > 0) {
    o->n_refusals--;
    return ia_fail(e, IA_E_TOO_LARGE, "fewer, please");
  }
  for (size_t i = 0; i < logs->n; i++) {
    const ia_chain_log *log = &logs->v[i];

    assert_true(ia_h256_zero(&o->at[log->block])); /* once */
    assert_true(ia_h256_eq(&log->block_hash, &log->entry.topics[0]));
    o->at[log->block] = log->block_hash;
  }
  if (logs->n > 0)
    assert_true(ia_h256_eq(&o->at[to->number], &to->hash));
  return keep(o, to, past);
}

static bool on_rollback(void *ctx, const ia_cursor *to, ia_span past, ia_err *e IA_UNUSED)
{
  owner *o = ctx;
  uint64_t from = ia_h256_zero(&to->hash) ? 0 : to->number + 1;

  memset(&o->at[from], 0, (NODE_BLOCKS - from) * sizeof(o->at[0]));
  o->n_rollbacks++;
  o->back = *to;
  return keep(o, to, past);
}

static ia_follow *follow(ia_chain *c, owner *o, size_t depth, uint64_t span)
{
  const ia_follow_config cfg = {.span = span,
                                .first = FIRST,
                                .depth = depth,
                                .past = ia_buf_view(&o->past),
                                .blocks = on_blocks,
                                .rollback = on_rollback,
                                .ctx = o};
  ia_follow *f = NULL;

  if (o->cursor.number < FIRST)
    o->cursor = (ia_cursor){.number = FIRST};
  MUST(ia_follow_new(&f, c, &cfg, &o->cursor, &e));
  return f;
}

static void with_node(node *n, ia_chain **chain)
{
  ia_chain_options o = {.hub = {{1}}};

  node_start(n);
  o.url = ia_server_url(n->f.server);
  MUST(ia_chain_open(chain, &o, &e));
  assert_false(ia_chain_is_local(*chain));
}

/* What was derived is what the chain is now. */
static void assert_derived(const owner *o, const node *n)
{
  assert_int_equal(o->cursor.number, n->height);
  for (uint64_t i = 0; i < NODE_BLOCKS; i++) {
    ia_h256 want = {{0}};

    if (i >= FIRST && i <= n->height)
      want = node_hash(n, i);
    assert_memory_equal(o->at[i].b, want.b, 32);
  }
}

static void a_rewrite_leads_back_to_where_it_parted(void **state IA_UNUSED)
{
  static const uint64_t depths[] = {1, 2, 6, 31, 63}, heights[] = {90, 100, 101, 107};

  for (size_t i = 0; i < IA_COUNT(depths); i++)
    for (size_t k = 0; k < IA_COUNT(heights); k++) {
      node n = {.height = 100};
      owner o = {0};
      IA_AUTO(ia_chain) *c = NULL;
      IA_AUTO(ia_follow) *f = NULL;
      uint64_t fork = 101 - depths[i];

      if (heights[k] < fork)
        continue;
      with_node(&n, &c);
      f = follow(c, &o, 64, 7);
      MUST(ia_follow_catch_up(f, &e));
      assert_derived(&o, &n);
      n.branch[fork] = 1;
      n.height = heights[k];
      MUST(ia_follow_catch_up(f, &e));
      assert_derived(&o, &n);
      assert_int_equal(o.n_rollbacks, 1);
      assert_int_equal(o.back.number, fork - 1);
      ia_buf_free(&o.past);
      node_end(&n);
    }
}

static void deeper_than_remembered_leads_to_the_beginning(void **state IA_UNUSED)
{
  node n = {.height = 100};
  owner o = {0};
  IA_AUTO(ia_chain) *c = NULL;
  IA_AUTO(ia_follow) *f = NULL;

  with_node(&n, &c);
  f = follow(c, &o, 8, 0);
  MUST(ia_follow_catch_up(f, &e));
  n.branch[93] = 1; /* the oldest that is remembered */
  MUST(ia_follow_catch_up(f, &e));
  assert_int_equal(o.n_rollbacks, 1);
  assert_int_equal(o.back.number, FIRST);
  assert_true(ia_h256_zero(&o.back.hash));
  assert_derived(&o, &n);
  n.branch[94] = 1; /* one less */
  MUST(ia_follow_catch_up(f, &e));
  assert_int_equal(o.n_rollbacks, 2);
  assert_int_equal(o.back.number, 93);
  assert_derived(&o, &n);
  ia_buf_free(&o.past);
  node_end(&n);
}

static void a_restart_remembers(void **state IA_UNUSED)
{
  node n = {.height = 50};
  owner o = {0};
  IA_AUTO(ia_chain) *c = NULL;
  IA_AUTO(ia_follow) *f = NULL;
  IA_AUTO(ia_follow) *again = NULL;

  with_node(&n, &c);
  f = follow(c, &o, 16, 0);
  MUST(ia_follow_catch_up(f, &e));
  for (n.height = 51; n.height < 60; n.height++)
    MUST(ia_follow_catch_up(f, &e));
  n.height = 59;
  n.branch[54] = 1;
  again = follow(c, &o, 16, 0);
  MUST(ia_follow_catch_up(again, &e));
  assert_int_equal(o.n_rollbacks, 1);
  assert_int_equal(o.back.number, 53);
  assert_derived(&o, &n);
  ia_buf_free(&o.past);
  node_end(&n);
}

static void six_blocks_change(node *n)
{
  n->branch[95] ^= 1;
}

static void fewer_blocks(node *n)
{
  n->branch[95] ^= 1;
  n->height = 96;
}

/* The rewrite comes before each question in turn. */
static void a_rewrite_amid_the_questions_mixes_nothing(void **state IA_UNUSED)
{
  void (*const changes[])(node *) = {six_blocks_change, fewer_blocks};

  for (size_t k = 0; k < IA_COUNT(changes); k++)
    for (size_t at = 0; at < 48; at++) {
      node n = {.height = 90};
      owner o = {0};
      IA_AUTO(ia_chain) *c = NULL;
      IA_AUTO(ia_follow) *f = NULL;

      with_node(&n, &c);
      f = follow(c, &o, 20, 4);
      MUST(ia_follow_catch_up(f, &e));
      n.height = 100;
      n.change = changes[k];
      n.change_at = at;
      MUST(ia_follow_catch_up(f, &e));
      n.change = NULL;
      MUST(ia_follow_catch_up(f, &e));
      assert_derived(&o, &n);
      assert_true(o.n_rollbacks <= 1);
      ia_buf_free(&o.past);
      node_end(&n);
    }
}

/* A node behind a balancer may be behind its sisters. That takes nothing back. */
static void a_node_that_is_behind_is_waited_for(void **state IA_UNUSED)
{
  node n = {.height = 100};
  owner o = {0};
  IA_AUTO(ia_chain) *c = NULL;
  IA_AUTO(ia_follow) *f = NULL;

  with_node(&n, &c);
  f = follow(c, &o, 16, 0);
  MUST(ia_follow_catch_up(f, &e));
  for (n.height = 99; n.height > 70; n.height -= 7)
    MUST(ia_follow_wait(f, 1, &e));
  assert_int_equal(o.n_rollbacks, 0);
  assert_int_equal(o.cursor.number, 100);
  n.height = 102;
  MUST(ia_follow_wait(f, 1, &e));
  assert_derived(&o, &n);
  assert_int_equal(o.n_rollbacks, 0);
  ia_buf_free(&o.past);
  node_end(&n);
}

static void limits_of_nodes_are_understood(void **state IA_UNUSED)
{
  static const char *const words[] = {
      "query returned more than 10000 results",
      "exceed maximum block range: 5000",
      "block range is too wide",
      "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range",
      "eth_getLogs is limited to a 10,000 range",
      "query exceeds max results 20000, retry with the range 1-2",
      "query timeout exceeded",
  };

  for (size_t i = 0; i < IA_COUNT(words); i++) {
    node n = {.height = 200, .most = 3, .words = words[i], .status = i % 2 ? 400 : 0};
    owner o = {0};
    IA_AUTO(ia_chain) *c = NULL;
    IA_AUTO(ia_follow) *f = NULL;
    IA_AUTOV(ia_chain_logs) logs = {0};
    ia_chain_filter filter = {.from = 10, .to = 150};

    with_node(&n, &c);
    f = follow(c, &o, 0, 0);
    MUST(ia_follow_catch_up(f, &e));
    MUST(ia_chain_logs_part(c, &logs, &filter, &e));
    assert_true(filter.from == 10 && filter.to >= 10 && filter.to < 13);
    n.most = 1;
    n.height = 201;
    MUST(ia_follow_catch_up(f, &e));
    assert_derived(&o, &n);
    ia_buf_free(&o.past);
    node_end(&n);
  }
}

static bool on_skip(void *ctx, const ia_addr *who, const ia_err *why, ia_err *e IA_UNUSED)
{
  owner *o = ctx;

  assert_int_equal(why->code, IA_E_TOO_LARGE);
  o->skipped = *who;
  o->n_skipped++;
  return true;
}

enum { ASIDE = 130, SICK = 40, OURS = 77 };

static void follow_aside(node *n, owner *o, const ia_addr *aside)
{
  static const ia_event_id key = IA_EV_KEY_ADDED;
  const ia_addr hub = {{3}};
  IA_AUTO(ia_chain) *c = NULL;
  IA_AUTO(ia_follow) *f = NULL;
  const ia_follow_config cfg = {.addresses = &hub,
                                .n_addresses = 1,
                                .aside = aside,
                                .n_aside = ASIDE,
                                .aside_most = 1000,
                                .aside_events = &key,
                                .n_aside_events = 1,
                                .skip = on_skip,
                                .span = 16,
                                .first = FIRST,
                                .blocks = on_blocks,
                                .rollback = on_rollback,
                                .ctx = o};

  with_node(n, &c);
  MUST(ia_follow_new(&f, c, &cfg, &o->cursor, &e));
  MUST(ia_follow_catch_up(f, &e));
  assert_derived(o, n);
  ia_buf_free(&o->past);
  node_end(n);
}

/* Addresses that strangers chose: more than a node takes at once, one of which it never answers
 * for. That one is named and left out once; the others, and the blocks, are read. */
static void a_strangers_address_stops_nobody(void **state IA_UNUSED)
{
  static const size_t takes[] = {0, 7, 1};
  ia_addr aside[ASIDE];

  for (size_t i = 0; i < ASIDE; i++)
    aside[i] = (ia_addr){{(uint8_t)(i + 10), 1}};
  aside[OURS] = (ia_addr){{1}}; /* whose logs there are */
  for (size_t i = 0; i < IA_COUNT(takes); i++) {
    node n = {.height = 40,
              .addresses_most = takes[i],
              .sick = "0x3201000000000000000000000000000000000000"};
    owner o = {.cursor = {.number = FIRST}};

    follow_aside(&n, &o, aside);
    /* who asks for all addresses at once never meets the sick one */
    assert_int_equal(o.n_skipped, takes[i] ? 1 : 0);
    if (takes[i])
      assert_memory_equal(o.skipped.b, aside[SICK].b, 20);
  }
}

static void an_owner_may_ask_for_fewer_blocks(void **state IA_UNUSED)
{
  node n = {.height = 40};
  owner o = {.n_refusals = 3};
  IA_AUTO(ia_chain) *c = NULL;
  IA_AUTO(ia_follow) *f = NULL;

  with_node(&n, &c);
  f = follow(c, &o, 0, 0);
  MUST(ia_follow_catch_up(f, &e));
  assert_derived(&o, &n);
  ia_buf_free(&o.past);
  node_end(&n);
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
  node n = {.height = 10};
  owner o = {0};
  IA_AUTO(ia_chain) *c = NULL;
  IA_AUTO(ia_follow) *f = NULL;

  with_node(&n, &c);
  f = follow(c, &o, 0, 0);
  MUST(ia_follow_catch_up(f, &e));
  for (size_t i = 0; i < 2 * IA_COUNT(raw); i++) {
    ia_rpc_item item = {.method = "eth_chainId"};
    ia_block b;
    ia_err why = {0};

    n.raw = raw[i / 2];
    n.status = i % 2 ? 502 : 0;
    assert_false(ia_chain_head(c, &b, &why));
    assert_int_not_equal(why.code, IA_OK);
    assert_false(ia_follow_catch_up(f, &why));
    if (ia_rpc_batch(ia_chain_rpc(c), &item, 1, &why))
      assert_false(item.ok);
    ia_rpc_items_free(&item, 1);
  }
  assert_int_equal(o.n_rollbacks, 0);
  ia_buf_free(&o.past);
  node_end(&n);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_rewrite_leads_back_to_where_it_parted),
      cmocka_unit_test(deeper_than_remembered_leads_to_the_beginning),
      cmocka_unit_test(a_restart_remembers),
      cmocka_unit_test(a_rewrite_amid_the_questions_mixes_nothing),
      cmocka_unit_test(a_node_that_is_behind_is_waited_for),
      cmocka_unit_test(limits_of_nodes_are_understood),
      cmocka_unit_test(a_strangers_address_stops_nobody),
      cmocka_unit_test(an_owner_may_ask_for_fewer_blocks),
      cmocka_unit_test(hostile_answers),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
