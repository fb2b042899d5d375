/* Prices of late, and how much there is. */
#include "base/hex.h"
#include "service/market/market_int.h"

enum { OHLC_DEALS = 100 };

static bool collect_ohlc(ia_db *db, uint64_t category, json_t *out, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db,
                  "SELECT body FROM deals WHERE category = $1"
                  " ORDER BY block DESC, dealid LIMIT $2",
                  e))
    return false;
  ia_bind_u64(s, 1, category);
  ia_bind_u64(s, 2, OHLC_DEALS);
  for (;;) {
    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      return true;
    IA_AUTO_JSON *d = ia_json_parse(ia_col_bytes(s, 0), 0, e);
    json_t *one = json_pack("[O, O, O]", json_object_get(d, "blockTimestamp"),
                            json_object_get(json_object_get(d, "workerpool"), "price"),
                            json_object_get(d, "volume"));
    if (!one || json_array_append_new(out, one) != 0) {
      ia_stmt_reset(s);
      return d ? ia_fail(e, IA_E_MEMORY, "no memory for a list") : false;
    }
  }
}

static bool ohlc_with(ia_market *m, worker *w, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *list = json_array();
  uint64_t category = 0;
  bool given;

  if (!ia_market_admit(m, rq, e) ||
      !ia_market_query_number(rq, "category", 0, NUMBER_MAX, &category, &given, e))
    return false;
  if (!given)
    return ia_market_required("category", e);
  if (!ia_market_catch_up(m, e) || !collect_ohlc(w->db, category, list, e))
    return false;
  IA_AUTO_JSON *v = json_pack("{s:b, s:O}", "ok", 1, "ohlc", list);
  return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "no memory for a list");
}

bool ia_market_ohlc(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  worker *w = NULL;

  if (!ia_market_worker(ctx, &w, e))
    return false;
  bool ok = ohlc_with(ctx, w, rq, rp, e);
  ia_market_worker_back(ctx, w);
  return ok;
}

static bool count_open(ia_db *db, json_t *out, ia_err *e)
{
  static const char *const names[IA_ORDER_KINDS] = {"apporders", "datasetorders",
                                                    "workerpoolorders", "requestorders"};

  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    ia_stmt *s;
    bool row;

    if (!ia_db_stmt(&s, db, "SELECT count(*) FROM orders WHERE kind = $1 AND status = 'open'", e))
      return false;
    ia_bind_u64(s, 1, k);
    if (!ia_stmt_step(s, &row, e))
      return false;
    json_t *n = json_integer((json_int_t)ia_col_i64(s, 0));
    ia_stmt_reset(s);
    if (!ia_json_set(out, names[k], n, e))
      return false;
  }
  return true;
}

static bool put_cursor(ia_db *db, json_t *out, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db, "SELECT block FROM meta", e) || !ia_stmt_step(s, &row, e))
    return false;
  json_int_t block = (json_int_t)ia_col_i64(s, 0);
  ia_stmt_reset(s);
  /* what is stored is what was followed: there is no second cursor behind it */
  return ia_json_set(out, "lastBlock", json_integer(block), e) &&
         ia_json_set(out, "checkpointBlock", json_integer(block), e);
}

bool ia_market_metrics(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_market *m = ctx;
  IA_AUTO_JSON *v = json_pack("{s:b}", "ok", 1);
  worker *w = NULL;

  if (!ia_market_worker(m, &w, e))
    return false;
  bool ok = ia_market_admit(m, rq, e) && ia_market_catch_up(m, e) && put_cursor(w->db, v, e) &&
            count_open(w->db, v, e);
  ia_market_worker_back(m, w);
  return ok && ia_reply_json(rp, 200, v, e);
}
