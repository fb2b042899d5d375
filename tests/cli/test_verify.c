/* iapp verify as a person and as a program meet it: offline, against anchors of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/verbs.h"
#include "sample.h"

static const char result_bytes[] = "sealed result";

typedef struct desk {
  char dir[40];
  sample s;
} desk;

static void write_file(const desk *d, const char *name, ia_span bytes)
{
  ia_path p;

  assert_true(ia_path_join(&p, NULL, "%s/%s", d->dir, name));
  assert_true(ia_file_write(p.s, bytes, 0600, NULL));
}

static void write_receipt(const desk *d)
{
  IA_AUTOV(ia_buf) text = {0};

  sample_receipt(&text, &d->s);
  write_file(d, "receipt.json", ia_buf_view(&text));
}

static int setup_kind(void **state, sample_kind kind)
{
  desk *d = calloc(1, sizeof(*d));
  IA_AUTOV(ia_buf) trust = {0};

  if (!d)
    return -1;
  (void)snprintf(d->dir, sizeof(d->dir), "/tmp/ia-verify-XXXXXX");
  if (!mkdtemp(d->dir) || setenv("IAPP_HOME", d->dir, 1) != 0)
    return -1;
  sample_make_kind(&d->s, kind, ia_span_str(result_bytes));
  sample_trust_file(&trust, &d->s);
  write_file(d, "anchors.json", ia_buf_view(&trust));
  write_file(d, "result", ia_span_str(result_bytes));
  write_file(d, "other", ia_span_str("another file"));
  write_receipt(d);
  *state = d;
  return 0;
}

static int setup(void **state)
{
  return setup_kind(state, SAMPLE_COMPLETED);
}

static int setup_failed(void **state)
{
  return setup_kind(state, SAMPLE_FAILED);
}

static int setup_bulk(void **state)
{
  return setup_kind(state, SAMPLE_BULK);
}

static int setup_alone(void **state)
{
  return setup_kind(state, SAMPLE_ALONE);
}

static int teardown(void **state)
{
  desk *d = *state;
  bool ok = ia_remove_tree(d->dir, NULL);

  sample_free(&d->s);
  free(d);
  return ok ? 0 : -1;
}

/* `iapp verify` of a file of the desk; more: further words, each "name" or "--option FILE-of-desk".
 * The output is the caller's. */
static int verify(const desk *d, const char *file, const char *const *more, char **out)
{
  char *words[16] = {(char *)"iapp", (char *)"verify"}, paths[4][64], *err = NULL;
  size_t out_len, err_len;
  int n = 2, at = 0;
  ia_cli_io io = {fopen("/dev/null", "r"), open_memstream(out, &out_len),
                  open_memstream(&err, &err_len)};

  (void)snprintf(paths[at], sizeof(paths[at]), "%s/%s", d->dir, file);
  words[n++] = paths[at++];
  for (; *more; more++) {
    bool option = strncmp(*more, "--", 2) == 0; /* with "=" it has its value */

    if (!option)
      (void)snprintf(paths[at], sizeof(paths[at]), "%s/%s", d->dir, *more);
    words[n++] = option ? (char *)(uintptr_t)*more : paths[at++];
  }
  int status = ia_cli_main(n, words, &io);
  fclose(io.in);
  fclose(io.out);
  fclose(io.err);
  free(err);
  return status;
}

static void expect(const desk *d, int status, const char *const *more, const char *const *says)
{
  ia_autofree char *out = NULL;
  int got = verify(d, "receipt.json", more, &out);

  if (got != status)
    fail_msg("status %d, want %d: %s", got, status, out);
  for (; *says; says++)
    if (!strstr(out, *says))
      fail_msg("want \"%s\": %s", *says, out);
  /* the last line is one of three words, and the status follows it */
  const char *last = out + strlen(out) - 1;
  while (last > out && last[-1] != '\n')
    last--;
  const char *word = status == 0                    ? "PROVEN"
                     : strncmp(last, "NOT", 3) == 0 ? "NOT PROVEN"
                                                    : "REFUSED";
  size_t n = strlen(word);
  if (strncmp(last, word, n) != 0 || !strchr(status == 0 ? ":\n" : " ", last[n]))
    fail_msg("status %d, last line: %s", status, last);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void a_receipt_is_proven_offline(void **state)
{
  const desk *d = *state;

  expect(d, 0, WORDS("--trust", "anchors.json"),
         WORDS("SIMULATED", "\nPROVEN\n", "Not proven by this receipt:", "ask a node with --rpc",
               "is the service's own word", "give it with --result"));
  expect(d, 0, WORDS("--trust", "anchors.json", "--result", "result"),
         WORDS("byte for byte what the enclave uploaded", "\nPROVEN\n"));
}

static void anchors_are_the_users_own(void **state)
{
  const desk *d = *state;
  IA_AUTOV(ia_buf) anchors = {0};

  /* nothing of the receipt makes its own SMS known */
  expect(
      d, 1, WORDS("--quiet"),
      WORDS("NOT PROVEN (UNKNOWN_SMS)", "MISS", "not in your trust file", "SIMULATED or unknown"));
  sample_trust_file(&anchors, &d->s);
  write_file(d, "trust.json", ia_buf_view(&anchors)); /* where `iapp up` puts it */
  expect(d, 0, WORDS("--quiet"), WORDS("\nPROVEN\n"));
}

static void lies_end_with_status_one(void **state)
{
  desk *d = *state;

  expect(d, 1, WORDS("--trust", "anchors.json", "--result", "other"),
         WORDS("REFUSED (RESULT_MISMATCH)", "FAIL"));
  d->s.record.attempt = 2; /* signed by the SMS: true, and to be said */
  sample_release(&d->s);
  write_receipt(d);
  expect(d, 0, WORDS("--trust", "anchors.json"), WORDS("attempt 2", "several times"));
  d->s.record.task_hash.b[0] ^= 1;
  sample_release(&d->s);
  write_receipt(d);
  expect(d, 1, WORDS("--trust", "anchors.json"), WORDS("REFUSED (TASK_MISMATCH)"));
}

static void programs_read_one_object(void **state)
{
  const desk *d = *state;
  ia_autofree char *out = NULL, *none = NULL;

  assert_int_equal(verify(d, "receipt.json", WORDS("--trust", "anchors.json", "--json"), &out), 0);
  IA_AUTO_JSON *v = ia_json_parse(ia_span_str(out), 0, NULL);
  assert_string_equal(json_string_value(json_object_get(v, "verdict")), "proven");
  assert_true(json_is_true(json_object_get(v, "simulated")));
  assert_true(json_array_size(json_object_get(v, "checks")) > 15);
  assert_true(json_array_size(json_object_get(v, "notProven")) >= 3);
  assert_int_equal(verify(d, "result", WORDS("--trust", "anchors.json", "--json"), &none), 1);
  IA_AUTO_JSON *other = ia_json_parse(ia_span_str(none), 0, NULL);
  assert_string_equal(json_string_value(json_object_get(other, "verdict")), "refused");
  assert_string_equal(json_string_value(json_object_get(other, "code")), "PARSE");
}

static void assert_verdict(const desk *d, const char *verdict, const char *const *more)
{
  ia_autofree char *out = NULL;

  assert_int_equal(verify(d, "receipt.json", more, &out), strcmp(verdict, "proven") == 0 ? 0 : 1);
  IA_AUTO_JSON *v = ia_json_parse(ia_span_str(out), 0, NULL);
  assert_string_equal(json_string_value(json_object_get(v, "verdict")), verdict);
}

/* A failure, of a run or before one: proven as such, and no file is its result. */
static void failures_end_with_their_word(void **state)
{
  desk *d = *state;

  expect(d, 0, WORDS("--trust", "anchors.json"),
         WORDS("PROVEN: the receipt shows that this task failed", "APP_COMPUTE_FAILED"));
  expect(d, 1, WORDS("--trust", "anchors.json", "--result", "result"),
         WORDS("REFUSED (RESULT_MISMATCH)", "yet"));
  expect(d, 1, WORDS("--quiet"), WORDS("NOT PROVEN (UNKNOWN_", "SIMULATED or unknown"));
  assert_verdict(d, "not proven", WORDS("--json"));
  sample_settle(&d->s, &d->s.worker); /* by one who is no pool */
  write_receipt(d);
  expect(d, 1, WORDS("--trust", "anchors.json"), WORDS("REFUSED (ORDER_SIGNATURE)"));
  assert_verdict(d, "refused", WORDS("--trust", "anchors.json", "--json"));
}

static void a_slice_ends_with_its_word(void **state)
{
  desk *d = *state;

  expect(d, 0, WORDS("--trust", "anchors.json"), WORDS("\nPROVEN\n", "REVOKED"));
  sample_settle(&d->s, &d->s.worker);
  write_receipt(d);
  expect(d, 1, WORDS("--trust", "anchors.json"), WORDS("REFUSED (ORDER_SIGNATURE)"));
}

/* --rpc: where nobody answers nothing is proven; where no anchor says of which ledger, nobody is
 * asked. */
static void a_ledger_that_cannot_be_asked_proves_nothing(void **state)
{
  desk *d = *state;

  expect(d, 1, WORDS("--trust", "anchors.json", "--rpc=http://127.0.0.1:9"),
         WORDS("NOT PROVEN (UNAVAILABLE)", "The ledger could not be asked"));
  expect(d, 1, WORDS("--rpc=http://127.0.0.1:9"),
         WORDS("NOT PROVEN (UNKNOWN_", "no entry of the receipt's chain"));
  expect(d, 1, WORDS("--trust", "anchors.json", "--rpc=http://127.0.0.1:9", "--result", "other"),
         WORDS("REFUSED (RESULT_MISMATCH)", "was not asked"));
}

#define T(f)      cmocka_unit_test_setup_teardown(f, setup, teardown)
#define FAILED(f) cmocka_unit_test_setup_teardown(f, setup_failed, teardown)
#define BULK(f)   cmocka_unit_test_setup_teardown(f, setup_bulk, teardown)
#define ALONE(f)  cmocka_unit_test_setup_teardown(f, setup_alone, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(a_receipt_is_proven_offline),
      T(anchors_are_the_users_own),
      T(lies_end_with_status_one),
      T(programs_read_one_object),
      T(a_ledger_that_cannot_be_asked_proves_nothing),
      FAILED(failures_end_with_their_word),
      ALONE(failures_end_with_their_word),
      BULK(a_slice_ends_with_its_word),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
