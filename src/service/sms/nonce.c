/* Nonces of releases. Nothing is kept of one that was given out: it says itself until when it
 * serves and for what, under a MAC. Only a used one is remembered, until it would have expired. */
#include "base/random.h"
#include "base/secret.h"
#include "crypto/keccak.h"
#include "service/sms/internal.h"

enum { TIME = 8, TENANT = 4, SALT = 4, MAC_AT = TIME + TENANT + SALT };

bool ia_sms_nonces_open(ia_sms *s, ia_err *e)
{
  return ia_random(s->nonce_key, sizeof(s->nonce_key), e);
}

void ia_sms_nonces_close(ia_sms *s)
{
  for (ia_sms_nonce *n = s->nonces, *next; n; n = next) {
    next = n->next;
    free(n);
  }
  explicit_bzero(s->nonce_key, sizeof(s->nonce_key));
}

static bool mac_of(const ia_sms *s, ia_h256 *out, const char *label, ia_span head, ia_span what,
                   const char *tee, const char *stage)
{
  IA_AUTOV(ia_buf) in = {.secret = true};

  ia_buf_put(&in, s->nonce_key, sizeof(s->nonce_key));
  ia_buf_lp_str(&in, label);
  ia_buf_lp(&in, head);
  ia_buf_lp(&in, what);
  ia_buf_lp_str(&in, tee);
  ia_buf_lp_str(&in, stage);
  ia_keccak256(out, ia_buf_view(&in));
  return !in.bad;
}

bool ia_sms_nonce_new(ia_sms *s, ia_h256 *out, const ia_addr *pool, const ia_h256 *task,
                      const char *tee, const char *stage, uint64_t now, ia_err *e)
{
  uint64_t expires = now + IA_NONCE_SECONDS;
  ia_h256 tenant, mac;

  for (int i = 0; i < TIME; i++)
    out->b[i] = (uint8_t)(expires >> (8 * (TIME - 1 - i)));
  if (!ia_random(out->b + TIME + TENANT, SALT, e))
    return false;
  bool ok = mac_of(s, &tenant, "tenant", IA_SPAN_ARR(pool->b), ia_span_of(NULL, 0), "", "");
  memcpy(out->b + TIME, tenant.b, TENANT);
  ok = ok && mac_of(s, &mac, "nonce", ia_span_of(out->b, MAC_AT), IA_SPAN_ARR(task->b), tee, stage);
  memcpy(out->b + MAC_AT, mac.b, sizeof(out->b) - MAC_AT);
  return ok || ia_fail(e, IA_E_MEMORY, "sms: no memory");
}

/* Drops what has expired; counts what is left of that tenant. The lock is held. */
static size_t sweep(ia_sms *s, const uint8_t tenant[TENANT], uint64_t now)
{
  size_t own = 0;

  for (ia_sms_nonce **at = &s->nonces; *at;) {
    ia_sms_nonce *n = *at;

    if (n->expires <= now) {
      *at = n->next;
      free(n);
      s->n_nonces--;
      continue;
    }
    own += memcmp(n->nonce.b + TIME, tenant, TENANT) == 0;
    at = &n->next;
  }
  return own;
}

/* The lock is held. A pool has at most half of what the others leave, so that there is room for one
 * more. */
static bool use(ia_sms *s, const ia_h256 *nonce, uint64_t expires, uint64_t now, ia_err *e)
{
  size_t own = sweep(s, nonce->b + TIME, now), others = s->n_nonces - own;

  for (const ia_sms_nonce *n = s->nonces; n; n = n->next)
    if (ia_h256_eq(&n->nonce, nonce))
      return ia_fail(e, IA_E_NONCE_INVALID, "the nonce was used");
  if (own >= (IA_SMS_NONCES_MAX - others) / 2)
    return ia_fail(e, IA_E_NONCE_LIMIT, "this pool has used too many challenges recently");
  ia_sms_nonce *n = calloc(1, sizeof(*n));
  if (!n)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  *n = (ia_sms_nonce){*nonce, expires, s->nonces};
  s->nonces = n;
  s->n_nonces++;
  return true;
}

bool ia_sms_nonce_use(ia_sms *s, const ia_h256 *nonce, const ia_h256 *task, const char *tee,
                      const char *stage, uint64_t now, uint64_t *expires, ia_err *e)
{
  ia_h256 mac;

  *expires = 0;
  for (int i = 0; i < TIME; i++)
    *expires = *expires << 8 | nonce->b[i];
  if (!mac_of(s, &mac, "nonce", ia_span_of(nonce->b, MAC_AT), IA_SPAN_ARR(task->b), tee, stage))
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  bool ours = ia_ct_eq(mac.b, nonce->b + MAC_AT, sizeof(nonce->b) - MAC_AT);
  if (!ours || *expires <= now) {
    *expires = 0;
    return ia_fail(e, IA_E_NONCE_INVALID,
                   "the nonce is unknown, expired, or belongs to another task");
  }
  pthread_mutex_lock(&s->lock);
  bool ok = use(s, nonce, *expires, now, e);
  pthread_mutex_unlock(&s->lock);
  return ok;
}
