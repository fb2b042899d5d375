#include "client/push.h"

#include <string.h>

#include "base/hex.h"
#include "base/random.h"
#include "eth/eip191.h"

enum { TRIES = 4 };

static bool post(const ia_net *net, json_t **out, const char *path, const json_t *body, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};

  if (!ia_net_url(&url, net->sms, "SMS", e, "%s", path))
    return false;
  if (ia_http_json(net->secure, out, "POST", (const char *)url.ptr, body, e))
    return true;
  if (e && e->code == IA_E_EXISTS) /* the SMS says that under its signature, or not at all */
    e->code = IA_E_SMS_SIGNATURE;
  return ia_wrap(e, "SMS");
}

static bool challenge(const ia_net *net, ia_push_challenge *c, json_t **text, ia_err *e)
{
  IA_AUTO_JSON *body = NULL;
  IA_AUTO_JSON *answer = NULL;

  if (!ia_random(c->client_nonce.b, sizeof(c->client_nonce.b), e))
    return false;
  body =
      json_pack("{s:s, s:o, s:s, s:o}", "kind", c->at.kind, "object", ia_json_addr(&c->at.object),
                "name", c->at.name, "clientNonce", ia_json_h256(&c->client_nonce));
  if (!body)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  return post(net, &answer, "/push/v1/challenge", body, e) &&
         ia_push_challenge_open(c, text, answer, e);
}

static bool send(const ia_net *net, const ia_wallet *w, const ia_push *p, ia_span value,
                 const char **outcome, ia_err *e)
{
  const ia_push_challenge *c = p->challenge;
  IA_AUTOV(ia_push_sealed) sealed = {0};
  IA_AUTO_JSON *body = NULL;
  IA_AUTO_JSON *answer = NULL;
  ia_h256 hash;
  ia_sig sig;

  if (!ia_push_seal(&sealed, p, value, NULL, e) || !ia_push_hash(&hash, p, &sealed, e) ||
      !ia_eip191_sign(w->secp, &sig, IA_SPAN_ARR(hash.b), &w->key, e))
    return false;
  body = json_pack("{s:s, s:o, s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "kind", c->at.kind,
                   "object", ia_json_addr(&c->at.object), "name", c->at.name, "clientNonce",
                   ia_json_h256(&c->client_nonce), "nonce", ia_json_h256(&c->nonce), "version",
                   (json_int_t)p->version, "pusher", ia_json_addr(&p->pusher), "sig",
                   ia_json_hex(IA_SPAN_ARR(sig.b)), "enc", ia_json_h256(&sealed.enc), "ct",
                   ia_json_base64(ia_buf_view(&sealed.ct)));
  if (!body)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  return post(net, &answer, "/push/v1/secret", body, e) &&
         ia_push_ok_open(outcome, answer, c->domain, &hash, &c->sms_key, e);
}

bool ia_push_secret(const ia_net *net, const ia_wallet *w, const ia_push_place *at, ia_span value,
                    ia_push_outcome *outcome, ia_err *e)
{
  if (net->sms_domain == IA_DOMAIN_NONE)
    return ia_fail(e, IA_E_UNKNOWN_SMS, "no SMS is trusted here, so none is given a secret");
  /* another push of the same wallet may come between the challenge and ours: then retry */
  for (int i = 0; i < TRIES; i++) {
    ia_push_challenge c = {.domain = net->sms_domain,
                           .chain_id = net->chain_id,
                           .hub = net->hub,
                           .sms_key = net->sms_key,
                           .at = *at};
    IA_AUTO_JSON *text = NULL;
    const char *said;

    if (!challenge(net, &c, &text, e))
      return false;
    const ia_push p = {.challenge = &c, .pusher = w->address, .version = c.version + 1};
    if (!send(net, w, &p, value, &said, e))
      return false;
    *outcome = strcmp(said, "stored") == 0 ? IA_PUSH_STORED
               : strcmp(said, "same") == 0 ? IA_PUSH_SAME
                                           : IA_PUSH_EXISTS;
    if (strcmp(said, "newer") != 0)
      return true;
  }
  return ia_fail(e, IA_E_BUSY, "the same secret is being pushed elsewhere");
}
