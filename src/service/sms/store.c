#include "service/sms/store.h"

#include <pthread.h>
#include <stdio.h>

#include "base/crash.h"
#include "base/file.h"

typedef struct work {
  ia_sms_unit *fn;
  void *ctx;
  bool ok;
  bool done;
  ia_err err;
  struct work *next;
} work;

struct ia_sms_store {
  ia_db *db; /* used by the thread that leads */
  bool fresh;
  const ia_secret *key; /* of the journal; NULL before it is loaded */
  bool unverified;      /* a test looks away from the journal's MACs */
  uint64_t form;        /* of the database on disk, as it was last found sound */
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
  ia_path path;

  if (!ia_path_join(&path, e, "%s/sms.db", dir))
    return false;
  s = calloc(1, sizeof(*s));
  if (!s)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->ready, NULL);
  s->last = &s->first;
  if (!ia_journal_open(&s->db, path.s, &s->fresh, e))
    return false;
  *out = ia_steal(&s);
  return true;
}

void ia_sms_store_on_commit(ia_sms_store *s, ia_sms_committed *fn, void *ctx)
{
  s->committed = fn;
  s->committed_ctx = ctx;
}

bool ia_sms_store_fresh(const ia_sms_store *s)
{
  return s->fresh;
}

bool ia_sms_store_peek(ia_sms_store *s, const char *key, ia_buf *out, ia_err *e)
{
  return ia_journal_peek(s->db, key, out, e);
}

bool ia_sms_store_load(ia_sms_store *s, const ia_secret *key, bool verify, ia_journal_tip *tip,
                       ia_err *e)
{
  bool ok;

  s->key = key;
  s->unverified = !verify;
  if (!ia_db_begin(s->db, e))
    return false;
  ok = ia_journal_follow(s->db, verify ? key : NULL, &s->form, e) &&
       ia_journal_tip_get(s->db, tip, e);
  if (ok) {
    s->fresh = tip->seq == 0;
    return ia_db_commit(s->db, e);
  }
  ia_db_rollback(s->db);
  return false;
}

bool ia_sms_store_mac_of(ia_sms_store *s, uint64_t seq, bool *has, uint8_t mac[32], ia_err *e)
{
  return ia_journal_mac_of(s->db, seq, has, mac, e);
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

static bool commit(ia_sms_store *s, ia_err *e)
{
  ia_journal_tip tip;
  bool any;

  if (!ia_journal_flush(s->db, s->key, &any, e) || !ia_journal_tip_get(s->db, &tip, e)) {
    ia_db_rollback(s->db);
    return false;
  }
  if (!ia_db_commit(s->db, e))
    return false;
  if (!any)
    return true;
  ia_crash_point("sms.committed");
  return !s->committed || s->committed(s->committed_ctx, &tip, e);
}

static bool begin(ia_sms_store *s, ia_err *e)
{
  if (!ia_db_begin(s->db, e))
    return false;
  if (ia_journal_follow(s->db, s->unverified ? NULL : s->key, &s->form, e))
    return true;
  ia_db_rollback(s->db);
  return false;
}

/* Runs a group in one transaction. The queue's lock is not held. */
static void run_group(ia_sms_store *s, work *group)
{
  ia_err err = {0};
  bool ok = begin(s, &err);

  for (work *w = group; ok && w; w = w->next)
    run_unit(s, w);
  if (ok)
    ok = commit(s, &err);
  for (work *w = group; !ok && w; w = w->next) {
    if (w->ok || w->err.code == IA_OK)
      w->err = err;
    w->ok = false;
  }
}

bool ia_sms_store_run(ia_sms_store *s, ia_sms_unit *fn, void *ctx, ia_err *e)
{
  work w = {.fn = fn, .ctx = ctx};

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

static bool meta_put(ia_db *db, const char *key, const uint64_t *number, const ia_span *bytes,
                     ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};

  ia_entry_begin(&x, IA_J_META);
  ia_entry_text(&x, ia_span_str(key));
  if (number)
    ia_entry_u64(&x, *number);
  else
    ia_entry_null(&x);
  if (bytes)
    ia_entry_bytes(&x, *bytes);
  else
    ia_entry_null(&x);
  return ia_journal_put(db, &x, NULL, e);
}

bool ia_sms_meta_set_u64(ia_db *db, const char *key, uint64_t v, ia_err *e)
{
  return meta_put(db, key, &v, NULL, e);
}

bool ia_sms_meta_set(ia_db *db, const char *key, uint64_t number, ia_span bytes, ia_err *e)
{
  return meta_put(db, key, &number, &bytes, e);
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
  return meta_put(db, key, NULL, &v, e);
}
