/* iapp chain show, chain use: which ledger commands speak to. */
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "cli/chains.h"
#include "cli/frame.h"
#include "cli/net.h"
#include "client/money.h"
#include "eth/address.h"

static bool chain_show(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO_JSON *about = NULL;
  ia_block head;
  ia_chain *chain;

  if (!ia_cli_net(c, &net, e) || !ia_net_chain(&net, &chain, e) ||
      !ia_chain_head(chain, &head, e) || !(about = ia_money_chain(&net, e)))
    return false;
  const char *what = json_string_value(json_object_get(about, "what"));
  ia_cli_out(c, "chain %" PRIu64 " at %s\n  %s\n  hub  %s\n  head %" PRIu64 " %s",
             ia_chain_id(chain), net.rpc, what ? what : "an EVM chain",
             ia_addr_text(ia_chain_hub(chain)).s, head.number, ia_h256_text(&head.hash).s);
  return ia_json_set(about, "head", json_integer((json_int_t)head.number), e) &&
         ia_json_set(about, "rpcUrl", json_string(net.rpc), e) &&
         ia_cli_json(c, json_incref(about), e);
}

const ia_verb ia_verb_chain_show = {
    .name = "chain show",
    .args = "",
    .brief = "which ledger commands use, and its head",
    .example = "chain show",
    .uses = IA_USES_NET,
    .run = chain_show,
};

static const char *const chain_settings[] = {"rpcUrl", "chainId", "hubAddress"};

/* Back to what runs in this home. */
static bool use_local(ia_cli *c, ia_err *e)
{
  for (unsigned i = 0; i < IA_COUNT(chain_settings); i++)
    if (!ia_cli_setting_put(c, chain_settings[i], NULL, e))
      return false;
  ia_cli_say(c, "the ledger of `iapp up` in %s is used", ia_cli_home(c));
  return ia_cli_json(c, json_pack("{s:s}", "chain", "local"), e);
}

/* The node must be of that chain before anything is kept. */
static bool use_node(ia_cli *c, const char *url, const char *chain_id, const char *hub, ia_err *e)
{
  ia_chain_options o = {.url = url, .chain_id = chain_id ? strtoull(chain_id, NULL, 10) : 0};
  IA_AUTO(ia_chain) *chain = NULL;
  char id[24];

  if ((hub && !ia_cli_addr(&o.hub, hub, "--hub", e)) || !ia_chain_open(&chain, &o, e))
    return ia_wrap(e, "chain use");
  if (snprintf(id, sizeof(id), "%" PRIu64, ia_chain_id(chain)) < 0)
    return ia_fail(e, IA_E_INTERNAL, "chain id");
  if (!ia_cli_setting_put(c, "rpcUrl", url, e) || !ia_cli_setting_put(c, "chainId", id, e) ||
      !ia_cli_setting_put(c, "hubAddress", ia_addr_text(ia_chain_hub(chain)).s, e))
    return false;
  ia_cli_say(c, "chain %s at %s, hub %s", id, url, ia_addr_text(ia_chain_hub(chain)).s);
  return ia_cli_json(c,
                     json_pack("{s:s, s:I, s:s}", "rpcUrl", url, "chainId",
                               (json_int_t)ia_chain_id(chain), "hubAddress",
                               ia_addr_text(ia_chain_hub(chain)).s),
                     e);
}

static bool chain_use(ia_cli *c, ia_err *e)
{
  const char *which = ia_cli_arg(c, 0), *url = ia_cli_opt(c, "rpc"), *hub = ia_cli_opt(c, "hub");

  if (strcmp(which, "local") == 0)
    return use_local(c, e);
  if (strstr(which, "://"))
    return use_node(c, which, NULL, hub, e);
  const ia_known_chain *known = ia_chain_known(which);
  if (known && url)
    return use_node(c, url, known->chain_id, hub ? hub : known->hub, e);
  if (known) {
    ia_fail(e, IA_E_USAGE, "%s needs a node", known->name);
    return ia_hint(e, "iapp chain use %s --rpc URL", known->name);
  }
  ia_fail(e, IA_E_USAGE, "no chain \"%.40s\"", which);
  return ia_hint(e, "local, arbitrum-mainnet, arbitrum-sepolia-testnet, or a node's URL");
}

static const ia_option use_options[] = {
    {"hub", "ADDRESS", false, "PoCo hub (known for public chains and for our own ledger)",
     "chain use http://127.0.0.1:8545 --hub 0xHub"},
    {0},
};

const ia_verb ia_verb_chain_use = {
    .name = "chain use",
    .older = "chain select",
    .args = "local | NAME | URL",
    .min_args = 1,
    .max_args = 1,
    .brief = "keep which ledger commands speak to; local: that of `iapp up`",
    .example = "chain use local",
    .options = use_options,
    .uses = IA_USES_NET,
    .run = chain_use,
};
