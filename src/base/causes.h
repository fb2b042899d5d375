/* The causes of failed tasks: a fixed list (causes.def), what each means, and what to do. Lists by
 * name live only there: who wants to know whether a task may be tried again, or whose fault a
 * failure was, asks here. */
#ifndef IA_BASE_CAUSES_H
#define IA_BASE_CAUSES_H

#include "base/err.h"

/* Whose fault it is: who can change it. */
typedef enum ia_fault {
  IA_FAULT_APP,
  IA_FAULT_OWNER, /* of the protected data */
  IA_FAULT_REQUESTER,
  IA_FAULT_WORKER,
  IA_FAULT_POOL,
  IA_FAULT_SMS,
  IA_FAULT_NETWORK, /* ledger, blob store, a server that holds an input */
} ia_fault;

/* What another try can do. */
typedef enum ia_again {
  IA_AGAIN_NEVER,     /* it ends the same way on every worker: the failure is final */
  IA_AGAIN_ELSEWHERE, /* it may end otherwise, but only on a worker that has not had the task */
  IA_AGAIN_LATER,     /* it may end otherwise on any worker after a while; another one first */
} ia_again;

/* More memory was asked for than the worker offers. */
#define IA_CAUSE_MEMORY "APP_MEMORY_NOT_OFFERED"

typedef struct ia_cause {
  const char *name; /* ends in '_': followed by the name of an error code */
  ia_code code;     /* class, for the exit status */
  ia_fault fault;
  ia_again again;
  const char *meaning;
  const char *fix;
} ia_cause;

bool ia_cause_is_known(const char *name); /* "" is not */
/* "" (all is well) or a known cause, else INVALID. */
IA_MUST bool ia_cause_check(const char *name, ia_err *e);
/* Never NULL: an unknown cause has a row that says so. The row of TEE_SESSION_GENERATION_ is that
 * of all its codes: ask the functions below. */
const ia_cause *ia_cause_of(const char *name);
/* Row i of the table, NULL behind its end. */
const ia_cause *ia_cause_at(unsigned i);
/* These take the whole name, TEE_SESSION_GENERATION_<code> too. An unknown cause is the worker's
 * fault and may end otherwise later. */
ia_code ia_cause_class(const char *name);
ia_fault ia_cause_fault(const char *name);
ia_again ia_cause_again(const char *name);
bool ia_cause_is_final(const char *name);  /* IA_AGAIN_NEVER */
const char *ia_fault_name(ia_fault fault); /* "app", "owner", .. */
const char *ia_again_name(ia_again again); /* "never", "elsewhere", "later" */

#endif
