/* Slices of a bulk request in the blob store. */
#ifndef IA_CLIENT_BULK_H
#define IA_CLIENT_BULK_H

#include "client/net.h"
#include "crypto/cid.h"
#include "poco/bulk.h"

/* What bulk_cid names, and the slice of one task of it; new references. Bytes are checked against
 * their CIDs. PARAMS_INVALID when they are not what they should be. */
IA_MUST bool ia_bulk_root_get(const ia_net *net, json_t **root, const char *cid, ia_err *e);
IA_MUST bool ia_bulk_slice_get(const ia_net *net, json_t **slice, const json_t *root,
                               uint64_t index, ia_err *e);
/* Uploads a JSON text. */
IA_MUST bool ia_bulk_put(const ia_net *net, ia_cid_text *cid, const json_t *v, ia_err *e);

#endif
