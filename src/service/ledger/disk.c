/* SQLite under the ledger: one connection writes on its own thread, one reads. */
#include "service/ledger/disk.h"

#include <pthread.h>
#include <stdatomic.h>

#include <sqlite3.h>

#include "base/crash.h"
#include "base/file.h"
#include "base/log.h"

/* What a batch holds, in order. */
typedef enum op_kind { OP_STATE, OP_INDEX, OP_REF, OP_BLOCK, OP_KINDS } op_kind;

enum { BATCH_CAP = 1 << 30, BUSY_MS = 10000 };

static const char *const write_sql[OP_KINDS] = {
    [OP_STATE] = "INSERT INTO state(k, v) VALUES(?1, ?2) ON CONFLICT(k) DO UPDATE SET v = ?2",
    [OP_INDEX] = "INSERT OR IGNORE INTO term(t, n) VALUES(?1, ?2)",
    [OP_REF] = "INSERT OR REPLACE INTO ref(h, n) VALUES(?1, ?2)",
    [OP_BLOCK] = "INSERT INTO block(n, body) VALUES(?1, ?2)",
};

typedef enum read_kind { READ_STATE, READ_BLOCK, READ_REF, READ_FIND, READ_KINDS } read_kind;

static const char *const read_sql[READ_KINDS] = {
    [READ_STATE] = "SELECT v FROM state WHERE k = ?1",
    [READ_BLOCK] = "SELECT body FROM block WHERE n = ?1",
    [READ_REF] = "SELECT n FROM ref WHERE h = ?1",
    [READ_FIND] = "SELECT n FROM term WHERE t = ?1 AND n BETWEEN ?2 AND ?3 ORDER BY n LIMIT ?4",
};

struct ia_disk {
  sqlite3 *writer, *reader;
  sqlite3_stmt *write[OP_KINDS];
  sqlite3_stmt *drop_state, *begin, *commit, *rollback;
  sqlite3_stmt *read[READ_KINDS];
  pthread_t thread;
  bool started;
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  ia_buf open;     /* the batch that gathers; under lock */
  uint64_t open_n; /* last whole block in it */
  size_t open_len; /* bytes up to that block */
  bool stop, failed;
  ia_err err;
  _Atomic uint64_t durable;
  ia_disk_notify *notify;
  void *notify_ctx;
};

static bool sql_fail(sqlite3 *db, ia_err *e)
{
  int rc = sqlite3_errcode(db);
  ia_code code = rc == SQLITE_FULL      ? IA_E_DISK_FULL
                 : rc == SQLITE_NOMEM   ? IA_E_MEMORY
                 : rc == SQLITE_CORRUPT ? IA_E_CORRUPT
                 : rc == SQLITE_BUSY    ? IA_E_BUSY
                                        : IA_E_IO;

  return ia_fail(e, code, "ledger store: %s", sqlite3_errmsg(db));
}

/* -- opening -- */

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS block(n INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS ref(h BLOB PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS term(t INTEGER, n INTEGER, PRIMARY KEY(t, n)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS state(k BLOB PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 1;";

static bool run(sqlite3 *db, const char *sql, ia_err *e)
{
  return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || sql_fail(db, e);
}

static bool connect_to(sqlite3 **db, const char *uri, unsigned flags, ia_err *e)
{
  int how = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;

  if (sqlite3_open_v2(uri, db, how, NULL) != SQLITE_OK)
    return *db ? sql_fail(*db, e) : ia_fail(e, IA_E_MEMORY, "ledger store: out of memory");
  sqlite3_extended_result_codes(*db, 0);
  sqlite3_busy_timeout(*db, BUSY_MS);
  return run(*db, "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL;", e) &&
         run(*db, flags & IA_DISK_FAST ? "PRAGMA synchronous = OFF;" : "PRAGMA synchronous = FULL;",
             e);
}

static bool prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql, ia_err *e)
{
  return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK ||
         sql_fail(db, e);
}

/* A store that has its tables is opened without writing: a full disk can be read. */
static bool make_tables(ia_disk *d, ia_err *e)
{
  sqlite3_stmt *s;

  if (!prepare(d->writer, &s, "PRAGMA user_version", e))
    return false;
  int rc = sqlite3_step(s);
  bool made = rc == SQLITE_ROW && sqlite3_column_int(s, 0) == 1;
  bool ok = rc == SQLITE_ROW || sql_fail(d->writer, e);
  sqlite3_finalize(s);
  return ok && (made || run(d->writer, schema, e));
}

static bool prepare_all(ia_disk *d, ia_err *e)
{
  for (int i = 0; i < OP_KINDS; i++)
    if (!prepare(d->writer, &d->write[i], write_sql[i], e))
      return false;
  for (int i = 0; i < READ_KINDS; i++)
    if (!prepare(d->reader, &d->read[i], read_sql[i], e))
      return false;
  return prepare(d->writer, &d->drop_state, "DELETE FROM state WHERE k = ?1", e) &&
         prepare(d->writer, &d->begin, "BEGIN IMMEDIATE", e) &&
         prepare(d->writer, &d->commit, "COMMIT", e) &&
         prepare(d->writer, &d->rollback, "ROLLBACK", e);
}

/* The path as an SQLite URI; bytes that mean something there are escaped. In memory: a database
 * that the two connections of this store share, named by its address. */
static bool uri_of(ia_buf *uri, const ia_disk *d, const char *path, ia_err *e)
{
  if (!path) {
    ia_buf_printf(uri, "file:/ia-ledger-%p?vfs=memdb", (const void *)d);
  } else {
    ia_buf_str(uri, "file:");
    for (const char *p = path; *p; p++)
      if (strchr("%?#", *p))
        ia_buf_printf(uri, "%%%02x", (unsigned char)*p);
      else
        ia_buf_u8(uri, (uint8_t)*p);
  }
  ia_buf_u8(uri, 0);
  return ia_buf_ok(uri, e);
}

static bool last_block(ia_disk *d, ia_err *e)
{
  sqlite3_stmt *s = NULL;
  bool ok = prepare(d->reader, &s, "SELECT max(n) FROM block", e);

  if (ok && sqlite3_step(s) != SQLITE_ROW)
    ok = sql_fail(d->reader, e);
  if (ok)
    atomic_store(&d->durable, sqlite3_column_type(s, 0) == SQLITE_NULL
                                  ? UINT64_MAX
                                  : (uint64_t)sqlite3_column_int64(s, 0));
  sqlite3_finalize(s);
  return ok;
}

static void *writer_main(void *ctx);

bool ia_disk_open(ia_disk **out, const char *path, unsigned flags, ia_err *e)
{
  IA_AUTO(ia_disk) *d = calloc(1, sizeof(*d));
  IA_AUTOV(ia_buf) uri = {0};

  if (!d)
    return ia_fail(e, IA_E_MEMORY, "no memory for the ledger's store");
  d->open.cap = BATCH_CAP;
  pthread_mutex_init(&d->lock, NULL);
  pthread_cond_init(&d->work, NULL);
  pthread_cond_init(&d->done, NULL);
  if ((path && !ia_file_touch(path, 0600, e)) || !uri_of(&uri, d, path, e) ||
      !connect_to(&d->writer, (const char *)uri.ptr, flags, e) || !make_tables(d, e) ||
      !connect_to(&d->reader, (const char *)uri.ptr, flags, e) || !prepare_all(d, e) ||
      !last_block(d, e))
    return ia_wrap(e, "%s", path ? path : "memory");
  if (pthread_create(&d->thread, NULL, writer_main, d) != 0)
    return ia_fail(e, IA_E_MEMORY, "cannot start the ledger's writer");
  d->started = true;
  *out = ia_steal(&d);
  return true;
}

void ia_disk_close(ia_disk *d)
{
  if (!d)
    return;
  if (d->started) {
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_signal(&d->work);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
  }
  for (int i = 0; i < OP_KINDS; i++)
    sqlite3_finalize(d->write[i]);
  for (int i = 0; i < READ_KINDS; i++)
    sqlite3_finalize(d->read[i]);
  sqlite3_finalize(d->drop_state);
  sqlite3_finalize(d->begin);
  sqlite3_finalize(d->commit);
  sqlite3_finalize(d->rollback);
  sqlite3_close(d->reader);
  sqlite3_close(d->writer);
  pthread_cond_destroy(&d->work);
  pthread_cond_destroy(&d->done);
  pthread_mutex_destroy(&d->lock);
  ia_buf_free(&d->open);
  free(d);
}

void ia_disk_on_commit(ia_disk *d, ia_disk_notify *notify, void *ctx)
{
  pthread_mutex_lock(&d->lock);
  d->notify = notify;
  d->notify_ctx = ctx;
  pthread_mutex_unlock(&d->lock);
}

/* --- the batch: u8 kind, LP(key) or u64, LP(value) or u64
 * ------------------------------------------ */

static void put(ia_disk *d, op_kind kind, ia_span key, ia_span value)
{
  pthread_mutex_lock(&d->lock);
  ia_buf_u8(&d->open, (uint8_t)kind);
  ia_buf_lp(&d->open, key);
  ia_buf_lp(&d->open, value);
  pthread_mutex_unlock(&d->lock);
}

typedef struct be64 {
  uint8_t b[8];
} be64;

static be64 be64_of(uint64_t v)
{
  be64 out;

  for (int i = 0; i < 8; i++)
    out.b[7 - i] = (uint8_t)(v >> (8 * i));
  return out;
}

void ia_disk_put_state(ia_disk *d, ia_span key, ia_span value)
{
  put(d, OP_STATE, key, value);
}

void ia_disk_put_index(ia_disk *d, uint64_t term, uint64_t number)
{
  be64 t = be64_of(term), n = be64_of(number);

  put(d, OP_INDEX, IA_SPAN_ARR(t.b), IA_SPAN_ARR(n.b));
}

void ia_disk_put_ref(ia_disk *d, const ia_h256 *hash, uint64_t number)
{
  be64 n = be64_of(number);

  put(d, OP_REF, IA_SPAN_ARR(hash->b), IA_SPAN_ARR(n.b));
}

bool ia_disk_put_block(ia_disk *d, uint64_t number, ia_span body, ia_err *e)
{
  be64 n = be64_of(number);
  bool ok;

  put(d, OP_BLOCK, IA_SPAN_ARR(n.b), body);
  pthread_mutex_lock(&d->lock);
  ok = !d->failed && !d->open.bad;
  if (ok) {
    d->open_n = number;
    d->open_len = d->open.len;
    pthread_cond_signal(&d->work);
  } else if (d->failed) {
    if (e)
      *e = d->err;
  } else {
    ok = ia_buf_ok(&d->open, e);
  }
  pthread_mutex_unlock(&d->lock);
  return ok;
}

/* -- the writer -- */

static bool step(ia_disk *d, sqlite3_stmt *s, ia_err *e)
{
  int rc = sqlite3_step(s);
  bool ok = rc == SQLITE_DONE || rc == SQLITE_ROW || sql_fail(d->writer, e);

  sqlite3_reset(s);
  sqlite3_clear_bindings(s);
  return ok;
}

static void bind(sqlite3_stmt *s, int at, op_kind kind, bool is_key, ia_span v)
{
  bool number = kind == OP_INDEX || (kind == OP_REF && !is_key) || (kind == OP_BLOCK && is_key);
  uint64_t n = 0;

  if (number && ia_span_u64be(&v, &n))
    sqlite3_bind_int64(s, at, (sqlite3_int64)n);
  else
    sqlite3_bind_blob64(s, at, v.ptr ? (const void *)v.ptr : "", v.len, SQLITE_STATIC);
}

static bool write_batch(ia_disk *d, ia_span batch, ia_err *e)
{
  uint8_t kind;

  while (ia_span_u8(&batch, &kind)) {
    ia_span key, value;

    if (kind >= OP_KINDS || !ia_span_lp(&batch, &key) || !ia_span_lp(&batch, &value))
      return ia_fail(e, IA_E_INTERNAL, "ledger store: a batch is damaged");
    sqlite3_stmt *s = kind == OP_STATE && value.len == 0 ? d->drop_state : d->write[kind];
    bind(s, 1, (op_kind)kind, true, key);
    if (s != d->drop_state)
      bind(s, 2, (op_kind)kind, false, value);
    if (!step(d, s, e))
      return false;
  }
  return true;
}

/* drop: statements after the batch; NULL = none */
static bool commit_batch(ia_disk *d, ia_span batch, const char *drop, ia_err *e)
{
  ia_err ignored;

  if (!step(d, d->begin, e))
    return false;
  if (write_batch(d, batch, e) && (!drop || run(d->writer, drop, e)) && step(d, d->commit, e))
    return true;
  (void)step(d, d->rollback, &ignored);
  return false;
}

/* Takes the whole blocks that have gathered; waits for some. False when there is nothing more to
 * do. */
static bool next_batch(ia_disk *d, ia_buf *batch, uint64_t *number)
{
  bool some;

  pthread_mutex_lock(&d->lock);
  while (!d->stop && d->open_len == 0)
    pthread_cond_wait(&d->work, &d->lock);
  some = d->open_len > 0 && !d->failed;
  if (some) {
    size_t rest = d->open.len - d->open_len;
    ia_buf spare = *batch;

    ia_buf_put(&spare, d->open.ptr + d->open_len, rest); /* puts of a block not yet whole */
    *batch = d->open;
    batch->len = d->open_len;
    d->open = spare;
    d->open_len = 0;
    *number = d->open_n;
  }
  pthread_mutex_unlock(&d->lock);
  return some;
}

static void finish(ia_disk *d, bool ok, uint64_t number, const ia_err *err)
{
  pthread_mutex_lock(&d->lock);
  if (ok)
    atomic_store(&d->durable, number);
  else
    d->err = *err;
  d->failed = !ok;
  pthread_cond_broadcast(&d->done);
  ia_disk_notify *notify = d->notify;
  void *ctx = d->notify_ctx;
  pthread_mutex_unlock(&d->lock);
  if (notify)
    notify(ctx);
}

static void *writer_main(void *ctx)
{
  ia_disk *d = ctx;
  IA_AUTOV(ia_buf) batch = {.cap = BATCH_CAP};
  uint64_t number = 0;
  ia_err err;

  while (next_batch(d, &batch, &number)) {
    bool ok = commit_batch(d, ia_buf_view(&batch), NULL, &err);

    ia_crash_point("ledger.committed");
    if (!ok)
      ia_log(IA_LOG_ERROR, "ledger.write", "error=%s", err.msg);
    finish(d, ok, number, &err);
    if (!ok)
      break;
    if (batch.room > 16 << 20)
      ia_buf_free(&batch);
    batch.len = 0;
    batch.cap = BATCH_CAP;
  }
  return NULL;
}

uint64_t ia_disk_durable(ia_disk *d)
{
  return atomic_load(&d->durable);
}

static bool reached(uint64_t durable, uint64_t number)
{
  return durable != UINT64_MAX && durable >= number;
}

bool ia_disk_wait(ia_disk *d, uint64_t number, ia_err *e)
{
  pthread_mutex_lock(&d->lock);
  while (!d->failed && !reached(atomic_load(&d->durable), number))
    pthread_cond_wait(&d->done, &d->lock);
  bool ok = reached(atomic_load(&d->durable), number);
  if (!ok && e)
    *e = d->err;
  pthread_mutex_unlock(&d->lock);
  return ok;
}

bool ia_disk_healthy(ia_disk *d, ia_err *e)
{
  pthread_mutex_lock(&d->lock);
  bool ok = !d->failed;
  if (!ok && e)
    *e = d->err;
  pthread_mutex_unlock(&d->lock);
  return ok;
}

/* -- replacing -- */

static const char replace_sql[] =
    "BEGIN IMMEDIATE;"
    "DELETE FROM main.state; INSERT INTO main.state SELECT k, v FROM replayed.state;"
    "DELETE FROM main.ref; INSERT INTO main.ref SELECT h, n FROM replayed.ref;"
    "DELETE FROM main.term; INSERT INTO main.term SELECT t, n FROM replayed.term;"
    "COMMIT;";

bool ia_disk_replace_derived(ia_disk *d, const char *other, ia_err *e)
{
  sqlite3_stmt *attach = NULL;
  ia_err ignored;
  bool ok = prepare(d->writer, &attach, "ATTACH ?1 AS replayed", e);

  if (ok) {
    sqlite3_bind_text(attach, 1, other, -1, SQLITE_STATIC);
    ok = step(d, attach, e);
  }
  sqlite3_finalize(attach);
  if (!ok)
    return false;
  ok = run(d->writer, replace_sql, e);
  if (!ok)
    (void)run(d->writer, "ROLLBACK", &ignored);
  return run(d->writer, "DETACH replayed", ok ? e : &ignored) && ok;
}

/* The writer's thread waits, so its connection is free. */
bool ia_disk_rewind(ia_disk *d, uint64_t number, ia_err *e)
{
  IA_AUTOV(ia_buf) batch = d->open;
  IA_AUTOV(ia_buf) drop = {0};
  ia_err err;

  d->open = (ia_buf){.cap = BATCH_CAP};
  for (int i = 0; i < 3; i++)
    ia_buf_printf(&drop, "DELETE FROM %s WHERE n > %llu;",
                  (const char *[]){"block", "ref", "term"}[i], (unsigned long long)number);
  ia_buf_u8(&drop, 0);
  bool ok = ia_buf_ok(&batch, &err) && ia_buf_ok(&drop, &err) &&
            commit_batch(d, ia_buf_view(&batch), (const char *)drop.ptr, &err);
  finish(d, ok, number, &err);
  return ia_disk_healthy(d, e);
}

/* -- reading -- */

/* One row or none; ends the statement. */
static bool read_row(ia_disk *d, sqlite3_stmt *s, bool *found, ia_err *e)
{
  int rc = sqlite3_step(s);

  *found = rc == SQLITE_ROW;
  if (rc == SQLITE_ROW || rc == SQLITE_DONE)
    return true;
  (void)sql_fail(d->reader, e);
  sqlite3_reset(s);
  return false;
}

static bool read_blob(ia_disk *d, sqlite3_stmt *s, ia_buf *out, bool *found, ia_err *e)
{
  if (!read_row(d, s, found, e))
    return false;
  if (*found)
    ia_buf_put(out, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0));
  sqlite3_reset(s);
  return ia_buf_ok(out, e);
}

bool ia_disk_get_state(ia_disk *d, ia_span key, ia_buf *value, ia_err *e)
{
  sqlite3_stmt *s = d->read[READ_STATE];
  bool found;

  sqlite3_bind_blob64(s, 1, key.ptr, key.len, SQLITE_STATIC);
  return read_blob(d, s, value, &found, e);
}

bool ia_disk_get_block(ia_disk *d, uint64_t number, ia_buf *body, bool *found, ia_err *e)
{
  sqlite3_stmt *s = d->read[READ_BLOCK];

  sqlite3_bind_int64(s, 1, (sqlite3_int64)number);
  return read_blob(d, s, body, found, e);
}

bool ia_disk_get_ref(ia_disk *d, const ia_h256 *hash, uint64_t *number, bool *found, ia_err *e)
{
  sqlite3_stmt *s = d->read[READ_REF];

  sqlite3_bind_blob64(s, 1, hash->b, sizeof(hash->b), SQLITE_STATIC);
  if (!read_row(d, s, found, e))
    return false;
  if (*found)
    *number = (uint64_t)sqlite3_column_int64(s, 0);
  sqlite3_reset(s);
  return true;
}

bool ia_disk_find(ia_disk *d, uint64_t term, uint64_t from, uint64_t to, uint64_t *numbers,
                  size_t cap, size_t *n, ia_err *e)
{
  sqlite3_stmt *s = d->read[READ_FIND];
  bool found = true;

  sqlite3_bind_int64(s, 1, (sqlite3_int64)term);
  sqlite3_bind_int64(s, 2, (sqlite3_int64)from);
  sqlite3_bind_int64(s, 3, (sqlite3_int64)(to > INT64_MAX ? INT64_MAX : to));
  sqlite3_bind_int64(s, 4, (sqlite3_int64)cap);
  for (*n = 0; *n < cap; (*n)++) {
    if (!read_row(d, s, &found, e))
      return false;
    if (!found)
      break;
    numbers[*n] = (uint64_t)sqlite3_column_int64(s, 0);
  }
  sqlite3_reset(s);
  return true;
}

struct ia_disk_cursor {
  ia_disk *d;
  sqlite3_stmt *s;
};

bool ia_disk_scan(ia_disk_cursor **out, ia_disk *d, ia_err *e)
{
  IA_AUTO(ia_disk_cursor) *c = calloc(1, sizeof(*c));

  if (!c)
    return ia_fail(e, IA_E_MEMORY, "no memory for a scan");
  c->d = d;
  if (!prepare(d->reader, &c->s, "SELECT k, v FROM state ORDER BY k", e))
    return false;
  *out = ia_steal(&c);
  return true;
}

bool ia_disk_next(ia_disk_cursor *c, ia_span *key, ia_span *value, bool *more, ia_err *e)
{
  if (!read_row(c->d, c->s, more, e))
    return false;
  if (*more) {
    *key = ia_span_of(sqlite3_column_blob(c->s, 0), (size_t)sqlite3_column_bytes(c->s, 0));
    *value = ia_span_of(sqlite3_column_blob(c->s, 1), (size_t)sqlite3_column_bytes(c->s, 1));
  }
  return true;
}

void ia_disk_scan_end(ia_disk_cursor *c)
{
  if (!c)
    return;
  sqlite3_finalize(c->s);
  free(c);
}
