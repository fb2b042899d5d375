/* createApp on the app registry. */
#include "client/deploy.h"

bool ia_deploy_app(ia_net *net, const ia_wallet *w, const ia_deploy *d, ia_deployed *out, ia_err *e)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  IA_AUTOV(ia_buf) store = {0};
  ia_chain_info info;
  ia_chain *chain;
  ia_args result = {0};
  ia_args args = {.addr = {w->address},
                  .bytes = {ia_span_str(d->name), ia_span_str("DOCKER"), ia_span_str(d->multiaddr),
                            ia_span_str("")},
                  .id = {d->checksum}};
  bool there;

  *out = (ia_deployed){0};
  if (!ia_net_chain(net, &chain, e) || !ia_chain_info_get(chain, &info, e))
    return false;
  const ia_addr *registry = &info.registry[IA_ASSET_APP];
  if (!ia_chain_read(chain, &result, &store, registry, IA_CALL_PREDICT_APP, &args, e))
    return ia_wrap(e, "predictApp");
  out->address = result.addr[0];
  if (!ia_chain_registered(chain, &there, registry, &out->address, e))
    return false;
  if (there)
    return true;
  if (!ia_net_call(net, w, registry, IA_CALL_CREATE_APP, &args, &sent, e))
    return ia_wrap(e, "createApp");
  if (!ia_chain_registered(chain, &there, registry, &out->address, e))
    return false;
  if (!there)
    return ia_fail(e, IA_E_ASSET_MISMATCH, "the ledger made another app than was asked for");
  out->fresh = true;
  out->tx = sent.receipt.tx;
  return true;
}
