/* DSSE v1 envelopes with one signature, made by the secp256k1 key of a task's enclave: 65 bytes
 * r || s || v over SHA-256(PAE), keyid = address. */
#ifndef IA_RECEIPT_DSSE_H
#define IA_RECEIPT_DSSE_H

#include <jansson.h>

#include "base/buf.h"
#include "crypto/secp.h"

#define IA_DSSE_INTOTO "application/vnd.in-toto+json"

/* SHA-256("DSSEv1" SP len(type) SP type SP len(payload) SP payload). */
IA_MUST bool ia_dsse_digest(ia_h256 *out, const char *type, ia_span payload, ia_err *e);
/* {"payload":base64,"payloadType","signatures":[{"keyid":"0x..","sig":"0x.."}]} */
IA_MUST bool ia_dsse_sign(json_t **out, const char *type, ia_span payload, const ia_secp *secp,
                          const ia_secret *key, ia_err *e);
/* Appends the payload; signer is recovered from the signature and equal to the keyid. Exactly these
 * members: RECEIPT_FIELD, PARSE, INVALID. */
IA_MUST bool ia_dsse_open(ia_buf *payload, ia_addr *signer, const json_t *envelope,
                          const char *type, ia_err *e);
/* SHA-256 of the canonical JSON of an envelope: how a settlement names it. */
IA_MUST bool ia_dsse_hash(ia_h256 *out, const json_t *envelope, ia_err *e);

#endif
