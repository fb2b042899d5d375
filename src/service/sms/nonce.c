#include "base/random.h"
#include "service/sms/internal.h"

/* Drops what has expired; counts what is left of the task. The lock is held. */
static size_t sweep(ia_sms *s, const ia_h256 *task, uint64_t now)
{
  size_t of_task = 0;

  for (ia_sms_nonce **at = &s->nonces; *at;) {
    ia_sms_nonce *n = *at;

    if (n->expires <= now) {
      *at = n->next;
      free(n);
      s->n_nonces--;
      continue;
    }
    of_task += ia_h256_eq(&n->task, task);
    at = &n->next;
  }
  return of_task;
}

static bool copy_word(char out[8], const char *text)
{
  size_t n = strlen(text);

  if (n >= 8)
    return false;
  memcpy(out, text, n + 1);
  return true;
}

bool ia_sms_nonce_new(ia_sms *s, ia_h256 *out, const ia_h256 *task, const char *tee,
                      const char *stage, uint64_t now, ia_err *e)
{
  ia_sms_nonce *n = calloc(1, sizeof(*n));
  bool ok = true;

  if (!n)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  n->task = *task;
  n->expires = now + IA_NONCE_SECONDS;
  if (!copy_word(n->tee, tee) || !copy_word(n->stage, stage) || !ia_random(n->nonce.b, 32, e)) {
    free(n);
    return ia_fail(e, IA_E_INVALID, "no such tee or stage");
  }
  *out = n->nonce;
  pthread_mutex_lock(&s->lock);
  if (sweep(s, task, now) >= IA_SMS_NONCES_TASK || s->n_nonces >= IA_SMS_NONCES_MAX)
    ok = ia_fail(e, IA_E_NONCE_LIMIT, "too many challenges of this task are open");
  if (ok) {
    n->next = s->nonces;
    s->nonces = n;
    s->n_nonces++;
  }
  pthread_mutex_unlock(&s->lock);
  if (!ok)
    free(n);
  return ok;
}

bool ia_sms_nonce_use(ia_sms *s, const ia_h256 *nonce, const ia_h256 *task, const char *tee,
                      const char *stage, uint64_t now, uint64_t *expires, ia_err *e)
{
  ia_sms_nonce *found = NULL;
  bool ok;

  pthread_mutex_lock(&s->lock);
  for (ia_sms_nonce **at = &s->nonces; *at && !found; at = &(*at)->next)
    if (ia_h256_eq(&(*at)->nonce, nonce)) {
      found = *at;
      *at = found->next;
      s->n_nonces--;
      break;
    }
  pthread_mutex_unlock(&s->lock);
  ok = found && found->expires > now && ia_h256_eq(&found->task, task) &&
       strcmp(found->tee, tee) == 0 && strcmp(found->stage, stage) == 0;
  *expires = ok ? found->expires : 0;
  free(found);
  return ok ||
         ia_fail(e, IA_E_NONCE_INVALID, "the nonce is unknown, used, expired or of another task");
}
