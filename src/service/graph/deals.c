/* Deals and categories. */
#include <string.h>

#include "base/hex.h"
#include "poco/orders.h"
#include "service/graph/graph_int.h"

static bool put_accounts(graph_writer *w, const ia_deal *d, ia_err *e)
{
  const ia_addr *const who[] = {&d->app.owner, &d->dataset.owner, &d->workerpool.owner,
                                &d->requester, &d->beneficiary,   &d->callback,
                                &d->sponsor};

  for (size_t i = 0; i < IA_COUNT(who); i++)
    if (!graph_know_account(w, who[i], e))
      return false;
  return graph_know_asset(w, IA_ASSET_APP, &d->app.pointer, e) &&
         graph_know_asset(w, IA_ASSET_DATASET, &d->dataset.pointer, e) &&
         graph_know_asset(w, IA_ASSET_WORKERPOOL, &d->workerpool.pointer, e);
}

static bool put_parties(graph_writer *w, const char *id, const ia_deal *d, ia_err *e)
{
  return GRAPH_PUT(w, "deal", id, e, GRAPH_TEXT("app", ia_addr_lower(&d->app.pointer).s),
                   GRAPH_TEXT("app_owner", ia_addr_lower(&d->app.owner).s),
                   GRAPH_TEXT("app_price", graph_big_of(&d->app.price).s),
                   GRAPH_TEXT("dataset", ia_addr_lower(&d->dataset.pointer).s),
                   GRAPH_TEXT("dataset_owner", ia_addr_lower(&d->dataset.owner).s),
                   GRAPH_TEXT("dataset_price", graph_big_of(&d->dataset.price).s),
                   GRAPH_TEXT("workerpool", ia_addr_lower(&d->workerpool.pointer).s),
                   GRAPH_TEXT("workerpool_owner", ia_addr_lower(&d->workerpool.owner).s),
                   GRAPH_TEXT("workerpool_price", graph_big_of(&d->workerpool.price).s),
                   GRAPH_TEXT("requester", ia_addr_lower(&d->requester).s),
                   GRAPH_TEXT("beneficiary", ia_addr_lower(&d->beneficiary).s),
                   GRAPH_TEXT("callback", ia_addr_lower(&d->callback).s),
                   GRAPH_TEXT("sponsor", ia_addr_lower(&d->sponsor).s));
}

static bool put_terms(graph_writer *w, const char *id, const ia_deal *d, const ia_event *ev,
                      ia_err *e)
{
  ia_autofree char *params = graph_text(d->params);

  return GRAPH_PUT(
      w, "deal", id, e, GRAPH_TEXT("trust", graph_big_of(&d->trust).s),
      GRAPH_TEXT("category", ia_u256_dec(&d->category).s), GRAPH_HEX("tag", IA_SPAN_ARR(d->tag.b)),
      GRAPH_TEXT("params", params), GRAPH_TIME("start_time", d->start_time),
      GRAPH_TEXT("bot_first", graph_big_of(&d->bot_first).s),
      GRAPH_TEXT("bot_size", graph_big_of(&d->bot_size).s),
      GRAPH_TEXT("worker_stake", graph_big_of(&d->worker_stake).s),
      GRAPH_TEXT("reward_ratio", graph_big_of(&d->scheduler_reward_ratio).s),
      GRAPH_TIME("timestamp", w->timestamp), GRAPH_HEX("apporder", IA_SPAN_ARR(ev->id[1].b)),
      GRAPH_HEX("datasetorder", IA_SPAN_ARR(ev->id[2].b)),
      GRAPH_HEX("workerpoolorder", IA_SPAN_ARR(ev->more[0].b)),
      GRAPH_HEX("requestorder", IA_SPAN_ARR(ev->more[1].b)));
}

/* What the deal itself says of its orders; the transaction of a match that another contract made
 * does not show them. */
static bool orders_of_deal(graph_writer *w, const ia_deal *d, const ia_event *ev, ia_err *e)
{
  return GRAPH_PUT(w, "app_order", ia_h256_text(&ev->id[1]).s, e,
                   GRAPH_TEXT("app", ia_addr_lower(&d->app.pointer).s),
                   GRAPH_TEXT("price", graph_big_of(&d->app.price).s)) &&
         (ia_addr_zero(&d->dataset.pointer) ||
          GRAPH_PUT(w, "dataset_order", ia_h256_text(&ev->id[2]).s, e,
                    GRAPH_TEXT("dataset", ia_addr_lower(&d->dataset.pointer).s),
                    GRAPH_TEXT("price", graph_big_of(&d->dataset.price).s))) &&
         GRAPH_PUT(w, "workerpool_order", ia_h256_text(&ev->more[0]).s, e,
                   GRAPH_TEXT("workerpool", ia_addr_lower(&d->workerpool.pointer).s),
                   GRAPH_TEXT("price", graph_big_of(&d->workerpool.price).s)) &&
         GRAPH_PUT(w, "request_order", ia_h256_text(&ev->more[1]).s, e,
                   GRAPH_TEXT("requester", ia_addr_lower(&d->requester).s));
}

/* The orders in the call data, where they are those of the event. */
static bool orders_of_call(graph_writer *w, const ia_event *ev, ia_err *e)
{
  const ia_h256 *const hashes[] = {&ev->id[1], &ev->id[2], &ev->more[0], &ev->more[1]};
  ia_match m;

  if (!ia_match_of_calldata(&m, ia_buf_view(&w->call->input), NULL))
    return true;
  const void *const orders[] = {&m.app, &m.dataset, &m.workerpool, &m.request};
  for (size_t k = 0; k < IA_ORDER_KINDS; k++) {
    ia_h256 hash;

    ia_order_hash(&hash, &w->g->separator, (ia_order_kind)k, orders[k]);
    if (!ia_h256_eq(&hash, hashes[k]) ||
        (k == IA_ORDER_DATASET && ia_addr_zero(&m.dataset.dataset)))
      continue;
    if (!graph_put_order(w, (ia_order_kind)k, orders[k], &hash, e))
      return false;
  }
  return true;
}

bool graph_on_match(graph_writer *w, const ia_event *ev, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_text67 id = ia_h256_text(&ev->id[0]);
  ia_deal d;

  return ia_chain_deal(w->chain, &d, &store, &ev->id[0], e) && put_accounts(w, &d, e) &&
         put_parties(w, id.s, &d, e) && put_terms(w, id.s, &d, ev, e) &&
         orders_of_deal(w, &d, ev, e) && graph_put_tx(w, e) && orders_of_call(w, ev, e) &&
         graph_bulk_note(w, &ev->id[0], &d, e) &&
         GRAPH_EVENT(w, "OrdersMatched", e, GRAPH_TEXT("deal", id.s));
}

bool graph_on_notice(graph_writer *w, const ia_event *ev, ia_err *e)
{
  return GRAPH_EVENT(w, "SchedulerNotice", e,
                     GRAPH_TEXT("workerpool", ia_addr_lower(&ev->addr[0]).s),
                     GRAPH_HEX("deal", IA_SPAN_ARR(ev->id[0].b)));
}

bool graph_on_category(graph_writer *w, const ia_event *ev, ia_err *e)
{
  ia_text80 id = ia_u256_dec(&ev->value[0]);
  ia_autofree char *name = graph_text(ev->bytes[0]), *text = graph_text(ev->bytes[1]);
  uint64_t seconds;

  if (!ia_u256_u64(&seconds, &ev->value[1]))
    seconds = INT64_MAX;
  return graph_forget(w->s, "category", id.s, e) &&
         GRAPH_PUT(w, "category", id.s, e, GRAPH_TEXT("name", name),
                   GRAPH_TEXT("description", text), GRAPH_TIME("time_ref", seconds),
                   GRAPH_TIME("timestamp", w->timestamp));
}
