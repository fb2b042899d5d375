/* Starting the first process of a box, and what it and the program under it do. Shared by the
 * sandbox of an app and the box of a guest; private to this layer. */
#ifndef IA_SANDBOX_BOX_H
#define IA_SANDBOX_BOX_H

#include <stdint.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "sandbox/cgroup.h"
#include "sandbox/plan.h"

/* Ids of the namespace from 0 on, and what they are in ours: "0 base count". With a count of 1 the
 * one id inside is the program's (in_uid, in_gid). Ids beyond the range that the program needs take
 * its last places. */
enum { IA_IDMAP_BEYOND = 33 };
typedef struct ia_idmap {
  uint32_t uid, gid, count; /* in the ids of our own namespace */
  uint32_t in_uid, in_gid;  /* of the first process, with a count of 1 */
  uint32_t far_uids[1], far_gids[IA_IDMAP_BEYOND];
  uint32_t n_far_uids, n_far_gids;
} ia_idmap;

/* base and count as wished; a process without the capability gets its own id alone. */
IA_MUST bool ia_idmap_choose(ia_idmap *out, uint32_t base, uint32_t count, ia_err *e);
/* The same map with room for a program that runs under these ids. */
void ia_idmap_user(ia_idmap *m, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t n);

/* What is done to the program itself between fork and exec. */
typedef struct ia_jail {
  const char *const *argv;
  const char *const *env;
  const char *const *env_no_view; /* instead, where the app's limits cannot be shown to it */
  const char *const *paths;       /* candidates for execve, NULL-terminated */
  const char *cwd;
  struct {
    int what;
    rlim_t value;
  } limits[10];
  size_t n_limits;
  bool guest;        /* keeps its capabilities in the new namespace, no filter, no Landlock */
  bool writable;     /* Landlock grants writing everywhere (image builds) */
  int landlock_abi;  /* 0 = none */
  ia_span filter;    /* struct sock_filter array */
  uint32_t uid, gid; /* that the program runs under */
  const uint32_t *groups;
  size_t n_groups;
  bool set_groups; /* the namespace has more than one id */
  int fds[4];      /* become 0, 1, 2 and 3; fds[3] = -1: none. All >= 10 */
} ia_jail;

typedef struct ia_box_spec {
  const ia_plan *plan;
  const ia_jail *jail;
  ia_idmap map;
  const ia_cgroup *cgroup;
  const char *cgroup_sub; /* child group for the process, or NULL */
  uint64_t shared_bytes;  /* shared anonymous memory that may be mapped in all; 0 = nobody counts */
} ia_box_spec;

typedef struct ia_box {
  pid_t pid; /* the first process, as we see it */
  int pidfd;
  int control; /* SOCK_SEQPACKET */
} ia_box;

/* Messages of the first process to us. */
typedef enum ia_box_what {
  IA_BOX_STEP = 1, /* a step failed: index, errno */
  IA_BOX_SETUP,    /* another part failed: text, errno */
  IA_BOX_FOLDER,   /* carries the descriptor of IA_STEP_SEND */
  IA_BOX_STARTED,  /* the program was executed */
  IA_BOX_EXEC,     /* execve failed: errno; exists: the file is there */
  IA_BOX_EXITED,   /* wait status of the program */
  IA_BOX_READY,    /* its /proc files may be written now */
  IA_BOX_SHARED,   /* MiB of shared anonymous memory that were mapped so far */
} ia_box_what;

typedef struct ia_box_message {
  uint32_t what;
  int32_t value; /* errno or wait status */
  uint32_t index;
  uint32_t exists;
  char text[64];
} ia_box_message;

/* Messages of ours. */
enum { IA_BOX_GO = 'g', IA_BOX_TERM = 't' };

/* Clones, maps ids, moves it into its cgroup and lets it go. */
IA_MUST bool ia_box_start(ia_box *out, const ia_box_spec *spec, ia_err *e);
/* One message, waiting for it. 1 = got one, 0 = the first process is gone, -1 = would block (only
 * with wait = false). *fd gets a descriptor that came along, else -1. */
int ia_box_receive(const ia_box *b, bool wait, ia_box_message *m, int *fd);
/* The failure that a message of kind STEP, SETUP or EXEC means, as one line. */
void ia_box_explain(char *out, size_t cap, const ia_plan *plan, const ia_box_message *m);
void ia_box_kill(const ia_box *b, const ia_cgroup *g);
void ia_box_reap(ia_box *b); /* waits for its end, then closes */

/* A descriptor of ours moved to 10 or above, close-on-exec; the old one is closed. -1 stays -1. */
int ia_fd_high(int fd);

/* The life of the first process; never returns. Async-signal-safe throughout. */
_Noreturn void ia_box_child(const ia_box_spec *spec, int control);
/* The program's side of the fork; writes an ia_box_message to report and exits when it fails. */
/* shared.c: from here on, mappings of shared anonymous memory by children wait for
 * ia_shared_answer. The descriptor to poll; -1: such mappings fail, because nobody can be asked.
 * False when not even that could be had. */
bool ia_shared_count(int *listener);
/* Lets one mapping through while `left` suffices, else ENOMEM; what it takes is gone for good, as
 * nobody can see when the last mapping ends. */
void ia_shared_answer(int listener, uint64_t *left);
/* env: of the two that the jail has. */
_Noreturn void ia_jail_enter(const ia_jail *jail, const char *const *env, int report);
void ia_box_say(int control, ia_box_what what, int value, uint32_t index, const char *text);

#endif
