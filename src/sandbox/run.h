/* The process sandbox: runs one program in namespaces of its own and reports how it ended.
 * Works as root and as a plain uid. No network. Order of operations: docs/sandbox.md.
 * One call is one program; the caller's process should hold no threads that fork meanwhile. */
#ifndef IA_SANDBOX_RUN_H
#define IA_SANDBOX_RUN_H

#include "base/buf.h"
#include "sandbox/limits.h"

enum { IA_SANDBOX_LAYERS = 128, IA_SANDBOX_BINDS = 64, IA_SANDBOX_GROUPS = 32 };

typedef struct ia_sandbox_bind {
  const char *source; /* file or folder as the caller sees it */
  const char *target; /* absolute path inside; made in the skeleton layer, no ".." */
  bool writable;      /* default: read-only */
  bool exec;          /* default: noexec; nosuid and nodev always */
} ia_sandbox_bind;

/* Zeroed and then filled; every pointer is borrowed until the call returns. */
typedef struct ia_sandbox_spec {
  const char *name;          /* [a-z0-9-]{1,40}; part of the cgroup's name. NULL = "app" */
  const char *const *layers; /* folders, topmost first; n_layers >= 1. Whiteouts are 0/0 character
                              * devices and user.overlay.opaque (mounted with userxattr) */
  size_t n_layers;
  const char *upper, *work; /* writable overlay (image builds only): both or neither. Owned by the
                             * uid that ia_sandbox_idmap() says, or the app cannot write */
  const char *const *argv;  /* NULL-terminated; argv[0] without '/' is searched in PATH of env */
  const char *const *env;   /* NULL-terminated "NAME=value"; nothing else is in its environment */
  const char *cwd;          /* NULL = "/"; absolute, with no link of the layers in it: what is
                             * missing of it is made, owned by uid and gid below /tmp, /dev/shm
                             * and /iexec_out */
  uint32_t uid, gid;        /* of the program inside; 0 = root of the namespace */
  const uint32_t *groups;   /* supplementary, at most IA_SANDBOX_GROUPS; left out where the caller
                             * may map one id only */
  size_t n_groups;
  const ia_sandbox_bind *binds;
  size_t n_binds;
  ia_sandbox_limits limits;     /* zeroes = defaults of limits.h */
  uint32_t uid_base, uid_count; /* host range "0 base count" where the caller may map it;
                                 * 0 = IA_SANDBOX_UID_BASE, IA_SANDBOX_UID_COUNT */
  ia_span counted_filter;  /* made beforehand by ia_filter_build for an app that a memory cgroup
                            * holds; not used for others. Empty = made by the call */
  const char *cgroup_root; /* folder of delegated hierarchies (guestbox.h); NULL = find our own */
  bool allow_swap;         /* run although secrets in memory could reach a swap device */
  bool no_out;             /* no /iexec_out (image builds) */
  int cancel_fd;           /* readable or closed = stop; <= 0 none */
  void (*started)(void *arg);                       /* the app was executed; may be NULL */
  void (*output)(void *arg, int fd, ia_span bytes); /* as it comes, fd 1 or 2; may be NULL */
  void *arg;
} ia_sandbox_spec;

typedef enum ia_sandbox_end {
  IA_END_EXIT,     /* code = exit status */
  IA_END_SIGNAL,   /* code = signal */
  IA_END_TIMEOUT,  /* wall limit; all killed */
  IA_END_OOM,      /* memory limit */
  IA_END_PIDS,     /* met the process limit and failed */
  IA_END_OUTPUT,   /* /iexec_out was full and the app failed */
  IA_END_CANCEL,   /* cancel_fd */
  IA_END_LAUNCH,   /* 125: the sandbox could not be made; text in launch_error */
  IA_END_NOEXEC,   /* 126: not executable, wrong architecture, missing interpreter */
  IA_END_NOTFOUND, /* 127 */
} ia_sandbox_end;

/* The first `cap` and the last `cap` bytes of an output; the middle is counted. */
typedef struct ia_sandbox_log {
  ia_buf head, tail; /* tail is in order once the run is over */
  uint64_t total;
} ia_sandbox_log;

typedef struct ia_sandbox_result {
  ia_sandbox_end end;
  int code;      /* exit status, signal, or 125..127 */
  int exit_code; /* as a shell would say: status, 128 + signal, 137 for oom, 124 for timeout */
  char launch_error[160];
  ia_sandbox_log out, err;
  int out_fd; /* /iexec_out after the tree is dead (see harvest.h); -1 when there is none.
               * Closed by ia_sandbox_result_free */
  uint64_t wall_ms, cpu_ms, memory_peak;                /* memory_peak 0 = not known */
  uint64_t wakes;                                       /* of the supervisor while it ran */
  int landlock_abi;                                     /* 0 = none */
  bool memory_by_cgroup, pids_by_cgroup, cpu_by_cgroup; /* else by the fallbacks */
} ia_sandbox_result;

/* False only when the supervisor itself failed (SANDBOX, MEMORY, INVALID); how the app ended is in
 * the result, which is to be freed in either case. When it returns, every process of the sandbox is
 * dead and its cgroup is gone. */
IA_MUST bool ia_sandbox_run(ia_sandbox_result *out, const ia_sandbox_spec *spec, ia_err *e);
void ia_sandbox_result_free(ia_sandbox_result *r);
IA_DEFINE_AUTO_VALUE(ia_sandbox_result, ia_sandbox_result_free)

const char *ia_sandbox_end_name(ia_sandbox_end end); /* "exit", "oom", ... */
/* One sentence for people, e.g. "killed: memory 512 of 512 MiB". */
void ia_sandbox_describe(ia_buf *out, const ia_sandbox_result *r, const ia_sandbox_limits *limits);

/* The host uid that uid 0 inside becomes for this spec. */
IA_MUST bool ia_sandbox_idmap(uint32_t *host_uid, const ia_sandbox_spec *spec, ia_err *e);

/* Removes cgroups of runs whose supervisor is dead (kill -9), with what still runs in them. Called
 * at the start of a worker. Returns how many were removed. */
unsigned ia_sandbox_sweep(const char *cgroup_root);

#endif
