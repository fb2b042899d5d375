/* What workers offer to a task, and the pool's answer to who asks before paying. */
#include "base/hex.h"
#include "base/size.h"
#include "service/scheduler/internal.h"

/* The members of "limits": numbers by names that every part may add to. */
static bool read_limits(sch_worker *out, const json_t *limits, ia_err *e)
{
  json_t *all = (json_t *)(uintptr_t)limits; /* jansson iterates through a plain pointer */
  const char *name;
  json_t *v;

  json_object_foreach (all, name, v) {
    sch_limit *l = &out->limits[out->n_limits];

    if (out->n_limits == SCH_LIMITS || strlen(name) >= sizeof(l->name) || !json_is_integer(v) ||
        json_integer_value(v) < 0)
      return ia_fail(e, IA_E_INVALID, "hello: limits want at most %d names with a number each",
                     SCH_LIMITS);
    sch_copy(l->name, sizeof(l->name), name);
    l->value = (uint64_t)json_integer_value(v);
    out->n_limits++;
  }
  return true;
}

bool sch_offers_put(ia_scheduler *s, const ia_addr *worker, const json_t *hello, ia_err *e)
{
  const json_t *limits = json_object_get(hello, "limits"), *slots = json_object_get(hello, "slots");
  sch_worker *w = sch_worker_of(s, worker), read = {0};

  if ((limits && !json_is_object(limits)) || (slots && !json_is_integer(slots)))
    return ia_fail(e, IA_E_INVALID, "hello: limits or slots");
  if (!read_limits(&read, limits, e))
    return false;
  if (!w)
    return ia_fail(e, IA_E_FORBIDDEN, "this pool does not admit the worker");
  pthread_mutex_lock(&s->auth_lock);
  w->slots = json_integer_value(slots) > 0 ? (uint64_t)json_integer_value(slots) : 0;
  memcpy(w->limits, read.limits, sizeof(w->limits));
  w->n_limits = read.n_limits;
  pthread_mutex_unlock(&s->auth_lock);
  return true;
}

/* Under auth_lock. A worker that states nothing gives what every worker gives. */
static uint64_t memory_of(const sch_worker *w)
{
  for (size_t i = 0; i < w->n_limits; i++)
    if (strcmp(w->limits[i].name, "memoryMax") == 0)
      return w->limits[i].value;
  return IA_APP_MEMORY;
}

uint64_t sch_offers_memory(ia_scheduler *s, const ia_addr *worker)
{
  const sch_worker *w = sch_worker_of(s, worker);
  uint64_t n = 0;

  pthread_mutex_lock(&s->auth_lock);
  if (w)
    n = memory_of(w);
  pthread_mutex_unlock(&s->auth_lock);
  return n;
}

uint64_t sch_offers_memory_most(ia_scheduler *s)
{
  uint64_t most = 0;

  for (size_t i = 0; i < s->n_workers; i++) {
    if (!sch_worker_alive(s, &s->workers[i]))
      continue;
    uint64_t n = sch_offers_memory(s, &s->workers[i].address);
    most = n > most ? n : most;
  }
  return most;
}

/* The larger of what is there and this worker's; under auth_lock. */
static void add_limits(json_t *all, const sch_worker *w)
{
  for (size_t i = 0; i < w->n_limits; i++) {
    const sch_limit *l = &w->limits[i];

    if ((uint64_t)json_integer_value(json_object_get(all, l->name)) < l->value)
      json_object_set_new(all, l->name, json_integer((json_int_t)l->value));
  }
}

bool sch_pool_get(void *ctx, ia_request *rq IA_UNUSED, ia_reply *rp, ia_err *e)
{
  ia_scheduler *s = ctx;
  IA_AUTO_JSON *limits = json_object(), *answer = NULL;
  uint64_t workers = 0, slots = 0, chain_id;
  bool ready, away;
  ia_addr pool;

  for (size_t i = 0; i < s->n_workers; i++) {
    if (!sch_worker_alive(s, &s->workers[i]))
      continue;
    pthread_mutex_lock(&s->auth_lock);
    add_limits(limits, &s->workers[i]);
    workers++;
    slots += s->workers[i].slots;
    pthread_mutex_unlock(&s->auth_lock);
  }
  pthread_mutex_lock(&s->auth_lock);
  ready = s->auth_ready;
  away = s->away[0];
  pool = s->auth_pool;
  chain_id = s->auth_chain;
  pthread_mutex_unlock(&s->auth_lock);
  if (!ready)
    return ia_fail(e, IA_E_UNAVAILABLE, "the scheduler waits for its ledger");
  answer = json_pack("{s:o, s:b, s:I, s:s, s:s, s:I, s:I, s:O}", "pool", ia_json_addr(&pool),
                     "served", !away, "chainId", (json_int_t)chain_id, "tee", s->tee, "domain",
                     ia_domain_name(s->domain), "workers", (json_int_t)workers, "slots",
                     (json_int_t)slots, "limits", limits);
  return ia_reply_json(rp, 200, answer, e);
}
