/* What becomes of a task whose attempt left no result, which workers get it next, and what its
 * requester is told meanwhile. */
#include "sched_lab.h"
#include "store/db.h"

enum { TEE_TDX = IA_TAG_TEE | IA_TAG_TDX };

static ia_h256 new_task(lab *b)
{
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);

  json_decref(lab_wait(b, &task, "INITIALIZED"));
  return task;
}

static json_t *poll_for(lab *b, int who, const ia_h256 *task)
{
  json_t *v = lab_poll(b, who);
  ia_h256 got;

  assert_non_null(v); /* nothing within the time of one poll */
  MUST(ia_json_get_h256(json_object_get(v, "lease"), "taskId", &got, &e));
  assert_true(ia_h256_eq(&got, task));
  return v;
}

static bool give_back(lab *b, int who, const ia_h256 *task, uint64_t fencing, ia_err *why)
{
  return lab_ask(b, who, "/worker/v1/return",
                 json_pack("{s:o, s:I, s:s}", "taskId", ia_json_h256(task), "fencing",
                           (json_int_t)fencing, "reason", "the worker is shut down"),
                 NULL, why);
}

static void fail_task(lab *b, int who, const ia_h256 *task, const char *cause, bool retry)
{
  IA_AUTO_JSON *offer = poll_for(b, who, task);

  MUST(lab_ask(b, who, "/worker/v1/failed",
               json_pack("{s:o, s:I, s:s, s:s, s:s, s:b}", "taskId", ia_json_h256(task), "fencing",
                         (json_int_t)lab_fencing(offer), "cause", cause, "code", "SANDBOX",
                         "message", "no guest\ncame", "retry", retry),
               NULL, &e));
}

/* A member of what the task waits for; new reference to the task in *keep. */
static const json_t *waits(lab *b, const ia_h256 *task, json_t **keep)
{
  json_decref(*keep);
  *keep = lab_get(b, task, "");
  return json_object_get(json_object_get(*keep, "iapp"), "waitsFor");
}

static void why_is(lab *b, const ia_h256 *task, const char *why, const char *text)
{
  IA_AUTO_JSON *keep = NULL;
  const json_t *w = waits(b, task, &keep);
  const char *said = json_string_value(json_object_get(w, "text"));

  assert_string_equal(json_string_value(json_object_get(w, "why")), why);
  if (!said || strncmp(said, text, strlen(text)) != 0)
    fail_msg("waits %s, want %s", said ? said : "for nothing", text);
}

static void status_is(lab *b, const ia_h256 *task, const char *status)
{
  IA_AUTO_JSON *v = lab_get(b, task, "");

  assert_string_equal(json_string_value(json_object_get(v, "currentStatus")), status);
}

/* Three orderly restarts of the only worker: each time the task is free at once, and the first
 * fault afterwards is its first try. */
static void what_is_handed_back_is_no_try(void **state)
{
  lab *b = *state;
  ia_h256 task = new_task(b);
  IA_AUTO_JSON *keep = NULL;
  ia_err why = {0};

  MUST(lab_hello(b, LAB_WORKER, "zero", &e));
  for (int i = 0; i < 3; i++) {
    char boot[16];
    IA_AUTO_JSON *offer = poll_for(b, LAB_WORKER, &task);

    assert_false(give_back(b, LAB_WORKER, &task, lab_fencing(offer) + 1, &why));
    assert_int_equal(why.code, IA_E_LEASE_FENCED);
    MUST(give_back(b, LAB_WORKER, &task, lab_fencing(offer), &e));
    assert_false(give_back(b, LAB_WORKER, &task, lab_fencing(offer), &why));
    assert_int_equal(json_integer_value(json_object_get(waits(b, &task, &keep), "nextInSeconds")),
                     0);
    (void)snprintf(boot, sizeof(boot), "%d", i);
    MUST(lab_hello(b, LAB_WORKER, boot, &e));
  }
  why_is(b, &task, "RETRY", "attempt 3 was handed back: the worker is shut down; next as soon as");
  fail_task(b, LAB_WORKER, &task, "TEE_PREPARATION_FAILED", true);
  why_is(b, &task, "RETRY", "attempt 4 failed: no guest came; next ");
  assert_true(json_integer_value(json_object_get(waits(b, &task, &keep), "nextInSeconds")) <= 1);
  fail_task(b, LAB_WORKER, &task, "APP_COMPUTE_FAILED", false);
  status_is(b, &task, "RUNNING_FAILED");
  assert_null(waits(b, &task, &keep));
}

/* Whoever has not had the task gets it at once; whoever had it waits, also when it asks first. */
static void a_fault_of_one_worker_sends_it_to_another(void **state)
{
  lab *b = *state;
  ia_h256 task;

  MUST(lab_hello(b, LAB_WORKER, "a", &e));
  MUST(lab_hello(b, LAB_WORKER_2, "b", &e));
  task = new_task(b);
  fail_task(b, LAB_WORKER, &task, "TEE_PREPARATION_FAILED", true);
  why_is(b, &task, "RETRY", "attempt 1 failed: no guest came; next as soon as a worker is free");
  fail_task(b, LAB_WORKER_2, &task, "TEE_PREPARATION_FAILED", true);
  why_is(b, &task, "RETRY", "attempt 2 failed: no guest came; next in ");
  fail_task(b, LAB_WORKER, &task, "APP_COMPUTE_FAILED", false);
  status_is(b, &task, "RUNNING_FAILED");
}

/* As if its pause had passed. */
static void no_pause(lab *b, const ia_h256 *task)
{
  IA_AUTO(ia_db) *db = NULL;
  ia_stmt *st;

  MUST(ia_db_open_again(&db, b->db, &e));
  MUST(ia_db_stmt(&st, db, "UPDATE tasks SET next_try = 0, aside = 0 WHERE task_id = $1", &e));
  ia_bind_h256(st, 1, task);
  MUST(ia_stmt_run(st, &e));
}

/* Faults that pass never end a task before its deadline: not after sixteen tries, nor before. */
static void tries_do_not_run_out(void **state)
{
  lab *b = *state;
  ia_h256 task;

  MUST(lab_hello(b, LAB_WORKER, "a", &e));
  task = new_task(b);
  for (int i = 0; i < 20; i++) {
    char boot[16];

    (void)snprintf(boot, sizeof(boot), "n%d", i);
    json_decref(poll_for(b, LAB_WORKER, &task));
    MUST(lab_hello(b, LAB_WORKER, boot, &e)); /* a new process, which has nothing */
    status_is(b, &task, "INITIALIZED");
    no_pause(b, &task);
  }
  fail_task(b, LAB_WORKER, &task, "APP_COMPUTE_FAILED", false);
  fail_task(b, LAB_WORKER_2, &task, "APP_COMPUTE_FAILED", false);
  status_is(b, &task, "RUNNING_FAILED");
}

static json_t *worker_of(lab *b, int who, json_t **keep)
{
  char url[192];
  json_t *one;
  size_t i;

  (void)snprintf(url, sizeof(url), "%s/workers", ia_server_url(b->pool.server));
  json_decref(*keep);
  *keep = NULL;
  MUST(ia_http_json(b->http, keep, "GET", url, NULL, &e));
  json_array_foreach (json_object_get(*keep, "workers"), i, one) {
    ia_addr a;

    if (ia_json_get_addr(one, "address", &a, NULL) && ia_addr_eq(&a, &b->who[who]))
      return one;
  }
  fail();
  return NULL;
}

static void state_is(lab *b, int who, const char *state, const char *reason)
{
  IA_AUTO_JSON *keep = NULL;
  const json_t *w = worker_of(b, who, &keep);

  assert_string_equal(json_string_value(json_object_get(w, "state")), state);
  assert_string_equal(json_string_value(json_object_get(w, "message")), reason);
}

static bool says(lab *b, int who, bool draining, const char *cause, const char *message,
                 ia_err *why)
{
  json_t *w = cause ? json_pack("{s:s, s:s}", "cause", cause, "message", message) : NULL;

  return lab_ask(b, who, "/worker/v1/hello",
                 json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:b, s:o*}", "tee", "sim", "domain",
                           "sim", "slots", 3, "version", "test", "simRoot", "0x00", "boot", "same",
                           "draining", draining, "why", w),
                 NULL, why);
}

static void *held_poll(void *ctx)
{
  lab *b = ctx;
  IA_AUTO(ia_http) *http = NULL;
  json_t *v = NULL;
  lab mine = *b;
  ia_err why = {0};

  if (!ia_http_new(&http, NULL, &why))
    return NULL;
  mine.http = http;
  mine.counter[LAB_WORKER] += 100;
  (void)!lab_ask(&mine, LAB_WORKER, "/worker/v1/poll",
                 json_pack("{s:i, s:{s:s, s:s}}", "free", 1, "why", "cause",
                           "WORKER_OUT_OF_RESOURCES", "message", "its disk is full"),
                 &v, &why);
  return v;
}

/* A worker that says that it is paused gets nothing, though its poll is held; the listing has its
 * words, and so has whoever waits. */
static void a_paused_worker_gets_nothing(void **state)
{
  lab *b = *state;
  IA_AUTO_JSON *offer = NULL;
  IA_AUTO_JSON *keep = NULL;
  void *got = NULL;
  pthread_t poller;
  ia_err why = {0};
  ia_h256 task;

  lab_pool_down(b);
  lab_pool_up(b);
  task = new_task(b);
  state_is(b, LAB_WORKER, "away", "");
  why_is(b, &task, "WORKER", "no worker is connected to the pool");
  assert_false(says(b, LAB_WORKER, false, "MADE_UP", "", &why));
  MUST(says(b, LAB_WORKER, false, "WORKER_OUT_OF_RESOURCES", "its disk\nis full", &e));
  state_is(b, LAB_WORKER, "paused", "its disk is full");
  why_is(b, &task, "WORKER", "no worker takes tasks: 0x");
  const char *text = json_string_value(json_object_get(waits(b, &task, &keep), "text"));
  assert_non_null(strstr(text, " is paused: its disk is full"));
  assert_int_equal(pthread_create(&poller, NULL, held_poll, b), 0);
  (void)usleep(500000);
  b->counter[LAB_WORKER] += 1000; /* past that of the thread */
  status_is(b, &task, "INITIALIZED");
  MUST(says(b, LAB_WORKER_2, false, NULL, NULL, &e));
  offer = poll_for(b, LAB_WORKER_2, &task);
  assert_false(give_back(b, LAB_WORKER, &task, lab_fencing(offer), &why));
  assert_int_equal(why.code, IA_E_LEASE_FENCED);
  MUST(give_back(b, LAB_WORKER_2, &task, lab_fencing(offer), &e));
  MUST(says(b, LAB_WORKER_2, true, NULL, NULL, &e));
  state_is(b, LAB_WORKER_2, "draining", "");
  MUST(says(b, LAB_WORKER, false, NULL, NULL,
            &e)); /* and its poll, which still waits, is answered */
  state_is(b, LAB_WORKER, "ready", "");
  pthread_join(poller, &got);
  assert_non_null(got);
  json_decref(got);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_handed_back_is_no_try),
      cmocka_unit_test(a_fault_of_one_worker_sends_it_to_another),
      cmocka_unit_test(tries_do_not_run_out),
      cmocka_unit_test(a_paused_worker_gets_nothing),
  };

  return cmocka_run_group_tests(tests, lab_open, lab_close);
}
