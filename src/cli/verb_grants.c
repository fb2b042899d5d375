/* iapp grants: open grants, with their terms and what was used of them. */
#include <inttypes.h>
#include <stdio.h>

#include "base/hex.h"
#include "cli/grant_terms.h"
#include "cli/net.h"
#include "cli/parse.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/limits.h"
#include "client/to_market.h"
#include "eth/address.h"

enum { LIST_MAX = 10000 };

struct listing {
  ia_cli *c;
  ia_net net;
  ia_wallet *w; /* NULL: nobody to ask the SMS as */
  json_t *all;
  /* of the dataset that was shown last */
  bool has;
  ia_addr data;
  ia_buf name_store;
  ia_span name;
  bool mine;
  json_t *limits; /* NULL = not known */
};

static void listing_free(struct listing *l)
{
  json_decref(l->all);
  json_decref(l->limits);
  ia_buf_free(&l->name_store);
  ia_wallet_free(l->w);
  ia_net_close(&l->net);
}

/* Why the terms stay unknown is said once; the list goes on without them. */
static void without_terms(struct listing *l, const ia_err *why)
{
  ia_cli_warn(l->c, "terms and counts are not shown: %s", why->msg);
  ia_wallet_free(l->w);
  l->w = NULL;
}

static void ask_limits(struct listing *l)
{
  ia_err why = {0};

  json_decref(l->limits);
  l->limits = NULL;
  if (l->w && l->mine &&
      (!ia_cli_trust_sms(l->c, &l->net, &why) ||
       !ia_to_sms_limits(&l->net, l->w, &l->data, &l->limits, &why)))
    without_terms(l, &why);
}

/* Name and owner of the dataset; what the SMS knows where it is the wallet's. */
static bool look_at(struct listing *l, const ia_addr *data, const ia_addr *me, ia_err *e)
{
  ia_dataset_info info = {0};
  ia_chain *chain;

  if (l->has && ia_addr_eq(&l->data, data))
    return true;
  if (!ia_net_chain(&l->net, &chain, e) || !ia_chain_dataset(chain, &info, &l->name_store, data, e))
    return ia_wrap(e, "%s", ia_addr_text(data).s);
  l->has = true;
  l->data = *data;
  l->name = info.name;
  l->mine = me && ia_addr_eq(&info.owner, me);
  ask_limits(l);
  return true;
}

static json_t *row_of(const struct listing *l, const ia_offer *offer, uint64_t price,
                      uint64_t volume)
{
  const ia_dataset_order *o = &offer->box.order.dataset;
  const json_t *known = ia_limits_of_order(l->limits, &offer->hash);
  json_t *terms = json_object_get(known, "terms");
  json_int_t runs = json_integer_value(json_object_get(known, "runs"));

  return json_pack("{s:s, s:s, s:o, s:s, s:s, s:I, s:I, s:I, s:b, s:o, s:o, s:b}", "orderHash",
                   ia_h256_text(&offer->hash).s, "dataset", ia_addr_text(&o->dataset).s, "name",
                   ia_json_foreign(l->name), "app", ia_addr_text(&o->apprestrict).s, "requester",
                   ia_addr_text(&o->requesterrestrict).s, "price", (json_int_t)price, "volume",
                   (json_int_t)volume, "remaining", (json_int_t)offer->remaining, "termsKnown",
                   l->limits != NULL, "terms", terms ? json_incref(terms) : json_null(), "runs",
                   l->limits ? json_integer(runs) : json_null(), "revoked",
                   json_is_true(json_object_get(known, "revoked")) ||
                       json_is_true(json_object_get(l->limits, "revokedAll")));
}

static bool say_grant(struct listing *l, const ia_offer *offer, const json_t *row, ia_err *e)
{
  const ia_dataset_order *o = &offer->box.order.dataset;
  uint64_t volume = (uint64_t)json_integer_value(json_object_get(row, "volume"));
  uint64_t price = (uint64_t)json_integer_value(json_object_get(row, "price"));
  uint64_t left = offer->remaining < volume ? offer->remaining : volume;
  const char *user =
      ia_addr_zero(&o->requesterrestrict) ? "any" : ia_addr_text(&o->requesterrestrict).s;
  IA_AUTOV(ia_buf) terms = {0};
  char name[80];

  ia_cli_terms_text(&terms, json_object_get(row, "terms"),
                    l->limits ? json_integer_value(json_object_get(row, "runs")) : -1);
  if (json_is_true(json_object_get(row, "revoked")))
    ia_buf_str(&terms, "; REVOKED at the SMS");
  ia_buf_u8(&terms, 0);
  if (!ia_buf_ok(&terms, e))
    return false;
  (void)!snprintf(name, sizeof(name), "%.*s", (int)l->name.len,
                  l->name.len > 0 ? (const char *)l->name.ptr : "");
  ia_cli_out(l->c, "%s  data %s \"%s\"  app %s  user %s", ia_h256_text(&offer->hash).s,
             ia_addr_text(&o->dataset).s, name, ia_addr_text(&o->apprestrict).s, user);
  ia_cli_out(l->c, "    used %" PRIu64 " of %" PRIu64 ", %s a run%s", volume - left, volume,
             ia_amount(price).s, (const char *)terms.ptr);
  if (left <= volume / 5)
    ia_cli_say(l->c, "    nearly used up: iapp grant %s %s %s --add %" PRIu64,
               ia_addr_text(&o->dataset).s, ia_addr_text(&o->apprestrict).s, user, volume);
  return true;
}

static bool show_grant(struct listing *l, const ia_offer *offer, const ia_addr *me, ia_err *e)
{
  const ia_dataset_order *o = &offer->box.order.dataset;
  uint64_t price, volume;
  json_t *row;

  if (!ia_u256_u64(&price, &o->datasetprice) || !ia_u256_u64(&volume, &o->volume) ||
      price > INT64_MAX || volume > INT64_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "an order's price or volume is beyond 63 bits");
  if (!look_at(l, &o->dataset, me, e))
    return false;
  row = row_of(l, offer, price, volume);
  if (json_array_append_new(l->all, row) != 0)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  return say_grant(l, offer, row, e);
}

static bool list_offers(struct listing *l, ia_offers *out, const ia_addr *me, bool has_me,
                        ia_err *e)
{
  const char *which = ia_cli_arg(l->c, 0);
  char query[160];
  ia_addr at;

  if (which && !ia_cli_addr(&at, which, "DATA", e))
    return false;
  if (!which && !has_me)
    return ia_fail(e, IA_E_USAGE, "no wallet: name the protected data");
  if (snprintf(query, sizeof(query), "%s=%s&app=any&workerpool=any&requester=any",
               which ? "dataset" : "datasetOwner", ia_addr_text(which ? &at : me).s) < 0)
    return ia_fail(e, IA_E_INTERNAL, "query");
  return ia_to_market_list(&l->net, out, IA_ORDER_DATASET, query, LIST_MAX, e);
}

/* The wallet is opened only where it has something to ask. */
static bool is_any_mine(struct listing *l, const ia_offers *offers, const ia_addr *me)
{
  ia_chain *chain;
  ia_addr owner;

  for (size_t i = 0; i < offers->n; i++)
    if (ia_net_chain(&l->net, &chain, NULL) &&
        ia_chain_owner(chain, &owner, &offers->list[i].box.order.dataset.dataset, NULL) &&
        ia_addr_eq(&owner, me))
      return true;
  return false;
}

static bool show_all(struct listing *l, ia_err *e)
{
  IA_AUTOV(ia_offers) offers = {0};
  ia_wallet_file me = {0};
  ia_err none = {0};
  bool has_me = ia_cli_wallet_file(l->c, &me, &none);

  if (!has_me && !ia_cli_arg(l->c, 0)) {
    *e = none;
    return false;
  }
  if (!list_offers(l, &offers, &me.address, has_me, e))
    return false;
  if (has_me && is_any_mine(l, &offers, &me.address) && !ia_cli_wallet(l->c, &l->w, &none))
    without_terms(l, &none);
  for (size_t i = 0; i < offers.n; i++)
    if (!show_grant(l, &offers.list[i], has_me ? &me.address : NULL, e))
      return false;
  if (offers.n == 0)
    ia_cli_say(l->c, "there is no open grant");
  return ia_cli_json(l->c, json_pack("{s:O}", "grants", l->all), e);
}

static bool grants(ia_cli *c, ia_err *e)
{
  struct listing l = {.c = c, .all = json_array()};
  bool ok = ia_cli_net(c, &l.net, e) && show_all(&l, e);

  listing_free(&l);
  return ok;
}

const ia_verb ia_verb_grants = {
    .name = "grants",
    .args = "[DATA]",
    .max_args = 1,
    .brief = "open grants on one dataset, or on all of yours, with their terms and uses",
    .example = "grants 0xData",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = grants,
};
