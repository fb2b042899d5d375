/* Answers that a client believes: signed by this SMS; to a signed question, sealed to its asker. */
#include "base/clock.h"
#include "eth/eip191.h"
#include "service/sms/internal.h"

enum { FRESH_SECONDS = 300 };

bool ia_sms_reply_signed(const ia_sms *s, const char *label, const ia_buf *text, ia_reply *rp,
                         ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  uint8_t sig[64];

  if (!ia_text_sign(sig, s->domain, label, ia_buf_view(text), &s->keys.seed, e))
    return false;
  v = json_pack("{s:o, s:o}", "text", ia_json_bytes(ia_buf_view(text)), "sig",
                ia_json_hex(IA_SPAN_ARR(sig)));
  return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "sms: no memory");
}

bool ia_sms_decimal(uint64_t *out, ia_span text)
{
  *out = 0;
  for (size_t i = 0; i < text.len; i++)
    if (text.ptr[i] < '0' || text.ptr[i] > '9' || __builtin_mul_overflow(*out, 10u, out) ||
        __builtin_add_overflow(*out, (uint64_t)(text.ptr[i] - '0'), out))
      return false;
  return text.len > 0;
}

/* Cuts off what stands before the next '_', or all. */
static ia_span part(ia_span *text)
{
  const uint8_t *cut = text->len > 0 ? memchr(text->ptr, '_', text->len) : NULL;
  size_t n = cut ? (size_t)(cut - text->ptr) : text->len;
  ia_span first = ia_span_of(text->ptr, n);

  *text = cut ? ia_span_of(cut + 1, text->len - n - 1) : ia_span_of(text->ptr, 0);
  return first;
}

bool ia_sms_asker_read(const ia_sms *s, const ia_request *rq, const char *kind,
                       const ia_addr *object, const json_t *asked, ia_sms_asker *out, ia_err *e)
{
  ia_owner_message m = {.domain = s->domain,
                        .kind = kind,
                        .chain_id = s->pins.chain_id,
                        .hub = s->pins.hub,
                        .sms_key = s->keys.sms_key,
                        .object = *object};
  ia_span text = ia_request_header(rq, "Authorization");
  ia_span version = part(&text), key = part(&text);
  IA_AUTOV(ia_buf) body = {0};
  uint64_t now = ia_now();
  uint8_t sig[65];

  if (!ia_sms_decimal(&m.version, version) || !ia_h256_parse(&out->reply_key, key) ||
      !ia_unhex(sig, 65, text))
    return ia_fail(e, IA_E_UNAUTHORIZED,
                   "the Authorization header is not <version>_<reply key>_<signature>");
  if (m.version / 1000 + FRESH_SECONDS < now || m.version / 1000 > now + FRESH_SECONDS)
    return ia_fail(e, IA_E_UNAUTHORIZED, "the signature is too old");
  if (!ia_question_body(&body, asked, &out->reply_key, e))
    return false;
  m.body = ia_buf_view(&body);
  if (!ia_owner_message_hash(&out->question, &m, e))
    return false;
  return ia_eip191_recover(&out->signer, IA_SPAN_ARR(out->question.b), IA_SPAN_ARR(sig), NULL) ||
         ia_fail(e, IA_E_UNAUTHORIZED, "the signature does not fit");
}

bool ia_sms_reply_sealed(const ia_sms *s, const ia_sms_asker *to, const json_t *answer,
                         ia_reply *rp, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  return ia_answer_seal(&text, s->domain, &to->question, &to->reply_key, answer, e) &&
         ia_sms_reply_signed(s, "owner-answer", &text, rp, e);
}
