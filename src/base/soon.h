/* Work on a thread of the pool that follows events without being done for each of them: soon after
 * the first, again soon after the next, and now and then by the clock. Of the loop's thread. */
#ifndef IA_BASE_SOON_H
#define IA_BASE_SOON_H

#include "base/loop.h"

typedef struct ia_soon ia_soon;

/* work(ctx) runs one at a time: within soon_ms of ia_soon_ask, and idle_ms after it ran last. */
IA_MUST bool ia_soon_new(ia_soon **out, ia_loop *l, ia_loop_fn *work, void *ctx, uint64_t soon_ms,
                         uint64_t idle_ms, ia_err *e);
void ia_soon_ask(ia_soon *s); /* NULL is fine; cheap, may be called at every event */
void ia_soon_pace(ia_soon *s, uint64_t idle_ms); /* from here on; NULL is fine */
/* Waits for the work that is under way. NULL is fine. */
void ia_soon_free(ia_soon *s);
IA_DEFINE_AUTO(ia_soon, ia_soon_free)

#endif
