/* What workers offer: the pool's answer, and which worker gets a task that asks for memory. */
#include "sched_lab.h"

enum { TEE_TDX = IA_TAG_TEE | IA_TAG_TDX };

static json_t *pool_answer(lab *b)
{
  char url[192];
  json_t *v = NULL;

  (void)snprintf(url, sizeof(url), "%s/pool", ia_server_url(b->pool.server));
  MUST(ia_http_json(b->http, &v, "GET", url, NULL, &e));
  return v;
}

static bool hello(lab *b, int who, json_t *limits, ia_err *e)
{
  return lab_ask(b, who, "/worker/v1/hello",
                 json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:o*}", "tee", "sim", "domain", "sim",
                           "slots", 3, "version", "test", "simRoot", "0x00", "boot", "one",
                           "limits", limits),
                 NULL, e);
}

static json_int_t limit(const json_t *answer, const char *name)
{
  return json_integer_value(json_object_get(json_object_get(answer, "limits"), name));
}

/* Members that this scheduler never heard of are shown too: of each the most of all workers. */
static void the_pool_shows_the_most_of_its_workers(void **state)
{
  lab *b = *state;
  json_int_t gib = 1 << 30;

  MUST(hello(b, LAB_WORKER, json_pack("{s:I, s:I}", "memoryMax", 2 * gib, "dataMax", gib), &e));
  MUST(hello(b, LAB_WORKER_2, json_pack("{s:I, s:I}", "memoryMax", 4 * gib, "dataMax", 7), &e));
  IA_AUTO_JSON *v = pool_answer(b);
  assert_true(limit(v, "memoryMax") == 4 * gib && limit(v, "dataMax") == gib);
  assert_int_equal(json_integer_value(json_object_get(v, "workers")), 2);
  assert_int_equal(json_integer_value(json_object_get(v, "slots")), 6);
  assert_string_equal(json_string_value(json_object_get(v, "pool")),
                      ia_addr_lower(&b->pool_addr).s);
  /* a later hello replaces */
  MUST(hello(b, LAB_WORKER_2, json_pack("{s:I}", "memoryMax", gib), &e));
  IA_AUTO_JSON *now = pool_answer(b);
  assert_true(limit(now, "memoryMax") == 2 * gib);
}

static void limits_out_of_form_are_refused(void **state)
{
  lab *b = *state;
  json_t *const bad[] = {json_string("much"), json_pack("{s:s}", "memoryMax", "1"),
                         json_pack("{s:i}", "memoryMax", -1),
                         json_pack("{s:i}", "a-name-that-is-longer-than-any-of-ours", 1),
                         json_object()};

  for (int i = 0; i < 17; i++) {
    char name[16];

    (void)snprintf(name, sizeof(name), "n%d", i);
    json_object_set_new(bad[4], name, json_integer(1));
  }
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    ia_err why = {0};

    assert_false(hello(b, LAB_WORKER, bad[i], &why));
    assert_int_equal(why.code, IA_E_INVALID);
  }
}

static ia_h256 asks_for(lab *b, const char *params)
{
  ia_h256 deal = lab_match_as(b, LAB_USER, 1, TEE_TDX, ia_span_str(params));
  ia_h256 task = lab_task(&deal, 0);

  json_decref(lab_wait(b, &task, "INITIALIZED"));
  return task;
}

static void assert_leased(const json_t *assignment, const ia_h256 *task)
{
  ia_h256 id;

  assert_non_null(assignment);
  MUST(ia_json_get_h256(json_object_get(assignment, "lease"), "taskId", &id, &e));
  assert_true(ia_h256_eq(&id, task));
}

/* A task that asks for 3 GiB goes past the worker of 2 GiB to the one of 4; the next one, which
 * asks for nothing, does not wait behind it. */
static void a_task_goes_to_a_worker_with_its_memory(void **state)
{
  lab *b = *state;
  json_int_t gib = 1 << 30;

  MUST(hello(b, LAB_WORKER, json_pack("{s:I}", "memoryMax", 2 * gib), &e));
  MUST(hello(b, LAB_WORKER_2, json_pack("{s:I}", "memoryMax", 4 * gib), &e));
  ia_h256 large = asks_for(b, "{\"iapp_memory\":\"3G\"}"), small = asks_for(b, "{}");
  IA_AUTO_JSON *one = lab_poll(b, LAB_WORKER), *two = lab_poll(b, LAB_WORKER_2);
  assert_leased(one, &small);
  assert_int_equal(json_integer_value(json_object_get(one, "memory")), 0);
  assert_leased(two, &large);
  assert_true(json_integer_value(json_object_get(two, "memory")) == 3 * gib);
}

/* What nobody offers reaches a worker all the same, whose refusal ends it with its own words. */
static void what_nobody_offers_fails_with_the_worker_s_words(void **state)
{
  lab *b = *state;
  const char *words = "the run asks for 64 GiB of memory; this worker offers 2 GiB to an app";

  MUST(hello(b, LAB_WORKER, json_pack("{s:I}", "memoryMax", (json_int_t)2 << 30), &e));
  ia_h256 task = asks_for(b, "{\"iapp_memory\":68719476736}");
  IA_AUTO_JSON *got = lab_poll(b, LAB_WORKER);
  assert_leased(got, &task);
  MUST(lab_ask(b, LAB_WORKER, "/worker/v1/failed",
               json_pack("{s:o, s:I, s:s, s:s, s:s, s:b}", "taskId", ia_json_h256(&task), "fencing",
                         (json_int_t)lab_fencing(got), "cause", "APP_MEMORY_NOT_OFFERED", "code",
                         "NO_RESOURCES", "message", words, "retry", 0),
               NULL, &e));
  IA_AUTO_JSON *v = lab_wait(b, &task, "RUNNING_FAILED");
  const json_t *iapp = json_object_get(v, "iapp");
  assert_string_equal(json_string_value(json_object_get(iapp, "cause")), "APP_MEMORY_NOT_OFFERED");
  assert_string_equal(json_string_value(json_object_get(iapp, "message")), words);
}

/* Sizes that are none are refused like every other wrong member. */
static void memory_out_of_form_is_refused(void **state)
{
  static const char *const bad[] = {"{\"iapp_memory\":\"much\"}", "{\"iapp_memory\":1}",
                                    "{\"iapp_memory\":true}", "{\"iapp_memory\":-1}",
                                    "{\"iapp_memory\":\"2000T\"}"};
  lab *b = *state;

  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    ia_h256 deal = lab_match_as(b, LAB_USER, 1, TEE_TDX, ia_span_str(bad[i]));
    ia_h256 task = lab_task(&deal, 0);
    IA_AUTO_JSON *v = lab_wait(b, &task, "RUNNING_FAILED");

    assert_string_equal(json_string_value(json_object_get(json_object_get(v, "iapp"), "cause")),
                        "TASK_DESCRIPTION_INVALID");
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_pool_shows_the_most_of_its_workers, lab_open, lab_close),
      cmocka_unit_test_setup_teardown(limits_out_of_form_are_refused, lab_open, lab_close),
      cmocka_unit_test_setup_teardown(a_task_goes_to_a_worker_with_its_memory, lab_open, lab_close),
      cmocka_unit_test_setup_teardown(what_nobody_offers_fails_with_the_worker_s_words, lab_open,
                                      lab_close),
      cmocka_unit_test_setup_teardown(memory_out_of_form_is_refused, lab_open, lab_close),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
