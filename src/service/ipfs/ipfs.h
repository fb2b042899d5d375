/* The blob store in the dialect of IPFS nodes: upload by the RPC API, download by the API and as a
 * gateway. CIDs are those that Kubo gives; no bytes are fetched from or offered to other nodes. */
#ifndef IA_SERVICE_IPFS_H
#define IA_SERVICE_IPFS_H

#include "http/server.h"
#include "store/blob.h"

typedef struct ia_ipfs ia_ipfs;

typedef struct ia_ipfs_config {
  const char *dir;      /* HOME/front/blobs, made 0700 */
  uint64_t blob_max;    /* most bytes of one file; 0 = 8 GiB */
  uint64_t day_quota;   /* bytes a day that one address beyond loopback may add; 0 = 1 GiB */
  uint64_t local_quota; /* the same for all of this machine together; 0 = 64 GiB */
} ia_ipfs_config;

IA_MUST bool ia_ipfs_open(ia_ipfs **out, const ia_ipfs_config *c, ia_loop *l, ia_err *e);
/* After the server that mounts it is closed. NULL is fine. */
void ia_ipfs_close(ia_ipfs *s);
IA_DEFINE_AUTO(ia_ipfs, ia_ipfs_close)
/* POST /api/v0/{add,cat,version,block/stat,pin/add,pin/ls}; GET, HEAD /ipfs/<cid> */
IA_MUST bool ia_ipfs_mount(ia_ipfs *s, ia_server *server, ia_err *e);
/* For other parts of the same process. */
ia_blobs *ia_ipfs_blobs(ia_ipfs *s);

#endif
