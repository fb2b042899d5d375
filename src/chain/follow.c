/* Following events by block range. */
#include "chain/follow.h"

#include "base/clock.h"
#include "base/log.h"
#include "chain/internal.h"
#include "chain/pace.h"

enum { FOLLOW_SPAN = 1000, FOLLOW_TRIES = 16, HEADERS_AT_ONCE = 100 };

struct ia_follow {
  ia_chain *chain;
  ia_follow_config cfg;
  ia_cursor cursor;
  ia_addr *aside; /* those that are still asked for */
  size_t n_aside;
  uint64_t span; /* now: less than configured while the node finds it too much */
  ia_past past;  /* up to the cursor */
  ia_pace pace;
};

/* One step: the blocks to handle, and those of them that will be remembered. */
typedef struct step {
  uint64_t from;
  ia_cursor to;
  ia_cursor *seen;
  size_t n_seen;
  bool changed; /* the chain, while it was read */
} step;

static bool has_hash(const ia_cursor *c)
{
  return !ia_h256_zero(&c->hash);
}

bool ia_follow_new(ia_follow **out, ia_chain *c, const ia_follow_config *cfg, const ia_cursor *from,
                   ia_err *e)
{
  IA_AUTO(ia_follow) *f = calloc(1, sizeof(*f));

  if (!f)
    return ia_fail(e, IA_E_MEMORY, "follower: out of memory");
  f->chain = c;
  f->cfg = *cfg;
  f->cursor = *from;
  f->span = cfg->span ? cfg->span : FOLLOW_SPAN;
  if (!ia_past_new(&f->past, cfg->depth ? cfg->depth : IA_REORG_DEPTH, e) ||
      !ia_past_load(&f->past, cfg->past, e))
    return false;
  f->aside = calloc(cfg->n_aside + 1, sizeof(*f->aside));
  if (!f->aside)
    return ia_fail(e, IA_E_MEMORY, "follower: out of memory");
  if (cfg->n_aside > 0)
    memcpy(f->aside, cfg->aside, cfg->n_aside * sizeof(*f->aside));
  f->n_aside = cfg->n_aside;
  f->cfg.past = (ia_span){0};
  ia_past_cut(&f->past, from->number);
  *out = ia_steal(&f);
  return true;
}

void ia_follow_free(ia_follow *f)
{
  if (!f)
    return;
  ia_past_free(&f->past);
  free(f->aside);
  free(f);
}

const ia_cursor *ia_follow_cursor(const ia_follow *f)
{
  return &f->cursor;
}

/* Does the chain still have this block? */
static bool still_there(ia_follow *f, bool *yes, const ia_cursor *c, ia_err *e)
{
  ia_err why = {0};
  ia_block b;

  *yes = ia_chain_block(f->chain, &b, c->number, &why) && ia_h256_eq(&b.hash, &c->hash);
  if (!*yes && why.code != IA_OK && why.code != IA_E_NOT_FOUND) {
    if (e)
      *e = why;
    return false;
  }
  return true;
}

/* -- rewrites -- */

/* How many of the oldest remembered blocks the chain still has: a block that is there has all its
 * ancestors there. */
static bool kept_of_past(ia_follow *f, size_t *kept, ia_err *e)
{
  size_t low = 0, high = f->past.n;

  while (low < high) {
    size_t mid = low + (high - low) / 2;
    bool yes;

    if (!still_there(f, &yes, &f->past.v[mid], e))
      return false;
    if (yes)
      low = mid + 1;
    else
      high = mid;
  }
  *kept = low;
  return true;
}

static bool give_back(ia_follow *f, const ia_cursor *to, ia_err *e)
{
  IA_AUTOV(ia_buf) past = {0};

  ia_past_cut(&f->past, to->number);
  if (!has_hash(to))
    f->past.n = 0;
  ia_past_save(&f->past, &past);
  if (!ia_buf_ok(&past, e) || !f->cfg.rollback(f->cfg.ctx, to, ia_buf_view(&past), e))
    return false;
  f->cursor = *to;
  return true;
}

/* Back to the newest remembered block that the chain still has, else to the beginning. */
static bool roll_back(ia_follow *f, ia_err *e)
{
  ia_cursor to = {.number = f->cfg.first};
  size_t kept;

  if (!kept_of_past(f, &kept, e))
    return false;
  if (kept > 0)
    to = f->past.v[kept - 1];
  else
    ia_log(IA_LOG_WARN, "ledger.deep", "from=%llu remembered=%zu back_to=%llu",
           (unsigned long long)f->cursor.number, f->past.n, (unsigned long long)to.number);
  ia_log(IA_LOG_WARN, "ledger.rewritten", "from=%llu back_to=%llu",
         (unsigned long long)f->cursor.number, (unsigned long long)to.number);
  return give_back(f, &to, e);
}

/* A node that is only behind shows what we know already, and says nothing new. Our own ledger is
 * never behind: it was put back. */
static bool only_behind(const ia_follow *f, const ia_block *head)
{
  const ia_cursor *known = ia_past_at(&f->past, head->number);

  if (f->chain->local || head->number >= f->cursor.number)
    return false;
  return known ? ia_h256_eq(&known->hash, &head->hash)
               : f->past.n == 0 || head->number < f->past.v[0].number;
}

/* -- reading -- */

static uint64_t most_of(const ia_follow *f)
{
  return f->cfg.span ? f->cfg.span : FOLLOW_SPAN;
}

/* False with *gone: the chain ends before. */
static bool headers(ia_follow *f, ia_block *out, uint64_t from, size_t n, bool *gone, ia_err *e)
{
  ia_rpc_item items[HEADERS_AT_ONCE];
  ia_err why = {0};
  bool ok;

  for (size_t i = 0; i < n; i++)
    items[i] = (ia_rpc_item){.method = "eth_getBlockByNumber",
                             .params = json_pack("[o, b]", ia_rpc_quantity(from + i), 0)};
  ok = ia_rpc_batch(f->chain->rpc, items, n, &why);
  for (size_t i = 0; ok && i < n; i++) {
    ok = items[i].ok ? ia_chain_block_parse(&out[i], items[i].result, &why)
                     : ia_fail(&why, items[i].err.code, "%s", items[i].err.msg);
    ok = ok && (out[i].number == from + i || ia_fail(&why, IA_E_PARSE, "ledger: another block"));
  }
  ia_rpc_items_free(items, n);
  *gone = why.code == IA_E_NOT_FOUND && !f->chain->local;
  if (!ok && e)
    *e = why;
  return ok;
}

static bool see(const ia_follow *f, step *s, const ia_cursor *before, const ia_block *b)
{
  if (!f->chain->local && has_hash(before) && before->number + 1 == b->number &&
      !ia_h256_eq(&before->hash, &b->parent))
    return false;
  s->seen[s->n_seen++] = (ia_cursor){b->number, b->hash};
  return true;
}

/* The blocks of this step that are near enough to the head to be rewritten, each the child of the
 * one before. */
static bool see_blocks(ia_follow *f, step *s, const ia_block *head, uint64_t last, ia_err *e)
{
  uint64_t low = head->number >= f->past.most ? head->number - f->past.most + 1 : 0;
  ia_block part[HEADERS_AT_ONCE];
  ia_cursor before = f->cursor;

  if (f->chain->local || low > last) /* our own ledger is put back by hand alone */
    low = last;
  if (low < s->from)
    low = s->from;
  s->seen = calloc(last - low + 1, sizeof(*s->seen));
  if (!s->seen)
    return ia_fail(e, IA_E_MEMORY, "follower: out of memory");
  for (uint64_t at = low; at <= last && !s->changed;) {
    size_t n = last - at + 1 < HEADERS_AT_ONCE ? (size_t)(last - at + 1) : HEADERS_AT_ONCE;

    if (at == head->number)
      part[0] = *head;
    else if (!headers(f, part, at, n, &s->changed, e))
      return s->changed;
    for (size_t i = 0; i < n && !s->changed; i++) {
      s->changed = !see(f, s, &before, &part[i]);
      before = (ia_cursor){part[i].number, part[i].hash};
    }
    at += n;
  }
  s->to = before;
  return true;
}

/* Logs name their block: they must be of the history that was seen. */
static bool of_one_history(const step *s, const ia_chain_logs *logs)
{
  for (size_t i = 0; i < logs->n; i++) {
    const ia_chain_log *log = &logs->v[i];
    uint64_t first = s->seen[0].number;

    if (log->block < s->from || log->block > s->to.number)
      return false;
    if (log->block >= first && !ia_h256_eq(&s->seen[log->block - first].hash, &log->block_hash))
      return false;
  }
  return true;
}

/* The node gives less at once: the same again for fewer blocks. */
static bool fewer(ia_follow *f, const step *s, const ia_err *why)
{
  if (why->code != IA_E_TOO_LARGE || s->to.number <= s->from)
    return false;
  f->span = (s->to.number - s->from + 1) / 2;
  return true;
}

/* Owner's word on it first: what it did not take note of is asked for again. */
static bool leave_out(void *ctx, const ia_addr *who, const ia_err *why, ia_err *e)
{
  ia_follow *f = ctx;
  const ia_addr gone = *who;
  size_t kept = 0;

  if (!f->cfg.skip(f->cfg.ctx, &gone, why, e))
    return false;
  for (size_t i = 0; i < f->n_aside; i++)
    if (!ia_addr_eq(&f->aside[i], &gone))
      f->aside[kept++] = f->aside[i];
  f->n_aside = kept;
  return true;
}

static bool read_aside(ia_follow *f, const step *s, ia_chain_logs *logs, ia_err *e)
{
  ia_autofree ia_addr *now = calloc(f->n_aside + 1, sizeof(*now));
  const ia_chain_filter filter = {.from = s->from,
                                  .to = s->to.number,
                                  .addresses = now,
                                  .n_addresses = f->n_aside,
                                  .events = f->cfg.aside_events,
                                  .n_events = f->cfg.n_aside_events};
  IA_AUTOV(ia_chain_logs) more = {0};

  if (f->n_aside == 0)
    return true;
  if (!now)
    return ia_fail(e, IA_E_MEMORY, "follower: out of memory");
  memcpy(now, f->aside, f->n_aside * sizeof(*now)); /* leave_out shortens the list meanwhile */
  return ia_chain_logs_each(f->chain, &more, &filter, f->cfg.aside_most, leave_out, f, e) &&
         ia_chain_logs_merge(logs, &more, e);
}

/* *less: the node gives fewer blocks at once. */
static bool read_logs(ia_follow *f, step *s, ia_chain_logs *logs, bool *less, ia_err *e)
{
  const ia_chain_filter filter = {.from = s->from,
                                  .to = s->to.number,
                                  .addresses = f->cfg.addresses,
                                  .n_addresses = f->cfg.n_addresses,
                                  .events = f->cfg.events,
                                  .n_events = f->cfg.n_events};
  ia_err why = {0};
  bool same = true;

  *less = false;
  if (!ia_chain_logs_get(f->chain, logs, &filter, &why) || !read_aside(f, s, logs, &why)) {
    *less = fewer(f, s, &why);
    /* nodes refuse ranges that end beyond their head */
    s->changed = !*less && !f->chain->local && still_there(f, &same, &s->to, NULL) && !same;
    if (!*less && !s->changed && e)
      *e = why;
    return *less || s->changed;
  }
  s->changed = !of_one_history(s, logs);
  if (!s->changed && !f->chain->local && !still_there(f, &same, &s->to, e))
    return false;
  s->changed |= !same;
  return true;
}

static bool hand_over(ia_follow *f, step *s, const ia_chain_logs *logs, ia_err *e)
{
  IA_AUTOV(ia_past) next = {0};
  IA_AUTOV(ia_buf) past = {0};
  const ia_past old = f->past;
  ia_err why = {0};
  bool same = true;

  if (!ia_past_copy(&next, &f->past, e))
    return false;
  for (size_t i = 0; i < s->n_seen; i++)
    ia_past_add(&next, &s->seen[i]);
  ia_past_save(&next, &past);
  if (!ia_buf_ok(&past, e))
    return false;
  if (f->cfg.blocks(f->cfg.ctx, logs, &s->to, ia_buf_view(&past), &why)) {
    f->span = f->span < most_of(f) / 2 ? f->span * 2 : most_of(f);
    f->cursor = s->to;
    f->past = next;
    next = old;
    return true;
  }
  if (fewer(f, s, &why))
    return true;
  /* its own questions may have met another history */
  s->changed = !f->chain->local && still_there(f, &same, &s->to, NULL) && !same;
  if (!s->changed && e)
    *e = why;
  return s->changed;
}

/* One step of at most span blocks, up to `head`; or a shorter span; or *changed. */
static bool advance(ia_follow *f, const ia_block *head, bool *changed, ia_err *e)
{
  step s = {.from = f->cursor.number + (has_hash(&f->cursor) ? 1 : 0)};
  IA_AUTOV(ia_chain_logs) logs = {0};
  uint64_t last = head->number - s.from >= f->span ? s.from + f->span - 1 : head->number;
  bool less = false;
  bool ok = see_blocks(f, &s, head, last, e) && (s.changed || read_logs(f, &s, &logs, &less, e)) &&
            (s.changed || less || hand_over(f, &s, &logs, e));

  free(s.seen);
  *changed = s.changed;
  return ok;
}

static bool is_done(const ia_follow *f, const ia_block *head)
{
  return has_hash(&f->cursor) ? f->cursor.number >= head->number : f->cursor.number > head->number;
}

/* *again: the chain changed meanwhile. */
static bool catch_up_to(ia_follow *f, const ia_block *head, bool *again, ia_err *e)
{
  bool same = true;

  *again = false;
  if (has_hash(&f->cursor)) {
    if (head->number == f->cursor.number && ia_h256_eq(&head->hash, &f->cursor.hash))
      return true;
    if (only_behind(f, head))
      return true;
    /* a block right after ours says by itself what it stands on */
    if (head->number != f->cursor.number + 1 || f->chain->local ||
        !ia_h256_eq(&head->parent, &f->cursor.hash)) {
      if (!still_there(f, &same, &f->cursor, e))
        return false;
      if (!same && !roll_back(f, e))
        return false;
    }
  }
  while (!is_done(f, head) && !*again) {
    if (!advance(f, head, again, e))
      return false;
  }
  return true;
}

static bool catch_up(ia_follow *f, const ia_block *first, ia_err *e)
{
  ia_block head = *first;
  bool again = true;

  for (int i = 0; i < FOLLOW_TRIES; i++) {
    if (!catch_up_to(f, &head, &again, e))
      return false;
    if (!again)
      return true;
    if (!ia_chain_pause(f->chain, IA_PACE_MIN_MS / 2, e) || !ia_chain_head(f->chain, &head, e))
      return false;
  }
  return ia_fail(e, IA_E_UNAVAILABLE, "the ledger is rewritten faster than it can be read");
}

bool ia_follow_catch_up(ia_follow *f, ia_err *e)
{
  ia_block head;

  return ia_chain_head(f->chain, &head, e) && catch_up(f, &head, e);
}

/* -- waiting -- */

static bool wait_polling(ia_follow *f, uint32_t ms, ia_err *e)
{
  uint64_t end = ia_mono_ms() + ms;

  for (;;) {
    const ia_cursor before = f->cursor;
    uint64_t now, pause;

    if (!ia_follow_catch_up(f, e))
      return false;
    now = ia_mono_ms();
    if (f->pace.seen_ms == 0 || !ia_h256_eq(&before.hash, &f->cursor.hash)) {
      ia_pace_block(&f->pace, f->cursor.number, now);
      if (!ia_h256_eq(&before.hash, &f->cursor.hash))
        return true;
    }
    if (now >= end)
      return true;
    pause = ia_pace_next(&f->pace, now);
    if (!ia_chain_pause(f->chain, (uint32_t)(pause < end - now ? pause : end - now), e))
      return false;
  }
}

bool ia_follow_wait(ia_follow *f, uint32_t ms, ia_err *e)
{
  ia_block head;

  if (!has_hash(&f->cursor))
    return ia_follow_catch_up(f, e);
  if (!f->chain->local)
    return wait_polling(f, ms, e);
  return ia_chain_wait_block(f->chain, &head, f->cursor.number, ms, e) && catch_up(f, &head, e);
}
