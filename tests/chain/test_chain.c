/* The chain client and the follower against our own ledger over HTTP. */
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

static bool on_blocks(void *ctx, const ia_chain_logs *logs, const ia_cursor *to,
                      ia_span past IA_UNUSED, ia_err *e)
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

static bool on_rollback(void *ctx, const ia_cursor *to, ia_span past IA_UNUSED, ia_err *e)
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

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_our_ledger),
      cmocka_unit_test(sends_and_reads),
      cmocka_unit_test(refusals_have_their_class),
      cmocka_unit_test(batches_keep_order_and_failures_apart),
      cmocka_unit_test(follows_in_steps_and_waits),
  };

  return cmocka_run_group_tests(tests, open_lab, close_lab);
}
