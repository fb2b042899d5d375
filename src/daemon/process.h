/* One role's process, as the supervisor sees it. */
#ifndef IA_DAEMON_PROCESS_H
#define IA_DAEMON_PROCESS_H

#include <sys/types.h>

#include "base/json.h"
#include "base/loop.h"
#include "base/secret.h"

typedef struct ia_process ia_process;

typedef struct ia_process_events {
  /* The role serves; fields is borrowed. */
  void (*ready)(void *ctx, ia_process *p, const json_t *fields);
  /* It could not start, for the reason e (its own words). Nothing is tried again. */
  void (*failed)(void *ctx, ia_process *p, const ia_err *e);
  /* Its process has ended after ia_process_stop. */
  void (*stopped)(void *ctx, ia_process *p);
  void *ctx;
} ia_process_events;

/* name: the argument of `iappd role NAME`. ready_once: an end after the first readiness is followed
 * by a new start, 100 ms later, twice as long each time up to 10 s; before it is `failed`. */
IA_MUST bool ia_process_new(ia_process **out, ia_loop *l, const char *name,
                            const ia_process_events *events, ia_err *e);
void ia_process_free(ia_process *p); /* NULL is fine; kills what still runs */
const char *ia_process_name(const ia_process *p);
bool ia_process_is_ready(const ia_process *p);
bool ia_process_is_running(const ia_process *p);
bool ia_process_is_started(const ia_process *p);

/* Takes the listening socket over; every start of the process gets a copy of it. */
IA_MUST bool ia_process_hold(ia_process *p, int fd, ia_err *e);
/* The process, which then waits for its configuration: linking it takes milliseconds, which those
 * that wait for others need not spend one after the other. passphrase is borrowed and must outlive
 * the process. */
IA_MUST bool ia_process_launch(ia_process *p, const ia_secret *passphrase, ia_err *e);
/* Tells a launched process to begin. config is kept for later starts (a reference of its own). */
IA_MUST bool ia_process_start(ia_process *p, json_t *config, ia_err *e);
/* SIGTERM, and SIGKILL 10 s after `more_ms`, which the role may use to end what it has begun. */
void ia_process_stop(ia_process *p, uint64_t more_ms);
/* Of one that is being stopped: it shall not use that time (its control channel ends). */
void ia_process_hurry(ia_process *p);

#endif
