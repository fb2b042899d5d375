/* Lists of open orders, and single ones. Filters as iExec's clients send them. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "eth/address.h"
#include "service/market/market_int.h"

enum { PAGE_MIN = 10, PAGE_MAX = 1000, PAGE = 20 };

bool ia_market_paging(ia_request *rq, paging *p, ia_err *e)
{
  uint64_t skip = UINT64_MAX;

  *p = (paging){.size = PAGE};
  if (!ia_market_query_u64(rq, "pageIndex", &p->index, e) ||
      !ia_market_query_u64(rq, "pageSize", &p->size, e) ||
      !ia_market_query_u64(rq, "page", &skip, e)) /* the old name for the rows to skip */
    return false;
  if (p->size < PAGE_MIN || p->size > PAGE_MAX)
    return ia_fail(e, IA_E_INVALID, "pageSize: want %d to %d", PAGE_MIN, PAGE_MAX);
  if (__builtin_mul_overflow(p->index, p->size, &p->skip) || p->skip > NUMBER_MAX)
    return ia_fail(e, IA_E_INVALID, "pageIndex: too large");
  if (skip != UINT64_MAX)
    p->skip = skip;
  return true;
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

/* A misspelt filter must not widen a list. */
static bool check_names(ia_request *rq, ia_err *e)
{
  static const char *const known[] = {"chainId",
                                      "pageIndex",
                                      "pageSize",
                                      "page",
                                      "app",
                                      "appOwner",
                                      "dataset",
                                      "datasetOwner",
                                      "workerpool",
                                      "workerpoolOwner",
                                      "requester",
                                      "beneficiary",
                                      "category",
                                      "isAppStrict",
                                      "isDatasetStrict",
                                      "isWorkerpoolStrict",
                                      "isRequesterStrict",
                                      "minTag",
                                      "maxTag",
                                      "minVolume",
                                      "minTrust",
                                      "maxTrust",
                                      "bulkOnly"};
  ia_span name, value;

  for (size_t i = 0; ia_request_query_at(rq, i, &name, &value); i++) {
    size_t k = 0;

    while (k < IA_COUNT(known) && !ia_span_is(name, known[k]))
      k++;
    if (k == IA_COUNT(known))
      return ia_fail(e, IA_E_INVALID, "%.*s: no such filter", (int)(name.len < 40 ? name.len : 40),
                     (const char *)name.ptr);
    if (ia_request_query_count(rq, known[k]) > 1)
      return ia_fail(e, IA_E_INVALID, "%s: given twice", known[k]);
  }
  return true;
}

/* A column that must be one of two addresses, or a group with this member, or anything. */
typedef struct pick {
  bool free;
  bool groups; /* those that b is a member of, too */
  ia_addr a, b;
} pick;

static bool flag(ia_request *rq, const char *name, bool *out, ia_err *e)
{
  ia_span v;

  *out = false;
  if (!ia_request_query(rq, name, &v) || ia_span_is(v, "false"))
    return true;
  *out = true;
  return ia_span_is(v, "true") || ia_fail(e, IA_E_INVALID, "%s: want true or false", name);
}

/* A restriction: absent = only orders without one; an address = without one, or that, or a group
 * that it is a member of; strict = exactly that; "any" = whatever. */
static bool restriction(ia_request *rq, const char *name, const char *strict_name, pick *p,
                        ia_err *e)
{
  bool strict, given;
  ia_span v;

  *p = (pick){0};
  if (!flag(rq, strict_name, &strict, e))
    return false;
  if (ia_request_query(rq, name, &v) && ia_span_is(v, "any")) {
    p->free = true;
    return true;
  }
  if (!ia_market_query_addr(rq, name, &p->b, &given, e))
    return false;
  p->groups = given && !strict;
  if (given && strict)
    p->a = p->b;
  return true;
}

/* What the order is about: absent or "any" = whatever. */
static bool subject(ia_request *rq, const char *name, pick *p, bool *given, ia_err *e)
{
  ia_span v;
  bool one;

  *p = (pick){.free = true};
  *given = ia_request_query(rq, name, &v);
  if (!*given || ia_span_is(v, "any"))
    return true;
  if (!ia_market_query_addr(rq, name, &p->a, &one, e))
    return false;
  *p = (pick){.a = p->a, .b = p->a};
  return true;
}

typedef struct filter {
  pick asset, signer, app, dataset, workerpool, requester, beneficiary;
  uint64_t category, min_trust, max_trust, min_volume;
  bool any_category, bulk;
  ia_h256 min_tag, max_tag;
} filter;

static bool tag(ia_request *rq, const char *name, ia_h256 *out, uint8_t without, ia_err *e)
{
  ia_span v;

  memset(out->b, without, sizeof(out->b));
  if (!ia_request_query(rq, name, &v) || ia_h256_parse(out, v))
    return true;
  return ia_fail(e, IA_E_INVALID, "%s must be a bytes32 hexstring", name);
}

static bool read_subject(ia_request *rq, ia_order_kind kind, filter *f, ia_err *e)
{
  static const char *const assets[] = {"app", "dataset", "workerpool", "requester"};
  static const char *const owners[] = {"appOwner", "datasetOwner", "workerpoolOwner", NULL};
  bool by_asset, by_owner = false;

  f->signer.free = true;
  if (!subject(rq, assets[kind], &f->asset, &by_asset, e) ||
      (owners[kind] && !subject(rq, owners[kind], &f->signer, &by_owner, e)))
    return false;
  if ((kind == IA_ORDER_APP || kind == IA_ORDER_DATASET) && !by_asset && !by_owner)
    return ia_fail(e, IA_E_INVALID, "%s or %s is required", assets[kind], owners[kind]);
  return true;
}

static bool read_filter(ia_request *rq, ia_order_kind kind, filter *f, ia_err *e)
{
  bool request = kind == IA_ORDER_REQUEST, given;
  ia_span v;

  *f = (filter){.max_trust = NUMBER_MAX, .any_category = !ia_request_query(rq, "category", &v)};
  if (!read_subject(rq, kind, f, e) ||
      !(request ? subject(rq, "app", &f->app, &given, e)
                : restriction(rq, "app", "isAppStrict", &f->app, e)) ||
      !(request ? subject(rq, "dataset", &f->dataset, &given, e)
                : restriction(rq, "dataset", "isDatasetStrict", &f->dataset, e)) ||
      !restriction(rq, "workerpool", "isWorkerpoolStrict", &f->workerpool, e) ||
      !restriction(rq, "requester", "isRequesterStrict", &f->requester, e) ||
      !subject(rq, "beneficiary", &f->beneficiary, &given, e))
    return false;
  /* the order's own subject is no restriction of it */
  pick *own[] = {&f->app, &f->dataset, &f->workerpool, &f->requester};
  own[kind]->free = true;
  if (!ia_market_query_u64(rq, "minVolume", &f->min_volume, e))
    return false;
  if (f->min_volume == 0 && ia_request_query(rq, "minVolume", &v))
    return ia_fail(e, IA_E_INVALID, "minVolume must be greater than or equal to 1");
  return ia_market_query_u64(rq, "category", &f->category, e) &&
         ia_market_query_u64(rq, "minTrust", &f->min_trust, e) &&
         ia_market_query_u64(rq, "maxTrust", &f->max_trust, e) &&
         flag(rq, "bulkOnly", &f->bulk, e) && tag(rq, "minTag", &f->min_tag, 0, e) &&
         tag(rq, "maxTag", &f->max_tag, 0xff, e);
}

#define IS(column)                                                                                 \
  "($" column "_a IS NULL OR " column " = $" column "_a OR " column " = $" column "_b OR " column  \
  " IN (SELECT grp FROM members WHERE account = $" column "_m))"
#define TAG(i) "(tag" i " & $min" i ") = $min" i " AND (tag" i " & ~$max" i ") = 0"
#define WHERE                                                                                                                                     \
  " FROM orders WHERE kind = $kind AND status = 'open' AND " IS("asset") " AND " IS("signer") " AND " IS("app") " AND " IS("dataset") " AND " IS( \
      "workerpool") " AND " IS("requester") " AND " IS("beneficiary") " AND ($category IS NULL OR category = $category)"                          \
                                                                      " AND trust >= $min_trust AND trust <= $max_trust"                          \
                                                                      " AND remaining >= $min_volume AND volume >= $bulk"                         \
                                                                      " AND ($bulk = 0 OR price = 0) AND " TAG("0") " AND " TAG(                  \
                                                                          "1") " AND " TAG("2") " AND " TAG("3")

static void bind_pick(ia_stmt *s, const char *column, const pick *p)
{
  char name[24];

  for (int i = 0; i < 3; i++) {
    (void)snprintf(name, sizeof(name), "$%s_%c", column, "abm"[i]);
    if (p->free || (i == 2 && !p->groups))
      ia_bind_null(s, ia_bind_name(s, name));
    else
      ia_bind_addr(s, ia_bind_name(s, name), i == 0 ? &p->a : &p->b);
  }
}

static void bind_tag(ia_stmt *s, const char *prefix, const ia_h256 *t)
{
  char name[8];

  for (size_t i = 0; i < 4; i++) {
    ia_span in = ia_span_of(t->b + 8 * i, 8);
    uint64_t v = 0;

    (void)!ia_span_u64be(&in, &v);
    (void)snprintf(name, sizeof(name), "$%s%zu", prefix, i);
    ia_bind_i64(s, ia_bind_name(s, name), (int64_t)v);
  }
}

static void bind_filter(ia_stmt *s, ia_order_kind kind, const filter *f)
{
  ia_bind_u64(s, ia_bind_name(s, "$kind"), kind);
  bind_pick(s, "asset", &f->asset);
  bind_pick(s, "signer", &f->signer);
  bind_pick(s, "app", &f->app);
  bind_pick(s, "dataset", &f->dataset);
  bind_pick(s, "workerpool", &f->workerpool);
  bind_pick(s, "requester", &f->requester);
  bind_pick(s, "beneficiary", &f->beneficiary);
  if (f->any_category)
    ia_bind_null(s, ia_bind_name(s, "$category"));
  else
    ia_bind_u64(s, ia_bind_name(s, "$category"), f->category);
  /* an order of trust 0 is one of trust 1 */
  ia_bind_u64(s, ia_bind_name(s, "$min_trust"), f->min_trust > 1 ? f->min_trust : 0);
  ia_bind_u64(s, ia_bind_name(s, "$max_trust"), f->max_trust);
  ia_bind_u64(s, ia_bind_name(s, "$min_volume"), f->min_volume);
  /* a bulk grant: volume 2^53 - 2 or more, and free */
  ia_bind_u64(s, ia_bind_name(s, "$bulk"), f->bulk ? NUMBER_MAX - 1 : 0);
  bind_tag(s, "min", &f->min_tag);
  bind_tag(s, "max", &f->max_tag);
}

static bool count_of(ia_db *db, ia_order_kind kind, const filter *f, uint64_t *n, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db, "SELECT count(*)" WHERE, e))
    return false;
  bind_filter(s, kind, f);
  if (!ia_stmt_step(s, &row, e))
    return false;
  *n = ia_col_u64(s, 0);
  ia_stmt_reset(s);
  return true;
}

static bool items_of(ia_market *m, ia_db *db, ia_order_kind kind, const filter *f, const paging *p,
                     json_t *out, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db,
                  "SELECT " ITEM_COLUMNS WHERE
                  " ORDER BY rank, published, hash LIMIT $limit OFFSET $skip",
                  e))
    return false;
  bind_filter(s, kind, f);
  ia_bind_u64(s, ia_bind_name(s, "$limit"), p->size);
  ia_bind_u64(s, ia_bind_name(s, "$skip"), p->skip);
  for (;;) {
    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      return true;
    json_t *item = ia_market_item(m, s, e);
    if (!item || json_array_append_new(out, item) != 0) {
      ia_stmt_reset(s);
      return item ? ia_fail(e, IA_E_MEMORY, "no memory for a list") : false;
    }
  }
}

static bool list_with(ia_market *m, worker *w, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *items = json_array();
  ia_order_kind kind;
  uint64_t count = 0;
  filter f;
  paging p;

  if (!items)
    return ia_fail(e, IA_E_MEMORY, "no memory for a list");
  if (!ia_market_chain(m, rq, e) || !check_names(rq, e) ||
      !ia_market_kind(ia_request_path(rq), &kind, e) || !read_filter(rq, kind, &f, e) ||
      !ia_market_paging(rq, &p, e) || !ia_market_catch_up(m, e) ||
      !count_of(w->db, kind, &f, &count, e) || !items_of(m, w->db, kind, &f, &p, items, e))
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

  if (!ia_market_chain(m, rq, e) || !ia_market_kind(ia_request_path(rq), &kind, e))
    return false;
  if (!ia_h256_parse(&hash, ia_request_param(rq, "hash")))
    return ia_fail(e, IA_E_INVALID, "orderHash must be a bytes32 hexstring");
  if (!ia_market_catch_up(m, e) ||
      !ia_db_stmt(&s, w->db, "SELECT " ITEM_COLUMNS " FROM orders WHERE hash = $1 AND kind = $2",
                  e))
    return false;
  ia_bind_h256(s, 1, &hash);
  ia_bind_u64(s, 2, kind);
  if (!ia_stmt_step(s, &row, e))
    return false;
  if (!row)
    return ia_fail(e, IA_E_NOT_FOUND, "%s not found", ia_order_kind_name(kind));
  IA_AUTO_JSON *item = ia_market_item(m, s, e);
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
