/* The sandbox with well-behaved programs: outputs, ends, binds, callbacks, errors of the launch. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "help.h"
#include "sandbox/cgroup.h"
#include "sandbox/watch.h"

static box_help box;

static void test_hello(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};

  box_run(&r, &box, "hello", NULL);
  assert_int_equal(r.end, IA_END_EXIT);
  assert_int_equal(r.exit_code, 0);
  box_said(&r, "hello");
  assert_true(ia_span_is(ia_buf_view(&r.err.head), "to stderr\n"));
  assert_true(r.out_fd >= 0);
  assert_true(r.landlock_abi >= 0);
}

/* The first process closes the control socket and only then dies: the supervisor sleeps until it is
 * dead. Ticks are those of a tree without a memory cgroup. */
static void test_no_spinning(void **state IA_UNUSED)
{
  for (int i = 0; i < 5; i++) {
    IA_AUTOV(ia_sandbox_result) r = {0};

    box_run(&r, &box, "hello", NULL);
    assert_true(r.wakes <= 16 + r.wall_ms / 50);
  }
}

static void test_exit_codes(void **state IA_UNUSED)
{
  static const struct {
    const char *deed;
    ia_sandbox_end end;
    int code, exit_code;
  } rows[] = {{"exit", IA_END_EXIT, 42, 42}, {"abort", IA_END_SIGNAL, SIGKILL, 137}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_sandbox_result) r = {0};

    box_run(&r, &box, rows[i].deed, NULL);
    assert_int_equal(r.end, rows[i].end);
    assert_int_equal(r.code, rows[i].code);
    assert_int_equal(r.exit_code, rows[i].exit_code);
  }
}

static void seen(void *arg)
{
  ++*(int *)arg;
}

static void test_started_and_cancel(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  int fds[2], started = 0;

  assert_int_equal(pipe(fds), 0);
  close(fds[1]); /* closed is a request to stop */
  ia_sandbox_spec s = {.cancel_fd = fds[0], .started = seen, .arg = &started};
  box_run(&r, &box, "never-ends",
          &(ia_sandbox_spec){
              .cancel_fd = fds[0], .started = seen, .arg = &started, .limits = {.grace_ms = 300}});
  assert_int_equal(r.end, IA_END_CANCEL);
  (void)s;
  close(fds[0]);
}

/* 26 */
static void test_launch_failures(void **state IA_UNUSED)
{
  static const struct {
    const char *program, *bytes;
    ia_sandbox_end end;
    int code;
    const char *says;
  } rows[] = {
      {"/bin/absent", NULL, IA_END_NOTFOUND, 127, "No such file"},
      {"absent", NULL, IA_END_NOTFOUND, 127, "No such file"},
      {"/bin/script", "#!/no/interpreter\n", IA_END_NOEXEC, 126, "interpreter is missing"},
      {"/bin/text", "just text\n", IA_END_NOEXEC, 126, "Exec format error"},
      {"/bin/arm", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0", IA_END_NOEXEC, 126, "format error"},
      {"/etc/passwd", NULL, IA_END_NOEXEC, 126, "Permission denied"},
      {"/bin", NULL, IA_END_NOEXEC, 126, "Permission denied"},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_sandbox_result) r = {0};
    const char *argv[] = {rows[i].program, NULL};
    ia_path p;

    assert_true(ia_path_join(&p, NULL, "%s%s", box.root.s, rows[i].program));
    if (rows[i].bytes)
      assert_true(ia_file_write(p.s, ia_span_of(rows[i].bytes, i == 4 ? 20 : strlen(rows[i].bytes)),
                                0755, NULL));
    box_run(&r, &box, "", &(ia_sandbox_spec){.argv = argv});
    assert_int_equal(r.end, rows[i].end);
    assert_int_equal(r.exit_code, rows[i].code);
    if (!strstr(r.launch_error, rows[i].says))
      fail_msg("%s: %s", rows[i].program, r.launch_error);
  }
}

static void test_path_search(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  const char *argv[] = {"hostile", "environment", NULL};
  const char *env[] = {"PATH=/sbin:/bin", "A=b c", NULL};

  box_run(&r, &box, "", &(ia_sandbox_spec){.argv = argv, .env = env});
  ia_autofree char *out = box_environment(&r);
  assert_string_equal(out, "PATH=/sbin:/bin\nA=b c\n");
}

/* The working folder is made where it is missing, on the skeleton or on a mount, and is the
 * program's own where it can be written at all. */
static void test_working_folders(void **state IA_UNUSED)
{
  static const struct {
    const char *cwd, *write;
  } rows[] = {{"/", "x=EROFS"},
              {"/etc", "x=EROFS"},
              {"/absent/deep", "x=EROFS"},
              {"/usr/local/app", "x=EROFS"},
              {"/tmp/job/here", "x=0"},
              {"/iexec_out/sub", "x=0"},
              {"/dev/shm/w", "x=0"},
              {"/tmp", "x=0"},
              {"/iexec_in", "x=EROFS"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_sandbox_result) r = {0};
    char line[80];

    box_run(&r, &box, "who", &(ia_sandbox_spec){.cwd = rows[i].cwd, .uid = i % 2 ? 1000 : 0});
    assert_int_equal(r.exit_code, 0);
    (void)snprintf(line, sizeof(line), "cwd %s", rows[i].cwd);
    box_said(&r, line);
    box_said(&r, rows[i].write);
  }
}

/* Any id is the program's inside, also one beyond the range that the machine gives. */
static void test_ids(void **state IA_UNUSED)
{
  static const uint32_t groups[] = {4, 100, 70000};
  static const struct {
    uint32_t uid, gid;
    size_t n;
    const char *ids, *groups;
  } rows[] = {{0, 0, 0, "uid 0 0 gid 0 0", NULL},
              {1000, 1000, 0, "uid 1000 1000 gid 1000 1000", "groups"},
              {65534, 65534, 0, "uid 65534 65534 gid 65534 65534", "groups"},
              {0, 1001, 0, "uid 0 0 gid 1001 1001", "groups"},
              {2147483647, 5, 3, "uid 2147483647 2147483647 gid 5 5", "groups 4 100 70000"},
              {999, 966, 1, "uid 999 999 gid 966 966", "groups 4"},
              {967, 70000, 3, "uid 967 967 gid 70000 70000", "groups 4 100 70000"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_sandbox_result) r = {0};
    bool many = !box.plain && geteuid() == 0;

    box_run(&r, &box, "who",
            &(ia_sandbox_spec){
                .uid = rows[i].uid, .gid = rows[i].gid, .groups = groups, .n_groups = rows[i].n});
    assert_int_equal(r.exit_code, 0);
    box_said(&r, rows[i].ids);
    if (many && rows[i].groups)
      box_said(&r, rows[i].groups);
    box_said(&r, "/iexec_out/x=0");
    box_said(&r, "/tmp/x=0");
    box_said(&r, "/dev/shm/x=0");
    box_said(&r, "/x=EROFS");
    if (rows[i].uid != 0)
      box_said(&r, many ? "setuid0=EPERM" : "setuid0=EINVAL");
  }
}

static void test_refused_specs(void **state IA_UNUSED)
{
  const char *layers[] = {box.root.s};
  const char *argv[] = {"/bin/hostile", NULL};
  const ia_sandbox_bind up[] = {{.source = box.in.s, .target = "/a/../../etc"}};
  const ia_sandbox_spec good = {.layers = layers, .n_layers = 1, .argv = argv, .allow_swap = true};
  ia_sandbox_spec bad[] = {good, good, good, good, good};

  bad[0].n_layers = 0;
  bad[1].argv = NULL;
  bad[2].name = "../x";
  bad[3].cwd = "tmp";
  bad[4].binds = up;
  bad[4].n_binds = 1;
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    IA_AUTOV(ia_sandbox_result) r = {0};
    ia_err e = {0};

    assert_false(ia_sandbox_run(&r, &bad[i], &e));
    assert_int_equal(e.code, IA_E_INVALID);
  }
}

/* 31: a group whose maker is dead goes with what runs in it; one of a living maker stays. */
static void test_sweep(void **state IA_UNUSED)
{
  static const ia_cgroup_limits l = {64 << 20, 16, 100};
  IA_AUTO(ia_cgroup) *mine = NULL;
  ia_path dir, fake;

  assert_true(ia_cgroup_make(&mine, NULL, "sweep", &l, NULL));
  if (!ia_cgroup_has(mine, IA_CG_PIDS)) {
    assert_int_equal(ia_sandbox_sweep(NULL), 0);
    return;
  }
  const char *own = ia_cgroup_dir(mine, IA_CG_PIDS);
  assert_true(ia_path_join(&dir, NULL, "%.*s", (int)(strrchr(own, '/') - own), own));
  assert_true(ia_path_join(&fake, NULL, "%s/iapp-4194300-1-0-dead", dir.s));
  assert_true(ia_mkdirs(fake.s, 0755, NULL));
  assert_true(ia_sandbox_sweep(NULL) >= 1);
  assert_int_not_equal(access(fake.s, F_OK), 0);
  assert_int_equal(access(own, F_OK), 0);
}

/* 34: a machine that may swap is refused unless its groups or its operator keep memory in place. */
static void test_swap(void **state IA_UNUSED)
{
  static const char head[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
  const char *layers[] = {box.root.s};
  const char *argv[] = {"/bin/hostile", "hello", NULL};
  const ia_sandbox_spec s = {.layers = layers, .n_layers = 1, .argv = argv};
  IA_AUTOV(ia_sandbox_result) r = {0};
  ia_err e = {0};

  assert_false(ia_swap_listed(ia_span_str(head)));
  assert_true(ia_swap_listed(ia_span_str("Filename\n/dev/sda2 partition 1 0 -2\n")));
  bool ok = ia_sandbox_run(&r, &s, &e);
  assert_true(ok || ia_swap_active());
  assert_true(ok || e.code == IA_E_SANDBOX);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hello),
      cmocka_unit_test(test_no_spinning),
      cmocka_unit_test(test_exit_codes),
      cmocka_unit_test(test_started_and_cancel),
      cmocka_unit_test(test_launch_failures),
      cmocka_unit_test(test_path_search),
      cmocka_unit_test(test_working_folders),
      cmocka_unit_test(test_ids),
      cmocka_unit_test(test_refused_specs),
      cmocka_unit_test(test_sweep),
      cmocka_unit_test(test_swap),
  };

  box_open(&box, argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  box_close(&box);
  return failed;
}
