/* Follower of events by block range, with a cursor (number, hash) and the blocks it saw last, which
 * its owner keeps. Blocking: for a thread or job of its own. */
#ifndef IA_CHAIN_FOLLOW_H
#define IA_CHAIN_FOLLOW_H

#include "chain/past.h"
#include "chain/poco.h"

/* The logs of the blocks after the last cursor up to `to`, in order (perhaps none). The owner
 * stores what it makes of them together with `to` and `past`; false stops the follower with that
 * error, and the same blocks come again. */
typedef bool ia_follow_blocks(void *ctx, const ia_chain_logs *logs, const ia_cursor *to,
                              ia_span past, ia_err *e);
/* The chain was rewritten: drop everything of blocks above `to->number`, everything there is when
 * `to` has no hash, and keep `to` and `past`. */
typedef bool ia_follow_rollback(void *ctx, const ia_cursor *to, ia_span past, ia_err *e);

typedef struct ia_follow_config {
  const ia_addr *addresses; /* of the filter; borrowed */
  size_t n_addresses;
  const ia_event_id *events;
  size_t n_events;
  /* Addresses that strangers chose, and which of their events: one that cannot be read, or that has
   * more than aside_most events in one step, is told to `skip` and asked for no more. */
  const ia_addr *aside; /* copied */
  size_t n_aside, aside_most;
  const ia_event_id *aside_events;
  size_t n_aside_events;
  ia_chain_skip *skip;
  uint64_t span;  /* blocks asked for at once; 0 = 1000 */
  uint64_t first; /* where a rewrite leads to that goes deeper than what is remembered */
  size_t depth;   /* blocks that are remembered; 0 = IA_REORG_DEPTH */
  ia_span past;   /* as it was kept last; empty = nothing */
  ia_follow_blocks *blocks;
  ia_follow_rollback *rollback;
  void *ctx;
} ia_follow_config;

enum { IA_REORG_DEPTH = 64 };

typedef struct ia_follow ia_follow;
/* The chain object stays the caller's and is used by this follower alone. */
IA_MUST bool ia_follow_new(ia_follow **out, ia_chain *c, const ia_follow_config *cfg,
                           const ia_cursor *from, ia_err *e);
void ia_follow_free(ia_follow *f); /* NULL is fine */
IA_DEFINE_AUTO(ia_follow, ia_follow_free)

/* Handles what there is up to the head, without waiting for more. What a rewrite took away between
 * two questions is asked for again: the owner never sees logs of two histories in one step. */
IA_MUST bool ia_follow_catch_up(ia_follow *f, ia_err *e);
/* Waits at most ms for a new block, then catches up: by a long poll on our own ledger, elsewhere by
 * looking at the pace of the chain (pace.h). A time-out is no error. */
IA_MUST bool ia_follow_wait(ia_follow *f, uint32_t ms, ia_err *e);
const ia_cursor *ia_follow_cursor(const ia_follow *f);

#endif
