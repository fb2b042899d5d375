/* Following events by block range. */
#include "chain/follow.h"

enum { FOLLOW_SPAN = 1000, FOLLOW_MEMORY = 64 };

struct ia_follow {
  ia_chain *chain;
  ia_follow_config cfg;
  ia_cursor cursor;
  uint64_t span; /* now: less than configured while the node finds it too much */
  /* recent cursors, a ring: where a rewritten chain may still agree with us */
  ia_cursor seen[FOLLOW_MEMORY];
  size_t n_seen;
};

static bool has_hash(const ia_cursor *c)
{
  return !ia_h256_zero(&c->hash);
}

bool ia_follow_new(ia_follow **out, ia_chain *c, const ia_follow_config *cfg, const ia_cursor *from,
                   ia_err *e)
{
  ia_follow *f = calloc(1, sizeof(*f));

  if (!f)
    return ia_fail(e, IA_E_MEMORY, "follower: out of memory");
  f->chain = c;
  f->cfg = *cfg;
  f->cursor = *from;
  f->span = cfg->span ? cfg->span : FOLLOW_SPAN;
  *out = f;
  return true;
}

void ia_follow_free(ia_follow *f)
{
  free(f);
}

const ia_cursor *ia_follow_cursor(const ia_follow *f)
{
  return &f->cursor;
}

static void remember(ia_follow *f, const ia_cursor *c)
{
  f->seen[f->n_seen++ % FOLLOW_MEMORY] = *c;
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

/* Back to the newest remembered block that the chain still has, else to the very beginning. */
static bool roll_back(ia_follow *f, ia_err *e)
{
  size_t kept = f->n_seen < FOLLOW_MEMORY ? f->n_seen : FOLLOW_MEMORY;
  ia_cursor to = {0};

  for (size_t i = 1; i <= kept; i++) {
    const ia_cursor *c = &f->seen[(f->n_seen - i) % FOLLOW_MEMORY];
    bool yes = false;

    if (c->number < f->cursor.number && !still_there(f, &yes, c, e))
      return false;
    if (yes) {
      to = *c;
      break;
    }
  }
  f->n_seen = 0;
  if (!f->cfg.rollback(f->cfg.ctx, &to, e))
    return false;
  f->cursor = to;
  return true;
}

static uint64_t most_of(const ia_follow *f)
{
  return f->cfg.span ? f->cfg.span : FOLLOW_SPAN;
}

/* One step of at most span blocks, up to `head`; or a shorter span. */
static bool advance(ia_follow *f, const ia_block *head, ia_err *e)
{
  IA_AUTOV(ia_chain_logs) logs = {0};
  ia_chain_filter filter = {.from = f->cursor.number + (has_hash(&f->cursor) ? 1 : 0),
                            .addresses = f->cfg.addresses,
                            .n_addresses = f->cfg.n_addresses,
                            .events = f->cfg.events,
                            .n_events = f->cfg.n_events};
  ia_cursor to = {head->number, head->hash};
  ia_err why = {0};
  ia_block last;

  filter.to = head->number;
  if (filter.to - filter.from >= f->span) {
    filter.to = filter.from + f->span - 1;
    if (!ia_chain_block(f->chain, &last, filter.to, e))
      return false;
    to = (ia_cursor){last.number, last.hash};
  }
  if (!ia_chain_logs_get(f->chain, &logs, &filter, &why)) {
    if (why.code == IA_E_TOO_LARGE && filter.to > filter.from) {
      f->span = (filter.to - filter.from + 1) / 2;
      return true; /* the caller asks again */
    }
    if (e)
      *e = why;
    return false;
  }
  if (!f->cfg.blocks(f->cfg.ctx, &logs, &to, e))
    return false;
  f->span = f->span < most_of(f) / 2 ? f->span * 2 : most_of(f);
  f->cursor = to;
  remember(f, &to);
  return true;
}

static bool catch_up_to(ia_follow *f, const ia_block *head, ia_err *e)
{
  bool same = true;

  if (has_hash(&f->cursor)) {
    if (head->number == f->cursor.number && ia_h256_eq(&head->hash, &f->cursor.hash))
      return true;
    if (!still_there(f, &same, &f->cursor, e))
      return false;
    if (!same && !roll_back(f, e))
      return false;
  }
  while (!has_hash(&f->cursor) ? f->cursor.number <= head->number
                               : f->cursor.number < head->number) {
    if (!advance(f, head, e))
      return false;
  }
  return true;
}

bool ia_follow_catch_up(ia_follow *f, ia_err *e)
{
  ia_block head;

  return ia_chain_head(f->chain, &head, e) && catch_up_to(f, &head, e);
}

bool ia_follow_wait(ia_follow *f, uint32_t ms, ia_err *e)
{
  ia_block head;

  if (!has_hash(&f->cursor))
    return ia_follow_catch_up(f, e);
  return ia_chain_wait_block(f->chain, &head, f->cursor.number, ms, e) && catch_up_to(f, &head, e);
}
