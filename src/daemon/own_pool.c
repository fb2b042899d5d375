/* The workerpool of an installation on an EVM chain, made at the first start. */
#include "daemon/own_pool.h"

#include "base/log.h"
#include "chain/about.h"
#include "daemon/on_chain.h"
#include "eth/address.h"

static bool create(ia_chain *c, const ia_chain_account_key *key, ia_err *e)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_args args = {.bytes = {ia_span_str(IA_OWN_POOL_NAME)}};
  ia_chain_info info;

  return ia_chain_info_get(c, &info, e) && ia_secp_address(key->secp, &args.addr[0], key->key, e) &&
         ia_chain_call(c, &sent, key, &info.registry[IA_ASSET_WORKERPOOL],
                       IA_CALL_CREATE_WORKERPOOL, &args, e);
}

bool ia_own_pool(const ia_role_ctx *r, const ia_secret *key, ia_err *e)
{
  IA_AUTO(ia_secp) *secp = NULL;
  IA_AUTO(ia_chain) *c = NULL;
  ia_chain_options o = {.url = ia_role_text(r, "rpcUrl"),
                        .chain_id = ia_role_number(r, "chainId", 0)};
  ia_chain_account_key account = {.key = key};
  ia_addr pool;
  ia_path outbox;
  bool there;

  if (!ia_role_sending(r, &o.sending, &outbox, e) || !ia_role_addr(r, "hubAddress", &o.hub, e) ||
      !ia_role_addr(r, "wantPool", &pool, e) || !ia_secp_new(&secp, e) ||
      !ia_chain_open(&c, &o, e) || !ia_chain_has_code(c, &there, &pool, e))
    return false;
  account.secp = secp;
  if (there)
    return true;
  if (!create(c, &account, e))
    return false;
  ia_log(IA_LOG_INFO, "pool.made", "pool=%s", ia_addr_text(&pool).s);
  return true;
}
