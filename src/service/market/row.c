/* Orders as rows. */
#include "base/clock.h"
#include "base/hex.h"
#include "eth/address.h"
#include "poco/tag.h"
#include "service/market/market_int.h"

enum { POOL_STAKE_PERCENT = 30 }; /* WORKERPOOL_STAKE_RATIO of the hub */

bool ia_market_kind(ia_span collection, ia_order_kind *kind, ia_err *e)
{
  static const char *const names[IA_ORDER_KINDS] = {"/apporders", "/datasetorders",
                                                    "/workerpoolorders", "/requestorders"};

  for (unsigned k = 0; k < IA_ORDER_KINDS; k++) {
    size_t n = strlen(names[k]);

    if (collection.len >= n && memcmp(collection.ptr, names[k], n) == 0 &&
        (collection.len == n || collection.ptr[n] == '/')) {
      *kind = (ia_order_kind)k;
      return true;
    }
  }
  return ia_fail(e, IA_E_NOT_FOUND, "no such collection");
}

static bool small(uint64_t *out, const ia_u256 *v, const char *name, ia_err *e)
{
  if (!ia_u256_u64(out, v) || *out > NUMBER_MAX)
    return ia_fail(e, IA_E_PARSE, "%s: at most 2^53 - 1", name);
  return true;
}

static bool request_row(order_row *r, const ia_request_order *o, ia_err *e)
{
  r->asset = o->requester;
  r->tag = o->tag;
  r->app = o->app;
  r->dataset = o->dataset;
  r->workerpool = o->workerpool;
  r->requester = o->requester;
  r->beneficiary = o->beneficiary;
  if (!small(&r->app_max, &o->appmaxprice, "appmaxprice", e) ||
      !small(&r->dataset_max, &o->datasetmaxprice, "datasetmaxprice", e) ||
      !small(&r->price, &o->workerpoolmaxprice, "workerpoolmaxprice", e) ||
      !small(&r->volume, &o->volume, "volume", e) ||
      !small(&r->category, &o->category, "category", e) || !small(&r->trust, &o->trust, "trust", e))
    return false;
  r->need = r->app_max + r->dataset_max + r->price; /* below 2^55 */
  return true;
}

static bool pool_row(order_row *r, const ia_workerpool_order *o, ia_err *e)
{
  r->asset = o->workerpool;
  r->tag = o->tag;
  r->app = o->apprestrict;
  r->dataset = o->datasetrestrict;
  r->requester = o->requesterrestrict;
  if (!small(&r->price, &o->workerpoolprice, "workerpoolprice", e) ||
      !small(&r->volume, &o->volume, "volume", e) ||
      !small(&r->category, &o->category, "category", e) || !small(&r->trust, &o->trust, "trust", e))
    return false;
  r->need = r->price * POOL_STAKE_PERCENT / 100; /* below 2^58 before the division */
  return true;
}

bool ia_market_row_of(order_row *r, const ia_order *o, ia_err *e)
{
  bool ok = false;

  *r = (order_row){.kind = o->kind};
  switch (o->kind) {
  case IA_ORDER_APP:
    r->asset = o->app.app;
    r->tag = o->app.tag;
    r->dataset = o->app.datasetrestrict;
    r->workerpool = o->app.workerpoolrestrict;
    r->requester = o->app.requesterrestrict;
    ok = small(&r->price, &o->app.appprice, "appprice", e) &&
         small(&r->volume, &o->app.volume, "volume", e);
    break;
  case IA_ORDER_DATASET:
    r->asset = o->dataset.dataset;
    r->tag = o->dataset.tag;
    r->app = o->dataset.apprestrict;
    r->workerpool = o->dataset.workerpoolrestrict;
    r->requester = o->dataset.requesterrestrict;
    ok = small(&r->price, &o->dataset.datasetprice, "datasetprice", e) &&
         small(&r->volume, &o->dataset.volume, "volume", e);
    break;
  case IA_ORDER_WORKERPOOL: ok = pool_row(r, &o->workerpool, e); break;
  case IA_ORDER_REQUEST: ok = request_row(r, &o->request, e); break;
  case IA_ORDER_KINDS: break;
  }
  if (ok && r->volume == 0)
    return ia_fail(e, IA_E_PARSE, "volume: at least 1");
  return ok;
}

int64_t ia_market_tag_part(const ia_h256 *tag, size_t i)
{
  ia_span in = ia_span_of(tag->b + 8 * i, 8);
  uint64_t v = 0;

  return ia_span_u64be(&in, &v) ? (int64_t)v : 0;
}

static bool put_body(ia_db *db, const order_row *r, const ia_order *o, ia_err *e)
{
  IA_AUTOV(ia_buf) body = {0};
  IA_AUTO_JSON *v = ia_order_json(o->kind, &o->app, 0, e);
  ia_stmt *s;

  if (!v || !ia_json_write(&body, v, e) ||
      !ia_db_stmt(&s, db, "INSERT INTO bodies (id, body) SELECT id, $2 FROM orders WHERE hash = $1",
                  e))
    return false;
  ia_bind_h256(s, 1, &r->hash);
  ia_bind_textn(s, 2, ia_buf_view(&body));
  return ia_stmt_run(s, e);
}

bool ia_market_insert(ia_db *db, const order_row *r, const ia_order *o, ia_err *e)
{
  ia_stmt *s;

  if (!ia_db_stmt(&s, db,
                  "INSERT INTO orders (hash, kind, asset, signer, price, rank, volume,"
                  " remaining, need, app_max, dataset_max, tag0, tag1, tag2, tag3, category, trust,"
                  " app, dataset, workerpool, requester, beneficiary, published, status, changed,"
                  " looked)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
                  " $17, $18, $19, $20, $21, $22, $23, 'open', 0,"
                  " (SELECT block FROM meta))",
                  e))
    return false;
  ia_bind_h256(s, 1, &r->hash);
  ia_bind_u64(s, 2, r->kind);
  ia_bind_addr(s, 3, &r->asset);
  ia_bind_addr(s, 4, &r->signer);
  ia_bind_u64(s, 5, r->price);
  /* the best offer first: what is asked rises, what is bid falls */
  ia_bind_i64(s, 6, r->kind == IA_ORDER_REQUEST ? -(int64_t)r->price : (int64_t)r->price);
  ia_bind_u64(s, 7, r->volume);
  ia_bind_u64(s, 8, r->remaining);
  ia_bind_u64(s, 9, r->need);
  ia_bind_u64(s, 10, r->app_max);
  ia_bind_u64(s, 11, r->dataset_max);
  for (size_t i = 0; i < 4; i++)
    ia_bind_i64(s, (int)(12 + i), ia_market_tag_part(&r->tag, i));
  ia_bind_u64(s, 16, r->category);
  ia_bind_u64(s, 17, r->trust);
  ia_bind_addr(s, 18, &r->app);
  ia_bind_addr(s, 19, &r->dataset);
  ia_bind_addr(s, 20, &r->workerpool);
  ia_bind_addr(s, 21, &r->requester);
  ia_bind_addr(s, 22, &r->beneficiary);
  ia_bind_u64(s, 23, ia_now_ms());
  return ia_stmt_run(s, e) && put_body(db, r, o, e);
}

bool ia_market_row_load(ia_db *db, order_row *r, const ia_h256 *hash, ia_err *e)
{
  IA_AUTOV(ia_order_box) box = {0};
  ia_stmt *s;
  ia_addr signer;
  bool row;

  if (!ia_db_stmt(&s, db, "SELECT kind, " BODY ", remaining, signer FROM orders WHERE hash = $1",
                  e))
    return false;
  ia_bind_h256(s, 1, hash);
  if (!ia_stmt_step(s, &row, e))
    return false;
  if (!row)
    return ia_fail(e, IA_E_NOT_FOUND, "order not found");
  ia_order_kind kind = (ia_order_kind)ia_col_u64(s, 0);
  uint64_t remaining = ia_col_u64(s, 2);
  bool ok = ia_col_addr(s, 3, &signer, e) &&
            ia_order_parse_text(&box, kind, ia_col_bytes(s, 1), e) &&
            ia_market_row_of(r, &box.order, e);
  ia_stmt_reset(s);
  if (!ok)
    return ia_fail(e, IA_E_CORRUPT, "a stored order cannot be read");
  r->hash = *hash;
  r->signer = signer;
  r->remaining = remaining;
  return true;
}

/* Whether a dataset order can be a part of a bulk: free, and as good as without a volume. 2^53 - 2
 * is what older packages wrote. */
static bool is_bulk(const json_t *order)
{
  const json_t *price = json_object_get(order, "datasetprice");
  uint64_t volume;

  return json_is_integer(price) && json_integer_value(price) == 0 &&
         ia_json_get_u64(order, "volume", &volume, NULL) && volume >= NUMBER_MAX - 1;
}

json_t *ia_market_item(const ia_market *m, ia_db *db, ia_stmt *s, ia_err *e)
{
  json_t *order = ia_json_parse(ia_col_bytes(s, 1), 0, e);
  ia_h256 hash;
  ia_addr signer;

  if (!order || !ia_col_h256(s, 0, &hash, e) || !ia_col_addr(s, 5, &signer, e)) {
    json_decref(order);
    return NULL;
  }
  bool is_dataset = json_object_get(order, "datasetprice") != NULL, bulk = is_bulk(order);
  json_t *v =
      json_pack("{s:s,s:o,s:I,s:I,s:s,s:s,s:s}", "orderHash", ia_h256_text(&hash).s, "order", order,
                "chainId", (json_int_t)m->chain_id, "remaining", (json_int_t)ia_col_i64(s, 2),
                "status", ia_col_text(s, 3), "publicationTimestamp",
                ia_rfc3339_ms(ia_col_u64(s, 4)).s, "signer", ia_addr_text(&signer).s);
  if (v && is_dataset && json_object_set_new(v, "bulk", json_boolean(bulk)) != 0) {
    json_decref(v);
    v = NULL;
  }
  if (!v)
    (void)ia_fail(e, IA_E_MEMORY, "no memory for an order");
  else if (!ia_market_show_unverifiable(db, v, e)) {
    json_decref(v);
    return NULL;
  }
  return v;
}

bool ia_market_stake_ok(const order_row *r, const ia_u256 *stake)
{
  ia_u256 need = ia_u256_of(r->need), units = ia_u256_of(r->remaining), total;

  return ia_u256_mul(&total, &need, &units) && ia_u256_cmp(stake, &total) >= 0;
}

/* The restriction `column` admits the address of parameter n; $4 is zero. */
#define ADMITS(column, n)                                                                          \
  " AND (" column " IN ($4, $" n ") OR " column " IN (SELECT grp FROM members WHERE account = $" n \
  "))"

/* The cheapest open order of that kind for this asset which the request could take, whatever it
 * costs. */
static bool best_of(ia_db *db, bool *has, uint64_t *price, ia_order_kind kind, const ia_addr *asset,
                    const order_row *r, ia_err *e)
{
  static const ia_addr none;
  ia_stmt *s;

  if (!ia_db_stmt(
          &s, db,
          "SELECT price FROM orders WHERE kind = $1 AND status = 'open' AND asset = $2" ADMITS(
              "app", "5") ADMITS("dataset", "6") ADMITS("workerpool", "7")
              ADMITS("requester", "8") " AND (tag3 & $3) = $3"
                                       " ORDER BY price LIMIT 1",
          e))
    return false;
  ia_bind_u64(s, 1, kind);
  ia_bind_addr(s, 2, asset);
  ia_bind_u64(s, 3, kind == IA_ORDER_APP ? ia_tag_low(&r->tag) & IA_TAG_TEE : 0);
  ia_bind_addr(s, 4, &none);
  ia_bind_addr(s, 5, &r->app);
  ia_bind_addr(s, 6, &r->dataset);
  ia_bind_addr(s, 7, &r->workerpool);
  ia_bind_addr(s, 8, &r->requester);
  if (!ia_stmt_step(s, has, e))
    return false;
  *price = *has ? ia_col_u64(s, 0) : 0;
  ia_stmt_reset(s);
  return true;
}

static bool offered(ia_db *db, bool *yes, ia_order_kind kind, const order_row *r, ia_err *why,
                    ia_err *e)
{
  bool app = kind == IA_ORDER_APP, has;
  const ia_addr *asset = app ? &r->app : &r->dataset;
  const char *what = app ? "app" : "dataset";
  uint64_t price;

  if (!best_of(db, &has, &price, kind, asset, r, e))
    return false;
  *yes = has && price <= (app ? r->app_max : r->dataset_max);
  if (!has && why)
    (void)ia_fail(why, IA_E_FORBIDDEN, "No %s%sorder published for %s %s",
                  app && (ia_tag_low(&r->tag) & IA_TAG_TEE) ? "tee enabled " : "", what, what,
                  ia_addr_text(asset).s);
  else if (!*yes && why)
    (void)ia_fail(why, IA_E_FORBIDDEN,
                  "%smaxprice for %s %s is too low, actual best price is %llu nRLC", what, what,
                  ia_addr_text(asset).s, (unsigned long long)price);
  return true;
}

bool ia_market_matchable(ia_db *db, bool *yes, const order_row *r, ia_err *why, ia_err *e)
{
  if (!offered(db, yes, IA_ORDER_APP, r, why, e))
    return false;
  if (!*yes || ia_addr_zero(&r->dataset))
    return true;
  return offered(db, yes, IA_ORDER_DATASET, r, why, e);
}
