#include "base/turn.h"

void ia_turn_init(ia_turn *t)
{
  *t = (ia_turn){0};
  pthread_mutex_init(&t->lock, NULL);
  pthread_cond_init(&t->end, NULL);
}

void ia_turn_destroy(ia_turn *t)
{
  pthread_mutex_destroy(&t->lock);
  pthread_cond_destroy(&t->end);
}

bool ia_turn_run(ia_turn *t, bool (*work)(void *ctx, ia_err *e), void *ctx, ia_err *e)
{
  pthread_mutex_lock(&t->lock);
  uint64_t want = t->started + 1;
  while (t->running && t->ok < want)
    pthread_cond_wait(&t->end, &t->lock);
  if (t->ok >= want) {
    pthread_mutex_unlock(&t->lock);
    return true;
  }
  uint64_t number = ++t->started;
  t->running = true;
  pthread_mutex_unlock(&t->lock);
  bool ok = work(ctx, e);
  pthread_mutex_lock(&t->lock);
  t->running = false;
  if (ok)
    t->ok = number;
  pthread_cond_broadcast(&t->end);
  pthread_mutex_unlock(&t->lock);
  return ok;
}
