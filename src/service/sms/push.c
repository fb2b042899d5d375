/* Secrets sealed to this SMS: a signed challenge, then the push, which is acknowledged by
 * signature. */
#include "service/sms/push.h"

#include "base/clock.h"
#include "base/crash.h"
#include "client/secret_auth.h"
#include "eth/address.h"
#include "eth/eip191.h"
#include "service/sms/internal.h"
#include "service/sms/push_key.h"
#include "service/sms/secret_form.h"

enum { CT_MAX = 2 * IA_SMS_SECRET_MAX };

typedef struct pushing {
  ia_sms *s;
  ia_push_challenge c;
  ia_push push;
  ia_sms_secret_id id;
  ia_push_sealed sealed;
  uint8_t sig[65];
  ia_secret value;
  ia_h256 hash;
  ia_vault_top top;
  ia_vault_outcome outcome;
} pushing;

static void pushing_free(pushing *p)
{
  ia_push_sealed_free(&p->sealed);
  ia_secret_free(&p->value);
}
IA_DEFINE_AUTO_VALUE(pushing, pushing_free)

/* -- where -- */
static bool is_lower(const char *name)
{
  for (; *name; name++)
    if (*name >= 'A' && *name <= 'Z')
      return false;
  return true;
}

static bool right_name(ia_secret_kind kind, const char *name, ia_err *e)
{
  size_t n = strlen(name);
  bool ok = kind == IA_SECRET_DATASET     ? n == 0
            : kind == IA_SECRET_APP       ? strcmp(name, IA_APP_SECRET_INDEX) == 0
            : kind == IA_SECRET_REQUESTER ? ia_sms_requester_name(ia_span_str(name))
                                          : n > 0 && n < 256 && is_lower(name);

  return ok || ia_fail(e, IA_E_INVALID, "\"%.64s\" names no secret of kind %s", name,
                       ia_vault_kind_name(kind));
}

static bool read_place(pushing *p, const json_t *v, ia_err *e)
{
  ia_push_place *at = &p->c.at;

  if (!ia_json_get_str(v, "kind", &at->kind, e) || !ia_json_get_addr(v, "object", &at->object, e) ||
      !ia_json_get_str(v, "name", &at->name, e) ||
      !ia_json_get_h256(v, "clientNonce", &p->c.client_nonce, e))
    return false;
  for (int k = IA_SECRET_DATASET; k <= IA_SECRET_WEB2; k++) {
    if (strcmp(at->kind, ia_vault_kind_name((ia_secret_kind)k)) != 0)
      continue;
    p->id = (ia_sms_secret_id){(ia_secret_kind)k, at->object, at->name};
    return right_name(p->id.kind, at->name, e);
  }
  return ia_fail(e, IA_E_INVALID, "there are no secrets of kind \"%.32s\"", at->kind);
}

static void fill(pushing *p, ia_sms *s)
{
  p->s = s;
  p->c.domain = s->domain;
  p->c.chain_id = s->pins.chain_id;
  p->c.hub = s->pins.hub;
  p->c.sms_key = s->keys.sms_key;
  p->push.challenge = &p->c;
}

/* -- the challenge -- */
static bool unit_look(void *ctx, ia_db *db, ia_err *e)
{
  pushing *p = ctx;

  return ia_vault_look(db, &p->id, &p->top, e);
}

bool ia_sms_h_push_challenge(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  static const char *const keys[] = {"kind", "object", "name", "clientNonce", NULL};
  IA_AUTOV(pushing) p = {0};
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *v = ia_request_json(rq, e);

  fill(&p, ctx);
  if (!v || !ia_json_only(v, keys, e) || !read_place(&p, v, e) ||
      !ia_sms_store_run(p.s->store, unit_look, &p, e))
    return false;
  p.c.version = p.top.version;
  p.c.state = p.top.held ? "held" : p.top.forgotten ? "forgotten" : "none";
  return ia_sms_push_nonce(p.s->push, &p.c, ia_now(), e) &&
         ia_push_challenge_text(&text, &p.c, e) &&
         ia_sms_reply_signed(p.s, "push-challenge", &text, rp, e);
}

/* -- the push -- */
static bool read_push(pushing *p, const json_t *v, ia_err *e)
{
  static const char *const keys[] = {"kind",   "object", "name", "clientNonce", "nonce", "version",
                                     "pusher", "sig",    "enc",  "ct",          NULL};
  IA_AUTOV(ia_buf) sig = {.cap = 128};

  p->sealed.ct.cap = CT_MAX;
  if (!ia_json_only(v, keys, e) || !read_place(p, v, e) ||
      !ia_json_get_h256(v, "nonce", &p->c.nonce, e) ||
      !ia_json_get_u64(v, "version", &p->push.version, e) ||
      !ia_json_get_addr(v, "pusher", &p->push.pusher, e) || !ia_json_get_hex(v, "sig", &sig, e) ||
      !ia_json_get_h256(v, "enc", &p->sealed.enc, e) ||
      !ia_json_get_base64(v, "ct", &p->sealed.ct, e))
    return false;
  if (sig.len != sizeof(p->sig) || p->push.version == 0 || p->push.version > INT64_MAX)
    return ia_fail(e, IA_E_INVALID, "sig is 65 bytes, version a number above 0");
  memcpy(p->sig, sig.ptr, sizeof(p->sig));
  return true;
}

static bool is_signed(pushing *p, ia_err *e)
{
  ia_addr signer;

  if (!ia_push_hash(&p->hash, &p->push, &p->sealed, e))
    return false;
  return (ia_eip191_recover(&signer, IA_SPAN_ARR(p->hash.b), IA_SPAN_ARR(p->sig), NULL) &&
          ia_addr_eq(&signer, &p->push.pusher)) ||
         ia_fail(e, IA_E_UNAUTHORIZED, "not signed by %s for this SMS, ledger, place and version",
                 ia_addr_text(&p->push.pusher).s);
}

/* A key of data or an app's secret is its proven owner's to push, the others are one's own. */
static bool may_push(const pushing *p, ia_err *e)
{
  ia_addr owner = p->id.address;

  if (p->id.kind == IA_SECRET_DATASET || p->id.kind == IA_SECRET_APP) {
    ia_asset_kind kind = p->id.kind == IA_SECRET_APP ? IA_ASSET_APP : IA_ASSET_DATASET;

    if (!ia_sms_secret_owner(p->s, kind, &p->id.address, &owner, e))
      return false;
  }
  return ia_addr_eq(&owner, &p->push.pusher) ||
         ia_fail(e, IA_E_UNAUTHORIZED, "not signed by %s", ia_addr_text(&owner).s);
}

static bool unit_push(void *ctx, ia_db *db, ia_err *e)
{
  pushing *p = ctx;
  const ia_vault_push put = {.value = ia_secret_view(&p->value),
                             .pusher = p->push.pusher,
                             .now = ia_now(),
                             .version = p->push.version};

  return ia_vault_put(db, &p->s->keys, &p->id, &put, &p->outcome, e);
}

static bool take(pushing *p, ia_err *e)
{
  if (!is_signed(p, e) || !ia_sms_push_use(p->s->push, &p->c, ia_now(), e) ||
      !ia_push_open(&p->value, &p->push, &p->sealed, &p->s->push->secret, e))
    return false;
  if (p->value.len > IA_SMS_SECRET_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "a secret is at most %d bytes", IA_SMS_SECRET_MAX);
  if (!ia_utf8_valid(ia_secret_view(&p->value)))
    return ia_fail(e, IA_E_INVALID, "a secret is UTF-8 text");
  return ia_sms_secret_form(&p->id, ia_secret_view(&p->value), e) && may_push(p, e) &&
         ia_sms_store_run(p->s->store, unit_push, p, e);
}

bool ia_sms_h_push_secret(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  static const char *const words[] = {[IA_VAULT_STORED] = "stored",
                                      [IA_VAULT_SAME] = "same",
                                      [IA_VAULT_EXISTS] = "exists",
                                      [IA_VAULT_NEWER] = "newer"};
  IA_AUTOV(pushing) p = {0};
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *v = ia_request_json(rq, e);

  fill(&p, ctx);
  if (!v || !read_push(&p, v, e) || !take(&p, e))
    return false;
  ia_crash_point("sms.secret.reply");
  return ia_push_ok_text(&text, &p.hash, words[p.outcome], e) &&
         ia_sms_reply_signed(p.s, "push-ok", &text, rp, e);
}
