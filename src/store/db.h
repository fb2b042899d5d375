/* Records: one interface with SQL that SQLite and PostgreSQL both take. A handle belongs to one
 * thread; every thread opens its own (WAL: readers never wait for the writer). Every connection has
 * foreign keys on, trusted_schema off, synchronous FULL; tables are STRICT. Texts that vary by
 * engine (DDL) live in migrations. Secrets are sealed before they get here.
 *
 * SQLite guards its files by POSIX locks, which the process loses when any descriptor of the file
 * is closed, whoever opened it. So no code opens a database file, its -wal or its -shm, except
 * through SQLite, in a process that may have a connection to it. */
#ifndef IA_STORE_DB_H
#define IA_STORE_DB_H

#include "base/buf.h"
#include "base/types.h"

typedef struct ia_db ia_db;
typedef struct ia_stmt ia_stmt;

/* One step of a schema: run once, in its own transaction, in the order of the list. The number and
 * a hash of the text are recorded; a text that changed after it ran is refused (CORRUPT). */
typedef struct ia_migration {
  unsigned number; /* 1, 2, ... without gaps */
  const char *sqlite;
} ia_migration;

/* url: "sqlite:/path" (made with mode 0600 when missing) or "sqlite::memory:". Brings the schema up
 * to date; INVALID when the store is newer than the list. UNSUPPORTED for other engines. */
IA_MUST bool ia_db_open(ia_db **out, const char *url, const ia_migration *steps, size_t n,
                        ia_err *e);
/* Another handle to the same store, for another thread; no migrations. */
IA_MUST bool ia_db_open_again(ia_db **out, const char *url, ia_err *e);
/* One more database file of this handle, made with mode 0600 when missing, under a name that
 * statements put before its tables. From here on the handle runs no trigger and reads no view: what
 * others may have planted in the file does nothing. */
IA_MUST bool ia_db_attach(ia_db *db, const char *path, const char *name, ia_err *e);
void ia_db_close(ia_db *db); /* NULL is fine */
IA_DEFINE_AUTO(ia_db, ia_db_close)

/* Transactions. BEGIN IMMEDIATE: a writer waits up to 10 s for another (BUSY). No nesting. */
IA_MUST bool ia_db_begin(ia_db *db, ia_err *e);
/* Durable when it returns true. On failure the transaction is rolled back. */
IA_MUST bool ia_db_commit(ia_db *db, ia_err *e);
void ia_db_rollback(ia_db *db); /* nothing to roll back is fine */
/* Rolls back at scope end unless committed: `IA_AUTO(ia_tx) *tx = NULL; ia_tx_begin(&tx, db, e)`.
 */
typedef struct ia_tx ia_tx;
IA_MUST bool ia_tx_begin(ia_tx **out, ia_db *db, ia_err *e);
IA_MUST bool ia_tx_commit(ia_tx **tx, ia_err *e); /* *tx is NULL after, whatever happened */
void ia_tx_end(ia_tx *tx);
IA_DEFINE_AUTO(ia_tx, ia_tx_end)

/* Statements are prepared once a handle and text, and kept: *out is reset, its values cleared, and
 * stays the handle's. sql must be a literal (it is the key). Parameters: $1, $2, ... or $name. */
IA_MUST bool ia_db_stmt(ia_stmt **out, ia_db *db, const char *sql, ia_err *e);
/* A statement of a text that is made for one use, at most 2000 parameters; drop it after. */
IA_MUST bool ia_stmt_once(ia_stmt **out, ia_db *db, const char *sql, ia_err *e);
void ia_stmt_drop(ia_stmt *s); /* NULL is fine */
IA_DEFINE_AUTO(ia_stmt, ia_stmt_drop)
/* From here on all statements of this handle together take at most so many steps of SQLite's
 * machine, then TOO_LARGE; 0 = no limit. */
void ia_db_budget(ia_db *db, uint64_t steps);
/* Binding, by position from 1. Bytes are copied. A failure shows at the next step. */
void ia_bind_i64(ia_stmt *s, int i, int64_t v);
void ia_bind_u64(ia_stmt *s, int i,
                 uint64_t v); /* beyond 2^63-1: the next step fails (TOO_LARGE) */
void ia_bind_text(ia_stmt *s, int i, const char *v); /* NULL = SQL NULL */
void ia_bind_textn(ia_stmt *s, int i, ia_span v);
void ia_bind_blob(ia_stmt *s, int i, ia_span v);
void ia_bind_addr(ia_stmt *s, int i, const ia_addr *a); /* 20 bytes */
void ia_bind_h256(ia_stmt *s, int i, const ia_h256 *h); /* 32 bytes */
void ia_bind_null(ia_stmt *s, int i);
/* Position of "$name"; 0 when there is none (binding at 0 makes the next step fail). */
int ia_bind_name(ia_stmt *s, const char *name);

/* Next row: *row false at the end, after which the statement is reset. EXISTS on a broken UNIQUE or
 * PRIMARY KEY, INVALID on another constraint, BUSY, DISK_FULL, CORRUPT, IO. */
IA_MUST bool ia_stmt_step(ia_stmt *s, bool *row, ia_err *e);
/* For statements without rows (rows are dropped). */
IA_MUST bool ia_stmt_run(ia_stmt *s, ia_err *e);
void ia_stmt_reset(ia_stmt *s); /* leave a row loop early */
/* Rows changed by the last INSERT, UPDATE or DELETE. */
int64_t ia_db_changes(ia_db *db);

/* Columns of the current row, from 0. Spans live until the next step. */
bool ia_col_null(ia_stmt *s, int i);
int64_t ia_col_i64(ia_stmt *s, int i);
uint64_t ia_col_u64(ia_stmt *s, int i);                               /* 0 for what is negative */
ia_span ia_col_bytes(ia_stmt *s, int i);                              /* text or blob */
const char *ia_col_text(ia_stmt *s, int i);                           /* "" for NULL */
IA_MUST bool ia_col_addr(ia_stmt *s, int i, ia_addr *out, ia_err *e); /* CORRUPT unless 20 bytes */
IA_MUST bool ia_col_h256(ia_stmt *s, int i, ia_h256 *out, ia_err *e); /* CORRUPT unless 32 bytes */

/* A literal script without parameters, e.g. DDL in tests. */
IA_MUST bool ia_db_exec(ia_db *db, const char *sql, ia_err *e);

#endif
