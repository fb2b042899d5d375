#include "service/sms/vault.h"

#include "crypto/sha.h"
#include "service/sms/journal.h"
#include "tee/push.h"

const char *ia_vault_kind_name(ia_secret_kind kind)
{
  static const char *const names[] = {[IA_SECRET_DATASET] = "dataset",
                                      [IA_SECRET_APP] = "app",
                                      [IA_SECRET_REQUESTER] = "requester",
                                      [IA_SECRET_WEB2] = "web2"};

  return names[kind];
}

static void bind_id(ia_stmt *st, const ia_sms_secret_id *id)
{
  ia_bind_i64(st, 1, id->kind);
  ia_bind_addr(st, 2, &id->address);
  ia_bind_text(st, 3, id->name);
}

static void entry_id(ia_entry *x, const ia_sms_secret_id *id)
{
  ia_entry_u64(x, (uint64_t)id->kind);
  ia_entry_addr(x, &id->address);
  ia_entry_text(x, ia_span_str(id->name));
}

/* One row of the table: where its bytes lie, and their hash; zero is the mark of a forgotten one.
 */
typedef struct version {
  ia_sms_place at;
  ia_h256 digest;
  uint64_t seq;
} version;

/* The newest not after `until`. */
static bool newest(ia_db *db, const ia_sms_secret_id *id, uint64_t until, bool *row, version *out,
                   ia_err *e)
{
  ia_stmt *st;
  bool ok;

  *out = (version){
      .at = {.table = ia_vault_kind_name(id->kind), .address = id->address, .name = id->name}};
  if (!ia_db_stmt(&st, db,
                  "SELECT version, pusher, digest, time, at FROM secret"
                  " WHERE kind = $1 AND address = $2 AND name = $3 AND time <= $4"
                  " ORDER BY version DESC LIMIT 1",
                  e))
    return false;
  bind_id(st, id);
  ia_bind_u64(st, 4, until);
  if (!ia_stmt_step(st, row, e))
    return false;
  if (!*row)
    return true;
  out->at.version = ia_col_u64(st, 0);
  out->at.time = ia_col_u64(st, 3);
  out->seq = ia_col_u64(st, 4);
  ok = ia_col_addr(st, 1, &out->at.pusher, e) && ia_col_h256(st, 2, &out->digest, e);
  ia_stmt_reset(st);
  return ok;
}

static bool open_version(ia_secret *value, ia_db *db, const ia_sms_keys *k, const version *v,
                         ia_err *e)
{
  IA_AUTOV(ia_buf) sealed = {0};

  return ia_journal_kept(db, v->seq, IA_SPAN_ARR(v->digest.b), &sealed, e) &&
         ia_sms_unseal(value, k, &v->at, ia_buf_view(&sealed), e);
}

static bool look(ia_db *db, const ia_sms_secret_id *id, ia_vault_top *out, version *v, ia_err *e)
{
  bool row;

  *out = (ia_vault_top){0};
  if (!newest(db, id, INT64_MAX, &row, v, e))
    return false;
  if (row)
    *out = (ia_vault_top){.version = v->at.version,
                          .held = !ia_h256_zero(&v->digest),
                          .forgotten = ia_h256_zero(&v->digest)};
  return true;
}

bool ia_vault_look(ia_db *db, const ia_sms_secret_id *id, ia_vault_top *out, ia_err *e)
{
  version v;

  return look(db, id, out, &v, e);
}

/* sealed empty: the mark. */
static bool insert(ia_db *db, const ia_sms_secret_id *id, const ia_sms_place *at, ia_span sealed,
                   ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};
  ia_h256 digest = {{0}};
  uint64_t seq;

  if (sealed.len > 0)
    ia_sha256(&digest, sealed);
  ia_entry_begin(&x, IA_J_SECRET);
  entry_id(&x, id);
  ia_entry_u64(&x, at->version);
  ia_entry_addr(&x, &at->pusher);
  ia_entry_u64(&x, at->time);
  ia_entry_h256(&x, &digest);
  return ia_journal_put(db, &x, &seq, e) &&
         (sealed.len == 0 || ia_journal_keep(db, seq, sealed, e));
}

typedef struct history {
  uint64_t n, oldest, oldest_seq;
  uint64_t replaced; /* when the oldest was */
} history;

static bool history_of(ia_db *db, const ia_sms_secret_id *id, history *h, ia_err *e)
{
  bool row = false;
  ia_stmt *st;

  *h = (history){0};
  if (!ia_db_stmt(&st, db,
                  "SELECT version, time, at FROM secret"
                  " WHERE kind = $1 AND address = $2 AND name = $3 ORDER BY version",
                  e))
    return false;
  bind_id(st, id);
  for (;; h->n++) {
    if (!ia_stmt_step(st, &row, e))
      return false;
    if (!row)
      return true;
    if (h->n == 0) {
      h->oldest = ia_col_u64(st, 0);
      h->oldest_seq = ia_col_u64(st, 2);
    }
    if (h->n == 1)
      h->replaced = ia_col_u64(st, 1);
  }
}

/* A deal takes the version that stood when it was seen, and no deal is open for so long. */
static bool make_room(ia_db *db, const ia_sms_secret_id *id, const ia_vault_push *p, ia_err *e)
{
  uint64_t most = p->version > 0 ? IA_SMS_VERSIONS_MAX : IA_SMS_VERSIONS_PLAIN;
  IA_AUTOV(ia_entry) x = {0};
  history h;

  if (!history_of(db, id, &h, e))
    return false;
  if (h.n < most)
    return true;
  if (h.replaced + IA_SMS_VERSION_DAYS * UINT64_C(86400) > p->now)
    return ia_fail(e, IA_E_TOO_LARGE,
                   "%llu versions of this secret are kept, the oldest is in use for %d days%s",
                   (unsigned long long)h.n, IA_SMS_VERSION_DAYS,
                   p->version > 0 ? ""
                                  : "; only a push that names its version is taken until then");
  ia_entry_begin(&x, IA_J_OUTDATED);
  entry_id(&x, id);
  ia_entry_u64(&x, h.oldest);
  return ia_journal_destroy(db, h.oldest_seq, e) && ia_journal_put(db, &x, NULL, e);
}

/* What iExec's form says of what must be there, and ours of versions; *out when nothing is to be
 * written. */
static bool judge(const ia_sms_secret_id *id, const ia_vault_push *p, const ia_vault_top *top,
                  bool same, ia_vault_outcome *out, ia_err *e)
{
  bool once = id->kind != IA_SECRET_WEB2;

  *out = IA_VAULT_STORED;
  if (p->version > top->version && p->version - top->version > IA_PUSH_STEP)
    return ia_fail(e, IA_E_INVALID, "version %llu is more than %d above %llu",
                   (unsigned long long)p->version, IA_PUSH_STEP, (unsigned long long)top->version);
  if (p->version == 0 && top->forgotten)
    return ia_fail(e, IA_E_FORBIDDEN,
                   "this secret was forgotten: only a push that names its version is taken");
  if (p->version == 0 && !p->replace && top->held)
    *out = IA_VAULT_EXISTS;
  else if (p->version == 0 && p->replace && !top->held)
    return ia_fail(e, IA_E_NOT_FOUND, "no secret of that name is here");
  else if (same)
    *out = IA_VAULT_SAME;
  else if (top->held && once)
    *out = IA_VAULT_EXISTS;
  else if (p->version > 0 && p->version <= top->version)
    *out = IA_VAULT_NEWER;
  return true;
}

bool ia_vault_put(ia_db *db, const ia_sms_keys *k, const ia_sms_secret_id *id,
                  const ia_vault_push *p, ia_vault_outcome *out, ia_err *e)
{
  IA_AUTOV(ia_secret) held = {0};
  IA_AUTOV(ia_buf) sealed = {0};
  ia_vault_top top;
  bool same = false;
  version v;

  if (!look(db, id, &top, &v, e) || (top.held && !open_version(&held, db, k, &v, e)))
    return false;
  if (top.held)
    same = ia_addr_eq(&v.at.pusher, &p->pusher) && held.len == p->value.len &&
           ia_ct_eq(held.ptr, p->value.ptr, held.len);
  if (!judge(id, p, &top, same, out, e))
    return false;
  if (*out != IA_VAULT_STORED)
    return true;
  v.at.version = p->version > 0 ? p->version : top.version + 1;
  v.at.pusher = p->pusher;
  v.at.time = p->now;
  return make_room(db, id, p, e) && ia_sms_seal(&sealed, k, &v.at, p->value, e) &&
         insert(db, id, &v.at, ia_buf_view(&sealed), e);
}

bool ia_vault_get(ia_db *db, const ia_sms_keys *k, const ia_sms_secret_id *id, uint64_t until,
                  bool *has, ia_secret *value, ia_addr *pusher, ia_err *e)
{
  version v;

  if (!newest(db, id, until, has, &v, e))
    return false;
  *has = *has && !ia_h256_zero(&v.digest);
  *pusher = v.at.pusher;
  return !*has || !value || open_version(value, db, k, &v, e);
}

bool ia_vault_forget(ia_db *db, const ia_sms_secret_id *id, const ia_addr *by, uint64_t now,
                     ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};
  bool row = false, ok = true;
  ia_vault_top top;
  ia_stmt *st;
  version v;

  if (!look(db, id, &top, &v, e) ||
      !ia_db_stmt(&st, db, "SELECT at FROM secret WHERE kind = $1 AND address = $2 AND name = $3",
                  e))
    return false;
  bind_id(st, id);
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row)
    ok = ia_journal_destroy(db, ia_col_u64(st, 0), e);
  ia_stmt_reset(st);
  ia_entry_begin(&x, IA_J_FORGET);
  entry_id(&x, id);
  v.at.version = top.version + 1;
  v.at.pusher = *by;
  v.at.time = now;
  return ok && ia_journal_put(db, &x, NULL, e) && insert(db, id, &v.at, ia_span_of(NULL, 0), e);
}

bool ia_vault_named(ia_db *db, const ia_sms_secret_id *id, bool *is, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "SELECT 1 FROM secret WHERE kind = $1 AND address = $2"
                  " AND lower(name) = lower($3) LIMIT 1",
                  e))
    return false;
  bind_id(st, id);
  if (!ia_stmt_step(st, is, e))
    return false;
  ia_stmt_reset(st);
  return true;
}
