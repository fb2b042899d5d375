/* The scheduler against a real ledger and market: the life of a task, leases, authorisations,
 * failures, refunds, and what workers may not do. */
#include "sched_lab.h"

enum { TEE_TDX = IA_TAG_TEE | IA_TAG_TDX };

/* Takes tasks until it is this one; the others of earlier tests are reported as failed for good. */
static json_t *poll_for(lab *b, int who, const ia_h256 *task)
{
  for (int i = 0; i < 10; i++) {
    json_t *v = lab_poll(b, who);
    ia_h256 got;

    assert_non_null(v); /* nothing within the time of one poll */
    MUST(ia_json_get_h256(json_object_get(v, "lease"), "taskId", &got, &e));
    if (ia_h256_eq(&got, task))
      return v;
    json_decref(v);
  }
  fail();
  return NULL;
}

static void leased_authorised_settled(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0), h, got;
  IA_AUTO_JSON *offer = NULL;
  IA_AUTO_JSON *done = NULL;
  IA_AUTOV(ia_buf) auth = {0};
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_lease lease = {.task_id = task, .worker = b->who[LAB_WORKER]};
  json_t *hints, *l;

  MUST(lab_hello(b, LAB_WORKER, "one", &e));
  offer = poll_for(b, LAB_WORKER, &task);
  l = json_object_get(offer, "lease");
  hints = json_object_get(offer, "hints");
  lease.fencing = lab_fencing(offer);
  lease.expires = (uint64_t)json_integer_value(json_object_get(l, "expires"));
  MUST(ia_lease_hash(&h, IA_DOMAIN_SIM, &lease, &e));
  MUST(ia_json_get_hex(l, "sig", &auth, &e));
  ia_addr signer;
  MUST(ia_eip191_recover(&signer, IA_SPAN_ARR(h.b), ia_buf_view(&auth), &e));
  assert_true(ia_addr_eq(&signer, &b->who[LAB_POOL]));
  assert_true(lease.expires <= ia_now() + 30);
  MUST(ia_json_get_h256(hints, "dealId", &got, &e));
  assert_true(ia_h256_eq(&got, &deal));
  MUST(ia_json_get_h256(hints, "appDigest", &got, &e));
  assert_true(ia_h256_eq(&got, &b->app_digest));
  assert_int_equal(json_object_size(hints), 16);
  MUST(lab_authorize(b, LAB_WORKER, &task, lease.fencing,
                     lab_cert(b, &task, LAB_WORKER, &b->who[3], ia_now() + 60), &auth, &e));
  MUST(lab_settle(b, LAB_WORKER, &task, ia_buf_view(&auth), &sent, &e));
  done = lab_wait(b, &task, "COMPLETED");
  b->completed = task;
  assert_string_equal(json_string_value(json_object_get(
                          json_object_get(json_object_get(done, "iapp"), "result"), "location")),
                      "/ipfs/z");
}

/* Certificates of another task, worker, key, domain or time; a second enclave under one lease. */
static void no_authorisation_without_the_right_certificate(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0), other = {{1}};
  IA_AUTO_JSON *offer = poll_for(b, LAB_WORKER, &task);
  uint64_t fencing = lab_fencing(offer), soon = ia_now() + 60;
  IA_AUTOV(ia_buf) auth = {0};
  const ia_addr *enclave = &b->who[3], *second = &b->who[8];
  json_t *forged = lab_cert(b, &task, LAB_WORKER, enclave, soon);
  const struct {
    json_t *cert;
    uint64_t fencing;
    ia_code code;
  } bad[] = {
      {lab_cert(b, &other, LAB_WORKER, enclave, soon), fencing, IA_E_FORBIDDEN},
      {lab_cert(b, &task, LAB_WORKER_2, enclave, soon), fencing, IA_E_FORBIDDEN},
      {lab_cert(b, &task, LAB_WORKER, enclave, ia_now() - 1), fencing, IA_E_FORBIDDEN},
      {lab_cert(b, &task, LAB_WORKER, enclave, soon), fencing + 1, IA_E_LEASE_FENCED},
      {forged, fencing, IA_E_SMS_SIGNATURE},
  };

  json_object_set_new(forged, "enclaveAddress", ia_json_addr(second));
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    ia_err why = {0};

    assert_false(lab_authorize(b, LAB_WORKER, &task, bad[i].fencing, bad[i].cert, &auth, &why));
    assert_int_equal(why.code, bad[i].code);
  }
  MUST(lab_authorize(b, LAB_WORKER, &task, fencing, lab_cert(b, &task, LAB_WORKER, enclave, soon),
                     &auth, &e));
  MUST(lab_authorize(b, LAB_WORKER, &task, fencing, lab_cert(b, &task, LAB_WORKER, enclave, soon),
                     &auth, &e));
  ia_err why = {0};
  assert_false(lab_authorize(b, LAB_WORKER, &task, fencing,
                             lab_cert(b, &task, LAB_WORKER, second, soon), &auth, &why));
  assert_int_equal(why.code, IA_E_FORBIDDEN);
}

static json_t *lease_body(const ia_h256 *task, uint64_t fencing, const char *state)
{
  return json_pack("{s:o, s:I, s:s}", "taskId", ia_json_h256(task), "fencing", (json_int_t)fencing,
                   "state", state);
}

static bool beat(lab *b, int who, const ia_h256 *task, uint64_t fencing)
{
  IA_AUTO_JSON *v = NULL;

  MUST(lab_ask(b, who, "/worker/v1/heartbeat", lease_body(task, fencing, "RUNNING"), &v, &e));
  return json_is_false(json_object_get(v, "stop"));
}

/* Heartbeats keep a lease beyond its first end; without them the task goes to another worker under
 * the next number, and the older number has no say any more. */
static void a_silent_worker_loses_its_task(void **state)
{
  lab *b = *state;
  ia_h256 deal, task;
  IA_AUTO_JSON *first = NULL;
  uint64_t fencing;
  IA_AUTOV(ia_buf) auth = {0};
  ia_err why = {0};

  lab_pool_down(b);
  b->config.lease_seconds = 3;
  lab_pool_up(b);
  deal = lab_match(b, 1, TEE_TDX);
  task = lab_task(&deal, 0);
  first = poll_for(b, LAB_WORKER, &task);
  fencing = lab_fencing(first);
  for (int i = 0; i < 4; i++) {
    (void)usleep(1000000);
    assert_true(beat(b, LAB_WORKER, &task, fencing));
  }
  MUST(lab_hello(b, LAB_WORKER_2, "two", &e));
  IA_AUTO_JSON *second = poll_for(b, LAB_WORKER_2, &task);
  assert_int_equal(lab_fencing(second), fencing + 1);
  assert_int_equal(json_integer_value(json_object_get(second, "attempt")), 2);
  assert_false(beat(b, LAB_WORKER, &task, fencing));
  assert_false(lab_authorize(b, LAB_WORKER, &task, fencing,
                             lab_cert(b, &task, LAB_WORKER, &b->who[3], ia_now() + 60), &auth,
                             &why));
  assert_int_equal(why.code, IA_E_LEASE_FENCED);
  assert_true(beat(b, LAB_WORKER_2, &task, fencing + 1));
}

static json_t *failure(const ia_h256 *task, uint64_t fencing, const char *cause, bool retry)
{
  return json_pack("{s:o, s:I, s:s, s:s, s:s, s:b}", "taskId", ia_json_h256(task), "fencing",
                   (json_int_t)fencing, "cause", cause, "code", "APP_FAILED", "message",
                   "exit status 3", "retry", retry);
}

/* Two ways lead to INITIALIZED, our transaction's return and its event: neither takes back a lease
 * that the other one made possible. */
static void every_task_is_leased_once(void **state)
{
  enum { TASKS = 60 };
  lab *b = *state;
  uint64_t fencing[TASKS] = {0};
  ia_h256 deal = lab_match(b, TASKS, TEE_TDX), task[TASKS], got;

  for (size_t i = 0; i < TASKS; i++)
    task[i] = lab_task(&deal, i);
  for (size_t n = 0; n < TASKS;) {
    IA_AUTO_JSON *v = lab_poll(b, LAB_WORKER);

    assert_non_null(v);
    MUST(ia_json_get_h256(json_object_get(v, "lease"), "taskId", &got, &e));
    for (size_t i = 0; i < TASKS; i++) {
      if (ia_h256_eq(&got, &task[i])) {
        assert_int_equal(fencing[i], 0);
        fencing[i] = lab_fencing(v);
        n++;
      }
    }
  }
  for (size_t i = 0; i < TASKS; i++)
    assert_true(beat(b, LAB_WORKER, &task[i], fencing[i]));
  for (size_t i = 0; i < TASKS; i++)
    MUST(lab_ask(b, LAB_WORKER, "/worker/v1/failed",
                 failure(&task[i], fencing[i], "APP_COMPUTE_FAILED", false), NULL, &e));
}

/* A worker that starts anew frees what its older process had, at once. */
static void a_restarted_worker_frees_its_leases(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);
  IA_AUTO_JSON *first = poll_for(b, LAB_WORKER, &task);

  MUST(lab_hello(b, LAB_WORKER, "one", &e)); /* the same process */
  assert_true(beat(b, LAB_WORKER, &task, lab_fencing(first)));
  MUST(lab_hello(b, LAB_WORKER, "another", &e));
  assert_false(beat(b, LAB_WORKER, &task, lab_fencing(first)));
}

/* An answer that was lost on its way: the worker says what it has, and the rest is free. */
static void a_lease_that_never_arrived_is_free(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);
  IA_AUTO_JSON *first = poll_for(b, LAB_WORKER, &task);

  MUST(lab_hello_with(b, LAB_WORKER, "another", json_pack("[o]", ia_json_h256(&task)), &e));
  assert_true(beat(b, LAB_WORKER, &task, lab_fencing(first)));
  MUST(lab_hello_with(b, LAB_WORKER, "another", json_array(), &e));
  assert_false(beat(b, LAB_WORKER, &task, lab_fencing(first)));
}

static void fails(lab *b, int who, const ia_h256 *task, const char *cause, bool retry)
{
  IA_AUTO_JSON *offer = poll_for(b, who, task);

  MUST(lab_ask(b, who, "/worker/v1/failed", failure(task, lab_fencing(offer), cause, retry), NULL,
               &e));
}

/* A worker's words end on the requester's terminal: a cause is one of the list. */
static void causes_outside_the_list_are_refused(void **state)
{
  static const char *const causes[] = {"", "MADE_UP", "APP_COMPUTE_FAILED\nok    PROVEN",
                                       "TEE_SESSION_GENERATION_X", "\x1b[2J"};
  lab *b = *state;
  ia_err why = {0};

  MUST(lab_hello(b, LAB_WORKER, "round", &e));
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);
  IA_AUTO_JSON *offer = poll_for(b, LAB_WORKER, &task);
  for (size_t i = 0; i < IA_COUNT(causes); i++) {
    assert_false(lab_ask(b, LAB_WORKER, "/worker/v1/failed",
                         failure(&task, lab_fencing(offer), causes[i], false), NULL, &why));
    assert_int_equal(why.code, IA_E_INVALID);
    assert_non_null(strstr(why.msg, "unknown cause"));
  }
  json_t *odd = failure(&task, lab_fencing(offer), "APP_COMPUTE_FAILED", false);
  assert_int_equal(json_object_set_new(odd, "code", json_string("A\nB")), 0);
  assert_false(lab_ask(b, LAB_WORKER, "/worker/v1/failed", odd, NULL, &why));
  assert_non_null(strstr(why.msg, "unknown code"));
  MUST(lab_ask(b, LAB_WORKER, "/worker/v1/failed",
               failure(&task, lab_fencing(offer), "APP_COMPUTE_FAILED", false), NULL, &e));
}

static void status_is(lab *b, const ia_h256 *task, const char *status, const char *cause)
{
  IA_AUTO_JSON *v = lab_get(b, task, "");

  assert_string_equal(json_string_value(json_object_get(v, "currentStatus")), status);
  assert_string_equal(json_string_value(json_object_get(json_object_get(v, "iapp"), "cause")),
                      cause);
}

/* Both workers are there; whoever failed last waits for the other, and then has another turn. */
static void what_fails_goes_round(void **state)
{
  lab *b = *state;
  ia_h256 deal, task;
  IA_AUTO_JSON *third = NULL;

  MUST(lab_hello(b, LAB_WORKER, "round", &e));
  MUST(lab_hello(b, LAB_WORKER_2, "round", &e));
  deal = lab_match(b, 1, TEE_TDX);
  task = lab_task(&deal, 0);
  fails(b, LAB_WORKER, &task, "TEE_PREPARATION_FAILED", true);
  fails(b, LAB_WORKER_2, &task, "TEE_PREPARATION_FAILED", true);
  status_is(b, &task, "INITIALIZED", "TEE_PREPARATION_FAILED");
  third = poll_for(b, LAB_WORKER, &task);
  assert_int_equal(json_integer_value(json_object_get(third, "attempt")), 3);
}

/* One worker's word that it is hopeless sends the task to the other; the second word ends it. */
static void two_words_end_a_task(void **state)
{
  lab *b = *state;
  ia_h256 deal, task;

  MUST(lab_hello(b, LAB_WORKER, "round", &e));
  MUST(lab_hello(b, LAB_WORKER_2, "round", &e));
  deal = lab_match(b, 1, TEE_TDX);
  task = lab_task(&deal, 0);
  fails(b, LAB_WORKER, &task, "TEE_SESSION_GENERATION_REVOKED", false);
  status_is(b, &task, "INITIALIZED", "TEE_SESSION_GENERATION_REVOKED");
  fails(b, LAB_WORKER_2, &task, "TEE_SESSION_GENERATION_REVOKED", false);
  status_is(b, &task, "RUNNING_FAILED", "TEE_SESSION_GENERATION_REVOKED");
}

enum { PRICE = 1000 };

/* The pool's one order on the market: the one before is taken off a moment after the new one. */
static bool only_order(lab *b, uint64_t *price, uint64_t *left)
{
  IA_AUTOV(ia_offers) offers = {0};
  const ia_workerpool_order *o;
  uint64_t volume = 0, used = 0;
  ia_u256 consumed;
  ia_h256 h;

  lab_pool_order(b, &offers);
  if (offers.n != 1)
    return false;
  o = &offers.list[0].box.order.workerpool;
  ia_order_hash(&h, ia_chain_separator(b->chain), IA_ORDER_WORKERPOOL, o);
  MUST(ia_chain_consumed(b->chain, &consumed, &h, &e));
  assert_true(ia_u256_u64(&volume, &o->volume) && ia_u256_u64(&used, &consumed) &&
              ia_u256_u64(price, &o->workerpoolprice));
  *left = volume - used;
  return true;
}

/* What the ledger says is left of it. */
static uint64_t order_left(lab *b, uint64_t *price)
{
  uint64_t left = 0;

  for (int i = 0; i < 500 && !only_order(b, price, &left); i++)
    (void)usleep(10000);
  return left;
}

static void left_becomes(lab *b, uint64_t want)
{
  uint64_t left = 0, price;

  for (int i = 0; i < 500; i++) {
    left = order_left(b, &price);
    if (left == want)
      return;
    (void)usleep(10000);
  }
  assert_int_equal(left, want);
}

/* Orders are there by themselves, at the configured price, and again when they run out. */
static void pool_orders_are_renewed(void **state)
{
  lab *b = *state;
  uint64_t price;

  lab_fund(b, LAB_USER, 100 * PRICE);
  lab_fund(b, LAB_POOL, 100 * PRICE);
  lab_pool_down(b);
  b->config.order_volume = 4;
  b->config.price_nrlc = PRICE;
  lab_pool_up(b);
  assert_int_equal(order_left(b, &price), 4);
  assert_int_equal(price, PRICE);
  (void)lab_match(b, 2, TEE_TDX);
  left_becomes(b, 2); /* half is left: that will do */
  (void)lab_match(b, 1, TEE_TDX);
  left_becomes(b, 4);
}

static void causes_reach_the_requester_and_money_comes_back(void **state)
{
  lab *b = *state;
  uint64_t locked = 0, before, already;
  IA_AUTO_JSON *claimed = NULL;
  IA_AUTO_JSON *receipt = NULL;
  IA_AUTOV(ia_settlement) s = {0};
  IA_AUTOV(ia_buf) store = {0};
  ia_addr signer;
  ia_task now;

  MUST(lab_hello(b, LAB_WORKER, "round", &e));
  MUST(lab_hello(b, LAB_WORKER_2, "round", &e));
  before = lab_stake(b, LAB_USER, &already);
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);
  assert_int_equal(lab_stake(b, LAB_USER, &locked), before - PRICE);
  assert_int_equal(locked, already + PRICE);
  fails(b, LAB_WORKER, &task, "APP_COMPUTE_FAILED", false);
  fails(b, LAB_WORKER_2, &task, "APP_COMPUTE_FAILED", false);
  lab_advance(b, 3001);
  claimed = lab_wait(b, &task, "FAILED");
  b->claimed = task;
  json_t *failed = json_object_get(claimed, "iapp");
  assert_string_equal(json_string_value(json_object_get(failed, "cause")), "APP_COMPUTE_FAILED");
  assert_string_equal(json_string_value(json_object_get(failed, "message")), "exit status 3");
  MUST(ia_chain_task(b->chain, &now, &store, &task, &e));
  assert_int_equal(now.status, IA_TASK_FAILED);
  receipt = lab_get(b, &task, "/receipt");
  MUST(ia_settlement_open(&s, &signer, json_object_get(receipt, "settlement"), &e));
  assert_string_equal(s.cause, "APP_COMPUTE_FAILED");
  assert_true(ia_addr_eq(&signer, &b->who[LAB_POOL]));
  /* the earlier deals' tasks are claimed too: all that was locked is free again */
  for (int i = 0; i < 500 && locked > 0; i++) {
    (void)lab_stake(b, LAB_USER, &locked);
    (void)usleep(10000);
  }
  assert_int_equal(locked, 0);
  assert_int_equal(lab_stake(b, LAB_USER, &locked), before + already);
}

/* A task that somebody else initialised already is fine. */
static void initialise_is_idempotent(void **state)
{
  lab *b = *state;
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_h256 deal, task;
  ia_err why = {0};

  lab_pool_down(b);
  deal = lab_match(b, 1, TEE_TDX);
  task = lab_task(&deal, 0);
  ia_args a = {.id = {deal}};
  MUST(lab_send(b, LAB_USER, NULL, IA_CALL_INITIALIZE, &a, &sent, &why));
  lab_pool_up(b);
  json_decref(lab_wait(b, &task, "INITIALIZED"));
  json_decref(poll_for(b, LAB_WORKER, &task));
}

/* What was leased before a restart is neither lost nor given twice. */
static void a_restart_keeps_leases_and_numbers(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);
  IA_AUTO_JSON *first = poll_for(b, LAB_WORKER, &task);
  uint64_t used = b->counter[LAB_WORKER];
  ia_err why = {0};
  IA_AUTO_JSON *body = json_pack("{s:i}", "free", 0);

  lab_pool_down(b);
  lab_pool_up(b);
  assert_true(beat(b, LAB_WORKER, &task, lab_fencing(first)));
  assert_false(lab_ask_at(b, LAB_WORKER, used, "/worker/v1/poll", body, NULL, &why));
  assert_int_equal(why.code, IA_E_UNAUTHORIZED);
}

static void requests_are_signed_once(void **state)
{
  lab *b = *state;
  IA_AUTO_JSON *body = json_pack("{s:i}", "free", 0);
  uint64_t n = b->counter[LAB_WORKER] += 10;
  ia_err why = {0};

  MUST(lab_ask_at(b, LAB_WORKER, n, "/worker/v1/poll", body, NULL, &why));
  assert_false(lab_ask_at(b, LAB_WORKER, n, "/worker/v1/poll", body, NULL, &why));
  assert_int_equal(why.code, IA_E_UNAUTHORIZED);
  /* one that was overtaken on the way is good, once */
  MUST(lab_ask_at(b, LAB_WORKER, n - 3, "/worker/v1/poll", body, NULL, &why));
  assert_false(lab_ask_at(b, LAB_WORKER, n - 3, "/worker/v1/poll", body, NULL, &why));
  assert_false(lab_ask_at(b, LAB_USER, n, "/worker/v1/poll", body, NULL, &why));
  assert_int_equal(why.code, IA_E_FORBIDDEN);
  assert_false(lab_hello(b, LAB_USER, "x", &why));
}

/* A deal that no enclave would get a key for is not tried; its cause is said at once. */
static void a_deal_without_tee_is_refused(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, 1, 0), task = lab_task(&deal, 0);
  IA_AUTO_JSON *v = lab_wait(b, &task, "RUNNING_FAILED");

  assert_string_equal(json_string_value(json_object_get(json_object_get(v, "iapp"), "cause")),
                      "TEE_NOT_SUPPORTED");
}

static void *idle_poll(void *ctx)
{
  lab *b = ctx;
  IA_AUTO(ia_http) *http = NULL;
  ia_http *shared = b->http;
  IA_AUTO_JSON *v = NULL;
  ia_err why = {0};

  if (!ia_http_new(&http, NULL, &why))
    return NULL;
  b->http = http;
  (void)!lab_ask(b, LAB_WORKER, "/worker/v1/poll", json_pack("{s:i}", "free", 1), &v, &why);
  b->http = shared;
  return NULL;
}

/* A worker that waits costs nothing: the process sleeps. */
static void waiting_is_idle(void **state)
{
  lab *b = *state;
  struct timespec before, after;
  pthread_t poller;

  assert_int_equal(pthread_create(&poller, NULL, idle_poll, b), 0);
  (void)usleep(300000);
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  (void)usleep(1000000);
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  lab_pool_down(b); /* ends the poll */
  pthread_join(poller, NULL);
  lab_pool_up(b);
  assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 <
              200);
}

static void logs_are_for_the_requester(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);
  json_t *v = lab_get(b, &task, "/wait?state=");
  char url[256];
  IA_AUTO_JSON *challenge = NULL;
  ia_err why = {0};

  json_decref(v);
  (void)snprintf(url, sizeof(url), "%s/tasks/logs/challenge?chainId=421614&address=%s",
                 ia_server_url(b->pool.server), ia_addr_lower(&b->who[LAB_USER]).s);
  MUST(ia_http_json(b->http, &challenge, "GET", url, NULL, &why));
  assert_string_equal(json_string_value(json_object_get(challenge, "primaryType")), "Challenge");
  (void)snprintf(url, sizeof(url), "%s/tasks/%s/logs", ia_server_url(b->pool.server),
                 ia_h256_text(&task).s);
  assert_false(ia_http_json(b->http, NULL, "GET", url, NULL, &why));
  assert_int_equal(why.code, IA_E_UNAUTHORIZED);
}

/* What the ledger says is read again; what only we know stays, to the letter. */
static void a_reindex_reads_the_ledger_again(void **state)
{
  static const char *const states[] = {"INITIALIZED", "RUNNING_FAILED", "COMPLETED", "FAILED"};
  lab *b = *state;
  ia_h256 deal = lab_match(b, 1, TEE_TDX), without = lab_match(b, 1, 0);
  ia_h256 tasks[] = {lab_task(&deal, 0), lab_task(&without, 0), b->completed, b->claimed};
  json_t *before[IA_COUNT(tasks)];

  MUST(lab_hello(b, LAB_WORKER, "round", &e)); /* or a task says that it waits for one */
  for (size_t i = 0; i < IA_COUNT(tasks); i++)
    before[i] = lab_wait(b, &tasks[i], states[i]);
  lab_pool_down(b);
  MUST(ia_scheduler_reindex(b->config.db, &e));
  lab_pool_up(b);
  /* a deal that comes after was read after all the others */
  ia_h256 last = lab_match(b, 1, TEE_TDX), next = lab_task(&last, 0);
  json_decref(lab_wait(b, &next, "INITIALIZED"));
  MUST(lab_hello(b, LAB_WORKER, "round", &e));
  for (size_t i = 0; i < IA_COUNT(tasks); i++) {
    IA_AUTO_JSON *after = lab_wait(b, &tasks[i], states[i]);

    if (!json_equal(before[i], after))
      fail_msg("%s: %s, was %s", states[i], json_dumps(after, 0), json_dumps(before[i], 0));
    json_decref(before[i]);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(leased_authorised_settled),
      cmocka_unit_test(no_authorisation_without_the_right_certificate),
      cmocka_unit_test(requests_are_signed_once),
      cmocka_unit_test(a_deal_without_tee_is_refused),
      cmocka_unit_test(waiting_is_idle),
      cmocka_unit_test(logs_are_for_the_requester),
      cmocka_unit_test(initialise_is_idempotent),
      cmocka_unit_test(every_task_is_leased_once),
      cmocka_unit_test(a_restart_keeps_leases_and_numbers),
      cmocka_unit_test(a_restarted_worker_frees_its_leases),
      cmocka_unit_test(a_lease_that_never_arrived_is_free),
      cmocka_unit_test(a_silent_worker_loses_its_task),
      cmocka_unit_test(what_fails_goes_round),
      cmocka_unit_test(two_words_end_a_task),
      cmocka_unit_test(pool_orders_are_renewed),
      cmocka_unit_test(causes_outside_the_list_are_refused),
      cmocka_unit_test(causes_reach_the_requester_and_money_comes_back),
      cmocka_unit_test(a_reindex_reads_the_ledger_again),
  };

  return cmocka_run_group_tests(tests, lab_open, lab_close);
}
