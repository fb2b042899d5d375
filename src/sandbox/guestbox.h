/* The box around iapp-guest where no TEE isolates it: own user, mount, pid, ipc, uts and empty net
 * namespace, a delegated cgroup, /proc unmasked (nested sandboxes need that), a read-only root made
 * of the guest's executable and the folders given. The guest then runs the app by run.h inside. */
#ifndef IA_SANDBOX_GUESTBOX_H
#define IA_SANDBOX_GUESTBOX_H

#include "sandbox/run.h"

/* Paths inside the box. */
#define IA_GUESTBOX_EXE    "/usr/bin/iapp-guest"
#define IA_GUESTBOX_CGROUP "/run/cgroup" /* memory, pids, cpu, unified: whichever is delegated */
#define IA_GUESTBOX_DATA   "/data"       /* tmpfs of data_bytes for the guest's own files */

enum { IA_GUESTBOX_STREAM_FD = 3 };

typedef struct ia_guestbox ia_guestbox;

typedef struct ia_guestbox_spec {
  const char *name;             /* [a-z0-9-]{1,40} */
  const char *exe;              /* iapp-guest as the caller sees it; when it is linked dynamically,
                                 * /lib, /lib64 and /usr/lib of the host are bound as well */
  const char *const *argv;      /* NULL-terminated, argv[0] first; no secrets, ever */
  const ia_sandbox_bind *binds; /* e.g. the image's blobs at /image, read-only */
  size_t n_binds;
  uint64_t memory_bytes;        /* guest, app and /data together; 0 = 1 GiB */
  uint64_t data_bytes;          /* size of /data; 0 = half of memory_bytes */
  uint32_t pids;                /* 0 = 256 */
  uint32_t cpu_percent;         /* 0 = 200 */
  uint32_t uid_base, uid_count; /* as in run.h; give concurrent boxes distinct ranges */
  int stream_fd;                /* becomes descriptor 3; stays the caller's to close */
  int stderr_fd;                /* becomes descriptor 2; <= 0 = /dev/null */
  bool allow_swap;
} ia_guestbox_spec;

typedef struct ia_guestbox_usage {
  uint64_t cpu_ms, memory_peak; /* 0 = not known */
} ia_guestbox_usage;

/* Starts the guest; it is executed when this returns. SANDBOX with the step that failed. The kernel
 * kills the box when the calling *thread* ends: start it on one that outlives it. */
IA_MUST bool ia_guestbox_start(ia_guestbox **out, const ia_guestbox_spec *spec, ia_err *e);
int ia_guestbox_pidfd(const ia_guestbox *b); /* readable when all of it is dead; borrowed */
/* Waits; false = not over within timeout_ms (-1 = for ever). *status: exit status, or 128 + signal.
 */
IA_MUST bool ia_guestbox_wait(ia_guestbox *b, int timeout_ms, int *status);
void ia_guestbox_kill(ia_guestbox *b); /* SIGKILL to all of it; returns at once */
void ia_guestbox_usage_get(const ia_guestbox *b, ia_guestbox_usage *out);
void ia_guestbox_close(ia_guestbox *b); /* kills, reaps, removes the cgroup; NULL is fine */
IA_DEFINE_AUTO(ia_guestbox, ia_guestbox_close)

#endif
