#include "service/sms/vault.h"

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
  ia_stmt *st;

  if (!ia_sms_secret_form(id, value, e) || !newest(db, id, &at.version, e))
    return false;
  if (at.version > 0 && !replace)
    return ia_fail(e, IA_E_EXISTS, "a secret of that name is here already");
  if (at.version == 0 && replace)
    return ia_fail(e, IA_E_NOT_FOUND, "no secret of that name is here");
  at.version++;
  if (!ia_sms_seal(&sealed, k, &at, value, e) ||
      !ia_db_stmt(&st, db,
                  "INSERT INTO secret (kind, address, name, version, pusher, time, sealed)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                  e))
    return false;
  bind_id(st, id);
  ia_bind_u64(st, 4, at.version);
  ia_bind_addr(st, 5, pusher);
  ia_bind_u64(st, 6, now);
  ia_bind_blob(st, 7, ia_buf_view(&sealed));
  return ia_stmt_run(st, e);
}

bool ia_vault_get(ia_db *db, const ia_sms_keys *k, const ia_sms_secret_id *id, uint64_t until,
                  bool *has, ia_secret *value, ia_addr *pusher, ia_err *e)
{
  ia_sms_place at = {.table = table_of(id->kind), .address = id->address, .name = id->name};
  ia_stmt *st;
  bool ok;

  if (!ia_db_stmt(&st, db,
                  "SELECT version, pusher, sealed, time FROM secret"
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
       (!value || ia_sms_unseal(value, k, &at, ia_col_bytes(st, 2), e));
  *pusher = at.pusher;
  ia_stmt_reset(st);
  return ok;
}

bool ia_vault_forget(ia_db *db, const ia_sms_secret_id *id, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "DELETE FROM secret WHERE kind = $1 AND address = $2 AND name = $3", e))
    return false;
  bind_id(st, id);
  return ia_stmt_run(st, e);
}
