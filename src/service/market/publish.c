/* Publishing and taking back. The checks stand in the order of iExec's market. */
#include <stdio.h>
#include <string.h>

#include "base/crash.h"
#include "base/hex.h"
#include "eth/address.h"
#include "service/market/market_int.h"

/* What the ledger says of the order's maker. */
static bool check_owner(ia_market *m, worker *w, const order_row *r, const ia_addr *login,
                        ia_err *e)
{
  static const ia_asset_kind assets[] = {[IA_ORDER_APP] = IA_ASSET_APP,
                                         [IA_ORDER_DATASET] = IA_ASSET_DATASET,
                                         [IA_ORDER_WORKERPOOL] = IA_ASSET_WORKERPOOL};
  ia_addr owner = r->asset;
  bool known = false;

  if (r->kind != IA_ORDER_REQUEST) {
    if (!ia_chain_registered(w->chain, &known, &m->watched[1 + assets[r->kind]], &r->asset, e))
      return false;
    if (!known)
      return ia_fail(e, IA_E_FORBIDDEN, "Resource not deployed");
    if (!ia_chain_owner(w->chain, &owner, &r->asset, e))
      return false;
  }
  if (!ia_addr_eq(&owner, login))
    return ia_fail(e, IA_E_FORBIDDEN, "only order signer %s can publish an order",
                   ia_addr_text(&owner).s);
  return true;
}

static bool not_known(ia_db *db, const ia_h256 *hash, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db, "SELECT 1 FROM orders WHERE hash = $1 AND status <> 'dead'", e))
    return false;
  ia_bind_h256(s, 1, hash);
  if (!ia_stmt_step(s, &row, e))
    return false;
  ia_stmt_reset(s);
  return !row || ia_fail(e, IA_E_EXISTS, "order already published");
}

static bool below_limit(const ia_market *m, ia_db *db, const order_row *r, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db,
                  "SELECT count(*) FROM orders WHERE signer = $1 AND kind = $2 AND status = 'open'",
                  e))
    return false;
  ia_bind_addr(s, 1, &r->signer);
  ia_bind_u64(s, 2, r->kind);
  if (!ia_stmt_step(s, &row, e))
    return false;
  uint64_t n = ia_col_u64(s, 0);
  ia_stmt_reset(s);
  if (n < m->open_max)
    return true;
  (void)ia_fail(e, IA_E_FORBIDDEN, "maximum of %u published open %s has been reached for wallet %s",
                m->open_max, ia_order_kind_name(r->kind), ia_addr_text(&r->signer).s);
  return ia_hint(e, "unpublish orders that are not needed any more");
}

static bool set_remaining(ia_chain *c, order_row *r, ia_err *e)
{
  ia_u256 consumed;
  uint64_t used;

  if (!ia_chain_consumed(c, &consumed, &r->hash, e))
    return false;
  if (!ia_u256_u64(&used, &consumed) || used >= r->volume)
    return ia_fail(e, IA_E_FORBIDDEN, "order already consumed");
  r->remaining = r->volume - used;
  return true;
}

static bool stake_too_low(const order_row *r, ia_err *e)
{
  ia_u256 need = ia_u256_of(r->need), units = ia_u256_of(r->remaining), total = {0};

  if (r->kind != IA_ORDER_REQUEST)
    return ia_fail(e, IA_E_FORBIDDEN,
                   "workerpool owner's stake is too low to cover required workerpool lock");
  (void)!ia_u256_mul(&total, &need, &units); /* below 2^108 */
  return ia_fail(e, IA_E_FORBIDDEN,
                 "requester stake is too low to cover requestorder payment, minimum stake required"
                 " is %s nRLC",
                 ia_u256_dec(&total).s);
}

/* Checks 9 and 10: can its maker pay, and is there something to match. */
static bool check_means(worker *w, const order_row *r, ia_err *e)
{
  ia_account account;
  ia_err why = {0};
  bool yes;

  if (r->kind != IA_ORDER_WORKERPOOL && r->kind != IA_ORDER_REQUEST)
    return true;
  if (!ia_chain_account(w->chain, &account, &r->signer, e))
    return false;
  if (!ia_market_stake_ok(r, &account.stake))
    return stake_too_low(r, e);
  if (r->kind != IA_ORDER_REQUEST)
    return true;
  if (!ia_market_matchable(w->db, &yes, r, &why, e))
    return false;
  if (!yes)
    *e = why;
  return yes;
}

static bool check_order(ia_market *m, worker *w, order_row *r, const ia_order *o,
                        const ia_addr *login, ia_err *e)
{
  bool valid = false;

  ia_order_hash(&r->hash, &m->separator, o->kind, &o->app);
  r->signer = *login;
  if (!not_known(w->db, &r->hash, e) || !check_owner(m, w, r, login, e))
    return false;
  /* an empty one would ask the ledger whether it was signed there: clients could not match it */
  if (ia_order_signature(o->kind, &o->app)->len == 0)
    return ia_fail(e, IA_E_FORBIDDEN, "invalid sign");
  if (!ia_chain_verify_signature(w->chain, &valid, login, &r->hash,
                                 *ia_order_signature(o->kind, &o->app), e))
    return e && e->code == IA_E_REVERT ? ia_fail(e, IA_E_FORBIDDEN, "invalid sign") : false;
  if (!valid)
    return ia_fail(e, IA_E_FORBIDDEN, "invalid sign");
  return below_limit(m, w->db, r, e) && set_remaining(w->chain, r, e) &&
         ia_market_learn_groups(m, w, r, e) && ia_market_catch_up(m, e) && check_means(w, r, e);
}

static bool store(ia_market *m, ia_db *db, const order_row *r, const ia_order *o, ia_err *e)
{
  IA_AUTO(ia_tx) *tx = NULL;
  ia_stmt *s;

  if (!ia_tx_begin(&tx, db, e) ||
      !ia_db_stmt(&s, db, "DELETE FROM orders WHERE hash = $1 AND status = 'dead'", e))
    return false;
  ia_bind_h256(s, 1, &r->hash);
  if (!ia_stmt_run(s, e))
    return false;
  if (!ia_market_hold_groups(m, db, r, e))
    return false;
  if (!ia_market_insert(db, r, o, e))
    return e && e->code == IA_E_EXISTS ? ia_fail(e, IA_E_EXISTS, "order already published") : false;
  return ia_tx_commit(&tx, e);
}

static json_t *published(ia_market *m, ia_db *db, const ia_h256 *hash, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db, "SELECT " ITEM_COLUMNS " FROM orders WHERE hash = $1", e))
    return NULL;
  ia_bind_h256(s, 1, hash);
  if (!ia_stmt_step(s, &row, e))
    return NULL;
  if (!row) {
    (void)ia_fail(e, IA_E_NOT_FOUND, "order not found");
    return NULL;
  }
  json_t *item = ia_market_item(m, db, s, e);
  ia_stmt_reset(s);
  return item;
}

static bool publish_with(ia_market *m, worker *w, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *body = NULL;
  IA_AUTO_JSON *order = NULL;
  IA_AUTOV(ia_order_box) box = {0};
  ia_order_kind kind;
  ia_addr login;
  order_row r;

  if (!ia_market_admit(m, rq, e) || !ia_market_login(m, rq, &login, e) ||
      !ia_market_kind(ia_request_path(rq), &kind, e) || !(body = ia_request_json(rq, e)) ||
      !ia_market_plain_order(&order, kind, body, e) || !ia_order_parse(&box, kind, order, e) ||
      !ia_market_row_of(&r, &box.order, e))
    return false;
  if (!ia_market_catch_up(m, e) || !check_order(m, w, &r, &box.order, &login, e) ||
      !store(m, w->db, &r, &box.order, e))
    return false;
  ia_crash_point("market.published");
  IA_AUTO_JSON *v = json_pack("{s:b,s:o}", "ok", 1, "published", published(m, w->db, &r.hash, e));
  if (!v)
    return false;
  ia_market_tell(m, TOPIC_ORDERS, ia_order_kind_name(kind), "published",
                 json_object_get(v, "published"));
  return ia_reply_json(rp, 200, v, e);
}

bool ia_market_publish(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  worker *w = NULL;

  if (!ia_market_worker(ctx, &w, e))
    return false;
  bool ok = publish_with(ctx, w, rq, rp, e);
  ia_market_worker_back(ctx, w);
  return ok;
}

typedef enum target { BY_HASH, LAST, ALL } target;

static const char *const assets[] = {"app", "dataset", "workerpool", "requester"};

static bool read_text(const json_t *body, const char *name, ia_span *out, ia_err *e)
{
  const json_t *v = json_object_get(body, name);

  if (!v || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0))
    return ia_market_required(name, e);
  if (!json_is_string(v))
    return ia_fail(e, IA_E_INVALID, "%s must be a `string` type", name);
  *out = ia_span_of(json_string_value(v), json_string_length(v));
  return true;
}

static bool read_target(const json_t *body, ia_order_kind kind, target *t, ia_h256 *hash,
                        ia_addr *asset, ia_err *e)
{
  static const char *const names[] = {"unpublish_orderHash", "unpublish_last", "unpublish_all"};
  ia_span name = ia_span_str(names[BY_HASH]), value;

  if (json_object_get(body, "target") && !read_text(body, "target", &name, e))
    return false;
  for (*t = BY_HASH; *t <= ALL; (*t)++) {
    const char *of = *t == BY_HASH ? "orderHash" : assets[kind];

    if (ia_span_is(name, names[*t]))
      return read_text(body, of, &value, e) &&
             (*t == BY_HASH ? ia_market_bytes32(value, of, hash, e)
                            : ia_market_address(value, of, asset, e));
  }
  return ia_fail(e, IA_E_INVALID, "target must be one of the following values: %s, %s, %s",
                 names[0], names[1], names[2]);
}

/* An order is named although it is not the signer's: the refusal says so. */
static bool check_mine(ia_db *db, ia_order_kind kind, const ia_h256 *hash, const ia_addr *login,
                       ia_err *e)
{
  order_row r;

  ia_err why = {0};
  bool there = ia_market_row_load(db, &r, hash, &why);

  if (!there && why.code != IA_E_NOT_FOUND) {
    *e = why;
    return false;
  }
  if (!there || r.kind != kind)
    return ia_fail(e, IA_E_FORBIDDEN, "%s with orderHash %s is not published",
                   ia_order_kind_name(kind), ia_h256_text(hash).s);
  return ia_addr_eq(&r.signer, login) ||
         ia_fail(e, IA_E_FORBIDDEN, "only order signer %s can unpublish an order",
                 ia_addr_text(&r.signer).s);
}

static bool unpublish_rows(ia_db *db, ia_order_kind kind, target t, const ia_h256 *hash,
                           const ia_addr *asset, const ia_addr *login, json_t *out, ia_err *e)
{
  ia_stmt *s;
  ia_h256 gone;
  bool row = true;

  if (!ia_db_stmt(&s, db,
                  "DELETE FROM orders WHERE hash IN (SELECT hash FROM orders WHERE signer = $1"
                  " AND kind = $2 AND status = 'open' AND ($3 = 0 AND hash = $4 OR $3 > 0 AND"
                  " asset = $5) ORDER BY published DESC, hash DESC LIMIT $6) RETURNING hash",
                  e))
    return false;
  ia_bind_addr(s, 1, login);
  ia_bind_u64(s, 2, kind);
  ia_bind_u64(s, 3, t);
  ia_bind_h256(s, 4, hash);
  ia_bind_addr(s, 5, asset);
  ia_bind_i64(s, 6, t == ALL ? -1 : 1);
  for (;;) {
    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      break;
    if (!ia_col_h256(s, 0, &gone, e) || json_array_append_new(out, ia_json_h256(&gone)) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for an answer");
  }
  if (json_array_size(out) > 0)
    return true;
  return t == BY_HASH ? ia_fail(e, IA_E_FORBIDDEN, "%s with orderHash %s is not published",
                                ia_order_kind_name(kind), ia_h256_text(hash).s)
                      : ia_fail(e, IA_E_FORBIDDEN, "no open %s published by signer %s for %s %s",
                                ia_order_kind_name(kind), ia_addr_text(login).s, assets[kind],
                                ia_addr_text(asset).s);
}

/* The rows, and the request orders that lived on them, in one step. */
static bool unpublish_all(ia_db *db, ia_order_kind kind, target t, const ia_h256 *hash,
                          const ia_addr *asset, const ia_addr *login, json_t *out, json_t *dead,
                          ia_err *e)
{
  order_row gone = {.kind = kind, .asset = *asset};
  IA_AUTO(ia_tx) *tx = NULL;

  if (t == BY_HASH && !ia_market_row_load(db, &gone, hash, e))
    return false;
  return ia_tx_begin(&tx, db, e) && unpublish_rows(db, kind, t, hash, asset, login, out, e) &&
         ia_market_recheck_requests(db, &gone, 0, dead, e) && ia_tx_commit(&tx, e);
}

static bool unpublish_with(ia_market *m, worker *w, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *body = NULL;
  IA_AUTO_JSON *gone = json_array();
  IA_AUTO_JSON *dead = json_array();
  ia_order_kind kind;
  ia_addr login, asset = {{0}};
  ia_h256 hash = {{0}};
  const json_t *one;
  target t;
  size_t i;

  if (!gone || !dead)
    return ia_fail(e, IA_E_MEMORY, "no memory for an answer");
  if (!ia_market_admit(m, rq, e) || !ia_market_login(m, rq, &login, e) ||
      !ia_market_kind(ia_request_path(rq), &kind, e) || !(body = ia_request_json(rq, e)) ||
      !read_target(body, kind, &t, &hash, &asset, e) || !ia_market_catch_up(m, e) ||
      (t == BY_HASH && !check_mine(w->db, kind, &hash, &login, e)) ||
      !unpublish_all(w->db, kind, t, &hash, &asset, &login, gone, dead, e))
    return false;
  json_array_foreach (gone, i, one)
    ia_market_tell(m, TOPIC_ORDERS, ia_order_kind_name(kind), "unpublished", one);
  json_array_foreach (dead, i, one)
    ia_market_tell(m, TOPIC_ORDERS, ia_order_kind_name(IA_ORDER_REQUEST), "unpublished", one);
  IA_AUTO_JSON *v = json_pack("{s:b,s:O}", "ok", 1, "unpublished", gone);
  return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "no memory for an answer");
}

bool ia_market_unpublish(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  worker *w = NULL;

  if (!ia_market_worker(ctx, &w, e))
    return false;
  bool ok = unpublish_with(ctx, w, rq, rp, e);
  ia_market_worker_back(ctx, w);
  return ok;
}
