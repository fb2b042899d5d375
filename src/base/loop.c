/* Event loop: handles and posted calls. The pools are in pool.c. */
#include "base/loop.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <uv.h>

#include "base/pool.h"

/* Everything that lives on the loop stands in one list, so that freeing the loop frees it. */
typedef struct handle {
  struct handle *next, **link;
  void (*shut)(struct handle *h);
} handle;

struct ia_loop {
  uv_loop_t uv;
  uv_async_t wake;
  pthread_mutex_t lock; /* posts and stop */
  pthread_cond_t posted;
  ia_post *first, **last;
  bool stop;
  handle *handles;
  ia_pools *pools;
};

struct ia_timer {
  handle h;
  uv_timer_t uv;
  ia_loop_fn *fn;
  void *ctx;
};

struct ia_watch {
  handle h;
  uv_poll_t uv;
  ia_watch_fn *fn;
  void *ctx;
};

typedef struct signal_handle {
  handle h;
  uv_signal_t uv;
  ia_signal_fn *fn;
  void *ctx;
} signal_handle;

typedef struct child_handle {
  handle h;
  ia_watch *watch;
  int pidfd;
  pid_t pid;
  ia_child_fn *fn;
  void *ctx;
} child_handle;

static void attach(ia_loop *l, handle *h, void (*shut)(handle *))
{
  h->shut = shut;
  h->next = l->handles;
  h->link = &l->handles;
  if (h->next)
    h->next->link = &h->next;
  l->handles = h;
}

static void detach(handle *h)
{
  *h->link = h->next;
  if (h->next)
    h->next->link = h->link;
}

static bool uv_failed(ia_err *e, const char *what, int rc)
{
  return ia_fail(e, rc == UV_ENOMEM ? IA_E_MEMORY : IA_E_IO, "%s: %s", what, uv_strerror(rc));
}

static void run_posts(ia_loop *l)
{
  pthread_mutex_lock(&l->lock);
  ia_post *p = l->first;
  l->first = NULL;
  l->last = &l->first;
  pthread_mutex_unlock(&l->lock);
  while (p) {
    ia_post *next = p->next;

    p->fn(p); /* frees p */
    p = next;
  }
}

static void on_wake(uv_async_t *a)
{
  ia_loop *l = a->data;

  run_posts(l);
  pthread_mutex_lock(&l->lock);
  bool stop = l->stop;
  pthread_mutex_unlock(&l->lock);
  if (stop)
    uv_stop(&l->uv);
}

bool ia_loop_new(ia_loop **out, ia_err *e)
{
  ia_loop *l = calloc(1, sizeof(*l));

  if (!l)
    return ia_fail(e, IA_E_MEMORY, "no memory for a loop");
  int rc = uv_loop_init(&l->uv);
  if (rc != 0) {
    free(l);
    return uv_failed(e, "event loop", rc);
  }
  l->last = &l->first;
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->posted, NULL);
  rc = uv_async_init(&l->uv, &l->wake, on_wake);
  l->wake.data = l;
  if (rc == 0 && ia_pools_new(&l->pools, l, e)) {
    *out = l;
    return true;
  }
  if (rc == 0)
    uv_close((uv_handle_t *)&l->wake, NULL);
  else
    (void)uv_failed(e, "event loop", rc);
  (void)uv_run(&l->uv, UV_RUN_NOWAIT);
  (void)uv_loop_close(&l->uv);
  free(l);
  return false;
}

void ia_loop_free(ia_loop *l)
{
  if (!l)
    return;
  ia_pools_stop(l->pools);
  while (l->first)
    run_posts(l);
  while (l->handles)
    l->handles->shut(l->handles);
  uv_close((uv_handle_t *)&l->wake, NULL);
  while (uv_run(&l->uv, UV_RUN_NOWAIT) != 0)
    continue;
  (void)uv_loop_close(&l->uv);
  ia_pools_free(l->pools);
  pthread_mutex_destroy(&l->lock);
  pthread_cond_destroy(&l->posted);
  free(l);
}

void ia_loop_run(ia_loop *l)
{
  pthread_mutex_lock(&l->lock);
  bool stop = l->stop;
  pthread_mutex_unlock(&l->lock);
  if (!stop)
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
  pthread_mutex_lock(&l->lock);
  l->stop = false;
  pthread_mutex_unlock(&l->lock);
}

void ia_loop_stop(ia_loop *l)
{
  pthread_mutex_lock(&l->lock);
  l->stop = true;
  pthread_mutex_unlock(&l->lock);
  (void)uv_async_send(&l->wake);
}

void ia_loop_post_node(ia_loop *l, ia_post *p)
{
  p->next = NULL;
  pthread_mutex_lock(&l->lock);
  *l->last = p;
  l->last = &p->next;
  pthread_cond_signal(&l->posted);
  pthread_mutex_unlock(&l->lock);
  (void)uv_async_send(&l->wake);
}

void ia_loop_wait_posted(ia_loop *l)
{
  pthread_mutex_lock(&l->lock);
  while (!l->first)
    pthread_cond_wait(&l->posted, &l->lock);
  pthread_mutex_unlock(&l->lock);
  run_posts(l);
}

typedef struct call_post {
  ia_post p;
  ia_loop_fn *fn;
  void *ctx;
} call_post;

static void run_call(ia_post *p)
{
  call_post c = *(call_post *)p;

  free(p);
  c.fn(c.ctx);
}

bool ia_loop_post(ia_loop *l, ia_loop_fn *fn, void *ctx, ia_err *e)
{
  call_post *c = calloc(1, sizeof(*c));

  if (!c)
    return ia_fail(e, IA_E_MEMORY, "no memory for a posted call");
  *c = (call_post){.p = {.fn = run_call}, .fn = fn, .ctx = ctx};
  ia_loop_post_node(l, &c->p);
  return true;
}

bool ia_loop_job(ia_loop *l, ia_pool pool, ia_loop_fn *work, ia_job_done_fn *done, void *ctx,
                 ia_err *e)
{
  return ia_pools_add(l->pools, pool, work, done, ctx, e);
}

static void free_data(uv_handle_t *h)
{
  free(h->data);
}

static void timer_shut(handle *h)
{
  ia_timer_free((ia_timer *)h);
}

static void on_timer(uv_timer_t *uv)
{
  ia_timer *t = uv->data;

  t->fn(t->ctx);
}

bool ia_timer_new(ia_timer **out, ia_loop *l, ia_loop_fn *fn, void *ctx, ia_err *e)
{
  ia_timer *t = calloc(1, sizeof(*t));

  if (!t)
    return ia_fail(e, IA_E_MEMORY, "no memory for a timer");
  (void)uv_timer_init(&l->uv, &t->uv); /* cannot fail */
  t->uv.data = t;
  t->fn = fn;
  t->ctx = ctx;
  attach(l, &t->h, timer_shut);
  *out = t;
  return true;
}

void ia_timer_start(ia_timer *t, uint64_t ms, uint64_t repeat_ms)
{
  uv_update_time(t->uv.loop);
  (void)uv_timer_start(&t->uv, on_timer, ms, repeat_ms);
}

void ia_timer_stop(ia_timer *t)
{
  (void)uv_timer_stop(&t->uv);
}

void ia_timer_free(ia_timer *t)
{
  if (!t)
    return;
  detach(&t->h);
  uv_close((uv_handle_t *)&t->uv, free_data);
}

static void signal_shut(handle *h)
{
  signal_handle *s = (signal_handle *)h;

  detach(h);
  uv_close((uv_handle_t *)&s->uv, free_data);
}

static void on_signal(uv_signal_t *uv, int signo)
{
  signal_handle *s = uv->data;

  s->fn(s->ctx, signo);
}

bool ia_loop_signal(ia_loop *l, int signo, ia_signal_fn *fn, void *ctx, ia_err *e)
{
  signal_handle *s = calloc(1, sizeof(*s));

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "no memory for a signal");
  int rc = uv_signal_init(&l->uv, &s->uv);
  if (rc != 0) {
    free(s);
    return uv_failed(e, "signal", rc);
  }
  s->uv.data = s;
  s->fn = fn;
  s->ctx = ctx;
  attach(l, &s->h, signal_shut);
  rc = uv_signal_start(&s->uv, on_signal, signo);
  if (rc == 0)
    return true;
  signal_shut(&s->h);
  return uv_failed(e, "signal", rc);
}

static void watch_shut(handle *h)
{
  ia_watch_free((ia_watch *)h);
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
  ia_watch *w = uv->data;
  unsigned got = 0;

  if (status == 0)
    got = ((events & UV_READABLE) ? IA_WATCH_READ : 0U) |
          ((events & UV_WRITABLE) ? IA_WATCH_WRITE : 0U);
  w->fn(w->ctx, got);
}

static int watched(unsigned events)
{
  return ((events & IA_WATCH_READ) ? UV_READABLE : 0) |
         ((events & IA_WATCH_WRITE) ? UV_WRITABLE : 0);
}

bool ia_watch_new(ia_watch **out, ia_loop *l, int fd, unsigned events, ia_watch_fn *fn, void *ctx,
                  ia_err *e)
{
  ia_watch *w = calloc(1, sizeof(*w));

  if (!w)
    return ia_fail(e, IA_E_MEMORY, "no memory for a watch");
  int rc = uv_poll_init(&l->uv, &w->uv, fd);
  if (rc != 0) {
    free(w);
    return uv_failed(e, "watch", rc);
  }
  w->uv.data = w;
  w->fn = fn;
  w->ctx = ctx;
  attach(l, &w->h, watch_shut);
  rc = uv_poll_start(&w->uv, watched(events), on_poll);
  if (rc == 0) {
    *out = w;
    return true;
  }
  ia_watch_free(w);
  return uv_failed(e, "watch", rc);
}

void ia_watch_set(ia_watch *w, unsigned events)
{
  if (events == 0)
    (void)uv_poll_stop(&w->uv);
  else
    (void)uv_poll_start(&w->uv, watched(events), on_poll);
}

void ia_watch_free(ia_watch *w)
{
  if (!w)
    return;
  detach(&w->h);
  uv_close((uv_handle_t *)&w->uv, free_data);
}

static void child_free(child_handle *c)
{
  detach(&c->h);
  ia_watch_free(c->watch);
  close(c->pidfd);
  free(c);
}

static void child_shut(handle *h)
{
  child_free((child_handle *)h);
}

static void on_child(void *ctx, unsigned events)
{
  child_handle *c = ctx;
  int status = 0;

  (void)events;
  pid_t got = waitpid(c->pid, &status, WNOHANG);
  if (got == 0)
    return;
  ia_child_fn *fn = c->fn;
  void *fn_ctx = c->ctx;
  pid_t pid = c->pid;
  child_free(c);
  fn(fn_ctx, pid, got < 0 ? -1 : status);
}

bool ia_loop_child(ia_loop *l, pid_t pid, ia_child_fn *fn, void *ctx, ia_err *e)
{
  child_handle *c = calloc(1, sizeof(*c));

  if (!c)
    return ia_fail(e, IA_E_MEMORY, "no memory for a child");
  *c = (child_handle){.pid = pid, .fn = fn, .ctx = ctx};
  c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
  if (c->pidfd < 0) {
    free(c);
    return ia_fail_errno(e, "pidfd of %d", (int)pid);
  }
  if (!ia_watch_new(&c->watch, l, c->pidfd, IA_WATCH_READ, on_child, c, e)) {
    close(c->pidfd);
    free(c);
    return false;
  }
  attach(l, &c->h, child_shut);
  return true;
}
