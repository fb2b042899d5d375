/* HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869). */
#ifndef IA_CRYPTO_HKDF_H
#define IA_CRYPTO_HKDF_H

#include "base/err.h"
#include "base/span.h"

IA_MUST bool ia_hmac_sha256(uint8_t out[32], ia_span key, ia_span data, ia_err *e);
/* An empty salt is 32 zero bytes. */
IA_MUST bool ia_hkdf_extract(uint8_t prk[32], ia_span salt, ia_span ikm, ia_err *e);
/* len <= 255 * 32. */
IA_MUST bool ia_hkdf_expand(uint8_t *out, size_t len, const uint8_t prk[32], ia_span info,
                            ia_err *e);
/* Both. */
IA_MUST bool ia_hkdf(uint8_t *out, size_t len, ia_span salt, ia_span ikm, ia_span info, ia_err *e);

#endif
