/* What a deal's tasks read, and the orders and assets that its receipts show. */
#include "base/hex.h"
#include "client/to_market.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "poco/params.h"
#include "service/scheduler/internal.h"
#include "tee/descriptor.h"

bool sch_inputs(sch_deal *d, json_t **out, ia_err *e)
{
  const ia_task_input one = {d->deal.dataset.pointer, d->dataset.checksum, d->dataset_hash};
  IA_AUTOV(ia_params) params = {0};
  ia_h256 h;

  if (!ia_params_parse(&params, d->deal.params, e))
    return false;
  d->pending = params.bulk_cid[0] != '\0';
  if (d->pending)
    return true;
  if (!ia_inputs_hash(&h, &one, ia_addr_zero(&one.dataset) ? 0 : 1, e))
    return false;
  *out = ia_json_h256(&h);
  return *out || ia_fail(e, IA_E_MEMORY, "scheduler: out of memory");
}

/* -- orders -- */

static json_t *match_json(const ia_match *m, ia_err *e)
{
  bool none = ia_addr_zero(&m->dataset.dataset);
  json_t *app = ia_order_json(IA_ORDER_APP, &m->app, 0, e);
  json_t *dataset = none ? json_null() : ia_order_json(IA_ORDER_DATASET, &m->dataset, 0, e);
  json_t *pool = ia_order_json(IA_ORDER_WORKERPOOL, &m->workerpool, 0, e);
  json_t *request = ia_order_json(IA_ORDER_REQUEST, &m->request, 0, e);

  return json_pack("{s:o, s:o, s:o, s:o}", "app", app, "dataset", dataset, "workerpool", pool,
                   "request", request);
}

/* Wrapped calls hide the orders: the market has them by hash. */
static bool from_market(ia_scheduler *s, const ia_event *matched, json_t **out, ia_err *e)
{
  const ia_h256 hash[IA_ORDER_KINDS] = {matched->id[1], matched->id[2], matched->more[0],
                                        matched->more[1]};
  static const char *const names[IA_ORDER_KINDS] = {"app", "dataset", "workerpool", "request"};
  IA_AUTO_JSON *all = json_object();
  IA_AUTO(ia_http) *http = NULL;
  ia_net net = {.market = s->market, .chain_id = s->chain_id, .hub = s->hub};

  if (!ia_http_new(&http, NULL, e))
    return false;
  net.http = http;
  for (int i = 0; i < IA_ORDER_KINDS; i++) {
    ia_offer offer = {0};
    json_t *v;

    if (ia_h256_zero(&hash[i])) {
      json_object_set_new(all, names[i], json_null());
      continue;
    }
    if (!ia_to_market_fetch(&net, &offer, (ia_order_kind)i, &hash[i], e))
      return false;
    v = ia_order_json((ia_order_kind)i, &offer.box.order.app, 0, e);
    ia_order_box_free(&offer.box);
    if (!ia_json_set(all, names[i], v, e))
      return false;
  }
  *out = json_incref(all);
  return true;
}

bool sch_orders(ia_scheduler *s, ia_chain *c, const ia_event *matched, const ia_h256 *tx,
                json_t **out, ia_err *e)
{
  IA_AUTOV(ia_chain_tx) t = {0};
  ia_match m;

  if (!ia_chain_tx_get(c, &t, tx, e))
    return false;
  if (!ia_match_of_calldata(&m, ia_buf_view(&t.input), NULL))
    return from_market(s, matched, out, e);
  *out = match_json(&m, e);
  return *out != NULL;
}

/* -- assets -- */

/* Who made the entry: the owner of today when the address says so, else the registry's first
 * transfer. */
static bool first_owner(ia_chain *c, ia_addr *out, const ia_addr *registry, const ia_addr *asset,
                        ia_err *e)
{
  static const ia_event_id transfer = IA_EV_NFT_TRANSFER;
  IA_AUTOV(ia_chain_logs) logs = {0};
  ia_h256 token = {{0}}, zero = {{0}};
  ia_chain_filter f = {.addresses = registry,
                       .n_addresses = 1,
                       .events = &transfer,
                       .n_events = 1,
                       .topics = {&zero, NULL, &token}};
  ia_block head;
  ia_event ev;

  memcpy(token.b + 12, asset->b, 20);
  if (!ia_chain_head(c, &head, e))
    return false;
  f.to = head.number;
  if (!ia_chain_logs_get(c, &logs, &f, e))
    return false;
  if (logs.n == 0 || !ia_event_decode(&ev, transfer, &logs.v[0].entry, e))
    return ia_fail(e, IA_E_NOT_FOUND, "no first owner of an asset");
  *out = ev.addr[1];
  return true;
}

static json_t *app_json(ia_chain *c, const ia_chain_info *info, const sch_deal *d, ia_err *e)
{
  ia_app_info app = d->app;
  ia_addr made;

  ia_app_address(&made, &info->registry[IA_ASSET_APP], &info->proxy_code_hash, &app);
  if (!ia_addr_eq(&made, &d->deal.app.pointer) &&
      !first_owner(c, &app.owner, &info->registry[IA_ASSET_APP], &d->deal.app.pointer, e))
    return NULL;
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "owner", ia_json_addr(&app.owner), "name",
                   ia_json_foreign(app.name), "type", ia_json_foreign(app.type), "multiaddr",
                   ia_json_hex(app.multiaddr), "checksum", ia_json_h256(&app.checksum), "mrenclave",
                   ia_json_hex(app.mrenclave));
}

json_t *sch_dataset_json(ia_chain *c, const ia_chain_info *info, const ia_addr *at,
                         const ia_dataset_info *shown, ia_err *e)
{
  ia_dataset_info data = *shown;
  ia_addr made;

  ia_dataset_address(&made, &info->registry[IA_ASSET_DATASET], &info->proxy_code_hash, &data);
  if (!ia_addr_eq(&made, at) &&
      !first_owner(c, &data.owner, &info->registry[IA_ASSET_DATASET], at, e))
    return NULL;
  return json_pack("{s:o, s:o, s:o, s:o, s:o}", "address", ia_json_addr(at), "owner",
                   ia_json_addr(&data.owner), "name", ia_json_foreign(data.name), "multiaddr",
                   ia_json_hex(data.multiaddr), "checksum", ia_json_h256(&data.checksum));
}

bool sch_assets(ia_chain *c, const sch_deal *d, json_t **out, ia_err *e)
{
  IA_AUTO_JSON *datasets = json_array();
  ia_chain_info info;
  json_t *app, *data;

  if (!ia_chain_info_get(c, &info, e))
    return false;
  if (!ia_addr_zero(&d->deal.dataset.pointer)) {
    data = sch_dataset_json(c, &info, &d->deal.dataset.pointer, &d->dataset, e);
    if (!data || json_array_append_new(datasets, data) != 0)
      return false;
  }
  app = app_json(c, &info, d, e);
  if (!app)
    return false;
  *out = json_pack("{s:o, s:O}", "app", app, "datasets", datasets);
  return *out || ia_fail(e, IA_E_MEMORY, "scheduler: out of memory");
}

bool sch_pool_asset(ia_scheduler *s, ia_chain *c, sch_deal *d, ia_err *e)
{
  const ia_addr *owner = &s->wallet->address, *at = &d->deal.workerpool.pointer;
  ia_chain_info info;
  ia_addr made;

  if (!ia_chain_info_get(c, &info, e))
    return false;
  ia_workerpool_address(&made, &info.registry[IA_ASSET_WORKERPOOL], &info.proxy_code_hash, owner,
                        d->pool.description);
  if (!ia_addr_eq(&made, at))
    return true;
  if (!d->assets)
    d->assets = json_object();
  return ia_json_set(d->assets, "workerpool",
                     json_pack("{s:o, s:o, s:o}", "address", ia_json_addr(at), "owner",
                               ia_json_addr(owner), "description",
                               ia_json_hex(d->pool.description)),
                     e);
}
