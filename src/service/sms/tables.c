#include "service/sms/tables.h"

#include <stdio.h>
#include <string.h>

static const char memory[] =
    "CREATE TABLE tip (one INTEGER PRIMARY KEY, seq INTEGER NOT NULL, mac BLOB NOT NULL) STRICT;"
    "CREATE TABLE pending (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE meta (key TEXT PRIMARY KEY, number INTEGER, bytes BLOB) STRICT;"
    "CREATE TABLE secret (kind INTEGER NOT NULL, address BLOB NOT NULL, name TEXT NOT NULL,"
    "  version INTEGER NOT NULL, pusher BLOB NOT NULL, time INTEGER NOT NULL,"
    "  digest BLOB NOT NULL, at INTEGER NOT NULL,"
    "  PRIMARY KEY (kind, address, name, version)) STRICT;"
    "CREATE INDEX secret_pusher ON secret (pusher);"
    /* every transfer; of the other kinds each signer's newest */
    "CREATE TABLE message (object BLOB NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,"
    "  signer BLOB NOT NULL, time INTEGER NOT NULL, moves INTEGER NOT NULL, body BLOB NOT NULL,"
    "  sig BLOB NOT NULL, slot INTEGER NOT NULL, at INTEGER NOT NULL,"
    "  PRIMARY KEY (object, kind, signer, slot)) STRICT;"
    "CREATE INDEX message_signer ON message (signer);"
    "CREATE TABLE revoked (object BLOB NOT NULL, order_hash BLOB NOT NULL, signer BLOB NOT NULL,"
    "  PRIMARY KEY (object, order_hash, signer)) STRICT;"
    /* of each grant the newest */
    "CREATE TABLE terms (object BLOB NOT NULL, order_hash BLOB NOT NULL, signer BLOB NOT NULL,"
    "  version INTEGER NOT NULL, body BLOB NOT NULL,"
    "  PRIMARY KEY (object, order_hash, signer)) STRICT;"
    "CREATE TABLE deal (deal BLOB PRIMARY KEY, time INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;"
    "CREATE TABLE closed (order_hash BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT;"
    "CREATE TABLE presigned (order_hash BLOB PRIMARY KEY, tx BLOB NOT NULL) STRICT;"
    "CREATE TABLE fence (task BLOB PRIMARY KEY, fencing INTEGER NOT NULL,"
    "  worker BLOB NOT NULL) STRICT;"
    "CREATE TABLE release (seq INTEGER PRIMARY KEY, task BLOB NOT NULL, dataset BLOB NOT NULL,"
    "  order_hash BLOB NOT NULL, time INTEGER NOT NULL, at INTEGER NOT NULL,"
    "  digest BLOB NOT NULL) STRICT;"
    "CREATE INDEX release_task ON release (task);"
    "CREATE INDEX release_order ON release (order_hash, task);"
    "CREATE INDEX release_dataset ON release (dataset, time, task);"
    "CREATE TABLE ended (seq INTEGER PRIMARY KEY, task BLOB NOT NULL, cause TEXT NOT NULL) STRICT;"
    "CREATE INDEX ended_task ON ended (task);"
    /* the data of a bulk release, whose own row names none */
    "CREATE TABLE release_slice (seq INTEGER NOT NULL, task BLOB NOT NULL, dataset BLOB NOT NULL,"
    "  order_hash BLOB NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (seq, dataset)) STRICT;"
    "CREATE INDEX release_slice_order ON release_slice (order_hash, task);"
    "CREATE INDEX release_slice_dataset ON release_slice (dataset, time, task);"
    "CREATE TABLE audit (object BLOB NOT NULL, refused INTEGER NOT NULL, task BLOB NOT NULL,"
    "  at INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT;"
    "CREATE INDEX audit_object ON audit (object, at);"
    "CREATE INDEX audit_task ON audit (task, at);"
    "CREATE TABLE sim_root (digest BLOB PRIMARY KEY) STRICT;";

static const ia_sms_effect effects[] = {
    [IA_J_META] = {3, 3, false, false,
                   "INSERT INTO meta (key, number, bytes) VALUES ($1, $2, $3)"
                   " ON CONFLICT (key) DO UPDATE SET number = excluded.number,"
                   " bytes = excluded.bytes"},
    [IA_J_UNSET] = {1, 1, false, false, "DELETE FROM meta WHERE key = $1"},
    [IA_J_SECRET] = {7, 7, true, false,
                     "INSERT INTO secret (kind, address, name, version, pusher, time, digest, at)"
                     " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"},
    [IA_J_FORGET] = {3, 3, false, false,
                     "DELETE FROM secret WHERE kind = $1 AND address = $2 AND name = $3"},
    [IA_J_MESSAGE] =
        {8, 8, true, false,
         "INSERT INTO message (object, kind, version, signer, time, moves, body, sig, at, slot)"
         " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE $2 WHEN 'transfer' THEN $3 ELSE 0 END)"
         " ON CONFLICT (object, kind, signer, slot) DO UPDATE SET version = excluded.version,"
         " time = excluded.time, moves = excluded.moves, body = excluded.body,"
         " sig = excluded.sig, at = excluded.at"},
    [IA_J_REVOKED] = {3, 3, false, false,
                      "INSERT INTO revoked (object, order_hash, signer) VALUES ($1, $2, $3)"
                      " ON CONFLICT DO NOTHING"},
    [IA_J_DEAL] = {2, 2, true, false, "INSERT INTO deal (deal, time, seq) VALUES ($1, $2, $3)"},
    [IA_J_CLOSED] = {1, 1, true, false,
                     "INSERT INTO closed (order_hash, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING"},
    [IA_J_PRESIGNED] = {2, 2, false, false,
                        "INSERT INTO presigned (order_hash, tx) VALUES ($1, $2)"
                        " ON CONFLICT (order_hash) DO UPDATE SET tx = excluded.tx"},
    [IA_J_FENCE] = {3, 3, false, false,
                    "INSERT INTO fence (task, fencing, worker) VALUES ($1, $2, $3)"
                    " ON CONFLICT (task) DO UPDATE SET fencing = excluded.fencing,"
                    " worker = excluded.worker"},
    [IA_J_RELEASE] = {7, 5, true, true,
                      "INSERT INTO release (seq, task, dataset, order_hash, time, at, digest)"
                      " VALUES ($1, $2, $3, $4, $5, $6, $7)"},
    [IA_J_SLICE] = {5, 5, false, false,
                    "INSERT INTO release_slice (seq, task, dataset, order_hash, time)"
                    " VALUES ($1, $2, $3, $4, $5)"},
    [IA_J_AUDIT] = {12, 3, true, true,
                    "INSERT INTO audit (object, refused, task, at, digest)"
                    " VALUES ($1, $2, $3, $4, $5)"},
    [IA_J_SIM_ROOT] = {1, 1, false, false,
                       "INSERT INTO sim_root (digest) VALUES ($1) ON CONFLICT DO NOTHING"},
    [IA_J_OUTDATED] = {4, 4, false, false,
                       "DELETE FROM secret WHERE kind = $1 AND address = $2 AND name = $3"
                       " AND version = $4"},
    [IA_J_TERMS] = {5, 5, false, false,
                    "INSERT INTO terms (object, order_hash, signer, version, body)"
                    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (object, order_hash, signer)"
                    " DO UPDATE SET version = excluded.version, body = excluded.body"},
    [IA_J_ENDED] = {3, 3, false, false,
                    "INSERT INTO ended (seq, task, cause) VALUES ($1, $2, $3)"
                    " ON CONFLICT DO NOTHING"},
};

const ia_sms_effect *ia_sms_effect_of(ia_journal_kind kind)
{
  size_t i = (size_t)kind;

  return i < IA_COUNT(effects) && effects[i].sql ? &effects[i] : NULL;
}

bool ia_sms_tables_make(ia_db *db, ia_err *e)
{
  return ia_db_exec(db, memory, e);
}

/* -- the form of the database on disk, as SQLite keeps it in words -- */
static const struct {
  const char *name, *sql;
} own[] = {
    {"journal", "CREATE TABLE journal (seq INTEGER PRIMARY KEY, body BLOB NOT NULL,"
                " mac BLOB NOT NULL) STRICT"},
    {"sealed", "CREATE TABLE sealed (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT"},
};

static const char make_own[] =
    "CREATE TABLE disk.journal (seq INTEGER PRIMARY KEY, body BLOB NOT NULL,"
    " mac BLOB NOT NULL) STRICT;"
    "CREATE TABLE disk.sealed (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;";

static bool is_own(ia_stmt *st)
{
  for (size_t i = 0; i < IA_COUNT(own); i++)
    if (ia_span_is(ia_col_bytes(st, 0), "table") && ia_span_is(ia_col_bytes(st, 1), own[i].name) &&
        ia_span_is(ia_col_bytes(st, 2), own[i].name) && ia_span_is(ia_col_bytes(st, 3), own[i].sql))
      return true;
  return false;
}

/* How many of our objects are there; another one is named. */
static bool look(ia_db *db, size_t *n, ia_err *e)
{
  bool row = false, ok = true;
  ia_stmt *st;

  *n = 0;
  if (!ia_db_stmt(&st, db, "SELECT type, name, tbl_name, sql FROM disk.sqlite_master", e))
    return false;
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row) {
    ok = is_own(st);
    *n += ok;
    if (!ok && ia_span_is(ia_col_bytes(st, 1), "schema_step"))
      (void)ia_fail(e, IA_E_INVALID,
                    "store: it was made by an older version, which this one does not read: move "
                    "the folder away, and owners push their keys again");
    else if (!ok)
      (void)ia_fail(e, IA_E_CORRUPT, "store: the %s \"%.64s\" in the database is not ours",
                    ia_col_text(st, 0), ia_col_text(st, 1));
  }
  ia_stmt_reset(st);
  return ok;
}

static bool number_of_form(ia_db *db, uint64_t *out, ia_err *e)
{
  bool row = false;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "PRAGMA disk.schema_version", e) || !ia_stmt_step(st, &row, e))
    return false;
  *out = row ? ia_col_u64(st, 0) : 0;
  ia_stmt_reset(st);
  return true;
}

bool ia_sms_form_check(ia_db *db, uint64_t *form, ia_err *e)
{
  uint64_t present;
  size_t n;

  if (!number_of_form(db, &present, e))
    return false;
  if (*form != 0 && present == *form)
    return true;
  if (!look(db, &n, e))
    return false;
  if (n != IA_COUNT(own))
    return ia_fail(e, IA_E_CORRUPT, "store: a table of the database is missing");
  *form = present;
  return true;
}

bool ia_sms_form_make(ia_db *db, const char *path, bool *fresh, ia_err *e)
{
  bool ok;
  size_t n;

  *fresh = false;
  if (!ia_db_begin(db, e))
    return ia_wrap(e, "%s", path);
  ok = look(db, &n, e);
  if (ok && n == 0) {
    *fresh = true;
    ok = ia_db_exec(db, make_own, e);
  }
  if (ok)
    return ia_db_commit(db, e);
  ia_db_rollback(db);
  return ia_wrap(e, "%s", path);
}
