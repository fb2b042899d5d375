/* Tasks that an honest host and SMS give: what the app sees, what comes out, what must not. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hex.h"
#include "crypto/keccak.h"
#include "crypto/sha.h"
#include "crypto/unixfs.h"
#include "data/result.h"
#include "eth/eip191.h"
#include "host.h"
#include "poco/ids.h"
#include "receipt/run.h"

static fake_host host;

static bool holds(const ia_buf *b, const char *text)
{
  return b->len > 0 && memmem(b->ptr, b->len, text, strlen(text)) != NULL;
}

/* Nothing of the app's or the data's in what the host saw. */
static void assert_tight(const fake_host *h)
{
  IA_AUTOV(ia_buf) key = {0};
  char hex[65];

  assert_false(holds(&h->seen, MARKER));
  assert_false(holds(&h->result, MARKER));
  assert_false(holds(&h->logs, MARKER));
  ia_buf_base64(&key, ia_secret_view(&h->data_key));
  ia_buf_str(&key, "");
  ia_autofree char *text = ia_buf_text(&key);
  assert_false(holds(&h->seen, text));
  ia_hex(hex, h->data_key.ptr, 32);
  assert_false(holds(&h->seen, hex));
}

static void ended(const char *cause)
{
  if (strcmp(host.cause, cause) != 0)
    fail_msg("wanted \"%s\": %s %s", cause, host.cause, host.message);
}

/* The app leaks wherever it can; all of that ends in ciphertext for the requester. */
static void test_sealed_result(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "leak", .encrypt = true});
  ended("");
  assert_int_equal(host.started, 1);
  assert_tight(&host);
  ia_autofree char *result = fake_result(&host, "result.txt");
  assert_string_equal(result, MARKER);
  IA_AUTO_JSON *logs = fake_logs(&host);
  assert_non_null(logs);
  IA_AUTOV(ia_buf) head = {0};
  assert_true(ia_json_get_base64(json_object_get(logs, "stdout"), "head", &head, NULL));
  assert_true(holds(&head, MARKER));
  assert_null(host.usage);
  assert_int_equal(host.status, 0);
}

/* The statement: signed by the enclave key, about this task, its inputs and these bytes. */
static void test_statement(void **state IA_UNUSED)
{
  IA_AUTOV(ia_run) run = {0};
  ia_addr signer, address, worker = {{0x99}};
  ia_h256 sha, digest, hash, seal, message;
  IA_AUTOV(ia_buf) sig = {0};

  fake_run(&host, &(fake_plan){.argv = "leak", .encrypt = true});
  assert_true(ia_run_open(&run, &signer, json_object_get(host.run, "run"), NULL));
  assert_true(ia_json_get_addr(host.run, "enclaveAddress", &address, NULL));
  assert_true(ia_addr_eq(&signer, &address));
  assert_true(ia_h256_eq(&run.desc.task_id, &host.truth.task_id));
  assert_int_equal(run.n_inputs, 1);
  assert_true(ia_h256_eq(&run.inputs[0].sha256, &host.checksum));
  ia_sha256(&sha, ia_buf_view(&host.result));
  assert_true(run.result.there && ia_h256_eq(&run.result.sha256, &sha) && run.result.encrypted);
  ia_sha256(&digest, ia_span_str(MARKER));
  assert_true(ia_blinded_digest(&digest, &digest, &host.blind, true, NULL));
  assert_true(ia_h256_eq(&run.result_digest, &digest));
  assert_true(ia_json_get_hex(host.run, "enclaveSign", &sig, NULL));
  ia_result_hash(&hash, &host.truth.task_id, &digest);
  ia_result_seal(&seal, &worker, &host.truth.task_id, &digest);
  ia_enclave_message(&message, &hash, &seal);
  assert_true(ia_eip191_recover(&signer, IA_SPAN_ARR(message.b), ia_buf_view(&sig), NULL));
  assert_true(ia_addr_eq(&signer, &address));
}

/* Failures are told by cause and number; the app's words stay inside, its logs follow the result.
 */
static void test_failures(void **state IA_UNUSED)
{
  static const struct {
    const char *argv, *cause;
    int exit_code;
  } rows[] = {
      {"leak-fail", "APP_COMPUTE_FAILED", 1}, /* 5, which its logs say */
      {"bad-json", "POST_COMPUTE_COMPUTED_FILE_NOT_FOUND", 0},
      {"escape", "POST_COMPUTE_COMPUTED_FILE_NOT_FOUND", 0},
      {"two", "POST_COMPUTE_COMPUTED_FILE_NOT_FOUND", 0},
      {"nothing", "POST_COMPUTE_COMPUTED_FILE_NOT_FOUND", 0},
      {"long-name", "POST_COMPUTE_TOO_LONG_RESULT_FILE_NAME", 0},
      {"reserved", "POST_COMPUTE_RESERVED_FILE_NAME", 0},
      {"reserved-folder", "POST_COMPUTE_RESERVED_FILE_NAME", 0},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    fake_run(&host, &(fake_plan){.argv = rows[i].argv, .encrypt = true});
    ended(rows[i].cause);
    assert_tight(&host);
    assert_non_null(host.run);
    assert_string_equal(json_string_value(json_object_get(host.run, "cause")), rows[i].cause);
    assert_int_equal(json_integer_value(json_object_get(host.run, "exitCode")), rows[i].exit_code);
    assert_true(json_is_null(json_object_get(host.run, "result")));
    assert_null(json_object_get(host.run, "enclaveSign"));
    assert_true(json_is_object(json_object_get(host.run, "logs")));
    assert_int_equal(host.result.len, 0);
    IA_AUTO_JSON *logs = fake_logs(&host);
    assert_non_null(logs);
  }
}

/* The manifest of an output of one or two files, as whoever knows the format computes it. */
static void manifest_of(ia_h256 *out, const char *computed, const char *result,
                        const ia_secret *blind)
{
  char dir[] = "/tmp/ia-guess-XXXXXX";
  IA_AUTO(ia_tree) *t = NULL;
  ia_path path;

  assert_non_null(mkdtemp(dir));
  assert_true(ia_path_join(&path, NULL, "%s/computed.json", dir) &&
              ia_file_write(path.s, ia_span_str(computed), 0600, NULL));
  if (result)
    assert_true(ia_path_join(&path, NULL, "%s/result.txt", dir) &&
                ia_file_write(path.s, ia_span_str(result), 0600, NULL));
  ia_autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_true(ia_tree_open(&t, fd, NULL, NULL));
  assert_true(ia_manifest_hash(out, t, blind, true, NULL));
  assert_true(ia_remove_tree(dir, NULL));
}

/* A diagnosis of a hundred is guessed from the receipt of a run in clear, and not from that of a
 * sealed one. */
static bool guessed(bool encrypt)
{
  IA_AUTOV(ia_run) run = {0};
  bool found = false;
  ia_addr signer;

  fake_run(&host, &(fake_plan){.argv = "diagnosis", .encrypt = encrypt});
  ended("");
  assert_true(ia_run_open(&run, &signer, json_object_get(host.run, "run"), NULL));
  for (int i = 0; i < 100; i++) {
    ia_h256 digest, manifest;
    char text[16];

    (void)snprintf(text, sizeof(text), "F%02d.0", i);
    ia_sha256(&digest, ia_span_str(text));
    manifest_of(&manifest, "{\"deterministic-output-path\":\"/iexec_out/result.txt\"}", text, NULL);
    found = found || ia_h256_eq(&digest, &run.result_digest) ||
            ia_h256_eq(&manifest, &run.manifest_hash);
  }
  return found;
}

static void test_results_cannot_be_guessed(void **state IA_UNUSED)
{
  assert_true(guessed(false));
  assert_false(guessed(true));
}

/* Two attempts, with keys of their own, settle the same digest; what is uploaded differs. */
static void test_attempts_agree(void **state IA_UNUSED)
{
  IA_AUTOV(ia_run) first = {0}, second = {0};
  ia_addr one, other;

  fake_run(&host, &(fake_plan){.argv = "diagnosis", .encrypt = true});
  assert_true(ia_run_open(&first, &one, json_object_get(host.run, "run"), NULL));
  fake_run(&host, &(fake_plan){.argv = "diagnosis", .encrypt = true});
  assert_true(ia_run_open(&second, &other, json_object_get(host.run, "run"), NULL));
  assert_false(ia_addr_eq(&one, &other));
  assert_true(ia_h256_eq(&first.result_digest, &second.result_digest));
  assert_true(ia_h256_eq(&first.manifest_hash, &second.manifest_hash));
  assert_false(ia_h256_eq(&first.result.sha256, &second.result.sha256));
}

/* No blind, no run: a sealed result without one is never made. */
static void test_a_blind_is_needed(void **state IA_UNUSED)
{
  static const fake_plan rows[] = {
      {.argv = "diagnosis", .encrypt = true, .blind = SIZE_MAX},
      {.argv = "diagnosis", .encrypt = true, .blind = 31},
      {.argv = "callback", .callback = true, .blind = SIZE_MAX},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    fake_run(&host, &rows[i]);
    ended("TEE_SESSION_GENERATION_SECRET_MISSING");
    assert_int_equal(host.started, 0);
    assert_null(host.run);
  }
}

/* What the app steers tells nothing: sizes, exit code, how it ended, counters. */
static void test_nothing_signals(void **state IA_UNUSED)
{
  static const char *const argv[] = {"diagnosis", "leak", "leak-fail"};
  const char *fields[] = {"result", "logs"};

  for (size_t i = 0; i < IA_COUNT(argv); i++) {
    fake_run(&host, &(fake_plan){.argv = argv[i], .encrypt = true});
    for (size_t k = 0; k < IA_COUNT(fields); k++) {
      const json_t *o = json_object_get(host.run, fields[k]);

      if (json_is_object(o))
        assert_int_equal(json_integer_value(json_object_get(o, "size")), 4096);
    }
    assert_null(host.usage);
    assert_null(strchr(host.message, '5'));
  }
  assert_string_equal(host.message, "the app failed; its logs say how it ended");
  IA_AUTO_JSON *logs = fake_logs(&host);
  assert_int_equal(json_integer_value(json_object_get(logs, "exitCode")), 5);
  assert_string_equal(json_string_value(json_object_get(logs, "ending")), "exit status 5");
}

/* An app can choose to run out of memory: only who may read its logs is told so. */
static void test_out_of_memory(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "hog", .encrypt = true});
  ended("APP_COMPUTE_FAILED");
  assert_string_equal(host.message, "the app failed; its logs say how it ended");
  IA_AUTO_JSON *logs = fake_logs(&host);
  assert_string_equal(json_string_value(json_object_get(logs, "cause")),
                      "APP_COMPUTE_OUT_OF_MEMORY");
  fake_run(&host, &(fake_plan){.argv = "hog", .logs = "clear"});
  ended("APP_COMPUTE_OUT_OF_MEMORY");
}

static void ask_64_mib(json_t *task)
{
  assert_int_equal(json_object_set_new(task, "memory", json_integer(64 << 20)), 0);
}

static void ask_2_gib(json_t *task)
{
  assert_int_equal(json_object_set_new(task, "memory", json_integer((json_int_t)2 << 30)), 0);
}

/* A run gets the memory that its request asks for. Beyond what the host offers (1 GiB where it does
 * not say) no statement is made: another host may have more. */
static void test_memory(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "hog", .logs = "clear", .task = ask_64_mib});
  ended("APP_COMPUTE_OUT_OF_MEMORY");
  assert_string_equal(host.message, "killed: memory 64 of 64 MiB");
  fake_run(&host, &(fake_plan){.argv = "env", .task = ask_2_gib});
  ended("APP_MEMORY_NOT_OFFERED");
  assert_null(host.run);
  assert_int_equal(host.started, 0);
}

/* Exactly the variables that are declared, and the secrets; the image cannot set ours. */
static void test_environment(void **state IA_UNUSED)
{
  static const char *const want[] = {
      "COLOUR=blue\n",
      "IEXEC_OUT=/iexec_out\n",
      "IEXEC_IN=/iexec_in\n",
      "IEXEC_BOT_SIZE=1\n",
      "IEXEC_DATASET_FILENAME=0x6666666666666666666666666666666666666666\n",
      "IEXEC_APP_DEVELOPER_SECRET=s3cret-of-app\n",
      "IEXEC_APP_DEVELOPER_SECRET_1=s3cret-of-app\n",
      "IEXEC_REQUESTER_SECRET_1=s3cret-of-req\n",
      "IEXEC_INPUT_FILES_NUMBER=0\n",
      "TZ=UTC\n"};
  size_t lines = 0;

  fake_run(&host, &(fake_plan){.argv = "env"});
  ended("");
  ia_autofree char *env = fake_result(&host, "result.txt");
  assert_non_null(env);
  for (size_t i = 0; i < IA_COUNT(want); i++)
    if (!strstr(env, want[i]))
      fail_msg("%s not in:\n%s", want[i], env);
  for (const char *p = env; *p; p++)
    lines += *p == '\n';
  /* COLOUR PATH HOME LANG TZ, eleven IEXEC_*, three secrets; four more where the app cannot be
   * shown its limits (sandbox/view.h) */
  assert_int_equal(lines, strstr(env, "\nGOMEMLIMIT=") ? 23 : 19);
  assert_null(strstr(env, "/evil"));
}

/* One file and no computed.json: written for the app. No arguments: the image's Cmd. */
static void test_written_computed(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.no_dataset = true});
  ended("");
  ia_autofree char *result = fake_result(&host, "result.txt");
  ia_autofree char *computed = fake_result(&host, "computed.json");
  assert_string_equal(result, "by cmd");
  assert_string_equal(computed, "{\"deterministic-output-path\":\"/iexec_out/result.txt\"}");
}

static void test_callback(void **state IA_UNUSED)
{
  IA_AUTOV(ia_run) run = {0};
  ia_h256 digest, manifest;
  ia_addr signer;

  fake_run(&host, &(fake_plan){.argv = "callback", .callback = true});
  ended("");
  /* the digest is PoCo's; the manifest of files that go nowhere is blinded */
  ia_keccak256(&digest, ia_span_of("\x12\x34", 2));
  assert_true(ia_run_open(&run, &signer, json_object_get(host.run, "run"), NULL));
  assert_true(ia_h256_eq(&run.result_digest, &digest));
  manifest_of(&manifest, "{\"callback-data\":\"0x1234\"}", NULL, NULL);
  assert_false(ia_h256_eq(&run.manifest_hash, &manifest));
  manifest_of(&manifest, "{\"callback-data\":\"0x1234\"}", NULL, &host.blind);
  assert_true(ia_h256_eq(&run.manifest_hash, &manifest));
  assert_string_equal(json_string_value(json_object_get(host.run, "callbackData")), "0x1234");
  assert_true(json_is_null(json_object_get(host.run, "result")));
  assert_non_null(json_object_get(host.run, "enclaveSign"));
  fake_run(&host, &(fake_plan){.argv = "two", .callback = true});
  ended("POST_COMPUTE_COMPUTED_FILE_NOT_FOUND");
  fake_run(&host, &(fake_plan){.argv = "callback"}); /* nobody to call back */
  ended("POST_COMPUTE_COMPUTED_FILE_NOT_FOUND");
}

static void test_input_file(void **state IA_UNUSED)
{
  IA_AUTOV(ia_run) run = {0};
  ia_addr signer;

  fake_run(&host, &(fake_plan){.argv = "files", .file = true, .input = "from the web"});
  ended("");
  ia_autofree char *result = fake_result(&host, "result.txt");
  assert_string_equal(result, "from the web");
  assert_true(ia_run_open(&run, &signer, json_object_get(host.run, "run"), NULL));
  assert_int_equal(run.n_inputs, 2);
}

static void content_is(const char *member, const char *text, const char *cause, const char *want)
{
  IA_AUTO_JSON *secret = json_pack("{s:s,s:s}", "other", "x", "where", member);
  ia_autofree char *json = json_dumps(secret, 0);

  fake_run(&host, &(fake_plan){.argv = "content", .input = text, .secret = json});
  ended(cause);
  ia_autofree char *result = want ? fake_result(&host, "result.txt") : NULL;
  if (want)
    assert_string_equal(result, want);
}

/* The image's label names the member, the guest checks the bytes; the app has no part in it. */
static void test_content(void **state IA_UNUSED)
{
  static const char text[] = "content of a requester";
  IA_AUTOV(ia_run) run = {0};
  ia_addr signer;
  char where[96];
  ia_cid cid;

  assert_true(ia_cid_of(&cid, ia_span_str(text), NULL, NULL));
  (void)snprintf(where, sizeof(where), "/ipfs/%s", ia_cid_format(&cid).s);
  content_is(where, text, "", text);
  assert_true(ia_run_open(&run, &signer, json_object_get(host.run, "run"), NULL));
  assert_int_equal(run.n_inputs, 2);
  assert_string_equal(run.inputs[1].uri, where);
  content_is(where, "content of somebody", "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED", NULL);
  content_is(where, "", "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED", NULL);
}

/* A secret that is no address is nobody's business: nothing is asked for. */
static void test_content_not_named(void **state IA_UNUSED)
{
  static const char *const members[] = {
      "hunter2",
      "/ipfs/",
      "/ipfs/hunter2",
      "https://example.org/x",
      "/ipfs/../secret",
      "/ipfs/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
      "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
      "/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG/file"};

  for (size_t i = 0; i < IA_COUNT(members); i++) {
    content_is(members[i], "x", "", "none");
    assert_int_equal(host.fetches, 1); /* the dataset */
  }
  fake_run(&host, &(fake_plan){.argv = "content", .secret = "[\"/ipfs/Qm\"]"});
  ended("");
  assert_int_equal(host.fetches, 1);
}

/* Logs in clear only where the task says so; "none" and no key: dropped. */
static void test_logs(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "leak-fail", .logs = "clear"});
  IA_AUTO_JSON *logs = fake_logs(&host);
  assert_non_null(logs);
  static const fake_plan dropped[] = {{.argv = "leak-fail", .logs = "none", .encrypt = true},
                                      {.argv = "leak-fail", .logs = "sealed"}};
  for (size_t i = 0; i < IA_COUNT(dropped); i++) {
    fake_run(&host, &dropped[i]);
    ended("APP_COMPUTE_FAILED");
    assert_int_equal(host.logs.len, 0);
    assert_true(json_is_null(json_object_get(host.run, "logs")));
    assert_tight(&host);
  }
}

/* 5: what is no part of a result is told, by a name that can be printed. */
static void test_skipped(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "links", .encrypt = true});
  ended("");
  assert_tight(&host);
  IA_AUTO_JSON *logs = fake_logs(&host);
  const json_t *list = json_object_get(logs, "skipped");
  const json_t *row = json_array_get(list, 0);

  assert_int_equal(json_array_size(list), 1);
  assert_string_equal(json_string_value(json_object_get(row, "path")), "sh%1Badow");
  assert_string_equal(json_string_value(json_object_get(row, "kind")), "symlink");
}

/* A warm guest that has the image; a slice whose second owner refused: an empty folder, no file. */
static void test_prepared_slice(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "slice", .prepare = true, .bulk = true});
  ended("");
  ia_autofree char *result = fake_result(&host, "result.txt");
  assert_string_equal(result, MARKER " 0 -1 -1 -");
  assert_int_equal(host.fetches, 1);
  /* a key that is missing without a word is no refusal */
  fake_run(&host, &(fake_plan){.argv = "slice", .bulk = true, .silent = true});
  ended("PRE_COMPUTE_DATASET_KEY_MISSING");
}

/* One bad dataset fails by itself: the app is told by name and finds nothing of it, the statement
 * says which and why, and the other is there. */
static void test_one_bad_dataset_stops_nobody(void **state IA_UNUSED)
{
  static const struct {
    fake_bad bad;
    const char *code, *or_code;
  } rows[] = {
      {BAD_KEY_TEXT, "BAD_KEY", ""},   {BAD_KEY_OTHER, "BAD_KEY", "BAD_ZIP"},
      {BAD_BYTES, "BAD_CHECKSUM", ""}, {BAD_NO_BYTES, "NOT_FOUND", ""},
      {BAD_ARCHIVE, "BAD_ZIP", ""},    {BAD_LENGTH, "BAD_LENGTH", ""},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_run) run = {0};
    char want[96];
    ia_addr signer;

    fake_run(&host, &(fake_plan){.argv = "slice", .bulk = true, .second = rows[i].bad});
    ended("");
    assert_true(ia_run_open(&run, &signer, json_object_get(host.run, "run"), NULL));
    assert_int_equal(run.n_failed, 1);
    assert_int_equal(run.failed[0].index, 2);
    assert_true(ia_addr_eq(&run.failed[0].dataset, &host.slice[1]));
    if (strcmp(run.failed[0].code, rows[i].code) != 0 &&
        strcmp(run.failed[0].code, rows[i].or_code) != 0)
      fail_msg("%s instead of %s", run.failed[0].code, rows[i].code);
    assert_int_equal(run.n_inputs, 1);
    assert_true(ia_addr_eq(&run.inputs[0].dataset, &host.slice[0]));
    ia_autofree char *result = fake_result(&host, "result.txt");
    (void)snprintf(want, sizeof(want), MARKER " 0 -1 -1 %s", run.failed[0].code);
    assert_string_equal(result, want);
  }
}

/* None is left: the task ends with the first one's words, and the statement names them all. */
static void test_a_slice_of_bad_data_fails(void **state IA_UNUSED)
{
  IA_AUTOV(ia_run) run = {0};
  ia_addr signer;

  fake_run(&host,
           &(fake_plan){.argv = "slice", .bulk = true, .second = BAD_KEY_TEXT, .both_bad = true});
  ended("PRE_COMPUTE_DATASET_DOWNLOAD_FAILED");
  assert_int_equal(host.started, 0);
  assert_true(ia_run_open(&run, &signer, json_object_get(host.run, "run"), NULL));
  assert_int_equal(run.n_failed, 2);
  assert_string_equal(run.failed[0].code, "NOT_FOUND");
  assert_string_equal(run.failed[1].code, "BAD_KEY");
  /* one that is refused does not help either */
  fake_run(&host, &(fake_plan){.argv = "slice", .bulk = true, .both_bad = true});
  ended("PRE_COMPUTE_DATASET_DOWNLOAD_FAILED");
}

static void test_local(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "leak", .local = true, .logs = "clear"});
  ended("");
  assert_null(json_object_get(host.run, "run"));
  assert_null(json_object_get(host.run, "enclaveSign"));
  ia_autofree char *result = fake_result(&host, "result.txt");
  assert_string_equal(result, MARKER);
  fake_run(&host, &(fake_plan){.argv = "env", .local = true});
  ia_autofree char *env = fake_result(&host, "result.txt");
  assert_non_null(strstr(env, "IEXEC_REQUESTER_SECRET_1=s3cret-of-req\n"));
}

#if !defined(__SANITIZE_ADDRESS__)
/* The static guest, bound into the app's root, reads a value for it. */
static void test_get(void **state IA_UNUSED)
{
  fake_run(&host, &(fake_plan){.argv = "get"});
  ended("");
  ia_autofree char *result = fake_result(&host, "result.txt");
  assert_string_equal(result, MARKER);
}
#endif

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sealed_result),
    cmocka_unit_test(test_statement),
    cmocka_unit_test(test_failures),
    cmocka_unit_test(test_results_cannot_be_guessed),
    cmocka_unit_test(test_attempts_agree),
    cmocka_unit_test(test_a_blind_is_needed),
    cmocka_unit_test(test_nothing_signals),
    cmocka_unit_test(test_environment),
    cmocka_unit_test(test_written_computed),
    cmocka_unit_test(test_callback),
    cmocka_unit_test(test_input_file),
    cmocka_unit_test(test_content),
    cmocka_unit_test(test_content_not_named),
    cmocka_unit_test(test_logs),
    cmocka_unit_test(test_skipped),
    cmocka_unit_test(test_prepared_slice),
    cmocka_unit_test(test_one_bad_dataset_stops_nobody),
    cmocka_unit_test(test_a_slice_of_bad_data_fails),
    cmocka_unit_test(test_memory),
    cmocka_unit_test(test_out_of_memory),
    cmocka_unit_test(test_local),
#if !defined(__SANITIZE_ADDRESS__)
    cmocka_unit_test(test_get),
#endif
  };

  fake_open(&host, argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  fake_close(&host);
  return failed;
}
