/* What does not fit, or cannot be had, fails before the app starts, with its sizes or its address;
 * of values all are written or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/causes.h"
#include "fixture.h"
#include "receipt/run.h"

enum { MIB = 1 << 20 };

static fake_host host;

static void values(size_t n, size_t bytes)
{
  ia_err e = {0};

  if (!fixture_values(&host, n, bytes, &e))
    fail_msg("%s", e.msg);
}

static void failed(const char *cause, const char *words)
{
  if (strcmp(host.cause, cause) != 0 || !strstr(host.message, words))
    fail_msg("wanted \"%s\", \"%s\": %s %s", cause, words, host.cause, host.message);
  assert_int_equal(host.started, 0);
  assert_true(ia_cause_is_known(cause));
}

/* "N bytes needed .., M are free": N is what the data take, and more than M. */
static void needs(unsigned long long least)
{
  const char *at = strstr(host.message, " bytes needed");
  unsigned long long need = 0, room = 0;

  while (at && at > host.message && *at != ':')
    at--;
  at = at ? at : "";
  if (sscanf(at, ": %llu bytes needed in the enclave, %llu are free", &need, &room) != 2)
    fail_msg("%s", host.message);
  assert_true(need >= least && need > room && room > 0);
}

static void test_data_that_fit_are_all_there(void **state IA_UNUSED)
{
  values(3, MIB / 2);
  fake_run(&host, &(fake_plan){.argv = "leak", .encrypt = true, .room = 8 * MIB});
  assert_string_equal(host.cause, "");
  ia_autofree char *result = fake_result(&host, "result.txt");
  assert_string_equal(result, MARKER);
}

/* The encrypted copy and the data do not fit together; whoever notices first. */
static void test_data_that_do_not_fit(void **state IA_UNUSED)
{
  values(1, 5 * MIB);
  for (int own = 0; own < 2; own++) {
    fake_run(&host,
             &(fake_plan){.argv = "leak", .encrypt = true, .room = 8 * MIB, .own_limit = own});
    failed("PRE_COMPUTE_DATASET_TOO_LARGE", "protected data");
    needs(2 * host.sealed.len);
  }
  assert_non_null(host.run); /* the enclave states it */
}

/* Each small value takes a page: the archive fits, its values do not. Not one of them is left for
 * an app that would take it for all. */
static void test_values_that_do_not_fit(void **state IA_UNUSED)
{
  values(3000, 1);
  fake_run(&host, &(fake_plan){.argv = "leak", .encrypt = true, .room = 8 * MIB});
  failed("PRE_COMPUTE_DATASET_TOO_LARGE", "the values of the protected data");
  needs(3000 * 4096);
}

static void test_local_data_that_do_not_fit(void **state IA_UNUSED)
{
  values(1, 10 * MIB);
  fake_run(&host, &(fake_plan){.argv = "leak", .local = true, .room = 8 * MIB});
  failed("PRE_COMPUTE_DATASET_TOO_LARGE", "bytes needed in the enclave");
}

/* One of a slice is left out by its name, with nothing of it in its folder. */
static void test_one_of_a_slice_does_not_fit(void **state IA_UNUSED)
{
  IA_AUTOV(ia_run) run = {0};
  ia_addr signer;

  values(1200, 1);
  fake_run(&host, &(fake_plan){.argv = "slice", .bulk = true, .second = BAD_FITS, .room = 9 * MIB});
  assert_string_equal(host.cause, "");
  assert_true(ia_run_open(&run, &signer, json_object_get(host.run, "run"), NULL));
  assert_int_equal(run.n_failed, 1);
  assert_string_equal(run.failed[0].code, "TOO_LARGE");
  ia_autofree char *result = fake_result(&host, "result.txt");
  assert_string_equal(result, MARKER " 0 -1 -1 TOO_LARGE");
}

/* Nothing was released: the image is unpacked before a key is asked for. */
static void test_an_image_that_does_not_fit(void **state IA_UNUSED)
{
  unsigned long long need = 0, files = 0, room = 0;

  fake_run(&host, &(fake_plan){.argv = "leak", .encrypt = true, .room = MIB / 4});
  failed("APP_IMAGE_TOO_LARGE", "unpacked");
  if (sscanf(host.message,
             "image: %llu bytes in %llu files unpacked; an enclave of this worker has %llu bytes",
             &need, &files, &room) != 3)
    fail_msg("%s", host.message);
  assert_true(need > room && files == 2 && room == MIB / 4);
  assert_null(host.run);
  assert_int_equal(host.fetches, 0);
}

#define ANSWER(code) "{\"code\":\"" code "\",\"message\":\"so the host said\"}"

/* Address and reason reach the requester. */
static void test_input_files(void **state IA_UNUSED)
{
  static const struct {
    const char *refuse, *cause;
  } rows[] = {{ANSWER("UNSUPPORTED"), "PRE_COMPUTE_INPUT_FILE_URL_REFUSED"},
              {ANSWER("NOT_FOUND"), "PRE_COMPUTE_INPUT_FILE_NOT_FOUND"},
              {ANSWER("TIMEOUT"), "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED"},
              {ANSWER("INTERNAL"), "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    fake_run(
        &host,
        &(fake_plan){.argv = "leak", .no_dataset = true, .file = true, .refuse = rows[i].refuse});
    failed(rows[i].cause, "input file https://example.org/f: so the host said");
  }
}

static void test_an_input_file_that_does_not_fit(void **state IA_UNUSED)
{
  ia_autofree char *text = calloc(1, 3 * MIB + 1);

  assert_non_null(text);
  memset(text, 'x', 3 * MIB);
  fake_run(&host,
           &(fake_plan){
               .argv = "leak", .no_dataset = true, .file = true, .input = text, .room = 2 * MIB});
  failed("PRE_COMPUTE_INPUT_FILE_TOO_LARGE", "input file https://example.org/f");
  needs(3 * MIB);
}

static void test_a_host_s_reason_for_missing_data(void **state IA_UNUSED)
{
  values(0, 0);
  fake_run(&host, &(fake_plan){.argv = "leak", .refuse = ANSWER("UNAVAILABLE")});
  failed("PRE_COMPUTE_DATASET_DOWNLOAD_FAILED", "protected data: so the host said");
  /* bytes that are no text are not shown */
  fake_run(&host, &(fake_plan){.argv = "leak",
                               .refuse = "{\"code\":\"BUSY\",\"message\":\"\\u001b[31mred\"}"});
  failed("PRE_COMPUTE_DATASET_DOWNLOAD_FAILED", "protected data: the host could not fetch it");
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_data_that_fit_are_all_there),
      cmocka_unit_test(test_data_that_do_not_fit),
      cmocka_unit_test(test_values_that_do_not_fit),
      cmocka_unit_test(test_local_data_that_do_not_fit),
      cmocka_unit_test(test_one_of_a_slice_does_not_fit),
      cmocka_unit_test(test_an_image_that_does_not_fit),
      cmocka_unit_test(test_input_files),
      cmocka_unit_test(test_an_input_file_that_does_not_fit),
      cmocka_unit_test(test_a_host_s_reason_for_missing_data),
  };

  fake_open(&host, argc, argv);
  int rc = cmocka_run_group_tests(tests, NULL, NULL);
  fake_close(&host);
  return rc;
}
