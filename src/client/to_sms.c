/* Secrets, owners' messages and questions to an SMS. */
#include "client/to_sms.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "client/push.h"
#include "crypto/rsa.h"
#include "crypto/x25519.h"
#include "eth/address.h"
#include "eth/eip191.h"
#include "tee/answer.h"
#include "tee/release.h"

/* HEAD: 2xx = there, 404 = not. */
static bool has(const ia_net *net, bool *out, const ia_buf *url, ia_err *e)
{
  IA_AUTOV(ia_http_answer) a = {0};
  ia_http_call call = {.method = "HEAD", .url = (const char *)url->ptr};

  *out = false;
  if (!ia_http_do(net->http, &a, &call, e))
    return ia_wrap(e, "SMS");
  *out = a.status / 100 == 2;
  return *out || a.status == 404 || ia_http_refused(&a, "SMS", e);
}

/* What is written once: that very value, or none before. */
static bool push_once(const ia_net *net, const ia_wallet *w, const ia_push_place *at, ia_span value,
                      ia_err *e)
{
  ia_push_outcome outcome;

  if (!ia_push_secret(net, w, at, value, &outcome, e))
    return false;
  return outcome != IA_PUSH_EXISTS ||
         ia_fail(e, IA_E_EXISTS, "the SMS keeps another secret in this place");
}

static bool dataset_url(ia_buf *url, const ia_net *net, const ia_addr *dataset, ia_err *e)
{
  return ia_net_url(url, net->sms, "SMS", e, "/secrets/web3?secretAddress=%s",
                    ia_addr_text(dataset).s);
}

bool ia_to_sms_has_dataset_key(const ia_net *net, bool *out, const ia_addr *dataset, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};

  return dataset_url(&url, net, dataset, e) && has(net, out, &url, e);
}

bool ia_to_sms_push_dataset_key(const ia_net *net, const ia_wallet *w, const ia_addr *dataset,
                                ia_span value, ia_err *e)
{
  const ia_push_place at = {.kind = "dataset", .object = *dataset, .name = ""};

  return push_once(net, w, &at, value, e);
}

bool ia_to_sms_push_app_secret(const ia_net *net, const ia_wallet *w, const ia_addr *app,
                               ia_span value, ia_err *e)
{
  const ia_push_place at = {.kind = "app", .object = *app, .name = IA_APP_SECRET_INDEX};

  return push_once(net, w, &at, value, e);
}

bool ia_to_sms_push_requester_secret(const ia_net *net, const ia_wallet *w, const char *name,
                                     ia_span value, ia_err *e)
{
  const ia_push_place at = {.kind = "requester", .object = w->address, .name = name};

  if (name[0] == '\0' || strlen(name) > 64 ||
      strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
          strlen(name))
    return ia_fail(e, IA_E_INVALID, "secret name \"%.64s\": letters, digits, - and _, at most 64",
                   name);
  return push_once(net, w, &at, value, e);
}

static bool result_key_url(ia_buf *url, const ia_net *net, const ia_addr *owner, ia_err *e)
{
  return ia_net_url(url, net->sms, "SMS", e, "/secrets/web2?ownerAddress=%s&secretName=%s",
                    ia_addr_text(owner).s, IA_RESULT_KEY_SECRET);
}

bool ia_to_sms_has_result_key(const ia_net *net, bool *out, const ia_addr *owner, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};

  return result_key_url(&url, net, owner, e) && has(net, out, &url, e);
}

void ia_sms_info_free(ia_sms_info *i)
{
  if (!i)
    return;
  json_decref(i->text);
  *i = (ia_sms_info){0};
}

bool ia_to_sms_info(const ia_net *net, ia_sms_info *out, ia_err *e)
{
  IA_AUTO_JSON *answer = NULL;
  IA_AUTO_JSON *text = NULL;
  IA_AUTOV(ia_buf) url = {0};
  IA_AUTOV(ia_buf) sig = {.cap = 64};
  const char *raw, *name;
  ia_domain domain;

  if (!ia_net_url(&url, net->sms, "SMS", e, "/info") ||
      !ia_http_json(net->http, &answer, "GET", (const char *)url.ptr, NULL, e) ||
      !ia_json_get_str(answer, "text", &raw, e) || !ia_json_get_hex(answer, "sig", &sig, e))
    return ia_wrap(e, "SMS");
  text = ia_json_parse(ia_span_str(raw), 0, e);
  if (!text || !ia_json_get_str(text, "domain", &name, e) ||
      !ia_json_get_h256(text, "smsKey", &out->sms_key, e))
    return ia_wrap(e, "SMS info");
  if (!ia_domain_parse(&domain, name))
    return ia_fail(e, IA_E_PARSE, "SMS info: unknown domain");
  if (sig.len != 64 ||
      !ia_text_verify(domain, "sms-info", ia_span_str(raw), sig.ptr, &out->sms_key, e))
    return ia_fail(e, IA_E_SMS_SIGNATURE, "the SMS does not sign its own description");
  out->simulated = domain == IA_DOMAIN_SIM;
  if (!ia_json_get_u64(answer, "confirmations", &out->confirmations, NULL))
    out->confirmations = 0;
  out->text = json_incref(text);
  return true;
}

/* -- owners' messages and signed questions: for the SMS that is trusted, believed from it alone --
 */
static bool is_trusted(const ia_net *net, ia_err *e)
{
  return net->sms_domain != IA_DOMAIN_NONE ||
         ia_fail(e, IA_E_UNKNOWN_SMS, "no SMS is trusted here, so none is told or asked anything");
}

/* The signature of an owner's message; body is canonical JSON. */
static bool sign_message(ia_sig *sig, ia_h256 *hash, const ia_net *net, const ia_wallet *w,
                         const char *kind, const ia_addr *object, uint64_t version, ia_span body,
                         ia_err *e)
{
  ia_owner_message m = {.domain = net->sms_domain,
                        .kind = kind,
                        .chain_id = net->chain_id,
                        .hub = net->hub,
                        .sms_key = net->sms_key,
                        .object = *object,
                        .version = version,
                        .body = body};

  return is_trusted(net, e) && ia_owner_message_hash(hash, &m, e) &&
         ia_eip191_sign(w->secp, sig, IA_SPAN_ARR(hash->b), &w->key, e);
}

typedef struct question {
  const char *method, *kind;
  ia_addr object;
  const json_t *asked; /* what is signed */
  const json_t *body;  /* what is posted; NULL = nothing */
  ia_secret secret;    /* X25519, of this question alone */
  ia_h256 reply_key;
  ia_h256 hash;
} question;

/* "Authorization: <version>_<reply key>_<signature>". */
static bool signed_header(ia_buf *out, question *q, const ia_net *net, const ia_wallet *w,
                          ia_err *e)
{
  uint64_t version = ia_now_ms();
  IA_AUTOV(ia_buf) body = {0};
  ia_sig sig;

  if (!ia_secret_random(&q->secret, 32, e) || !ia_x25519_public(q->reply_key.b, &q->secret, e) ||
      !ia_question_body(&body, q->asked, &q->reply_key, e) ||
      !sign_message(&sig, &q->hash, net, w, q->kind, &q->object, version, ia_buf_view(&body), e))
    return false;
  ia_buf_printf(out, "Authorization: %" PRIu64 "_%s_", version, ia_h256_text(&q->reply_key).s);
  ia_buf_hex0x(out, IA_SPAN_ARR(sig.b));
  ia_buf_u8(out, 0);
  return ia_buf_ok(out, e);
}

static bool ask_signed(const ia_net *net, const ia_wallet *w, question *q, const ia_buf *url,
                       json_t **out, ia_err *e)
{
  IA_AUTO_JSON *answer = NULL;
  IA_AUTOV(ia_buf) header = {0};
  bool ok = false;

  if (signed_header(&header, q, net, w, e)) {
    const char *headers[] = {(const char *)header.ptr, NULL};
    ia_http_call call = {.method = q->method, .url = (const char *)url->ptr, .headers = headers};

    ok = ia_http_json_call(net->http, &answer, &call, q->body, e) &&
         ia_answer_open(out, answer, net->sms_domain, &q->hash, &q->secret, &net->sms_key, e);
  }
  ia_secret_free(&q->secret);
  return ok || ia_wrap(e, "SMS");
}

static bool next_version(const ia_net *net, const ia_wallet *w, const char *kind,
                         const ia_addr *object, uint64_t *out, ia_err *e)
{
  IA_AUTO_JSON *asked = json_pack("{s:s}", "kind", kind), *answer = NULL;
  question q = {.method = "GET", .kind = "audit", .object = *object, .asked = asked};
  IA_AUTOV(ia_buf) url = {0};

  if (!asked)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!ia_net_url(&url, net->sms, "SMS", e, "/owner/v1/version?object=%s&kind=%s",
                  ia_addr_lower(object).s, kind) ||
      !ask_signed(net, w, &q, &url, &answer, e) || !ia_json_get_u64(answer, "version", out, e))
    return false;
  *out += 1;
  return true;
}

static bool send_message(const ia_net *net, const ia_wallet *w, const char *kind,
                         const ia_addr *object, uint64_t version, const json_t *body, ia_err *e)
{
  IA_AUTO_JSON *answer = NULL;
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTOV(ia_buf) url = {0};
  ia_h256 hash;
  ia_sig sig;

  if (!ia_json_canonical(&text, body, e) ||
      !sign_message(&sig, &hash, net, w, kind, object, version, ia_buf_view(&text), e) ||
      !ia_net_url(&url, net->sms, "SMS", e, "/owner/v1/messages"))
    return false;
  IA_AUTO_JSON *message = json_pack("{s:s, s:o, s:I, s:O, s:o}", "kind", kind, "object",
                                    ia_json_addr(object), "version", (json_int_t)version, "body",
                                    body, "sig", ia_json_hex(IA_SPAN_ARR(sig.b)));
  if (!message)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  return (ia_http_json(net->http, &answer, "POST", (const char *)url.ptr, message, e) &&
          ia_owner_ok_check(answer, net->sms_domain, &hash, &net->sms_key, e)) ||
         ia_wrap(e, "SMS");
}

bool ia_to_sms_owner_message(const ia_net *net, const ia_wallet *w, const char *kind,
                             const ia_addr *object, const json_t *body, uint64_t *version,
                             ia_err *e)
{
  enum { TRIES = 4 }; /* another client of the same owner may be faster */

  for (int i = 1;; i++) {
    ia_err why = {0};
    uint64_t next;

    if (!next_version(net, w, kind, object, &next, e))
      return false;
    if (version)
      *version = next;
    if (send_message(net, w, kind, object, next, body, &why))
      return true;
    if (why.code == IA_E_POLICY_ROLLBACK && i < TRIES)
      continue;
    if (e)
      *e = why;
    return false;
  }
}

bool ia_to_sms_push_result_key(const ia_net *net, const ia_wallet *w, ia_span pem, ia_err *e)
{
  const ia_push_place at = {.kind = "web2", .object = w->address, .name = IA_RESULT_KEY_SECRET};
  IA_AUTO(ia_rsa) *key = NULL;
  ia_push_outcome outcome;

  return ia_rsa_public_pem(&key, pem, e) && ia_rsa_public_check(key, e) &&
         ia_push_secret(net, w, &at, pem, &outcome, e);
}

bool ia_to_sms_log(const ia_net *net, const ia_wallet *w, const ia_addr *object, uint64_t after,
                   json_t **out, ia_err *e)
{
  IA_AUTO_JSON *asked = json_pack("{s:I}", "after", (json_int_t)after);
  question q = {.method = "GET", .kind = "audit", .object = *object, .asked = asked};
  IA_AUTOV(ia_buf) url = {0};

  if (!asked)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  return ia_net_url(&url, net->sms, "SMS", e, "/owner/v1/log?object=%s&after=%" PRIu64,
                    ia_addr_lower(object).s, after) &&
         ask_signed(net, w, &q, &url, out, e);
}

/* One page; the grants of all of them are joined in *out. */
static bool limits_page(const ia_net *net, const ia_wallet *w, const ia_addr *object,
                        ia_h256 *after, json_t **out, bool *more, ia_err *e)
{
  IA_AUTO_JSON *asked = json_pack("{s:o}", "limitsAfter", ia_json_h256(after)), *page = NULL;
  question q = {.method = "GET", .kind = "audit", .object = *object, .asked = asked};
  IA_AUTOV(ia_buf) url = {0};
  json_t *grants, *all;

  if (!asked)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!ia_net_url(&url, net->sms, "SMS", e, "/owner/v1/limits?object=%s&after=%s",
                  ia_addr_lower(object).s, ia_h256_text(after).s) ||
      !ask_signed(net, w, &q, &url, &page, e) || !ia_json_get_arr(page, "grants", &grants, e))
    return false;
  *more = json_object_get(page, "next") != NULL;
  if (*more && !ia_json_get_h256(page, "next", after, e))
    return false;
  if (!*out) {
    *out = json_incref(page);
    return true;
  }
  all = json_object_get(*out, "grants");
  return json_array_extend(all, grants) == 0 || ia_fail(e, IA_E_MEMORY, "out of memory");
}

bool ia_to_sms_limits(const ia_net *net, const ia_wallet *w, const ia_addr *object, json_t **out,
                      ia_err *e)
{
  enum { PAGES_MAX = 1000 };
  IA_AUTO_JSON *all = NULL;
  ia_h256 after = {{0}};
  bool more = true;

  for (int i = 0; more && i < PAGES_MAX; i++)
    if (!limits_page(net, w, object, &after, &all, &more, e))
      return false;
  (void)json_object_del(all, "next");
  *out = json_incref(all);
  return !more || ia_fail(e, IA_E_TOO_LARGE, "the SMS knows more than %d grants of %s",
                          PAGES_MAX * 200, ia_addr_text(object).s);
}

bool ia_to_sms_try(const ia_net *net, const ia_wallet *w, const ia_addr *dataset,
                   const json_t *what, json_t **out, ia_err *e)
{
  question q = {.method = "POST", .kind = "audit", .object = *dataset, .asked = what, .body = what};
  IA_AUTOV(ia_buf) url = {0};

  return ia_net_url(&url, net->sms, "SMS", e, "/owner/v1/test") &&
         ask_signed(net, w, &q, &url, out, e);
}

bool ia_to_sms_owner_message_at(const ia_net *net, const ia_wallet *w, const char *kind,
                                const ia_addr *object, uint64_t version, const json_t *body,
                                ia_err *e)
{
  return send_message(net, w, kind, object, version, body, e);
}

bool ia_to_sms_why(const ia_net *net, const ia_wallet *w, const json_t *what, json_t **out,
                   ia_err *e)
{
  question q = {.method = "POST", .kind = "why", .asked = what, .body = what};
  IA_AUTOV(ia_buf) url = {0};
  ia_http_call call = {.method = "POST"};

  if (!ia_net_url(&url, net->sms, "SMS", e, "/why/v1"))
    return false;
  if (w)
    return ask_signed(net, w, &q, &url, out, e);
  call.url = (const char *)url.ptr;
  return ia_http_json_call(net->http, out, &call, what, e) || ia_wrap(e, "SMS");
}
