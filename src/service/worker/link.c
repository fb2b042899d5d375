/* The counter grows with every request of this process; it starts at the wall clock, so that it
 * also grows over restarts. */
#include "service/worker/link.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "crypto/keccak.h"
#include "crypto/sha.h"
#include "eth/eip191.h"

enum { TRIES = 3 };

struct ia_link {
  char *url;
  const ia_secp *secp;
  const ia_secret *key;
  ia_addr worker, pool;
  pthread_mutex_t mutex;
  uint64_t counter;
};

bool ia_link_new(ia_link **out, const ia_link_config *c, ia_err *e)
{
  ia_link *l = calloc(1, sizeof(*l));

  *out = l;
  if (!l)
    return ia_fail(e, IA_E_MEMORY, "scheduler");
  pthread_mutex_init(&l->mutex, NULL);
  l->url = strdup(c->url);
  l->secp = c->secp;
  l->key = c->key;
  l->worker = c->worker;
  l->pool = c->pool;
  l->counter = ia_now_ms();
  if (l->url)
    return true;
  ia_link_free(l);
  *out = NULL;
  return ia_fail(e, IA_E_MEMORY, "scheduler");
}

void ia_link_free(ia_link *l)
{
  if (!l)
    return;
  pthread_mutex_destroy(&l->mutex);
  free(l->url);
  free(l);
}

bool ia_link_hash(ia_h256 *out, const char *method, const char *path, ia_span body,
                  uint64_t counter, const ia_addr *pool, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_h256 body_hash;

  ia_sha256(&body_hash, body);
  ia_buf_lp_str(&b, "iapp-worker/v1");
  ia_buf_lp_str(&b, method);
  ia_buf_lp_str(&b, path);
  ia_buf_lp(&b, IA_SPAN_ARR(body_hash.b));
  ia_buf_u64be(&b, counter);
  ia_buf_lp(&b, IA_SPAN_ARR(pool->b));
  if (!ia_buf_ok(&b, e))
    return false;
  ia_keccak256(out, ia_buf_view(&b));
  return true;
}

typedef struct signed_headers {
  char worker[80], counter[48], signature[180];
  const char *list[5];
} signed_headers;

static bool sign(ia_link *l, signed_headers *h, const char *path, ia_span body, ia_err *e)
{
  char hex[2 * sizeof(ia_sig) + 1];
  uint64_t counter;
  ia_h256 hash;
  ia_sig sig;

  pthread_mutex_lock(&l->mutex);
  counter = ++l->counter;
  pthread_mutex_unlock(&l->mutex);
  if (!ia_link_hash(&hash, "POST", path, body, counter, &l->pool, e) ||
      !ia_eip191_sign(l->secp, &sig, IA_SPAN_ARR(hash.b), l->key, e))
    return false;
  ia_hex(hex, sig.b, sizeof(sig.b));
  (void)snprintf(h->worker, sizeof(h->worker), "X-Iapp-Worker: %s", ia_addr_lower(&l->worker).s);
  (void)snprintf(h->counter, sizeof(h->counter), "X-Iapp-Counter: %llu",
                 (unsigned long long)counter);
  (void)snprintf(h->signature, sizeof(h->signature), "X-Iapp-Signature: 0x%s", hex);
  h->list[0] = "Content-Type: application/json";
  h->list[1] = h->worker;
  h->list[2] = h->counter;
  h->list[3] = h->signature;
  h->list[4] = NULL;
  return true;
}

static bool once(ia_link *l, ia_http *h, ia_http_answer *a, const ia_link_call *c, ia_span body,
                 ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};
  signed_headers headers;

  ia_buf_printf(&url, "%s%s", l->url, c->path);
  ia_buf_u8(&url, 0);
  if (!ia_buf_ok(&url, e) || !sign(l, &headers, c->path, body, e))
    return false;
  ia_http_call call = {.method = "POST",
                       .url = (const char *)url.ptr,
                       .headers = headers.list,
                       .body = body,
                       .total_ms = c->total_ms ? c->total_ms : 30000,
                       .cancel = c->cancel};
  return ia_http_do(h, a, &call, e);
}

bool ia_link_post(ia_link *l, ia_http *h, json_t **out, const ia_link_call *c, ia_err *e)
{
  IA_AUTOV(ia_buf) body = {0};

  if (out)
    *out = NULL;
  if (!c->body)
    return ia_fail(e, IA_E_MEMORY, "scheduler");
  if (!ia_json_write(&body, c->body, e))
    return false;
  for (int i = 1;; i++) {
    IA_AUTOV(ia_http_answer) a = {0};

    if (!once(l, h, &a, c, ia_buf_view(&body), e))
      return ia_wrap(e, "scheduler");
    /* another thread's later counter may have arrived before ours: sign anew */
    if (a.status == 401 && i < TRIES)
      continue;
    if (a.status / 100 != 2)
      return ia_http_refused(&a, "scheduler", e);
    if (out && a.body.len > 0) {
      *out = ia_json_parse(ia_buf_view(&a.body), 0, e);
      return *out || ia_wrap(e, "scheduler");
    }
    return true;
  }
}
