/* Orders of owners: signed, checked, closed. */
#include "client/grant.h"

#include "base/hex.h"
#include "base/random.h"
#include "eth/address.h"
#include "poco/tag.h"

static bool check_owner(ia_chain *chain, const ia_wallet *w, const ia_addr *asset, ia_err *e)
{
  ia_addr owner;

  if (!ia_chain_owner(chain, &owner, asset, e))
    return ia_wrap(e, "owner of %s", ia_addr_text(asset).s);
  if (ia_addr_eq(&owner, &w->address))
    return true;
  ia_fail(e, IA_E_FORBIDDEN, "%s belongs to %s, not to this wallet", ia_addr_text(asset).s,
          ia_addr_text(&owner).s);
  return ia_hint(e, "sign with its owner's wallet: --wallet %s", ia_addr_text(&owner).s);
}

bool ia_grant_check(ia_net *net, const ia_wallet *w, const ia_grant *g, ia_err *e)
{
  ia_chain_info info;
  ia_chain *chain;
  bool there;

  if (!ia_net_chain(net, &chain, e) || !ia_chain_info_get(chain, &info, e) ||
      !ia_chain_registered(chain, &there, &info.registry[IA_ASSET_DATASET], &g->dataset, e))
    return false;
  if (!there)
    return ia_fail(e, IA_E_NOT_FOUND, "No protectedData found at %s.", ia_addr_text(&g->dataset).s);
  if (!check_owner(chain, w, &g->dataset, e) ||
      !ia_chain_registered(chain, &there, &info.registry[IA_ASSET_APP], &g->app, e) ||
      (!there && !ia_chain_is_group(chain, &there, &g->app, e)))
    return false;
  if (!there)
    return ia_fail(e, IA_E_NOT_FOUND, "No iApp found at the specified address. (%s)",
                   ia_addr_text(&g->app).s);
  if (!ia_to_sms_has_dataset_key(net, &there, &g->dataset, e))
    return false;
  if (there)
    return true;
  return ia_fail(e, IA_E_SECRET_MISSING,
                 "The protectedData secret key for %s is not registered in the Secret Management "
                 "Service (SMS).",
                 ia_addr_text(&g->dataset).s);
}

/* Owns the order's bytes and signs them. */
static bool sign(const ia_net *net, const ia_wallet *w, ia_order_kind kind, const void *order,
                 ia_order_box *out, ia_h256 *hash, ia_err *e)
{
  ia_h256 separator;

  ia_order_separator(&separator, net->chain_id, &net->hub);
  ia_order_hash(hash, &separator, kind, order);
  return ia_order_copy(out, kind, order, e) && ia_order_sign(out, w->secp, &separator, &w->key, e);
}

bool ia_grant_sign(const ia_net *net, const ia_wallet *w, const ia_grant *g, ia_order_box *out,
                   ia_h256 *hash, ia_err *e)
{
  ia_dataset_order o = {
      .dataset = g->dataset,
      .datasetprice = ia_u256_of(g->price_nrlc),
      .volume = ia_u256_of(g->volume),
      .tag = ia_tag_of(IA_ORDER_TAG),
      .apprestrict = g->app,
      .workerpoolrestrict = g->workerpool,
      .requesterrestrict = g->requester,
  };

  return ia_random(o.salt.b, sizeof(o.salt.b), e) &&
         sign(net, w, IA_ORDER_DATASET, &o, out, hash, e);
}

bool ia_app_order_sign(const ia_net *net, const ia_wallet *w, const ia_app_terms *t,
                       ia_order_box *out, ia_h256 *hash, ia_err *e)
{
  ia_app_order o = {
      .app = t->app,
      .appprice = ia_u256_of(t->price_nrlc),
      .volume = ia_u256_of(t->volume),
      .tag = ia_tag_of(IA_ORDER_TAG),
      .datasetrestrict = t->dataset,
      .workerpoolrestrict = t->workerpool,
      .requesterrestrict = t->requester,
  };

  return ia_random(o.salt.b, sizeof(o.salt.b), e) && sign(net, w, IA_ORDER_APP, &o, out, hash, e);
}

bool ia_order_close(ia_net *net, const ia_wallet *w, const ia_order *order, ia_h256 *tx, ia_err *e)
{
  static const ia_call_id calls[IA_ORDER_KINDS] = {
      [IA_ORDER_APP] = IA_CALL_MANAGE_APP_ORDER,
      [IA_ORDER_DATASET] = IA_CALL_MANAGE_DATASET_ORDER,
      [IA_ORDER_WORKERPOOL] = IA_CALL_MANAGE_WORKERPOOL_ORDER,
      [IA_ORDER_REQUEST] = IA_CALL_MANAGE_REQUEST_ORDER,
  };
  IA_AUTOV(ia_chain_sent) sent = {0};
  /* the sender is the owner: no signature of the operation is needed */
  ia_order_op op = {.order = *order, .operation = IA_ORDER_CLOSE};

  if (!ia_net_call(net, w, NULL, calls[order->kind], &op, &sent, e))
    return false;
  *tx = sent.receipt.tx;
  return true;
}

bool ia_grant_revoke_sms(const ia_net *net, const ia_wallet *w, const ia_addr *dataset,
                         const ia_h256 *orders, size_t n, ia_err *e)
{
  IA_AUTO_JSON *list = json_array();
  IA_AUTO_JSON *body = NULL;

  if (n == 0)
    return true;
  for (size_t i = 0; i < n; i++)
    if (json_array_append_new(list, ia_json_h256(&orders[i])) != 0)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
  body = json_pack("{s:O}", "orders", list);
  return ia_to_sms_owner_message(net, w, "revoke", dataset, body, NULL, e);
}
