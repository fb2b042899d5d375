/* A scheduler on a ledger whose last blocks are taken back: no task is lost, none is done twice,
 * and nothing is paid for a deal that does not come again. */
#include "sched_lab.h"

enum { TEE_TDX = 0x9, SOMEBODY = 10, WAIT_S = 60 };

static ia_h256 raw_of(lab *b, ia_buf *raw, const ia_h256 *deal)
{
  IA_AUTOV(ia_chain_tx) tx = {0};
  IA_AUTO_JSON *v = NULL;

  MUST(ia_chain_find_match(b->chain, &tx, NULL, deal, 0, &e));
  MUST(ia_rpc_call(ia_chain_rpc(b->chain), &v, "eth_getRawTransactionByHash",
                   json_pack("[o]", ia_json_h256(&tx.hash)), &e));
  assert_true(ia_unhex_buf(raw, ia_span_str(json_string_value(v))));
  return tx.hash;
}

static json_t *snapshot(lab *b)
{
  json_t *id;

  MUST(ia_rpc_call(ia_chain_rpc(b->chain), &id, "evm_snapshot", NULL, &e));
  return id;
}

static void blocks(lab *b, int n)
{
  for (int i = 0; i < n; i++) {
    IA_AUTOV(ia_chain_sent) sent = {0};
    ia_args a = {.value = {ia_u256_of(1)}};
    ia_chain_info info;

    MUST(ia_chain_info_get(b->chain, &info, &e));
    MUST(lab_send(b, SOMEBODY, &info.token, IA_CALL_FAUCET, &a, &sent, &e));
  }
}

/* Takes back what came after the snapshot, and mines other blocks, more than there were. */
static void rewrite(lab *b, json_t *id)
{
  IA_AUTO_JSON *v = NULL;
  ia_block before, now;

  MUST(ia_chain_head(b->chain, &before, &e));
  MUST(ia_rpc_call(ia_chain_rpc(b->chain), &v, "evm_revert", json_pack("[o]", id), &e));
  assert_true(json_is_true(v));
  MUST(ia_chain_head(b->chain, &now, &e));
  assert_true(now.number < before.number);
  blocks(b, (int)(before.number - now.number) + 1);
}

static void wait_cause(lab *b, const ia_h256 *task, const char *cause)
{
  for (int i = 0; i < WAIT_S * 100; i++) {
    IA_AUTO_JSON *v = lab_get(b, task, "");

    if (strcmp(json_string_value(json_object_get(json_object_get(v, "iapp"), "cause")), cause) == 0)
      return;
    (void)usleep(10000);
  }
  print_error("no cause \"%s\"\n", cause);
  fail();
}

static void wait_status(lab *b, const ia_h256 *task, ia_task_status status)
{
  for (int i = 0; i < WAIT_S * 100; i++) {
    IA_AUTOV(ia_buf) store = {0};
    ia_task t;

    MUST(ia_chain_task(b->chain, &t, &store, task, &e));
    if (t.status == status)
      return;
    (void)usleep(10000);
  }
  fail();
}

static size_t attempts(lab *b, const ia_h256 *task)
{
  IA_AUTO_JSON *v = lab_get(b, task, "");

  return json_array_size(json_object_get(json_object_get(v, "iapp"), "attempts"));
}

static bool beat(lab *b, const ia_h256 *task, uint64_t fencing)
{
  IA_AUTO_JSON *v = NULL;

  MUST(lab_ask(b, LAB_WORKER, "/worker/v1/heartbeat",
               json_pack("{s:o, s:I, s:s}", "taskId", ia_json_h256(task), "fencing",
                         (json_int_t)fencing, "state", "RUNNING"),
               &v, &e));
  return json_is_false(json_object_get(v, "stop"));
}

/* What its worker reports of a settled task. */
static void report(lab *b, const ia_h256 *task, uint64_t fencing, ia_span raw)
{
  MUST(lab_ask(b, LAB_WORKER, "/worker/v1/done",
               json_pack("{s:o, s:I, s:{s:{}}, s:o}", "taskId", ia_json_h256(task), "fencing",
                         (json_int_t)fencing, "run", "run", "tx", ia_json_hex(raw)),
               NULL, &e));
}

static void settle(lab *b, const ia_h256 *task, uint64_t fencing, ia_chain_sent *sent)
{
  IA_AUTOV(ia_buf) auth = {0};

  MUST(lab_authorize(b, LAB_WORKER, task, fencing,
                     lab_cert(b, task, LAB_WORKER, &b->who[3], ia_now() + 60), &auth, &e));
  MUST(lab_settle(b, LAB_WORKER, task, ia_buf_view(&auth), sent, &e));
  report(b, task, fencing, ia_buf_view(&sent->raw));
}

static void a_deal_that_comes_again_goes_on(void **state)
{
  lab *b = *state;
  IA_AUTOV(ia_buf) raw = {0};
  IA_AUTOV(ia_chain_receipt) again = {0};
  IA_AUTOV(ia_chain_sent) sent = {0};
  json_t *id = snapshot(b);
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);

  MUST(lab_hello(b, LAB_WORKER, "one", &e));
  IA_AUTO_JSON *offer = lab_poll(b, LAB_WORKER);
  uint64_t fencing = lab_fencing(offer);
  (void)raw_of(b, &raw, &deal);
  rewrite(b, id);
  wait_cause(b, &task, "DEAL_REORGANISED");
  assert_true(beat(b, &task, fencing)); /* the guest runs on */
  MUST(ia_chain_send_raw(b->chain, &again, ia_buf_view(&raw), &e));
  wait_status(b, &task, IA_TASK_ACTIVE); /* initialised anew */
  wait_cause(b, &task, "");
  assert_true(beat(b, &task, fencing));
  settle(b, &task, fencing, &sent);
  json_decref(lab_wait(b, &task, "COMPLETED"));
  assert_int_equal(attempts(b, &task), 1);
}

static void a_deal_that_stays_away_costs_nothing(void **state)
{
  lab *b = *state;
  json_t *id = snapshot(b);
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);
  IA_AUTOV(ia_buf) store = {0};
  IA_AUTO_JSON *over = NULL;
  ia_err why = {0};
  ia_deal d;

  json_decref(lab_wait(b, &task, "INITIALIZED"));
  rewrite(b, id);
  wait_cause(b, &task, "DEAL_REORGANISED");
  lab_advance(b, 301 * 10);
  over = lab_wait(b, &task, "CONTRIBUTION_TIMEOUT");
  const json_t *ours = json_object_get(over, "iapp");
  assert_string_equal(json_string_value(json_object_get(ours, "cause")), "DEAL_REORGANISED");
  assert_non_null(strstr(json_string_value(json_object_get(ours, "message")), "nothing is paid"));
  assert_false(ia_chain_deal(b->chain, &d, &store, &deal, &why));
  assert_int_equal(why.code, IA_E_NOT_FOUND);
}

static void a_settlement_that_was_taken_back_is_sent_again(void **state)
{
  lab *b = *state;
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);

  MUST(lab_hello(b, LAB_WORKER, "two", &e));
  IA_AUTO_JSON *offer = lab_poll(b, LAB_WORKER);
  json_t *id = snapshot(b);
  settle(b, &task, lab_fencing(offer), &sent);
  json_decref(lab_wait(b, &task, "COMPLETED"));
  rewrite(b, id);
  wait_status(b, &task, IA_TASK_COMPLETED);
  json_decref(lab_wait(b, &task, "COMPLETED"));
  assert_int_equal(attempts(b, &task), 1);
  IA_AUTO_JSON *v = lab_get(b, &task, "");
  assert_true(json_is_true(json_object_get(json_object_get(v, "iapp"), "receipt")));
}

static void an_initialisation_that_was_taken_back_is_made_again(void **state)
{
  lab *b = *state;
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_h256 deal, task;

  lab_pool_down(b);
  deal = lab_match(b, 1, TEE_TDX);
  task = lab_task(&deal, 0);
  json_t *id = snapshot(b);
  lab_pool_up(b);
  json_decref(lab_wait(b, &task, "INITIALIZED"));
  wait_status(b, &task, IA_TASK_ACTIVE); /* its transaction is in a block */
  rewrite(b, id);
  wait_status(b, &task, IA_TASK_ACTIVE);
  json_decref(lab_wait(b, &task, "INITIALIZED"));
  MUST(lab_hello(b, LAB_WORKER, "three", &e));
  IA_AUTO_JSON *offer = lab_poll(b, LAB_WORKER);
  assert_true(beat(b, &task, lab_fencing(offer)));
  /* nothing is left for the next case: a task whose lease runs out would be offered first */
  settle(b, &task, lab_fencing(offer), &sent);
  json_decref(lab_wait(b, &task, "COMPLETED"));
}

static void a_task_waits_for_blocks_above_its_deal(void **state)
{
  lab *b = *state;
  ia_h256 deal, task, got;

  lab_pool_down(b);
  b->confirmations = 9;
  lab_pool_up(b);
  deal = lab_match(b, 1, TEE_TDX);
  task = lab_task(&deal, 0);
  IA_AUTO_JSON *v = lab_wait(b, &task, "INITIALIZED");
  const json_t *waits = json_object_get(json_object_get(v, "iapp"), "waitsFor");
  assert_int_equal(json_integer_value(json_object_get(waits, "confirmations")), 9);
  assert_true(json_integer_value(json_object_get(waits, "have")) < 9);
  blocks(b, 9);
  MUST(lab_hello(b, LAB_WORKER, "four", &e));
  IA_AUTO_JSON *offer = lab_poll(b, LAB_WORKER);
  MUST(ia_json_get_h256(json_object_get(offer, "lease"), "taskId", &got, &e));
  assert_true(ia_h256_eq(&got, &task));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_deal_that_comes_again_goes_on),
      cmocka_unit_test(a_deal_that_stays_away_costs_nothing),
      cmocka_unit_test(a_settlement_that_was_taken_back_is_sent_again),
      cmocka_unit_test(an_initialisation_that_was_taken_back_is_made_again),
      cmocka_unit_test(a_task_waits_for_blocks_above_its_deal),
  };

  return cmocka_run_group_tests(tests, lab_open, lab_close);
}
