/* The blocks that a follower saw last, by which it finds where a rewritten chain parted from what
 * it knows. Kept by the follower's owner as bytes. */
#ifndef IA_CHAIN_PAST_H
#define IA_CHAIN_PAST_H

#include "base/buf.h"
#include "base/types.h"

typedef struct ia_cursor {
  uint64_t number; /* last block that was handled */
  ia_h256 hash;    /* zero: nothing was handled yet, `number` is where to begin */
} ia_cursor;

enum { IA_PAST_MAX = 4096 };

typedef struct ia_past {
  ia_cursor *v; /* ascending */
  size_t n, most;
} ia_past;

IA_MUST bool ia_past_new(ia_past *p, size_t most, ia_err *e);
void ia_past_free(ia_past *p);
IA_DEFINE_AUTO_VALUE(ia_past, ia_past_free)
IA_MUST bool ia_past_copy(ia_past *out, const ia_past *p, ia_err *e);
/* After the newest; the oldest goes when there are too many. */
void ia_past_add(ia_past *p, const ia_cursor *c);
void ia_past_cut(ia_past *p, uint64_t above);                   /* forgets blocks above it */
const ia_cursor *ia_past_at(const ia_past *p, uint64_t number); /* NULL: not remembered */
/* Replaces what it knows; bytes that are none of ours: CORRUPT. Empty bytes: nothing. */
IA_MUST bool ia_past_load(ia_past *p, ia_span bytes, ia_err *e);
void ia_past_save(const ia_past *p, ia_buf *out);

#endif
