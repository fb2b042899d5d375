/* Control groups of version 1, 2 and both at once. A controller that is not there or not writable
 * is not an error: the caller asks ia_cgroup_has and takes its fallback. */
#ifndef IA_SANDBOX_CGROUP_H
#define IA_SANDBOX_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

typedef enum ia_cgroup_control {
  IA_CG_MEMORY,
  IA_CG_PIDS,
  IA_CG_CPU,
  IA_CG_CPUACCT,
  IA_CG_CPUSET,  /* of version 1: limits nothing, but a JVM looks for its limits only where there is
                    one */
  IA_CG_UNIFIED, /* the v2 hierarchy, for cgroup.kill even when it holds no controllers */
  IA_CG_COUNT
} ia_cgroup_control;

typedef struct ia_cgroup_limits {
  uint64_t memory_bytes;
  uint32_t pids;
  uint32_t cpu_percent;
} ia_cgroup_limits;

typedef struct ia_cgroup_stat {
  uint64_t oom_kills, pids_max_hits;
  uint64_t cpu_us, memory_peak;
} ia_cgroup_stat;

typedef struct ia_cgroup ia_cgroup;

/* Makes a group "iapp-<pid>-<start>-<n>-<name>" with limits below our own groups, or below the
 * folders memory, pids, cpu, cpuacct, unified of `root` when that is not NULL. */
IA_MUST bool ia_cgroup_make(ia_cgroup **out, const char *root, const char *name,
                            const ia_cgroup_limits *limits, ia_err *e);
bool ia_cgroup_has(const ia_cgroup *g, ia_cgroup_control c);
bool ia_cgroup_is_v2(const ia_cgroup *g, ia_cgroup_control c); /* of one that it has */
/* Swap is off for this group by a limit (only version 2 can promise that). */
bool ia_cgroup_no_swap(const ia_cgroup *g);
/* Moves a process into the group, or into its child `sub` made by ia_cgroup_delegate. */
IA_MUST bool ia_cgroup_add(const ia_cgroup *g, const char *sub, pid_t pid, ia_err *e);
/* Makes a child `sub` for the delegate itself and gives the group to uid and gid. */
IA_MUST bool ia_cgroup_delegate(ia_cgroup *g, const char *sub, uid_t uid, gid_t gid, ia_err *e);
/* The group's folder for a controller, NULL when there is none. */
const char *ia_cgroup_dir(const ia_cgroup *g, ia_cgroup_control c);
const char *ia_cgroup_control_name(ia_cgroup_control c);
void ia_cgroup_stat_get(const ia_cgroup *g, ia_cgroup_stat *out);
void ia_cgroup_kill(const ia_cgroup *g); /* SIGKILL to everything in it and below */
void ia_cgroup_close(ia_cgroup *g);      /* kills, removes, frees; NULL is fine */
IA_DEFINE_AUTO(ia_cgroup, ia_cgroup_close)

/* The memory limit of our own group and those above it, as far as they are visible, bytes;
 * UINT64_MAX: none. */
uint64_t ia_cgroup_own_memory(void);

/* Removes groups of makers that are dead. Returns how many. */
unsigned ia_cgroup_sweep(const char *root);

#endif
