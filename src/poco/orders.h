/* The four orders: EIP-712 hashes, signatures, JSON as market and SDK write it. */
#ifndef IA_POCO_ORDERS_H
#define IA_POCO_ORDERS_H

#include "base/json.h"
#include "crypto/secp.h"
#include "poco/types.h"

/* An order with the bytes that its spans point into. Zeroed = empty; may be moved, not copied. */
typedef struct ia_order_box {
  ia_order order;
  ia_buf store;
} ia_order_box;
void ia_order_box_free(ia_order_box *b);
IA_DEFINE_AUTO_VALUE(ia_order_box, ia_order_box_free)

/* Domain separator of a hub: name "iExecODB", version "5.0.0". */
void ia_order_separator(ia_h256 *out, uint64_t chain_id, const ia_addr *hub);
/* keccak256("\x19\x01" || separator || hashStruct): what the owner signs and what consumption and
 * presignature are kept under. `order` points at the struct of that kind. */
void ia_order_hash(ia_h256 *out, const ia_h256 *separator, ia_order_kind kind, const void *order);
/* The same of the OrderOperation {order, operation} (manageXOrder). */
void ia_order_op_hash(ia_h256 *out, const ia_h256 *separator, ia_order_kind kind, const void *order,
                      ia_order_operation operation);
/* EIP-712 encodeType of an order, "AppOrder(address app,...)". */
void ia_order_type(ia_buf *out, ia_order_kind kind);

/* Signs and puts the signature into the box. */
IA_MUST bool ia_order_sign(ia_order_box *box, const ia_secp *secp, const ia_h256 *separator,
                           const ia_secret *key, ia_err *e);
/* Puts these bytes as the order's signature (copied). */
IA_MUST bool ia_order_set_sign(ia_order_box *box, ia_span sign, ia_err *e);
/* Copies an order with what it borrows into a box of its own. */
IA_MUST bool ia_order_copy(ia_order_box *out, ia_order_kind kind, const void *order, ia_err *e);

/* "apporder", ... and what the market calls the collection: "apporders", ... */
const char *ia_order_kind_name(ia_order_kind kind);
/* Whose owner must sign: the asset's address; of a request order the requester herself. */
const ia_addr *ia_order_signer_of(ia_order_kind kind, const void *order);
const ia_u256 *ia_order_volume(ia_order_kind kind, const void *order);
const ia_span *ia_order_signature(ia_order_kind kind, const void *order);

/* How the owner of an order stands behind it. */
typedef enum ia_order_signing {
  IA_SIGNING_NONE = 0, /* never valid: what a zeroed struct holds */
  IA_SIGNING_KEY,      /* "signed": by her key, over the order's hash */
  IA_SIGNING_TX,       /* "presigned": by a transaction of hers; the order has no signature */
  IA_SIGNING_CONTRACT, /* "erc1271": her wallet is a contract, which the ledger asked */
} ia_order_signing;
const char *ia_order_signing_name(ia_order_signing s);
IA_MUST bool ia_order_signing_parse(ia_order_signing *out, const char *name);

/* Strict: every field of the kind once, nothing else ("sign" may be missing). Numbers: JSON
 * integers
 * >= 0 or decimal strings; addresses in any of the forms of eth/address.h; tag, salt, sign hex. */
IA_MUST bool ia_order_parse(ia_order_box *out, ia_order_kind kind, const json_t *in, ia_err *e);
IA_MUST bool ia_order_parse_text(ia_order_box *out, ia_order_kind kind, ia_span text, ia_err *e);

enum ia_order_json_flags {
  IA_ORDER_DECIMAL = 1, /* numbers as decimal strings (what the SDK posts), else JSON integers */
};
/* Checksummed addresses; integers beyond 2^63-1 become decimal strings whatever the flags. New
 * reference, NULL on failure. */
json_t *ia_order_json(ia_order_kind kind, const void *order, unsigned flags, ia_err *e);

#endif
