/* What the answers to requests may hold: objects can be few and large, so bytes are counted where
 * rows are read and joined, for each request and for all that run or are being sent. */
#ifndef IA_SERVICE_GRAPH_BUDGET_H
#define IA_SERVICE_GRAPH_BUDGET_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

enum {
  GRAPH_HELD_MAX = 48 << 20,   /* memory of one request: its rows, each counted once */
  GRAPH_ANSWER_MAX = 16 << 20, /* bytes of one answer, rows counted as often as they stand there */
  GRAPH_POOL_MAX = 192 << 20,  /* memory of all requests together */
  GRAPH_TRIM = 4 << 20         /* a request that held more gives memory back to the system */
};

typedef struct graph_pool {
  _Atomic uint64_t held;
} graph_pool;

/* One request's part of the pool. */
typedef struct graph_share {
  graph_pool *pool; /* NULL: of no pool */
  uint64_t held;
} graph_share;

/* TOO_LARGE beyond GRAPH_HELD_MAX, BUSY beyond what is left of the pool. */
IA_MUST bool graph_hold(graph_share *s, uint64_t bytes, ia_err *e);
/* What was held must be freed before. */
void graph_share_free(graph_share *s);
IA_DEFINE_AUTO_VALUE(graph_share, graph_share_free)

#endif
