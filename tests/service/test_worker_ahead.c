/* What a task reads is fetched before a key is asked for: what is refused, missing or too large
 * costs no release, and the scheduler hears which file and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/causes.h"
#include "worker_lab.h"

enum { MIB = 1 << 20 };

static int setup(void **state)
{
  lab *l = calloc(1, sizeof(*l));
  ia_err e = {0};

  *state = l;
  if (lab_open(l, &e))
    return 0;
  fprintf(stderr, "%s\n", e.msg);
  return -1;
}

static int teardown(void **state)
{
  bool ok = lab_close(*state);

  free(*state);
  return ok ? 0 : -1;
}

static const char *said(const lab *l, const char *key)
{
  const char *s = json_string_value(json_object_get(l->report, key));

  return s ? s : "";
}

/* One task that reads these, from a new worker. */
static void run(lab *l, json_t *files, json_t *data)
{
  ia_err e = {0};

  ia_worker_close(l->worker);
  l->worker = NULL;
  json_decref(l->reads);
  json_decref(l->report);
  l->report = NULL;
  l->reads = json_pack("{s:o, s:o}", "files", files, "data", data);
  l->given = false;
  l->n_sms = l->n_files = 0;
  if (!lab_start(l, 0, &e))
    fail_msg("%s", e.msg);
  assert_true(lab_wait(l, 0));
}

static void failed(const lab *l, const char *cause, const char *words)
{
  if (strcmp(said(l, "cause"), cause) != 0 || !strstr(said(l, "message"), words))
    fail_msg("wanted %s, \"%s\": %s \"%s\"", cause, words, said(l, "cause"), said(l, "message"));
  assert_true(json_is_boolean(json_object_get(l->report, "retry")));
  assert_int_equal(json_is_true(json_object_get(l->report, "retry")),
                   ia_cause_again(cause) == IA_AGAIN_LATER);
  assert_int_equal(l->n_sms, 0);
}

static json_t *file_url(const lab *l, int status)
{
  return json_sprintf("%s/files/%d", ia_server_url(l->f.server), status);
}

static void addresses_that_are_not_fetched(void **state)
{
  static const char *const urls[] = {"http://example.com/a.csv", "ftp://example.com/a.csv",
                                     "file:///etc/passwd", "nonsense"};
  lab *l = *state;

  for (size_t i = 0; i < IA_COUNT(urls); i++) {
    char words[80];

    (void)snprintf(words, sizeof(words), "input file %s: workers fetch", urls[i]);
    run(l, json_pack("[s]", urls[i]), json_array());
    failed(l, "PRE_COMPUTE_INPUT_FILE_URL_REFUSED", words);
  }
  /* this machine's own services are not asked unless the operator says so */
  run(l, json_pack("[o]", file_url(l, 200)), json_array());
  failed(l, "PRE_COMPUTE_INPUT_FILE_URL_REFUSED", "/files/200: workers fetch");
  assert_int_equal(l->n_files, 0);
}

static void answers_of_its_server(void **state)
{
  static const struct {
    int status;
    const char *cause;
  } rows[] = {{404, "PRE_COMPUTE_INPUT_FILE_NOT_FOUND"},
              {403, "PRE_COMPUTE_INPUT_FILE_NOT_FOUND"},
              {429, "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED"},
              {503, "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED"}};
  lab *l = *state;

  l->local_inputs = true;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    char words[80];

    (void)snprintf(words, sizeof(words), "/files/%d: its server answered with status %d",
                   rows[i].status, rows[i].status);
    run(l, json_pack("[o]", file_url(l, rows[i].status)), json_array());
    failed(l, rows[i].cause, words);
  }
}

/* The same URL twice is one download, and then the SMS is asked. */
static void what_is_there_is_fetched_once(void **state)
{
  lab *l = *state;

  l->local_inputs = true;
  run(l, json_pack("[o, o]", file_url(l, 200), file_url(l, 200)), json_array());
  assert_string_equal(said(l, "cause"), "TEE_SESSION_GENERATION_REVOKED");
  assert_int_equal(l->n_files, 1);
  assert_int_equal(l->n_sms, 1);
}

static json_t *blob(lab *l, size_t bytes)
{
  ia_autofree uint8_t *all = calloc(1, bytes);
  ia_cid cid;
  ia_err e = {0};

  assert_non_null(all);
  if (!ia_blob_put(&cid, ia_ipfs_blobs(l->ipfs), ia_span_of(all, bytes), &e))
    fail_msg("%s", e.msg);
  return json_sprintf("/ipfs/%s", ia_cid_format(&cid).s);
}

static void data_that_do_not_fit(void **state)
{
  unsigned long long need = 0, room = 0;
  lab *l = *state;

  l->room = 8 * MIB;
  run(l, json_array(), json_pack("[o]", blob(l, 5 * MIB)));
  failed(l, "PRE_COMPUTE_DATASET_TOO_LARGE", "the protected data and its encrypted copy: ");
  assert_int_equal(sscanf(strrchr(said(l, "message"), ':'),
                          ": %llu bytes needed in the enclave, %llu are free", &need, &room),
                   2);
  assert_true(need == 10 * MIB && room == 8 * MIB);
  /* the input files take of the same room */
  run(l, json_pack("[o]", blob(l, 5 * MIB)), json_pack("[o]", blob(l, 2 * MIB)));
  failed(l, "PRE_COMPUTE_DATASET_TOO_LARGE", "4194304 bytes needed in the enclave, 3145728 are");
  run(l, json_pack("[o]", blob(l, 9 * MIB)), json_array());
  failed(l, "PRE_COMPUTE_INPUT_FILE_TOO_LARGE", "input file /ipfs/");
}

/* Blobs come and go: it may be there the next time. */
static void blobs_that_nobody_has(void **state)
{
  const char *nobody = "/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG";
  lab *l = *state;

  run(l, json_array(), json_pack("[s]", nobody));
  failed(l, "PRE_COMPUTE_DATASET_DOWNLOAD_FAILED", "protected data: ");
  run(l, json_pack("[s]", nobody), json_array());
  failed(l, "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED", nobody);
}

/* The pool hears what a task may have. */
static void limits_are_told(void **state)
{
  lab *l = *state;

  l->room = 8 * MIB;
  l->local_inputs = true;
  run(l, json_array(), json_array());
  const json_t *limits = json_object_get(l->hello, "limits");
  assert_int_equal(json_integer_value(json_object_get(limits, "dataMax")), 8 * MIB);
  assert_int_equal(json_integer_value(json_object_get(limits, "httpInputs")), 1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(addresses_that_are_not_fetched, setup, teardown),
      cmocka_unit_test_setup_teardown(answers_of_its_server, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_there_is_fetched_once, setup, teardown),
      cmocka_unit_test_setup_teardown(data_that_do_not_fit, setup, teardown),
      cmocka_unit_test_setup_teardown(blobs_that_nobody_has, setup, teardown),
      cmocka_unit_test_setup_teardown(limits_are_told, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
