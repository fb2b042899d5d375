#include "client/limits.h"

#include <string.h>

#include "base/hex.h"
#include "eth/address.h"
#include "policy/policy.h"

bool ia_limits_policy_check(const json_t *policy, uint64_t *begins, uint64_t *expires, ia_err *e)
{
  IA_AUTOV(ia_policy) p = ia_policy_none();
  IA_AUTOV(ia_buf) text = {0};

  if (!ia_json_canonical(&text, policy, e) || !ia_policy_parse(&p, ia_buf_view(&text), e))
    return false;
  *begins = p.not_before;
  *expires = p.expires;
  return true;
}

bool ia_limits_send_terms(const ia_net *net, const ia_wallet *w, const ia_addr *dataset,
                          const json_t *terms, uint64_t *version, ia_err *e)
{
  IA_AUTOV(ia_terms) t = {0};
  IA_AUTOV(ia_buf) text = {0};

  return ia_json_canonical(&text, terms, e) && ia_terms_parse(&t, ia_buf_view(&text), e) &&
         ia_to_sms_owner_message(net, w, "grant", dataset, terms, version, e);
}

const json_t *ia_limits_of_order(const json_t *limits, const ia_h256 *order)
{
  ia_text67 want = ia_h256_text(order);
  const json_t *one;
  size_t i;

  json_array_foreach (json_object_get(limits, "grants"), i, one) {
    const char *hash = json_string_value(json_object_get(one, "orderHash"));

    if (hash && strcmp(hash, want.s) == 0)
      return one;
  }
  return NULL;
}

/* -- transfers -- */
bool ia_transfer_find(ia_net *net, const ia_addr *asset, ia_asset_kind *kind, ia_addr *owner,
                      ia_err *e)
{
  ia_chain_info info;
  ia_chain *chain;
  bool there = false;

  if (!ia_net_chain(net, &chain, e) || !ia_chain_info_get(chain, &info, e))
    return false;
  for (int k = 0; k < IA_ASSET_KINDS; k++) {
    if (!ia_chain_registered(chain, &there, &info.registry[k], asset, e))
      return false;
    *kind = (ia_asset_kind)k;
    if (there)
      return ia_chain_owner(chain, owner, asset, e);
  }
  return ia_fail(e, IA_E_NOT_FOUND, "%s is not a registered app, protected data or workerpool",
                 ia_addr_text(asset).s);
}

/* The token of an asset: its address as a number. */
static ia_u256 token_of(const ia_addr *asset)
{
  uint8_t word[32] = {0};

  memcpy(word + 12, asset->b, sizeof(asset->b));
  return ia_u256_from_be(word);
}

bool ia_transfer_asset(ia_net *net, const ia_wallet *w, const ia_addr *asset, const ia_addr *to,
                       ia_transfer_done *out, ia_err *e)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_args args = {.addr = {w->address, *to}, .value = {token_of(asset)}};
  ia_chain_info info;
  ia_chain *chain;
  ia_addr owner;

  *out = (ia_transfer_done){0};
  if (!ia_transfer_find(net, asset, &out->kind, &owner, e) || !ia_net_chain(net, &chain, e) ||
      !ia_chain_info_get(chain, &info, e))
    return false;
  if (ia_addr_eq(&owner, to)) {
    out->already = true;
    return true;
  }
  if (!ia_addr_eq(&owner, &w->address)) {
    ia_fail(e, IA_E_FORBIDDEN, "%s belongs to %s, not to this wallet", ia_addr_text(asset).s,
            ia_addr_text(&owner).s);
    return ia_hint(e, "sign with its owner's wallet: --wallet %s", ia_addr_text(&owner).s);
  }
  if (!ia_net_call(net, w, &info.registry[out->kind], IA_CALL_SAFE_TRANSFER_FROM, &args, &sent, e))
    return ia_wrap(e, "safeTransferFrom");
  out->tx = sent.receipt.tx;
  return true;
}
