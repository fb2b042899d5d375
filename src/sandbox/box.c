/* The parent's side: ids, clone, cgroup, messages. */
#include "sandbox/box.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/file.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static bool has_capability(unsigned cap)
{
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0}, {0}};

  return syscall(SYS_capget, &head, data) == 0 && (data[cap / 32].effective >> (cap % 32) & 1);
}

/* The first line of our own map: ids 0.. of this namespace, and how many. */
static bool own_range(uint32_t *first, uint32_t *count)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_autoclose int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);

  if (fd < 0 || !ia_fd_read_all(&b, fd, 65536, NULL))
    return false;
  ia_autofree char *text = ia_buf_text(&b);
  return text && sscanf(text, "%u %*u %u", first, count) == 2;
}

bool ia_idmap_choose(ia_idmap *out, uint32_t base, uint32_t count, ia_err *e)
{
  uint32_t first = 0, n = 0;
  uint64_t end = (uint64_t)base + count;

  if (!own_range(&first, &n))
    return ia_fail(e, IA_E_SANDBOX, "/proc/self/uid_map cannot be read");
  *out = (ia_idmap){.uid = geteuid(), .gid = getegid(), .count = 1};
  if (!has_capability(CAP_SETUID) || !has_capability(CAP_SETGID))
    return true;
  if (base >= first && end <= (uint64_t)first + n)
    *out = (ia_idmap){.uid = base, .gid = base, .count = count};
  else if (first == 0 && n >= 2 && n <= 65536)
    *out = (ia_idmap){
        .uid = n / 2, .gid = n / 2, .count = n - n / 2}; /* inside a guest's box: its upper half */
  return true;
}

int ia_fd_high(int fd)
{
  if (fd < 0 || fd >= 10)
    return fd;
  int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);

  close(fd);
  return high;
}

static bool write_proc(pid_t pid, const char *file, const char *text, ia_err *e)
{
  ia_path p;

  if (!ia_path_join(&p, e, "/proc/%d/%s", (int)pid, file))
    return false;
  ia_autoclose int fd = open(p.s, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
    return ia_fail(e, IA_E_SANDBOX, "%s: %s", file, strerror(errno));
  return true;
}

/* Adds an id once where it lies beyond the range that stays when `room` places are taken from it.
 */
static void add_far(uint32_t *far, uint32_t *n, uint32_t room, uint32_t count, uint32_t id)
{
  for (uint32_t i = 0; i < *n; i++)
    if (far[i] == id)
      return;
  if (id >= count - room && *n < room)
    far[(*n)++] = id;
}

void ia_idmap_user(ia_idmap *m, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n)
{
  if (m->count <= 2 * IA_IDMAP_BEYOND && (uid != 0 || gid != 0))
    m->count = 1; /* too few for other ids beside them */
  if (m->count == 1) {
    m->in_uid = uid;
    m->in_gid = gid;
    return;
  }
  add_far(m->far_uids, &m->n_far_uids, IA_COUNT(m->far_uids), m->count, uid);
  add_far(m->far_gids, &m->n_far_gids, IA_COUNT(m->far_gids), m->count, gid);
  for (size_t i = 0; i < n; i++)
    add_far(m->far_gids, &m->n_far_gids, IA_COUNT(m->far_gids), m->count, groups[i]);
}

enum { MAP_TEXT = 2048 };

/* Ids from `in` on, then those beyond on the last `room` places. */
static void map_text(char out[MAP_TEXT], uint32_t in, uint32_t base, uint32_t count,
                     const uint32_t *far, uint32_t n, uint32_t room)
{
  uint32_t whole = n > 0 ? count - room : count;
  int at = snprintf(out, MAP_TEXT, "%u %u %u", in, base, whole);

  for (uint32_t i = 0; i < n && at > 0 && at < MAP_TEXT; i++)
    at += snprintf(out + at, (size_t)(MAP_TEXT - at), "\n%u %u 1", far[i], base + whole + i);
}

static bool map_ids(pid_t pid, const ia_idmap *m, ia_err *e)
{
  char uid[MAP_TEXT], gid[MAP_TEXT];

  map_text(uid, m->in_uid, m->uid, m->count, m->far_uids, m->n_far_uids, IA_COUNT(m->far_uids));
  map_text(gid, m->in_gid, m->gid, m->count, m->far_gids, m->n_far_gids, IA_COUNT(m->far_gids));
  /* without the capability the kernel wants setgroups given up first */
  if (m->count == 1 && !write_proc(pid, "setgroups", "deny", e))
    return false;
  return write_proc(pid, "gid_map", gid, e) && write_proc(pid, "uid_map", uid, e);
}

static bool let_go(const ia_box *b, const ia_box_spec *spec, ia_err *e)
{
  static const char go = IA_BOX_GO;
  ia_box_message m;
  int fd;

  if (ia_box_receive(b, true, &m, &fd) != 1 || m.what != IA_BOX_READY || fd >= 0)
    return ia_fail(e, IA_E_SANDBOX, "the sandbox died at its start");
  if (!map_ids(b->pid, &spec->map, e))
    return false;
  if (spec->cgroup && !ia_cgroup_add(spec->cgroup, spec->cgroup_sub, b->pid, e))
    return false;
  if (send(b->control, &go, 1, MSG_NOSIGNAL) != 1)
    return ia_fail(e, IA_E_SANDBOX, "the sandbox died at its start");
  return true;
}

bool ia_box_start(ia_box *out, const ia_box_spec *spec, ia_err *e)
{
  int pair[2], pidfd = -1;
  struct clone_args args = {
      .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
               CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_PIDFD,
      .pidfd = (uint64_t)(uintptr_t)&pidfd,
      /* exit_signal 0: no SIGCHLD, and no waitpid(-1) of somebody else takes it */
  };

  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return ia_fail_errno(e, "socketpair");
  pair[0] = ia_fd_high(pair[0]);
  pair[1] = ia_fd_high(pair[1]);
  long pid = syscall(SYS_clone3, &args, sizeof(args));
  if (pid == 0) {
    close(pair[0]);
    ia_box_child(spec, pair[1]);
  }
  int err = errno;
  close(pair[1]);
  if (pid < 0) {
    close(pair[0]);
    (void)ia_fail(e, IA_E_SANDBOX, "cannot make namespaces: %s", strerror(err));
    return ia_hint(e, "user namespaces must be allowed: sysctl kernel.unprivileged_userns_clone");
  }
  *out = (ia_box){(pid_t)pid, pidfd, pair[0]};
  if (let_go(out, spec, e))
    return true;
  ia_box_kill(out, NULL);
  ia_box_reap(out);
  return false;
}

int ia_box_receive(const ia_box *b, bool wait, ia_box_message *m, int *fd)
{
  struct iovec v = {m, sizeof(*m)};
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr h = {
      .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
  ssize_t n;

  *fd = -1;
  do
    n = recvmsg(b->control, &h, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN)
    return -1;
  if (n != (ssize_t)sizeof(*m))
    return 0;
  struct cmsghdr *c = CMSG_FIRSTHDR(&h);
  if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
      c->cmsg_len == CMSG_LEN(sizeof(int)))
    memcpy(fd, CMSG_DATA(c), sizeof(int));
  m->text[sizeof(m->text) - 1] = '\0';
  return 1;
}

void ia_box_explain(char *out, size_t cap, const ia_plan *plan, const ia_box_message *m)
{
  const char *why = strerror(m->value);

  if (m->what == IA_BOX_STEP && m->index < plan->n_steps) {
    const ia_step *s = &plan->steps[m->index];

    (void)snprintf(out, cap, "%s %s: %s",
                   s->kind == IA_STEP_MOUNT && s->type ? s->type
                   : s->kind == IA_STEP_OVERLAY        ? "overlay"
                   : s->kind == IA_STEP_BIND           ? "bind"
                                                       : "set up",
                   s->target ? s->target : "", why);
  } else if (m->what == IA_BOX_EXEC) {
    (void)snprintf(out, cap, "cannot execute: %s%s", why,
                   m->value == ENOENT && m->exists ? " (its interpreter is missing)" : "");
  } else {
    (void)snprintf(out, cap, "%s: %s", m->text, why);
  }
}

void ia_box_kill(const ia_box *b, const ia_cgroup *g)
{
  if (b->pidfd >= 0)
    (void)syscall(SYS_pidfd_send_signal, b->pidfd, SIGKILL, NULL, 0);
  if (g)
    ia_cgroup_kill(g);
}

void ia_box_reap(ia_box *b)
{
  siginfo_t info;

  if (b->pidfd >= 0) {
    while (waitid((idtype_t)P_PIDFD, (id_t)b->pidfd, &info, WEXITED | __WALL) != 0 &&
           errno == EINTR)
      continue;
    close(b->pidfd);
  }
  if (b->control >= 0)
    close(b->control);
  *b = (ia_box){.pidfd = -1, .control = -1};
}
