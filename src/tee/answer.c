#include "tee/answer.h"

#include "crypto/hpke.h"
#include "tee/release.h"

bool ia_signed_text(const char **text, const json_t *answer, ia_domain d, const char *label,
                    const ia_h256 *sms_key, ia_err *e)
{
  IA_AUTOV(ia_buf) sig = {.cap = 64};

  /* what is no signed text at all is no answer of the SMS either */
  return (ia_json_get_str(answer, "text", text, NULL) &&
          ia_json_get_hex(answer, "sig", &sig, NULL) && sig.len == 64 &&
          ia_text_verify(d, label, ia_span_str(*text), sig.ptr, sms_key, NULL)) ||
         ia_fail(e, IA_E_SMS_SIGNATURE,
                 "what answers is not the SMS that is trusted here: its answer is not signed so");
}

bool ia_owner_ok_text(ia_buf *out, const ia_h256 *message, ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:i, s:o}", "v", 1, "message", ia_json_h256(message));

  return v ? ia_json_canonical(out, v, e) : ia_fail(e, IA_E_MEMORY, "answer: no memory");
}

bool ia_owner_ok_check(const json_t *answer, ia_domain d, const ia_h256 *message,
                       const ia_h256 *sms_key, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  const char *raw;

  if (!ia_signed_text(&raw, answer, d, "owner-ok", sms_key, e))
    return ia_wrap(e, "owner's message");
  if (!ia_owner_ok_text(&text, message, e))
    return false;
  return ia_span_is(ia_buf_view(&text), raw) ||
         ia_fail(e, IA_E_SMS_SIGNATURE, "owner's message: the SMS says that it took another one");
}

bool ia_question_body(ia_buf *out, const json_t *asked, const ia_h256 *reply_key, ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:O, s:o}", "ask", asked, "replyKey", ia_json_h256(reply_key));

  return v ? ia_json_canonical(out, v, e) : ia_fail(e, IA_E_MEMORY, "answer: no memory");
}

static bool put_info(ia_buf *b, ia_domain d, const ia_h256 *question, ia_err *e)
{
  ia_buf_label(b, d, "owner-answer-seal");
  ia_buf_lp(b, IA_SPAN_ARR(question->b));
  return ia_buf_ok(b, e);
}

bool ia_answer_seal(ia_buf *out, ia_domain d, const ia_h256 *question, const ia_h256 *reply_key,
                    const json_t *answer, ia_err *e)
{
  IA_AUTOV(ia_buf) info = {0}, ct = {0};
  IA_AUTOV(ia_buf) text = {.secret = true}, plain = {.secret = true};
  IA_AUTOV(ia_hpke) h = {0};
  IA_AUTO_JSON *v = NULL;
  ia_h256 enc;

  if (!ia_json_canonical(&text, answer, e) || !put_info(&info, d, question, e))
    return false;
  ia_buf_lp(&plain, ia_buf_view(&text));
  ia_buf_zero(&plain, (IA_ANSWER_PAD - plain.len % IA_ANSWER_PAD) % IA_ANSWER_PAD);
  if (!ia_buf_ok(&plain, e) || !ia_hpke_send(&h, enc.b, reply_key->b, ia_buf_view(&info), e) ||
      !ia_hpke_seal(&h, &ct, ia_span_of(NULL, 0), ia_buf_view(&plain), e))
    return false;
  v = json_pack("{s:i, s:o, s:o, s:o}", "v", 1, "question", ia_json_h256(question), "enc",
                ia_json_h256(&enc), "ct", ia_json_base64(ia_buf_view(&ct)));
  return v ? ia_json_canonical(out, v, e) : ia_fail(e, IA_E_MEMORY, "answer: no memory");
}

static bool read_sealed(json_t **out, const json_t *v, ia_domain d, const ia_h256 *question,
                        const ia_secret *reply_secret, ia_err *e)
{
  IA_AUTOV(ia_buf) info = {0}, ct = {0};
  IA_AUTOV(ia_buf) plain = {.secret = true};
  IA_AUTOV(ia_hpke) h = {0};
  ia_span rest, text;
  ia_h256 enc;

  if (!ia_json_get_h256(v, "enc", &enc, e) || !ia_json_get_base64(v, "ct", &ct, e) ||
      !put_info(&info, d, question, e))
    return false;
  if (!ia_hpke_receive(&h, enc.b, reply_secret, ia_buf_view(&info), NULL) ||
      !ia_hpke_open(&h, &plain, ia_span_of(NULL, 0), ia_buf_view(&ct), NULL))
    return ia_fail(e, IA_E_CRYPTO, "the answer was not sealed to the key of this question");
  rest = ia_buf_view(&plain);
  if (!ia_span_lp(&rest, &text))
    return ia_fail(e, IA_E_PARSE, "the sealed answer is not padded as it must be");
  *out = ia_json_parse(text, 0, e);
  return *out != NULL;
}

bool ia_answer_open(json_t **out, const json_t *answer, ia_domain d, const ia_h256 *question,
                    const ia_secret *reply_secret, const ia_h256 *sms_key, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  const char *raw;
  ia_h256 of;

  if (!ia_signed_text(&raw, answer, d, "owner-answer", sms_key, e))
    return ia_wrap(e, "question");
  v = ia_json_parse(ia_span_str(raw), 0, e);
  if (!v || !ia_json_get_h256(v, "question", &of, e))
    return ia_wrap(e, "answer");
  if (!ia_h256_eq(&of, question))
    return ia_fail(e, IA_E_SMS_SIGNATURE, "answer: the SMS signed it for another question");
  return read_sealed(out, v, d, question, reply_secret, e) || ia_wrap(e, "answer");
}
