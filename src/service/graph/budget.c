#include "service/graph/budget.h"

#include "base/heap.h"

bool graph_hold(graph_share *s, uint64_t bytes, ia_err *e)
{
  if (bytes > GRAPH_HELD_MAX || s->held + bytes > GRAPH_HELD_MAX) {
    ia_fail(e, IA_E_TOO_LARGE, "the rows of this query need more than %d MiB",
            GRAPH_HELD_MAX >> 20);
    return ia_hint(e, "ask for fewer rows or fields at a time");
  }
  if (s->pool && atomic_fetch_add(&s->pool->held, bytes) + bytes > GRAPH_POOL_MAX) {
    atomic_fetch_sub(&s->pool->held, bytes);
    ia_fail(e, IA_E_BUSY, "large answers are being made for others (%d MiB in all)",
            GRAPH_POOL_MAX >> 20);
    return ia_hint(e, "ask again in a moment, or for fewer rows or fields");
  }
  s->held += bytes;
  return true;
}

void graph_share_free(graph_share *s)
{
  if (s->pool)
    atomic_fetch_sub(&s->pool->held, s->held);
  if (s->held > GRAPH_TRIM)
    ia_heap_trim();
  s->held = 0;
}
