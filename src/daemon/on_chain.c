/* What an installation on an EVM chain tells its roles of that chain. */
#include "daemon/on_chain.h"

#include <string.h>

#include "base/clock.h"
#include "base/ending.h"
#include "base/hex.h"
#include "base/show.h"
#include "chain/about.h"
#include "chain/agree.h"
#include "chain/coin.h"
#include "eth/address.h"

enum { INFO_CAP = 1 << 16, ASK_MS = 15000, PAUSE_MS = 500, SAY_AGAIN_MS = 30000 };

static bool number(uint64_t *out, const char *name, const char *text, ia_err *e)
{
  char *end;

  *out = text ? strtoull(text, &end, 10) : 0;
  return !text || (text[0] >= '0' && text[0] <= '9' && !*end && *out >> 53 == 0) ||
         ia_fail(e, IA_E_USAGE, "--%s: \"%s\" is not a number", name, text);
}

static bool address(ia_addr *out, const char *name, const char *text, ia_err *e)
{
  ia_err why;

  *out = (ia_addr){0};
  return !text || ia_addr_parse(out, ia_span_str(text), &why) ||
         ia_fail(e, IA_E_USAGE, "--%s: \"%.60s\": %s", name, text, why.msg);
}

/* Options that say the same twice, or nothing to anybody. */
static bool consistent(const ia_daemon_options *o, unsigned roles, ia_err *e)
{
  uint64_t unused;
  ia_u256 wei;

  if (!o->chain)
    return !(o->hub || o->dataprotector || o->first_block) ||
           ia_fail(e, IA_E_USAGE, "--hub, --dataprotector and --first-block go with --chain URL");
  if (o->rpc)
    return ia_fail(e, IA_E_USAGE, "--chain is an EVM chain, --rpc a ledger of ours: give one");
  if (!o->hub)
    return ia_fail(e, IA_E_USAGE, "--chain needs --hub ADDRESS, the PoCo hub on that chain");
  if (o->role && (roles & IA_ROLE_LEDGER))
    return ia_fail(e, IA_E_USAGE, "--chain is the ledger: the role ledger cannot run beside it");
  if (o->rules || o->genesis_seed || o->allow_fees)
    return ia_fail(e, IA_E_USAGE,
                   "--rules, --genesis-seed and --allow-fees are of a ledger of our own");
  return number(&unused, "confirmations", o->confirmations, e) &&
         number(&unused, "replace-after", o->replace_after, e) &&
         (!o->max_fee || ia_gwei_parse(&wei, o->max_fee) ||
          ia_fail(e, IA_E_USAGE, "--max-fee: \"%.40s\" is no number of gwei", o->max_fee));
}

static bool predicted(ia_chain *c, ia_addr *out, const ia_addr *registry, const ia_addr *owner,
                      ia_err *e)
{
  const ia_args args = {.addr = {*owner}, .bytes = {ia_span_str(IA_OWN_POOL_NAME)}};
  IA_AUTOV(ia_buf) store = {0};
  ia_args r = {0};

  if (!ia_chain_read(c, &r, &store, registry, IA_CALL_PREDICT_WORKERPOOL, &args, e))
    return false;
  *out = r.addr[0];
  return true;
}

static json_t *registries(const ia_chain_info *i)
{
  return json_pack("{s:o, s:o, s:o}", "app", ia_json_addr(&i->registry[IA_ASSET_APP]), "dataset",
                   ia_json_addr(&i->registry[IA_ASSET_DATASET]), "workerpool",
                   ia_json_addr(&i->registry[IA_ASSET_WORKERPOOL]));
}

/* What does not change on that chain. */
static bool ask(json_t **out, ia_chain *c, const ia_daemon_options *o, const ia_addr *owner,
                ia_err *e)
{
  ia_chain_about a;
  ia_addr pool = {0};
  uint64_t first;

  if (!ia_chain_about_get(c, &a, e) || !number(&first, "first-block", o->first_block, e) ||
      (!o->first_block && !ia_chain_first_block(c, &first, ia_chain_hub(c), e)) ||
      (owner && !predicted(c, &pool, &a.info.registry[IA_ASSET_WORKERPOOL], owner, e)))
    return false;
  *out = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:s, s:I}", "what", "an EVM chain", "chainId",
                   (json_int_t)ia_chain_id(c), "hub", ia_json_addr(ia_chain_hub(c)), "token",
                   ia_json_addr(&a.info.token), "registries", registries(&a.info), "proxyCodeHash",
                   ia_json_h256(&a.info.proxy_code_hash), "rules", a.rules, "firstBlock",
                   (json_int_t)first);
  if (!*out)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  return ia_addr_zero(&pool) || ia_json_set(*out, "pool", ia_json_addr(&pool), e);
}

static bool open_chain(ia_chain **c, const ia_daemon_options *o, ia_err *e)
{
  ia_chain_options at = {.url = o->chain, .timeout_ms = ASK_MS};
  uint64_t want;

  /* what the SMS is pinned to at the first start is no single node's word either */
  if (!number(&want, "agree", o->agree, e) || !ia_agree_of(&at.agree, o->chain, want, e))
    return false;
  if (!address(&at.hub, "hub", o->hub, e) || !number(&at.chain_id, "chain-id", o->chain_id, e) ||
      !ia_chain_open(c, &at, e) || !ia_chain_pin(*c, e))
    return ia_wrap(e, "--chain");
  return !ia_chain_is_local(*c) ||
         ia_fail(e, IA_E_USAGE, "the node at --chain is a ledger of ours: give --rpc URL");
}

/* A chain that cannot be reached now may be later. */
static bool may_pass(ia_code code)
{
  static const ia_code codes[] = {IA_E_UNAVAILABLE, IA_E_TIMEOUT, IA_E_BUSY, IA_E_IO,
                                  IA_E_LEDGER_DISAGREES};

  for (size_t i = 0; i < IA_COUNT(codes); i++)
    if (codes[i] == code)
      return true;
  return false;
}

/* An installation whose chain is down starts when it is up. */
static bool await_chain(ia_chain **c, const ia_daemon_options *o, ia_err *e)
{
  uint64_t said = 0;

  for (;;) {
    ia_err why = {0};

    if (open_chain(c, o, &why))
      return true;
    if (!may_pass(why.code))
      return e && (*e = why, false);
    if (said == 0 || ia_mono_ms() - said >= SAY_AGAIN_MS) {
      ia_print(stderr, "waiting for the chain: %s\n", why.msg);
      said = ia_mono_ms();
    }
    for (unsigned ms = 0; ms < PAUSE_MS; ms += 50) {
      if (ia_ending_pending())
        return ia_fail(e, IA_E_CANCELLED, "stopped while waiting for the chain");
      (void)usleep(50000);
    }
  }
}

/* What was kept at the first start must be what the options say now. */
static bool same(const json_t *kept, ia_chain *c, ia_err *e)
{
  uint64_t id;
  ia_addr hub;

  if (!ia_json_get_u64(kept, "chainId", &id, e) || !ia_json_get_addr(kept, "hub", &hub, e))
    return ia_wrap(e, "chain.json");
  if (id != ia_chain_id(c))
    return ia_fail(e, IA_E_CHAIN_ID, "this home belongs to chain %llu, --chain is chain %llu",
                   (unsigned long long)id, (unsigned long long)ia_chain_id(c));
  return ia_addr_eq(&hub, ia_chain_hub(c)) ||
         ia_fail(e, IA_E_INVALID, "this home belongs to hub %s, not to the one of --hub",
                 ia_addr_text(&hub).s);
}

static bool kept_info(json_t **out, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  return ia_file_read(&text, path, INFO_CAP, e) &&
         ((*out = ia_json_parse(ia_buf_view(&text), 0, e)) != NULL || ia_wrap(e, "%s", path));
}

static bool keep_info(const json_t *info, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  return ia_json_write(&text, info, e) && ia_file_create(path, ia_buf_view(&text), 0600, e);
}

/* What each start may say anew. */
static bool with_options(json_t *info, const ia_daemon_options *o, ia_err *e)
{
  ia_addr pool, protector;

  return address(&pool, "pool", o->pool, e) &&
         address(&protector, "dataprotector", o->dataprotector, e) &&
         (!o->pool || ia_json_set(info, "pool", ia_json_addr(&pool), e)) &&
         (!o->dataprotector || ia_json_set(info, "dataProtector", ia_json_addr(&protector), e));
}

bool ia_on_chain(json_t **info, const ia_home *h, const ia_daemon_options *o,
                 const ia_addr *pool_owner, ia_err *e)
{
  IA_AUTO(ia_chain) *c = NULL;
  IA_AUTO_JSON *found = NULL;
  ia_path kept, ledger;
  unsigned roles;

  *info = NULL;
  if (!ia_roles_parse(&roles, o->role, e) || !consistent(o, roles, e) ||
      !ia_path_join(&kept, e, "%s/chain.json", h->dir.s) ||
      !ia_path_join(&ledger, e, "%s/front/ledger.db", h->dir.s))
    return false;
  bool known = access(kept.s, F_OK) == 0;
  if (!o->chain)
    return !known || ia_fail(e, IA_E_USAGE,
                             "this home settles on an EVM chain: give --chain URL"
                             " and --hub ADDRESS, or another --home");
  if (access(ledger.s, F_OK) == 0)
    return ia_fail(e, IA_E_USAGE, "this home has a ledger of its own: give --chain another --home");
  if (!await_chain(&c, o, e) ||
      !(known ? kept_info(&found, kept.s, e) && same(found, c, e)
              : ask(&found, c, o, pool_owner, e) && keep_info(found, kept.s, e)) ||
      !with_options(found, o, e))
    return false;
  *info = json_incref(found);
  return true;
}

/* Some transactions of the dearest kind, should the price double. */
enum { FIRST_GAS = 10 * 900000 };

static bool first_need(ia_chain *c, ia_u256 *out, ia_err *e)
{
  const ia_u256 gas = ia_u256_of(2 * FIRST_GAS);
  IA_AUTO_JSON *v = NULL;
  ia_u256 price;

  return ia_rpc_call(ia_chain_rpc(c), &v, "eth_gasPrice", NULL, e) && ia_rpc_u256(&price, v, e) &&
         (ia_u256_mul(out, &price, &gas) || ia_fail(e, IA_E_INVALID, "impossible gas price"));
}

bool ia_on_chain_funds(const ia_daemon_options *o, const ia_addr *accounts, size_t n, ia_err *e)
{
  IA_AUTO(ia_chain) *c = NULL;
  IA_AUTOV(ia_buf) names = {0};
  ia_u256 need, have;
  bool empty = false;

  if (!await_chain(&c, o, e) || !first_need(c, &need, e))
    return false;
  for (size_t i = 0; i < n && !ia_u256_zero(&need); i++) {
    if (!ia_chain_coin(c, &have, &accounts[i], e))
      return false;
    empty |= ia_u256_zero(&have);
    ia_buf_printf(&names, "%s%s", i ? " and " : "", ia_addr_text(&accounts[i]).s);
  }
  ia_buf_u8(&names, 0);
  if (!empty)
    return true;
  if (!ia_buf_ok(&names, e))
    return false;
  ia_fail(e, IA_E_INSUFFICIENT_FUNDS,
          "this chain takes fees, and these roles' accounts have none: %s",
          (const char *)names.ptr);
  return ia_hint(e,
                 "send about %s ETH to each and start again; they are this home's pool owner and"
                 " worker",
                 ia_coin_text(&need).s);
}
