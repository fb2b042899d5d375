/* Orders as transactions showed them: those of a match, and broadcast ones. */
#include "poco/orders.h"

#include "base/hex.h"
#include "service/graph/graph_int.h"

static bool put_app_order(graph_writer *w, const ia_app_order *o, const char *id, ia_err *e)
{
  return graph_know_asset(w, IA_ASSET_APP, &o->app, e) &&
         GRAPH_PUT(w, "app_order", id, e, GRAPH_TEXT("app", ia_addr_lower(&o->app).s),
                   GRAPH_TEXT("price", graph_big_of(&o->appprice).s),
                   GRAPH_TEXT("volume", graph_big_of(&o->volume).s),
                   GRAPH_HEX("tag", IA_SPAN_ARR(o->tag.b)),
                   GRAPH_HEX("salt", IA_SPAN_ARR(o->salt.b)), GRAPH_HEX("sign", o->sign),
                   GRAPH_TEXT("dataset_restrict", ia_addr_lower(&o->datasetrestrict).s),
                   GRAPH_TEXT("workerpool_restrict", ia_addr_lower(&o->workerpoolrestrict).s),
                   GRAPH_TEXT("requester_restrict", ia_addr_lower(&o->requesterrestrict).s));
}

bool graph_put_dataset_order(graph_writer *w, const ia_dataset_order *o, const char *id, ia_err *e)
{
  return graph_know_asset(w, IA_ASSET_DATASET, &o->dataset, e) &&
         GRAPH_PUT(w, "dataset_order", id, e, GRAPH_TEXT("dataset", ia_addr_lower(&o->dataset).s),
                   GRAPH_TEXT("price", graph_big_of(&o->datasetprice).s),
                   GRAPH_TEXT("volume", graph_big_of(&o->volume).s),
                   GRAPH_HEX("tag", IA_SPAN_ARR(o->tag.b)),
                   GRAPH_HEX("salt", IA_SPAN_ARR(o->salt.b)), GRAPH_HEX("sign", o->sign),
                   GRAPH_TEXT("app_restrict", ia_addr_lower(&o->apprestrict).s),
                   GRAPH_TEXT("workerpool_restrict", ia_addr_lower(&o->workerpoolrestrict).s),
                   GRAPH_TEXT("requester_restrict", ia_addr_lower(&o->requesterrestrict).s));
}

static bool put_pool_order(graph_writer *w, const ia_workerpool_order *o, const char *id, ia_err *e)
{
  return graph_know_asset(w, IA_ASSET_WORKERPOOL, &o->workerpool, e) &&
         GRAPH_PUT(w, "workerpool_order", id, e,
                   GRAPH_TEXT("workerpool", ia_addr_lower(&o->workerpool).s),
                   GRAPH_TEXT("price", graph_big_of(&o->workerpoolprice).s),
                   GRAPH_TEXT("volume", graph_big_of(&o->volume).s),
                   GRAPH_HEX("tag", IA_SPAN_ARR(o->tag.b)),
                   GRAPH_HEX("salt", IA_SPAN_ARR(o->salt.b)), GRAPH_HEX("sign", o->sign),
                   GRAPH_TEXT("category", ia_u256_dec(&o->category).s),
                   GRAPH_TEXT("trust", graph_big_of(&o->trust).s),
                   GRAPH_TEXT("app_restrict", ia_addr_lower(&o->apprestrict).s),
                   GRAPH_TEXT("dataset_restrict", ia_addr_lower(&o->datasetrestrict).s),
                   GRAPH_TEXT("requester_restrict", ia_addr_lower(&o->requesterrestrict).s));
}

static bool put_request_order(graph_writer *w, const ia_request_order *o, const char *id, ia_err *e)
{
  ia_autofree char *params = graph_text(o->params);

  return graph_know_account(w, &o->requester, e) && graph_know_account(w, &o->beneficiary, e) &&
         graph_know_account(w, &o->callback, e) &&
         GRAPH_PUT(w, "request_order", id, e, GRAPH_TEXT("app", ia_addr_lower(&o->app).s),
                   GRAPH_TEXT("app_price", graph_big_of(&o->appmaxprice).s),
                   GRAPH_TEXT("dataset", ia_addr_lower(&o->dataset).s),
                   GRAPH_TEXT("dataset_price", graph_big_of(&o->datasetmaxprice).s),
                   GRAPH_TEXT("workerpool", ia_addr_lower(&o->workerpool).s),
                   GRAPH_TEXT("workerpool_price", graph_big_of(&o->workerpoolmaxprice).s),
                   GRAPH_TEXT("requester", ia_addr_lower(&o->requester).s),
                   GRAPH_TEXT("beneficiary", ia_addr_lower(&o->beneficiary).s),
                   GRAPH_TEXT("callback", ia_addr_lower(&o->callback).s),
                   GRAPH_TEXT("params", params), GRAPH_TEXT("volume", graph_big_of(&o->volume).s),
                   GRAPH_TEXT("category", ia_u256_dec(&o->category).s),
                   GRAPH_TEXT("trust", graph_big_of(&o->trust).s),
                   GRAPH_HEX("tag", IA_SPAN_ARR(o->tag.b)),
                   GRAPH_HEX("salt", IA_SPAN_ARR(o->salt.b)), GRAPH_HEX("sign", o->sign));
}

bool graph_put_order(graph_writer *w, ia_order_kind kind, const void *order, const ia_h256 *hash,
                     ia_err *e)
{
  ia_text67 id = ia_h256_text(hash);

  switch (kind) {
  case IA_ORDER_APP: return put_app_order(w, order, id.s, e);
  case IA_ORDER_DATASET: return graph_put_dataset_order(w, order, id.s, e);
  case IA_ORDER_WORKERPOOL: return put_pool_order(w, order, id.s, e);
  case IA_ORDER_REQUEST:
  case IA_ORDER_KINDS: break;
  }
  return put_request_order(w, order, id.s, e);
}

bool graph_on_broadcast(graph_writer *w, const ia_event *ev, ia_err *e)
{
  ia_h256 hash;

  ia_order_hash(&hash, &w->g->separator, ev->order.kind, &ev->order.app);
  return graph_put_order(w, ev->order.kind, &ev->order.app, &hash, e);
}
