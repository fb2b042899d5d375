/* The four orders of PoCo as JSON, their EIP-712 hashes and signatures. kind: "apporder",
 * "datasetorder", "workerpoolorder" or "requestorder". Fields and types are those of the iExec SDK;
 * numbers may be decimal strings; amounts are nRLC (10^-9 RLC). Domain: name "iExecODB", version
 * "5.0.0", the chain id, the hub. */
#ifndef IAPP_ORDER_H
#define IAPP_ORDER_H

#include "iapp/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the owner signs and what consumption is kept under; "0x" and 64 digits. PARSE. */
IAPP_MUST bool iapp_order_hash(char hash[67], const char *kind, const char *order_json,
                               uint64_t chain_id, const char *hub, iapp_error *e);
/* The order with its signature (65 bytes r, s, v; low s), as JSON (iapp_free). key: 32 bytes of
 * secp256k1, read and not kept. */
IAPP_MUST bool iapp_order_sign(char **out, const char *kind, const char *order_json,
                               uint64_t chain_id, const char *hub, const unsigned char key[32],
                               iapp_error *e);
/* Who signed it: "0x" and 40 digits, checksummed. Whether that is the owner is for the caller (the
 * ledger knows). CRYPTO for a signature that is none; presigned and contract orders have none. */
IAPP_MUST bool iapp_order_signer(char address[43], const char *kind, const char *order_json,
                                 uint64_t chain_id, const char *hub, iapp_error *e);

#ifdef __cplusplus
}
#endif

#endif
