/* Thread pools of the loop; used by loop.c alone. */
#ifndef IA_BASE_POOL_H
#define IA_BASE_POOL_H

#include <pthread.h>

#include "base/loop.h"

/* A call on the loop's thread; fn owns the node. */
typedef struct ia_post {
  struct ia_post *next;
  void (*fn)(struct ia_post *p);
} ia_post;
void ia_loop_post_node(ia_loop *l, ia_post *p); /* any thread */

typedef struct ia_pools ia_pools;
IA_MUST bool ia_pools_new(ia_pools **out, ia_loop *l, ia_err *e);
/* Waits for jobs that run; queued ones are posted back unrun; takes no more. */
void ia_pools_stop(ia_pools *p);
void ia_pools_free(ia_pools *p); /* stopped before; NULL is fine */
IA_MUST bool ia_pools_add(ia_pools *p, ia_pool pool, ia_loop_fn *work, ia_job_done_fn *done,
                          void *ctx, ia_err *e);

#endif
