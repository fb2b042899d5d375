/* The secret management service. */
#include <string.h>

#include "base/hex.h"
#include "chain/endpoints.h"
#include "chain/past.h"
#include "daemon/roles.h"
#include "runtime/quoting.h"
#include "service/sms/sms.h"

typedef struct sms_role {
  ia_server *server;
  ia_sms *sms;
} sms_role;

static void sms_close(void *state)
{
  sms_role *s = state;

  ia_server_close(s->server);
  ia_sms_close(s->sms);
  free(s);
}

/* The ledger that keys depend on: that of this installation, or the one that the operator named. */
static bool pins(ia_sms_config *c, const json_t *info, ia_err *e)
{
  json_t *registries;

  return ia_json_get_u64(info, "chainId", &c->chain_id, e) &&
         ia_json_get_addr(info, "hub", &c->hub, e) &&
         ia_json_get_h256(info, "proxyCodeHash", &c->proxy_code_hash, e) &&
         ia_json_get_str(info, "rules", &c->rules, e) &&
         ia_json_get_obj(info, "registries", &registries, e) &&
         ia_json_get_addr(registries, "app", &c->app_registry, e) &&
         ia_json_get_addr(registries, "dataset", &c->dataset_registry, e) &&
         ia_json_get_addr(registries, "workerpool", &c->workerpool_registry, e);
}

/* A block of our own ledger is final at once. */
static bool finality(ia_sms_config *c, const ia_role_ctx *r, const json_t *info, ia_err *e)
{
  bool foreign = ia_role_foreign(info);

  if (!ia_role_reorg_depth(r, &c->reorg_depth, e))
    return false;
  if (!foreign)
    c->reorg_depth = 0;
  return ia_role_count(r, "releaseConfirmations", "--release-confirmations", IA_PAST_MAX,
                       foreign ? 1 : 0, &c->depth, e);
}

static bool open_sms(sms_role *s, ia_role_ctx *r, ia_err *e)
{
  const char *domain = ia_role_text(r, "wantDomain");
  ia_sms_config c = {.dir = r->dir.s,
                     .passphrase = &r->passphrase,
                     .random_passphrase = ia_role_flag(r, "randomPassphrase"),
                     .domain = IA_DOMAIN_SIM,
                     .host = ia_role_text(r, "host"),
                     .allow_remote_simulation = ia_role_flag(r, "allowRemoteSimulation"),
                     .rpc_url = ia_role_text(r, "rpcUrl"),
                     .market_url = ia_role_text(r, "marketUrl"),
                     .ipfs_url = ia_role_text(r, "ipfsNodeUrl")};
  IA_AUTO_JSON *info = ia_role_ledger_info(r, e);
  uint64_t agree;
  ia_h384 guest;
  ia_h256 root;
  ia_path path;

  if (!info || !pins(&c, info, e))
    return ia_wrap(e, "ledger");
  c.first_block = ia_role_first_block(info);
  if (!finality(&c, r, info, e) ||
      !ia_role_count(r, "agree", "--agree", IA_ENDPOINTS_MAX, 0, &agree, e))
    return false;
  c.agree = (size_t)agree;
  if (domain && !ia_domain_parse(&c.domain, domain))
    return ia_fail(e, IA_E_USAGE, "--domain: hw or sim");
  if (ia_role_guest(r, &path, NULL)) {
    if (!ia_quoting_measure(&guest, path.s, e))
      return false;
    c.guests = &guest;
    c.n_guests = 1;
  }
  if (ia_json_get_h256(r->config, "ownSimRoot", &root, NULL)) {
    c.sim_roots = &root;
    c.n_sim_roots = 1;
  }
  return ia_sms_open(&s->sms, &c, r->loop, e) && ia_sms_mount(s->sms, s->server, e);
}

static bool sms_open(ia_role_ctx *r, void **state, json_t **ready, ia_err *e)
{
  sms_role *s = calloc(1, sizeof(*s));
  const char *domain = ia_role_text(r, "wantDomain");

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  *state = s;
  if (!ia_role_listen(r, &s->server, "smsPort", e) || !open_sms(s, r, e))
    return false;
  *ready = json_pack("{s:s, s:s}", "smsUrl", ia_server_url(s->server), "domain",
                     domain ? domain : "sim");
  return *ready || ia_fail(e, IA_E_MEMORY, "out of memory");
}

const ia_role_def ia_role_sms = {"sms", sms_open, sms_close};
