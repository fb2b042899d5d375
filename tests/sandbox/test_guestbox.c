/* The box of a guest: what it sees, that a sandbox works inside it, that all of it dies. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/clock.h"
#include "help.h"
#include "sandbox/guestbox.h"

static box_help box;
static const char *nested_path;

/* Runs the nested program; its report as text, which the caller frees. */
static char *report(const char *deed, uint64_t memory, int *status)
{
  const char *argv[] = {"iapp-guest", deed, NULL};
  const ia_sandbox_bind binds[] = {{.source = box.root.s, .target = "/layer", .exec = true}};
  int pair[2];
  ia_err e = {0};
  IA_AUTO(ia_guestbox) *g = NULL;
  IA_AUTOV(ia_buf) b = {0};

  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  ia_guestbox_spec s = {.name = "test",
                        .exe = nested_path,
                        .argv = argv,
                        .binds = binds,
                        .n_binds = 1,
                        .stream_fd = pair[1],
                        .stderr_fd = 2,
                        .allow_swap = true,
                        .memory_bytes = memory,
                        .data_bytes = 8 << 20};
  if (!ia_guestbox_start(&g, &s, &e))
    fail_msg("%s", e.msg);
  close(pair[1]);
  assert_true(ia_fd_read_all(&b, pair[0], 1 << 20, &e));
  close(pair[0]);
  assert_true(ia_guestbox_wait(g, 20000, status));
  ia_guestbox_usage use;
  ia_guestbox_usage_get(g, &use);
  ia_buf_str(&b, "");
  return ia_buf_text(&b);
}

static void has(const char *text, const char *line)
{
  if (!strstr(text, line))
    fail_msg("wanted \"%s\" in:\n%s", line, text);
}

static void test_inside(void **state IA_UNUSED)
{
  static const char *const lines[] = {"fd 0\nfd 1\nfd 2\nfd 3\nwrite-root 0\n",
                                      "write-layer 0\nwrite-data 1\nhome 0\n",
                                      "data-size 8388608\n", "end exit 0 \n", "hello\n"};
  int status = -1;
  ia_autofree char *text = report("hello", 1024 * IA_MIB, &status);

  for (size_t i = 0; i < IA_COUNT(lines); i++)
    has(text, lines[i]);
  assert_int_equal(status, 5);
  if (!box.plain && geteuid() == 0)
    has(text, "cgroups 111\n");
}

/* 7, 33: the same view as without the outer box, and nothing of the guest. */
static void test_app_inside(void **state IA_UNUSED)
{
  static const char *const rows[][4] = {
      {"proc", "/proc/1/environ=ENOENT", "core_pattern=EACCES", "/proc/kmsg=empty"},
      {"devices", "stream=EBADF", "/dev/vport0p1=ENOENT", "/proc/1/fd/3=ENOENT"},
      {"setuid", "CapBnd:\t0000000000000000", "setuid1000=E", "Seccomp:\t2"},
      {"fork-bomb", "EAGAIN", "end pids 1", "cgroups 111"},
      {"memory", "end oom 137", "cgroups 111", "end oom"},
  };
  bool plain = box.plain || geteuid() != 0;

  for (size_t i = 0; i < IA_COUNT(rows) - (plain ? 2 : 0); i++) {
    int status;
    ia_autofree char *text = report(rows[i][0], 1024 * IA_MIB, &status);

    for (size_t k = 1; k < 4; k++)
      has(text, rows[i][k]);
  }
}

/* A killed box is dead as a whole, at once. */
static void test_kill(void **state IA_UNUSED)
{
  const char *argv[] = {"iapp-guest", "never-ends", NULL};
  const ia_sandbox_bind binds[] = {{.source = box.root.s, .target = "/layer", .exec = true}};
  int pair[2], status;
  ia_err e = {0};
  IA_AUTOV(ia_buf) b = {0};

  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  ia_guestbox_spec s = {.name = "test",
                        .exe = nested_path,
                        .argv = argv,
                        .binds = binds,
                        .n_binds = 1,
                        .stream_fd = pair[1],
                        .allow_swap = true};
  IA_AUTO(ia_guestbox) *g = NULL;
  if (!ia_guestbox_start(&g, &s, &e))
    fail_msg("%s", e.msg);
  close(pair[1]);
  assert_false(ia_guestbox_wait(g, 500, &status));
  uint64_t before = ia_mono_ms();
  ia_guestbox_kill(g);
  assert_true(ia_guestbox_wait(g, 5000, &status));
  assert_int_equal(status, 137);
  assert_true(ia_fd_read_all(&b, pair[0], 1 << 20, &e)); /* the last holder is gone */
  assert_true(ia_mono_ms() - before < 20000);
  close(pair[0]);
}

static void test_refused(void **state IA_UNUSED)
{
  const char *argv[] = {"iapp-guest", NULL};
  ia_guestbox_spec s = {
      .name = "test", .exe = "/etc/passwd", .argv = argv, .stream_fd = 2, .allow_swap = true};
  ia_guestbox *g = NULL;
  ia_err e = {0};

  assert_false(ia_guestbox_start(&g, &s, &e));
  assert_int_equal(e.code, IA_E_INVALID);
  s.exe = nested_path;
  s.name = "A/b";
  assert_false(ia_guestbox_start(&g, &s, &e));
  assert_int_equal(e.code, IA_E_INVALID);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_inside),
      cmocka_unit_test(test_app_inside),
      cmocka_unit_test(test_kill),
      cmocka_unit_test(test_refused),
  };

  if (argc < 4)
    return 2;
  nested_path = argv[3];
  box_open(&box, argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  box_close(&box);
  return failed;
}
