/* The services of one installation, as a client reaches them. Plain data that its maker owns; every
 * client of this folder takes one. Not for two threads at a time. */
#ifndef IA_CLIENT_NET_H
#define IA_CLIENT_NET_H

#include "base/types.h"
#include "chain/poco.h"
#include "client/wallet.h"
#include "http/client.h"
#include "tee/domain.h"

typedef struct ia_net {
  ia_http *http;   /* what is not secret */
  ia_http *secure; /* secrets: https, or loopback alone */
  ia_chain *chain; /* NULL until ia_net_chain */
  const char *rpc; /* base URLs; NULL = not known */
  const char *market;
  const char *sms;
  const char *ipfs; /* uploads at /api/v0, downloads at /ipfs */
  const char *scheduler;
  ia_h256 sms_key;      /* the one SMS that is given secrets: from the user's trust, not from it */
  ia_domain sms_domain; /* NONE = none is trusted */
  uint64_t chain_id;
  ia_addr hub;
  ia_chain_sending sending; /* borrowed */
} ia_net;

/* Takes the URLs, chain id and hub of *net (borrowed) and makes the rest. */
IA_MUST bool ia_net_open(ia_net *net, ia_err *e);
void ia_net_close(ia_net *net);
IA_DEFINE_AUTO_VALUE(ia_net, ia_net_close)
/* The ledger, opened at the first call; CHAIN_ID when it is another than net says. */
IA_MUST bool ia_net_chain(ia_net *net, ia_chain **out, ia_err *e);
/* A transaction of the wallet: a call with these arguments to an address (NULL = the hub). */
IA_MUST bool ia_net_call(ia_net *net, const ia_wallet *w, const ia_addr *to, ia_call_id id,
                         const void *args, ia_chain_sent *out, ia_err *e);

/* base + path formatted; UNAVAILABLE naming `what` when base is NULL. */
IA_MUST bool ia_net_url(ia_buf *out, const char *base, const char *what, ia_err *e,
                        const char *path, ...) IA_PRINTF(5, 6);

#endif
