/* What owners say to the SMS and ask it, as their clients do. */
#ifndef IA_TESTS_SERVICE_SMS_OWNER_H
#define IA_TESTS_SERVICE_SMS_OWNER_H

#include "sms_lab.h"

/* Posts an owner's message; "" or the code of the refusal in b->error. What is taken is
 * acknowledged by signature, that message alone. */
static inline void lab_message(struct lab *b, int who, const char *kind, const ia_addr *object,
                               uint64_t version, const char *body)
{
  ia_owner_message m = {.domain = b->w->pins.domain,
                        .kind = kind,
                        .chain_id = b->w->pins.chain_id,
                        .hub = b->w->pins.hub,
                        .sms_key = b->w->pins.sms_key,
                        .object = *object,
                        .version = version,
                        .body = ia_span_str(body)};
  char sig[140];
  ia_h256 h;

  assert_true(ia_owner_message_hash(&h, &m, NULL));
  IA_AUTO_JSON *answer = lab_post(b, "/owner/v1/messages",
                                  json_pack("{s:s, s:o, s:I, s:o, s:s}", "kind", kind, "object",
                                            ia_json_addr(object), "version", (json_int_t)version,
                                            "body", ia_json_parse(ia_span_str(body), 0, NULL),
                                            "sig", lab_auth(b, sig, who, &h)));
  if (b->error[0])
    return;
  assert_true(ia_owner_ok_check(answer, m.domain, &h, &m.sms_key, NULL));
  h.b[0] ^= 1;
  assert_false(ia_owner_ok_check(answer, m.domain, &h, &m.sms_key, NULL));
}

/* A signed question, and what opens its answer. */
struct lab_question {
  char auth[240]; /* value of the header */
  ia_h256 hash, reply_key;
  ia_secret secret;
};

static inline void lab_ask(struct lab *b, struct lab_question *q, int who, const char *kind,
                           const ia_addr *object, const json_t *asked, uint64_t ms)
{
  ia_owner_message m = {.domain = b->w->pins.domain,
                        .kind = kind,
                        .chain_id = b->w->pins.chain_id,
                        .hub = b->w->pins.hub,
                        .sms_key = b->w->pins.sms_key,
                        .object = *object,
                        .version = ms};
  IA_AUTOV(ia_buf) body = {0};
  char sig[140];

  ia_secret_free(&q->secret);
  assert_true(ia_secret_random(&q->secret, 32, NULL));
  assert_true(ia_x25519_public(q->reply_key.b, &q->secret, NULL));
  assert_true(ia_question_body(&body, asked, &q->reply_key, NULL));
  m.body = ia_buf_view(&body);
  assert_true(ia_owner_message_hash(&q->hash, &m, NULL));
  (void)!snprintf(q->auth, sizeof(q->auth), "%llu_%s_%s", (unsigned long long)ms,
                  ia_h256_text(&q->reply_key).s, lab_auth(b, sig, who, &q->hash));
}

/* What stands in the sealed answer; NULL when it is none to this question. */
static inline json_t *lab_opened(struct lab *b, const struct lab_question *q, const ia_buf *raw)
{
  IA_AUTO_JSON *answer = ia_json_parse(ia_buf_view(raw), 0, NULL);
  json_t *out = NULL;

  return answer && ia_answer_open(&out, answer, b->w->pins.domain, &q->hash, &q->secret,
                                  &b->w->pins.sms_key, NULL)
             ? out
             : NULL;
}

#endif
