/* When a task whose attempt ended without a result is tried again: a pure function of the cause,
 * the tries so far, the time, the deadline and the workers. */
#ifndef IA_SERVICE_SCHEDULER_PLAN_H
#define IA_SERVICE_SCHEDULER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* What the table of causes says of another try. */
typedef enum sch_again {
  SCH_AGAIN_NEVER,     /* it ends the same */
  SCH_AGAIN_ELSEWHERE, /* on a worker that has not had the task it may end otherwise */
  SCH_AGAIN_LATER,     /* after a while, on another worker first */
  SCH_AGAIN_NOW,       /* nothing went wrong: the lease was handed back, or never arrived */
} sch_again;

typedef struct sch_plan_facts {
  sch_again again;
  bool is_stated;    /* a statement that the enclave signed says so */
  uint64_t tries;    /* attempts that ended by a fault, this one included */
  uint64_t returns;  /* leases that were handed back, this one included */
  uint64_t now;      /* seconds, by the clock of the deadline */
  uint64_t deadline; /* of the contribution */
  unsigned untried;  /* other workers that take tasks and have not had this one */
} sch_plan_facts;

typedef struct sch_plan {
  bool is_over;     /* nobody tries it again */
  uint64_t pause_s; /* until any other worker may have it */
  uint64_t aside_s; /* until the worker that had it last may have it, while others are connected */
  bool fresh_first; /* for that time whoever has had it before leaves it to the others */
} sch_plan;

sch_plan sch_plan_next(const sch_plan_facts *f);

#endif
