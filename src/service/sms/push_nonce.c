/* Challenges of pushes: a nonce proves by itself that it was given here. */
#include <pthread.h>

#include "base/random.h"
#include "crypto/hkdf.h"
#include "crypto/x25519.h"
#include "service/sms/push_key.h"

enum { RANDOM = 8, MAC = 16 };

bool ia_sms_push_open(ia_sms_push **out, ia_err *e)
{
  IA_AUTO(ia_sms_push) *p = calloc(1, sizeof(*p));

  if (!p)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  pthread_mutex_init(&p->lock, NULL);
  if (!ia_secret_random(&p->secret, 32, e) || !ia_secret_random(&p->mac, 32, e) ||
      !ia_x25519_public(p->key.b, &p->secret, e))
    return false;
  *out = ia_steal(&p);
  return true;
}

void ia_sms_push_close(ia_sms_push *p)
{
  if (!p)
    return;
  ia_secret_free(&p->secret);
  ia_secret_free(&p->mac);
  pthread_mutex_destroy(&p->lock);
  free(p);
}

/* nonce: when it expires, random bytes, MAC over both and what it was given for. */
static bool mac_of(uint8_t out[32], const ia_sms_push *p, const ia_push_challenge *c, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_label(&b, c->domain, "push-nonce");
  ia_buf_put(&b, c->nonce.b, sizeof(c->nonce.b) - MAC);
  ia_buf_lp(&b, IA_SPAN_ARR(c->client_nonce.b));
  ia_buf_lp_str(&b, c->at.kind);
  ia_buf_lp(&b, IA_SPAN_ARR(c->at.object.b));
  ia_buf_lp_str(&b, c->at.name);
  return ia_buf_ok(&b, e) && ia_hmac_sha256(out, ia_secret_view(&p->mac), ia_buf_view(&b), e);
}

bool ia_sms_push_nonce(const ia_sms_push *p, ia_push_challenge *c, uint64_t now, ia_err *e)
{
  uint8_t *at = c->nonce.b, mac[32];

  c->expires = now + IA_PUSH_SECONDS;
  c->push_key = p->key;
  for (unsigned i = 0; i < 8; i++)
    at[i] = (uint8_t)(c->expires >> (56 - 8 * i));
  if (!ia_random(at + 8, RANDOM, e) || !mac_of(mac, p, c, e))
    return false;
  memcpy(at + 8 + RANDOM, mac, MAC);
  return true;
}

static bool is_ours(const ia_sms_push *p, const ia_push_challenge *c, uint64_t now)
{
  uint64_t expires = 0;
  uint8_t mac[32];

  for (unsigned i = 0; i < 8; i++)
    expires = expires << 8 | c->nonce.b[i];
  return mac_of(mac, p, c, NULL) && ia_ct_eq(mac, c->nonce.b + 8 + RANDOM, MAC) && now < expires;
}

/* Remembers it in the place of the oldest. False when it was used. */
static bool first_use(ia_sms_push *p, const ia_h256 *nonce)
{
  bool first = true;

  pthread_mutex_lock(&p->lock);
  for (size_t i = 0; first && i < IA_SMS_PUSH_USED; i++)
    first = !ia_h256_eq(&p->used[i], nonce);
  if (first)
    p->used[p->next++ % IA_SMS_PUSH_USED] = *nonce;
  pthread_mutex_unlock(&p->lock);
  return first;
}

bool ia_sms_push_use(ia_sms_push *p, const ia_push_challenge *c, uint64_t now, ia_err *e)
{
  return (is_ours(p, c, now) && first_use(p, &c->nonce)) ||
         ia_fail(e, IA_E_NONCE_INVALID,
                 "the challenge is unknown, used, expired or of another secret");
}
