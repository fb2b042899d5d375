/* Hosts and SMS instances that lie: no plaintext, no result, no statement about another task. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hex.h"
#include "host.h"

static fake_host host;

/* The run ended before any data was opened, with this cause. */
static void stopped(const char *what, const char *cause)
{
  if (strcmp(host.cause, cause) != 0)
    fail_msg("%s: wanted %s, got \"%s\" %s", what, cause, host.cause, host.message);
  assert_int_equal(host.started, 0);
  assert_null(host.run);
  assert_int_equal(host.puts, 0);
  assert_int_equal(host.fetches, 0);
}

/* -- every field of the clear hints -- */
static const struct hint_row {
  const char *key, *value; /* value NULL: lease.worker */
} hint_rows[] = {
    {"chainId", "1"},
    {"hub", "0x1111111111111111111111111111111111111111"},
    {"dealId", "0x1111111111111111111111111111111111111111111111111111111111111111"},
    {"taskId", "0x1111111111111111111111111111111111111111111111111111111111111111"},
    {"taskIndex", "1"},
    {"app", "0x1111111111111111111111111111111111111111"},
    {"dataset", "0x1111111111111111111111111111111111111111"},
    {"requester", "0x1111111111111111111111111111111111111111"},
    {"requestHash", "0x1111111111111111111111111111111111111111111111111111111111111111"},
    {"inputsHash", "0x1111111111111111111111111111111111111111111111111111111111111111"},
    {"rulesHash", "0x1111111111111111111111111111111111111111111111111111111111111111"},
    {"lease", NULL},
};
static size_t at;

static void change_hint(json_t *v)
{
  const struct hint_row *r = &hint_rows[at];

  if (r->value)
    json_object_set_new(v, r->key, json_string(r->value));
  else
    json_object_set_new(json_object_get(v, "lease"), "worker",
                        json_string("0x1111111111111111111111111111111111111111"));
}

/* An honest SMS sees other evidence; even one that would not look seals a task that does not fit.
 */
static void test_hints(void **state IA_UNUSED)
{
  for (at = 0; at < IA_COUNT(hint_rows); at++) {
    bool lease = !hint_rows[at].value;
    bool task_id = strcmp(hint_rows[at].key, "taskId") == 0;

    fake_run(&host, &(fake_plan){.argv = "leak", .hints = change_hint});
    stopped(hint_rows[at].key, lease ? "TASK_MISMATCH" : "TEE_SESSION_GENERATION_REPORT_DATA");
    fake_run(&host, &(fake_plan){.argv = "leak", .hints = change_hint, .gullible = true});
    /* the task id is in the seal's own labels: it does not even open */
    stopped(hint_rows[at].key, task_id ? "TEE_SESSION_GENERATION_CRYPTO" : "TASK_MISMATCH");
  }
}

static void drop_hint(json_t *v)
{
  json_object_del(v, "requestHash");
}
static void other_tee(json_t *v)
{
  json_object_set_new(v, "tee", json_string("tdx"));
}
static void other_image(json_t *v)
{
  json_object_set_new(
      v, "appDigest",
      json_string("0x1111111111111111111111111111111111111111111111111111111111111111"));
}
static void other_key(json_t *v)
{
  json_object_set_new(
      v, "smsKey",
      json_string("0x1111111111111111111111111111111111111111111111111111111111111111"));
}

static void test_broken_hints(void **state IA_UNUSED)
{
  static const struct {
    void (*change)(json_t *);
    const char *cause;
  } rows[] = {{drop_hint, "TASK_DESCRIPTION_INVALID"},
              {other_tee, "TASK_DESCRIPTION_INVALID"},
              {other_image, "APP_NOT_FOUND_LOCALLY"},
              {other_key, "TEE_SESSION_GENERATION_SMS_SIGNATURE"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    fake_run(&host, &(fake_plan){.argv = "leak", .hints = rows[i].change});
    stopped("hints", rows[i].cause);
  }
}

/* -- every field of the released task that the evidence names -- */
static const struct {
  const char *key, *value;
} task_rows[] = {
    {"descHash", "0x1111111111111111111111111111111111111111111111111111111111111111"},
    {"dealId", "0x1111111111111111111111111111111111111111111111111111111111111111"},
    {"taskId", "0x1111111111111111111111111111111111111111111111111111111111111111"},
    {"taskIndex", "1"},
    {"botFirst", "1"},
    {"botSize", "0"},
    {"chainId", "1"},
    {"hub", "0x1111111111111111111111111111111111111111"},
    {"app", "0x1111111111111111111111111111111111111111"},
    {"appDigest", "0x1111111111111111111111111111111111111111111111111111111111111111"},
    {"requester", "0x1111111111111111111111111111111111111111"},
    {"worker", "0x1111111111111111111111111111111111111111"},
};

static void change_task(json_t *v)
{
  json_object_set_new(v, task_rows[at].key, json_string(task_rows[at].value));
}

static void test_tasks(void **state IA_UNUSED)
{
  for (at = 0; at < IA_COUNT(task_rows); at++) {
    fake_run(&host, &(fake_plan){.argv = "leak", .task = change_task});
    stopped(task_rows[at].key, "TASK_MISMATCH");
  }
}

static void other_dataset(json_t *v)
{
  json_object_set_new(json_array_get(json_object_get(v, "datasets"), 0), "checksum",
                      json_string("0x11111111111111111111111111111111"
                                  "11111111111111111111111111111111"));
}
static void egress(json_t *v)
{
  json_object_set_new(v, "egress", json_pack("[s]", "evil.example:443"));
}
static void gate(json_t *v)
{
  json_object_set_new(v, "gate", json_pack("{s:i}", "maxBytes", 1));
}
static void unknown_member(json_t *v)
{
  json_object_set_new(v, "extra", json_true());
}
static void secret_env(json_t *v)
{
  json_object_set_new(json_object_get(v, "env"), "LD_PRELOAD", json_string("/x"));
}
static void path_name(json_t *v)
{
  json_object_set_new(json_array_get(json_object_get(v, "datasets"), 0), "filename",
                      json_string("../x"));
}

static void test_task_content(void **state IA_UNUSED)
{
  static const struct {
    void (*change)(json_t *);
    const char *cause;
  } rows[] = {{other_dataset, "TASK_MISMATCH"},
              {egress, "TEE_SESSION_GENERATION_UNSUPPORTED"},
              {gate, "TEE_SESSION_GENERATION_UNSUPPORTED"},
              {unknown_member, "TEE_SESSION_GENERATION_PARSE"},
              {secret_env, "TEE_SESSION_GENERATION_PARSE"},
              {path_name, "TEE_SESSION_GENERATION_PARSE"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    fake_run(&host, &(fake_plan){.argv = "leak", .task = rows[i].change});
    stopped("task", rows[i].cause);
  }
}

/* -- the SMS's answer on its way through the worker -- */
static void flip_item(json_t *v)
{
  json_t *item = json_array_get(json_object_get(v, "items"), 0);
  IA_AUTOV(ia_buf) ct = {0};

  assert_true(ia_json_get_base64(item, "ct", &ct, NULL));
  ct.ptr[3] ^= 1;
  json_object_set_new(item, "ct", ia_json_base64(ia_buf_view(&ct)));
}
static void rename_item(json_t *v)
{
  json_object_set_new(json_array_get(json_object_get(v, "items"), 0), "name",
                      json_string("requester-secret/9"));
}
static void drop_item(json_t *v)
{
  json_array_remove(json_object_get(v, "items"), 0);
}
static void drop_task(json_t *v)
{
  json_t *items = json_object_get(v, "items");

  json_array_remove(items, json_array_size(items) - 1);
}
static void swap_enc(json_t *v)
{
  json_object_set_new(v, "enc",
                      json_string("0x1111111111111111111111111111111111111111111111111111111111111"
                                  "111"));
}
static void flip_sig(json_t *v)
{
  IA_AUTOV(ia_buf) sig = {0};

  assert_true(ia_json_get_hex(v, "sig", &sig, NULL));
  sig.ptr[10] ^= 1;
  json_object_set_new(v, "sig", ia_json_hex(ia_buf_view(&sig)));
}

static void test_answers(void **state IA_UNUSED)
{
  static const struct {
    void (*change)(json_t *);
    const char *cause;
  } rows[] = {{flip_item, "SMS_SIGNATURE"}, {rename_item, "CRYPTO"},
              {drop_item, "SMS_SIGNATURE"}, {drop_task, "PARSE"},
              {swap_enc, "SMS_SIGNATURE"},  {flip_sig, "SMS_SIGNATURE"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    char cause[96];

    (void)snprintf(cause, sizeof(cause), "TEE_SESSION_GENERATION_%s", rows[i].cause);
    fake_run(&host, &(fake_plan){.argv = "leak", .release = rows[i].change});
    stopped("release", cause);
  }
}

/* Another key's release, and the release of an earlier guest for the same task. */
static void test_other_key_and_replay(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "leak", .other_sms = true});
  stopped("other SMS", "TEE_SESSION_GENERATION_SMS_SIGNATURE");
  fake_run(&host, &(fake_plan){.argv = "leak", .encrypt = true});
  assert_string_equal(host.cause, "");
  IA_AUTO_JSON *old = json_incref(host.last_release);
  fake_run(&host, &(fake_plan){.argv = "leak", .replay = old});
  stopped("replay", "TEE_SESSION_GENERATION_SMS_SIGNATURE");
}

/* Data that is not the registered data never reaches the app. */
static void test_data(void **state IA_UNUSED)
{
  static const struct {
    fake_plan plan;
    const char *cause;
  } rows[] = {
      {{.argv = "leak", .bad_data = true}, "PRE_COMPUTE_INVALID_DATASET_CHECKSUM"},
      {{.argv = "leak", .no_data = true}, "PRE_COMPUTE_DATASET_DOWNLOAD_FAILED"},
      {{.argv = "leak", .wrong_data_key = true}, "PRE_COMPUTE_DATASET_DECRYPTION_FAILED"},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    fake_run(&host, &rows[i].plan);
    assert_string_equal(host.cause, rows[i].cause);
    assert_int_equal(host.started, 0);
    assert_int_equal(host.puts, 0);
    assert_null(json_object_get(host.run, "resultDigest"));
    assert_null(json_object_get(host.run, "enclaveSign"));
  }
}

/* A host that stores something else under the result's name, or ends the task midway. */
static void test_end_of_run(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "leak", .encrypt = true, .bad_cid = true});
  assert_string_equal(host.cause, "POST_COMPUTE_IPFS_UPLOAD_FAILED");
  assert_null(json_object_get(host.run, "enclaveSign"));
  fake_run(&host, &(fake_plan){.argv = "sleep", .late_end = true});
  assert_string_equal(host.cause, "ABORTED_BY_WORKER");
  assert_null(host.run);
}

/* No task of the network can be made local, and the other way round. */
static void test_local_is_local(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "leak", .local_task = true});
  stopped("local task", "TASK_DESCRIPTION_INVALID");
}

/* Frames out of form or out of place end the guest without a word. */
static void test_frames(void **state IA_UNUSED)
{
  static const struct {
    uint8_t type;
    const char *payload;
  } rows[] = {{IA_FRAME_TASK, "not json"}, {IA_FRAME_TASK, "[]"},           {IA_FRAME_QUOTE, ""},
              {IA_FRAME_RUN, "{}"},        {IA_FRAME_PREPARE, "{\"x\":1}"}, {IA_FRAME_END, "{}"},
              {IA_FRAME_TASK, "{\"v\":2}"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    fake_raw(&host, rows[i].type, ia_span_str(rows[i].payload));
    assert_int_equal(host.started, 0);
    assert_int_equal(host.fetches, 0);
    assert_null(host.run);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hints),          cmocka_unit_test(test_broken_hints),
      cmocka_unit_test(test_tasks),          cmocka_unit_test(test_task_content),
      cmocka_unit_test(test_answers),        cmocka_unit_test(test_other_key_and_replay),
      cmocka_unit_test(test_data),           cmocka_unit_test(test_end_of_run),
      cmocka_unit_test(test_local_is_local), cmocka_unit_test(test_frames),
  };

  fake_open(&host, argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  fake_close(&host);
  return failed;
}
