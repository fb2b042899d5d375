/* iapp orders, publish, cancel: orders on the market. */
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "cli/net.h"
#include "cli/parse.h"
#include "cli/wallet.h"
#include "client/grant.h"
#include "eth/address.h"

enum { LIST_MAX = 10000 };

static bool show(ia_cli *c, json_t *all, const ia_offer *o, ia_err *e)
{
  ia_order_kind kind = o->box.order.kind;
  json_t *order = ia_order_json(kind, &o->box.order.app, 0, e);
  json_t *row = json_object();

  if (!order || !ia_json_set(row, "kind", json_string(ia_order_kind_name(kind)), e) ||
      !ia_json_set(row, "orderHash", json_string(ia_h256_text(&o->hash).s), e) ||
      !ia_json_set(row, "order", order, e) ||
      !ia_json_set(row, "remaining", json_integer((json_int_t)o->remaining), e) ||
      !ia_json_set(row, "signer", json_string(ia_addr_text(&o->signer).s), e) ||
      json_array_append_new(all, row) != 0)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  ia_cli_out(c, "%-15s %s  of %s  %" PRIu64 " left  signed by %s", ia_order_kind_name(kind),
             ia_h256_text(&o->hash).s, ia_addr_text(ia_order_signer_of(kind, &o->box.order.app)).s,
             o->remaining, ia_addr_text(&o->signer).s);
  return true;
}

static bool list(ia_cli *c, const ia_net *net, json_t *all, ia_order_kind kind, const char *query,
                 ia_err *e)
{
  IA_AUTOV(ia_offers) offers = {0};

  if (!ia_to_market_list(net, &offers, kind, query, LIST_MAX, e))
    return false;
  for (size_t i = 0; i < offers.n; i++)
    if (!show(c, all, &offers.list[i], e))
      return false;
  return true;
}

/* Which option names which collection; without any, the orders of this wallet. */
static const struct by {
  const char *option;
  ia_order_kind kind;
  const char *filter, *owner, *rest;
} by[] = {
    {"app", IA_ORDER_APP, "app", "appOwner", "dataset=any&workerpool=any&requester=any"},
    {"data", IA_ORDER_DATASET, "dataset", "datasetOwner", "app=any&workerpool=any&requester=any"},
    {"pool", IA_ORDER_WORKERPOOL, "workerpool", "workerpoolOwner",
     "app=any&dataset=any&requester=any"},
    {"requester", IA_ORDER_REQUEST, "requester", "requester", "app=any&dataset=any&workerpool=any"},
};

static bool orders(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO_JSON *all = json_array();
  ia_wallet_file me;
  bool named = false;
  char query[256];
  ia_addr a;

  for (unsigned i = 0; i < IA_COUNT(by); i++)
    named |= ia_cli_flag(c, by[i].option);
  if (!ia_cli_net(c, &net, e) || (!named && !ia_cli_wallet_file(c, &me, e)))
    return false;
  for (unsigned i = 0; i < IA_COUNT(by); i++) {
    if (named && !ia_cli_flag(c, by[i].option))
      continue;
    a = me.address;
    if (named && !ia_cli_addr(&a, ia_cli_opt(c, by[i].option), by[i].option, e))
      return false;
    if (snprintf(query, sizeof(query), "%s=%s&%s", named ? by[i].filter : by[i].owner,
                 ia_addr_text(&a).s, by[i].rest) < 0 ||
        !list(c, &net, all, by[i].kind, query, e))
      return false;
  }
  if (json_array_size(all) == 0)
    ia_cli_say(c, "no open order");
  return ia_cli_json(c, json_pack("{s:O}", "orders", all), e);
}

static const ia_option orders_options[] = {
    {"app", "APP", false, "orders of this app", "orders --app 0xApp"},
    {"data", "DATA", false, "orders of this dataset", "orders --data 0xData"},
    {"pool", "POOL", false, "orders of this workerpool", "orders --pool 0xPool"},
    {"requester", "USER", false, "request orders of this user", "orders --requester 0xUser"},
    {0},
};

const ia_verb ia_verb_orders = {
    .name = "orders",
    .args = "",
    .brief = "open orders: yours, or those of an app, dataset, pool or user",
    .example = "orders --app 0xApp",
    .options = orders_options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = orders,
};

static bool publish(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_wallet) *w = NULL;
  IA_AUTOV(ia_order_box) box = {0};
  const char *price = ia_cli_opt(c, "price");
  ia_app_terms t = {0};
  ia_chain *chain;
  ia_addr owner;
  ia_h256 hash;

  if (!ia_cli_addr(&t.app, ia_cli_arg(c, 0), "APP", e) ||
      !ia_cli_addr_or_any(&t.requester, ia_cli_opt(c, "only"), "--only", e) ||
      !ia_parse_amount(&t.price_nrlc, price ? price : "0", e) ||
      !ia_cli_opt_u64(c, "times", 1000000, &t.volume, e) || !ia_cli_net(c, &net, e) ||
      !ia_net_chain(&net, &chain, e))
    return false;
  if (!ia_chain_owner(chain, &owner, &t.app, NULL))
    return ia_fail(e, IA_E_NOT_FOUND, "No iApp found at the specified address.");
  if (!ia_cli_wallet(c, &w, e))
    return false;
  if (!ia_addr_eq(&owner, &w->address))
    return ia_fail(e, IA_E_FORBIDDEN, "the app belongs to %s, not to this wallet",
                   ia_addr_text(&owner).s);
  if (!ia_app_order_sign(&net, w, &t, &box, &hash, e) ||
      !ia_to_market_publish(&net, w, &box.order, &hash, e))
    return false;
  ia_cli_say(c, "%s may run %s, %" PRIu64 " times, for %s each",
             ia_addr_zero(&t.requester) ? "anyone" : ia_addr_text(&t.requester).s,
             ia_addr_text(&t.app).s, t.volume, ia_amount(t.price_nrlc).s);
  ia_cli_out(c, "%s", ia_h256_text(&hash).s);
  return ia_cli_json(c, json_pack("{s:s}", "orderHash", ia_h256_text(&hash).s), e);
}

static const ia_option publish_options[] = {
    {"price", "RLC", false, "price of one run (0)", "publish 0xApp --price 0.5RLC"},
    {"times", "N", false, "how many runs (1000000)", "publish 0xApp --times 100"},
    {"only", "USER", false, "for this user alone", "publish 0xApp --only 0xUser"},
    {0},
};

const ia_verb ia_verb_publish = {
    .name = "publish",
    .args = "APP",
    .min_args = 1,
    .max_args = 1,
    .brief = "let others run your app: sign and publish an app order",
    .example = "publish 0xApp --price 0.5RLC --times 100",
    .options = publish_options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = publish,
};

/* Nothing is left of it on the ledger. */
static bool is_closed(ia_net *net, const ia_offer *o, bool *closed, ia_err *e)
{
  const ia_u256 *volume = ia_order_volume(o->box.order.kind, &o->box.order.app);
  ia_chain *chain;
  ia_u256 used;

  if (!ia_net_chain(net, &chain, e) || !ia_chain_consumed(chain, &used, &o->hash, e))
    return false;
  *closed = ia_u256_cmp(&used, volume) >= 0;
  return true;
}

static bool cancel(ia_cli *c, ia_err *e)
{
  bool closed = false;
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_wallet) *w = NULL;
  ia_offer offer = {0};
  bool ok = false;
  ia_h256 hash, tx = {{0}};

  if (!ia_cli_h256(&hash, ia_cli_arg(c, 0), "HASH", e) || !ia_cli_net(c, &net, e) ||
      !ia_cli_wallet(c, &w, e))
    return false;
  for (int kind = 0; kind < IA_ORDER_KINDS && !ok; kind++)
    ok = ia_to_market_fetch(&net, &offer, (ia_order_kind)kind, &hash, e);
  if (!ok) {
    ia_fail(e, IA_E_NOT_FOUND, "no order %s on the market", ia_h256_text(&hash).s);
    return ia_hint(e, "iapp orders");
  }
  ok = is_closed(&net, &offer, &closed, e) &&
       (closed || ia_order_close(&net, w, &offer.box.order, &tx, e));
  ia_order_box_free(&offer.box);
  if (!ok)
    return false;
  ia_cli_say(c, closed ? "closed or used up already: nothing was sent" : "closed on the ledger");
  return ia_cli_json(c,
                     json_pack("{s:s, s:o, s:b}", "orderHash", ia_h256_text(&hash).s,
                               "transactionHash", closed ? json_null() : ia_json_h256(&tx),
                               "already", closed),
                     e);
}

const ia_verb ia_verb_cancel = {
    .name = "cancel",
    .args = "HASH",
    .min_args = 1,
    .max_args = 1,
    .brief = "close one of your orders on the ledger",
    .example = "cancel 0xOrderHash",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = cancel,
};
