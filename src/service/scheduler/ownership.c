/* Whose the pools are: they are entries of a registry, and can be given away and come back. A pool
 * that is another's is not served: its tasks wait, since the deals of before are ours still. */
#include "base/hex.h"
#include "base/log.h"
#include "eth/address.h"
#include "service/scheduler/internal.h"

/* What has its result and only settles goes on: the deal pays us whoever has the pool now. */
#define ENDS                                                                                       \
  "state = 2 AND NOT EXISTS (SELECT 1 FROM attempts x WHERE x.task_id = tasks.task_id"             \
  " AND x.fencing = tasks.fencing AND x.state IN ('SETTLE', 'DONE')) AND NOT " SCH_SERVED

static bool end_leases(ia_scheduler *s, const char *text, ia_err *e)
{
  for (;;) {
    ia_stmt *st;
    bool row;
    sch_task t;

    if (!ia_db_stmt(&st, s->db, "SELECT " SCH_TASK_COLUMNS " FROM tasks WHERE " ENDS " LIMIT 1",
                    e) ||
        !ia_stmt_step(st, &row, e))
      return false;
    if (!row)
      return true;
    bool ok = sch_task_row(&t, st, e);
    ia_stmt_reset(st);
    if (!ok || !sch_lease_returned(s, &t, text, e))
      return false;
    ia_log(IA_LOG_WARN, "lease.ended", "task=%s worker=%s reason=\"%s\"", ia_h256_text(&t.id).s,
           ia_addr_lower(&t.worker).s, text);
  }
}

static bool run_with(ia_scheduler *s, const char *sql, const ia_addr *pool, const ia_addr *owner,
                     ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db, sql, e))
    return false;
  ia_bind_addr(st, 1, pool);
  if (owner)
    ia_bind_addr(st, 2, owner);
  return ia_stmt_run(st, e);
}

static bool cause_waiting(ia_scheduler *s, const char *text, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET cause = '" SCH_MOVED "', code = 'FORBIDDEN', message = $1"
                  " WHERE state IN (0, 1) AND cause <> '" SCH_GONE "' AND NOT " SCH_SERVED,
                  e))
    return false;
  ia_bind_text(st, 1, text);
  return ia_stmt_run(st, e);
}

static bool gave_away(ia_scheduler *s, size_t i, const ia_addr *owner, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  ia_buf_printf(&text, "the pool %s belongs to ", ia_addr_text(&s->pools[i]).s);
  ia_buf_printf(&text, "%s now: its tasks wait for it to come back", ia_addr_text(owner).s);
  ia_buf_u8(&text, 0);
  return ia_buf_ok(&text, e) &&
         run_with(s,
                  i == 0
                      ? "INSERT OR REPLACE INTO pools_away (pool, owner, main) VALUES ($1, $2, 1)"
                      : "INSERT OR REPLACE INTO pools_away (pool, owner, main) VALUES ($1, $2, 0)",
                  &s->pools[i], owner, e) &&
         end_leases(s, (const char *)text.ptr, e) && cause_waiting(s, (const char *)text.ptr, e);
}

/* Its orders of before are dead on the market: they are made again. */
static bool came_back(ia_scheduler *s, size_t i, ia_err *e)
{
  ia_stmt *st;

  if (!run_with(s, "DELETE FROM pools_away WHERE pool = $1", &s->pools[i], NULL, e) ||
      !run_with(s, "DELETE FROM pool_orders WHERE pool = $1", &s->pools[i], NULL, e) ||
      !ia_db_stmt(&st, s->db,
                  "UPDATE tasks SET cause = '', code = '', message = '', next_try = 0"
                  " WHERE state IN (0, 1) AND cause = '" SCH_MOVED "' AND " SCH_SERVED,
                  e))
    return false;
  s->sold = s->order_volume; /* makes the orders due */
  return ia_stmt_run(st, e);
}

static bool change(ia_scheduler *s, size_t i, bool ours, const ia_addr *owner, ia_err *e)
{
  SCH_LOCKED *held = s;
  IA_AUTO(ia_tx) *tx = NULL;

  sch_lock(held);
  if (!ia_tx_begin(&tx, s->db, e) || !(ours ? came_back(s, i, e) : gave_away(s, i, owner, e)) ||
      !ia_tx_commit(&tx, e))
    return false;
  pthread_mutex_lock(&s->auth_lock);
  s->away[i] = !ours;
  pthread_mutex_unlock(&s->auth_lock);
  if (ours)
    ia_log(IA_LOG_WARN, "pool.back", "pool=%s", ia_addr_text(&s->pools[i]).s);
  else
    ia_log(IA_LOG_WARN, "pool.given_away", "pool=%s owner=%s", ia_addr_text(&s->pools[i]).s,
           ia_addr_text(owner).s);
  sch_wake(s);
  sch_offer(s);
  sch_changed(s, NULL);
  return true;
}

/* What was kept at the last end of the process. */
static bool is_away(ia_scheduler *s, size_t i, bool *away, ia_err *e)
{
  SCH_LOCKED *held = s;
  ia_stmt *st;

  sch_lock(held);
  if (!ia_db_stmt(&st, s->db, "SELECT 1 FROM pools_away WHERE pool = $1", e))
    return false;
  ia_bind_addr(st, 1, &s->pools[i]);
  if (!ia_stmt_step(st, away, e))
    return false;
  if (*away)
    ia_stmt_reset(st);
  return true;
}

bool sch_owners_read(ia_scheduler *s, ia_chain *c, ia_err *e)
{
  for (size_t i = 0; i < s->n_pools; i++) {
    ia_addr owner;
    bool away, ours;

    if (!ia_chain_owner(c, &owner, &s->pools[i], e) || !is_away(s, i, &away, e))
      return false;
    ours = ia_addr_eq(&owner, &s->wallet->address);
    if (ours == away && !change(s, i, ours, &owner, e))
      return false;
    if (!ours) {
      pthread_mutex_lock(&s->auth_lock);
      s->away[i] = true;
      pthread_mutex_unlock(&s->auth_lock);
    }
  }
  return true;
}

bool sch_pool_is_away(ia_scheduler *s, size_t i)
{
  pthread_mutex_lock(&s->auth_lock);
  bool away = s->away[i];
  pthread_mutex_unlock(&s->auth_lock);
  return away;
}

bool sch_moves_pool(const ia_scheduler *s, const ia_chain_log *log)
{
  uint8_t word[32];
  ia_event ev;

  if (!ia_event_is(&log->entry, IA_EV_NFT_TRANSFER) ||
      !ia_event_decode(&ev, IA_EV_NFT_TRANSFER, &log->entry, NULL))
    return false;
  ia_u256_to_be(word, &ev.value[0]);
  for (size_t i = 0; i < s->n_pools; i++)
    if (memcmp(word + 12, s->pools[i].b, 20) == 0)
      return true;
  return false;
}
