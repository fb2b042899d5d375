/* The event loop of a process, over libuv: timers, signals, child exit, descriptors, posted calls
 * and three fixed thread pools. In a library of its own (base_loop_dep), so that the guest does not
 * link libuv. Callbacks run on the loop's thread and never block; only that thread touches state.
 * Every function is for that thread alone but ia_loop_post, ia_loop_stop and ia_loop_job. */
#ifndef IA_BASE_LOOP_H
#define IA_BASE_LOOP_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

typedef struct ia_loop ia_loop;
typedef struct ia_timer ia_timer;
typedef struct ia_watch ia_watch;
typedef void ia_loop_fn(void *ctx);

IA_MUST bool ia_loop_new(ia_loop **out, ia_err *e);
/* Waits for jobs that run, gives the queued ones back unrun (their done is called with ran =
 * false), then frees timers, watches and signals that are left. Posts and jobs of other threads
 * must have ended. NULL is fine. */
void ia_loop_free(ia_loop *l);
IA_DEFINE_AUTO(ia_loop, ia_loop_free)
/* Runs until ia_loop_stop. May be called again. */
void ia_loop_run(ia_loop *l);
void ia_loop_stop(ia_loop *l); /* any thread */

/* Calls fn(ctx) on the loop's thread, in the order of posting; wakes the loop. Any thread. False
 * with MEMORY. Posts that are left when the loop is freed are called then. */
IA_MUST bool ia_loop_post(ia_loop *l, ia_loop_fn *fn, void *ctx, ia_err *e);

/* Blocks until something is posted and runs what is posted: for closing parts that must see their
 * last jobs end. Not the other events. */
void ia_loop_wait_posted(ia_loop *l);

IA_MUST bool ia_timer_new(ia_timer **out, ia_loop *l, ia_loop_fn *fn, void *ctx, ia_err *e);
/* Fires once after ms, then every repeat_ms (0: once). A running timer is set anew. */
void ia_timer_start(ia_timer *t, uint64_t ms, uint64_t repeat_ms);
void ia_timer_stop(ia_timer *t);
void ia_timer_free(ia_timer *t); /* NULL is fine; may be called in its own callback */

typedef void ia_signal_fn(void *ctx, int signo);
/* Until the loop is freed. */
IA_MUST bool ia_loop_signal(ia_loop *l, int signo, ia_signal_fn *fn, void *ctx, ia_err *e);

/* status as of waitpid(2). The child is reaped before fn is called, once. */
typedef void ia_child_fn(void *ctx, pid_t pid, int status);
IA_MUST bool ia_loop_child(ia_loop *l, pid_t pid, ia_child_fn *fn, void *ctx, ia_err *e);

enum ia_watch_events { IA_WATCH_READ = 1, IA_WATCH_WRITE = 2 };
typedef void ia_watch_fn(void *ctx, unsigned events); /* 0 = the descriptor failed */
/* Level-triggered; the descriptor stays the caller's and must outlive the watch. */
IA_MUST bool ia_watch_new(ia_watch **out, ia_loop *l, int fd, unsigned events, ia_watch_fn *fn,
                          void *ctx, ia_err *e);
void ia_watch_set(ia_watch *w, unsigned events); /* 0 = nothing, until it is set again */
void ia_watch_free(ia_watch *w);                 /* NULL is fine */

typedef enum ia_pool {
  IA_POOL_JOBS, /* 8 threads: straight-line code with blocking clients and its own database handle
                 */
  IA_POOL_SLOW, /* 2 threads: scrypt, zip, fsync */
  IA_POOL_STREAMS, /* 24 threads: jobs that wait for a client's bytes */
  IA_POOL_COUNT
} ia_pool;
/* ran is false when the loop was freed before the job's turn came. */
typedef void ia_job_done_fn(void *ctx, bool ran);
/* Runs work(ctx) on a thread of the pool, then done(ctx, true) on the loop's thread (done may be
 * NULL). Any thread. False with MEMORY, or BUSY beyond 4096 queued jobs. */
IA_MUST bool ia_loop_job(ia_loop *l, ia_pool pool, ia_loop_fn *work, ia_job_done_fn *done,
                         void *ctx, ia_err *e);

#endif
