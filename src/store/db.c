/* Handles, transactions and migrations over SQLite. Statements are in stmt.c. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "crypto/sha.h"
#include "store/db_int.h"

enum { BUSY_MS = 10000 };

bool ia_db_failed(ia_db *db, const char *what, ia_err *e)
{
  int rc = sqlite3_extended_errcode(db->sqlite);
  ia_code code = IA_E_IO;

  switch (rc & 0xff) {
  case SQLITE_CONSTRAINT:
    code = rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
                   rc == SQLITE_CONSTRAINT_ROWID
               ? IA_E_EXISTS
               : IA_E_INVALID;
    break;
  case SQLITE_BUSY:
  case SQLITE_LOCKED: code = IA_E_BUSY; break;
  case SQLITE_FULL: code = IA_E_DISK_FULL; break;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB: code = IA_E_CORRUPT; break;
  case SQLITE_NOMEM: code = IA_E_MEMORY; break;
  case SQLITE_INTERRUPT:
    return ia_fail(e, IA_E_TOO_LARGE, "%s: more work than one query may take", what);
  case SQLITE_TOOBIG: code = IA_E_TOO_LARGE; break;
  case SQLITE_ERROR:
  case SQLITE_MISUSE:
  case SQLITE_RANGE: code = IA_E_INTERNAL; break;
  default: break;
  }
  return ia_fail(e, code, "%s: %s", what, sqlite3_errmsg(db->sqlite));
}

/* The path in "sqlite:PATH"; NULL for other engines. */
static const char *path_of(const char *url, ia_err *e)
{
  if (strncmp(url, "sqlite:", 7) == 0 && url[7])
    return url + 7;
  (void)ia_fail(e, IA_E_UNSUPPORTED, "database %.20s: want sqlite:PATH", url);
  return NULL;
}

bool ia_db_open_again(ia_db **out, const char *url, ia_err *e)
{
  static const char setup[] = "PRAGMA busy_timeout=10000; PRAGMA journal_mode=WAL;"
                              "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                              "PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;"
                              "PRAGMA cell_size_check=ON;";
  const char *path = path_of(url, e);

  /* SQLite gives its companions (-wal, -shm) the mode of the main file */
  if (!path || (strcmp(path, ":memory:") != 0 && !ia_file_touch(path, 0600, e)))
    return false;
  ia_db *db = calloc(1, sizeof(*db));
  if (!db)
    return ia_fail(e, IA_E_MEMORY, "no memory for a database handle");
  int rc = sqlite3_open_v2(path, &db->sqlite,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                               SQLITE_OPEN_EXRESCODE,
                           NULL);
  if (rc == SQLITE_OK) {
    (void)sqlite3_busy_timeout(db->sqlite, BUSY_MS);
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    rc = sqlite3_exec(db->sqlite, setup, NULL, NULL, NULL);
  }
  if (rc != SQLITE_OK) {
    if (db->sqlite)
      (void)ia_db_failed(db, path, e);
    else
      (void)ia_fail(e, IA_E_MEMORY, "no memory for a database handle");
    ia_db_close(db);
    return false;
  }
  *out = db;
  return true;
}

bool ia_db_attach(ia_db *db, const char *path, const char *name, ia_err *e)
{
  char *attach = sqlite3_mprintf("ATTACH %Q AS %Q; PRAGMA %s.journal_mode=WAL;"
                                 "PRAGMA %s.synchronous=FULL; PRAGMA %s.secure_delete=ON;",
                                 path, name, name, name, name);
  bool ok;

  if (!attach)
    return ia_fail(e, IA_E_MEMORY, "no memory for a database handle");
  (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
  (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
  ok = ia_file_touch(path, 0600, e);
  if (ok && sqlite3_exec(db->sqlite, attach, NULL, NULL, NULL) != SQLITE_OK)
    ok = ia_db_failed(db, path, e);
  sqlite3_free(attach);
  return ok;
}

void ia_db_close(ia_db *db)
{
  if (!db)
    return;
  ia_stmts_free(db);
  (void)sqlite3_close(db->sqlite);
  free(db);
}

bool ia_db_exec(ia_db *db, const char *sql, ia_err *e)
{
  return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ||
         ia_db_failed(db, "database", e);
}

bool ia_db_begin(ia_db *db, ia_err *e)
{
  return ia_db_exec(db, "BEGIN IMMEDIATE", e);
}

bool ia_db_commit(ia_db *db, ia_err *e)
{
  if (ia_db_exec(db, "COMMIT", e))
    return true;
  ia_db_rollback(db);
  return false;
}

void ia_db_rollback(ia_db *db)
{
  if (sqlite3_get_autocommit(db->sqlite))
    return;
  ia_stmts_reset(db);
  (void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

struct ia_tx {
  ia_db *db;
};

bool ia_tx_begin(ia_tx **out, ia_db *db, ia_err *e)
{
  ia_tx *tx = calloc(1, sizeof(*tx));

  if (!tx)
    return ia_fail(e, IA_E_MEMORY, "no memory for a transaction");
  tx->db = db;
  if (!ia_db_begin(db, e)) {
    free(tx);
    return false;
  }
  *out = tx;
  return true;
}

bool ia_tx_commit(ia_tx **tx, ia_err *e)
{
  ia_db *db = (*tx)->db;

  free(*tx);
  *tx = NULL;
  return ia_db_commit(db, e);
}

void ia_tx_end(ia_tx *tx)
{
  if (!tx)
    return;
  ia_db_rollback(tx->db);
  free(tx);
}

static bool applied(ia_db *db, const ia_migration *m, bool *done, ia_err *e)
{
  ia_stmt *s;
  ia_h256 hash;

  ia_sha256(&hash, ia_span_str(m->sqlite));
  if (!ia_db_stmt(&s, db, "SELECT hash FROM schema_step WHERE number = $1", e))
    return false;
  ia_bind_u64(s, 1, m->number);
  if (!ia_stmt_step(s, done, e))
    return false;
  bool same = !*done || ia_span_eq(ia_col_bytes(s, 0), IA_SPAN_ARR(hash.b));
  ia_stmt_reset(s);
  return same ||
         ia_fail(e, IA_E_CORRUPT, "step %u of the schema is not the one that was run", m->number);
}

static bool apply(ia_db *db, const ia_migration *m, ia_err *e)
{
  IA_AUTO(ia_tx) *tx = NULL;
  ia_stmt *s;
  ia_h256 hash;
  bool done;

  ia_sha256(&hash, ia_span_str(m->sqlite));
  if (!ia_tx_begin(&tx, db, e) || !applied(db, m, &done, e))
    return false;
  if (done) /* another process was faster */
    return true;
  if (!ia_db_exec(db, m->sqlite, e))
    return ia_wrap(e, "step %u of the schema", m->number);
  if (!ia_db_stmt(&s, db, "INSERT INTO schema_step (number, hash) VALUES ($1, $2)", e))
    return false;
  ia_bind_u64(s, 1, m->number);
  ia_bind_h256(s, 2, &hash);
  return ia_stmt_run(s, e) && ia_tx_commit(&tx, e);
}

static bool migrate(ia_db *db, const ia_migration *steps, size_t n, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_exec(db,
                  "CREATE TABLE IF NOT EXISTS schema_step ("
                  "number INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT",
                  e) ||
      !ia_db_stmt(&s, db, "SELECT coalesce(max(number), 0) FROM schema_step", e) ||
      !ia_stmt_step(s, &row, e))
    return false;
  uint64_t newest = ia_col_u64(s, 0);
  ia_stmt_reset(s);
  if (newest > n)
    return ia_fail(e, IA_E_INVALID, "the store is at step %llu, this program knows %zu: too old",
                   (unsigned long long)newest, n);
  for (size_t i = 0; i < n; i++) {
    bool done;

    if (steps[i].number != i + 1)
      return ia_fail(e, IA_E_INTERNAL, "schema steps must count from 1 without gaps");
    if (!applied(db, &steps[i], &done, e) || (!done && !apply(db, &steps[i], e)))
      return false;
  }
  return true;
}

bool ia_db_open(ia_db **out, const char *url, const ia_migration *steps, size_t n, ia_err *e)
{
  IA_AUTO(ia_db) *db = NULL;

  if (!ia_db_open_again(&db, url, e) || !migrate(db, steps, n, e))
    return false;
  *out = ia_steal(&db);
  return true;
}

int64_t ia_db_changes(ia_db *db)
{
  return sqlite3_changes64(db->sqlite);
}
