/* The first process of a box: waits for its ids, carries out the plan, forks the program, reaps
 * whatever ends up with it, and leaves with the program (the kernel then kills the rest).
 * Everything here is async-signal-safe: plain system calls on texts that the parent made. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "sandbox/box.h"
#include "sandbox/limits.h"

enum { OVERLAY_TEXT = 4096 };

void ia_box_say(int control, ia_box_what what, int value, uint32_t index, const char *text)
{
  ia_box_message m = {.what = what, .value = value, .index = index};

  for (size_t i = 0; text && text[i] && i + 1 < sizeof(m.text); i++)
    m.text[i] = text[i];
  (void)send(control, &m, sizeof(m), MSG_NOSIGNAL);
}

static _Noreturn void give_up(int control, const char *text)
{
  ia_box_say(control, IA_BOX_SETUP, errno, 0, text);
  _exit(125);
}

/* Appends text, false when it does not fit. */
static bool add_text(char *out, size_t cap, size_t *n, const char *text)
{
  for (; *text; text++) {
    if (*n + 1 >= cap)
      return false;
    out[(*n)++] = *text;
  }
  out[*n] = '\0';
  return true;
}

static bool add_fd(char *out, size_t cap, size_t *n, int fd)
{
  char digits[12];
  size_t i = sizeof(digits) - 1;

  digits[i] = '\0';
  do
    digits[--i] = (char)('0' + fd % 10);
  while ((fd /= 10) > 0);
  return add_text(out, cap, n, "/proc/self/fd/") && add_text(out, cap, n, digits + i);
}

static int step_overlay(const ia_step *s, const ia_plan *plan, const int *fds)
{
  static const char *const keys[] = {
      [IA_SOURCE_UPPER] = ",upperdir=", [IA_SOURCE_WORK] = ",workdir="};
  char text[OVERLAY_TEXT];
  size_t n = 0;

  /* userxattr: opaque folders are marked by user.overlay.opaque, as a user namespace may */
  bool ok = add_text(text, sizeof(text), &n, "userxattr,lowerdir=") &&
            add_text(text, sizeof(text), &n, s->data);
  for (size_t i = 0; i < plan->n_sources; i++) {
    ia_source_role role = plan->sources[i].role;

    if (role == IA_SOURCE_PATH)
      continue;
    ok = ok && add_text(text, sizeof(text), &n, role == IA_SOURCE_LAYER ? ":" : keys[role]) &&
         add_fd(text, sizeof(text), &n, fds[i]);
  }
  if (!ok) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return mount("overlay", s->target, "overlay", s->flags, text);
}

static int set_attributes(const char *target, unsigned long flags, unsigned recursive)
{
  struct mount_attr a = {.attr_set = flags};

  return flags == 0 ? 0
                    : (int)syscall(SYS_mount_setattr, AT_FDCWD, target, recursive, &a, sizeof(a));
}

static int step_bind(const ia_step *s, const int *fds)
{
  char from[40];
  size_t n = 0;

  if (s->source >= 0 && !add_fd(from, sizeof(from), &n, fds[s->source])) {
    errno = ENAMETOOLONG;
    return -1;
  }
  if (mount(s->source >= 0 ? from : s->target, s->target, NULL, MS_BIND | MS_REC, NULL) != 0)
    return -1;
  return set_attributes(s->target, s->flags, AT_RECURSIVE);
}

static int step_file(const ia_step *s)
{
  int fd = open(s->target, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444);

  if (fd < 0)
    return -1;
  return close(fd);
}

static int step_pivot(void)
{
  if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0)
    return -1;
  return chdir("/");
}

static int step_inode(const ia_step *s)
{
  struct stat st;

  if (stat(s->target, &st) != 0)
    return -1;
  errno = ESTALE;
  return st.st_ino == s->flags ? 0 : -1;
}

static int step_send(const ia_step *s, int control)
{
  ia_box_message m = {.what = IA_BOX_FOLDER};
  struct iovec v = {&m, sizeof(m)};
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int))];
  } room = {.room = {0}};
  struct msghdr h = {
      .msg_iov = &v, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof(room)};
  int fd = open(s->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

  if (fd < 0)
    return -1;
  struct cmsghdr *c = CMSG_FIRSTHDR(&h);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &fd, sizeof(int));
  ssize_t n = sendmsg(control, &h, MSG_NOSIGNAL);
  close(fd);
  return n == (ssize_t)sizeof(m) ? 0 : -1;
}

static int do_step(const ia_step *s, const ia_plan *plan, const int *fds, int control)
{
  switch (s->kind) {
  case IA_STEP_PRIVATE: return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  case IA_STEP_MKDIR: return mkdir(s->target, s->mode) == 0 || errno == EEXIST ? 0 : -1;
  case IA_STEP_OWN: return lchown(s->target, s->uid, s->gid);
  case IA_STEP_FILE: return step_file(s);
  case IA_STEP_SYMLINK: return symlink(s->data, s->target);
  case IA_STEP_MOUNT: return mount(s->type, s->target, s->type, s->flags, s->data);
  case IA_STEP_OVERLAY: return step_overlay(s, plan, fds);
  case IA_STEP_BIND:
  case IA_STEP_PROTECT: return step_bind(s, fds);
  case IA_STEP_CHDIR: return chdir(s->target);
  case IA_STEP_PIVOT: return step_pivot();
  case IA_STEP_ATTR: return set_attributes(s->target, s->flags, 0);
  case IA_STEP_INODE: return step_inode(s);
  case IA_STEP_SEND: return step_send(s, control);
  }
  errno = EINVAL;
  return -1;
}

/* Nothing may stay of a view that is not whole: it could show what was to be covered. */
static void drop_view(const ia_plan *plan, size_t until, int control)
{
  for (size_t i = until; i-- > 0;) {
    const ia_step *s = &plan->steps[i];

    if (s->view && s->kind == IA_STEP_MOUNT && umount2(s->target, MNT_DETACH) != 0)
      give_up(control, "view of the limits");
  }
}

/* False: the app does not see its limits. */
static bool carry_out(const ia_plan *plan, int control, int *fds)
{
  bool view = false, dropped = false;

  for (size_t i = 0; i < plan->n_steps; i++) {
    const ia_step *s = &plan->steps[i];

    if (s->view && dropped)
      continue;
    view |= s->view;
    if (do_step(s, plan, fds, control) == 0 || (s->optional && errno == ENOENT))
      continue;
    if (s->view) {
      drop_view(plan, i, control);
      dropped = true;
      continue;
    }
    ia_box_say(control, IA_BOX_STEP, errno, (uint32_t)i, NULL);
    _exit(125);
  }
  for (size_t i = 0; i < plan->n_sources; i++)
    close(fds[i]);
  return view && !dropped;
}

static void wait_go(const ia_box_spec *spec, int control, int *fds)
{
  char go = 0;

  /* before our parent can read it: our maps are files of this process */
  if (geteuid() != 0)
    (void)prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
  ia_box_say(control, IA_BOX_READY, 0, 0, NULL);
  ssize_t n;
  do
    n = read(control, &go, 1);
  while (n < 0 && errno == EINTR);
  if (n != 1 || go != IA_BOX_GO)
    _exit(125);
  for (size_t i = 0; i < spec->plan->n_sources; i++) {
    fds[i] = open(spec->plan->sources[i].path, O_PATH | O_CLOEXEC);
    if (fds[i] < 0)
      give_up(control, spec->plan->sources[i].path);
  }
  /* raw calls: the C library's would signal threads that this copy does not have */
  uint32_t uid = spec->map.in_uid, gid = spec->map.in_gid;
  if (syscall(SYS_setresgid, gid, gid, gid) != 0 || syscall(SYS_setresuid, uid, uid, uid) != 0)
    give_up(control, "ids");
  if (spec->map.count > 1 && syscall(SYS_setgroups, 0, NULL) != 0)
    give_up(control, "groups");
  /* the group that we were moved into is the root of what an app sees of groups */
  if (!spec->jail->guest && unshare(CLONE_NEWCGROUP) != 0)
    give_up(control, "cgroup namespace");
  /* after the ids: a change of them clears it */
  if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) != 0 ||
      prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) != 0)
    give_up(control, "prctl");
  struct pollfd p = {.fd = control, .events = 0};
  if (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP))
    _exit(125); /* the parent died before it could take us along */
  if (sethostname("iapp", 4) != 0)
    give_up(control, "host name");
}

/* The app's monotonic clocks start near zero: the host's uptime is none of its business. Best
 * effort; a kernel without time namespaces shows it. */
static void hide_uptime(void)
{
  struct timespec mono, boot;

  if (unshare(CLONE_NEWTIME) != 0)
    return;
  int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  (void)clock_gettime(CLOCK_MONOTONIC, &mono);
  (void)clock_gettime(CLOCK_BOOTTIME, &boot);
  const struct {
    const char *name;
    long seconds;
  } rows[] = {{"monotonic -", (long)mono.tv_sec}, {"\nboottime -", (long)boot.tv_sec}};
  char text[96];
  size_t n = 0;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    char digits[24];
    size_t at = sizeof(digits) - 1;
    long v = rows[i].seconds;

    digits[at] = '\0';
    do
      digits[--at] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    (void)add_text(text, sizeof(text), &n, rows[i].name);
    (void)add_text(text, sizeof(text), &n, digits + at);
    (void)add_text(text, sizeof(text), &n, " 0");
  }
  (void)add_text(text, sizeof(text), &n, "\n");
  (void)!write(fd, text, n);
  close(fd);
}

/* Tells the parent how execve went: the report pipe closes by itself when it succeeds. */
static void tell_start(int report, int control)
{
  ia_box_message m;
  ssize_t n;

  do
    n = read(report, &m, sizeof(m));
  while (n < 0 && errno == EINTR);
  close(report);
  if (n == (ssize_t)sizeof(m)) {
    (void)send(control, &m, sizeof(m), MSG_NOSIGNAL);
    return;
  }
  ia_box_say(control, IA_BOX_STARTED, 0, 0, NULL);
}

static void answer_shared(const ia_box_spec *spec, int listener, int control, uint64_t *left)
{
  uint64_t before = *left;

  ia_shared_answer(listener, left);
  if (*left / IA_MIB != before / IA_MIB)
    ia_box_say(control, IA_BOX_SHARED, (int)((spec->shared_bytes - *left) / IA_MIB), 0, NULL);
}

/* Reaps until the program itself ends; passes a polite request on to its group. */
static int reap_until(const ia_box_spec *spec, pid_t app, int control, int signals, int listener)
{
  struct pollfd p[] = {{.fd = signals, .events = POLLIN},
                       {.fd = control, .events = POLLIN},
                       {.fd = listener, .events = POLLIN}};
  uint64_t left = spec->shared_bytes;

  for (;;) {
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
      if (pid == app)
        return status;
    if (poll(p, IA_COUNT(p), -1) < 0)
      continue;
    if (p[2].revents & POLLIN)
      answer_shared(spec, listener, control, &left);
    if (p[0].revents & POLLIN) {
      struct signalfd_siginfo info;

      (void)!read(signals, &info, sizeof(info));
    }
    if (p[1].revents & (POLLIN | POLLHUP)) {
      char ask = 0;

      if (read(control, &ask, 1) <= 0)
        _exit(125); /* the supervisor is gone */
      if (ask == IA_BOX_TERM)
        (void)kill(-app, SIGTERM);
    }
  }
}

/* Closes every descriptor but these, which may be -1; gives them numbers from 0. */
static void keep_only(int *const *fds, int n)
{
  for (int i = 0; i < n; i++)
    if (*fds[i] >= 0)
      *fds[i] = fcntl(*fds[i], F_DUPFD_CLOEXEC, n);
  for (int i = 0; i < n; i++)
    if (*fds[i] >= 0)
      *fds[i] = dup3(*fds[i], i, O_CLOEXEC);
  (void)close_range((unsigned)n, ~0U, 0);
}

void ia_box_child(const ia_box_spec *spec, int control)
{
  int fds[IA_PLAN_SOURCES], report[2], listener = -1;
  sigset_t all;

  (void)sigfillset(&all);
  (void)sigprocmask(SIG_BLOCK, &all, NULL);
  (void)umask(022);
  wait_go(spec, control, fds);
  const ia_jail *jail = spec->jail;
  bool view = carry_out(spec->plan, control, fds);
  const char *const *env = view || !jail->env_no_view ? jail->env : jail->env_no_view;
  if (!spec->jail->guest) {
    /* only while nothing else runs in here: our own /proc files are not ours without it */
    (void)prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
    hide_uptime();
    (void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
  }
  if (pipe2(report, O_CLOEXEC) != 0)
    give_up(control, "pipe");
  if (spec->shared_bytes > 0 && !ia_shared_count(&listener))
    give_up(control, "seccomp");
  long app = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (app < 0)
    give_up(control, "fork");
  if (app == 0)
    ia_jail_enter(jail, env, report[1]);
  close(report[1]);
  keep_only((int *const[]){&control, &report[0], &listener}, 3);
  tell_start(report[0], control);
  int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0)
    give_up(control, "signalfd");
  int status = reap_until(spec, (pid_t)app, control, signals, listener);
  ia_box_say(control, IA_BOX_EXITED, status, 0, NULL);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
