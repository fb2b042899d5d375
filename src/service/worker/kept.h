/* Results that are finished and not settled for good, on disk. Any thread. */
#ifndef IA_SERVICE_WORKER_KEPT_H
#define IA_SERVICE_WORKER_KEPT_H

#include "service/worker/inside.h"

enum { WORKER_KEPT_NAME = 96 };

typedef enum worker_kept_step {
  WORKER_KEPT_FINISHED, /* to be settled */
  WORKER_KEPT_SETTLED,  /* the scheduler is to be told */
  WORKER_KEPT_REPORTED, /* kept until the deadline, should the chain be reorganised */
} worker_kept_step;

/* The file's name of a lease. */
void worker_kept_name(char out[WORKER_KEPT_NAME], const ia_h256 *task, uint64_t fencing);
IA_MUST bool worker_kept_load(json_t **out, ia_worker *w, const char *name, ia_err *e);
IA_MUST bool worker_kept_save(ia_worker *w, const char *name, const json_t *v, ia_err *e);
/* Adds a form of the settling transaction. NOT_FOUND: nothing is kept under this name. */
IA_MUST bool worker_kept_form(ia_worker *w, const char *name, ia_span raw, ia_err *e);
bool worker_kept_is_there(const ia_worker *w, const char *name);
void worker_kept_drop(ia_worker *w, const char *name);
worker_kept_step worker_kept_step_of(const json_t *v);
/* Names of all files; new reference. */
json_t *worker_kept_list(ia_worker *w);
/* The result of this task, of whichever lease, one that is not settled first. */
bool worker_kept_find(char name[WORKER_KEPT_NAME], json_t **out, ia_worker *w, const ia_h256 *task);
/* Removes what nobody can ask for any more. */
void worker_kept_sweep(ia_worker *w);

#endif
