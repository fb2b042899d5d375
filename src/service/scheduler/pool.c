/* The pools' orders on the market, one a category, renewed by themselves. */
#include "base/crash.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/random.h"
#include "client/to_market.h"
#include "eth/address.h"
#include "poco/orders.h"
#include "poco/tag.h"
#include "service/scheduler/internal.h"

enum { CHECK_S = 60, RETRY_S = 1 };

/* Which order it is about. */
typedef struct place {
  ia_addr pool;
  uint64_t category;
} place;

static bool kept_get(ia_scheduler *s, const place *at, ia_h256 *hash, uint64_t *volume, bool *has,
                     ia_err *e)
{
  SCH_LOCKED *held = s;
  ia_stmt *st;
  bool ok = true;

  sch_lock(held);
  if (!ia_db_stmt(&st, s->db,
                  "SELECT hash, volume FROM pool_orders WHERE pool = $1 AND category = $2", e))
    return false;
  ia_bind_addr(st, 1, &at->pool);
  ia_bind_u64(st, 2, at->category);
  if (!ia_stmt_step(st, has, e))
    return false;
  if (*has) {
    ok = ia_col_h256(st, 0, hash, e);
    *volume = ia_col_u64(st, 1);
    ia_stmt_reset(st);
  }
  return ok;
}

static bool kept_put(ia_scheduler *s, const place *at, const ia_h256 *hash, ia_err *e)
{
  SCH_LOCKED *held = s;
  ia_stmt *st;

  sch_lock(held);
  if (!ia_db_stmt(&st, s->db,
                  "INSERT INTO pool_orders (pool, category, hash, volume) VALUES ($1, $2, $3, $4)"
                  " ON CONFLICT (pool, category) DO UPDATE SET hash = excluded.hash,"
                  " volume = excluded.volume",
                  e))
    return false;
  ia_bind_addr(st, 1, &at->pool);
  ia_bind_u64(st, 2, at->category);
  ia_bind_h256(st, 3, hash);
  ia_bind_u64(st, 4, s->order_volume);
  return ia_stmt_run(st, e);
}

/* Still on the market at today's price, with more than half of its volume left by the ledger's
 * count. */
static bool still_good(ia_scheduler *s, ia_chain *c, const ia_net *net, const ia_h256 *hash,
                       uint64_t volume, bool *good, ia_err *e)
{
  ia_u256 consumed, half = ia_u256_of(volume / 2), price = ia_u256_of(s->price_nrlc);
  ia_offer offer = {0};
  ia_err why = {0};

  *good = false;
  if (volume != s->order_volume)
    return true; /* configured anew */
  if (!ia_chain_consumed(c, &consumed, hash, e))
    return false;
  if (ia_u256_cmp(&consumed, &half) > 0)
    return true;
  bool found = ia_to_market_fetch(net, &offer, IA_ORDER_WORKERPOOL, hash, &why);
  *good = found && ia_u256_cmp(&offer.box.order.workerpool.workerpoolprice, &price) == 0;
  ia_order_box_free(&offer.box);
  if (found || why.code == IA_E_NOT_FOUND)
    return true;
  if (e)
    *e = why;
  return false;
}

static bool publish(ia_scheduler *s, ia_chain *c, const ia_net *net, const place *at, ia_h256 *hash,
                    ia_err *e)
{
  IA_AUTOV(ia_order_box) box = {.order.kind = IA_ORDER_WORKERPOOL};
  ia_workerpool_order *o = &box.order.workerpool;

  o->workerpool = at->pool;
  o->workerpoolprice = ia_u256_of(s->price_nrlc);
  o->volume = ia_u256_of(s->order_volume);
  o->tag = ia_tag_of(IA_TAG_TEE | IA_TAG_TDX);
  o->category = ia_u256_of(at->category);
  o->trust = ia_u256_of(1);
  return ia_random(o->salt.b, sizeof(o->salt.b), e) &&
         ia_order_sign(&box, s->wallet->secp, ia_chain_separator(c), &s->wallet->key, e) &&
         ia_to_market_publish(net, s->wallet, &box.order, hash, e);
}

static bool one_order(ia_scheduler *s, ia_chain *c, const ia_net *net, const place *at, ia_err *e)
{
  ia_h256 old = {{0}}, hash;
  uint64_t volume = 0;
  bool has = false, good = false;
  ia_err why = {0};

  if (!kept_get(s, at, &old, &volume, &has, e) ||
      (has && !still_good(s, c, net, &old, volume, &good, e)))
    return false;
  if (good)
    return true;
  if (!publish(s, c, net, at, &hash, e) || !kept_put(s, at, &hash, e))
    return ia_wrap(e, "pool %s, category %llu", ia_addr_lower(&at->pool).s,
                   (unsigned long long)at->category);
  ia_crash_point("scheduler-order-kept");
  ia_log(IA_LOG_INFO, "pool.order", "pool=%s category=%llu hash=%s", ia_addr_lower(&at->pool).s,
         (unsigned long long)at->category, ia_h256_text(&hash).s);
  if (has && !ia_to_market_unpublish(net, s->wallet, IA_ORDER_WORKERPOOL, &old, &why))
    ia_log(IA_LOG_DEBUG, "pool.order.old", "hash=%s reason=\"%s\"", ia_h256_text(&old).s, why.msg);
  return true;
}

/* The terms of all orders, as they are configured. */
static bool terms(const ia_scheduler *s, ia_buf *out, ia_err *e)
{
  ia_buf_u64be(out, s->price_nrlc);
  ia_buf_u64be(out, s->order_volume);
  ia_buf_u64be(out, s->categories);
  for (size_t i = 0; i < s->n_pools; i++)
    ia_buf_put(out, s->pools[i].b, sizeof(s->pools[i].b));
  return ia_buf_ok(out, e);
}

static bool keep_terms(ia_scheduler *s, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};
  SCH_LOCKED *held = NULL;

  if (!terms(s, &b, e))
    return false;
  held = s;
  sch_lock(held);
  return sch_meta_put(s, "orders", ia_buf_view(&b), e);
}

bool sch_pool_orders_kept(ia_scheduler *s, bool *all, ia_err *e)
{
  IA_AUTOV(ia_buf) want = {0};
  IA_AUTOV(ia_buf) kept = {0};
  SCH_LOCKED *held = NULL;

  if (!terms(s, &want, e))
    return false;
  held = s;
  sch_lock(held);
  if (!sch_meta_get(s, "orders", &kept, e))
    return false;
  *all = ia_span_eq(ia_buf_view(&want), ia_buf_view(&kept));
  return true;
}

bool sch_pool_orders(ia_scheduler *s, ia_chain *c, uint64_t *again_s, ia_err *e)
{
  IA_AUTO(ia_http) *http = NULL;
  ia_net net = {.market = s->market, .chain_id = ia_chain_id(c), .hub = *ia_chain_hub(c)};

  *again_s = RETRY_S;
  if (!ia_http_new(&http, NULL, e))
    return false;
  net.http = net.secure = http;
  for (uint64_t i = 0; i < s->n_pools * s->categories; i++) {
    const place at = {s->pools[i / s->categories], i % s->categories};

    if (sch_pool_is_away(s, i / s->categories))
      continue;
    if (!one_order(s, c, &net, &at, e))
      return false;
  }
  *again_s = CHECK_S;
  return keep_terms(s, e);
}
