/* Deals as the ledger made them, and its categories. */
#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "eth/address.h"
#include "service/market/market_int.h"

enum {
  CATEGORIES_MAX = 256, /* only the hub's owner makes them */
  PAGE_WHOLE = 4 << 20,
  DEAL_SHORT = 8 << 10,
};

/* Below 2^53 a number, above a decimal string, as in orders. */
static json_t *number(const ia_u256 *v)
{
  uint64_t n;

  return ia_u256_u64(&n, v) && n <= NUMBER_MAX ? json_integer((json_int_t)n)
                                               : json_string(ia_u256_dec(v).s);
}

static json_t *resource(const ia_resource *r)
{
  return json_pack("{s:s,s:s,s:o}", "pointer", ia_addr_text(&r->pointer).s, "owner",
                   ia_addr_text(&r->owner).s, "price", number(&r->price));
}

/* Clients read a string. Where that is not all, the bytes stand beside it as NAMEHex. */
static bool put_text(json_t *v, const char *name, ia_span s)
{
  char hex[32];

  (void)snprintf(hex, sizeof(hex), "%sHex", name);
  return json_object_set_new(v, name, ia_json_lossy(s)) == 0 &&
         (ia_utf8_valid(s) || json_object_set_new(v, hex, ia_json_hex(s)) == 0);
}

static json_t *deal_json(const ia_market *m, const ia_chain_log *log, const ia_event *ev,
                         const ia_deal *d)
{
  json_t *v = json_pack(
      "{s:s,s:I,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:s,s:s,s:I,s:o,s:o,s:o,s:o,s:s}", "dealid",
      ia_h256_text(&ev->id[0]).s, "chainId", (json_int_t)m->chain_id, "app", resource(&d->app),
      "dataset", resource(&d->dataset), "workerpool", resource(&d->workerpool), "trust",
      number(&d->trust), "category", number(&d->category), "tag", ia_h256_text(&d->tag).s,
      "requester", ia_addr_text(&d->requester).s, "beneficiary", ia_addr_text(&d->beneficiary).s,
      "callback", ia_addr_text(&d->callback).s, "startTime", (json_int_t)d->start_time, "botFirst",
      number(&d->bot_first), "botSize", number(&d->bot_size), "workerStake",
      number(&d->worker_stake), "schedulerRewardRatio", number(&d->scheduler_reward_ratio),
      "sponsor", ia_addr_text(&d->sponsor).s);
  json_t *more =
      json_pack("{s:s,s:s,s:s,s:s,s:o,s:I,s:s,s:s}", "appHash", ia_h256_text(&ev->id[1]).s,
                "datasetHash", ia_h256_text(&ev->id[2]).s, "workerpoolHash",
                ia_h256_text(&ev->more[0]).s, "requestHash", ia_h256_text(&ev->more[1]).s, "volume",
                number(&ev->value[0]), "blockNumber", (json_int_t)log->block, "blockTimestamp",
                ia_rfc3339_ms(d->start_time * 1000).s, "transactionHash", ia_h256_text(&log->tx).s);

  if (!v || !more || !put_text(v, "params", d->params) || json_object_update(v, more) != 0) {
    json_decref(v);
    v = NULL;
  }
  json_decref(more);
  return v;
}

bool ia_market_store_deal(ia_market *m, worker *w, const ia_chain_log *log, const ia_event *ev,
                          ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  IA_AUTOV(ia_buf) body = {0};
  uint64_t category = 0;
  ia_stmt *s;
  ia_deal d;

  if (!ia_chain_deal(w->chain, &d, &store, &ev->id[0], e))
    return false;
  IA_AUTO_JSON *v = deal_json(m, log, ev, &d);
  if (!v)
    return ia_fail(e, IA_E_MEMORY, "no memory for a deal");
  if (!ia_json_write(&body, v, e) ||
      !ia_db_stmt(&s, w->db,
                  "INSERT INTO deals (dealid, block, place, app, dataset, workerpool, app_owner,"
                  " dataset_owner, workerpool_owner, requester, beneficiary, category, apporder,"
                  " datasetorder, workerpoolorder, requestorder, body) VALUES ($1, $2, $3, $4, $5,"
                  " $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
                  " ON CONFLICT (dealid) DO UPDATE SET block = excluded.block,"
                  " place = excluded.place, body = excluded.body",
                  e))
    return false;
  if (!ia_u256_u64(&category, &d.category) || category > NUMBER_MAX)
    category = NUMBER_MAX; /* no such category exists */
  ia_bind_h256(s, 1, &ev->id[0]);
  ia_bind_u64(s, 2, log->block);
  ia_bind_u64(s, 3, log->index);
  ia_bind_addr(s, 4, &d.app.pointer);
  ia_bind_addr(s, 5, &d.dataset.pointer);
  ia_bind_addr(s, 6, &d.workerpool.pointer);
  ia_bind_addr(s, 7, &d.app.owner);
  ia_bind_addr(s, 8, &d.dataset.owner);
  ia_bind_addr(s, 9, &d.workerpool.owner);
  ia_bind_addr(s, 10, &d.requester);
  ia_bind_addr(s, 11, &d.beneficiary);
  ia_bind_u64(s, 12, category);
  ia_bind_h256(s, 13, &ev->id[1]);
  ia_bind_h256(s, 14, &ev->id[2]);
  ia_bind_h256(s, 15, &ev->more[0]);
  ia_bind_h256(s, 16, &ev->more[1]);
  ia_bind_textn(s, 17, ia_buf_view(&body));
  return ia_stmt_run(s, e);
}

/* name of the query parameter, parameter of the statement */
static const struct {
  const char *query, *param;
  bool hash;
} filters[] = {
    {"app", "$app", false},
    {"dataset", "$dataset", false},
    {"workerpool", "$workerpool", false},
    {"appOwner", "$app_owner", false},
    {"datasetOwner", "$dataset_owner", false},
    {"workerpoolOwner", "$workerpool_owner", false},
    {"requester", "$requester", false},
    {"beneficiary", "$beneficiary", false},
    {"apporderHash", "$apporder", true},
    {"datasetorderHash", "$datasetorder", true},
    {"workerpoolorderHash", "$workerpoolorder", true},
    {"requestorderHash", "$requestorder", true},
};

#define IS(column) "($" column " IS NULL OR " column " = $" column ")"
#define WHERE                                                                                                                                                                  \
  " FROM deals WHERE " IS("app") " AND " IS("dataset") " AND " IS("workerpool") " AND " IS("app_owner") " AND " IS("dataset_owner") " AND " IS("workerpool_owner") " AND " IS( \
      "requester") " AND " IS("beneficiary") " AND " IS("apporder") " AND " IS("datasetorder") " AND " IS("workerpoolorder") " AND " IS("requestorder") " AND " IS("category")

static bool bind_filters(ia_stmt *s, ia_request *rq, ia_err *e)
{
  uint64_t category = 0;
  bool given;

  for (size_t i = 0; i < IA_COUNT(filters); i++) {
    int at = ia_bind_name(s, filters[i].param);
    ia_h256 hash;
    ia_addr addr;

    if (filters[i].hash ? !ia_market_query_h256(rq, filters[i].query, &hash, &given, e)
                        : !ia_market_query_addr(rq, filters[i].query, &addr, &given, e))
      return false;
    if (!given)
      ia_bind_null(s, at);
    else if (filters[i].hash)
      ia_bind_h256(s, at, &hash);
    else
      ia_bind_addr(s, at, &addr);
  }
  if (!ia_market_query_number(rq, "category", 0, NUMBER_MAX, &category, &given, e))
    return false;
  if (given)
    ia_bind_u64(s, ia_bind_name(s, "$category"), category);
  else
    ia_bind_null(s, ia_bind_name(s, "$category"));
  return true;
}

/* A page holds so many bytes of deals whole; after that, long params are left out of the list. */
static bool shorten(json_t *item, size_t size, size_t *bytes)
{
  *bytes += size;
  if (size <= DEAL_SHORT || *bytes <= PAGE_WHOLE)
    return true;
  *bytes -= size;
  json_object_del(item, "paramsHex");
  return json_object_set_new(item, "params", json_string("")) == 0 &&
         json_object_set_new(item, "paramsOmitted", json_true()) == 0;
}

/* p: NULL for one deal, which is given whole. */
static bool collect(ia_stmt *s, paging *p, json_t *out, ia_err *e)
{
  size_t bytes = 0;
  paging one = {0};

  for (;;) {
    bool row;

    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      return true;
    ia_span body = ia_col_bytes(s, 0);
    json_t *item = ia_json_parse(body, IA_JSON_ALLOW_NUL, e);
    if (!item || (p && !shorten(item, body.len, &bytes)) ||
        !ia_market_page_add(p ? p : &one, out, item, e)) {
      ia_stmt_reset(s);
      return false;
    }
  }
}

static bool deals_with(ia_market *m, worker *w, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *items = json_array();
  ia_stmt *s;
  paging p;
  bool row;

  if (!items)
    return ia_fail(e, IA_E_MEMORY, "no memory for a list");
  if (!ia_market_admit(m, rq, e) || !ia_market_query_known(rq, e) || !ia_market_paging(rq, &p, e) ||
      !ia_market_catch_up(m, e) || !ia_db_stmt(&s, w->db, "SELECT count(*)" WHERE, e) ||
      !bind_filters(s, rq, e) || !ia_stmt_step(s, &row, e))
    return false;
  uint64_t count = ia_col_u64(s, 0);
  ia_stmt_reset(s);
  if (!ia_db_stmt(&s, w->db,
                  "SELECT body" WHERE " ORDER BY block DESC, dealid LIMIT $limit OFFSET $skip",
                  e) ||
      !bind_filters(s, rq, e))
    return false;
  ia_bind_u64(s, ia_bind_name(s, "$limit"), p.size);
  ia_bind_u64(s, ia_bind_name(s, "$skip"), p.skip);
  return collect(s, &p, items, e) && ia_market_page(rp, "deals", json_incref(items), count, &p, e);
}

bool ia_market_deals(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  worker *w = NULL;

  if (!ia_market_worker(ctx, &w, e))
    return false;
  bool ok = deals_with(ctx, w, rq, rp, e);
  ia_market_worker_back(ctx, w);
  return ok;
}

/* {"ok":true} and the members of v, which is taken over. */
static bool reply_merged(ia_reply *rp, json_t *v, ia_err *e)
{
  IA_AUTO_JSON *item = v;
  IA_AUTO_JSON *out = json_pack("{s:b}", "ok", 1);

  if (!item || !out || json_object_update(out, item) != 0)
    return ia_fail(e, IA_E_MEMORY, "no memory for an answer");
  return ia_reply_json(rp, 200, out, e);
}

static bool deal_with(ia_market *m, worker *w, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *items = json_array();
  ia_h256 id;
  ia_stmt *s;

  if (!ia_market_admit(m, rq, e))
    return false;
  if (!ia_market_bytes32(ia_request_param(rq, "dealid"), "dealid", &id, e) ||
      !ia_market_catch_up(m, e) ||
      !ia_db_stmt(&s, w->db, "SELECT body FROM deals WHERE dealid = $1", e))
    return false;
  ia_bind_h256(s, 1, &id);
  if (!collect(s, NULL, items, e))
    return false;
  if (json_array_size(items) == 0)
    return ia_fail(e, IA_E_NOT_FOUND, "deal not found");
  return reply_merged(rp, json_incref(json_array_get(items, 0)), e);
}

bool ia_market_deal(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  worker *w = NULL;

  if (!ia_market_worker(ctx, &w, e))
    return false;
  bool ok = deal_with(ctx, w, rq, rp, e);
  ia_market_worker_back(ctx, w);
  return ok;
}

static json_t *category_json(const ia_market *m, ia_chain *c, uint64_t id, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_u256 index = ia_u256_of(id);
  ia_category k;

  if (!ia_chain_category(c, &k, &store, &index, e))
    return NULL;
  json_t *v = json_pack("{s:I,s:I,s:I}", "chainId", (json_int_t)m->chain_id, "catid",
                        (json_int_t)id, "workClockTimeRef", (json_int_t)k.work_clock_time_ref);
  if (v && put_text(v, "name", k.name) && put_text(v, "description", k.description))
    return v;
  (void)ia_fail(e, IA_E_MEMORY, "no memory for a category");
  json_decref(v);
  return NULL;
}

static bool count_categories(ia_chain *c, uint64_t *n, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args out = {0};

  if (!ia_chain_read(c, &out, &store, NULL, IA_CALL_COUNT_CATEGORY, NULL, e))
    return false;
  return ia_u256_u64(n, &out.value[0]) || ia_fail(e, IA_E_PARSE, "odd number of categories");
}

/* By their time, then by their number. */
static int by_time(const void *a, const void *b)
{
  const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
  json_int_t tx = json_integer_value(json_object_get(x, "workClockTimeRef")),
             ty = json_integer_value(json_object_get(y, "workClockTimeRef"));

  if (tx != ty)
    return tx < ty ? -1 : 1;
  tx = json_integer_value(json_object_get(x, "catid"));
  ty = json_integer_value(json_object_get(y, "catid"));
  return tx < ty ? -1 : tx > ty;
}

/* Those within the times, sorted; both ends belong. The rows are the caller's. */
static bool choose(const ia_market *m, ia_chain *c, uint64_t least, uint64_t most, json_t **rows,
                   size_t *n, ia_err *e)
{
  size_t total = *n;

  *n = 0;
  for (uint64_t i = 0; i < total; i++) {
    json_t *v = category_json(m, c, i, e);

    if (!v)
      return false;
    json_int_t time = json_integer_value(json_object_get(v, "workClockTimeRef"));
    if ((uint64_t)time >= least && (uint64_t)time <= most)
      rows[(*n)++] = v;
    else
      json_decref(v);
  }
  qsort(rows, *n, sizeof(*rows), by_time);
  return true;
}

static bool categories_with(ia_market *m, worker *w, ia_request *rq, ia_reply *rp, ia_err *e)
{
  json_t *rows[CATEGORIES_MAX] = {NULL};
  IA_AUTO_JSON *items = json_array();
  uint64_t all, least = 0, most = NUMBER_MAX;
  bool given;
  paging p;
  size_t n;

  if (!ia_market_admit(m, rq, e) || !ia_market_paging(rq, &p, e) ||
      !ia_market_query_number(rq, "minWorkClockTimeRef", 0, NUMBER_MAX, &least, &given, e) ||
      !ia_market_query_number(rq, "maxWorkClockTimeRef", 0, NUMBER_MAX, &most, &given, e) ||
      !count_categories(w->chain, &all, e))
    return false;
  n = all < CATEGORIES_MAX ? (size_t)all : CATEGORIES_MAX;
  bool ok = choose(m, w->chain, least, most, rows, &n, e);
  for (size_t i = 0; i < n; i++) {
    if (ok && i >= p.skip && i - p.skip < p.size)
      ok =
          json_array_append(items, rows[i]) == 0 || ia_fail(e, IA_E_MEMORY, "no memory for a list");
    json_decref(rows[i]);
  }
  return ok && ia_market_page(rp, "categories", json_incref(items), n, &p, e);
}

bool ia_market_categories(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  worker *w = NULL;

  if (!ia_market_worker(ctx, &w, e))
    return false;
  bool ok = categories_with(ctx, w, rq, rp, e);
  ia_market_worker_back(ctx, w);
  return ok;
}

static bool category_with(ia_market *m, worker *w, ia_request *rq, ia_reply *rp, ia_err *e)
{
  uint64_t n, id = 0;

  if (!ia_market_admit(m, rq, e) ||
      !ia_market_number(ia_request_param(rq, "id"), "catid", 0, NUMBER_MAX, &id, e) ||
      !count_categories(w->chain, &n, e))
    return false;
  if (id >= n)
    return ia_fail(e, IA_E_NOT_FOUND, "category not found");
  json_t *v = category_json(m, w->chain, id, e);
  return v && reply_merged(rp, v, e);
}

bool ia_market_category(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  worker *w = NULL;

  if (!ia_market_worker(ctx, &w, e))
    return false;
  bool ok = category_with(ctx, w, rq, rp, e);
  ia_market_worker_back(ctx, w);
  return ok;
}
