/* Work that many threads want done at once: one does it, and those that came before it began share
 * what it did. */
#ifndef IA_BASE_TURN_H
#define IA_BASE_TURN_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"

typedef struct ia_turn {
  pthread_mutex_t lock; /* also for what the owner keeps beside it */
  pthread_cond_t end;
  bool running;
  uint64_t started, ok; /* number of the last run begun, of the last that went well */
} ia_turn;

void ia_turn_init(ia_turn *t);
void ia_turn_destroy(ia_turn *t);
/* True after a run that began after this call did, and went well. `work` runs without the lock, on
 * one thread at a time. */
IA_MUST bool ia_turn_run(ia_turn *t, bool (*work)(void *ctx, ia_err *e), void *ctx, ia_err *e);

#endif
