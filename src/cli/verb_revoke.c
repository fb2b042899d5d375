/* iapp revoke: ends grants, at the SMS at once and on the ledger for good. */
#include <string.h>

#include "base/hex.h"
#include "cli/net.h"
#include "cli/policy_file.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/grant.h"
#include "eth/address.h"

enum { LIST_MAX = 10000 };

/* What is to be revoked, each order once. */
typedef struct found {
  ia_order_box *box;
  ia_h256 *hash;
  size_t n;
} found;

static void found_free(found *f)
{
  for (size_t i = 0; i < f->n; i++)
    ia_order_box_free(&f->box[i]);
  free(f->box);
  free(f->hash);
}
IA_DEFINE_AUTO_VALUE(found, found_free)

typedef struct which {
  ia_addr dataset, app, user;
  bool has_app, has_user;
} which;

/* Takes the order when it is meant and new. */
static bool take(found *f, const ia_net *net, const which *w, const ia_dataset_order *o, ia_err *e)
{
  ia_h256 separator, hash;

  if (!ia_addr_eq(&o->dataset, &w->dataset) ||
      (w->has_app && !ia_addr_eq(&o->apprestrict, &w->app)) ||
      (w->has_user && !ia_addr_eq(&o->requesterrestrict, &w->user)))
    return true;
  ia_order_separator(&separator, net->chain_id, &net->hub);
  ia_order_hash(&hash, &separator, IA_ORDER_DATASET, o);
  for (size_t i = 0; i < f->n; i++)
    if (ia_h256_eq(&f->hash[i], &hash))
      return true;
  ia_order_box *box = reallocarray(f->box, f->n + 1, sizeof(*box));
  if (box)
    f->box = box;
  ia_h256 *hashes = reallocarray(f->hash, f->n + 1, sizeof(*hashes));
  if (hashes)
    f->hash = hashes;
  if (!box || !hashes)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  f->box[f->n] = (ia_order_box){0};
  if (!ia_order_copy(&f->box[f->n], IA_ORDER_DATASET, o, e))
    return false;
  f->hash[f->n++] = hash;
  return true;
}

/* Orders that the market lists, and those that this home signed. */
static bool find(ia_cli *c, found *f, const ia_net *net, const which *w, ia_err *e)
{
  IA_AUTO_JSON *noted = ia_cli_grants_noted(c, &w->dataset, e);
  IA_AUTOV(ia_offers) listed = {0};
  const json_t *item;
  char query[160];
  size_t i;

  if (!noted ||
      snprintf(query, sizeof(query), "dataset=%s&app=any&workerpool=any&requester=any",
               ia_addr_text(&w->dataset).s) < 0 ||
      !ia_to_market_list(net, &listed, IA_ORDER_DATASET, query, LIST_MAX, e))
    return false;
  for (i = 0; i < listed.n; i++)
    if (!take(f, net, w, &listed.list[i].box.order.dataset, e))
      return false;
  json_array_foreach (noted, i, item) {
    IA_AUTOV(ia_order_box) box = {0};

    if (!ia_order_parse(&box, IA_ORDER_DATASET, item, e) || !take(f, net, w, &box.order.dataset, e))
      return ia_wrap(e, "grants of this home");
  }
  return true;
}

/* The ledger's part of one order; one that is closed or used up already needs none. */
static bool close_one(ia_cli *c, ia_net *net, const ia_wallet *w, const found *f, size_t i,
                      ia_err *e)
{
  const ia_u256 *volume = ia_order_volume(IA_ORDER_DATASET, &f->box[i].order.dataset);
  ia_chain *chain;
  ia_u256 used;
  ia_h256 tx;

  ia_cli_step(c, "closing %zu of %zu on the ledger", i + 1, f->n);
  if (!ia_net_chain(net, &chain, e) || !ia_chain_consumed(chain, &used, &f->hash[i], e))
    return false;
  return ia_u256_cmp(&used, volume) >= 0 || ia_order_close(net, w, &f->box[i].order, &tx, e);
}

static bool revoke_grants(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_wallet) *w = NULL;
  IA_AUTOV(found) f = {0};
  IA_AUTO_JSON *all = json_array();
  which wanted = {.has_app = ia_cli_arg(c, 1) && strcmp(ia_cli_arg(c, 1), "any") != 0,
                  .has_user = ia_cli_arg(c, 2) != NULL};

  if (!ia_cli_addr(&wanted.dataset, ia_cli_arg(c, 0), "DATA", e) ||
      !ia_cli_addr_or_any(&wanted.app, ia_cli_arg(c, 1), "APP", e) ||
      !ia_cli_addr_or_any(&wanted.user, ia_cli_arg(c, 2), "USER", e) || !ia_cli_net(c, &net, e) ||
      !ia_cli_wallet(c, &w, e) || !find(c, &f, &net, &wanted, e))
    return false;
  if (f.n == 0) {
    ia_fail(e, IA_E_NOT_FOUND, "no grant fits");
    return ia_hint(e, "iapp grants %s", ia_addr_text(&wanted.dataset).s);
  }
  if (!ia_cli_confirm(c, e, "Revoke %zu grants for good?", f.n))
    return false;
  /* the SMS first: from this answer on no key leaves, whatever the ledger does */
  if (!ia_cli_trust_sms(c, &net, e) ||
      !ia_grant_revoke_sms(&net, w, &wanted.dataset, f.hash, f.n, e))
    return false;
  for (size_t i = 0; i < f.n; i++) {
    if (!close_one(c, &net, w, &f, i, e))
      return ia_wrap(e, "revoked at the SMS, still open on the ledger");
    ia_cli_out(c, "%s", ia_h256_text(&f.hash[i]).s);
    if (json_array_append_new(all, json_string(ia_h256_text(&f.hash[i]).s)) != 0)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
  }
  return ia_cli_json(c, json_pack("{s:O}", "revoked", all), e);
}

const ia_verb ia_verb_revoke = {
    .name = "revoke",
    .args = "DATA [APP|any] [USER|any]",
    .min_args = 1,
    .max_args = 3,
    .brief = "end grants on your data: all, those of an app, or those of a user",
    .example = "revoke 0xData 0xApp 0xUser",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = revoke_grants,
};
