/* Prepared statements. */
#include <stdio.h>
#include <string.h>

#include "store/db_int.h"

static void stmt_free(ia_stmt *s)
{
  (void)sqlite3_finalize(s->s);
  free(s->at);
  free(s);
}

void ia_stmts_free(ia_db *db)
{
  while (db->stmts) {
    ia_stmt *s = db->stmts;

    db->stmts = s->next;
    stmt_free(s);
  }
}

void ia_stmts_reset(ia_db *db)
{
  for (ia_stmt *s = db->stmts; s; s = s->next)
    (void)sqlite3_reset(s->s);
}

/* $1.. by their number; $name by SQLite's own index. */
static bool map_params(ia_stmt *s, ia_err *e)
{
  char name[16];

  s->n_params = sqlite3_bind_parameter_count(s->s);
  if (s->n_params > PARAMS_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "more than %d parameters", PARAMS_MAX);
  s->at = calloc((size_t)s->n_params + 1, sizeof(*s->at));
  if (!s->at)
    return ia_fail(e, IA_E_MEMORY, "no memory for a statement");
  for (int i = 1; i <= s->n_params; i++) {
    (void)snprintf(name, sizeof(name), "$%d", i);
    int at = sqlite3_bind_parameter_index(s->s, name);
    s->at[i] = at > 0 ? at : i;
  }
  return true;
}

static bool prepare(ia_stmt **out, ia_db *db, const char *sql, ia_err *e)
{
  const char *tail = NULL;
  ia_stmt *s = calloc(1, sizeof(*s));

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "no memory for a statement");
  s->db = db;
  s->sql = sql;
  bool ok = sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->s, &tail) ==
                SQLITE_OK ||
            ia_db_failed(db, "statement", e);
  if (ok && (!s->s || (tail && *tail)))
    ok = ia_fail(e, IA_E_INTERNAL, "want exactly one statement");
  if (!ok || !map_params(s, e)) {
    stmt_free(s);
    return false;
  }
  s->next = db->stmts;
  db->stmts = s;
  *out = s;
  return true;
}

bool ia_db_stmt(ia_stmt **out, ia_db *db, const char *sql, ia_err *e)
{
  ia_stmt *s = db->stmts;

  while (s && s->sql != sql)
    s = s->next;
  if (!s && !prepare(&s, db, sql, e))
    return false;
  (void)sqlite3_reset(s->s);
  (void)sqlite3_clear_bindings(s->s);
  s->bind_err = (ia_err){0};
  *out = s;
  return true;
}

bool ia_stmt_once(ia_stmt **out, ia_db *db, const char *sql, ia_err *e)
{
  if (!prepare(out, db, sql, e))
    return false;
  (*out)->sql = NULL;
  return true;
}

void ia_stmt_drop(ia_stmt *s)
{
  ia_stmt **at = s ? &s->db->stmts : NULL;

  while (at && *at != s)
    at = &(*at)->next;
  if (!at)
    return;
  *at = s->next;
  stmt_free(s);
}

static int spend(void *ctx)
{
  ia_db *db = ctx;

  return db->budget == 0 || --db->budget == 0;
}

void ia_db_budget(ia_db *db, uint64_t steps)
{
  db->budget = steps / BUDGET_UNIT + 1;
  sqlite3_progress_handler(db->sqlite, steps ? BUDGET_UNIT : 0, steps ? spend : NULL, db);
}

static void bound(ia_stmt *s, int i, int rc)
{
  if (rc != SQLITE_OK && s->bind_err.code == IA_OK) {
    if (rc == SQLITE_RANGE)
      (void)ia_fail(&s->bind_err, IA_E_INTERNAL, "no parameter %d", i);
    else
      (void)ia_fail(&s->bind_err, rc == SQLITE_TOOBIG ? IA_E_TOO_LARGE : IA_E_MEMORY,
                    "parameter %d: %s", i, sqlite3_errstr(rc));
  }
}

static int place(const ia_stmt *s, int i)
{
  return i > 0 && i <= s->n_params ? s->at[i] : 0;
}

void ia_bind_i64(ia_stmt *s, int i, int64_t v)
{
  bound(s, i, sqlite3_bind_int64(s->s, place(s, i), v));
}

void ia_bind_u64(ia_stmt *s, int i, uint64_t v)
{
  if (v > INT64_MAX)
    bound(s, i, SQLITE_TOOBIG);
  else
    ia_bind_i64(s, i, (int64_t)v);
}

void ia_bind_text(ia_stmt *s, int i, const char *v)
{
  bound(s, i, sqlite3_bind_text(s->s, place(s, i), v, -1, SQLITE_TRANSIENT));
}

void ia_bind_textn(ia_stmt *s, int i, ia_span v)
{
  bound(s, i,
        sqlite3_bind_text64(s->s, place(s, i), v.len ? (const char *)v.ptr : "", v.len,
                            SQLITE_TRANSIENT, SQLITE_UTF8));
}

void ia_bind_blob(ia_stmt *s, int i, ia_span v)
{
  bound(s, i,
        sqlite3_bind_blob64(s->s, place(s, i), v.len ? (const void *)v.ptr : "", v.len,
                            SQLITE_TRANSIENT));
}

void ia_bind_addr(ia_stmt *s, int i, const ia_addr *a)
{
  ia_bind_blob(s, i, IA_SPAN_ARR(a->b));
}

void ia_bind_h256(ia_stmt *s, int i, const ia_h256 *h)
{
  ia_bind_blob(s, i, IA_SPAN_ARR(h->b));
}

void ia_bind_null(ia_stmt *s, int i)
{
  bound(s, i, sqlite3_bind_null(s->s, place(s, i)));
}

int ia_bind_name(ia_stmt *s, const char *name)
{
  return sqlite3_bind_parameter_index(s->s, name);
}

bool ia_stmt_step(ia_stmt *s, bool *row, ia_err *e)
{
  *row = false;
  if (s->bind_err.code != IA_OK) {
    if (e)
      *e = s->bind_err;
    return false;
  }
  int rc = sqlite3_step(s->s);
  if (rc == SQLITE_ROW) {
    *row = true;
    return true;
  }
  if (rc != SQLITE_DONE)
    (void)ia_db_failed(s->db, "database", e);
  (void)sqlite3_reset(s->s);
  return rc == SQLITE_DONE;
}

bool ia_stmt_run(ia_stmt *s, ia_err *e)
{
  bool row = true;

  while (row)
    if (!ia_stmt_step(s, &row, e))
      return false;
  return true;
}

void ia_stmt_reset(ia_stmt *s)
{
  (void)sqlite3_reset(s->s);
}

bool ia_col_null(ia_stmt *s, int i)
{
  return sqlite3_column_type(s->s, i) == SQLITE_NULL;
}

int64_t ia_col_i64(ia_stmt *s, int i)
{
  return sqlite3_column_int64(s->s, i);
}

uint64_t ia_col_u64(ia_stmt *s, int i)
{
  int64_t v = sqlite3_column_int64(s->s, i);

  return v < 0 ? 0 : (uint64_t)v;
}

ia_span ia_col_bytes(ia_stmt *s, int i)
{
  const void *p = sqlite3_column_blob(s->s, i);

  return ia_span_of(p, (size_t)sqlite3_column_bytes(s->s, i));
}

const char *ia_col_text(ia_stmt *s, int i)
{
  const unsigned char *t = sqlite3_column_text(s->s, i);

  return t ? (const char *)t : "";
}

static bool fixed(ia_stmt *s, int i, uint8_t *out, size_t n, ia_err *e)
{
  ia_span v = ia_col_bytes(s, i);

  if (v.len != n)
    return ia_fail(e, IA_E_CORRUPT, "column %d holds %zu bytes, want %zu", i, v.len, n);
  memcpy(out, v.ptr, n);
  return true;
}

bool ia_col_addr(ia_stmt *s, int i, ia_addr *out, ia_err *e)
{
  return fixed(s, i, out->b, sizeof(out->b), e);
}

bool ia_col_h256(ia_stmt *s, int i, ia_h256 *out, ia_err *e)
{
  return fixed(s, i, out->b, sizeof(out->b), e);
}
