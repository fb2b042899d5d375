/* Making, limiting, reading and removing control groups. */
#include "sandbox/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "sandbox/cgroup_find.h"

struct ia_cgroup {
  char *dir[IA_CG_COUNT]; /* NULL where we have none; owned */
  bool v2[IA_CG_COUNT];   /* the controller is one of the unified hierarchy */
  bool no_swap;
};

enum { CPU_PERIOD_US = 100000 };

static const ia_cgroup_control controllers[] = {IA_CG_MEMORY, IA_CG_PIDS, IA_CG_CPU};

/* Start time of a process in clock ticks (proc(5) stat field 22); 0 when it is not there. */
static uint64_t start_of(pid_t pid)
{
  ia_path p;
  unsigned long long start = 0;

  if (!ia_path_join(&p, NULL, "/proc/%d", (int)pid))
    return 0;
  ia_autofree char *text = ia_cgroup_read(p.s, "stat");
  const char *after = text ? strrchr(text, ')') : NULL; /* the name may hold anything */
  if (!after || sscanf(after + 1,
                       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d"
                       " %*d %llu",
                       &start) != 1)
    return 0;
  return start;
}

static void write_u64(const char *dir, const char *file, uint64_t v, bool *ok)
{
  char text[32];

  (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
  if (!ia_cgroup_write(dir, file, text))
    *ok = false;
}

static bool limit_v1(ia_cgroup *g, ia_cgroup_control c, const ia_cgroup_limits *l)
{
  bool ok = true, swap_ok = true;

  if (c == IA_CG_MEMORY) {
    write_u64(g->dir[c], "memory.limit_in_bytes", l->memory_bytes, &ok);
    /* absent where swap accounting is off */
    write_u64(g->dir[c], "memory.memsw.limit_in_bytes", l->memory_bytes, &swap_ok);
    write_u64(g->dir[c], "memory.swappiness", 0, &swap_ok);
  } else if (c == IA_CG_PIDS) {
    write_u64(g->dir[c], "pids.max", l->pids, &ok);
  } else {
    write_u64(g->dir[c], "cpu.cfs_period_us", CPU_PERIOD_US, &ok);
    write_u64(g->dir[c], "cpu.cfs_quota_us", (uint64_t)CPU_PERIOD_US * l->cpu_percent / 100, &ok);
  }
  return ok;
}

static bool limit_v2(ia_cgroup *g, ia_cgroup_control c, const ia_cgroup_limits *l)
{
  bool ok = true, group_ok = true;
  char text[48];

  if (c == IA_CG_MEMORY) {
    write_u64(g->dir[c], "memory.max", l->memory_bytes, &ok);
    g->no_swap = ia_cgroup_write(g->dir[c], "memory.swap.max", "0");
    write_u64(g->dir[c], "memory.oom.group", 1, &group_ok);
  } else if (c == IA_CG_PIDS) {
    write_u64(g->dir[c], "pids.max", l->pids, &ok);
  } else {
    (void)snprintf(text, sizeof(text), "%llu %d",
                   (unsigned long long)CPU_PERIOD_US * l->cpu_percent / 100, CPU_PERIOD_US);
    ok = ia_cgroup_write(g->dir[c], "cpu.max", text);
  }
  return ok;
}

/* The next number of cgroup.procs. */
static long next_pid(const char **text)
{
  char *end;
  long pid = strtol(*text, &end, 10);

  *text = *end ? end + 1 : end;
  return pid;
}

/* Version 2 gives controllers to children only of a group without processes of its own: where ours
 * has some (and is delegated to us) they move into a leaf. */
static bool enable_v2(const char *base)
{
  static const char want[] = "+memory +pids +cpu";
  ia_path leaf;

  if (ia_cgroup_write(base, "cgroup.subtree_control", want))
    return true;
  if (errno != EBUSY || !ia_path_join(&leaf, NULL, "%s/supervisor", base) ||
      (mkdir(leaf.s, 0755) != 0 && errno != EEXIST))
    return false;
  ia_autofree char *pids = ia_cgroup_read(base, "cgroup.procs");
  for (const char *p = pids; p && *p;) {
    char one[24];

    (void)snprintf(one, sizeof(one), "%ld", next_pid(&p));
    (void)ia_cgroup_write(leaf.s, "cgroup.procs", one);
  }
  return ia_cgroup_write(base, "cgroup.subtree_control", want);
}

static void drop_dir(ia_cgroup *g, ia_cgroup_control c)
{
  if (g->dir[c] && !g->v2[c])
    (void)rmdir(g->dir[c]);
  free(g->dir[c]);
  g->dir[c] = NULL;
}

static void make_v1(ia_cgroup *g, const ia_cgroup_bases *bases, ia_cgroup_control c,
                    const char *name)
{
  ia_path p;

  if (!bases->dir[c] || !ia_path_join(&p, NULL, "%s/%s", bases->dir[c], name))
    return;
  /* cpu and cpuacct may be one hierarchy: the second mkdir then finds it made */
  if (mkdir(p.s, 0755) == 0 || (errno == EEXIST && c == IA_CG_CPUACCT))
    g->dir[c] = strdup(p.s);
}

/* A group of processors takes no process before it has some: all of those above it. */
static bool copy_cpuset(const char *dir, const char *above)
{
  static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};

  for (size_t i = 0; i < IA_COUNT(files); i++) {
    ia_autofree char *text = ia_cgroup_read(above, files[i]);

    if (!text || !ia_cgroup_write(dir, files[i], text))
      return false;
  }
  return true;
}

static void make_cpuset(ia_cgroup *g, const ia_cgroup_bases *bases, const char *name)
{
  make_v1(g, bases, IA_CG_CPUSET, name);
  if (g->dir[IA_CG_CPUSET] && !copy_cpuset(g->dir[IA_CG_CPUSET], bases->dir[IA_CG_CPUSET]))
    drop_dir(g, IA_CG_CPUSET);
}

static void make_unified(ia_cgroup *g, const ia_cgroup_bases *bases, const char *name,
                         const ia_cgroup_limits *l)
{
  ia_path p;
  const char *base = bases->dir[IA_CG_UNIFIED];

  if (!base || !ia_path_join(&p, NULL, "%s/%s", base, name))
    return;
  ia_autofree char *has = ia_cgroup_read(base, "cgroup.controllers");
  bool some = has && (strstr(has, "memory") || strstr(has, "pids") || strstr(has, "cpu"));
  if (some)
    (void)enable_v2(base);
  if (mkdir(p.s, 0755) != 0)
    return;
  g->dir[IA_CG_UNIFIED] = strdup(p.s);
  for (size_t i = 0; some && i < IA_COUNT(controllers); i++) {
    ia_cgroup_control c = controllers[i];

    g->dir[c] = strdup(p.s);
    g->v2[c] = true;
    if (!g->dir[c] || !limit_v2(g, c, l))
      drop_dir(g, c);
  }
}

bool ia_cgroup_make(ia_cgroup **out, const char *root, const char *name,
                    const ia_cgroup_limits *limits, ia_err *e)
{
  IA_AUTO(ia_cgroup) *g = calloc(1, sizeof(*g));
  IA_AUTOV(ia_cgroup_bases) bases = {0};
  uint32_t nonce;
  char full[128];

  if (!g)
    return ia_fail(e, IA_E_MEMORY, "cgroup");
  if (!ia_random(&nonce, sizeof(nonce), e))
    return false;
  int n = snprintf(full, sizeof(full), "iapp-%d-%llu-%08x-%s", (int)getpid(),
                   (unsigned long long)start_of(getpid()), nonce, name);
  if (n < 0 || (size_t)n >= sizeof(full))
    return ia_fail(e, IA_E_INVALID, "cgroup name");
  ia_cgroup_find(&bases, root);
  make_unified(g, &bases, full, limits);
  for (size_t i = 0; i < IA_COUNT(controllers); i++) {
    ia_cgroup_control c = controllers[i];

    if (g->dir[c])
      continue;
    g->v2[c] = false;
    make_v1(g, &bases, c, full);
    if (g->dir[c] && !limit_v1(g, c, limits))
      drop_dir(g, c);
  }
  if (!g->v2[IA_CG_CPU])
    make_v1(g, &bases, IA_CG_CPUACCT, full);
  make_cpuset(g, &bases, full);
  *out = ia_steal(&g);
  return true;
}

bool ia_cgroup_has(const ia_cgroup *g, ia_cgroup_control c)
{
  return g && g->dir[c];
}

bool ia_cgroup_is_v2(const ia_cgroup *g, ia_cgroup_control c)
{
  return g->v2[c];
}

bool ia_cgroup_no_swap(const ia_cgroup *g)
{
  return g && g->no_swap;
}

const char *ia_cgroup_dir(const ia_cgroup *g, ia_cgroup_control c)
{
  return g->dir[c];
}

bool ia_cgroup_add(const ia_cgroup *g, const char *sub, pid_t pid, ia_err *e)
{
  char text[24];
  ia_path p;

  (void)snprintf(text, sizeof(text), "%d", (int)pid);
  for (unsigned c = 0; c < IA_CG_COUNT; c++) {
    if (!g->dir[c])
      continue;
    if (!ia_path_join(&p, e, "%s%s%s", g->dir[c], sub ? "/" : "", sub ? sub : ""))
      return false;
    /* one that limits nothing is not worth a run: who is shown it compares (view.c) */
    if (!ia_cgroup_write(p.s, "cgroup.procs", text) && c != IA_CG_CPUSET)
      return ia_fail(e, IA_E_SANDBOX, "cannot move a process into its %s group: %s",
                     ia_cgroup_control_name((ia_cgroup_control)c), strerror(errno));
  }
  return true;
}

/* The files through which a delegate moves its processes and makes groups below. */
static void give(const char *dir, uid_t uid, gid_t gid)
{
  static const char *const files[] = {"", "/cgroup.procs", "/cgroup.threads", "/tasks",
                                      "/cgroup.subtree_control"};
  ia_path p;

  for (size_t i = 0; i < IA_COUNT(files); i++)
    if (ia_path_join(&p, NULL, "%s%s", dir, files[i]) && chown(p.s, uid, gid) != 0)
      continue; /* absent in one version or the other; a refusal shows when it is used */
}

bool ia_cgroup_delegate(ia_cgroup *g, const char *sub, uid_t uid, gid_t gid, ia_err *e)
{
  ia_path p;

  for (unsigned c = 0; c < IA_CG_COUNT; c++) {
    if (!g->dir[c])
      continue;
    if (!ia_path_join(&p, e, "%s/%s", g->dir[c], sub))
      return false;
    if (mkdir(p.s, 0755) != 0 && errno != EEXIST)
      return ia_fail_errno(e, "%s", p.s);
    if (c == IA_CG_CPUSET && !copy_cpuset(p.s, g->dir[c]))
      drop_dir(g, IA_CG_CPUSET); /* its child goes with the sweep */
    if (!g->dir[c])
      continue;
    give(p.s, uid, gid);
    give(g->dir[c], uid, gid);
  }
  return true;
}

static uint64_t number_after(const char *text, const char *key)
{
  const char *p = text ? strstr(text, key) : NULL;

  return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

static uint64_t read_number(const char *dir, const char *file, const char *key)
{
  ia_autofree char *text = ia_cgroup_read(dir, file);

  return number_after(text, key);
}

void ia_cgroup_stat_get(const ia_cgroup *g, ia_cgroup_stat *out)
{
  const char *m = g->dir[IA_CG_MEMORY], *p = g->dir[IA_CG_PIDS];

  *out = (ia_cgroup_stat){0};
  if (m && g->v2[IA_CG_MEMORY]) {
    out->oom_kills = read_number(m, "memory.events", "oom_kill ");
    out->memory_peak = read_number(m, "memory.peak", "");
  } else if (m) {
    out->oom_kills = read_number(m, "memory.oom_control", "oom_kill ");
    out->memory_peak = read_number(m, "memory.max_usage_in_bytes", "");
  }
  if (p)
    out->pids_max_hits = read_number(p, "pids.events", "max ");
  if (g->v2[IA_CG_CPU] && g->dir[IA_CG_CPU])
    out->cpu_us = read_number(g->dir[IA_CG_CPU], "cpu.stat", "usage_usec ");
  else if (g->dir[IA_CG_CPUACCT])
    out->cpu_us = read_number(g->dir[IA_CG_CPUACCT], "cpuacct.usage", "") / 1000;
}

/* Kills one by one what a group without cgroup.kill holds, a few rounds against forks. */
static void kill_procs(const char *dir)
{
  for (unsigned round = 0; round < 8; round++) {
    ia_autofree char *pids = ia_cgroup_read(dir, "cgroup.procs");

    if (!pids || !*pids)
      return;
    for (const char *p = pids; *p;) {
      long pid = next_pid(&p);

      if (pid > 1 && pid != getpid())
        (void)kill((pid_t)pid, SIGKILL);
    }
  }
}

static void for_children(const char *dir, void (*fn)(const char *dir))
{
  DIR *d = opendir(dir);

  if (!d)
    return;
  for (struct dirent *x; (x = readdir(d));) {
    ia_path p;

    if (x->d_type == DT_DIR && x->d_name[0] != '.' &&
        ia_path_join(&p, NULL, "%s/%s", dir, x->d_name))
      fn(p.s);
  }
  closedir(d);
}

static void kill_tree(const char *dir)
{
  if (ia_cgroup_write(dir, "cgroup.kill", "1"))
    return;
  kill_procs(dir);
  for_children(dir, kill_tree);
}

/* The kernel lets go of a group a moment after its last process. */
static void remove_tree(const char *dir)
{
  for_children(dir, remove_tree);
  for (unsigned i = 0; i < 200 && rmdir(dir) != 0 && errno == EBUSY; i++) {
    static const struct timespec pause = {0, 5 * 1000 * 1000};

    kill_procs(dir);
    (void)nanosleep(&pause, NULL);
  }
}

void ia_cgroup_kill(const ia_cgroup *g)
{
  for (unsigned c = IA_CG_COUNT; c-- > 0;)
    if (g->dir[c])
      kill_tree(g->dir[c]);
}

void ia_cgroup_close(ia_cgroup *g)
{
  if (!g)
    return;
  ia_cgroup_kill(g);
  for (unsigned c = 0; c < IA_CG_COUNT; c++) {
    if (g->dir[c] && !g->v2[c])
      remove_tree(g->dir[c]);
    free(g->dir[c]);
  }
  free(g);
}

/* "iapp-<pid>-<start>-...": is its maker gone? A reused pid has another start time. */
static bool is_stale(const char *name)
{
  int pid;
  unsigned long long start;

  if (sscanf(name, "iapp-%d-%llu-", &pid, &start) != 2 || pid <= 1)
    return false;
  return start_of((pid_t)pid) != start;
}

static unsigned sweep_dir(const char *base)
{
  DIR *d = opendir(base);
  unsigned n = 0;

  if (!d)
    return 0;
  for (struct dirent *x; (x = readdir(d));) {
    ia_path p;

    if (x->d_type != DT_DIR || !is_stale(x->d_name) ||
        !ia_path_join(&p, NULL, "%s/%s", base, x->d_name))
      continue;
    kill_tree(p.s);
    remove_tree(p.s);
    n += access(p.s, F_OK) != 0;
  }
  closedir(d);
  return n;
}

unsigned ia_cgroup_sweep(const char *root)
{
  IA_AUTOV(ia_cgroup_bases) bases = {0};
  unsigned n = 0;

  ia_cgroup_find(&bases, root);
  for (unsigned c = 0; c < IA_CG_COUNT; c++)
    if (bases.dir[c])
      n += sweep_dir(bases.dir[c]);
  return n;
}
