/* init, build and test as users run them, without a network: templates of C and sh, the real guest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/init_files.h"
#include "cli/verbs.h"

typedef struct box {
  char dir[64];
  int status;
  char *out, *err;
} box;

static int setup(void **state)
{
  box *b = calloc(1, sizeof(*b));
  char home[96];

  (void)snprintf(b->dir, sizeof(b->dir), "/tmp/ia-project-XXXXXX");
  *state = b;
  if (!mkdtemp(b->dir) || chdir(b->dir) != 0)
    return -1;
  (void)snprintf(home, sizeof(home), "%s/home", b->dir);
  return setenv("IAPP_HOME", home, 1) == 0 && setenv("IAPP_GUEST", getenv("IA_GUEST"), 1) == 0 ? 0
                                                                                               : -1;
}

static int teardown(void **state)
{
  box *b = *state;

  bool ok = chdir("/") == 0 && ia_remove_tree(b->dir, NULL);
  free(b->out);
  free(b->err);
  free(b);
  return ok ? 0 : -1;
}

/* Runs a line split at blanks. */
static void iapp(box *b, const char *line)
{
  char *words[32] = {(char *)"iapp"}, *copy = strdup(line), *rest = copy, *word;
  size_t out_len, err_len;
  int n = 1;

  free(b->out);
  free(b->err);
  b->out = b->err = NULL;
  ia_cli_io io = {fopen("/dev/null", "r"), open_memstream(&b->out, &out_len),
                  open_memstream(&b->err, &err_len)};
  while (n < 31 && (word = strsep(&rest, " "))) {
    if (word[0])
      words[n++] = word;
  }
  b->status = ia_cli_main(n, words, &io);
  fclose(io.in);
  fclose(io.out);
  fclose(io.err);
  free(copy);
}

static void want(const box *b, int status, const char *in_out)
{
  if (b->status != status || !strstr(b->out, in_out))
    fail_msg("status %d, want %d; \"%s\" not in: %s %s", b->status, status, in_out, b->out, b->err);
}

static void replace(const char *path, const char *text)
{
  ia_err e = {0};

  assert_true(ia_file_write(path, ia_span_str(text), 0644, &e));
}

static void names_are_checked(void **state)
{
  box *b = *state;

  iapp(b, "init x --lang c");
  want(b, 2, "");
  iapp(b, "init ok --lang cobol");
  want(b, 2, "");
  iapp(b, "init ok --lang c --with nonsense");
  want(b, 2, "");
  assert_int_not_equal(access("ok", F_OK), 0);
  iapp(b, "init ok --lang c");
  want(b, 0, "ok");
  iapp(b, "init ok --lang c");
  want(b, 1, "");
  assert_non_null(strstr(b->err, "already exists"));
}

static void templates_of_every_kind(void **state)
{
  static const char *const langs[] = {"c", "sh", "js", "python"};
  box *b = *state;
  char line[200];

  for (size_t i = 0; i < IA_COUNT(langs); i++) {
    (void)snprintf(
        line, sizeof(line),
        "init all-%s --lang %s --with args,files,secret,data,bulk,appsecret,callback --json",
        langs[i], langs[i]);
    iapp(b, line);
    want(b, 0, "\"project\"");
    (void)snprintf(line, sizeof(line), "all-%s/mock/protectedData/default", langs[i]);
    assert_int_equal(access(line, R_OK), 0);
  }
  /* the two that an interpreter here can judge */
  assert_int_equal(system("sh -n all-sh/src/app.sh"), 0);
  assert_int_equal(
      system("python3 -c 'import ast; ast.parse(open(\"all-python/src/app.py\").read())'"), 0);
}

static void c_project_runs(void **state)
{
  box *b = *state;

  iapp(b, "init hello --lang c --with args,data,secret");
  want(b, 0, "hello");
  assert_int_equal(chdir("hello"), 0);
  iapp(b, "test --data default --arg one --requester-secret 1=abc");
  want(b, 0, "App docker image ran and exited successfully.");
  assert_non_null(strstr(b->out, "Checked app output"));
  assert_int_equal(access(".iapp/output/result.txt", R_OK), 0);
  iapp(b, "test --protectedData default --json");
  want(b, 0, "\"exitCode\":0");
  assert_non_null(strstr(b->err, "--data"));
  iapp(b, "test --data missing");
  want(b, 1, "");
  assert_non_null(strstr(b->err, "No protectedData mock \"missing\" found"));
  iapp(b, "build --json");
  want(b, 0, "\"digest\":\"sha256:");
}

/* exit codes: 3 bad output, 4 app failed */
static void failures_have_their_status(void **state)
{
  box *b = *state;

  iapp(b, "init bad --lang c");
  assert_int_equal(chdir("bad"), 0);
  replace("src/app.c", "int main(void)\n{\n  return 0;\n}\n");
  iapp(b, "test");
  want(b, 3, "App didn't log anything");
  assert_non_null(strstr(b->err, "Failed to read computed.json: missing file"));
  replace("src/app.c",
          "#include <stdio.h>\nint main(void)\n{\n  puts(\"\\033[2Jlog\");\n  return 9;\n}\n");
  iapp(b, "test");
  want(b, 4, "App docker image ran but exited with error (Exit code: 9)");
  assert_non_null(strstr(b->out, "\\x1b[2Jlog"));
  replace("src/app.c", "broken\n");
  iapp(b, "test --json");
  want(b, 1, "\"error\"");
}

static void outside_of_a_project(void **state)
{
  box *b = *state;

  iapp(b, "test");
  want(b, 1, "");
  assert_non_null(strstr(b->err, "Failed to locate iApp project root"));
}

static void blocks(void **state IA_UNUSED)
{
  static const char text[] = "a @NAME@\n@if data bulk\nb\n@else\nc\n@end\n@if args\nd\n@end\ne\n";
  const ia_template_words words = {"n", "m", "f"};
  static const struct {
    unsigned features;
    const char *want;
  } rows[] = {{0, "a n\nc\ne\n"},
              {IA_WITH_BULK, "a n\nb\ne\n"},
              {IA_WITH_DATA | IA_WITH_ARGS, "a n\nb\nd\ne\n"}};
  ia_err e = {0};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_buf) out = {0};

    assert_true(ia_template_fill(&out, text, rows[i].features, &words, &e));
    ia_autofree char *have = ia_buf_text(&out);
    assert_string_equal(have, rows[i].want);
  }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(names_are_checked),          T(templates_of_every_kind), T(c_project_runs),
      T(failures_have_their_status), T(outside_of_a_project),    cmocka_unit_test(blocks),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
