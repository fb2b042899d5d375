/* Follower of events by block range, with a cursor (number, hash) that its owner keeps. Blocking:
 * for a thread or job of its own. */
#ifndef IA_CHAIN_FOLLOW_H
#define IA_CHAIN_FOLLOW_H

#include "chain/poco.h"

typedef struct ia_cursor {
  uint64_t number; /* last block that was handled */
  ia_h256 hash;    /* zero: nothing was handled yet, `number` is where to begin */
} ia_cursor;

/* The logs of the blocks after the last cursor up to `to`, in order (perhaps none). The owner
 * stores what it makes of them together with `to`; false stops the follower with that error, and
 * the same blocks come again. */
typedef bool ia_follow_blocks(void *ctx, const ia_chain_logs *logs, const ia_cursor *to, ia_err *e);
/* The chain was rewritten: drop everything of blocks above `to->number` and keep `to` as cursor. */
typedef bool ia_follow_rollback(void *ctx, const ia_cursor *to, ia_err *e);

typedef struct ia_follow_config {
  const ia_addr *addresses; /* of the filter; borrowed */
  size_t n_addresses;
  const ia_event_id *events;
  size_t n_events;
  uint64_t span; /* blocks asked for at once; 0 = 1000 */
  ia_follow_blocks *blocks;
  ia_follow_rollback *rollback;
  void *ctx;
} ia_follow_config;

typedef struct ia_follow ia_follow;
/* The chain object stays the caller's and is used by this follower alone. */
IA_MUST bool ia_follow_new(ia_follow **out, ia_chain *c, const ia_follow_config *cfg,
                           const ia_cursor *from, ia_err *e);
void ia_follow_free(ia_follow *f); /* NULL is fine */
IA_DEFINE_AUTO(ia_follow, ia_follow_free)

/* Handles what there is up to the head, without waiting for more. */
IA_MUST bool ia_follow_catch_up(ia_follow *f, ia_err *e);
/* Waits at most ms for a new block, then catches up. A time-out is no error. */
IA_MUST bool ia_follow_wait(ia_follow *f, uint32_t ms, ia_err *e);
const ia_cursor *ia_follow_cursor(const ia_follow *f);

#endif
