/* The steps of protecting data, each followed by a durable line in the journal. */
#include "client/protect.h"

#include "base/crash.h"
#include "base/hex.h"
#include "base/json.h"
#include "chain/poco.h"
#include "client/protect_journal.h"
#include "client/sealed.h"
#include "client/to_blobs.h"
#include "client/to_sms.h"
#include "poco/ids.h"

static void tell(const ia_protect_config *cfg, const char *title)
{
  if (cfg->step)
    cfg->step(cfg->ctx, title);
}

static bool upload(ia_protect *p, const ia_protect_config *cfg, ia_err *e)
{
  if (p->cid.s[0])
    return true;
  tell(cfg, "upload the encrypted file");
  return ia_to_blobs_add_file(cfg->net, &p->cid, p->sealed_path.s, e) && ia_protect_save(p, e);
}

/* Where the dataset will be, or is: its address follows from its fields. */
static bool predict(ia_chain *chain, ia_protect *p, ia_buf *multiaddr, bool *there, ia_err *e)
{
  ia_chain_info info;
  ia_cid cid;

  if (!ia_chain_info_get(chain, &info, e) || !ia_cid_parse(&cid, ia_span_str(p->cid.s), e))
    return false;
  ia_cid_multiaddr(multiaddr, &cid);
  const ia_addr *registry = &info.registry[IA_ASSET_DATASET];
  ia_dataset_info d = {.owner = p->owner,
                       .name = ia_span_str(p->name),
                       .multiaddr = ia_buf_view(multiaddr),
                       .checksum = p->checksum};

  *there = false;
  if (ia_h256_zero(&info.proxy_code_hash))
    return true;
  ia_dataset_address(&p->address, registry, &info.proxy_code_hash, &d);
  return ia_chain_registered(chain, there, registry, &p->address, e);
}

/* The address that the contract itself reports must be the one that was computed. */
static bool read_event(ia_protect *p, const ia_chain_sent *sent, const ia_addr *contract, ia_err *e)
{
  const ia_chain_log *log = ia_chain_find_log(&sent->receipt.logs, IA_EV_DATASET_SCHEMA, contract);
  ia_event ev = {0};

  if (!log || !ia_event_decode(&ev, IA_EV_DATASET_SCHEMA, &log->entry, e))
    return ia_fail(e, IA_E_INVALID, "the DataProtector contract reported no new dataset");
  if (!ia_addr_zero(&p->address) && !ia_addr_eq(&p->address, &ev.addr[0]))
    return ia_fail(e, IA_E_ASSET_MISMATCH, "the ledger made another dataset than was asked for");
  p->address = ev.addr[0];
  p->tx = sent->receipt.tx;
  return true;
}

static bool create(ia_chain *chain, ia_protect *p, const ia_protect_config *cfg, ia_span multiaddr,
                   ia_err *e)
{
  const ia_chain_account_key key = {cfg->wallet->secp, &cfg->wallet->key};
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_args args = {.addr = {p->owner},
                  .bytes = {ia_span_str(p->name), ia_span_str(p->schema), multiaddr},
                  .id = {p->checksum}};

  if (ia_addr_zero(&cfg->contract))
    return ia_fail(e, IA_E_UNAVAILABLE, "no DataProtector contract is known here");
  return ia_chain_call(chain, &sent, &key, &cfg->contract, IA_CALL_CREATE_DATASET_WITH_SCHEMA,
                       &args, e) &&
         read_event(p, &sent, &cfg->contract, e);
}

static bool put_on_ledger(ia_protect *p, const ia_protect_config *cfg, ia_err *e)
{
  IA_AUTO(ia_chain) *chain = NULL;
  IA_AUTOV(ia_buf) multiaddr = {0};
  const ia_chain_options o = {.url = cfg->net->rpc,
                              .hub = cfg->net->hub,
                              .chain_id = cfg->net->chain_id,
                              .sending = cfg->net->sending};
  bool there;

  if (p->registered)
    return true;
  tell(cfg, "register the dataset");
  if (!ia_chain_open(&chain, &o, e) || !predict(chain, p, &multiaddr, &there, e) ||
      (!there && !create(chain, p, cfg, ia_buf_view(&multiaddr), e)))
    return ia_wrap(e, "Failed to create protected data into smart contract");
  ia_crash_point("protect.registered");
  p->registered = true;
  return ia_protect_save(p, e);
}

static bool hand_over_key(ia_protect *p, const ia_protect_config *cfg, ia_err *e)
{
  IA_AUTOV(ia_buf) key = {.secret = true};

  /* again and again until the SMS itself has said so: the journal, which holds the key, goes then
   */
  tell(cfg, "push the key");
  return ia_wallet_unseal(&key, cfg->wallet, IA_PROTECT_LABEL, ia_buf_view(&p->sealed_key), e) &&
         (ia_to_sms_push_dataset_key(cfg->net, cfg->wallet, &p->address, ia_buf_view(&key), e) ||
          ia_wrap(e, "Failed to push protected data encryption key"));
}

bool ia_protect_run(ia_protect *p, ia_protected *out, const ia_protect_config *cfg, ia_err *e)
{
  if (!ia_addr_eq(&p->owner, &cfg->wallet->address))
    return ia_fail(e, IA_E_FORBIDDEN, "this was begun by the wallet %s",
                   ia_addr_lower(&p->owner).s);
  if (!upload(p, cfg, e))
    return ia_wrap(e, "Failed to upload encrypted data");
  ia_crash_point("protect.uploaded");
  if (!put_on_ledger(p, cfg, e) || !hand_over_key(p, cfg, e))
    return false;
  ia_crash_point("protect.pushed");
  *out = (ia_protected){.address = p->address,
                        .owner = p->owner,
                        .checksum = p->checksum,
                        .tx = p->tx,
                        .cid = p->cid};
  return ia_protect_remove(p, e);
}
