/* The services that a verb speaks to. */
#include "cli/net.h"

#include <stdlib.h>

#include "eth/address.h"

bool ia_cli_net(ia_cli *c, ia_net *out, ia_err *e)
{
  const ia_http_options secure = {.only_secure = true};
  const char *hub, *chain;

  *out = (ia_net){0};
  if (!ia_cli_endpoint(c, "rpcUrl", &out->rpc, e) || !ia_cli_endpoint(c, "hubAddress", &hub, e) ||
      !ia_addr_parse(&out->hub, ia_span_str(hub), e) || !ia_cli_endpoint(c, "chainId", &chain, e))
    return false;
  out->chain_id = strtoull(chain, NULL, 10);
  out->market = ia_cli_endpoint_or_null(c, "marketUrl");
  out->sms = ia_cli_endpoint_or_null(c, "smsUrl");
  out->ipfs = ia_cli_endpoint_or_null(c, "ipfsNodeUrl");
  out->scheduler = ia_cli_endpoint_or_null(c, "schedulerUrl");
  if (ia_http_new(&out->http, NULL, e) && ia_http_new(&out->secure, &secure, e))
    return true;
  ia_cli_net_free(out);
  return false;
}

void ia_cli_net_free(ia_net *net)
{
  ia_http_free(net->http);
  ia_http_free(net->secure);
  *net = (ia_net){0};
}
