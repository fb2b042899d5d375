/* Control groups as an app sees them. */
#include "sandbox/view.h"

#include <dirent.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/file.h"
#include "sandbox/cgroup_find.h"

#define AT "sys/fs/cgroup"

static const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/* What says no more than the app's own limits and its use of them. Everything else of a group is
 * covered: devices and their numbers (io.stat), pressure of the machine, nodes of memory. */
static const char *const shown[] = {
    /* of both versions */
    "cgroup.procs", "memory.stat", "cpu.stat", "pids.max", "pids.current", "pids.events",
    /* of version 2 */
    "cgroup.controllers", "cgroup.events", "cgroup.type", "memory.max", "memory.high", "memory.low",
    "memory.min", "memory.current", "memory.peak", "memory.events", "memory.oom.group",
    "memory.swap.max", "memory.swap.current", "cpu.max", "cpu.weight", "pids.peak",
    /* of version 1 */
    "tasks", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.max_usage_in_bytes",
    "memory.soft_limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes",
    "memory.use_hierarchy", "memory.failcnt", "memory.swappiness", "cpu.cfs_quota_us",
    "cpu.cfs_period_us", "cpu.shares", "cpuacct.usage", "cpuset.cpus", "cpuset.mems"};

/* A JVM reads all of these but pids, or none. */
static const ia_cgroup_control version_1[] = {IA_CG_MEMORY, IA_CG_CPU, IA_CG_CPUACCT, IA_CG_CPUSET,
                                              IA_CG_PIDS};

static bool is_shown(const char *file)
{
  for (size_t i = 0; i < IA_COUNT(shown); i++)
    if (strcmp(shown[i], file) == 0)
      return true;
  return false;
}

bool ia_view_possible(const ia_cgroup *g)
{
  if (!ia_cgroup_has(g, IA_CG_MEMORY))
    return false;
  return ia_cgroup_is_v2(g, IA_CG_MEMORY) ||
         (ia_cgroup_has(g, IA_CG_CPU) && ia_cgroup_has(g, IA_CG_CPUACCT) &&
          ia_cgroup_has(g, IA_CG_CPUSET));
}

/* Whether this controller has a mount of its own in the view; name: of its hierarchy, by which the
 * kernel finds it ("memory", "cpu,cpuacct"). Of a joint one the first member counts. */
static bool own_mount(char name[IA_CGROUP_NAME], const ia_cgroup *g, size_t at)
{
  char other[IA_CGROUP_NAME];
  ia_cgroup_control c = version_1[at];

  if (!ia_cgroup_has(g, c) || ia_cgroup_is_v2(g, c) || !ia_cgroup_hierarchy(name, c))
    return false;
  for (size_t i = 0; i < at; i++)
    if (ia_cgroup_has(g, version_1[i]) && ia_cgroup_hierarchy(other, version_1[i]) &&
        strcmp(name, other) == 0)
      return false;
  return true;
}

/* "cpu" and "cpuacct" beside "cpu,cpuacct", as machines have them. */
static void joint_links(ia_plan *p, const char *base, const char *name)
{
  for (const char *at = name; strchr(name, ',') && at; at = strchr(at, ',')) {
    at += *at == ',';
    ia_step *s =
        ia_plan_step(p, IA_STEP_SYMLINK, "%s/" AT "/%.*s", base, (int)strcspn(at, ","), at);

    s->data = strdup(name);
    p->bad |= !s->data;
  }
}

bool ia_view_nodes(ia_plan *p, const char *base, const ia_cgroup *g, ia_err *e)
{
  char name[IA_CGROUP_NAME];
  ia_path at;

  if (!ia_view_possible(g))
    return true;
  if (ia_cgroup_is_v2(g, IA_CG_MEMORY))
    return ia_plan_node(p, base, "/" AT, false, e);
  for (size_t i = 0; i < IA_COUNT(version_1); i++) {
    if (!own_mount(name, g, i))
      continue;
    if (!ia_path_join(&at, e, "/" AT "/%s", name) || !ia_plan_node(p, base, at.s, false, e))
      return false;
    joint_links(p, base, name);
  }
  return true;
}

static void cover(ia_plan *p, const char *group, const char *target, int null)
{
  DIR *d = opendir(group);

  for (struct dirent *x; d && (x = readdir(d));) {
    if (x->d_type != DT_REG || is_shown(x->d_name))
      continue;
    ia_step *s = ia_plan_step(p, IA_STEP_BIND, "%s/%s", target, x->d_name);

    s->source = null;
    s->flags = MOUNT_ATTR_RDONLY;
    s->optional = s->view = true;
  }
  if (d)
    closedir(d);
  else
    p->bad = true; /* what is in it could not be covered */
}

/* What is mounted is the app's own group, or it is not shown: the namespace makes it so only for
 * groups that the app's first process could be moved into. */
static bool mount_group(ia_plan *p, const char *type, const char *options, const char *group,
                        const char *target, int null, ia_err *e)
{
  struct stat st;

  if (stat(group, &st) != 0)
    return ia_fail_errno(e, "%s", group);
  ia_plan_mount(p, type, target, flags, "%s", options);
  p->steps[p->n_steps - 1].view = true;
  ia_step *s = ia_plan_step(p, IA_STEP_INODE, "%s", target);
  s->flags = st.st_ino;
  s->view = true;
  cover(p, group, target, null);
  s = ia_plan_step(p, IA_STEP_ATTR, "%s", target);
  s->flags = MOUNT_ATTR_RDONLY;
  s->view = true;
  return true;
}

bool ia_view_mounts(ia_plan *p, const ia_cgroup *g, ia_err *e)
{
  char name[IA_CGROUP_NAME];
  ia_path at;

  if (!ia_view_possible(g))
    return true;
  int null = ia_plan_source(p, "/dev/null", IA_SOURCE_PATH);
  if (ia_cgroup_is_v2(g, IA_CG_MEMORY))
    return mount_group(p, "cgroup2", "", ia_cgroup_dir(g, IA_CG_MEMORY), AT, null, e);
  for (size_t i = 0; i < IA_COUNT(version_1); i++)
    if (own_mount(name, g, i) &&
        (!ia_path_join(&at, e, AT "/%s", name) ||
         !mount_group(p, "cgroup", name, ia_cgroup_dir(g, version_1[i]), at.s, null, e)))
      return false;
  return true;
}

/* -- variables -- */
static bool sets(const char *const *env, const char *name)
{
  size_t n = strlen(name);

  for (size_t i = 0; env && env[i]; i++)
    if (strncmp(env[i], name, n) == 0 && env[i][n] == '=')
      return true;
  return false;
}

/* The processors that the quota is worth, and no more than there are. */
static unsigned processors(const ia_sandbox_limits *l)
{
  long there = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned n = (l->cpu_percent + 99) / 100;

  n = n ? n : 1;
  return there > 0 && (unsigned)there < n ? (unsigned)there : n;
}

void ia_view_env_free(ia_view_env *v)
{
  for (size_t i = 0; i < IA_VIEW_NAMES; i++)
    free(v->own[i]);
  free(v->v);
  *v = (ia_view_env){0};
}

/* What each runtime makes of the same limit in a group: a JVM takes a quarter of it for its heap,
 * V8 half; Go keeps below the number, so that there is room for what it does not count. */
bool ia_view_env_make(ia_view_env *out, const char *const *env, const ia_sandbox_limits *l,
                      ia_err *e)
{
  const unsigned long long bytes = l->memory_bytes;
  unsigned n_cpu = processors(l);
  size_t n = 0;
  int made[IA_VIEW_NAMES] = {0};

  while (env && env[n])
    n++;
  out->v = calloc(n + IA_VIEW_NAMES + 1, sizeof(*out->v));
  if (!out->v)
    return ia_fail(e, IA_E_MEMORY, "environment");
  if (n > 0)
    memcpy(out->v, env, n * sizeof(*out->v));
  if (!sets(env, "JAVA_TOOL_OPTIONS"))
    made[0] =
        asprintf(&out->own[0], "JAVA_TOOL_OPTIONS=-XX:MaxRAM=%llu -XX:ActiveProcessorCount=%u",
                 bytes, n_cpu);
  if (!sets(env, "GOMEMLIMIT"))
    made[1] = asprintf(&out->own[1], "GOMEMLIMIT=%llu", bytes / 10 * 9);
  if (!sets(env, "GOMAXPROCS"))
    made[2] = asprintf(&out->own[2], "GOMAXPROCS=%u", n_cpu);
  if (!sets(env, "NODE_OPTIONS"))
    made[3] = asprintf(&out->own[3], "NODE_OPTIONS=--max-old-space-size=%llu", (bytes / 2) >> 20);
  for (size_t i = 0; i < IA_VIEW_NAMES; i++) {
    if (made[i] < 0) {
      out->own[i] = NULL;
      return ia_fail(e, IA_E_MEMORY, "environment");
    }
    if (out->own[i])
      out->v[n++] = out->own[i];
  }
  return true;
}
