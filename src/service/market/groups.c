/* Groups (ERC-734) that orders are restricted to: which contracts they are, and who their members
 * are, so that a list for a member holds the orders of its groups. A group becomes known with the
 * first order that names it; from then on its events are followed. */
#include <stdlib.h>
#include <string.h>

#include "service/market/market_int.h"

enum { MEMBER_PURPOSE = 4 };

static bool is_known(ia_db *db, const ia_addr *at, bool *known, ia_err *e)
{
  ia_stmt *s;

  if (!ia_db_stmt(&s, db, "SELECT 1 FROM groups WHERE grp = $1", e))
    return false;
  ia_bind_addr(s, 1, at);
  if (!ia_stmt_step(s, known, e))
    return false;
  ia_stmt_reset(s);
  return true;
}

static bool count_groups(ia_db *db, uint64_t *n, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db, "SELECT count(*) FROM groups", e) || !ia_stmt_step(s, &row, e))
    return false;
  *n = ia_col_u64(s, 0);
  ia_stmt_reset(s);
  return true;
}

static bool learn(ia_market *m, worker *w, const ia_addr *at, ia_err *e)
{
  bool known, group;
  uint64_t n;
  ia_stmt *s;

  if (ia_addr_zero(at))
    return true;
  if (!is_known(w->db, at, &known, e))
    return false;
  if (known)
    return true;
  if (!ia_chain_is_group(w->chain, &group, at, e) || !count_groups(w->db, &n, e))
    return false;
  if (!group || n >= GROUPS_MAX)
    return true;
  if (!ia_db_stmt(&s, w->db,
                  "INSERT INTO groups (grp, loaded) VALUES ($1, 0)"
                  " ON CONFLICT (grp) DO NOTHING",
                  e))
    return false;
  ia_bind_addr(s, 1, at);
  if (!ia_stmt_run(s, e))
    return false;
  pthread_mutex_lock(&m->sync.lock);
  m->regroup = true;
  pthread_mutex_unlock(&m->sync.lock);
  return true;
}

bool ia_market_learn_groups(ia_market *m, worker *w, const order_row *r, ia_err *e)
{
  const ia_addr *all[] = {&r->app, &r->dataset, &r->workerpool, &r->requester};

  for (size_t i = 0; i < IA_COUNT(all); i++)
    if (!learn(m, w, all[i], e))
      return false;
  return true;
}

static bool set_member(ia_db *db, const ia_addr *group, const ia_addr *who, bool member, ia_err *e)
{
  ia_stmt *s;

  if (!ia_db_stmt(&s, db,
                  member ? "INSERT INTO members (grp, account) VALUES ($1, $2)"
                           " ON CONFLICT (grp, account) DO NOTHING"
                         : "DELETE FROM members WHERE grp = $1 AND account = $2",
                  e))
    return false;
  ia_bind_addr(s, 1, group);
  ia_bind_addr(s, 2, who);
  return ia_stmt_run(s, e);
}

bool ia_market_on_key(worker *w, const ia_log_entry *log, ia_err *e)
{
  static const ia_event_id ids[] = {IA_EV_KEY_ADDED, IA_EV_KEY_REMOVED};
  ia_u256 purpose = ia_u256_of(MEMBER_PURPOSE);
  ia_addr who;
  ia_event ev;

  for (size_t i = 0; i < IA_COUNT(ids); i++) {
    if (!ia_event_is(log, ids[i]) || !ia_event_decode(&ev, ids[i], log, NULL) ||
        !ia_u256_eq(&ev.value[0], &purpose))
      continue;
    for (size_t k = 0; k < 12; k++)
      if (ev.id[0].b[k] != 0)
        return true; /* a key that is no address */
    memcpy(who.b, ev.id[0].b + 12, 20);
    return set_member(w->db, &log->address, &who, i == 0, e);
  }
  return true;
}

/* The members of one group as the blocks up to the cursor made them. */
static bool load(ia_market *m, worker *w, const ia_addr *group, uint64_t to, ia_err *e)
{
  static const ia_event_id ids[] = {IA_EV_KEY_ADDED, IA_EV_KEY_REMOVED};
  ia_chain_filter f = {.from = m->first_block,
                       .to = to,
                       .addresses = group,
                       .n_addresses = 1,
                       .events = ids,
                       .n_events = IA_COUNT(ids)};
  IA_AUTOV(ia_chain_logs) logs = {0};
  IA_AUTO(ia_tx) *tx = NULL;
  ia_stmt *s;

  if (!ia_tx_begin(&tx, w->db, e) ||
      !ia_db_stmt(&s, w->db, "DELETE FROM members WHERE grp = $1", e))
    return false;
  ia_bind_addr(s, 1, group);
  if (!ia_stmt_run(s, e))
    return false;
  for (; f.from <= to; f.from = f.to + 1, f.to = to) {
    if (!ia_chain_logs_part(m->sync_chain, &logs, &f, e))
      return false;
    for (size_t i = 0; i < logs.n; i++)
      if (!ia_market_on_key(w, &logs.v[i].entry, e))
        return false;
  }
  if (!ia_db_stmt(&s, w->db, "UPDATE groups SET loaded = 1 WHERE grp = $1", e))
    return false;
  ia_bind_addr(s, 1, group);
  return ia_stmt_run(s, e) && ia_tx_commit(&tx, e);
}

bool ia_market_groups(ia_market *m, worker *w, uint64_t to, ia_err *e)
{
  ia_addr *all = m->watched + WATCHED_FIXED;
  bool fresh[GROUPS_MAX], row;
  size_t n = 0;
  ia_stmt *s;

  if (!ia_db_stmt(&s, w->db, "SELECT grp, loaded FROM groups", e))
    return false;
  for (;;) {
    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      break;
    if (n == GROUPS_MAX) {
      ia_stmt_reset(s);
      break;
    }
    if (!ia_col_addr(s, 0, &all[n], e))
      return false;
    fresh[n++] = ia_col_u64(s, 1) == 0;
  }
  for (size_t i = 0; i < n; i++)
    if (fresh[i] && !load(m, w, &all[i], to, e))
      return false;
  m->n_watched = WATCHED_FIXED + n;
  return true;
}

bool ia_market_groups_forget(ia_market *m, ia_db *db, ia_err *e)
{
  pthread_mutex_lock(&m->sync.lock);
  m->regroup = true;
  pthread_mutex_unlock(&m->sync.lock);
  return ia_db_exec(db, "UPDATE groups SET loaded = 0", e);
}
