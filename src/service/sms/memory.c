#include "client/secret_auth.h"
#include "crypto/sha.h"
#include "service/sms/internal.h"
#include "service/sms/secret_form.h"

enum { DAY = 86400 };

/* One number from a query whose parameters are bound; 0 without a row. */
static bool number_of(ia_stmt *st, uint64_t *out, bool *has, ia_err *e)
{
  bool row = false;

  if (!ia_stmt_step(st, &row, e))
    return false;
  *out = row ? ia_col_u64(st, 0) : 0;
  if (has)
    *has = row;
  ia_stmt_reset(st);
  return true;
}

static bool m_fencing(void *ctx, const ia_h256 *task, bool *has, uint64_t *highest, ia_addr *worker,
                      ia_err *e)
{
  const ia_sms_memory *m = ctx;
  ia_stmt *st;
  bool ok;

  if (!ia_db_stmt(&st, m->db, "SELECT fencing, worker FROM fence WHERE task = $1", e))
    return false;
  ia_bind_h256(st, 1, task);
  if (!ia_stmt_step(st, has, e))
    return false;
  if (!*has)
    return true;
  *highest = ia_col_u64(st, 0);
  ok = ia_col_addr(st, 1, worker, e);
  ia_stmt_reset(st);
  return ok;
}

static bool m_rolled_back(void *ctx, bool *stop, ia_err *e)
{
  const ia_sms_memory *m = ctx;
  uint64_t v = 0;
  bool has;

  if (!ia_sms_meta_u64(m->db, "rolledBack", &v, &has, e))
    return false;
  *stop = v != 0;
  return true;
}

static bool m_releases(void *ctx, const ia_h256 *task, ia_release_past *past, ia_err *e)
{
  const ia_sms_memory *m = ctx;
  bool row = false;
  ia_stmt *st;

  *past = (ia_release_past){0};
  if (!ia_db_stmt(&st, m->db, "SELECT time FROM release WHERE task = $1 ORDER BY seq", e))
    return false;
  ia_bind_h256(st, 1, task);
  for (;;) {
    if (!ia_stmt_step(st, &row, e))
      return false;
    if (!row)
      break;
    past->n++;
    past->used = ia_release_pace_add(past->used, ia_col_u64(st, 0));
  }
  if (!ia_db_stmt(&st, m->db, "SELECT count(*) FROM ended WHERE task = $1", e))
    return false;
  ia_bind_h256(st, 1, task);
  return number_of(st, &past->failed, NULL, e);
}

static bool m_order_tasks(void *ctx, const ia_h256 *order, const ia_h256 *task, uint64_t *n,
                          ia_err *e)
{
  const ia_sms_memory *m = ctx;
  ia_stmt *st;

  if (!ia_db_stmt(&st, m->db,
                  "SELECT count(DISTINCT task) FROM"
                  " (SELECT task FROM release WHERE order_hash = $1 UNION"
                  " SELECT task FROM release_slice WHERE order_hash = $1) WHERE task <> $2",
                  e))
    return false;
  ia_bind_h256(st, 1, order);
  ia_bind_h256(st, 2, task);
  return number_of(st, n, NULL, e);
}

static bool m_closed(void *ctx, const ia_h256 *order, const ia_h256 *deal, bool *barred, ia_err *e)
{
  const ia_sms_memory *m = ctx;
  uint64_t closed = 0, seen = 0;
  bool is_closed = false, is_seen = false;
  ia_stmt *st;

  if (!ia_db_stmt(&st, m->db, "SELECT seq FROM closed WHERE order_hash = $1", e))
    return false;
  ia_bind_h256(st, 1, order);
  if (!number_of(st, &closed, &is_closed, e) ||
      !ia_db_stmt(&st, m->db, "SELECT seq FROM deal WHERE deal = $1", e))
    return false;
  ia_bind_h256(st, 1, deal);
  if (!number_of(st, &seen, &is_seen, e))
    return false;
  *barred = is_closed && (!is_seen || closed < seen);
  return true;
}

static bool m_revoked(void *ctx, const ia_addr *object, const ia_addr *owner, const ia_h256 *order,
                      bool *barred, ia_err *e)
{
  static const ia_h256 all;
  const ia_sms_memory *m = ctx;
  uint64_t n = 0;
  ia_stmt *st;

  if (!ia_db_stmt(&st, m->db,
                  "SELECT count(*) FROM revoked WHERE object = $1 AND order_hash IN ($2, $3)"
                  " AND signer = $4",
                  e))
    return false;
  ia_bind_addr(st, 1, object);
  ia_bind_h256(st, 2, order);
  ia_bind_h256(st, 3, &all);
  ia_bind_addr(st, 4, owner);
  if (!number_of(st, &n, NULL, e))
    return false;
  *barred = n > 0;
  return true;
}

static bool m_policy(void *ctx, const ia_addr *dataset, const ia_addr *owner, bool *has,
                     ia_policy *p, ia_h256 *hash, uint64_t *epoch, ia_err *e)
{
  const ia_sms_memory *m = ctx;
  ia_stmt *st;
  bool ok;

  if (!ia_db_stmt(&st, m->db,
                  "SELECT version, body FROM message"
                  " WHERE object = $1 AND kind = 'policy' AND signer = $2",
                  e))
    return false;
  ia_bind_addr(st, 1, dataset);
  ia_bind_addr(st, 2, owner);
  if (!ia_stmt_step(st, has, e))
    return false;
  if (!*has)
    return true;
  *epoch = ia_col_u64(st, 0);
  ia_sha256(hash, ia_col_bytes(st, 1));
  ok = ia_policy_parse(p, ia_col_bytes(st, 1), e);
  ia_stmt_reset(st);
  return ok;
}

static bool m_terms(void *ctx, const ia_addr *dataset, const ia_addr *owner, const ia_h256 *order,
                    bool *has, ia_terms *t, ia_h256 *hash, uint64_t *version, ia_err *e)
{
  const ia_sms_memory *m = ctx;
  ia_stmt *st;
  bool ok;

  if (!ia_db_stmt(&st, m->db,
                  "SELECT version, body FROM terms"
                  " WHERE object = $1 AND order_hash = $2 AND signer = $3",
                  e))
    return false;
  ia_bind_addr(st, 1, dataset);
  ia_bind_h256(st, 2, order);
  ia_bind_addr(st, 3, owner);
  if (!ia_stmt_step(st, has, e))
    return false;
  if (!*has)
    return true;
  *version = ia_col_u64(st, 0);
  ia_sha256(hash, ia_col_bytes(st, 1));
  ok = ia_terms_parse(t, ia_col_bytes(st, 1), e);
  ia_stmt_reset(st);
  return ok;
}

static bool m_dataset_tasks(void *ctx, const ia_addr *dataset, const ia_h256 *task, uint64_t now,
                            uint64_t *total, uint64_t *today, ia_err *e)
{
  static const char sql[] = "SELECT count(DISTINCT task) FROM"
                            " (SELECT task FROM release WHERE dataset = $1 AND time >= $3 UNION"
                            " SELECT task FROM release_slice WHERE dataset = $1 AND time >= $3)"
                            " WHERE task <> $2";
  const ia_sms_memory *m = ctx;
  uint64_t *out[] = {total, today};
  uint64_t since[] = {0, now - now % DAY};

  for (int i = 0; i < 2; i++) {
    ia_stmt *st;

    if (!ia_db_stmt(&st, m->db, sql, e))
      return false;
    ia_bind_addr(st, 1, dataset);
    ia_bind_h256(st, 2, task);
    ia_bind_u64(st, 3, since[i]);
    if (!number_of(st, out[i], NULL, e))
      return false;
  }
  return true;
}

static bool m_secret(void *ctx, ia_secret_kind kind, const ia_addr *of, const char *name, bool *has,
                     ia_addr *pusher, ia_err *e)
{
  const ia_sms_memory *m = ctx;
  ia_sms_secret_id id = {kind, *of, name};

  return ia_vault_get(m->db, &m->sms->keys, &id, m->now, has, NULL, pusher, e);
}

/* When the deal was first seen; now when it was not (a planned one). */
static bool deal_time(const ia_sms_memory *m, const ia_h256 *deal, uint64_t *time, ia_err *e)
{
  ia_stmt *st;
  bool has = false;

  if (!ia_db_stmt(&st, m->db, "SELECT time FROM deal WHERE deal = $1", e))
    return false;
  ia_bind_h256(st, 1, deal);
  if (!number_of(st, time, &has, e))
    return false;
  if (!has)
    *time = m->now;
  return true;
}

static bool m_result_key(void *ctx, const ia_addr *of, const ia_h256 *deal, bool *has, ia_buf *pem,
                         ia_err *e)
{
  const ia_sms_memory *m = ctx;
  ia_sms_secret_id id = {IA_SECRET_WEB2, *of, IA_RESULT_KEY_SECRET};
  IA_AUTOV(ia_secret) value = {0};
  ia_addr pusher;
  uint64_t until;

  if (!deal_time(m, deal, &until, e) ||
      !ia_vault_get(m->db, &m->sms->keys, &id, until, has, &value, &pusher, e))
    return false;
  if (!*has)
    return true;
  ia_sms_result_key_pem(pem, ia_secret_view(&value));
  return ia_buf_ok(pem, e);
}

ia_release_memory ia_sms_memory_view(ia_sms_memory *m)
{
  return (ia_release_memory){.ctx = m,
                             .fencing = m_fencing,
                             .rolled_back = m_rolled_back,
                             .releases = m_releases,
                             .order_tasks = m_order_tasks,
                             .closed = m_closed,
                             .revoked = m_revoked,
                             .policy = m_policy,
                             .terms = m_terms,
                             .dataset_tasks = m_dataset_tasks,
                             .secret = m_secret,
                             .result_key = m_result_key};
}
