/* Insides of the ipfs service. */
#ifndef IA_SERVICE_IPFS_INT_H
#define IA_SERVICE_IPFS_INT_H

#include <pthread.h>

#include "service/ipfs/ipfs.h"

enum { QUOTA_ROWS = 1024 };

typedef struct quota_row {
  char peer[64];
  uint64_t day, bytes;
} quota_row;

struct ia_ipfs {
  ia_blobs *blobs;
  uint64_t blob_max, day_quota, local_quota;
  ia_routes table;
  pthread_mutex_t lock; /* of quotas: jobs share them */
  quota_row quotas[QUOTA_ROWS];
};

/* Counts bytes of the client's address, of all loopback addresses as one; BUSY above its quota. */
IA_MUST bool ia_ipfs_charge(ia_ipfs *s, ia_request *rq, uint64_t bytes, ia_err *e);

/* api.c */
/* The query's `arg`: a CID, or a path that is one. */
IA_MUST bool ia_ipfs_argument(ia_request *rq, ia_cid *cid, ia_err *e);
bool ia_ipfs_version(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_ipfs_block_stat(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_ipfs_pin_add(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_ipfs_pin_ls(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
bool ia_ipfs_other(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);

/* add.c */
bool ia_ipfs_add(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);

#endif
