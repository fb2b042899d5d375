/* The life of a running sandbox. Private to this layer. */
#ifndef IA_SANDBOX_SUPERVISE_H
#define IA_SANDBOX_SUPERVISE_H

#include "sandbox/box.h"
#include "sandbox/run.h"

typedef struct ia_supervise {
  ia_sandbox_result *out;
  const ia_sandbox_spec *spec;
  const ia_sandbox_limits *limits; /* filled */
  const ia_cgroup *group;
  const ia_plan *plan;
  const ia_box *box;
  int ends[2]; /* read ends of stdout and stderr, not blocking */

  bool started, exited, launched; /* launched: start or failure was reported */
  bool hung_up;                   /* the first process has closed its end of the control socket */
  bool over_time, over_memory, cancelled, asked;
  int status; /* wait status of the program */
  uint64_t start_ms, ask_ms;
  uint64_t shared_bytes; /* shared anonymous memory that was mapped, where no cgroup counts */
  uint64_t look_ms;      /* when the tree's memory is looked at again */
} ia_supervise;

/* Until the first process is dead: drains outputs, keeps the limits, fills the result. */
void ia_supervise_run(ia_supervise *sv);

#endif
