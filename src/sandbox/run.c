/* One program in a sandbox: checks, plan, start, end. The loop over its life is supervise.c. */
#include "sandbox/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/file.h"
#include "sandbox/filter.h"
#include "sandbox/landlock.h"
#include "sandbox/logcap.h"
#include "sandbox/root.h"
#include "sandbox/supervise.h"
#include "sandbox/view.h"
#include "sandbox/watch.h"

static bool name_ok(const char *name)
{
  size_t n = strlen(name);

  return n > 0 && n <= 40 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static bool check(const ia_sandbox_spec *spec, ia_err *e)
{
  if (spec->name && !name_ok(spec->name))
    return ia_fail(e, IA_E_INVALID, "sandbox name: a-z 0-9 - only");
  if (!spec->argv || !spec->argv[0] || !spec->argv[0][0])
    return ia_fail(e, IA_E_INVALID, "no program to run");
  if (spec->n_binds > IA_SANDBOX_BINDS)
    return ia_fail(e, IA_E_INVALID, "more than %d binds", IA_SANDBOX_BINDS);
  if (spec->n_groups > IA_SANDBOX_GROUPS)
    return ia_fail(e, IA_E_INVALID, "more than %d groups", IA_SANDBOX_GROUPS);
  if (spec->cwd && spec->cwd[0] != '/')
    return ia_fail(e, IA_E_INVALID, "%s: not an absolute path inside", spec->cwd);
  return true;
}

typedef struct paths {
  char *list[66]; /* owned; NULL-terminated */
  size_t n;
} paths;

static void paths_free(paths *p)
{
  for (size_t i = 0; i < p->n; i++)
    free(p->list[i]);
}
IA_DEFINE_AUTO_VALUE(paths, paths_free)

/* What execve is tried with: argv[0] itself when it holds a slash, else each folder of PATH. */
static bool find_paths(paths *out, const ia_sandbox_spec *spec, ia_err *e)
{
  const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  if (strchr(spec->argv[0], '/')) {
    out->list[out->n++] = strdup(spec->argv[0]);
    return out->list[0] || ia_fail(e, IA_E_MEMORY, "path");
  }
  for (size_t i = 0; spec->env && spec->env[i]; i++)
    if (strncmp(spec->env[i], "PATH=", 5) == 0)
      path = spec->env[i] + 5;
  while (*path && out->n + 1 < IA_COUNT(out->list)) {
    size_t len = strcspn(path, ":");
    ia_path p;

    if (!ia_path_join(&p, e, "%.*s/%s", (int)len, path, spec->argv[0]))
      return false;
    out->list[out->n] = strdup(p.s);
    if (!out->list[out->n++])
      return ia_fail(e, IA_E_MEMORY, "path");
    path += len + (path[len] == ':');
  }
  return true;
}

static void set_limit(ia_jail *j, int what, uint64_t value)
{
  j->limits[j->n_limits].what = what;
  j->limits[j->n_limits++].value = (rlim_t)value;
}

static void jail_limits(ia_jail *j, const ia_sandbox_limits *l, const ia_cgroup *g)
{
  set_limit(j, RLIMIT_CORE, 0);
  set_limit(j, RLIMIT_MEMLOCK, 0);
  set_limit(j, RLIMIT_MSGQUEUE, 0);
  set_limit(j, RLIMIT_NOFILE, l->open_files);
  set_limit(j, RLIMIT_FSIZE, l->file_bytes);
  /* fallbacks; the process count is kept per user namespace, so it is this box's own */
  if (!ia_cgroup_has(g, IA_CG_PIDS))
    set_limit(j, RLIMIT_NPROC, l->pids);
  if (!ia_cgroup_has(g, IA_CG_CPU))
    set_limit(j, RLIMIT_CPU, l->wall_ms * l->cpu_percent / 100000 + 1);
}

/* Three descriptors of the program, at 10 and above; [0] is /dev/null. read_ends: ours. */
static bool make_pipes(int fds[4], int read_ends[2], ia_err *e)
{
  fds[0] = ia_fd_high(open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (int i = 0; i < 2; i++) {
    int p[2];

    if (fds[0] < 0 || pipe2(p, O_CLOEXEC) != 0)
      return ia_fail_errno(e, "pipe");
    read_ends[i] = ia_fd_high(p[0]);
    fds[i + 1] = ia_fd_high(p[1]);
    if (read_ends[i] < 0 || fds[i + 1] < 0 || fcntl(read_ends[i], F_SETFL, O_NONBLOCK) != 0)
      return ia_fail_errno(e, "pipe");
  }
  return true;
}

static void close_all(int *fds, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    if (fds[i] >= 0)
      close(fds[i]);
    fds[i] = -1;
  }
}

static bool swap_ok(const ia_sandbox_spec *spec, const ia_cgroup *g, ia_err *e)
{
  if (spec->allow_swap || ia_cgroup_no_swap(g) || !ia_swap_active())
    return true;
  (void)ia_fail(e, IA_E_SANDBOX, "private data could be written to swap");
  return ia_hint(e, "swapoff -a, version 2 memory cgroups, or --allow-swap");
}

static bool launch(ia_sandbox_result *out, const ia_sandbox_spec *spec, const ia_sandbox_limits *l,
                   const ia_cgroup *g, ia_err *e)
{
  IA_AUTO(ia_plan) *plan = calloc(1, sizeof(*plan));
  IA_AUTOV(ia_buf) filter = {0};
  IA_AUTOV(paths) found = {0};
  IA_AUTOV(ia_view_env) no_view = {0};
  static const char *const no_env[] = {NULL};
  int ends[2] = {-1, -1};
  ia_jail jail = {.argv = spec->argv,
                  .env = spec->env ? spec->env : no_env,
                  .cwd = spec->cwd ? spec->cwd : "/",
                  .writable = spec->upper != NULL,
                  .uid = spec->uid,
                  .gid = spec->gid,
                  .groups = spec->groups,
                  .n_groups = spec->n_groups,
                  .landlock_abi = out->landlock_abi,
                  .fds = {-1, -1, -1, -1}};
  ia_box_spec bs = {.plan = plan,
                    .jail = &jail,
                    .cgroup = g,
                    .shared_bytes = out->memory_by_cgroup ? 0 : l->memory_bytes};

  if (!plan)
    return ia_fail(e, IA_E_MEMORY, "plan");
  bool made = out->memory_by_cgroup && spec->counted_filter.len > 0;
  if (!ia_root_app(plan, spec, l, g, e) ||
      (!made && !ia_filter_build(&filter, out->memory_by_cgroup, e)) ||
      !find_paths(&found, spec, e) || !ia_view_env_make(&no_view, jail.env, l, e) ||
      !ia_idmap_choose(&bs.map, spec->uid_base ? spec->uid_base : IA_SANDBOX_UID_BASE,
                       spec->uid_count ? spec->uid_count : IA_SANDBOX_UID_COUNT, e))
    return false;
  ia_idmap_user(&bs.map, spec->uid, spec->gid, spec->groups, spec->n_groups);
  jail.set_groups = bs.map.count > 1;
  jail.filter = made ? spec->counted_filter : ia_buf_view(&filter);
  jail.env_no_view = no_view.v;
  jail.paths = (const char *const *)found.list;
  jail_limits(&jail, l, g);
  ia_box box = {.pidfd = -1, .control = -1};
  bool ok = make_pipes(jail.fds, ends, e) && ia_box_start(&box, &bs, e);
  close_all(jail.fds, IA_COUNT(jail.fds));
  if (ok) {
    ia_supervise sv = {.out = out,
                       .spec = spec,
                       .limits = l,
                       .group = g,
                       .plan = plan,
                       .box = &box,
                       .ends = {ends[0], ends[1]}};

    ia_supervise_run(&sv);
    ia_box_kill(&box, g);
    ia_box_reap(&box);
  }
  close_all(ends, 2);
  return ok;
}

bool ia_sandbox_run(ia_sandbox_result *out, const ia_sandbox_spec *spec, ia_err *e)
{
  IA_AUTO(ia_cgroup) *g = NULL;
  ia_sandbox_limits l = spec->limits;

  *out = (ia_sandbox_result){.out_fd = -1, .end = IA_END_LAUNCH, .code = 125, .exit_code = 125};
  ia_sandbox_limits_fill(&l);
  ia_cgroup_limits cl = {l.memory_bytes, l.pids, l.cpu_percent};
  if (!check(spec, e) ||
      !ia_cgroup_make(&g, spec->cgroup_root, spec->name ? spec->name : "app", &cl, e) ||
      !swap_ok(spec, g, e))
    return false;
  out->memory_by_cgroup = ia_cgroup_has(g, IA_CG_MEMORY);
  out->pids_by_cgroup = ia_cgroup_has(g, IA_CG_PIDS);
  out->cpu_by_cgroup = ia_cgroup_has(g, IA_CG_CPU);
  out->landlock_abi = ia_landlock_abi();
  return launch(out, spec, &l, g, e);
}

void ia_sandbox_result_free(ia_sandbox_result *r)
{
  ia_logcap_free(&r->out);
  ia_logcap_free(&r->err);
  if (r->out_fd > 0)
    close(r->out_fd);
  r->out_fd = -1;
}

bool ia_sandbox_idmap(uint32_t *host_uid, const ia_sandbox_spec *spec, ia_err *e)
{
  ia_idmap m;

  if (!ia_idmap_choose(&m, spec->uid_base ? spec->uid_base : IA_SANDBOX_UID_BASE,
                       spec->uid_count ? spec->uid_count : IA_SANDBOX_UID_COUNT, e))
    return false;
  *host_uid = m.uid;
  return true;
}

unsigned ia_sandbox_sweep(const char *cgroup_root)
{
  return ia_cgroup_sweep(cgroup_root);
}
