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

static void wait_given(lab *l)
{
  for (int i = 0; i < 400 && !l->given; i++)
    usleep(50000);
  assert_true(l->given);
  usleep(300000);
}

/* {"tasks","returned"?} that the worker leaves for who waits for its end. */
static json_t *note_of(const lab *l)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_path p;

  assert_true(lab_path(&p, l, "worker/stopping.json"));
  return ia_file_read(&text, p.s, 65536, NULL) ? ia_json_parse(ia_buf_view(&text), 0, NULL) : NULL;
}

/* A task that ends within the time is reported, and nothing is returned. */
static void a_drain_waits_for_the_task(void **state)
{
  lab *l = *state;

  l->sms_delay_ms = 1500;
  start(l, 1);
  wait_given(l);
  assert_int_equal(ia_worker_drain(l->worker, 60000, NULL), 0);
  assert_non_null(l->report);
  assert_true(json_is_true(json_object_get(l->rest, "draining")));
  ia_worker_close(l->worker);
  l->worker = NULL;
  assert_null(l->returned);
}

static bool at_once(void)
{
  return true;
}

/* One that does not is stopped, and its lease returned; the next process removes the note. */
static void what_does_not_end_is_returned(void **state)
{
  lab *l = *state;
  IA_AUTO_JSON *begun = NULL;
  IA_AUTO_JSON *over = NULL;

  l->sms_delay_ms = 4000;
  start(l, 1);
  wait_given(l);
  assert_int_equal(ia_worker_drain(l->worker, 60000, at_once), 1);
  assert_int_equal(ia_worker_drain(l->worker, 100, NULL), 1);
  begun = note_of(l);
  assert_string_equal(json_string_value(json_array_get(json_object_get(begun, "tasks"), 0)),
                      LAB_TASK);
  ia_worker_close(l->worker);
  l->worker = NULL;
  assert_null(l->report);
  assert_string_equal(json_string_value(json_object_get(l->returned, "taskId")), LAB_TASK);
  assert_int_equal(json_integer_value(json_object_get(l->returned, "fencing")), 1);
  over = note_of(l);
  assert_string_equal(json_string_value(json_array_get(json_object_get(over, "returned"), 0)),
                      LAB_TASK);
  l->given = false;
  start(l, 0);
  wait_given(l);
  assert_null(note_of(l));
}

/* Waits until the worker has said that it is (not) paused; its cause. */
static const char *wait_rest(lab *l, bool paused)
{
  for (int i = 0; i < 1200; i++) {
    json_t *why = json_object_get(l->rest, "why");

    if (l->rest && (why != NULL) == paused)
      return paused ? json_string_value(json_object_get(why, "cause")) : "";
    usleep(50000);
  }
  fail_msg("the worker said nothing of it");
  return NULL;
}

/* A worker whose guests do not start fails one task, says why it takes no more, and takes tasks
 * again once they do. */
static void a_broken_sandbox_pauses_the_worker(void **state)
{
  lab *l = *state;
  ia_path good, away;

  assert_true(lab_path(&good, l, "guest") && lab_path(&away, l, "guest.away"));
  assert_int_equal(symlink(getenv("IA_GUEST"), away.s), 0);
  assert_int_equal(symlink(getenv("IA_GUEST"), good.s), 0);
  (void)snprintf(l->guest, sizeof(l->guest), "%s", good.s);
  l->given = true; /* nothing to do yet */
  start(l, 0);
  for (int i = 0; i < 400 && !ia_worker_ready(l->worker); i++)
    usleep(50000);
  assert_int_equal(unlink(good.s), 0);
  l->given = false;
  assert_true(lab_wait(l, 0));
  assert_string_equal(said(l, "cause"), "TEE_PREPARATION_FAILED");
  assert_string_equal(wait_rest(l, true), "TEE_PREPARATION_FAILED");
  l->given = false;
  usleep(2000000); /* more than one probe */
  assert_false(l->given);
  assert_int_equal(rename(away.s, good.s), 0);
  (void)wait_rest(l, false);
  wait_given(l);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(refusal_is_reported),           T(a_service_that_is_down_is_retried),
      T(images_that_do_not_fit),        T(fenced_off),
      T(closes_while_a_task_runs),      T(a_drain_waits_for_the_task),
      T(what_does_not_end_is_returned), T(a_broken_sandbox_pauses_the_worker)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
