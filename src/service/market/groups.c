/* Groups (ERC-734) that orders are restricted to: which contracts they are, and who their members
 * are, so that a list for a member holds the orders of its groups. A group becomes known with the
 * first order that names it; from then on its events are followed. Anybody can name contracts, and
 * a contract can say whatever it likes: each wallet has a share, and a group that cannot be read is
 * left out by its name, so that it never stops the others. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "eth/address.h"
#include "service/market/market_int.h"

enum { MEMBER_PURPOSE = 4 };

/* `loaded` of a row */
enum { NOT_LOADED = 0, FOLLOWED = 1, UNREADABLE = 2 };

/* Groups that open orders name, each with who signed the order. */
#define NAMED(and)                                                                                 \
  "(SELECT app FROM orders WHERE status = 'open'" and                                              \
      " UNION SELECT dataset FROM orders"                                                          \
      " WHERE status = 'open'" and                                                                 \
      " UNION SELECT workerpool FROM orders WHERE status = 'open'" and                             \
      " UNION SELECT requester FROM orders WHERE status = 'open'" and ")"

static void restrictions(const order_row *r, const ia_addr *out[4])
{
  out[0] = &r->app;
  out[1] = &r->dataset;
  out[2] = &r->workerpool;
  out[3] = &r->requester;
}

/* FORBIDDEN when it is known as one that cannot be followed. */
static bool is_known(ia_db *db, const ia_addr *at, bool *known, ia_err *e)
{
  ia_stmt *s;
  bool ok = true;

  if (!ia_db_stmt(&s, db, "SELECT loaded, why FROM groups WHERE grp = $1", e))
    return false;
  ia_bind_addr(s, 1, at);
  if (!ia_stmt_step(s, known, e))
    return false;
  if (!*known)
    return true;
  if (ia_col_u64(s, 0) == UNREADABLE)
    ok = ia_fail(e, IA_E_FORBIDDEN, "group %s cannot be followed: %.120s", ia_addr_text(at).s,
                 ia_col_text(s, 1));
  ia_stmt_reset(s);
  return ok;
}

static bool count_of(ia_db *db, const char *sql, const ia_addr *signer, uint64_t *n, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db, sql, e))
    return false;
  if (signer)
    ia_bind_addr(s, 1, signer);
  if (!ia_stmt_step(s, &row, e))
    return false;
  *n = ia_col_u64(s, 0);
  ia_stmt_reset(s);
  return true;
}

/* Does an open order of this wallet name it already? */
static bool is_named(ia_db *db, const ia_addr *signer, const ia_addr *at, bool *named, ia_err *e)
{
  ia_stmt *s;

  if (!ia_db_stmt(&s, db, "SELECT 1 WHERE $2 IN " NAMED(" AND signer = $1"), e))
    return false;
  ia_bind_addr(s, 1, signer);
  ia_bind_addr(s, 2, at);
  if (!ia_stmt_step(s, named, e))
    return false;
  ia_stmt_reset(s);
  return true;
}

/* Following costs the market; it is charged to who publishes. more: groups of this order so far. */
static bool within_share(ia_db *db, const order_row *r, const ia_addr *at, size_t *more, ia_err *e)
{
  bool named;
  uint64_t n;

  if (!is_named(db, &r->signer, at, &named, e))
    return false;
  if (named)
    return true;
  if (!count_of(db, "SELECT count(*) FROM groups WHERE grp IN " NAMED(" AND signer = $1"),
                &r->signer, &n, e))
    return false;
  n += (*more)++;
  if (n < GROUPS_EACH)
    return true;
  (void)ia_fail(e, IA_E_FORBIDDEN,
                "group %s: open orders of wallet %s name %llu groups already (limit %d)",
                ia_addr_text(at).s, ia_addr_text(&r->signer).s, (unsigned long long)n, GROUPS_EACH);
  return ia_hint(e, "unpublish orders that name groups which are not needed any more");
}

/* The longest known group that no open order names makes room for a new one. */
static bool make_room(ia_db *db, const ia_addr *at, ia_err *e)
{
  uint64_t n;

  bool known;

  if (!is_known(db, at, &known, e) || !count_of(db, "SELECT count(*) FROM groups", NULL, &n, e))
    return false;
  if (known || n < GROUPS_MAX)
    return true;
  if (!ia_db_exec(db,
                  "DELETE FROM groups WHERE grp = (SELECT grp FROM groups WHERE grp NOT IN " NAMED(
                      "") " ORDER BY learned, grp LIMIT 1)",
                  e))
    return false;
  return ia_db_changes(db) > 0 ||
         ia_fail(e, IA_E_FORBIDDEN,
                 "the market follows %d groups, the limit: group %s cannot be followed", GROUPS_MAX,
                 ia_addr_text(at).s);
}

static bool insert(ia_market *m, ia_db *db, const ia_addr *at, ia_err *e)
{
  ia_stmt *s;

  if (!ia_db_stmt(&s, db,
                  "INSERT INTO groups (grp, loaded, learned) VALUES ($1, 0, $2)"
                  " ON CONFLICT (grp) DO NOTHING",
                  e))
    return false;
  ia_bind_addr(s, 1, at);
  ia_bind_u64(s, 2, ia_now_ms());
  if (!ia_stmt_run(s, e))
    return false;
  if (ia_db_changes(db) == 0)
    return true;
  pthread_mutex_lock(&m->sync.lock);
  m->regroup = true;
  pthread_mutex_unlock(&m->sync.lock);
  return true;
}

/* Is it a group, and may the order's signer name one more? */
static bool look_at(worker *w, const order_row *r, const ia_addr *at, bool *group, size_t *more,
                    ia_err *e)
{
  bool known;

  *group = false;
  if (ia_addr_zero(at))
    return true;
  if (!is_known(w->db, at, &known, e))
    return false;
  *group = known;
  return (known || ia_chain_is_group(w->chain, group, at, e)) &&
         (!*group || within_share(w->db, r, at, more, e));
}

bool ia_market_learn_groups(ia_market *m, worker *w, order_row *r, ia_err *e)
{
  const ia_addr *all[4];
  size_t more = 0;

  restrictions(r, all);
  for (size_t i = 0; i < IA_COUNT(all); i++)
    if (!look_at(w, r, all[i], &r->is_group[i], &more, e))
      return false;
  for (size_t i = 0; i < IA_COUNT(all); i++)
    if (r->is_group[i] && !(make_room(w->db, all[i], e) && insert(m, w->db, all[i], e)))
      return false;
  return true;
}

bool ia_market_hold_groups(ia_market *m, ia_db *db, const order_row *r, ia_err *e)
{
  const ia_addr *all[4];

  restrictions(r, all);
  for (size_t i = 0; i < IA_COUNT(all); i++)
    if (r->is_group[i] && !insert(m, db, all[i], e))
      return false;
  return true;
}

bool ia_market_group_unreadable(ia_market *m, ia_db *db, const ia_addr *group, const ia_err *why,
                                ia_err *e)
{
  ia_stmt *s;

  (void)m;
  ia_log(IA_LOG_WARN, "market.group", "group=%s unreadable=%s reason=\"%s\"",
         ia_addr_lower(group).s, ia_code_name(why->code), why->msg);
  if (!ia_db_stmt(&s, db, "DELETE FROM members WHERE grp = $1", e))
    return false;
  ia_bind_addr(s, 1, group);
  if (!ia_stmt_run(s, e) ||
      !ia_db_stmt(&s, db, "UPDATE groups SET loaded = 2, members = 0, why = $2 WHERE grp = $1", e))
    return false;
  ia_bind_addr(s, 1, group);
  ia_bind_text(s, 2, why->msg);
  return ia_stmt_run(s, e);
}

static bool count_member(ia_db *db, const ia_addr *group, int by, uint64_t *now, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db,
                  "UPDATE groups SET members = members + $2 WHERE grp = $1 RETURNING members", e))
    return false;
  ia_bind_addr(s, 1, group);
  ia_bind_i64(s, 2, by);
  if (!ia_stmt_step(s, &row, e))
    return false;
  *now = row ? ia_col_u64(s, 0) : 0;
  ia_stmt_reset(s);
  return true;
}

static bool set_member(ia_market *m, ia_db *db, const ia_addr *group, const ia_addr *who,
                       bool member, ia_err *e)
{
  uint64_t now = 0;
  ia_err why;
  ia_stmt *s;

  if (!ia_db_stmt(&s, db,
                  member ? "INSERT INTO members (grp, account) SELECT grp, $2 FROM groups"
                           " WHERE grp = $1 AND loaded < 2 ON CONFLICT (grp, account) DO NOTHING"
                         : "DELETE FROM members WHERE grp = $1 AND account = $2",
                  e))
    return false;
  ia_bind_addr(s, 1, group);
  ia_bind_addr(s, 2, who);
  if (!ia_stmt_run(s, e))
    return false;
  if (ia_db_changes(db) == 0)
    return true;
  if (!count_member(db, group, member ? 1 : -1, &now, e))
    return false;
  if (now <= GROUP_MEMBERS_MAX)
    return true;
  (void)ia_fail(&why, IA_E_TOO_LARGE, "more than %d members", GROUP_MEMBERS_MAX);
  return ia_market_group_unreadable(m, db, group, &why, e);
}

bool ia_market_on_key(ia_market *m, worker *w, const ia_log_entry *log, ia_err *e)
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
    return set_member(m, w->db, &log->address, &who, i == 0, e);
  }
  return true;
}

static bool set_loaded(ia_db *db, const ia_addr *group, ia_err *e)
{
  ia_stmt *s;

  if (!ia_db_stmt(&s, db, "UPDATE groups SET loaded = 1 WHERE grp = $1 AND loaded = 0", e))
    return false;
  ia_bind_addr(s, 1, group);
  return ia_stmt_run(s, e);
}

static bool clear(ia_db *db, const ia_addr *group, ia_err *e)
{
  ia_stmt *s;

  if (!ia_db_stmt(&s, db, "DELETE FROM members WHERE grp = $1", e))
    return false;
  ia_bind_addr(s, 1, group);
  if (!ia_stmt_run(s, e) || !ia_db_stmt(&s, db, "UPDATE groups SET members = 0 WHERE grp = $1", e))
    return false;
  ia_bind_addr(s, 1, group);
  return ia_stmt_run(s, e);
}

typedef struct loading {
  ia_market *m;
  worker *w;
} loading;

static bool on_skip(void *ctx, const ia_addr *who, const ia_err *why, ia_err *e)
{
  loading *l = ctx;

  return ia_market_group_unreadable(l->m, l->w->db, who, why, e);
}

/* The members of one group as the blocks up to the cursor made them. */
static bool load(ia_market *m, worker *w, const ia_addr *group, uint64_t to, ia_err *e)
{
  static const ia_event_id ids[] = {IA_EV_KEY_ADDED, IA_EV_KEY_REMOVED};
  const ia_chain_filter f = {.from = m->first_block,
                             .to = to,
                             .addresses = group,
                             .n_addresses = 1,
                             .events = ids,
                             .n_events = IA_COUNT(ids)};
  IA_AUTOV(ia_chain_logs) logs = {0};
  IA_AUTO(ia_tx) *tx = NULL;
  loading l = {m, w};

  if (!ia_tx_begin(&tx, w->db, e) || !clear(w->db, group, e) ||
      (f.from <= f.to &&
       !ia_chain_logs_each(m->sync_chain, &logs, &f, GROUP_EVENTS_MAX, on_skip, &l, e)))
    return false;
  for (size_t i = 0; i < logs.n; i++)
    if (!ia_market_on_key(m, w, &logs.v[i].entry, e))
      return false;
  return set_loaded(w->db, group, e) && ia_tx_commit(&tx, e);
}

/* Groups in this state, as bytes one after the other. */
static bool list(ia_db *db, unsigned state, ia_buf *out, ia_err *e)
{
  ia_stmt *s;
  ia_addr at;
  bool row;

  if (!ia_db_stmt(&s, db, "SELECT grp FROM groups WHERE loaded = $1 ORDER BY grp", e))
    return false;
  ia_bind_u64(s, 1, state);
  for (;;) {
    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      return ia_buf_ok(out, e);
    if (!ia_col_addr(s, 0, &at, e))
      return false;
    ia_buf_put(out, at.b, sizeof(at.b));
  }
}

bool ia_market_groups(ia_market *m, worker *w, uint64_t to, ia_addr **out, size_t *n, ia_err *e)
{
  IA_AUTOV(ia_buf) fresh = {0};
  IA_AUTOV(ia_buf) all = {0};
  ia_addr *v;
  ia_span in;
  ia_addr at;

  if (!list(w->db, NOT_LOADED, &fresh, e))
    return false;
  for (in = ia_buf_view(&fresh); ia_span_copy(&in, at.b, sizeof(at.b));)
    if (!load(m, w, &at, to, e))
      return false;
  /* of groups that were dropped */
  if (!ia_db_exec(w->db, "DELETE FROM members WHERE grp NOT IN (SELECT grp FROM groups)", e) ||
      !list(w->db, FOLLOWED, &all, e))
    return false;
  *n = all.len / sizeof(at.b);
  v = calloc(*n + 1, sizeof(*v));
  if (!v)
    return ia_fail(e, IA_E_MEMORY, "no memory for groups");
  if (all.len > 0)
    memcpy(v, all.ptr, all.len);
  *out = v;
  return true;
}

bool ia_market_groups_forget(ia_market *m, ia_db *db, ia_err *e)
{
  pthread_mutex_lock(&m->sync.lock);
  m->regroup = true;
  pthread_mutex_unlock(&m->sync.lock);
  return ia_db_exec(db, "UPDATE groups SET loaded = 0", e);
}

bool ia_market_show_unverifiable(ia_db *db, json_t *item, ia_err *e)
{
  static const char *const names[] = {"apprestrict", "datasetrestrict", "workerpoolrestrict",
                                      "requesterrestrict"};
  const json_t *order = json_object_get(item, "order");
  IA_AUTO_JSON *bad = json_array();

  for (size_t i = 0; i < IA_COUNT(names); i++) {
    ia_err why = {0};
    ia_addr at;
    bool known;

    if (!ia_json_get_addr(order, names[i], &at, NULL) || ia_addr_zero(&at))
      continue;
    if (!is_known(db, &at, &known, &why)) {
      if (why.code != IA_E_FORBIDDEN) {
        *e = why;
        return false;
      }
      json_array_append_new(bad, json_string(ia_addr_text(&at).s));
    }
  }
  return json_array_size(bad) == 0 || ia_json_set(item, "unverifiable", json_incref(bad), e);
}
