#include "service/sms/journal.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "crypto/sha.h"
#include "service/sms/tables.h"

enum { ENTRY_MAX = 4 << 20 };

/* -- entries -- */
void ia_entry_free(ia_entry *x)
{
  if (x)
    ia_buf_free(&x->body);
}

void ia_entry_begin(ia_entry *x, ia_journal_kind kind)
{
  ia_buf_clear(&x->body);
  ia_buf_u8(&x->body, (uint8_t)kind);
}

void ia_entry_u64(ia_entry *x, uint64_t v)
{
  ia_buf_u8(&x->body, 'i');
  ia_buf_u64be(&x->body, v);
}

void ia_entry_bytes(ia_entry *x, ia_span v)
{
  ia_buf_u8(&x->body, 'b');
  ia_buf_lp(&x->body, v);
}

void ia_entry_text(ia_entry *x, ia_span v)
{
  ia_buf_u8(&x->body, 't');
  ia_buf_lp(&x->body, v);
}

void ia_entry_null(ia_entry *x)
{
  ia_buf_u8(&x->body, 'n');
}

void ia_entry_addr(ia_entry *x, const ia_addr *v)
{
  ia_entry_bytes(x, IA_SPAN_ARR(v->b));
}

void ia_entry_h256(ia_entry *x, const ia_h256 *v)
{
  ia_entry_bytes(x, IA_SPAN_ARR(v->b));
}

static bool read_field(ia_span *in, ia_field *f)
{
  uint8_t type;

  *f = (ia_field){0};
  if (!ia_span_u8(in, &type))
    return false;
  f->type = (char)type;
  switch (type) {
  case 'i': return ia_span_u64be(in, &f->number);
  case 'b':
  case 't': return ia_span_lp(in, &f->bytes);
  default: return type == 'n';
  }
}

bool ia_entry_read(ia_fields *out, ia_span body, ia_err *e)
{
  uint8_t kind = 0;
  bool ok = body.len <= ENTRY_MAX && ia_span_u8(&body, &kind);

  *out = (ia_fields){.kind = (ia_journal_kind)kind};
  while (ok && body.len > 0) {
    ok = out->n < IA_ENTRY_FIELDS && read_field(&body, &out->f[out->n]);
    out->n += ok;
  }
  return ok || ia_fail(e, IA_E_CORRUPT, "store: an entry of the journal is malformed");
}

/* -- what an entry does to the tables in memory -- */
static void bind(ia_stmt *st, int i, const ia_field *f)
{
  switch (f->type) {
  case 'i': ia_bind_u64(st, i, f->number); break;
  case 'b': ia_bind_blob(st, i, f->bytes); break;
  case 't': ia_bind_textn(st, i, f->bytes); break;
  default: ia_bind_null(st, i); break;
  }
}

static bool apply(ia_db *db, uint64_t seq, ia_span body, ia_err *e)
{
  const ia_sms_effect *x;
  ia_fields v;
  ia_stmt *st;
  int i = 0;

  if (!ia_entry_read(&v, body, e))
    return false;
  x = ia_sms_effect_of(v.kind);
  if (!x || v.n != x->fields)
    return ia_fail(e, IA_E_CORRUPT, "store: entry %llu of the journal is of no known form",
                   (unsigned long long)seq);
  if (!ia_db_stmt(&st, db, x->sql, e))
    return false;
  for (size_t k = 0; k < x->kept; k++)
    bind(st, ++i, &v.f[k]);
  if (x->numbered)
    ia_bind_u64(st, ++i, seq);
  if (x->hashed) {
    ia_h256 digest;

    ia_sha256(&digest, body);
    ia_bind_h256(st, ++i, &digest);
  }
  return ia_stmt_run(st, e);
}

/* -- the end of the chain -- */
bool ia_journal_tip_get(ia_db *db, ia_journal_tip *out, ia_err *e)
{
  bool row = false, ok;
  ia_span mac;
  ia_stmt *st;

  *out = (ia_journal_tip){0};
  if (!ia_db_stmt(&st, db, "SELECT seq, mac FROM tip", e) || !ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return true;
  out->seq = ia_col_u64(st, 0);
  mac = ia_col_bytes(st, 1);
  ok = mac.len == sizeof(out->mac) || ia_fail(e, IA_E_CORRUPT, "store: no end of the journal");
  if (ok)
    memcpy(out->mac, mac.ptr, mac.len);
  ia_stmt_reset(st);
  return ok;
}

static bool tip_set(ia_db *db, const ia_journal_tip *t, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "INSERT OR REPLACE INTO tip (one, seq, mac) VALUES (1, $1, $2)", e))
    return false;
  ia_bind_u64(st, 1, t->seq);
  ia_bind_blob(st, 2, IA_SPAN_ARR(t->mac));
  return ia_stmt_run(st, e);
}

/* The tip after this entry. */
static bool step(ia_journal_tip *t, const ia_secret *key, ia_span body, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  t->seq++;
  ia_buf_lp_str(&b, "iapp-journal/v1");
  ia_buf_span(&b, IA_SPAN_ARR(t->mac));
  ia_buf_u64be(&b, t->seq);
  ia_buf_lp(&b, body);
  return ia_buf_ok(&b, e) && ia_hmac_sha256(t->mac, ia_secret_view(key), ia_buf_view(&b), e);
}

bool ia_journal_put(ia_db *db, const ia_entry *x, uint64_t *out, ia_err *e)
{
  uint64_t seq;
  bool row = false;
  ia_stmt *st;

  if (!ia_buf_ok(&x->body, e) ||
      !ia_db_stmt(&st, db,
                  "SELECT 1 + max((SELECT coalesce(max(seq), 0) FROM tip),"
                  " (SELECT coalesce(max(seq), 0) FROM pending))",
                  e) ||
      !ia_stmt_step(st, &row, e))
    return false;
  seq = ia_col_u64(st, 0);
  ia_stmt_reset(st);
  if (!ia_db_stmt(&st, db, "INSERT INTO pending (seq, body) VALUES ($1, $2)", e))
    return false;
  ia_bind_u64(st, 1, seq);
  ia_bind_blob(st, 2, ia_buf_view(&x->body));
  if (out)
    *out = seq;
  return ia_stmt_run(st, e) && apply(db, seq, ia_buf_view(&x->body), e);
}

static bool append(ia_db *db, const ia_journal_tip *t, ia_span body, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "INSERT INTO disk.journal (seq, body, mac) VALUES ($1, $2, $3)", e))
    return false;
  ia_bind_u64(st, 1, t->seq);
  ia_bind_blob(st, 2, body);
  ia_bind_blob(st, 3, IA_SPAN_ARR(t->mac));
  return ia_stmt_run(st, e);
}

bool ia_journal_flush(ia_db *db, const ia_secret *key, bool *any, ia_err *e)
{
  ia_journal_tip t;
  bool row = false, ok = true;
  ia_stmt *st;

  *any = false;
  if (!ia_journal_tip_get(db, &t, e) ||
      !ia_db_stmt(&st, db, "SELECT seq, body FROM pending ORDER BY seq", e))
    return false;
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row) {
    ia_span body = ia_col_bytes(st, 1);

    *any = true;
    ok = (ia_col_u64(st, 0) == t.seq + 1 || ia_fail(e, IA_E_INTERNAL, "journal: a gap")) &&
         step(&t, key, body, e) && append(db, &t, body, e);
  }
  ia_stmt_reset(st);
  if (!ok || !*any)
    return ok;
  return ia_db_stmt(&st, db, "DELETE FROM pending", e) && ia_stmt_run(st, e) && tip_set(db, &t, e);
}

/* -- reading -- */
bool ia_journal_mac_of(ia_db *db, uint64_t seq, bool *has, uint8_t mac[32], ia_err *e)
{
  ia_stmt *st;
  ia_span got;

  if (!ia_db_stmt(&st, db, "SELECT mac FROM disk.journal WHERE seq = $1", e))
    return false;
  ia_bind_u64(st, 1, seq);
  if (!ia_stmt_step(st, has, e))
    return false;
  if (*has) {
    got = ia_col_bytes(st, 0);
    *has = got.len == 32;
    memcpy(mac, *has ? got.ptr : (const uint8_t[32]){0}, 32);
  }
  ia_stmt_reset(st);
  return true;
}

/* The last entry that is known is still there; and nothing lies where entries cannot. */
static bool in_place(ia_db *db, const ia_journal_tip *t, ia_err *e)
{
  uint8_t mac[32] = {0};
  bool has = true, row = false, odd;
  ia_stmt *st;

  if (t->seq > 0) {
    if (!ia_journal_mac_of(db, t->seq, &has, mac, e))
      return false;
    return (has && ia_ct_eq(mac, t->mac, sizeof(mac))) ||
           ia_fail(e, IA_E_CORRUPT,
                   "store: entry %llu of the journal is not the one that was written",
                   (unsigned long long)t->seq);
  }
  if (!ia_db_stmt(&st, db, "SELECT 1 FROM disk.journal WHERE seq < 1 LIMIT 1", e) ||
      !ia_stmt_step(st, &row, e))
    return false;
  odd = row;
  ia_stmt_reset(st);
  return !odd || ia_fail(e, IA_E_CORRUPT, "store: the journal has an entry before its first");
}

static bool take(ia_db *db, ia_journal_tip *t, const ia_secret *key, ia_stmt *st, ia_err *e)
{
  ia_span body = ia_col_bytes(st, 1), mac = ia_col_bytes(st, 2);
  bool follows = ia_col_u64(st, 0) == t->seq + 1;

  if (key && (!follows || !step(t, key, body, e) || mac.len != sizeof(t->mac) ||
              !ia_ct_eq(mac.ptr, t->mac, sizeof(t->mac))))
    return ia_fail(e, IA_E_CORRUPT,
                   "store: entry %llu of the journal is not ours or not in its place",
                   (unsigned long long)ia_col_u64(st, 0));
  if (!key) {
    t->seq = ia_col_u64(st, 0);
    memcpy(t->mac, mac.ptr, mac.len < sizeof(t->mac) ? mac.len : sizeof(t->mac));
  }
  return apply(db, t->seq, body, e);
}

bool ia_journal_follow(ia_db *db, const ia_secret *key, uint64_t *form, ia_err *e)
{
  ia_journal_tip t;
  bool row = false, ok = true;
  uint64_t before;
  ia_stmt *st;

  if (!ia_sms_form_check(db, form, e) || !ia_journal_tip_get(db, &t, e) || !in_place(db, &t, e))
    return false;
  before = t.seq;
  if (!ia_db_stmt(&st, db, "SELECT seq, body, mac FROM disk.journal WHERE seq > $1 ORDER BY seq",
                  e))
    return false;
  ia_bind_u64(st, 1, before);
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row)
    ok = take(db, &t, key, st, e);
  ia_stmt_reset(st);
  return ok && (t.seq == before || tip_set(db, &t, e));
}

static bool same_hash(ia_span bytes, ia_span digest, ia_err *e)
{
  ia_h256 h;

  ia_sha256(&h, bytes);
  return ia_span_eq(IA_SPAN_ARR(h.b), digest) ||
         ia_fail(e, IA_E_CORRUPT, "store: what lies on disk is not what was put there");
}

bool ia_journal_read(ia_db *db, uint64_t seq, ia_span digest, ia_buf *body, ia_fields *out,
                     ia_err *e)
{
  bool row = false;
  ia_stmt *st;

  ia_buf_clear(body);
  /* of this very transaction: not on disk yet */
  if (!ia_db_stmt(&st, db,
                  "SELECT body FROM disk.journal WHERE seq = $1 UNION ALL"
                  " SELECT body FROM pending WHERE seq = $1",
                  e))
    return false;
  ia_bind_u64(st, 1, seq);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (row)
    ia_buf_span(body, ia_col_bytes(st, 0));
  ia_stmt_reset(st);
  return ia_buf_ok(body, e) && same_hash(ia_buf_view(body), digest, e) &&
         ia_entry_read(out, ia_buf_view(body), e);
}

/* -- beside the chain -- */
bool ia_journal_keep(ia_db *db, uint64_t seq, ia_span bytes, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "INSERT OR REPLACE INTO disk.sealed (seq, bytes) VALUES ($1, $2)", e))
    return false;
  ia_bind_u64(st, 1, seq);
  ia_bind_blob(st, 2, bytes);
  return ia_stmt_run(st, e);
}

bool ia_journal_kept(ia_db *db, uint64_t seq, ia_span digest, ia_buf *out, ia_err *e)
{
  bool row = false;
  ia_stmt *st;

  ia_buf_clear(out);
  if (!ia_db_stmt(&st, db, "SELECT bytes FROM disk.sealed WHERE seq = $1", e))
    return false;
  ia_bind_u64(st, 1, seq);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (row)
    ia_buf_span(out, ia_col_bytes(st, 0));
  ia_stmt_reset(st);
  return ia_buf_ok(out, e) && same_hash(ia_buf_view(out), digest, e);
}

bool ia_journal_destroy(ia_db *db, uint64_t seq, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "DELETE FROM disk.sealed WHERE seq = $1", e))
    return false;
  ia_bind_u64(st, 1, seq);
  return ia_stmt_run(st, e);
}

/* -- opening -- */
bool ia_journal_open(ia_db **out, const char *path, bool *fresh, ia_err *e)
{
  IA_AUTO(ia_db) *db = NULL;

  if (!ia_db_open_again(&db, "sqlite::memory:", e) || !ia_db_attach(db, path, "disk", e) ||
      !ia_sms_form_make(db, path, fresh, e) || !ia_sms_tables_make(db, e))
    return false;
  *out = ia_steal(&db);
  return true;
}

bool ia_journal_peek(ia_db *db, const char *key, ia_buf *out, ia_err *e)
{
  bool row = false, ok = true, found = false;
  ia_stmt *st;

  ia_buf_clear(out);
  if (!ia_db_stmt(&st, db, "SELECT body FROM disk.journal ORDER BY seq LIMIT 8", e))
    return false;
  while (ok && !found && (ok = ia_stmt_step(st, &row, e)) && row) {
    ia_fields v;

    found = ia_entry_read(&v, ia_col_bytes(st, 0), NULL) && v.kind == IA_J_META && v.n == 3 &&
            ia_span_is(v.f[0].bytes, key);
    if (found)
      ia_buf_span(out, v.f[2].bytes);
  }
  ia_stmt_reset(st);
  if (!ok)
    return false;
  return found ? ia_buf_ok(out, e) : ia_fail(e, IA_E_CORRUPT, "store: no %s is written", key);
}
