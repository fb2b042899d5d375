/* Finding the orders of a run, and matching them. */
#include "client/run_orders.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/random.h"
#include "client/grant.h"
#include "eth/address.h"
#include "poco/ids.h"
#include "poco/tag.h"

enum { CANDIDATES = 20, QUERY_CAP = 512 };

void ia_run_orders_free(ia_run_orders *r)
{
  if (!r)
    return;
  for (int k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_box_free(&r->box[k]);
  *r = (ia_run_orders){0};
}

static void take(ia_run_orders *r, ia_offer *o)
{
  ia_order_kind kind = o->box.order.kind;

  r->box[kind] = o->box;
  r->hash[kind] = o->hash;
  r->has[kind] = true;
  o->box = (ia_order_box){0};
}

static bool is_skipped(const ia_run_want *want, const ia_h256 *order)
{
  for (size_t i = 0; i < want->n_skip; i++)
    if (ia_h256_eq(&want->skip[i], order))
      return true;
  return false;
}

/* The first offer, which is the cheapest, with enough left; false without an error: none. */
static bool first(const ia_net *net, ia_run_orders *r, ia_order_kind kind, const char *query,
                  const ia_run_want *want, bool *found, ia_err *e)
{
  IA_AUTOV(ia_offers) offers = {0};

  *found = false;
  if (!ia_to_market_list(net, &offers, kind, query, CANDIDATES, e))
    return false;
  for (size_t i = 0; i < offers.n && !*found; i++) {
    if (offers.list[i].remaining < want->tasks || is_skipped(want, &offers.list[i].hash))
      continue;
    take(r, &offers.list[i]);
    *found = true;
  }
  return true;
}

static const char *restrict_to(const ia_addr *a, ia_text43 *text)
{
  if (ia_addr_zero(a))
    return "any";
  *text = ia_addr_text(a);
  return text->s;
}

static bool too_long(int n, ia_err *e)
{
  return n < 0 || n >= QUERY_CAP ? !ia_fail(e, IA_E_INTERNAL, "query of the market") : false;
}

/* -- the dataset's order -- */

/* Deals of this requester, app and data that the market knows. */
static uint64_t past_deals(const ia_net *net, const ia_run_want *want)
{
  IA_AUTOV(ia_buf) url = {0};
  IA_AUTO_JSON *answer = NULL;
  uint64_t n = 0;

  if (!ia_net_url(&url, net->market, "market", NULL,
                  "/deals?chainId=%" PRIu64 "&dataset=%s&app=%s&requester=%s", net->chain_id,
                  ia_addr_text(&want->dataset).s, ia_addr_text(&want->app).s,
                  ia_addr_text(&want->requester).s) ||
      !ia_http_json(net->http, &answer, "GET", (const char *)url.ptr, NULL, NULL) ||
      !ia_json_get_u64(answer, "count", &n, NULL))
    return 0; /* only a word of help hangs on it */
  return n;
}

/* Nobody grants this run: what is granted instead, as far as it helps. */
static bool no_grant(const ia_net *net, const ia_run_want *want, ia_err *e)
{
  IA_AUTOV(ia_offers) others = {0};
  char query[QUERY_CAP];

  int n = snprintf(query, sizeof(query), "dataset=%s&app=any&workerpool=any&requester=any",
                   ia_addr_text(&want->dataset).s);
  if (too_long(n, e) || !ia_to_market_list(net, &others, IA_ORDER_DATASET, query, CANDIDATES, e))
    return false;
  ia_fail(e, IA_E_GRANT_MISSING,
          "No matching ProtectedData access found: %s grants this app and user nothing",
          ia_addr_text(&want->dataset).s);
  uint64_t past = past_deals(net, want);
  if (past > 0)
    ia_fail(
        e, IA_E_GRANT_MISSING,
        "No matching ProtectedData access found: used up, or taken back; deals so far: %" PRIu64,
        past);
  for (size_t i = 0; i < others.n; i++) {
    const ia_dataset_order *o = &others.list[i].box.order.dataset;

    if (!ia_addr_eq(&o->apprestrict, &want->app) && !ia_addr_zero(&o->apprestrict))
      continue;
    if (ia_addr_zero(&o->requesterrestrict) || ia_addr_eq(&o->requesterrestrict, &want->requester))
      ia_fail(e, IA_E_GRANT_MISSING,
              "the grant has %" PRIu64 " runs left, %" PRIu64 " are asked for",
              others.list[i].remaining, want->tasks);
    else
      ia_fail(
          e, IA_E_GRANT_MISSING,
          "No matching ProtectedData access found: the grant's requesterrestrict admits %s alone",
          ia_addr_text(&o->requesterrestrict).s);
    break;
  }
  return ia_hint(e, "its owner: iapp grant %s %s %s", ia_addr_text(&want->dataset).s,
                 ia_addr_text(&want->app).s, ia_addr_text(&want->requester).s);
}

static bool pick_dataset(const ia_net *net, ia_run_orders *r, const ia_run_want *want, ia_err *e)
{
  char query[QUERY_CAP];
  ia_text43 pool;
  bool found;

  if (ia_addr_zero(&want->dataset) || r->has[IA_ORDER_DATASET])
    return true;
  int n = snprintf(query, sizeof(query), "dataset=%s&app=%s&workerpool=%s&requester=%s",
                   ia_addr_text(&want->dataset).s, ia_addr_text(&want->app).s,
                   restrict_to(&want->workerpool, &pool), ia_addr_text(&want->requester).s);
  return !too_long(n, e) && first(net, r, IA_ORDER_DATASET, query, want, &found, e) &&
         (found || no_grant(net, want, e));
}

/* -- the app's order -- */
static bool pick_app(const ia_net *net, ia_run_orders *r, const ia_run_want *want, ia_err *e)
{
  char query[QUERY_CAP];
  ia_text43 data, pool;
  bool found;

  if (r->has[IA_ORDER_APP])
    return true;
  /* without a dataset an order that demands one does not fit: the filter is left out then */
  bool with = !ia_addr_zero(&want->dataset);
  int n = snprintf(query, sizeof(query), "app=%s%s%s&workerpool=%s&requester=%s",
                   ia_addr_text(&want->app).s, with ? "&dataset=" : "",
                   with ? restrict_to(&want->dataset, &data) : "",
                   restrict_to(&want->workerpool, &pool), ia_addr_text(&want->requester).s);
  if (too_long(n, e) || !first(net, r, IA_ORDER_APP, query, want, &found, e))
    return false;
  if (found)
    return true;
  ia_fail(e, IA_E_GRANT_MISSING, "no order lets %s run the app %s",
          ia_addr_text(&want->requester).s, ia_addr_text(&want->app).s);
  return ia_hint(e, "the app's owner: iapp publish %s", ia_addr_text(&want->app).s);
}

/* -- the pool's order -- */

/* Where the other orders allow one pool alone. */
static const ia_addr *bound_pool(const ia_run_orders *r, const ia_run_want *want)
{
  if (!ia_addr_zero(&want->workerpool))
    return &want->workerpool;
  if (!ia_addr_zero(&r->box[IA_ORDER_APP].order.app.workerpoolrestrict))
    return &r->box[IA_ORDER_APP].order.app.workerpoolrestrict;
  if (r->has[IA_ORDER_DATASET])
    return &r->box[IA_ORDER_DATASET].order.dataset.workerpoolrestrict;
  return &want->workerpool;
}

/* No pool's order has so many tasks left: how many the largest has, as far as it helps. */
static bool no_pool(const ia_net *net, const char *query, const ia_run_want *want,
                    const char *category, ia_err *e)
{
  IA_AUTOV(ia_offers) offers = {0};
  uint64_t most = 0;

  ia_fail(e, IA_E_NO_RESOURCES,
          "No workerpool order found, Wait until some workerpool order come back (tag tee,tdx%s)",
          category);
  if (want->tasks > 1 &&
      ia_to_market_list(net, &offers, IA_ORDER_WORKERPOOL, query, CANDIDATES, NULL))
    for (size_t i = 0; i < offers.n; i++)
      most = offers.list[i].remaining > most ? offers.list[i].remaining : most;
  if (most == 0)
    return ia_hint(
        e, "iapp orders --pool POOL; another --category; a pool's scheduler renews its own");
  ia_fail(e, IA_E_NO_RESOURCES,
          "No workerpool order takes %" PRIu64 " tasks in one deal: the largest has %" PRIu64
          " left; nothing was paid",
          want->tasks, most);
  return ia_hint(e,
                 "run at most %" PRIu64 " tasks at a time; the pool's operator can raise"
                 " --deal-tasks",
                 most);
}

static bool pick_pool(const ia_net *net, ia_run_orders *r, const ia_run_want *want, ia_err *e)
{
  const ia_addr *pool = bound_pool(r, want);
  ia_h256 tag = ia_tag_of(IA_ORDER_TAG);
  char query[QUERY_CAP], with_volume[QUERY_CAP], category[40] = "", data[64] = "";
  ia_text43 at;
  bool found;

  if (want->category >= 0)
    (void)snprintf(category, sizeof(category), "&category=%" PRId64, want->category);
  if (!ia_addr_zero(&want->dataset))
    (void)snprintf(data, sizeof(data), "&dataset=%s", ia_addr_text(&want->dataset).s);
  int n = snprintf(query, sizeof(query), "workerpool=%s&app=%s&requester=%s%s%s&minTag=%s",
                   restrict_to(pool, &at), ia_addr_text(&want->app).s,
                   ia_addr_text(&want->requester).s, data, category, ia_h256_text(&tag).s);
  int all = snprintf(with_volume, sizeof(with_volume), "%s&minVolume=%" PRIu64, query, want->tasks);
  if (too_long(n, e) || too_long(all, e) ||
      !first(net, r, IA_ORDER_WORKERPOOL, with_volume, want, &found, e))
    return false;
  return found || no_pool(net, query, want, category, e);
}

bool ia_run_pick(const ia_net *net, ia_run_orders *r, const ia_run_want *want, ia_err *e)
{
  return pick_dataset(net, r, want, e) && pick_app(net, r, want, e) && pick_pool(net, r, want, e);
}

/* -- the request -- */
static bool price_of(const ia_u256 *price, uint64_t *sum, ia_err *e)
{
  uint64_t one;

  return (ia_u256_u64(&one, price) && !__builtin_add_overflow(*sum, one, sum)) ||
         ia_fail(e, IA_E_TOO_LARGE, "an order's price is beyond all money");
}

bool ia_run_price(uint64_t *out, const ia_run_orders *r, ia_err *e)
{
  *out = 0;
  return price_of(&r->box[IA_ORDER_APP].order.app.appprice, out, e) &&
         price_of(&r->box[IA_ORDER_WORKERPOOL].order.workerpool.workerpoolprice, out, e) &&
         (!r->has[IA_ORDER_DATASET] ||
          price_of(&r->box[IA_ORDER_DATASET].order.dataset.datasetprice, out, e));
}

bool ia_run_request(const ia_net *net, const ia_wallet *w, ia_run_orders *r,
                    const ia_run_want *want, ia_err *e)
{
  const ia_workerpool_order *pool = &r->box[IA_ORDER_WORKERPOOL].order.workerpool;
  ia_order_box *box = &r->box[IA_ORDER_REQUEST];
  ia_request_order o = {
      .app = want->app,
      .appmaxprice = r->box[IA_ORDER_APP].order.app.appprice,
      .dataset = want->dataset,
      .workerpool = pool->workerpool,
      .workerpoolmaxprice = pool->workerpoolprice,
      .requester = want->requester,
      .volume = ia_u256_of(want->tasks),
      .tag = ia_tag_of(IA_ORDER_TAG),
      .category = pool->category,
      .beneficiary = ia_addr_zero(&want->beneficiary) ? want->requester : want->beneficiary,
      .callback = want->callback,
      .params = ia_span_str(want->params),
  };
  ia_h256 separator;

  if (r->has[IA_ORDER_DATASET])
    o.datasetmaxprice = r->box[IA_ORDER_DATASET].order.dataset.datasetprice;
  ia_order_box_free(box);
  *box = (ia_order_box){0};
  ia_order_separator(&separator, net->chain_id, &net->hub);
  if (!ia_random(o.salt.b, sizeof(o.salt.b), e) || !ia_order_copy(box, IA_ORDER_REQUEST, &o, e) ||
      !ia_order_sign(box, w->secp, &separator, &w->key, e))
    return false;
  ia_order_hash(&r->hash[IA_ORDER_REQUEST], &separator, IA_ORDER_REQUEST, &box->order.request);
  return r->has[IA_ORDER_REQUEST] = true;
}

json_t *ia_run_orders_json(const ia_run_orders *r, ia_err *e)
{
  static const char *const names[IA_ORDER_KINDS] = {[IA_ORDER_APP] = "app",
                                                    [IA_ORDER_DATASET] = "dataset",
                                                    [IA_ORDER_WORKERPOOL] = "workerpool",
                                                    [IA_ORDER_REQUEST] = "request"};
  IA_AUTO_JSON *out = json_object();

  for (int k = 0; k < IA_ORDER_KINDS; k++) {
    json_t *one = r->has[k]
                      ? ia_order_json((ia_order_kind)k, &r->box[k].order.app, IA_ORDER_DECIMAL, e)
                      : json_null();

    if (!one || !ia_json_set(out, names[k], one, e))
      return NULL;
  }
  return json_incref(out);
}

bool ia_run_match(ia_net *net, const ia_wallet *w, const ia_run_orders *r, ia_run_deal *out,
                  ia_err *e)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_match m = {.app = r->box[IA_ORDER_APP].order.app,
                .workerpool = r->box[IA_ORDER_WORKERPOOL].order.workerpool,
                .request = r->box[IA_ORDER_REQUEST].order.request};
  ia_event ev = {0};
  ia_chain *chain;
  ia_buf store = {0};
  ia_deal deal;

  if (r->has[IA_ORDER_DATASET])
    m.dataset = r->box[IA_ORDER_DATASET].order.dataset;
  if (!ia_net_chain(net, &chain, e) ||
      !ia_net_call(net, w, NULL, IA_CALL_MATCH_ORDERS, &m, &sent, e))
    return false;
  const ia_chain_log *log =
      ia_chain_find_log(&sent.receipt.logs, IA_EV_ORDERS_MATCHED, ia_chain_hub(chain));
  if (!log || !ia_event_decode(&ev, IA_EV_ORDERS_MATCHED, &log->entry, e))
    return ia_fail(e, IA_E_INVALID, "the ledger reported no deal");
  *out = (ia_run_deal){.id = ev.id[0], .tx = sent.receipt.tx};
  bool ok =
      ia_chain_deal(chain, &deal, &store, &out->id, e) &&
      ((ia_u256_u64(&out->first, &deal.bot_first) && ia_u256_u64(&out->tasks, &deal.bot_size)) ||
       ia_fail(e, IA_E_TOO_LARGE, "the deal's tasks cannot be counted"));
  ia_buf_free(&store);
  return ok;
}
