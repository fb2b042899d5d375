/* Fixed thread pools: threads start when first needed and stay. */
#include "base/pool.h"

#include <signal.h>

enum { QUEUE_MAX = 4096, THREADS_MAX = 24, STACK = 1 << 20 };

static const unsigned widths[IA_POOL_COUNT] = {
    [IA_POOL_JOBS] = 8, [IA_POOL_SLOW] = 2, [IA_POOL_STREAMS] = 24};

typedef struct job {
  ia_post post; /* first: the done call */
  struct job *next;
  ia_loop_fn *work;
  ia_job_done_fn *done;
  void *ctx;
  bool ran;
} job;

typedef struct pool {
  ia_loop *loop;
  pthread_mutex_t lock;
  pthread_cond_t work;
  job *first, **last;
  unsigned queued, idle, n, width;
  pthread_t threads[THREADS_MAX];
  bool quit;
} pool;

struct ia_pools {
  pool pools[IA_POOL_COUNT];
};

static void on_done(ia_post *p)
{
  job j = *(job *)p;

  free(p);
  if (j.done)
    j.done(j.ctx, j.ran);
}

static job *take(pool *p)
{
  pthread_mutex_lock(&p->lock);
  p->idle++;
  while (!p->first && !p->quit)
    pthread_cond_wait(&p->work, &p->lock);
  p->idle--;
  job *j = p->quit ? NULL : p->first;
  if (j) {
    p->first = j->next;
    if (!p->first)
      p->last = &p->first;
    p->queued--;
  }
  pthread_mutex_unlock(&p->lock);
  return j;
}

static void *run(void *arg)
{
  pool *p = arg;
  job *j;

  while ((j = take(p))) {
    j->work(j->ctx);
    j->ran = true;
    ia_loop_post_node(p->loop, &j->post);
  }
  return NULL;
}

/* Signals are the loop thread's: a pool thread takes none. */
static bool start_thread(pool *p)
{
  pthread_attr_t attr;
  sigset_t all, old;

  if (pthread_attr_init(&attr) != 0)
    return false;
  (void)pthread_attr_setstacksize(&attr, STACK);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  bool ok = pthread_create(&p->threads[p->n], &attr, run, p) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
  if (ok)
    p->n++;
  return ok;
}

bool ia_pools_new(ia_pools **out, ia_loop *l, ia_err *e)
{
  ia_pools *all = calloc(1, sizeof(*all));

  if (!all)
    return ia_fail(e, IA_E_MEMORY, "no memory for pools");
  for (unsigned i = 0; i < IA_POOL_COUNT; i++) {
    pool *p = &all->pools[i];

    p->loop = l;
    p->width = widths[i];
    p->last = &p->first;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
  }
  *out = all;
  return true;
}

void ia_pools_stop(ia_pools *all)
{
  for (unsigned i = 0; i < IA_POOL_COUNT; i++) {
    pool *p = &all->pools[i];

    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned t = 0; t < p->n; t++)
      pthread_join(p->threads[t], NULL);
    while (p->first) {
      job *j = p->first;

      p->first = j->next;
      ia_loop_post_node(p->loop, &j->post);
    }
  }
}

void ia_pools_free(ia_pools *all)
{
  if (!all)
    return;
  for (unsigned i = 0; i < IA_POOL_COUNT; i++) {
    pthread_mutex_destroy(&all->pools[i].lock);
    pthread_cond_destroy(&all->pools[i].work);
  }
  free(all);
}

bool ia_pools_add(ia_pools *all, ia_pool which, ia_loop_fn *work, ia_job_done_fn *done, void *ctx,
                  ia_err *e)
{
  pool *p = &all->pools[which];
  job *j = calloc(1, sizeof(*j));

  if (!j)
    return ia_fail(e, IA_E_MEMORY, "no memory for a job");
  *j = (job){.post = {.fn = on_done}, .work = work, .done = done, .ctx = ctx};
  pthread_mutex_lock(&p->lock);
  bool ok = !p->quit && p->queued < QUEUE_MAX;
  if (ok && p->idle <= p->queued && p->n < p->width)
    ok = start_thread(p) || p->n > 0;
  if (ok) {
    *p->last = j;
    p->last = &j->next;
    p->queued++;
    pthread_cond_signal(&p->work);
  }
  pthread_mutex_unlock(&p->lock);
  if (ok)
    return true;
  free(j);
  return ia_fail(e, IA_E_BUSY, "too many jobs waiting");
}
