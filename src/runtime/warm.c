/* One background thread starts guests; takers wait for none but the first. */
#include "runtime/warm.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"

enum { PLACES = 256, RETRY_S = 2 };

typedef struct place {
  ia_guest *g;
  bool used;  /* the slot belongs to a guest, ready or borrowed or being started */
  bool ready; /* may be taken */
  bool has_image;
  ia_h256 image;
} place;

struct ia_warm {
  ia_guest_spec spec;
  char *exe, *images;
  unsigned size, most;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  pthread_t thread;
  bool running, closing;
  bool has_hint;
  ia_h256 hint;
  place places[PLACES];
};

/* The state is `mutex`'s; starting a guest happens without it. */
static place *reserve(ia_warm *w)
{
  for (unsigned i = 0; i < w->most; i++) {
    if (!w->places[i].used) {
      w->places[i] = (place){.used = true};
      return &w->places[i];
    }
  }
  return NULL;
}

static unsigned ready(const ia_warm *w)
{
  unsigned n = 0;

  for (unsigned i = 0; i < w->most; i++)
    n += w->places[i].ready;
  return n;
}

static ia_guest *start(ia_warm *w, const place *p, ia_err *e)
{
  ia_guest_spec spec = w->spec;
  ia_guest *g = NULL;

  spec.slot = (uint32_t)(p - w->places);
  return ia_guest_start(&g, &spec, e) ? g : NULL;
}

/* Gives a ready guest the image that was used last. */
static void prepare(ia_warm *w, place *p)
{
  if (!w->has_hint || (p->has_image && memcmp(&p->image, &w->hint, sizeof(w->hint)) == 0))
    return;
  p->has_image = ia_guest_prepare(p->g, &w->hint, NULL);
  p->image = w->hint;
}

/* Called with the mutex held; lets go of it while the guest starts. False when that failed. */
static bool refill(ia_warm *w)
{
  place *p = reserve(w);
  ia_err e = {0};

  if (!p)
    return true;
  pthread_mutex_unlock(&w->mutex);
  ia_guest *g = start(w, p, &e);
  if (!g)
    ia_log(IA_LOG_WARN, "guest.start", "code=%s message=%s", ia_code_name(e.code), e.msg);
  pthread_mutex_lock(&w->mutex);
  if (!g) {
    *p = (place){0};
    return false;
  }
  p->g = g;
  prepare(w, p);
  p->ready = true;
  return true;
}

static bool room(const ia_warm *w)
{
  for (unsigned i = 0; i < w->most; i++) {
    if (!w->places[i].used)
      return true;
  }
  return false;
}

static void *keep(void *arg)
{
  ia_warm *w = arg;

  pthread_mutex_lock(&w->mutex);
  while (!w->closing) {
    if (ready(w) >= w->size || !room(w)) {
      pthread_cond_wait(&w->wake, &w->mutex);
    } else if (!refill(w) && !w->closing) {
      struct timespec t;

      clock_gettime(CLOCK_REALTIME, &t);
      t.tv_sec += RETRY_S;
      pthread_cond_timedwait(&w->wake, &w->mutex, &t);
    }
  }
  pthread_mutex_unlock(&w->mutex);
  return NULL;
}

bool ia_warm_open(ia_warm **out, const ia_guest_spec *spec, unsigned size, unsigned most, ia_err *e)
{
  IA_AUTO(ia_warm) *w = calloc(1, sizeof(*w));

  *out = NULL;
  if (!w)
    return ia_fail(e, IA_E_MEMORY, "guests");
  pthread_mutex_init(&w->mutex, NULL);
  pthread_cond_init(&w->wake, NULL);
  w->spec = *spec;
  w->exe = strdup(spec->exe);
  w->images = strdup(spec->images);
  if (!w->exe || !w->images)
    return ia_fail(e, IA_E_MEMORY, "guests");
  w->spec.exe = w->exe;
  w->spec.images = w->images;
  w->most = most > PLACES ? PLACES : most;
  w->size = size < w->most ? size : w->most;
  if (w->size > 0) {
    if (pthread_create(&w->thread, NULL, keep, w) != 0)
      return ia_fail(e, IA_E_MEMORY, "guests: thread");
    w->running = true;
  }
  *out = ia_steal(&w);
  return true;
}

void ia_warm_close(ia_warm *w)
{
  if (!w)
    return;
  pthread_mutex_lock(&w->mutex);
  w->closing = true;
  pthread_cond_broadcast(&w->wake);
  pthread_mutex_unlock(&w->mutex);
  if (w->running)
    pthread_join(w->thread, NULL);
  for (unsigned i = 0; i < PLACES; i++)
    ia_guest_close(w->places[i].g);
  pthread_cond_destroy(&w->wake);
  pthread_mutex_destroy(&w->mutex);
  free(w->exe);
  free(w->images);
  free(w);
}

static place *best(ia_warm *w, const ia_h256 *image)
{
  place *any = NULL;

  for (unsigned i = 0; i < w->most; i++) {
    place *p = &w->places[i];

    if (p->ready && p->has_image && ia_h256_eq(&p->image, image))
      return p;
    if (p->ready)
      any = p;
  }
  return any;
}

bool ia_warm_take(ia_warm *w, ia_guest **out, const ia_h256 *image, ia_err *e)
{
  *out = NULL;
  pthread_mutex_lock(&w->mutex);
  w->hint = *image;
  w->has_hint = true;
  place *p = best(w, image);
  bool warm = p != NULL;
  if (warm)
    p->ready = false;
  else
    p = reserve(w);
  pthread_cond_signal(&w->wake);
  pthread_mutex_unlock(&w->mutex);
  if (!p)
    return ia_fail(e, IA_E_BUSY, "%u guests are running", w->most);
  if (warm) {
    *out = p->g;
    return true;
  }
  ia_guest *g = start(w, p, e);
  pthread_mutex_lock(&w->mutex);
  *p = (place){.g = g, .used = g != NULL};
  pthread_mutex_unlock(&w->mutex);
  *out = g;
  return g != NULL;
}

void ia_warm_give(ia_warm *w, ia_guest *g)
{
  place *p = NULL;

  pthread_mutex_lock(&w->mutex);
  for (unsigned i = 0; g && i < w->most; i++) {
    if (w->places[i].g == g)
      p = &w->places[i];
  }
  pthread_mutex_unlock(&w->mutex);
  if (!p)
    return;
  ia_guest_close(g); /* takes a moment: the place stays used meanwhile */
  pthread_mutex_lock(&w->mutex);
  *p = (place){0};
  pthread_cond_signal(&w->wake);
  pthread_mutex_unlock(&w->mutex);
}

bool ia_warm_try(ia_warm *w, ia_err *e)
{
  pthread_mutex_lock(&w->mutex);
  place *p = reserve(w);
  pthread_mutex_unlock(&w->mutex);
  if (!p)
    return true;
  ia_guest *g = start(w, p, e);
  ia_guest_close(g);
  pthread_mutex_lock(&w->mutex);
  *p = (place){0};
  pthread_cond_signal(&w->wake);
  pthread_mutex_unlock(&w->mutex);
  return g != NULL;
}

void ia_warm_hint(ia_warm *w, const ia_h256 *image)
{
  pthread_mutex_lock(&w->mutex);
  w->hint = *image;
  w->has_hint = true;
  for (unsigned i = 0; i < w->most; i++) {
    if (w->places[i].ready)
      prepare(w, &w->places[i]);
  }
  pthread_mutex_unlock(&w->mutex);
}
