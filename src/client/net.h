/* The services of one installation, as a client reaches them. Plain data that its maker owns; every
 * client of this folder takes one. Not for two threads at a time. */
#ifndef IA_CLIENT_NET_H
#define IA_CLIENT_NET_H

#include "base/types.h"
#include "http/client.h"

typedef struct ia_net {
  ia_http *http;   /* what is not secret */
  ia_http *secure; /* secrets: https, or loopback alone */
  const char *rpc; /* base URLs without a trailing slash; NULL = not known */
  const char *market;
  const char *sms;
  const char *ipfs; /* uploads at /api/v0, downloads at /ipfs */
  const char *scheduler;
  uint64_t chain_id;
  ia_addr hub;
} ia_net;

/* base + path formatted; UNAVAILABLE naming `what` when base is NULL. */
IA_MUST bool ia_net_url(ia_buf *out, const char *base, const char *what, ia_err *e,
                        const char *path, ...) IA_PRINTF(5, 6);

#endif
