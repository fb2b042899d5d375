/* Messages that owners sign to this SMS (docs/release.md 7). */
#include "base/clock.h"
#include "base/crash.h"
#include "client/secret_auth.h"
#include "eth/address.h"
#include "eth/eip191.h"
#include "service/sms/internal.h"
#include "service/sms/secret_form.h"

enum { VERSION_STEP = 1 << 16 /* most by which a version may grow */ };

/* Tries the object as a dataset, then as an app, then as the signer's own address. */
bool ia_sms_object_owner(ia_sms *s, const ia_addr *object, const ia_addr *signer, ia_sms_owned *out,
                         ia_err *e)
{
  ia_sms_ledger *l = NULL;
  bool ok = true, proven = false;

  *out = (ia_sms_owned){0};
  if (ia_addr_eq(object, signer)) {
    out->owner = *signer;
    return true;
  }
  if (!ia_sms_take_ledger(s, &l, e))
    return false;
  for (int k = IA_ASSET_DATASET; ok && !proven && k >= IA_ASSET_APP; k--) {
    IA_AUTOV(ia_sms_asset) a = {0};
    ia_asset_facts f = {0};
    ia_err why = {0};
    ia_addr owner = {{0}};

    ok = ia_sms_facts_asset(&a, &f, l, &s->pins, s->store, (ia_asset_kind)k, object, e);
    proven = ok && f.has && ia_asset_prove(&owner, &s->pins, (ia_asset_kind)k, object, &f, &why);
    if (proven || why.code == IA_E_OWNER_UNPROVEN)
      *out =
          (ia_sms_owned){owner, f.n_transfers,
                         f.n_transfers > 0 ? f.transfers[f.n_transfers - 1].from : (ia_addr){{0}}};
    if (ok && !proven && e && (e->code == IA_OK || f.has))
      *e = why;
  }
  ok = ok && ia_sms_in_time(l, e);
  ia_sms_give_ledger(s, l, !ok);
  if (!ok || proven)
    return ok;
  if (e && e->code != IA_E_OWNER_UNPROVEN && e->code != IA_E_ASSET_MISMATCH)
    ia_fail(e, IA_E_OWNER_UNPROVEN, "%s is neither an app nor a dataset whose owner is proven",
            ia_addr_text(object).s);
  return false;
}

struct message {
  ia_sms *s;
  const char *kind;
  ia_addr object, signer;
  uint64_t version, moves;
  ia_buf body; /* canonical */
  uint8_t sig[65];
  const json_t *json;
  const char *value; /* of "rotate" */
  bool done;         /* a transfer that the ledger has proven already: there is nothing to keep */
};

/* -- what each kind does, inside the unit that stores it -- */
static bool k_policy(struct message *m, ia_db *db, ia_err *e)
{
  IA_AUTOV(ia_policy) p = ia_policy_none();

  (void)db;
  return ia_policy_parse(&p, ia_buf_view(&m->body), e);
}

static bool bar(ia_db *db, const struct message *m, const ia_h256 *order, ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};

  ia_entry_begin(&x, IA_J_REVOKED);
  ia_entry_addr(&x, &m->object);
  ia_entry_h256(&x, order);
  ia_entry_addr(&x, &m->signer);
  return ia_journal_put(db, &x, NULL, e);
}

static bool k_revoke(struct message *m, ia_db *db, ia_err *e)
{
  IA_AUTOV(ia_revocation) r = {0};
  static const ia_h256 all;

  if (!ia_revocation_parse(&r, ia_buf_view(&m->body), e) || (r.all && !bar(db, m, &all, e)))
    return false;
  for (size_t i = 0; i < r.n; i++)
    if (!bar(db, m, &r.orders[i], e))
      return false;
  return true;
}

/* The terms of one grant: they bind its order alone, and replace what was said of it before. */
static bool k_grant(struct message *m, ia_db *db, ia_err *e)
{
  IA_AUTOV(ia_terms) t = {0};
  IA_AUTOV(ia_entry) x = {0};

  if (!ia_terms_parse(&t, ia_buf_view(&m->body), e))
    return false;
  ia_entry_begin(&x, IA_J_TERMS);
  ia_entry_addr(&x, &m->object);
  ia_entry_h256(&x, &t.order);
  ia_entry_addr(&x, &m->signer);
  ia_entry_u64(&x, m->version);
  ia_entry_bytes(&x, ia_buf_view(&m->body));
  return ia_journal_put(db, &x, NULL, e);
}

static bool only_empty(struct message *m, ia_err *e)
{
  return ia_span_is(ia_buf_view(&m->body), "{}") ||
         ia_fail(e, IA_E_INVALID, "%s: the body is {}", m->kind);
}

static bool own_address(struct message *m, ia_err *e)
{
  return ia_addr_eq(&m->object, &m->signer) ||
         ia_fail(e, IA_E_INVALID, "%s: the object is the signer's own address", m->kind);
}

/* From now on only messages change the result keys of this address. */
static bool k_lock(struct message *m, ia_db *db, ia_err *e)
{
  (void)db;
  return own_address(m, e) && only_empty(m, e);
}

static bool k_transfer(struct message *m, ia_db *db, ia_err *e)
{
  static const char *const keys[] = {"to", NULL};
  ia_addr to;

  (void)db;
  return ia_json_only(m->json, keys, e) && ia_json_get_addr(m->json, "to", &to, e) &&
         (!ia_addr_zero(&to) || ia_fail(e, IA_E_INVALID, "transfer: \"to\" is the zero address"));
}

/* Destroys what is kept of a dataset or an app, with a mark that outlasts it. */
static bool k_forget(struct message *m, ia_db *db, ia_err *e)
{
  ia_sms_secret_id key = {.kind = IA_SECRET_DATASET, .address = m->object, .name = ""};
  ia_sms_secret_id secret = {
      .kind = IA_SECRET_APP, .address = m->object, .name = IA_APP_SECRET_INDEX};
  ia_vault_top top;

  if (!only_empty(m, e) || !ia_vault_look(db, &secret, &top, e))
    return false;
  return ia_vault_forget(db, top.held ? &secret : &key, &m->signer, ia_now(), e);
}

/* {"value":PEM}: a new result key of this address. */
static bool k_rotate(struct message *m, ia_db *db, ia_err *e)
{
  ia_sms_secret_id id = {
      .kind = IA_SECRET_WEB2, .address = m->object, .name = IA_RESULT_KEY_SECRET};
  ia_vault_outcome outcome;
  ia_vault_top top;

  if (!own_address(m, e) || !ia_vault_look(db, &id, &top, e))
    return false;
  const ia_vault_push put = {.value = ia_span_str(m->value),
                             .pusher = m->signer,
                             .now = ia_now(),
                             .version = top.version + 1};
  return ia_vault_put(db, &m->s->keys, &id, &put, &outcome, e);
}

/* What is judged before the store is taken: reading an RSA key takes time. */
static bool read_value(struct message *m, ia_err *e)
{
  static const char *const keys[] = {"value", NULL};
  const ia_sms_secret_id id = {.kind = IA_SECRET_WEB2, .name = IA_RESULT_KEY_SECRET};

  if (strcmp(m->kind, "rotate") != 0)
    return true;
  if (!ia_json_only(m->json, keys, e) || !ia_json_get_str(m->json, "value", &m->value, e))
    return false;
  if (strlen(m->value) > IA_SMS_SECRET_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "a secret is at most %d bytes", IA_SMS_SECRET_MAX);
  return ia_sms_secret_form(&id, ia_span_str(m->value), e);
}

static const struct {
  const char *kind;
  bool (*apply)(struct message *m, ia_db *db, ia_err *e);
} kinds[] = {
    {"policy", k_policy},     {"grant", k_grant},   {"revoke", k_revoke}, {"lock", k_lock},
    {"transfer", k_transfer}, {"forget", k_forget}, {"rotate", k_rotate},
};

/* The signer's newest version of this object and kind; same: it is this very message. */
static bool newest(struct message *m, ia_db *db, uint64_t *version, bool *same, ia_err *e)
{
  bool row = false;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "SELECT version, body FROM message"
                  " WHERE object = $1 AND kind = $2 AND signer = $3"
                  " ORDER BY version DESC LIMIT 1",
                  e))
    return false;
  ia_bind_addr(st, 1, &m->object);
  ia_bind_text(st, 2, m->kind);
  ia_bind_addr(st, 3, &m->signer);
  if (!ia_stmt_step(st, &row, e))
    return false;
  *version = row ? ia_col_u64(st, 0) : 0;
  *same = row && *version == m->version && ia_span_eq(ia_col_bytes(st, 1), ia_buf_view(&m->body));
  ia_stmt_reset(st);
  return true;
}

static bool insert(struct message *m, ia_db *db, ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};

  ia_entry_begin(&x, IA_J_MESSAGE);
  ia_entry_addr(&x, &m->object);
  ia_entry_text(&x, ia_span_str(m->kind));
  ia_entry_u64(&x, m->version);
  ia_entry_addr(&x, &m->signer);
  ia_entry_u64(&x, ia_now());
  ia_entry_u64(&x, m->moves);
  ia_entry_bytes(&x, ia_buf_view(&m->body));
  ia_entry_bytes(&x, IA_SPAN_ARR(m->sig));
  return ia_journal_put(db, &x, NULL, e) &&
         ia_sms_audit_message(db, &m->object, &m->signer, m->kind, m->version,
                              ia_buf_view(&m->body), e);
}

static bool unit_message(void *ctx, ia_db *db, ia_err *e)
{
  struct message *m = ctx;
  uint64_t version = 0;
  bool same = false;

  if (!newest(m, db, &version, &same, e))
    return false;
  if (same)
    return true;
  if (m->version <= version)
    return ia_fail(e, IA_E_POLICY_ROLLBACK, "version %llu of this %s message is not above %llu",
                   (unsigned long long)m->version, m->kind, (unsigned long long)version);
  if (m->version - version > VERSION_STEP)
    return ia_fail(e, IA_E_INVALID, "version %llu of this %s message is more than %d above %llu",
                   (unsigned long long)m->version, m->kind, VERSION_STEP,
                   (unsigned long long)version);
  for (size_t i = 0; i < IA_COUNT(kinds); i++)
    if (strcmp(m->kind, kinds[i].kind) == 0)
      return kinds[i].apply(m, db, e) && insert(m, db, e);
  return ia_fail(e, IA_E_UNSUPPORTED, "no message of kind \"%.32s\" is taken here", m->kind);
}

static bool read_message(struct message *m, json_t *v, ia_err *e)
{
  static const char *const keys[] = {"kind", "object", "version", "body", "sig", NULL};
  IA_AUTOV(ia_buf) sig = {.cap = 128};
  json_t *body;

  if (!ia_json_only(v, keys, e) || !ia_json_get_str(v, "kind", &m->kind, e) ||
      !ia_json_get_addr(v, "object", &m->object, e) ||
      !ia_json_get_u64(v, "version", &m->version, e) || !ia_json_get_obj(v, "body", &body, e) ||
      !ia_json_get_hex(v, "sig", &sig, e) || !ia_json_canonical(&m->body, body, e))
    return false;
  m->json = body;
  if (sig.len != sizeof(m->sig) || m->version == 0 || m->version > INT64_MAX)
    return ia_fail(e, IA_E_INVALID, "sig is 65 bytes, version a number above 0");
  memcpy(m->sig, sig.ptr, sizeof(m->sig));
  return true;
}

/* The seller's consent to a transfer that its own transaction proves: she has what she wants. */
static bool is_transferred(const struct message *m, const ia_sms_owned *owned)
{
  ia_addr to;

  return strcmp(m->kind, "transfer") == 0 && ia_addr_eq(&m->signer, &owned->seller) &&
         !ia_addr_eq(&m->signer, &owned->owner) && json_object_size(m->json) == 1 &&
         ia_json_get_addr(m->json, "to", &to, NULL) && ia_addr_eq(&to, &owned->owner);
}

/* Who may say something of the object. Where a transfer is not proven, that is the last proven
 * owner with the one thing that can prove it: her consent. */
static bool may_speak(ia_sms *s, struct message *m, ia_err *e)
{
  ia_sms_owned owned;
  ia_err why = {0};

  if (!ia_sms_object_owner(s, &m->object, &m->signer, &owned, &why) &&
      (why.code != IA_E_OWNER_UNPROVEN || strcmp(m->kind, "transfer") != 0 ||
       ia_addr_zero(&owned.owner))) {
    if (e)
      *e = why;
    return false;
  }
  m->moves = owned.moves;
  m->done = why.code == IA_OK && is_transferred(m, &owned);
  return m->done || ia_addr_eq(&m->signer, &owned.owner) ||
         ia_fail(e, IA_E_UNAUTHORIZED, "not signed by the proven owner of this object");
}

static bool take_message(ia_sms *s, struct message *m, ia_h256 *hash, ia_err *e)
{
  ia_owner_message msg = {.domain = s->domain,
                          .kind = m->kind,
                          .chain_id = s->pins.chain_id,
                          .hub = s->pins.hub,
                          .sms_key = s->keys.sms_key,
                          .object = m->object,
                          .version = m->version,
                          .body = ia_buf_view(&m->body)};

  if (!ia_owner_message_hash(hash, &msg, e))
    return false;
  if (!ia_eip191_recover(&m->signer, IA_SPAN_ARR(hash->b), IA_SPAN_ARR(m->sig), NULL))
    return ia_fail(e, IA_E_UNAUTHORIZED, "the message is not signed");
  return may_speak(s, m, e) &&
         (m->done || (read_value(m, e) && ia_sms_store_run(s->store, unit_message, m, e)));
}

bool ia_sms_h_message(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *v = ia_request_json(rq, e);
  IA_AUTOV(ia_buf) text = {0};
  struct message m = {.s = ctx};
  ia_h256 hash;
  bool ok = v && read_message(&m, v, e) && take_message(ctx, &m, &hash, e);

  ia_buf_free(&m.body);
  ia_crash_point("sms.message.reply");
  return ok && ia_owner_ok_text(&text, &hash, e) &&
         ia_sms_reply_signed(ctx, "owner-ok", &text, rp, e);
}

/* -- the newest version of a kind of one's own messages, on which the next one builds -- */
static bool unit_version(void *ctx, ia_db *db, ia_err *e)
{
  struct message *m = ctx;
  bool same;

  return newest(m, db, &m->version, &same, e);
}

bool ia_sms_h_version(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms *s = ctx;
  struct message m = {.s = s};
  IA_AUTO_JSON *asked = NULL, *answer = NULL;
  ia_sms_asker asker;
  ia_span text;

  if (!ia_request_query(rq, "object", &text) || !ia_addr_parse(&m.object, text, NULL))
    return ia_fail(e, IA_E_INVALID, "object is missing");
  if (!ia_request_query(rq, "kind", &text))
    return ia_fail(e, IA_E_INVALID, "kind is missing");
  for (size_t i = 0; i < IA_COUNT(kinds); i++)
    if (ia_span_is(text, kinds[i].kind))
      m.kind = kinds[i].kind;
  if (!m.kind)
    return ia_fail(e, IA_E_UNSUPPORTED, "no message of that kind is taken here");
  asked = json_pack("{s:s}", "kind", m.kind);
  if (!asked)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  if (!ia_sms_asker_read(s, rq, "audit", &m.object, asked, &asker, e))
    return false;
  m.signer = asker.signer;
  if (!ia_sms_store_run(s->store, unit_version, &m, e))
    return false;
  answer = json_pack("{s:I}", "version", (json_int_t)m.version);
  return answer ? ia_sms_reply_sealed(s, &asker, answer, rp, e)
                : ia_fail(e, IA_E_MEMORY, "sms: no memory");
}
