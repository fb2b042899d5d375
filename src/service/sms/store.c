#include "service/sms/store.h"

#include <pthread.h>
#include <stdio.h>

#include "base/crash.h"
#include "base/file.h"

static const ia_migration steps[] = {
    {1, "CREATE TABLE meta (key TEXT PRIMARY KEY, number INTEGER, bytes BLOB) STRICT;"
        "CREATE TABLE secret (kind INTEGER NOT NULL, address BLOB NOT NULL, name TEXT NOT NULL,"
        "  version INTEGER NOT NULL, pusher BLOB NOT NULL, time INTEGER NOT NULL,"
        "  sealed BLOB NOT NULL, PRIMARY KEY (kind, address, name, version)) STRICT;"
        "CREATE TABLE message (object BLOB NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,"
        "  signer BLOB NOT NULL, time INTEGER NOT NULL, body BLOB NOT NULL, sig BLOB NOT NULL,"
        "  PRIMARY KEY (object, kind, version)) STRICT;"
        "CREATE TABLE revoked (object BLOB NOT NULL, order_hash BLOB NOT NULL,"
        "  PRIMARY KEY (object, order_hash)) STRICT;"
        "CREATE TABLE deal (deal BLOB PRIMARY KEY, seq INTEGER NOT NULL, time INTEGER NOT NULL,"
        "  block INTEGER, tx BLOB) STRICT;"
        "CREATE TABLE closed (order_hash BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT;"
        "CREATE TABLE presigned (order_hash BLOB PRIMARY KEY, tx BLOB NOT NULL) STRICT;"
        "CREATE TABLE fence (task BLOB PRIMARY KEY, fencing INTEGER NOT NULL,"
        "  worker BLOB NOT NULL) STRICT;"
        "CREATE TABLE release (seq INTEGER PRIMARY KEY, task BLOB NOT NULL, dataset BLOB NOT NULL,"
        "  order_hash BLOB NOT NULL, time INTEGER NOT NULL, record TEXT NOT NULL,"
        "  sig BLOB NOT NULL) STRICT;"
        "CREATE INDEX release_task ON release (task);"
        "CREATE INDEX release_order ON release (order_hash, task);"
        "CREATE INDEX release_dataset ON release (dataset, time, task);"
        "CREATE TABLE audit (seq INTEGER PRIMARY KEY, object BLOB NOT NULL, time INTEGER NOT NULL,"
        "  verdict TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, task BLOB NOT NULL,"
        "  deal BLOB NOT NULL, app BLOB NOT NULL, requester BLOB NOT NULL, purpose TEXT NOT NULL,"
        "  order_hash BLOB NOT NULL, release INTEGER) STRICT;"
        "CREATE INDEX audit_object ON audit (object, seq);"
        "CREATE TABLE sim_root (digest BLOB PRIMARY KEY) STRICT;"
        "CREATE INDEX secret_pusher ON secret (pusher);"
        "CREATE INDEX message_signer ON message (signer);"},
    {2, "ALTER TABLE message ADD COLUMN seal BLOB NOT NULL DEFAULT x'';"},
    /* the data of a bulk release, whose own row names none */
    {3, "CREATE TABLE release_slice (seq INTEGER NOT NULL, task BLOB NOT NULL,"
        "  dataset BLOB NOT NULL, order_hash BLOB NOT NULL, time INTEGER NOT NULL,"
        "  PRIMARY KEY (seq, dataset)) STRICT;"
        "CREATE INDEX release_slice_order ON release_slice (order_hash, task);"
        "CREATE INDEX release_slice_dataset ON release_slice (dataset, time, task);"},
    /* versions and revocations are each owner's own; messages have a place among the transfers */
    {4, "DROP TABLE message; DROP TABLE revoked;"
        "CREATE TABLE message (object BLOB NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,"
        "  signer BLOB NOT NULL, time INTEGER NOT NULL, body BLOB NOT NULL, sig BLOB NOT NULL,"
        "  seal BLOB NOT NULL, moves INTEGER NOT NULL,"
        "  PRIMARY KEY (object, kind, signer, version)) STRICT;"
        "CREATE INDEX message_signer ON message (signer);"
        "CREATE TABLE revoked (object BLOB NOT NULL, order_hash BLOB NOT NULL,"
        "  signer BLOB NOT NULL, PRIMARY KEY (object, order_hash, signer)) STRICT;"},
};

typedef struct work {
  ia_sms_unit *fn;
  void *ctx;
  bool writes;
  bool ok;
  bool done;
  ia_err err;
  struct work *next;
} work;

struct ia_sms_store {
  ia_db *db; /* used by the thread that leads */
  bool fresh;
  uint64_t generation;
  ia_sms_committed *committed;
  void *committed_ctx;
  pthread_mutex_t lock; /* of the queue below */
  pthread_cond_t ready;
  work *first, **last;
  bool leading; /* a thread runs a group */
};

void ia_sms_store_close(ia_sms_store *s)
{
  if (!s)
    return;
  ia_db_close(s->db);
  pthread_mutex_destroy(&s->lock);
  pthread_cond_destroy(&s->ready);
  free(s);
}

bool ia_sms_store_open(ia_sms_store **out, const char *dir, ia_err *e)
{
  IA_AUTO(ia_sms_store) *s = NULL;
  ia_path url;
  bool has;

  if (!ia_path_join(&url, e, "sqlite:%s/sms.db", dir))
    return false;
  s = calloc(1, sizeof(*s));
  if (!s)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->ready, NULL);
  s->last = &s->first;
  if (!ia_db_open(&s->db, url.s, steps, IA_COUNT(steps), e) ||
      !ia_sms_meta_u64(s->db, "generation", &s->generation, &has, e))
    return false;
  s->fresh = !has;
  *out = ia_steal(&s);
  return true;
}

void ia_sms_store_on_commit(ia_sms_store *s, ia_sms_committed *fn, void *ctx)
{
  s->committed = fn;
  s->committed_ctx = ctx;
}

uint64_t ia_sms_store_generation(const ia_sms_store *s)
{
  return s->generation;
}

bool ia_sms_store_fresh(const ia_sms_store *s)
{
  return s->fresh;
}

static bool statement(ia_db *db, const char *sql, ia_err *e)
{
  ia_stmt *st;

  return ia_db_stmt(&st, db, sql, e) && ia_stmt_run(st, e);
}

static void run_unit(ia_sms_store *s, work *w)
{
  if (!statement(s->db, "SAVEPOINT unit", &w->err))
    return;
  w->ok = w->fn(w->ctx, s->db, &w->err);
  if (!w->ok && !statement(s->db, "ROLLBACK TO unit", NULL))
    return;
  if (!statement(s->db, "RELEASE unit", w->ok ? &w->err : NULL))
    w->ok = false;
}

static bool any_writes(const work *group)
{
  for (; group; group = group->next)
    if (group->writes && group->ok)
      return true;
  return false;
}

static bool commit(ia_sms_store *s, const work *group, ia_err *e)
{
  bool writes = any_writes(group);

  if (writes && !ia_sms_meta_set_u64(s->db, "generation", s->generation + 1, e)) {
    ia_db_rollback(s->db);
    return false;
  }
  if (!ia_db_commit(s->db, e))
    return false;
  if (!writes)
    return true;
  s->generation++;
  ia_crash_point("sms.committed");
  return !s->committed || s->committed(s->committed_ctx, s->generation, e);
}

/* Runs a group in one transaction. The queue's lock is not held. */
static void run_group(ia_sms_store *s, work *group)
{
  ia_err err = {0};
  bool ok = ia_db_begin(s->db, &err);

  for (work *w = group; ok && w; w = w->next)
    run_unit(s, w);
  if (ok)
    ok = commit(s, group, &err);
  for (work *w = group; !ok && w; w = w->next) {
    if (w->ok || w->err.code == IA_OK)
      w->err = err;
    w->ok = false;
  }
}

bool ia_sms_store_run(ia_sms_store *s, bool writes, ia_sms_unit *fn, void *ctx, ia_err *e)
{
  work w = {.fn = fn, .ctx = ctx, .writes = writes};

  pthread_mutex_lock(&s->lock);
  *s->last = &w;
  s->last = &w.next;
  while (!w.done && s->leading)
    pthread_cond_wait(&s->ready, &s->lock);
  if (!w.done) { /* this thread leads the group that holds its own work */
    work *group = s->first, *next;

    s->first = NULL;
    s->last = &s->first;
    s->leading = true;
    pthread_mutex_unlock(&s->lock);
    run_group(s, group);
    pthread_mutex_lock(&s->lock);
    for (; group; group = next) {
      next = group->next; /* its owner may leave once done is set and the lock is free */
      group->done = true;
    }
    s->leading = false;
    pthread_cond_broadcast(&s->ready);
  }
  pthread_mutex_unlock(&s->lock);
  if (!w.ok && e)
    *e = w.err;
  return w.ok;
}

bool ia_sms_meta_u64(ia_db *db, const char *key, uint64_t *out, bool *has, ia_err *e)
{
  ia_stmt *st;
  bool row = false;

  if (!ia_db_stmt(&st, db, "SELECT number FROM meta WHERE key = $1", e))
    return false;
  ia_bind_text(st, 1, key);
  if (!ia_stmt_step(st, &row, e))
    return false;
  *out = row ? ia_col_u64(st, 0) : 0;
  ia_stmt_reset(st);
  if (has)
    *has = row;
  return row || has || ia_fail(e, IA_E_NOT_FOUND, "store: no %s", key);
}

bool ia_sms_meta_set_u64(ia_db *db, const char *key, uint64_t v, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "INSERT INTO meta (key, number) VALUES ($1, $2)"
                  " ON CONFLICT (key) DO UPDATE SET number = excluded.number",
                  e))
    return false;
  ia_bind_text(st, 1, key);
  ia_bind_u64(st, 2, v);
  return ia_stmt_run(st, e);
}

bool ia_sms_meta_bytes(ia_db *db, const char *key, ia_buf *out, bool *has, ia_err *e)
{
  ia_stmt *st;
  bool row = false;

  if (!ia_db_stmt(&st, db, "SELECT bytes FROM meta WHERE key = $1", e))
    return false;
  ia_bind_text(st, 1, key);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (row)
    ia_buf_span(out, ia_col_bytes(st, 0));
  ia_stmt_reset(st);
  if (has)
    *has = row;
  return (row || has || ia_fail(e, IA_E_NOT_FOUND, "store: no %s", key)) && ia_buf_ok(out, e);
}

bool ia_sms_meta_set_bytes(ia_db *db, const char *key, ia_span v, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "INSERT INTO meta (key, bytes) VALUES ($1, $2)"
                  " ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes",
                  e))
    return false;
  ia_bind_text(st, 1, key);
  ia_bind_blob(st, 2, v);
  return ia_stmt_run(st, e);
}

bool ia_sms_meta_next(ia_db *db, const char *key, uint64_t *out, ia_err *e)
{
  bool has;

  if (!ia_sms_meta_u64(db, key, out, &has, e))
    return false;
  *out += 1;
  return ia_sms_meta_set_u64(db, key, *out, e);
}
