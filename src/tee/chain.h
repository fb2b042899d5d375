/* The three certificates of a quote: leaf, CA, root, all P-256 with ECDSA and SHA-256. Which root
 * is trusted and which extensions must stand is the caller's to judge. */
#ifndef IA_TEE_CHAIN_H
#define IA_TEE_CHAIN_H

#include "base/err.h"
#include "base/span.h"
#include "base/types.h"

typedef struct ia_chain3 ia_chain3;

/* Exactly three PEM certificates and white space, leaf first: CHAIN, QUOTE_SIZE. */
IA_MUST bool ia_chain3_read(ia_chain3 **out, ia_span pem, ia_err *e);
void ia_chain3_free(ia_chain3 *c); /* NULL is fine */
IA_DEFINE_AUTO(ia_chain3, ia_chain3_free)

/* SHA-256 of the root's DER. */
IA_MUST bool ia_chain3_root_digest(ia_h256 *out, const ia_chain3 *c, ia_err *e);
/* x || y of the leaf. */
IA_MUST bool ia_chain3_leaf_key(uint8_t out[64], const ia_chain3 *c, ia_err *e);
/* CHAIN unless every certificate is P-256, is signed by the next (the root by itself), is in force
 * at now (Unix seconds), and CA bits stand where they must. Extensions are not looked at. */
IA_MUST bool ia_chain3_verify(const ia_chain3 *c, uint64_t now, ia_err *e);
/* CHAIN when a certificate has a critical extension other than basic constraints, key usage, and
 * `allowed` (dotted OID, NULL = none). */
IA_MUST bool ia_chain3_critical_known(const ia_chain3 *c, const char *allowed, ia_err *e);
/* All three / the leaf have the extension, critical or not as told: CHAIN. */
IA_MUST bool ia_chain3_all_have(const ia_chain3 *c, const char *oid, bool critical, ia_err *e);
IA_MUST bool ia_chain3_leaf_has(const ia_chain3 *c, const char *oid, ia_err *e);

#endif
