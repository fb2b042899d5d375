/* Lists of open orders, and single ones. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "eth/address.h"
#include "service/market/filter.h"

enum { PAGE_MIN = 10, PAGE_MAX = 1000, PAGE = 20, PAGE_BYTES_MAX = 16 << 20 };

bool ia_market_paging(ia_request *rq, paging *p, ia_err *e)
{
  bool by_index, by_size, old;

  *p = (paging){.size = PAGE};
  if (!ia_market_query_number(rq, "pageIndex", 0, NUMBER_MAX, &p->index, &by_index, e) ||
      !ia_market_query_number(rq, "pageSize", PAGE_MIN, PAGE_MAX, &p->size, &by_size, e) ||
      !ia_market_query_number(rq, "page", 0, NUMBER_MAX, &p->skip, &old, e))
    return false;
  /* the old name for the rows to skip counts where there is no new one */
  if (by_index || by_size || !old) {
    if (__builtin_mul_overflow(p->index, p->size, &p->skip) || p->skip > NUMBER_MAX)
      return ia_fail(e, IA_E_INVALID, "pageIndex: too large");
  }
  return true;
}

/* Bytes of its texts; what else there is has a size of its own that is small. */
static uint64_t text_bytes(const json_t *v)
{
  uint64_t n = json_string_length(v) + 16;
  const char *key;
  json_t *child;
  size_t i;

  json_object_foreach ((json_t *)(uintptr_t)v, key, child)
    n += text_bytes(child);
  json_array_foreach (v, i, child)
    n += text_bytes(child);
  return n;
}

bool ia_market_page_add(paging *p, json_t *items, json_t *item, ia_err *e)
{
  p->bytes += text_bytes(item);
  if (!item || json_array_append_new(items, item) != 0)
    return ia_fail(e, IA_E_MEMORY, "no memory for a list");
  if (p->bytes <= PAGE_BYTES_MAX || json_array_size(items) <= PAGE_MIN)
    return true;
  ia_fail(e, IA_E_TOO_LARGE, "a page of more than %d MiB", PAGE_BYTES_MAX >> 20);
  return ia_hint(e, "ask for a smaller pageSize (at least %d)", PAGE_MIN);
}

bool ia_market_page(ia_reply *rp, const char *name, json_t *items, uint64_t count, const paging *p,
                    ia_err *e)
{
  bool more = p->skip + json_array_size(items) < count;
  IA_AUTO_JSON *v = json_pack("{s:b,s:I,s:o}", "ok", 1, "count", (json_int_t)count, name, items);

  if (!v || (more && !ia_json_set(v, "nextPage", json_integer((json_int_t)(p->skip + p->size)), e)))
    return ia_fail(e, IA_E_MEMORY, "no memory for a list");
  return ia_reply_json(rp, 200, v, e);
}

/* text: SQL with the filter's " FROM .. WHERE .." in it. */
static bool statement(ia_db *db, ia_stmt **out, ia_buf *text, const ia_market_filter *f, ia_err *e)
{
  ia_buf_u8(text, 0);
  if (!ia_buf_ok(text, e) || !ia_stmt_once(out, db, (const char *)text->ptr, e))
    return false;
  ia_market_filter_bind(*out, f);
  return true;
}

static bool count_of(ia_db *db, const ia_market_filter *f, uint64_t *n, ia_err *e)
{
  IA_AUTOV(ia_buf) sql = {0};
  IA_AUTO(ia_stmt) *s = NULL;
  bool row;

  ia_buf_str(&sql, "SELECT count(*)");
  ia_market_filter_where(&sql, f);
  if (!statement(db, &s, &sql, f, e) || !ia_stmt_step(s, &row, e))
    return false;
  *n = ia_col_u64(s, 0);
  return true;
}

/* The page's rows are found and sorted by what an index holds; only they are then read. */
static bool page_of(ia_db *db, ia_stmt **out, const ia_market_filter *f, const paging *p, ia_err *e)
{
  IA_AUTOV(ia_buf) sql = {0};

  /* CROSS JOIN keeps the order of the ids, so that no sorter holds whole rows */
  ia_buf_str(&sql, "SELECT " ITEM_COLUMNS " FROM (SELECT id AS page_id");
  ia_market_filter_where(&sql, f);
  /* few rows are sorted; of many, the first are taken in the order of an index */
  ia_buf_printf(&sql,
                " ORDER BY %srank, published, hash LIMIT $limit OFFSET $skip)"
                " CROSS JOIN orders WHERE id = page_id",
                ia_market_filter_selects(f) ? "+" : "");
  if (!statement(db, out, &sql, f, e))
    return false;
  ia_bind_u64(*out, ia_bind_name(*out, "$limit"), p->size);
  ia_bind_u64(*out, ia_bind_name(*out, "$skip"), p->skip);
  return true;
}

static bool items_of(ia_market *m, ia_db *db, const ia_market_filter *f, paging *p, json_t *out,
                     ia_err *e)
{
  IA_AUTO(ia_stmt) *s = NULL;
  bool row;

  if (!page_of(db, &s, f, p, e))
    return false;
  for (;;) {
    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      return true;
    json_t *item = ia_market_item(m, db, s, e);
    if (!item || !ia_market_page_add(p, out, item, e))
      return false;
  }
}

static bool list_with(ia_market *m, worker *w, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *items = json_array();
  ia_order_kind kind;
  uint64_t count = 0;
  ia_market_filter f;
  paging p;

  if (!items)
    return ia_fail(e, IA_E_MEMORY, "no memory for a list");
  if (!ia_market_admit(m, rq, e) || !ia_market_kind(ia_request_path(rq), &kind, e) ||
      !ia_market_filter_read(rq, kind, &f, e) || !ia_market_paging(rq, &p, e) ||
      !ia_market_catch_up(m, e) || !count_of(w->db, &f, &count, e) ||
      !items_of(m, w->db, &f, &p, items, e))
    return false;
  return ia_market_page(rp, "orders", json_incref(items), count, &p, e);
}

bool ia_market_list(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  worker *w = NULL;

  if (!ia_market_worker(ctx, &w, e))
    return false;
  bool ok = list_with(ctx, w, rq, rp, e);
  ia_market_worker_back(ctx, w);
  return ok;
}

static bool one_with(ia_market *m, worker *w, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_order_kind kind;
  ia_h256 hash;
  ia_stmt *s;
  bool row;

  if (!ia_market_admit(m, rq, e) || !ia_market_kind(ia_request_path(rq), &kind, e))
    return false;
  if (!ia_market_bytes32(ia_request_param(rq, "hash"), "orderHash", &hash, e) ||
      !ia_market_catch_up(m, e) ||
      !ia_db_stmt(&s, w->db, "SELECT " ITEM_COLUMNS " FROM orders WHERE hash = $1 AND kind = $2",
                  e))
    return false;
  ia_bind_h256(s, 1, &hash);
  ia_bind_u64(s, 2, kind);
  if (!ia_stmt_step(s, &row, e))
    return false;
  if (!row)
    return ia_fail(e, IA_E_NOT_FOUND, "%s not found", ia_order_kind_name(kind));
  IA_AUTO_JSON *item = ia_market_item(m, w->db, s, e);
  ia_stmt_reset(s);
  IA_AUTO_JSON *v = item ? json_pack("{s:b}", "ok", 1) : NULL;
  if (!v || json_object_update(v, item) != 0)
    return item ? ia_fail(e, IA_E_MEMORY, "no memory for an order") : false;
  return ia_reply_json(rp, 200, v, e);
}

bool ia_market_one(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  worker *w = NULL;

  if (!ia_market_worker(ctx, &w, e))
    return false;
  bool ok = one_with(ctx, w, rq, rp, e);
  ia_market_worker_back(ctx, w);
  return ok;
}
