/* The SMS's own sight of the ledger: deals, closes and presignatures in the order in which they
 * were first seen, and the last block below which nothing may change. What lies above that may be
 * rewritten, and is read again then; what was seen of it is not forgotten. */
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/sms/internal.h"

enum { PART = 20000 /* blocks that are read at once at most */ };

struct chunk {
  ia_sms_event *ev;
  size_t n, room;
};

static bool collect(void *ctx, const ia_sms_event *ev, ia_err *e)
{
  struct chunk *c = ctx;

  if (c->n == c->room) {
    size_t room = c->room ? 2 * c->room : 64;
    ia_sms_event *more = reallocarray(c->ev, room, sizeof(*more));

    if (!more)
      return ia_fail(e, IA_E_MEMORY, "sms: no memory");
    c->ev = more;
    c->room = room;
  }
  c->ev[c->n++] = *ev;
  return true;
}

bool ia_sms_deal_seen(ia_db *db, const ia_h256 *deal, uint64_t now, ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};
  bool row = false;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "SELECT 1 FROM deal WHERE deal = $1", e))
    return false;
  ia_bind_h256(st, 1, deal);
  if (!ia_stmt_step(st, &row, e))
    return false;
  ia_stmt_reset(st);
  if (row)
    return true;
  ia_entry_begin(&x, IA_J_DEAL);
  ia_entry_h256(&x, deal);
  ia_entry_u64(&x, now);
  return ia_journal_put(db, &x, NULL, e);
}

static bool close_seen(ia_db *db, const ia_h256 *order, ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};

  ia_entry_begin(&x, IA_J_CLOSED);
  ia_entry_h256(&x, order);
  return ia_journal_put(db, &x, NULL, e);
}

static bool presign_seen(ia_db *db, const ia_sms_event *ev, ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};

  ia_entry_begin(&x, IA_J_PRESIGNED);
  ia_entry_h256(&x, &ev->id);
  ia_entry_h256(&x, &ev->tx);
  return ia_journal_put(db, &x, NULL, e);
}

struct remember {
  const struct chunk *c;
  const ia_sms_block *at;
};

static bool write_events(void *ctx, ia_db *db, ia_err *e)
{
  const struct remember *r = ctx;
  uint64_t now = ia_now();

  for (size_t i = 0; i < r->c->n; i++) {
    const ia_sms_event *ev = &r->c->ev[i];
    bool ok = ev->kind == IA_SMS_MATCHED  ? ia_sms_deal_seen(db, &ev->id, now, e)
              : ev->kind == IA_SMS_CLOSED ? close_seen(db, &ev->id, e)
                                          : presign_seen(db, ev, e);

    if (!ok)
      return false;
  }
  return ia_sms_meta_set(db, "block", r->at->number, IA_SPAN_ARR(r->at->hash.b), e);
}

static bool write_stop(void *ctx, ia_db *db, ia_err *e)
{
  uint64_t v;
  bool has;

  (void)ctx;
  return ia_sms_meta_u64(db, "rolledBack", &v, &has, e) &&
         ((has && v == 1) || ia_sms_meta_set_u64(db, "rolledBack", 1, e));
}

static bool read_cursor(void *ctx, ia_db *db, ia_err *e)
{
  ia_sms *s = ctx;
  IA_AUTOV(ia_buf) hash = {0};

  if (!ia_sms_meta_u64(db, "block", &s->kept.number, &s->kept_any, e))
    return false;
  if (!s->kept_any)
    return true;
  if (!ia_sms_meta_bytes(db, "block", &hash, NULL, e))
    return false;
  if (hash.len != 32)
    return ia_fail(e, IA_E_CORRUPT, "store: the remembered block has no hash");
  memcpy(s->kept.hash.b, hash.ptr, 32);
  s->cursor = s->kept;
  return true;
}

static bool stands(const ia_sms_ledger *l, const ia_sms_block *known, bool *yes, ia_err *e)
{
  ia_sms_block b;
  bool has = false;

  if (!l->block(l->ctx, known->number, &has, &b, e))
    return false;
  *yes = has && ia_h256_eq(&b.hash, &known->hash);
  return true;
}

/* The block that must not change is still there with the same hash: the one of this run, which is
 * the stored one after a restart. */
static bool same_past(ia_sms *s, const ia_sms_ledger *l, const ia_sms_block *head, bool *same,
                      ia_err *e)
{
  *same = true;
  if (!s->kept_any)
    return true;
  if (head->number >= s->cursor.number)
    return stands(l, &s->cursor, same, e);
  *same = false;
  /* nodes of a chain may be behind; our own ledger is not */
  return s->reorg_depth == 0 ||
         ia_fail(e, IA_E_UNAVAILABLE, "the ledger shows block %llu, and %llu was seen",
                 (unsigned long long)head->number, (unsigned long long)s->cursor.number);
}

static uint64_t below(const ia_sms_block *head, uint64_t depth)
{
  return head->number < depth ? 0 : head->number - depth;
}

static bool block_at(const ia_sms_ledger *l, const ia_sms_block *head, uint64_t number,
                     ia_sms_block *out, ia_err *e)
{
  bool has = true;

  *out = *head;
  if (number == head->number)
    return true;
  if (!l->block(l->ctx, number, &has, out, e))
    return false;
  return has || ia_fail(e, IA_E_UNAVAILABLE, "the ledger has no block %llu under its head",
                        (unsigned long long)number);
}

/* Where reading goes on: after what was read, unless that was rewritten. */
static bool read_from(ia_sms *s, const ia_sms_ledger *l, const ia_sms_block *head, uint64_t *from,
                      ia_err *e)
{
  bool yes = false;

  *from = s->kept_any ? s->cursor.number + 1 : s->first_block;
  if (!s->recent_any || s->recent.number < *from)
    return true;
  if (s->recent.number <= head->number && !stands(l, &s->recent, &yes, e))
    return false;
  if (yes)
    *from = s->recent.number + 1;
  else
    ia_log(IA_LOG_WARN, "ledger.rewritten", "from=%llu back_to=%llu",
           (unsigned long long)s->recent.number, (unsigned long long)*from - 1);
  return true;
}

/* Remembers the events of final blocks [from, to]: what was read stays, however long the rest
 * takes. */
static bool follow_part(ia_sms *s, const ia_sms_ledger *l, const ia_sms_block *head, uint64_t from,
                        uint64_t to, ia_err *e)
{
  struct chunk c = {0};
  ia_sms_block at;
  bool ok = block_at(l, head, to, &at, e) && l->events(l->ctx, from, to, collect, &c, e) &&
            ia_sms_store_run(s->store, write_events, &(struct remember){&c, &at}, e);

  free(c.ev);
  if (!ok)
    return false;
  s->kept = s->cursor = s->recent = at;
  s->kept_any = s->recent_any = true;
  return true;
}

static bool follow(ia_sms *s, const ia_sms_ledger *l, const ia_sms_block *head, ia_err *e)
{
  uint64_t top = below(head, s->pins.depth), from;
  uint64_t low = s->reorg_depth > s->pins.depth ? below(head, s->reorg_depth) : top;
  struct chunk c = {0};
  ia_sms_block at, recent;
  bool ok;

  if (!read_from(s, l, head, &from, e))
    return false;
  if (s->kept_any && (top < from || top <= s->cursor.number))
    return true;
  for (; low >= from && low - from >= PART; from += PART)
    if (!follow_part(s, l, head, from, from + PART - 1, e))
      return false;
  at = s->cursor;
  if ((!s->kept_any || low > s->cursor.number) && !block_at(l, head, low, &at, e))
    return false;
  ok = block_at(l, head, top, &recent, e) &&
       (from > top || l->events(l->ctx, from, top, collect, &c, e));
  /* nothing to remember: the cursor moves in memory and the store follows with the next event */
  if (ok && (c.n > 0 || !s->kept_any)) {
    ok = ia_sms_store_run(s->store, write_events, &(struct remember){&c, &at}, e);
    if (ok) {
      s->kept = at;
      s->kept_any = true;
    }
  }
  if (ok) {
    s->cursor = at;
    s->recent = recent;
    s->recent_any = true;
  }
  free(c.ev);
  return ok;
}

/* Another thread may be reading: its outcome is waited for as long as this one may take. */
static bool lock_in_time(ia_sms *s, const ia_sms_ledger *l, ia_err *e)
{
  uint64_t now = ia_mono_ms(), left = l->deadline > now ? l->deadline - now : 0;
  struct timespec until;

  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)(left / 1000);
  until.tv_nsec += (long)(left % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  if (pthread_mutex_clocklock(&s->follow_lock, CLOCK_MONOTONIC, &until) == 0)
    return true;
  return ia_fail(e, IA_E_TIMEOUT, "the ledger's past is still being read");
}

bool ia_sms_catch_up(ia_sms *s, const ia_sms_ledger *l, ia_err *e)
{
  ia_sms_block head;
  bool same = true, ok;

  if (!lock_in_time(s, l, e))
    return false;
  ok = (s->cursor_read || ia_sms_store_run(s->store, read_cursor, s, e)) &&
       l->head(l->ctx, &head, e) && same_past(s, l, &head, &same, e);
  /* after a stop the store is asked again: the operator may have confirmed */
  s->cursor_read = ok && same;
  if (ok && !same) {
    ia_log(IA_LOG_ERROR, "ledger.rollback", "block=%llu", (unsigned long long)s->cursor.number);
    ok = ia_sms_store_run(s->store, write_stop, NULL, e);
  } else if (ok) {
    ok = follow(s, l, &head, e);
  }
  pthread_mutex_unlock(&s->follow_lock);
  return ok;
}
