/* The worker against a scheduler and an SMS that the test plays, with the real guest. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker_lab.h"

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

static void start(lab *l, unsigned warm)
{
  ia_err e = {0};

  if (!lab_start(l, warm, &e))
    fail_msg("%s", e.msg);
}

static const char *said(const lab *l, const char *key)
{
  const char *s = json_string_value(json_object_get(l->report, key));

  return s ? s : "";
}

static unsigned entries(const lab *l, const char *name)
{
  ia_path p;
  unsigned n = 0;

  assert_true(lab_path(&p, l, name));
  DIR *d = opendir(p.s);
  assert_non_null(d);
  for (struct dirent *en; (en = readdir(d));)
    n += en->d_name[0] != '.';
  closedir(d);
  return n;
}

/* The image comes by its CID, the guest starts, the SMS refuses: the scheduler hears why. */
static void refusal_is_reported(void **state)
{
  lab *l = *state;

  start(l, 1);
  assert_true(lab_wait(l, 0));
  assert_string_equal(l->report_path, "/worker/v1/failed");
  assert_string_equal(said(l, "taskId"), LAB_TASK);
  assert_string_equal(said(l, "code"), "REVOKED");
  assert_string_equal(said(l, "cause"), "TEE_SESSION_GENERATION_REVOKED");
  assert_true(json_is_false(json_object_get(l->report, "retry")));
  assert_true(ia_worker_ready(l->worker));
  assert_int_equal(l->n_bad_signatures, 0);
  assert_string_equal(json_string_value(json_object_get(l->hello, "tee")), "sim");
  assert_int_equal(entries(l, "worker/images/blobs/sha256"), 3);
  assert_int_equal(entries(l, "worker/tmp"), 0);
  assert_int_equal(entries(l, "worker/done"), 0);
}

static void a_service_that_is_down_is_retried(void **state)
{
  lab *l = *state;

  l->sms_code = "UNAVAILABLE";
  start(l, 0);
  assert_true(lab_wait(l, 0));
  assert_true(json_is_true(json_object_get(l->report, "retry")));
}

/* Another image than the one on the ledger, and one that nobody has. */
static void images_that_do_not_fit(void **state)
{
  lab *l = *state;
  ia_cid cid;
  ia_err e = {0};

  l->image.b[0] ^= 1;
  start(l, 0);
  assert_true(lab_wait(l, 0));
  assert_string_equal(said(l, "cause"), "APP_IMAGE_REFUSED");
  assert_false(json_is_true(json_object_get(l->report, "retry")));
  assert_int_equal(entries(l, "worker/images/tmp"), 0);
  ia_worker_close(l->worker);
  l->worker = NULL;
  json_decref(l->report);
  l->report = NULL;
  l->given = false;
  assert_true(ia_cid_of(&cid, ia_span_str("nobody has this"), NULL, &e));
  (void)snprintf(l->multiaddr, sizeof(l->multiaddr), "/ipfs/%s", ia_cid_format(&cid).s);
  start(l, 0);
  assert_true(lab_wait(l, 0));
  assert_string_equal(said(l, "cause"), "APP_IMAGE_DOWNLOAD_FAILED");
  assert_true(json_is_true(json_object_get(l->report, "retry")));
}

/* Fenced off while the guest waits for the SMS: it ends, and nothing is reported. */
static void fenced_off(void **state)
{
  lab *l = *state;

  l->stop = true;
  l->sms_delay_ms = 1500;
  start(l, 0);
  assert_true(lab_wait(l, 1));
  usleep(300000);
  ia_worker_close(l->worker);
  l->worker = NULL;
  assert_null(l->report);
}

static void closes_while_a_task_runs(void **state)
{
  lab *l = *state;

  l->sms_delay_ms = 1000;
  start(l, 1);
  for (int i = 0; i < 100 && !l->given; i++)
    usleep(50000);
  usleep(300000);
  uint64_t before = ia_mono_ms();
  ia_worker_close(l->worker);
  l->worker = NULL;
  assert_true(ia_mono_ms() - before < 5000);
  assert_null(l->report);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {T(refusal_is_reported), T(a_service_that_is_down_is_retried),
                                     T(images_that_do_not_fit), T(fenced_off),
                                     T(closes_while_a_task_runs)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
