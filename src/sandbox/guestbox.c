/* The box around the guest process. */
#include "sandbox/guestbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#include "sandbox/box.h"
#include "sandbox/root.h"
#include "sandbox/watch.h"

struct ia_guestbox {
  ia_box box;
  ia_cgroup *group;
  bool over;
  int status;
};

static const char sub_group[] = "guest";

static bool spec_ok(const ia_guestbox_spec *spec, ia_err *e)
{
  size_t n = spec->name ? strlen(spec->name) : 0;

  if (n == 0 || n > 40 || strspn(spec->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
    return ia_fail(e, IA_E_INVALID, "guest box name: a-z 0-9 - only");
  if (spec->n_binds > IA_SANDBOX_BINDS || spec->stream_fd < 0 || !spec->argv || !spec->argv[0])
    return ia_fail(e, IA_E_INVALID, "guest box");
  return true;
}

/* Room for the guest beside the app: the app's own limits stand inside. */
static bool make_group(ia_guestbox *b, const ia_guestbox_spec *spec, uint64_t memory,
                       const ia_idmap *map, ia_err *e)
{
  ia_cgroup_limits l = {memory, spec->pids ? spec->pids : 256,
                        spec->cpu_percent ? spec->cpu_percent : 200};

  return ia_cgroup_make(&b->group, NULL, spec->name, &l, e) &&
         ia_cgroup_delegate(b->group, sub_group, map->uid, map->gid, e);
}

static bool swap_ok(const ia_guestbox_spec *spec, const ia_cgroup *g, ia_err *e)
{
  if (spec->allow_swap || ia_cgroup_no_swap(g) || !ia_swap_active())
    return true;
  (void)ia_fail(e, IA_E_SANDBOX, "private data could be written to swap");
  return ia_hint(e, "swapoff -a, version 2 memory cgroups, or --allow-swap");
}

/* Waits until the guest is executed; a failure is told in words. */
static bool wait_started(const ia_guestbox *b, const ia_plan *plan, ia_err *e)
{
  ia_box_message m;
  char why[160];
  int fd;
  struct pollfd p = {.fd = b->box.control, .events = POLLIN};

  if (poll(&p, 1, 30000) <= 0)
    return ia_fail(e, IA_E_SANDBOX, "the guest's box was not ready in time");
  if (ia_box_receive(&b->box, true, &m, &fd) != 1)
    return ia_fail(e, IA_E_SANDBOX, "the guest's box died at its start");
  if (fd >= 0)
    close(fd);
  if (m.what == IA_BOX_STARTED)
    return true;
  ia_box_explain(why, sizeof(why), plan, &m);
  return ia_fail(e, IA_E_SANDBOX, "guest's box: %s", why);
}

static void guest_limits(ia_jail *j)
{
  static const struct {
    int what;
    rlim_t value;
  } rows[] = {{RLIMIT_CORE, 0}, {RLIMIT_NOFILE, 4096}, {RLIMIT_MSGQUEUE, 0}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    j->limits[i].what = rows[i].what;
    j->limits[i].value = rows[i].value;
  }
  j->n_limits = IA_COUNT(rows);
}

static void close_fds(int fds[4])
{
  for (int i = 0; i < 4; i++)
    if (fds[i] >= 0)
      close(fds[i]);
}

static bool open_fds(int fds[4], const ia_guestbox_spec *spec, ia_err *e)
{
  fds[0] = ia_fd_high(open("/dev/null", O_RDWR | O_CLOEXEC));
  fds[1] = fcntl(fds[0], F_DUPFD_CLOEXEC, 10);
  fds[2] = fcntl(spec->stderr_fd > 0 ? spec->stderr_fd : fds[0], F_DUPFD_CLOEXEC, 10);
  fds[3] = fcntl(spec->stream_fd, F_DUPFD_CLOEXEC, 10);
  for (int i = 0; i < 4; i++)
    if (fds[i] < 0)
      return ia_fail_errno(e, "descriptors of the guest");
  return true;
}

static bool boot(ia_guestbox *b, const ia_guestbox_spec *spec, ia_err *e)
{
  static const char *const paths[] = {IA_GUESTBOX_EXE, NULL};
  static const char *const env[] = {"PATH=/usr/bin", "LANG=C.UTF-8", "TZ=UTC", NULL};
  IA_AUTO(ia_plan) *plan = calloc(1, sizeof(*plan));
  uint64_t memory = spec->memory_bytes ? spec->memory_bytes : 1024 * IA_MIB;
  const char *dirs[IA_CG_COUNT];
  ia_jail jail = {.argv = spec->argv,
                  .env = env,
                  .paths = paths,
                  .cwd = "/",
                  .guest = true,
                  .fds = {-1, -1, -1, -1}};
  ia_box_spec bs = {.plan = plan, .jail = &jail, .cgroup_sub = sub_group};

  if (!plan)
    return ia_fail(e, IA_E_MEMORY, "plan");
  if (!ia_idmap_choose(&bs.map, spec->uid_base ? spec->uid_base : IA_SANDBOX_UID_BASE,
                       spec->uid_count ? spec->uid_count : IA_SANDBOX_UID_COUNT, e) ||
      !make_group(b, spec, memory, &bs.map, e) || !swap_ok(spec, b->group, e))
    return false;
  for (unsigned c = 0; c < IA_CG_COUNT; c++)
    dirs[c] = ia_cgroup_dir(b->group, (ia_cgroup_control)c);
  if (!ia_root_guest(plan, spec, dirs, spec->data_bytes ? spec->data_bytes : memory / 2, e))
    return false;
  guest_limits(&jail);
  bs.cgroup = b->group;
  bool ok = open_fds(jail.fds, spec, e) && ia_box_start(&b->box, &bs, e);
  close_fds(jail.fds);
  return ok && wait_started(b, plan, e);
}

bool ia_guestbox_start(ia_guestbox **out, const ia_guestbox_spec *spec, ia_err *e)
{
  IA_AUTO(ia_guestbox) *b = calloc(1, sizeof(*b));

  if (!b)
    return ia_fail(e, IA_E_MEMORY, "guest box");
  b->box = (ia_box){.pidfd = -1, .control = -1};
  if (!spec_ok(spec, e) || !boot(b, spec, e))
    return false;
  *out = ia_steal(&b);
  return true;
}

int ia_guestbox_pidfd(const ia_guestbox *b)
{
  return b->box.pidfd;
}

static void take_messages(ia_guestbox *b)
{
  ia_box_message m;
  int fd;

  while (ia_box_receive(&b->box, false, &m, &fd) == 1) {
    if (fd >= 0)
      close(fd);
    if (m.what == IA_BOX_EXITED)
      b->status = WIFEXITED(m.value) ? WEXITSTATUS(m.value) : 128 + WTERMSIG(m.value);
  }
}

bool ia_guestbox_wait(ia_guestbox *b, int timeout_ms, int *status)
{
  struct pollfd p = {.fd = b->box.pidfd, .events = POLLIN};

  if (!b->over) {
    int rc;
    do
      rc = poll(&p, 1, timeout_ms);
    while (rc < 0 && errno == EINTR && timeout_ms < 0);
    if (rc <= 0)
      return false;
    b->over = true;
    b->status = 137; /* unless its first process could say more */
    take_messages(b);
  }
  *status = b->status;
  return true;
}

void ia_guestbox_kill(ia_guestbox *b)
{
  ia_box_kill(&b->box, b->group);
}

void ia_guestbox_usage_get(const ia_guestbox *b, ia_guestbox_usage *out)
{
  ia_cgroup_stat stat;
  ia_tree_use use;

  ia_cgroup_stat_get(b->group, &stat);
  *out = (ia_guestbox_usage){stat.cpu_us / 1000, stat.memory_peak};
  if (out->cpu_ms > 0 && out->memory_peak > 0)
    return;
  ia_tree_use_get(&use, b->box.pid);
  if (out->cpu_ms == 0)
    out->cpu_ms = use.cpu_ms;
  if (out->memory_peak == 0)
    out->memory_peak = use.bytes;
}

void ia_guestbox_close(ia_guestbox *b)
{
  if (!b)
    return;
  if (b->box.pidfd >= 0) {
    ia_box_kill(&b->box, b->group);
    ia_box_reap(&b->box);
  }
  ia_cgroup_close(b->group);
  free(b);
}
