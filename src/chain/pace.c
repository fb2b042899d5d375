#include "chain/pace.h"

enum { SAMPLES_MIN = 4, IDLE_PART = 8 };

void ia_pace_block(ia_pace *p, uint64_t number, uint64_t now_ms)
{
  uint64_t gap, off;

  if (p->seen_ms != 0 && number > p->number) {
    gap = (now_ms - p->seen_ms) / (number - p->number);
    off = gap > p->mean_ms ? gap - p->mean_ms : p->mean_ms - gap;
    /* as a round trip is measured: RFC 6298 2.3 */
    if (p->samples == 0) {
      p->mean_ms = gap;
      p->deviation_ms = gap / 2;
    } else {
      p->deviation_ms = (3 * p->deviation_ms + off) / 4;
      p->mean_ms = (7 * p->mean_ms + gap) / 8;
    }
    p->samples += p->samples < SAMPLES_MIN;
  }
  p->number = number;
  p->seen_ms = now_ms;
}

uint32_t ia_pace_next(const ia_pace *p, uint64_t now_ms)
{
  uint64_t idle = p->seen_ms == 0 || now_ms < p->seen_ms ? 0 : now_ms - p->seen_ms, pause;
  bool regular = p->samples >= SAMPLES_MIN && 4 * p->deviation_ms <= p->mean_ms;
  uint64_t due = regular ? p->mean_ms - p->deviation_ms : 0;

  /* while it is silent, a part of its silence: what comes then is late by no more than that part */
  pause = idle < due ? due - idle : (idle - due) / IDLE_PART;
  return pause < IA_PACE_MIN_MS   ? IA_PACE_MIN_MS
         : pause > IA_PACE_MAX_MS ? IA_PACE_MAX_MS
                                  : (uint32_t)pause;
}
