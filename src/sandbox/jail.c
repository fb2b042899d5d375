/* Between fork and exec: session, descriptors, limits, capabilities, Landlock, filter. Runs in a
 * copy of a process that may have threads: system calls only, nothing allocated. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sandbox/box.h"
#include "sandbox/landlock.h"

static _Noreturn void fail(int report, const char *text)
{
  ia_box_message m = {.what = IA_BOX_SETUP, .value = errno};

  for (size_t i = 0; text[i] && i + 1 < sizeof(m.text); i++)
    m.text[i] = text[i];
  (void)!write(report, &m, sizeof(m));
  _exit(125);
}

/* The parent keeps its numbers at 10 and above, so 0..3 are free to be overwritten. */
static bool place_fds(const int fds[4])
{
  for (int i = 0; i < 4; i++)
    if (fds[i] >= 0 && dup2(fds[i], i) < 0)
      return false;
  return true;
}

static bool reset_signals(void)
{
  sigset_t none;

  for (int s = 1; s < 65; s++)
    (void)signal(s, SIG_DFL);
  (void)sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool set_limits(const ia_jail *j)
{
  for (size_t i = 0; i < j->n_limits; i++) {
    struct rlimit have, want = {j->limits[i].value, j->limits[i].value};

    if (syscall(SYS_prlimit64, 0, j->limits[i].what, NULL, &have) != 0)
      return false;
    /* raising needs a capability of the host: a lower one that stands is as good */
    if (want.rlim_max > have.rlim_max)
      want = (struct rlimit){have.rlim_max, have.rlim_max};
    if (syscall(SYS_prlimit64, 0, j->limits[i].what, &want, NULL) != 0)
      return false;
  }
  return true;
}

/* The program's ids, while the capability for it is still there; none of it is needed where the
 * namespace has one id. Raw calls: see box_child.c. */
static bool take_ids(const ia_jail *j)
{
  return !j->set_groups || (syscall(SYS_setgroups, j->n_groups, j->groups) == 0 &&
                            syscall(SYS_setresgid, j->gid, j->gid, j->gid) == 0 &&
                            syscall(SYS_setresuid, j->uid, j->uid, j->uid) == 0);
}

static bool drop_capabilities(const ia_jail *j)
{
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0}, {0}};

  for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0L, 0L, 0L) >= 0; cap++)
    if (prctl(PR_CAPBSET_DROP, cap, 0L, 0L, 0L) != 0)
      return false;
  (void)prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
  return take_ids(j) && syscall(SYS_capset, &head, none) == 0;
}

static bool set_filter(ia_span filter)
{
  struct sock_fprog prog = {(unsigned short)(filter.len / sizeof(struct sock_filter)),
                            (struct sock_filter *)(uintptr_t)filter.ptr};

  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0;
}

/* Tries the candidates in order as a shell does: a missing one leads to the next, one that is there
 * and cannot be run is remembered. */
static _Noreturn void execute(const ia_jail *j, const char *const *env, int report)
{
  ia_box_message m = {.what = IA_BOX_EXEC, .value = ENOENT};

  for (const char *const *p = j->paths; *p; p++) {
    struct stat st;

    (void)execve(*p, (char *const *)(uintptr_t)j->argv, (char *const *)(uintptr_t)env);
    int err = errno;
    bool there = stat(*p, &st) == 0;
    if (!there && (err == ENOENT || err == ENOTDIR))
      continue;
    if (!m.exists) {
      m.value = err;
      m.exists = there;
    }
  }
  (void)!write(report, &m, sizeof(m));
  _exit(m.exists || m.value != ENOENT ? 126 : 127);
}

void ia_jail_enter(const ia_jail *j, const char *const *env, int report)
{
  if (setsid() < 0)
    fail(report, "session");
  /* the report pipe may sit where a descriptor goes */
  int high = fcntl(report, F_DUPFD_CLOEXEC, 10);
  if (high < 0)
    _exit(125);
  report = high;
  if (!place_fds(j->fds))
    fail(report, "descriptors");
  if (!reset_signals() || !set_limits(j))
    fail(report, "limits");
  if (!j->guest && !drop_capabilities(j))
    fail(report, "capabilities");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0)
    fail(report, "no_new_privs");
  if (chdir(j->cwd) != 0)
    fail(report, "working folder");
  if (!j->guest && !ia_landlock_enter(j->landlock_abi, j->writable))
    fail(report, "Landlock");
  /* closed by execve itself, so that a failure can still be reported */
  if (close_range(j->fds[3] >= 0 ? 4 : 3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    fail(report, "close_range");
  if (j->filter.len > 0 && !set_filter(j->filter))
    fail(report, "filter");
  execute(j, env, report);
}
