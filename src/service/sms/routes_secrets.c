/* Secrets as iExec clients push them (docs/sms.md): web3 (dataset keys), web2, app and requester
 * secrets. Order of the checks of a write: signature, name, size, existence. Nothing is ever read
 * back. */
#include <strings.h>

#include "base/clock.h"
#include "base/crash.h"
#include "client/secret_auth.h"
#include "eth/address.h"
#include "eth/eip191.h"
#include "service/sms/internal.h"
#include "service/sms/secret_form.h"

enum { BODY_CAP = 64 << 10, NAME_MAX_LEN = 64 };

/* Names of web2 secrets that iExec's services give a meaning. */
static const char *const web2_names[] = {IA_RESULT_KEY_SECRET, "iexec-result-dropbox-token",
                                         "iexec-result-iexec-ipfs-token",
                                         "iexec-result-iexec-result-proxy-url"};

/* Text of a parameter with a terminating NUL, lower case when asked. */
typedef struct word {
  char s[256];
} word;

static bool get_word(word *out, ia_span text, bool lower, ia_err *e)
{
  if (text.len >= sizeof(out->s) || memchr(text.ptr ? (const void *)text.ptr : "", 0, text.len))
    return ia_fail(e, IA_E_INVALID, "a name is too long");
  for (size_t i = 0; i < text.len; i++) {
    char c = (char)text.ptr[i];

    out->s[i] = lower && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
  }
  out->s[text.len] = 0;
  return true;
}

static bool query_addr(const ia_request *rq, const char *name, ia_addr *out, ia_err *e)
{
  ia_span text;

  if (!ia_request_query(rq, name, &text))
    return ia_fail(e, IA_E_INVALID, "%s is missing", name);
  return ia_addr_parse(out, text, e) || ia_wrap(e, "%s", name);
}

/* The signer of the Authorization header over a challenge; UNAUTHORIZED. */
static bool signer_of(const ia_request *rq, const ia_h256 *challenge, ia_addr *out, ia_err *e)
{
  ia_span text = ia_request_header(rq, "Authorization");
  uint8_t sig[65];

  if (!ia_unhex(sig, sizeof(sig), text) ||
      !ia_eip191_recover(out, IA_SPAN_ARR(challenge->b), IA_SPAN_ARR(sig), NULL))
    return ia_fail(e, IA_E_UNAUTHORIZED, "the Authorization header holds no signature");
  return true;
}

static bool must_be(const ia_addr *signer, const ia_addr *want, ia_err *e)
{
  return ia_addr_eq(signer, want) ||
         ia_fail(e, IA_E_UNAUTHORIZED, "not signed by who may push this");
}

bool ia_sms_secret_owner(ia_sms *s, ia_asset_kind kind, const ia_addr *at, ia_addr *owner,
                         ia_err *e)
{
  IA_AUTOV(ia_sms_asset) a = {0};
  ia_asset_facts f = {0};
  ia_sms_ledger *l = NULL;
  bool ok;

  if (!ia_sms_take_ledger(s, &l, e))
    return false;
  ok = ia_sms_facts_asset(&a, &f, l, &s->pins, s->store, kind, at, e) && ia_sms_in_time(l, e);
  ia_sms_give_ledger(s, l, !ok);
  if (!ok)
    return false;
  if (!ia_asset_prove(owner, &s->pins, kind, at, &f, e)) {
    if (e)
      e->code = IA_E_UNAUTHORIZED;
    return false;
  }
  return true;
}

/* -- units of the store -- */
struct put {
  ia_sms *s;
  ia_sms_secret_id id;
  ia_span value;
  ia_addr pusher;
  bool replace;
};

/* After an owner's "lock" message only messages change her result key. */
static bool not_locked(ia_db *db, const ia_addr *owner, ia_err *e)
{
  ia_stmt *st;
  bool row = false;

  if (!ia_db_stmt(&st, db, "SELECT 1 FROM message WHERE object = $1 AND kind = 'lock' LIMIT 1", e))
    return false;
  ia_bind_addr(st, 1, owner);
  if (!ia_stmt_step(st, &row, e))
    return false;
  ia_stmt_reset(st);
  return !row ||
         ia_fail(e, IA_E_FORBIDDEN, "%s locked her secrets: only her signed messages change them",
                 ia_addr_text(owner).s);
}

/* iExec signs a web2 secret and a requester secret of one name alike: whoever saw the one pushed
 * could push it as the other. So a name is of one of the two kinds, and the names that iExec keeps
 * for web2 are no requester's. */
static bool not_both(ia_db *db, const ia_sms_secret_id *id, ia_err *e)
{
  ia_sms_secret_id other = *id;
  bool is = false;

  if (id->kind != IA_SECRET_WEB2 && id->kind != IA_SECRET_REQUESTER)
    return true;
  other.kind = id->kind == IA_SECRET_WEB2 ? IA_SECRET_REQUESTER : IA_SECRET_WEB2;
  for (size_t i = 0; other.kind == IA_SECRET_WEB2 && i < IA_COUNT(web2_names); i++)
    is |= strcasecmp(id->name, web2_names[i]) == 0;
  if (!is && !ia_vault_named(db, &other, &is, e))
    return false;
  return !is || ia_fail(e, IA_E_FORBIDDEN,
                        "\"%.64s\" names a %s secret of this address: its signature could be meant "
                        "for either",
                        id->name, ia_vault_kind_name(other.kind));
}

static bool unit_put(void *ctx, ia_db *db, ia_err *e)
{
  struct put *p = ctx;
  const ia_vault_push put = {
      .value = p->value, .pusher = p->pusher, .now = ia_now(), .replace = p->replace};
  ia_vault_outcome outcome;

  return (p->id.kind != IA_SECRET_WEB2 || not_locked(db, &p->id.address, e)) &&
         not_both(db, &p->id, e) && ia_vault_put(db, &p->s->keys, &p->id, &put, &outcome, e) &&
         (outcome != IA_VAULT_EXISTS ||
          ia_fail(e, IA_E_EXISTS, "a secret of that name is here already"));
}

struct look {
  ia_sms_secret_id id;
  ia_vault_top top;
};

static bool unit_look(void *ctx, ia_db *db, ia_err *e)
{
  struct look *k = ctx;

  return ia_vault_look(db, &k->id, &k->top, e);
}

static bool answer_head(ia_sms *s, const ia_sms_secret_id *id, ia_reply *rp, ia_err *e)
{
  struct look k = {.id = *id};

  if (!ia_sms_store_run(s->store, unit_look, &k, e))
    return false;
  if (!k.top.held)
    return ia_fail(e, IA_E_NOT_FOUND, "no such secret");
  ia_reply_status(rp, 204);
  return true;
}

static bool answer_put(ia_sms *s, const ia_sms_secret_id *id, const ia_request *rq,
                       const ia_addr *pusher, bool replace, ia_reply *rp, ia_err *e)
{
  struct put p = {s, *id, ia_request_body(rq), *pusher, replace};

  if (p.value.len > IA_SMS_SECRET_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "a secret is at most %d bytes", IA_SMS_SECRET_MAX);
  if (!ia_utf8_valid(p.value))
    return ia_fail(e, IA_E_INVALID, "a secret is UTF-8 text");
  if (!ia_sms_secret_form(id, p.value, e) || !ia_sms_store_run(s->store, unit_put, &p, e))
    return false;
  ia_crash_point("sms.secret.reply");
  ia_reply_status(rp, 204);
  return true;
}

/* -- web3: keys of datasets -- */
static bool head_web3(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms_secret_id id = {.kind = IA_SECRET_DATASET, .name = ""};

  return query_addr(rq, "secretAddress", &id.address, e) && answer_head(ctx, &id, rp, e);
}

static bool post_web3(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms_secret_id id = {.kind = IA_SECRET_DATASET, .name = ""};
  ia_addr signer, owner;
  ia_h256 challenge;

  if (!query_addr(rq, "secretAddress", &id.address, e))
    return false;
  ia_secret_auth_web3(&challenge, &id.address, ia_request_body(rq));
  return signer_of(rq, &challenge, &signer, e) &&
         ia_sms_secret_owner(ctx, IA_ASSET_DATASET, &id.address, &owner, e) &&
         must_be(&signer, &owner, e) && answer_put(ctx, &id, rq, &signer, false, rp, e);
}

/* -- web2: named secrets of a wallet, which may be replaced -- */
static bool web2_id(const ia_request *rq, ia_sms_secret_id *id, word *name, ia_span *raw, ia_err *e)
{
  if (!query_addr(rq, "ownerAddress", &id->address, e))
    return false;
  if (!ia_request_query(rq, "secretName", raw) || raw->len == 0)
    return ia_fail(e, IA_E_INVALID, "secretName is missing");
  id->kind = IA_SECRET_WEB2;
  id->name = name->s;
  return get_word(name, *raw, true, e);
}

static bool head_web2(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms_secret_id id;
  ia_span raw;
  word name;

  return web2_id(rq, &id, &name, &raw, e) && answer_head(ctx, &id, rp, e);
}

static bool write_web2(ia_sms *s, ia_request *rq, ia_reply *rp, bool replace, ia_err *e)
{
  ia_sms_secret_id id;
  ia_h256 challenge;
  ia_addr signer;
  ia_span raw;
  word name;

  if (!web2_id(rq, &id, &name, &raw, e))
    return false;
  ia_secret_auth_named(&challenge, &id.address, raw, ia_request_body(rq));
  return signer_of(rq, &challenge, &signer, e) && must_be(&signer, &id.address, e) &&
         answer_put(s, &id, rq, &signer, replace, rp, e);
}

static bool post_web2(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  return write_web2(ctx, rq, rp, false, e);
}

static bool put_web2(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  return write_web2(ctx, rq, rp, true, e);
}

/* -- apps and requesters -- */
static bool app_id(const ia_request *rq, ia_sms_secret_id *id, ia_err *e)
{
  *id = (ia_sms_secret_id){.kind = IA_SECRET_APP, .name = IA_APP_SECRET_INDEX};
  return ia_addr_parse(&id->address, ia_request_param(rq, "app"), e) || ia_wrap(e, "app");
}

static bool head_app(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms_secret_id id;

  return app_id(rq, &id, e) && answer_head(ctx, &id, rp, e);
}

static bool post_app(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms_secret_id id;
  ia_addr signer, owner;
  ia_h256 challenge;

  if (!app_id(rq, &id, e))
    return false;
  ia_secret_auth_named(&challenge, &id.address, ia_span_str(id.name), ia_request_body(rq));
  return signer_of(rq, &challenge, &signer, e) &&
         ia_sms_secret_owner(ctx, IA_ASSET_APP, &id.address, &owner, e) &&
         must_be(&signer, &owner, e) && answer_put(ctx, &id, rq, &signer, false, rp, e);
}

bool ia_sms_requester_name(ia_span key)
{
  for (size_t i = 0; i < key.len; i++) {
    uint8_t c = key.ptr[i];

    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' &&
        c != '_')
      return false;
  }
  return key.len >= 1 && key.len <= NAME_MAX_LEN;
}

static bool requester_addr(const ia_request *rq, ia_sms_secret_id *id, ia_err *e)
{
  id->kind = IA_SECRET_REQUESTER;
  return ia_addr_parse(&id->address, ia_request_param(rq, "requester"), e) ||
         ia_wrap(e, "requester");
}

static bool requester_key(const ia_request *rq, ia_sms_secret_id *id, word *name, ia_err *e)
{
  ia_span key = ia_request_param(rq, "key");

  if (!ia_sms_requester_name(key))
    return ia_fail(e, IA_E_INVALID, "the name of a secret is 1 to 64 of A-Z a-z 0-9 - _");
  id->name = name->s;
  return get_word(name, key, false, e);
}

static bool head_requester(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms_secret_id id;
  word name;

  return requester_addr(rq, &id, e) && requester_key(rq, &id, &name, e) &&
         answer_head(ctx, &id, rp, e);
}

static bool post_requester(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms_secret_id id;
  ia_h256 challenge;
  ia_addr signer;
  word name;

  if (!requester_addr(rq, &id, e))
    return false;
  ia_secret_auth_named(&challenge, &id.address, ia_request_param(rq, "key"), ia_request_body(rq));
  if (!signer_of(rq, &challenge, &signer, e) || !must_be(&signer, &id.address, e) ||
      !requester_key(rq, &id, &name, e))
    return false;
  if (ia_request_body(rq).len > IA_SMS_SECRET_MAX) /* iExec's SMS answers 400 here, not 413 */
    return ia_fail(e, IA_E_INVALID, "a secret is at most %d bytes", IA_SMS_SECRET_MAX);
  return answer_put(ctx, &id, rq, &signer, false, rp, e);
}

/* -- what iExec clients ask of the framework -- */
static bool get_framework(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)ctx;
  (void)rq;
  ia_reply_type(rp, "application/json");
  ia_buf_str(ia_reply_body(rp), "\"TDX\"");
  return ia_buf_ok(ia_reply_body(rp), e);
}

/* The stages before and after the app are inside our guest: their properties name it. */
static bool get_properties(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_span framework = ia_request_param(rq, "framework"), version = ia_request_param(rq, "version");
  IA_AUTO_JSON *v = NULL;

  (void)ctx;
  if (!ia_span_is(framework, "TDX") && !ia_span_is(framework, "tdx"))
    return ia_fail(e, IA_E_EXISTS, "this SMS serves the framework TDX");
  if (version.len > 0 && !ia_span_is(version, "v" IA_VERSION) && !ia_span_is(version, IA_VERSION))
    return ia_fail(e, IA_E_NOT_FOUND, "no such version; this one is v%s", IA_VERSION);
  v = json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:i}, s:{s:s, s:s, s:s, s:i}}", "teeFramework", "TDX",
                "teeFrameworkVersion", "v" IA_VERSION, "preComputeProperties", "image",
                "iapp-guest", "fingerprint", "", "entrypoint", "", "heapSizeInBytes", 0,
                "postComputeProperties", "image", "iapp-guest", "fingerprint", "", "entrypoint", "",
                "heapSizeInBytes", 0);
  return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "sms: no memory");
}

const ia_route ia_sms_secret_rows[] = {
    {"HEAD", "/secrets/web3", IA_ROUTE_JOB, 0, false, head_web3, IA_MARK_PRIVATE},
    {"POST", "/secrets/web3", IA_ROUTE_JOB, BODY_CAP, false, post_web3, IA_MARK_COSTLY},
    {"HEAD", "/secrets/web2", IA_ROUTE_JOB, 0, false, head_web2, IA_MARK_PRIVATE},
    {"POST", "/secrets/web2", IA_ROUTE_JOB, BODY_CAP, false, post_web2, IA_MARK_COSTLY},
    {"PUT", "/secrets/web2", IA_ROUTE_JOB, BODY_CAP, false, put_web2, IA_MARK_COSTLY},
};
const size_t ia_sms_n_secret_rows = IA_COUNT(ia_sms_secret_rows);

const ia_route ia_sms_named_rows[] = {
    {"HEAD", "/apps/:app/secrets", IA_ROUTE_JOB, 0, false, head_app, IA_MARK_PRIVATE},
    {"POST", "/apps/:app/secrets", IA_ROUTE_JOB, BODY_CAP, false, post_app, IA_MARK_COSTLY},
    {"HEAD", "/requesters/:requester/secrets/:key", IA_ROUTE_JOB, 0, false, head_requester,
     IA_MARK_PRIVATE},
    {"POST", "/requesters/:requester/secrets/:key", IA_ROUTE_JOB, BODY_CAP, false, post_requester,
     IA_MARK_COSTLY},
};
const size_t ia_sms_n_named_rows = IA_COUNT(ia_sms_named_rows);

const ia_route ia_sms_tee_rows[] = {
    {"GET", "/tee/framework", IA_ROUTE_INLINE, 0, false, get_framework, IA_MARK_PUBLIC},
    {"GET", "/tee/properties/:framework/:version", IA_ROUTE_INLINE, 0, false, get_properties,
     IA_MARK_PUBLIC},
    {"GET", "/tee/properties/:framework", IA_ROUTE_INLINE, 0, false, get_properties,
     IA_MARK_PUBLIC},
};
const size_t ia_sms_n_tee_rows = IA_COUNT(ia_sms_tee_rows);
