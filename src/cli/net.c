/* The services that a verb speaks to. */
#include "cli/net.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "cli/original.h"
#include "eth/address.h"

/* On an EVM chain; what is under way is shared by all commands of the home. */
static bool sending(ia_cli *c, ia_chain_sending *out, ia_err *e)
{
  const char *depth = ia_cli_endpoint_or_null(c, "confirmations");

  *out = (ia_chain_sending){.confirmations = depth ? strtoull(depth, NULL, 10) : 0,
                            .outbox = ia_cli_outbox(c, e),
                            .max_fee = ia_cli_endpoint_or_null(c, "maxFee")};
  return out->outbox != NULL;
}

bool ia_cli_nodes(ia_cli *c, const char **out, ia_err *e)
{
  const char *all = ia_cli_endpoint_or_null(c, "rpcUrls");

  if (!ia_cli_endpoint(c, "rpcUrl", out, e))
    return false;
  size_t n = strlen(*out);
  if (all && strncmp(all, *out, n) == 0 && all[n] == ',')
    *out = all;
  return true;
}

bool ia_cli_net(ia_cli *c, ia_net *out, ia_err *e)
{
  const char *hub, *chain;

  *out = (ia_net){0};
  if (!ia_cli_nodes(c, &out->rpc, e) || !ia_cli_endpoint(c, "hubAddress", &hub, e) ||
      !ia_addr_parse(&out->hub, ia_span_str(hub), e) || !ia_cli_endpoint(c, "chainId", &chain, e))
    return false;
  out->chain_id = strtoull(chain, NULL, 10);
  out->market = ia_cli_endpoint_or_null(c, "marketUrl");
  out->sms = ia_cli_endpoint_or_null(c, "smsUrl");
  out->ipfs = ia_cli_endpoint_or_null(c, "ipfsNodeUrl");
  out->scheduler = ia_cli_endpoint_or_null(c, "schedulerUrl");
  return ia_original_chain(c, out, e) && sending(c, &out->sending, e) && ia_net_open(out, e);
}

/* An address, of whomever it is. */
static bool read_addr(ia_addr *out, const char *text, const char *what, ia_err *e)
{
  ia_err why = {0};

  if (ia_addr_parse(out, ia_span_str(text), &why))
    return true;
  (void)ia_fail(e, IA_E_USAGE, "%s: \"%.80s\": %s", what, text, why.msg);
  if (why.hint[0])
    (void)ia_hint(e, "%s", why.hint);
  return false;
}

bool ia_cli_addr(ia_addr *out, const char *text, const char *what, ia_err *e)
{
  return read_addr(out, text, what, e) &&
         (!ia_addr_zero(out) || ia_fail(e, IA_E_USAGE, "%s: the zero address is nobody's", what));
}

bool ia_cli_addr_or_any(ia_addr *out, const char *text, const char *what, ia_err *e)
{
  *out = (ia_addr){0};
  if (!text || strcmp(text, "any") == 0)
    return true;
  if (!read_addr(out, text, what, e))
    return false;
  if (!ia_addr_zero(out))
    return true;
  ia_fail(e, IA_E_USAGE, "%s: the zero address is nobody's", what);
  return ia_hint(e, "say `any` where anyone is meant");
}

bool ia_cli_h256(ia_h256 *out, const char *text, const char *what, ia_err *e)
{
  if (ia_h256_parse(out, ia_span_str(text)))
    return true;
  size_t n = strlen(text);
  if (strncmp(text, "0x", 2) == 0 && text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0')
    return ia_fail(e, IA_E_USAGE, "%s: \"%.80s\" has %zu digits after 0x; it should have 64", what,
                   text, n - 2);
  return ia_fail(e, IA_E_USAGE, "%s: \"%.80s\" is not 0x and 64 hex digits", what, text);
}
