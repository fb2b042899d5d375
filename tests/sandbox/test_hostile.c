/* Hostile programs against the sandbox: what each of them must be told by the kernel, and how its
 * run must end. Numbers are the rows of docs/sandbox.md. */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "help.h"
#include "sandbox/harvest.h"

static box_help box;

static void check_lines(const char *deed, const char *const *lines)
{
  IA_AUTOV(ia_sandbox_result) r = {0};

  box_run(&r, &box, deed, NULL);
  assert_int_equal(r.end, IA_END_EXIT);
  for (; *lines; lines++)
    box_said(&r, *lines);
}

/* 7 */
/* 7: disks, boot, kernel and paths of the host. */
static void test_machine(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  static const ia_sandbox_bind none[1];

  box_run(&r, &box, "machine", &(ia_sandbox_spec){.binds = none, .n_binds = 0});
  ia_autofree char *out = box_out(&r);
  assert_string_equal(out, "done=1\n");
}

static void test_proc(void **state IA_UNUSED)
{
  static const char *const lines[] = {"/proc/1/environ=ENOENT",
                                      "/proc/1/maps=ENOENT",
                                      "/proc/1/mem=ENOENT",
                                      "/proc/keys=empty",
                                      "/proc/kmsg=empty",
                                      "/proc/kallsyms=empty",
                                      "/proc/cmdline=empty",
                                      "root1=ENOENT",
                                      "/proc/version=empty",
                                      "/sys/kernel=ENOENT",
                                      "fd1=ENOENT",
                                      "core_pattern=EACCES",
                                      "oom=ENOENT",
                                      NULL};

  check_lines("proc", lines);
}

static const char *const call_lines[] = {"ptrace=EPERM",
                                         "traceme=EPERM",
                                         "process_vm_readv=EPERM",
                                         "process_vm_writev=EPERM",
                                         "pidfd_getfd=EPERM",
                                         "mount=EPERM",
                                         "umount2=EPERM",
                                         "fsopen=EPERM",
                                         "open_tree=EPERM",
                                         "move_mount=EPERM",
                                         "mount_setattr=EPERM",
                                         "pivot_root=EPERM",
                                         "chroot=EPERM",
                                         "setns=EPERM",
                                         "bpf=EPERM",
                                         "perf_event_open=EPERM",
                                         "keyctl=EPERM",
                                         "add_key=EPERM",
                                         "request_key=EPERM",
                                         "kexec_load=EPERM",
                                         "init_module=EPERM",
                                         "swapon=EPERM",
                                         "reboot=EPERM",
                                         "open_by_handle_at=EPERM",
                                         "userfaultfd=EPERM",
                                         "io_uring_setup=EPERM",
                                         "io_uring_enter=EPERM",
                                         "quotactl=EPERM",
                                         "acct=EPERM",
                                         "clock_settime=EPERM",
                                         "syslog=EPERM",
                                         "iopl=EPERM",
                                         "ioperm=EPERM",
                                         "modify_ldt=EPERM",
                                         "kcmp=EPERM",
                                         "clone3=ENOSYS",
                                         "unknown=ENOSYS",
                                         "personality=ENOSYS",
                                         "tiocsti=EPERM",
                                         "tiocsti64=EPERM",
                                         NULL};

/* 8, 29 and every refusal of the filter */
static void test_calls(void **state IA_UNUSED)
{
  check_lines("calls", call_lines);
}

/* The other tables of system calls, x32 and i386: the process dies. */
static void test_architectures(void **state IA_UNUSED)
{
  static const char *const deeds[] = {"x32", "int80"};

  for (size_t i = 0; i < IA_COUNT(deeds); i++) {
    IA_AUTOV(ia_sandbox_result) r = {0};

    box_run(&r, &box, deeds[i], NULL);
    assert_int_equal(r.end, IA_END_SIGNAL);
    assert_int_equal(r.code, SIGSYS);
    ia_autofree char *out = box_out(&r);
    assert_string_equal(out, "before\n");
  }
}

static const char *const socket_lines[] = {"raw=EPERM",
                                           "packet=EAFNOSUPPORT",
                                           "netlink=EAFNOSUPPORT",
                                           "vsock=EAFNOSUPPORT",
                                           "alg=EAFNOSUPPORT",
                                           "inet=0",
                                           "inet6=0",
                                           "unix=0",
                                           "udp=ENETUNREACH",
                                           NULL};

/* The answer to a connection is one of the refusals. */
static void assert_refused(const char *out, const char *name)
{
  static const char *const refused[] = {"ENETUNREACH", "ECONNREFUSED", "EACCES", "EPERM"};
  char key[32];
  bool ok = false;

  (void)snprintf(key, sizeof(key), "\n%s=", name);
  const char *at = strstr(out, key);
  assert_non_null(at);
  for (size_t k = 0; k < IA_COUNT(refused); k++)
    ok |= strncmp(at + strlen(key), refused[k], strlen(refused[k])) == 0;
  assert_true(ok);
}

/* 9, 10: a listener and an abstract socket of the host are out of reach. */
static void test_sockets(void **state IA_UNUSED)
{
  static const char *const names[] = {"internet", "loopback", "metadata", "abstract"};
  IA_AUTOV(ia_sandbox_result) r = {0};
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  socklen_t len = sizeof(a);
  char port[32], abstract[64];

  ia_autoclose int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ia_autoclose int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(tcp, (struct sockaddr *)&a, sizeof(a)), 0);
  assert_int_equal(listen(tcp, 1), 0);
  assert_int_equal(getsockname(tcp, (struct sockaddr *)&a, &len), 0);
  (void)snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "iapp-test-%d", (int)getpid());
  len = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(un.sun_path + 1));
  assert_int_equal(bind(local, (struct sockaddr *)&un, len), 0);
  assert_int_equal(listen(local, 1), 0);
  (void)snprintf(port, sizeof(port), "PORT=%u", ntohs(a.sin_port));
  (void)snprintf(abstract, sizeof(abstract), "ABSTRACT=%.50s", un.sun_path + 1);
  const char *env[] = {port, abstract, NULL};
  box_run(&r, &box, "sockets", &(ia_sandbox_spec){.env = env});
  for (const char *const *l = socket_lines; *l; l++)
    box_said(&r, *l);
  ia_autofree char *out = box_out(&r);
  for (size_t i = 0; i < IA_COUNT(names); i++)
    assert_refused(out, names[i]);
}

/* 11 */
static void test_setuid(void **state IA_UNUSED)
{
  static const char *const lines[] = {"uid=0 euid=0 gid=0 egid=0",
                                      "CapPrm:\t0000000000000000",
                                      "CapEff:\t0000000000000000",
                                      "CapBnd:\t0000000000000000",
                                      "CapInh:\t0000000000000000",
                                      "CapAmb:\t0000000000000000",
                                      "NoNewPrivs:\t1",
                                      "Seccomp:\t2",
                                      "setuid1000=EINVAL",
                                      NULL};

  check_lines("setuid", lines);
}

/* 12 */
static void test_namespaces(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};

  box_run(&r, &box, "namespaces", NULL);
  ia_autofree char *out = box_out(&r);
  assert_null(strstr(out, "=0"));
  assert_null(strstr(out, "=EINVAL"));
  box_said(&r, "unshare=EPERM");
  box_said(&r, "clone=EPERM");
}

/* 13 */
static void test_mknod(void **state IA_UNUSED)
{
  static const char *const lines[] = {"char=EPERM", "charzero=EPERM", "block=EPERM", "fifo=0",
                                      NULL};

  check_lines("mknod", lines);
}

/* 33 */
static void test_devices(void **state IA_UNUSED)
{
  static const char *const lines[] = {"/dev/tdx_guest=ENOENT",
                                      "/dev/sev-guest=ENOENT",
                                      "/dev/kvm=ENOENT",
                                      "/dev/fuse=ENOENT",
                                      "/dev/vsock=ENOENT",
                                      "/sys/kernel/config/tsm/report=ENOENT",
                                      "/dev/tpm0=ENOENT",
                                      "/run/qgs.sock=ENOENT",
                                      "/proc/1/fd/3=ENOENT",
                                      "stream=EBADF",
                                      "null=0",
                                      "/dev/urandom=READ",
                                      NULL};

  check_lines("devices", lines);
}

/* 30 */
static void test_clock(void **state IA_UNUSED)
{
  static const char *const lines[] = {"settime=EPERM", "hostname=EPERM", "core=0/0", "uptime<60=1",
                                      NULL};

  check_lines("clock", lines);
}

/* 20 */
static void test_read_only(void **state IA_UNUSED)
{
  static const char *const lines[] = {"/x=EROFS",
                                      "/etc/x=EROFS",
                                      "/iexec_in/x=EROFS",
                                      "/dev/x=EROFS",
                                      "chmod=EROFS",
                                      "unlink=EROFS",
                                      "tmp=0",
                                      NULL};

  check_lines("read-only", lines);
}

/* 21 */
static void test_kill_init(void **state IA_UNUSED)
{
  static const char *const lines[] = {"killall=ESRCH", "alive", NULL};

  check_lines("kill-init", lines);
}

/* 18, 19 */
static void test_inherited(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) fds = {0};
  IA_AUTOV(ia_sandbox_result) env = {0};
  int extra = dup(2); /* not close-on-exec on purpose */

  assert_int_equal(dup2(extra, 251), 251);
  setenv("LEAK", "secret", 1);
  box_run(&fds, &box, "descriptors", NULL);
  box_run(&env, &box, "environment",
          &(ia_sandbox_spec){.env = (const char *[]){"ONE=1", "TWO=2", NULL}});
  close(extra);
  close(251);
  ia_autofree char *list = box_out(&fds);
  ia_autofree char *vars = box_environment(&env);
  assert_string_equal(list, "fd 0\nfd 1\nfd 2\n");
  assert_string_equal(vars, "ONE=1\nTWO=2\n");
}

/* 1, 17 */
static void test_processes(void **state IA_UNUSED)
{
  static const char *const deeds[] = {"fork-bomb", "zombies"};

  for (size_t i = 0; i < IA_COUNT(deeds); i++) {
    IA_AUTOV(ia_sandbox_result) r = {0};
    uint64_t before = ia_mono_ms();

    box_run(&r, &box, deeds[i], NULL);
    assert_true(ia_mono_ms() - before < 30000);
    assert_true(r.end == IA_END_PIDS || (!r.pids_by_cgroup && r.end == IA_END_EXIT));
    assert_int_equal(r.exit_code, 1);
    ia_autofree char *out = box_out(&r);
    assert_non_null(strstr(out, "EAGAIN"));
  }
  IA_AUTOV(ia_sandbox_result) r = {0};
  box_run(&r, &box, "orphans", NULL);
  box_said(&r, "500 orphans");
}

/* 3, 4 */
static void test_full(void **state IA_UNUSED)
{
  static const struct {
    const char *deed;
    const char *lines[7];
  } rows[] = {{"fill",
               {"/tmp/a=EFBIG", "/tmp/b=ENOSPC", "/iexec_out/a=EFBIG", "/iexec_out/b=ENOSPC",
                "/dev/shm/a=EFBIG", "/dev/shm/b=ENOSPC"}},
              {"many-files", {"create=ENOSPC"}}};
  static const ia_sandbox_limits l = {
      .tmp_bytes = 12 << 20, .out_bytes = 12 << 20, .file_bytes = 8 << 20, .inodes = 1024};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_sandbox_result) r = {0};

    box_run(&r, &box, rows[i].deed, &(ia_sandbox_spec){.limits = l});
    assert_int_equal(r.end, IA_END_OUTPUT);
    for (const char *const *line = rows[i].lines; *line; line++)
      box_said(&r, *line);
  }
}

/* 16: the tree dies with its leader, whose status counts. */
static void test_daemon(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  uint64_t before = ia_mono_ms();

  box_run(&r, &box, "daemon", NULL);
  assert_true(ia_mono_ms() - before < 20000);
  assert_int_equal(r.end, IA_END_EXIT);
  assert_int_equal(r.code, 7);
  box_said(&r, "leader leaves");
}

static const ia_harvest_entry *entry(const ia_harvest *h, const char *path)
{
  for (size_t i = 0; i < h->n; i++)
    if (strcmp(h->entries[i].path, path) == 0)
      return &h->entries[i];
  fail_msg("no entry %s", path);
  return NULL;
}

/* 5 */
static void test_odd_output(void **state IA_UNUSED)
{
  static const struct {
    const char *path;
    ia_harvest_kind kind;
  } rows[] = {{"shadow", IA_HARVEST_SYMLINK},
              {"env", IA_HARVEST_SYMLINK},
              {"rootdir", IA_HARVEST_SYMLINK},
              {"real", IA_HARVEST_FILE},
              {"hard", IA_HARVEST_FILE}};
  IA_AUTOV(ia_sandbox_result) r = {0};
  IA_AUTOV(ia_harvest) h = {0};
  IA_AUTOV(ia_buf) b = {0};
  ia_err e = {0};

  box_run(&r, &box, "odd-output", NULL);
  assert_true(ia_harvest_walk(&h, r.out_fd, &(ia_harvest_limits){0}, &e));
  for (size_t i = 0; i < IA_COUNT(rows); i++)
    assert_int_equal(entry(&h, rows[i].path)->kind, rows[i].kind);
  assert_int_equal(h.n_skipped, 3);
  static const char *const out[] = {"shadow", "rootdir/etc/passwd", "env", "../etc/passwd",
                                    "/etc/passwd"};
  for (size_t i = 0; i < IA_COUNT(out); i++) {
    assert_false(ia_harvest_read(&b, r.out_fd, out[i], 1 << 20, &e));
    assert_int_equal(e.code, IA_E_INVALID);
  }
  assert_true(ia_harvest_read(&b, r.out_fd, "real", 1 << 20, &e));
  assert_true(ia_span_is(ia_buf_view(&b), "real"));
}

/* 6 */
static void test_odd_names(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  IA_AUTOV(ia_harvest) h = {0};
  IA_AUTOV(ia_buf) b = {0};
  ia_err e = {0};

  box_run(&r, &box, "odd-names", NULL);
  if (!ia_harvest_walk(&h, r.out_fd, &(ia_harvest_limits){0}, &e))
    fail_msg("%s", e.msg);
  assert_int_equal(h.n, 7);
  assert_int_equal(entry(&h, "\xff\xfe")->size, 5);
  assert_int_equal(entry(&h, "line\nbreak")->size, 7);
  assert_int_equal(entry(&h, "closed/in")->size, 6);
  assert_true(ia_harvest_read(&b, r.out_fd, "unreadable", 64, &e));
  assert_true(ia_harvest_read(&b, r.out_fd, "closed/in", 64, &e));
  IA_AUTOV(ia_sandbox_result) deep = {0};
  box_run(&deep, &box, "deep", NULL);
  box_said(&deep, "deep");
  ia_harvest_free(&h);
  assert_false(ia_harvest_walk(&h, deep.out_fd, &(ia_harvest_limits){0}, &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
}

/* 22, 24: logical sizes count; computed.json as a link or too large is not read. */
static void test_sizes(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0}, link = {0}, large = {0};
  IA_AUTOV(ia_harvest) h = {0};
  IA_AUTOV(ia_buf) b = {0};
  ia_err e = {0};

  box_run(&r, &box, "sparse", NULL);
  box_said(&r, "truncate1T=EFBIG");
  box_said(&r, "seekwrite=EFBIG");
  assert_false(ia_harvest_walk(&h, r.out_fd, &(ia_harvest_limits){0}, &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
  box_run(&link, &box, "computed-link", NULL);
  assert_false(ia_harvest_read(&b, link.out_fd, "computed.json", 1 << 20, &e));
  assert_int_equal(e.code, IA_E_INVALID);
  box_run(&large, &box, "computed-large", NULL);
  assert_false(ia_harvest_read(&b, large.out_fd, "computed.json", 1 << 20, &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
}

/* 23: a daemon that goes on writing is dead before anything is read. */
static void test_dead_before_harvest(void **state IA_UNUSED)
{
  static const struct timespec pause = {0, 50 * 1000 * 1000};
  IA_AUTOV(ia_sandbox_result) r = {0};
  IA_AUTOV(ia_harvest) first = {0}, second = {0};

  box_run(&r, &box, "writer", NULL);
  assert_true(ia_harvest_walk(&first, r.out_fd, &(ia_harvest_limits){0}, NULL));
  (void)nanosleep(&pause, NULL);
  assert_true(ia_harvest_walk(&second, r.out_fd, &(ia_harvest_limits){0}, NULL));
  assert_true(entry(&first, "tick")->size > 0);
  assert_int_equal(entry(&first, "tick")->size, entry(&second, "tick")->size);
}

/* 31: kill -9 of the supervisor takes the tree along. */
static void test_supervisor_killed(void **state IA_UNUSED)
{
  int fds[2];
  char byte;

  assert_int_equal(pipe(fds), 0);
  pid_t p = fork();
  assert_true(p >= 0);
  if (p == 0) {
    ia_sandbox_result r = {0};

    (void)dup2(fds[1], 1);
    box_run(&r, &box, "never-ends", NULL);
    _exit(0);
  }
  static const struct timespec pause = {0, 300 * 1000 * 1000};
  (void)nanosleep(&pause, NULL);
  assert_int_equal(kill(p, SIGKILL), 0);
  assert_int_equal(waitpid(p, NULL, 0), p);
  close(fds[1]);
  /* end of file once the last holder, the sandbox's first process, is gone */
  assert_int_equal(read(fds[0], &byte, 1), 0);
  close(fds[0]);
  (void)ia_sandbox_sweep(NULL);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_proc),
      cmocka_unit_test(test_machine),
      cmocka_unit_test(test_calls),
      cmocka_unit_test(test_architectures),
      cmocka_unit_test(test_sockets),
      cmocka_unit_test(test_setuid),
      cmocka_unit_test(test_namespaces),
      cmocka_unit_test(test_mknod),
      cmocka_unit_test(test_devices),
      cmocka_unit_test(test_clock),
      cmocka_unit_test(test_read_only),
      cmocka_unit_test(test_kill_init),
      cmocka_unit_test(test_inherited),
      cmocka_unit_test(test_processes),
      cmocka_unit_test(test_full),
      cmocka_unit_test(test_daemon),
      cmocka_unit_test(test_odd_output),
      cmocka_unit_test(test_odd_names),
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_dead_before_harvest),
      cmocka_unit_test(test_supervisor_killed),
  };

  box_open(&box, argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  box_close(&box);
  return failed;
}
