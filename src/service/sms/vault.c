#include "service/sms/vault.h"

#include "crypto/sha.h"
#include "service/sms/secret_form.h"

static const char *table_of(ia_secret_kind kind)
{
  static const char *const names[] = {"dataset", "app", "requester", "web2"};

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

static bool newest(ia_db *db, const ia_sms_secret_id *id, uint64_t *version, ia_err *e)
{
  ia_stmt *st;
  bool row = false;

  if (!ia_db_stmt(&st, db,
                  "SELECT coalesce(max(version), 0) FROM secret"
                  " WHERE kind = $1 AND address = $2 AND name = $3",
                  e))
    return false;
  bind_id(st, id);
  if (!ia_stmt_step(st, &row, e))
    return false;
  *version = ia_col_u64(st, 0);
  ia_stmt_reset(st);
  return true;
}

bool ia_vault_has(ia_db *db, const ia_sms_secret_id *id, bool *has, ia_err *e)
{
  uint64_t version = 0;

  if (!newest(db, id, &version, e))
    return false;
  *has = version > 0;
  return true;
}

bool ia_vault_put(ia_db *db, const ia_sms_keys *k, const ia_sms_secret_id *id, ia_span value,
                  const ia_addr *pusher, uint64_t now, bool replace, ia_err *e)
{
  ia_sms_place at = {.table = table_of(id->kind),
                     .address = id->address,
                     .name = id->name,
                     .pusher = *pusher,
                     .time = now};
  IA_AUTOV(ia_buf) sealed = {0};
  IA_AUTOV(ia_entry) x = {0};
  ia_h256 digest;
  uint64_t seq;

  if (!ia_sms_secret_form(id, value, e) || !newest(db, id, &at.version, e))
    return false;
  if (at.version > 0 && !replace)
    return ia_fail(e, IA_E_EXISTS, "a secret of that name is here already");
  if (at.version == 0 && replace)
    return ia_fail(e, IA_E_NOT_FOUND, "no secret of that name is here");
  at.version++;
  if (!ia_sms_seal(&sealed, k, &at, value, e))
    return false;
  ia_sha256(&digest, ia_buf_view(&sealed));
  ia_entry_begin(&x, IA_J_SECRET);
  entry_id(&x, id);
  ia_entry_u64(&x, at.version);
  ia_entry_addr(&x, pusher);
  ia_entry_u64(&x, now);
  ia_entry_h256(&x, &digest);
  return ia_journal_put(db, &x, &seq, e) && ia_journal_keep(db, seq, ia_buf_view(&sealed), e);
}

bool ia_vault_get(ia_db *db, const ia_sms_keys *k, const ia_sms_secret_id *id, uint64_t until,
                  bool *has, ia_secret *value, ia_addr *pusher, ia_err *e)
{
  ia_sms_place at = {.table = table_of(id->kind), .address = id->address, .name = id->name};
  IA_AUTOV(ia_buf) sealed = {0};
  ia_stmt *st;
  bool ok;

  if (!ia_db_stmt(&st, db,
                  "SELECT version, pusher, digest, time, at FROM secret"
                  " WHERE kind = $1 AND address = $2 AND name = $3 AND time <= $4"
                  " ORDER BY version DESC LIMIT 1",
                  e))
    return false;
  bind_id(st, id);
  ia_bind_u64(st, 4, until);
  if (!ia_stmt_step(st, has, e))
    return false;
  if (!*has)
    return true;
  at.version = ia_col_u64(st, 0);
  at.time = ia_col_u64(st, 3);
  ok = ia_col_addr(st, 1, &at.pusher, e) &&
       (!value || (ia_journal_kept(db, ia_col_u64(st, 4), ia_col_bytes(st, 2), &sealed, e) &&
                   ia_sms_unseal(value, k, &at, ia_buf_view(&sealed), e)));
  *pusher = at.pusher;
  ia_stmt_reset(st);
  return ok;
}

bool ia_vault_forget(ia_db *db, const ia_sms_secret_id *id, ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};
  bool row = false, ok = true;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "SELECT at FROM secret WHERE kind = $1 AND address = $2 AND name = $3",
                  e))
    return false;
  bind_id(st, id);
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row)
    ok = ia_journal_destroy(db, ia_col_u64(st, 0), e);
  ia_stmt_reset(st);
  ia_entry_begin(&x, IA_J_FORGET);
  entry_id(&x, id);
  return ok && ia_journal_put(db, &x, NULL, e);
}
