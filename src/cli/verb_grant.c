/* iapp grant, grants, revoke: access to protected data. */
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "cli/net.h"
#include "cli/parse.h"
#include "cli/policy_file.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/grant.h"
#include "eth/address.h"

enum { LIST_MAX = 10000 };
static const uint64_t bulk_volume = 9007199254740991; /* what the packages take for "any number" */

/* Orders of a dataset on the market, whatever they are restricted to. */
static bool list_of(const ia_net *net, ia_offers *out, const char *by, const ia_addr *who,
                    ia_err *e)
{
  char query[160];

  if (snprintf(query, sizeof(query), "%s=%s&app=any&workerpool=any&requester=any", by,
               ia_addr_text(who).s) < 0)
    return ia_fail(e, IA_E_INTERNAL, "query");
  return ia_to_market_list(net, out, IA_ORDER_DATASET, query, LIST_MAX, e);
}

static bool read_terms(ia_cli *c, ia_grant *g, const ia_wallet *w, ia_err *e)
{
  const char *user = ia_cli_arg(c, 2), *price = ia_cli_opt(c, "price");
  bool me = ia_cli_flag(c, "me");

  if (!ia_cli_addr(&g->dataset, ia_cli_arg(c, 0), "DATA", e) ||
      !ia_cli_addr(&g->app, ia_cli_arg(c, 1), "APP", e) ||
      !ia_cli_addr_or_any(&g->requester, user, "USER", e) ||
      !ia_parse_amount(&g->price_nrlc, price ? price : "0", e) ||
      !ia_cli_opt_u64(c, "times", 1, &g->volume, e))
    return false;
  if (me == (user != NULL))
    return ia_fail(e, IA_E_USAGE, "say who: an address, any, or --me");
  if (me)
    g->requester = w->address;
  if (ia_cli_flag(c, "add") && !ia_cli_opt_u64(c, "add", 1, &g->volume, e))
    return false;
  if (ia_cli_flag(c, "bulk") && g->price_nrlc > 0)
    return ia_fail(e, IA_E_USAGE, "--bulk: the price must be 0");
  if (ia_cli_flag(c, "bulk"))
    g->volume = bulk_volume;
  return g->volume > 0 || ia_fail(e, IA_E_USAGE, "--times: at least 1");
}

/* A second order for the same app and user is likely a mistake. */
static bool check_double(ia_cli *c, const ia_net *net, const ia_grant *g, ia_err *e)
{
  IA_AUTOV(ia_offers) there = {0};

  if (ia_cli_flag(c, "add"))
    return true;
  if (!list_of(net, &there, "dataset", &g->dataset, e))
    return false;
  for (size_t i = 0; i < there.n; i++) {
    const ia_dataset_order *o = &there.list[i].box.order.dataset;

    if (!ia_addr_eq(&o->apprestrict, &g->app) || !ia_addr_eq(&o->requesterrestrict, &g->requester))
      continue;
    ia_fail(e, IA_E_EXISTS, "granted already: %" PRIu64 " runs are left (order %s)",
            there.list[i].remaining, ia_h256_text(&there.list[i].hash).s);
    return ia_hint(e, "--add N signs a second order; iapp revoke takes the first back");
  }
  return true;
}

static json_t *as_json(const ia_grant *g, const ia_h256 *hash, ia_err *e)
{
  json_t *o = json_object();

  if (!ia_json_set(o, "orderHash", json_string(ia_h256_text(hash).s), e) ||
      !ia_json_set(o, "dataset", json_string(ia_addr_text(&g->dataset).s), e) ||
      !ia_json_set(o, "app", json_string(ia_addr_text(&g->app).s), e) ||
      !ia_json_set(o, "requester", json_string(ia_addr_text(&g->requester).s), e) ||
      !ia_json_set(o, "price", json_integer((json_int_t)g->price_nrlc), e) ||
      !ia_json_set(o, "volume", json_integer((json_int_t)g->volume), e)) {
    json_decref(o);
    return NULL;
  }
  return o;
}

/* Policy first: an order that is out before its limits could be used without them. */
static bool put_out(ia_cli *c, ia_net *net, const ia_wallet *w, const ia_grant *g, ia_err *e)
{
  IA_AUTOV(ia_order_box) box = {0};
  IA_AUTO_JSON *policy = NULL;
  IA_AUTO_JSON *order = NULL;
  IA_AUTO_JSON *answer = NULL;
  uint64_t version = 0;
  ia_h256 hash;

  if (!ia_cli_policy(c, &policy, &g->dataset, e) ||
      (policy && (!ia_cli_trust_sms(c, net, e) ||
                  !ia_cli_policy_push(c, net, w, &g->dataset, policy, &version, e))))
    return false;
  if (!ia_grant_sign(net, w, g, &box, &hash, e) ||
      !(order = ia_order_json(IA_ORDER_DATASET, &box.order.dataset, IA_ORDER_DECIMAL, e)) ||
      !ia_cli_grant_note(c, &g->dataset, order, e))
    return false;
  ia_cli_step(c, "publishing the order");
  if (!ia_to_market_publish(net, w, &box.order, &hash, e) || !(answer = as_json(g, &hash, e)))
    return false;
  if (policy && !ia_json_set(answer, "policyVersion", json_integer((json_int_t)version), e))
    return false;
  bool anyone = ia_addr_zero(&g->requester);
  ia_cli_say(c, "%s may run %s on %s, %" PRIu64 " times, for %s each",
             anyone ? "anyone" : ia_addr_text(&g->requester).s, ia_addr_text(&g->app).s,
             ia_addr_text(&g->dataset).s, g->volume, ia_amount(g->price_nrlc).s);
  if (policy)
    ia_cli_say(c, "the limits hold for this data as a whole, older grants too");
  ia_cli_out(c, "%s", ia_h256_text(&hash).s);
  return ia_cli_json(c, json_incref(answer), e);
}

static bool grant(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_wallet) *w = NULL;
  ia_grant g = {0};

  if (!ia_cli_net(c, &net, e) || !ia_cli_wallet(c, &w, e) || !read_terms(c, &g, w, e) ||
      !ia_grant_check(&net, w, &g, e) || !check_double(c, &net, &g, e))
    return false;
  ia_cli_warn_simulated(c, &net);
  return put_out(c, &net, w, &g, e);
}

static const ia_option grant_options[] = {
    {"price", "RLC", false, "price of one run (0)", "grant 0xData 0xApp 0xUser --price 0.1RLC"},
    {"times", "N", false, "how many runs (1)", "grant 0xData 0xApp 0xUser --times 10"},
    {"add", "N", false, "N more runs by a second order", "grant 0xData 0xApp 0xUser --add 10"},
    {"bulk", NULL, false, "any number of runs, also in bulk, at price 0",
     "grant 0xData 0xApp any --bulk"},
    {"me", NULL, false, "to this wallet itself", "grant 0xData 0xApp --me"},
    {"until", "TIME", false, "no key after that: 30d, 2026-12-31, a time",
     "grant 0xData 0xApp 0xUser --until 30d"},
    {"purpose", "TEXT", true, "only for runs that state this purpose",
     "grant 0xData 0xApp 0xUser --purpose research"},
    {"runs", "N", false, "runs on this data by everyone together, ever",
     "grant 0xData 0xApp any --runs 100"},
    {"daily", "N", false, "runs on this data by everyone together, a day",
     "grant 0xData 0xApp any --daily 5"},
    {"clear-logs", NULL, false, "the app's logs may be read without a key",
     "grant 0xData 0xApp 0xUser --clear-logs"},
    {0},
};

const ia_verb ia_verb_grant = {
    .name = "grant",
    .args = "DATA APP|LINE [USER|any]",
    .min_args = 2,
    .max_args = 3,
    .brief = "let a user run an app on your data",
    .example = "grant 0xData 0xApp 0xUser --times 10 --until 30d",
    .options = grant_options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = grant,
};

static bool show_grant(ia_cli *c, json_t *all, const ia_offer *offer, ia_err *e)
{
  const ia_dataset_order *o = &offer->box.order.dataset;
  ia_grant g = {.dataset = o->dataset, .app = o->apprestrict, .requester = o->requesterrestrict};
  json_t *row;

  if (!ia_u256_u64(&g.price_nrlc, &o->datasetprice) || !ia_u256_u64(&g.volume, &o->volume))
    return ia_fail(e, IA_E_TOO_LARGE, "an order's price or volume is beyond 64 bits");
  row = as_json(&g, &offer->hash, e);
  if (!row || !ia_json_set(row, "remaining", json_integer((json_int_t)offer->remaining), e) ||
      json_array_append_new(all, row) != 0)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  ia_cli_out(c, "%s  data %s  app %s  user %s  used %" PRIu64 " of %" PRIu64 "  %s",
             ia_h256_text(&offer->hash).s, ia_addr_text(&g.dataset).s, ia_addr_text(&g.app).s,
             ia_addr_zero(&g.requester) ? "any" : ia_addr_text(&g.requester).s,
             g.volume - offer->remaining, g.volume, ia_amount(g.price_nrlc).s);
  if (offer->remaining * 5 <= g.volume)
    ia_cli_say(c, "  nearly used up: iapp grant %s %s %s --add %" PRIu64,
               ia_addr_text(&g.dataset).s, ia_addr_text(&g.app).s,
               ia_addr_zero(&g.requester) ? "any" : ia_addr_text(&g.requester).s, g.volume);
  return true;
}

static bool grants(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTOV(ia_offers) offers = {0};
  IA_AUTO_JSON *all = json_array();
  ia_wallet_file me;
  ia_addr data;
  bool ok;

  if (!ia_cli_net(c, &net, e))
    return false;
  if (ia_cli_arg(c, 0))
    ok = ia_cli_addr(&data, ia_cli_arg(c, 0), "DATA", e) &&
         list_of(&net, &offers, "dataset", &data, e);
  else
    ok = ia_cli_wallet_file(c, &me, e) && list_of(&net, &offers, "datasetOwner", &me.address, e);
  for (size_t i = 0; ok && i < offers.n; i++)
    ok = show_grant(c, all, &offers.list[i], e);
  if (ok && offers.n == 0)
    ia_cli_say(c, "nothing is granted");
  return ok && ia_cli_json(c, json_pack("{s:O}", "grants", all), e);
}

const ia_verb ia_verb_grants = {
    .name = "grants",
    .args = "[DATA]",
    .max_args = 1,
    .brief = "open grants on one dataset, or on all of yours",
    .example = "grants 0xData",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = grants,
};
