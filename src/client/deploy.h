/* An app on the ledger: where its image is, and the digest that every guest will check. */
#ifndef IA_CLIENT_DEPLOY_H
#define IA_CLIENT_DEPLOY_H

#include "client/net.h"

typedef struct ia_deploy {
  const char *name;
  const char *multiaddr; /* "/ipfs/CID" of the archive */
  ia_h256 checksum;      /* SHA-256 of the image's manifest */
} ia_deploy;

typedef struct ia_deployed {
  ia_addr address;
  bool fresh; /* false: the same app was there already; tx is zero then */
  ia_h256 tx;
} ia_deployed;

/* createApp with type "DOCKER" and an empty mrenclave, owned by the wallet. The address is computed
 * beforehand, so that a second deploy of the same image finds the first. */
IA_MUST bool ia_deploy_app(ia_net *net, const ia_wallet *w, const ia_deploy *d, ia_deployed *out,
                           ia_err *e);

#endif
