/* The frame of the command line: options, help, errors in both forms, settings, completion. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/verbs.h"

struct result {
  int status;
  char *out, *err;
};

static int setup(void **state)
{
  char *dir = strdup("/tmp/ia-cli-XXXXXX");

  *state = dir;
  return dir && mkdtemp(dir) && setenv("IAPP_HOME", dir, 1) == 0 &&
                 unsetenv("IAPP_PASSWORD_FILE") == 0
             ? 0
             : -1;
}

static int teardown(void **state)
{
  bool ok = ia_remove_tree(*state, NULL);

  free(*state);
  return ok ? 0 : -1;
}

/* Runs the words of a line; free with forget(). */
static struct result iapp(const char *line)
{
  struct result r = {0};
  char *words[32] = {(char *)"iapp"}, *copy = strdup(line), *rest = copy, *word;
  size_t out_len, err_len;
  int n = 1;
  ia_cli_io io = {fopen("/dev/null", "r"), open_memstream(&r.out, &out_len),
                  open_memstream(&r.err, &err_len)};

  while (n < 31 && (word = strsep(&rest, " ")))
    if (word[0])
      words[n++] = word;
  r.status = ia_cli_main(n, words, &io);
  fclose(io.in);
  fclose(io.out);
  fclose(io.err);
  free(copy);
  return r;
}

static void forget(struct result *r)
{
  free(r->out);
  free(r->err);
}

static void expect(const char *line, int status, const char *out, const char *err)
{
  struct result r = iapp(line);

  assert_int_equal(r.status, status);
  if (!strstr(r.out, out))
    fail_msg("%s: stdout: %s", line, r.out);
  if (!strstr(r.err, err))
    fail_msg("%s: stderr: %s", line, r.err);
  forget(&r);
}

static void test_usage_errors(void **state)
{
  (void)state;
  expect("", 2, "usage: iapp", "missing verb");
  expect("hlep", 2, "", "fix: did you mean: iapp help");
  expect("config", 2, "", "fix: iapp help config");
  expect("config set", 2, "", "missing argument: NAME [VALUE]");
  expect("version extra", 2, "", "unexpected argument \"extra\"");
  expect("version --nope", 2, "", "unknown option --nope");
  expect("version --home", 2, "", "--home needs a value");
  expect("config set nosuch 1", 2, "", "no setting \"nosuch\"");
}

static void test_json_errors_are_one_object_on_stdout(void **state)
{
  struct result r = iapp("config sdk --json");
  IA_AUTO_JSON *v = ia_json_parse(ia_span_str(r.out), 0, NULL);
  json_t *error = json_object_get(v, "error");

  (void)state;
  assert_int_equal(r.status, 1);
  assert_string_equal(r.err, "");
  assert_string_equal(json_string_value(json_object_get(error, "code")), "UNAVAILABLE");
  assert_non_null(json_string_value(json_object_get(error, "message")));
  assert_non_null(json_string_value(json_object_get(error, "hint")));
  forget(&r);
  /* also when the line itself is wrong */
  expect("version --nope --json", 2, "{\"error\":{\"code\":\"USAGE\"", "");
}

static void test_global_options_stand_before_or_after(void **state)
{
  (void)state;
  expect("--json version", 0, "{\"version\":\"", "");
  expect("version --json", 0, "{\"version\":\"", "");
  expect("--help", 0, "usage: iapp VERB", "");
  expect("config set --help", 0, "usage: iapp config set NAME [VALUE]", "");
}

static void test_settings_are_kept_and_forgotten(void **state)
{
  char path[128];

  expect("config set rpcUrl http://127.0.0.1:9", 0, "rpcUrl", "");
  expect("config sdk --json", 0, "{\"rpcUrl\":\"http://127.0.0.1:9\",\"packages\":", "");
  expect("config sdk --json --rpc http://127.0.0.1:8", 0, "127.0.0.1:8", "");
  expect("config show", 0, "set by you", "");
  expect("config set rpcUrl --unset", 0, "unset", "");
  expect("config sdk --json", 1, "UNAVAILABLE", "");
  /* what a running installation says, numbers as numbers */
  assert_true(snprintf(path, sizeof(path), "%s/ready.json", (char *)*state) > 0);
  assert_true(ia_file_write(
      path, ia_span_str("{\"rpcUrl\":\"http://a\",\"chainId\":421614,\"domain\":\"sim\"}"), 0600,
      NULL));
  /* a daemon that was killed left it: nobody holds the lock */
  expect("config sdk --json", 1, "UNAVAILABLE", "");
  assert_true(snprintf(path, sizeof(path), "%s/lock", (char *)*state) > 0);
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  assert_int_equal(flock(lock, LOCK_EX), 0);
  expect("config sdk --json", 0, "{\"rpcUrl\":\"http://a\",\"chainId\":421614,", "");
  expect("config sdk --json", 0, "\"host\":\"http://a\"}", "");
  expect("config sdk", 0, "new IExecDataProtector(ethProvider, options)", "");
  expect("config sdk", 0, "compassUrl: nothing serves it here", "");
  expect("config sdk", 0, "SIMULATED", "");
  close(lock);
  assert_int_equal(unlink(path), 0);
  assert_true(snprintf(path, sizeof(path), "%s/ready.json", (char *)*state) > 0);
  assert_int_equal(unlink(path), 0);
}

static void test_unreadable_settings_are_not_written_over(void **state)
{
  char path[128];

  assert_true(snprintf(path, sizeof(path), "%s/user.json", (char *)*state) > 0);
  assert_true(ia_file_write(path, ia_span_str("{\"rpcUrl\":"), 0600, NULL));
  expect("config set wallet 0x1", 1, "", "user.json");
  IA_AUTOV(ia_buf) text = {0};
  assert_true(ia_file_read(&text, path, 100, NULL));
  assert_true(ia_span_is(ia_buf_view(&text), "{\"rpcUrl\":"));
  assert_int_equal(unlink(path), 0);
}

/* users.md B2: `iapp help VERB` has one example a flag. */
static void check_options(const ia_verb *v, const ia_option *rows)
{
  for (const ia_option *o = rows; o && o->name; o++) {
    char flag[64];

    assert_true(snprintf(flag, sizeof(flag), "--%s", o->name) > 0);
    if (!o->example || !strstr(o->example, flag))
      fail_msg("%s --%s: its example does not use it", v->name, o->name);
  }
}

static void test_every_verb_and_flag_has_an_example(void **state)
{
  (void)state;
  for (unsigned i = 0; ia_verbs[i]; i++) {
    const ia_verb *v = ia_verbs[i];

    assert_non_null(v->run);
    assert_true(v->brief && v->args && v->max_args >= v->min_args);
    if (strncmp(v->example, v->name, strlen(v->name)) != 0)
      fail_msg("%s: its example is of another verb", v->name);
    check_options(v, v->options);
    check_options(v, ia_options_global);
  }
}

static void test_completion(void **state)
{
  (void)state;
  expect("__complete bash conf", 0, "config\n", "");
  expect("__complete bash config s", 0, "sdk\nshow\nset\n", "");
  expect("__complete bash config set --un", 0, "--unset\n", "");
  expect("__complete bash version --js", 0, "--json\n", "");
}

static void put_file(const char *dir, const char *name, const char *text)
{
  ia_path p;

  assert_true(ia_path_join(&p, NULL, "%s/%s", dir, name));
  assert_true(ia_file_write(p.s, ia_span_str(text), 0600, NULL));
}

static void test_wallets(void **state)
{
  /* the first of the ten usual development accounts */
  const char *address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

  put_file(*state, "pw", "correct horse\n");
  put_file(*state, "key", "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n");
  assert_int_equal(chdir(*state), 0);
  expect("wallet list --keystore ks", 0, "no wallet yet", "");
  expect("wallet show --keystore ks", 1, "", "fix: iapp wallet new");
  expect("wallet new --keystore ks", 2, "", "IAPP_PASSWORD_FILE");
  expect("wallet import --key-file key --keystore ks --password-file pw", 0, address, "");
  expect("wallet import --key-file key --keystore ks --password-file pw", 1, "", "EXISTS");
  expect("wallet show --keystore ks --json", 0, address, "");
  expect("wallet show 0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 --keystore ks", 0, address, "");
  expect("wallet new --keystore ks --password-file pw", 0, "keystore file", "");
  expect("wallet show --keystore ks", 1, "", "which of your 2 wallets?");
  put_file(*state, "short", "1234567");
  expect("wallet new --keystore ks --password-file short", 1, "", "at least 8");
  assert_int_equal(chdir("/"), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_usage_errors),
      cmocka_unit_test(test_json_errors_are_one_object_on_stdout),
      cmocka_unit_test(test_global_options_stand_before_or_after),
      cmocka_unit_test(test_settings_are_kept_and_forgotten),
      cmocka_unit_test(test_unreadable_settings_are_not_written_over),
      cmocka_unit_test(test_every_verb_and_flag_has_an_example),
      cmocka_unit_test(test_completion),
      cmocka_unit_test(test_wallets),
  };

  return cmocka_run_group_tests(tests, setup, teardown);
}
