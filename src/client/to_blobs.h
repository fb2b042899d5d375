/* The blob store in IPFS's dialect. */
#ifndef IA_CLIENT_TO_BLOBS_H
#define IA_CLIENT_TO_BLOBS_H

#include "client/net.h"
#include "crypto/cid.h"

/* Streams the file; the CID is compared with our own computation. */
IA_MUST bool ia_to_blobs_add_file(const ia_net *net, ia_cid_text *cid, const char *path, ia_err *e);
IA_MUST bool ia_to_blobs_add(const ia_net *net, ia_cid_text *cid, ia_span bytes, ia_err *e);
/* Writes the blob to the descriptor; its bytes are checked against the CID. where: a CID, or a
 * location "/ipfs/CID". */
IA_MUST bool ia_to_blobs_get(const ia_net *net, int fd, const char *where, ia_err *e);
/* The same, appended to out: TOO_LARGE beyond cap bytes. */
IA_MUST bool ia_to_blobs_read(const ia_net *net, ia_buf *out, const char *where, size_t cap,
                              ia_err *e);
/* At most the first max bytes, appended to out; not checked against the CID: they are only a part
 * of the blob. */
IA_MUST bool ia_to_blobs_head(const ia_net *net, ia_buf *out, const char *where, size_t max,
                              ia_err *e);

/* Bytes of a blob, without fetching it. NOT_FOUND; UNAVAILABLE where the store does not say. */
IA_MUST bool ia_to_blobs_size(const ia_net *net, uint64_t *size, const char *where, ia_err *e);

#endif
