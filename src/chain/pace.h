/* When to ask a chain for its next block: soon after something happened or when a block is due,
 * seldom while nothing does. Learns the time between blocks. No clock of its own. */
#ifndef IA_CHAIN_PACE_H
#define IA_CHAIN_PACE_H

#include "base/types.h"

enum { IA_PACE_MIN_MS = 100, IA_PACE_MAX_MS = 5000 };

/* Zeroed = nothing is known. */
typedef struct ia_pace {
  uint64_t number, seen_ms; /* of the newest block */
  uint64_t mean_ms, deviation_ms;
  unsigned samples;
} ia_pace;

/* This block is the head now. */
void ia_pace_block(ia_pace *p, uint64_t number, uint64_t now_ms);
/* How long to wait before the next look. */
uint32_t ia_pace_next(const ia_pace *p, uint64_t now_ms);

#endif
