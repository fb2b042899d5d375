/* A workerpool that is given away, and comes back. */
#include "eth/address.h"
#include "sched_lab.h"

enum { TEE_TDX = IA_TAG_TEE | IA_TAG_TDX, LAB_BUYER = 9 };

static void give(lab *b, int from, int to)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_args a = {.addr = {b->who[from], b->who[to]}};
  uint8_t word[32] = {0};
  ia_chain_info info;

  memcpy(word + 12, b->pool_addr.b, 20);
  a.value[0] = ia_u256_from_be(word);
  MUST(ia_chain_info_get(b->chain, &info, &e));
  MUST(lab_send(b, from, &info.registry[IA_ASSET_WORKERPOOL], IA_CALL_NFT_TRANSFER_FROM, &a, &sent,
                &e));
}

/* Until GET /pool says so. */
static void wait_served(lab *b, bool served)
{
  char url[160];

  (void)snprintf(url, sizeof(url), "%s/pool", ia_server_url(b->pool.server));
  for (int i = 0; i < 6000; i++) {
    IA_AUTO_JSON *v = NULL;

    MUST(ia_http_json(b->http, &v, "GET", url, NULL, &e));
    assert_true(json_is_boolean(json_object_get(v, "served")));
    if (json_is_true(json_object_get(v, "served")) == served)
      return;
    (void)usleep(10000);
  }
  fail_msg("the pool is never %s", served ? "served" : "left");
}

static json_t *poll_for(lab *b, int who, const ia_h256 *task)
{
  json_t *v = lab_poll(b, who);
  ia_h256 got;

  assert_non_null(v);
  MUST(ia_json_get_h256(json_object_get(v, "lease"), "taskId", &got, &e));
  assert_true(ia_h256_eq(&got, task));
  return v;
}

static bool is_stopped(lab *b, const ia_h256 *task, uint64_t fencing, const char *state)
{
  IA_AUTO_JSON *v = NULL;

  MUST(lab_ask(b, LAB_WORKER, "/worker/v1/heartbeat",
               json_pack("{s:o, s:I, s:s}", "taskId", ia_json_h256(task), "fencing",
                         (json_int_t)fencing, "state", state),
               &v, &e));
  return json_is_true(json_object_get(v, "stop"));
}

static void expect_cause(lab *b, const ia_h256 *task, const char *cause, const char *why)
{
  IA_AUTO_JSON *v = lab_get(b, task, "");
  const json_t *ours = json_object_get(v, "iapp"), *waits = json_object_get(ours, "waitsFor");
  const char *said = json_string_value(json_object_get(ours, "cause"));
  const char *kind = json_string_value(json_object_get(waits, "why"));

  assert_string_equal(json_string_value(json_object_get(v, "currentStatus")), "INITIALIZED");
  assert_string_equal(said ? said : "", cause);
  assert_string_equal(kind ? kind : "", why);
  if (*cause)
    assert_non_null(strstr(json_string_value(json_object_get(waits, "text")),
                           ia_addr_text(&b->who[LAB_BUYER]).s));
}

/* Its running task is taken back and waits, the requester reads who has the pool; when it comes
 * back the task is leased again, and that was no try. */
static void a_pool_that_is_given_away_is_not_served(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);
  uint64_t fencing;

  MUST(lab_hello(b, LAB_WORKER, "one", &e));
  wait_served(b, true);
  json_decref(lab_wait(b, &task, "INITIALIZED"));
  IA_AUTO_JSON *first = poll_for(b, LAB_WORKER, &task);
  fencing = lab_fencing(first);
  assert_false(is_stopped(b, &task, fencing, "RUNNING"));
  give(b, LAB_POOL, LAB_BUYER);
  wait_served(b, false);
  assert_true(is_stopped(b, &task, fencing, "RUNNING"));
  expect_cause(b, &task, "WORKERPOOL_TRANSFERRED", "POOL");
  /* it stays so when the scheduler starts again */
  lab_pool_down(b);
  give(b, LAB_BUYER, LAB_POOL);
  lab_pool_up(b);
  wait_served(b, true);
  MUST(lab_hello(b, LAB_WORKER, "two", &e));
  IA_AUTO_JSON *again = poll_for(b, LAB_WORKER, &task);
  assert_true(lab_fencing(again) > fencing);
  give(b, LAB_POOL, LAB_BUYER);
  wait_served(b, false);
  expect_cause(b, &task, "WORKERPOOL_TRANSFERRED", "POOL");
  give(b, LAB_BUYER, LAB_POOL);
  wait_served(b, true);
  IA_AUTO_JSON *third = poll_for(b, LAB_WORKER, &task);
  assert_false(is_stopped(b, &task, lab_fencing(third), "RUNNING"));
}

/* The result is there and only settles: it is not thrown away. */
static void what_settles_goes_on(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);

  MUST(lab_hello(b, LAB_WORKER, "one", &e));
  json_decref(lab_wait(b, &task, "INITIALIZED"));
  IA_AUTO_JSON *offer = poll_for(b, LAB_WORKER, &task);
  assert_false(is_stopped(b, &task, lab_fencing(offer), "SETTLE"));
  give(b, LAB_POOL, LAB_BUYER);
  wait_served(b, false);
  assert_false(is_stopped(b, &task, lab_fencing(offer), "SETTLE"));
}

/* An order of the new owner's makes a deal that only she can authorise: it is not taken. */
static void a_deal_of_the_new_owner_is_not_taken(void **state)
{
  lab *b = *state;
  IA_AUTOV(ia_offers) offers = {0};
  ia_match m = lab_orders(b, LAB_USER, &offers, 1, TEE_TDX, ia_span_str("{}"));
  ia_h256 ours = lab_match(b, 1, TEE_TDX), first = lab_task(&ours, 0), deal, task;
  ia_sig sig;

  json_decref(lab_wait(b, &first, "INITIALIZED"));
  give(b, LAB_POOL, LAB_BUYER);
  wait_served(b, false);
  m.workerpool.salt.b[0] = 0x77;
  lab_sign(b, LAB_BUYER, IA_ORDER_WORKERPOOL, &m.workerpool, &sig, &m.workerpool.sign);
  deal = lab_match_orders(b, LAB_USER, &m);
  task = lab_task(&deal, 0);
  give(b, LAB_BUYER, LAB_POOL);
  wait_served(b, true); /* the deal's block was read before */
  assert_null(lab_get(b, &task, ""));
  /* ours is */
  MUST(lab_hello(b, LAB_WORKER, "one", &e));
  json_decref(poll_for(b, LAB_WORKER, &first));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_pool_that_is_given_away_is_not_served, lab_open, lab_close),
      cmocka_unit_test_setup_teardown(what_settles_goes_on, lab_open, lab_close),
      cmocka_unit_test_setup_teardown(a_deal_of_the_new_owner_is_not_taken, lab_open, lab_close),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
