#include "tee/push.h"

#include <string.h>

#include "crypto/hpke.h"
#include "crypto/keccak.h"
#include "tee/answer.h"

static const char *const outcomes[] = {"stored", "same", "exists", "newer"};

bool ia_push_challenge_text(ia_buf *out, const ia_push_challenge *c, ia_err *e)
{
  IA_AUTO_JSON *v =
      json_pack("{s:i, s:s, s:I, s:o, s:o, s:s, s:o, s:s, s:o, s:o, s:I, s:o, s:I, s:s}", "v", 1,
                "domain", ia_domain_name(c->domain), "chainId", (json_int_t)c->chain_id, "hub",
                ia_json_addr(&c->hub), "smsKey", ia_json_h256(&c->sms_key), "kind", c->at.kind,
                "object", ia_json_addr(&c->at.object), "name", c->at.name, "clientNonce",
                ia_json_h256(&c->client_nonce), "nonce", ia_json_h256(&c->nonce), "expires",
                (json_int_t)c->expires, "pushKey", ia_json_h256(&c->push_key), "version",
                (json_int_t)c->version, "state", c->state);

  return v ? ia_json_canonical(out, v, e) : ia_fail(e, IA_E_MEMORY, "push: no memory");
}

bool ia_push_challenge_open(ia_push_challenge *c, json_t **text, const json_t *answer, ia_err *e)
{
  IA_AUTOV(ia_buf) mine = {0};
  IA_AUTO_JSON *v = NULL;
  const char *raw;

  if (!ia_signed_text(&raw, answer, c->domain, "push-challenge", &c->sms_key, e))
    return ia_wrap(e, "challenge");
  v = ia_json_parse(ia_span_str(raw), 0, e);
  if (!v || !ia_json_get_h256(v, "nonce", &c->nonce, e) ||
      !ia_json_get_u64(v, "expires", &c->expires, e) ||
      !ia_json_get_h256(v, "pushKey", &c->push_key, e) ||
      !ia_json_get_u64(v, "version", &c->version, e) || !ia_json_get_str(v, "state", &c->state, e))
    return ia_wrap(e, "challenge");
  /* written again with what we asked for: an answer to another question differs */
  if (!ia_push_challenge_text(&mine, c, e))
    return false;
  if (!ia_span_is(ia_buf_view(&mine), raw))
    return ia_fail(e, IA_E_SMS_SIGNATURE,
                   "challenge: the SMS signed it for another question, ledger or SMS");
  *text = json_incref(v);
  return true;
}

void ia_push_sealed_free(ia_push_sealed *s)
{
  if (s)
    ia_buf_free(&s->ct);
}

static void put_info(ia_buf *b, const ia_push *p)
{
  const ia_push_challenge *c = p->challenge;

  ia_buf_label(b, c->domain, "push");
  ia_buf_u64be(b, c->chain_id);
  ia_buf_lp(b, IA_SPAN_ARR(c->hub.b));
  ia_buf_lp(b, IA_SPAN_ARR(c->sms_key.b));
  ia_buf_lp(b, IA_SPAN_ARR(c->nonce.b));
  ia_buf_lp(b, IA_SPAN_ARR(c->client_nonce.b));
}

static void put_aad(ia_buf *b, const ia_push *p)
{
  const ia_push_challenge *c = p->challenge;

  ia_buf_label(b, c->domain, "push-secret");
  ia_buf_lp_str(b, c->at.kind);
  ia_buf_lp(b, IA_SPAN_ARR(c->at.object.b));
  ia_buf_lp_str(b, c->at.name);
  ia_buf_u64be(b, p->version);
  ia_buf_lp(b, IA_SPAN_ARR(p->pusher.b));
}

bool ia_push_seal(ia_push_sealed *out, const ia_push *p, ia_span value, const ia_secret *ephemeral,
                  ia_err *e)
{
  IA_AUTOV(ia_buf) info = {0}, aad = {0};
  IA_AUTOV(ia_buf) plain = {.secret = true};
  IA_AUTOV(ia_hpke) h = {0};
  const uint8_t *to = p->challenge->push_key.b;

  put_info(&info, p);
  put_aad(&aad, p);
  ia_buf_lp(&plain, value);
  ia_buf_zero(&plain, (IA_PUSH_PAD - plain.len % IA_PUSH_PAD) % IA_PUSH_PAD);
  return ia_buf_ok(&info, e) && ia_buf_ok(&aad, e) && ia_buf_ok(&plain, e) &&
         (ephemeral ? ia_hpke_send_with(&h, out->enc.b, ephemeral, to, ia_buf_view(&info), e)
                    : ia_hpke_send(&h, out->enc.b, to, ia_buf_view(&info), e)) &&
         ia_hpke_seal(&h, &out->ct, ia_buf_view(&aad), ia_buf_view(&plain), e);
}

static bool is_padding(ia_span rest)
{
  uint8_t any = 0;

  for (size_t i = 0; i < rest.len; i++)
    any |= rest.ptr[i];
  return rest.len < IA_PUSH_PAD && any == 0;
}

bool ia_push_open(ia_secret *value, const ia_push *p, const ia_push_sealed *sealed,
                  const ia_secret *push_secret, ia_err *e)
{
  IA_AUTOV(ia_buf) info = {0}, aad = {0};
  IA_AUTOV(ia_buf) plain = {.secret = true};
  IA_AUTOV(ia_hpke) h = {0};
  ia_span rest, text;

  put_info(&info, p);
  put_aad(&aad, p);
  if (!ia_buf_ok(&info, e) || !ia_buf_ok(&aad, e))
    return false;
  if (!ia_hpke_receive(&h, sealed->enc.b, push_secret, ia_buf_view(&info), NULL) ||
      !ia_hpke_open(&h, &plain, ia_buf_view(&aad), ia_buf_view(&sealed->ct), NULL))
    return ia_fail(e, IA_E_CRYPTO, "the secret was not sealed for this place, version and SMS");
  rest = ia_buf_view(&plain);
  if (plain.len % IA_PUSH_PAD != 0 || !ia_span_lp(&rest, &text) || !is_padding(rest))
    return ia_fail(e, IA_E_PARSE, "the sealed secret is not padded as it must be");
  return ia_secret_copy(value, text, e);
}

bool ia_push_hash(ia_h256 *out, const ia_push *p, const ia_push_sealed *sealed, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0}, info = {0}, aad = {0};

  put_info(&info, p);
  put_aad(&aad, p);
  ia_buf_label(&b, p->challenge->domain, "push-sig");
  ia_buf_lp(&b, ia_buf_view(&info));
  ia_buf_lp(&b, ia_buf_view(&aad));
  ia_buf_lp(&b, IA_SPAN_ARR(sealed->enc.b));
  ia_buf_lp(&b, ia_buf_view(&sealed->ct));
  if (!ia_buf_ok(&info, e) || !ia_buf_ok(&aad, e) || !ia_buf_ok(&b, e))
    return false;
  ia_keccak256(out, ia_buf_view(&b));
  return true;
}

bool ia_push_ok_text(ia_buf *out, const ia_h256 *push, const char *outcome, ia_err *e)
{
  IA_AUTO_JSON *v =
      json_pack("{s:i, s:o, s:s}", "v", 1, "push", ia_json_h256(push), "outcome", outcome);

  return v ? ia_json_canonical(out, v, e) : ia_fail(e, IA_E_MEMORY, "push: no memory");
}

bool ia_push_ok_open(const char **outcome, const json_t *answer, ia_domain d, const ia_h256 *push,
                     const ia_h256 *sms_key, ia_err *e)
{
  const char *raw;

  if (!ia_signed_text(&raw, answer, d, "push-ok", sms_key, e))
    return ia_wrap(e, "acknowledgement");
  for (size_t i = 0; i < IA_COUNT(outcomes); i++) {
    IA_AUTOV(ia_buf) text = {0};

    if (!ia_push_ok_text(&text, push, outcomes[i], e))
      return false;
    if (ia_span_is(ia_buf_view(&text), raw)) {
      *outcome = outcomes[i];
      return true;
    }
  }
  return ia_fail(e, IA_E_SMS_SIGNATURE, "acknowledgement: the SMS signed it for another push");
}
