/* SHA-256, SHA-384 and SHA-512 (FIPS 180-4) over libcrypto. */
#ifndef IA_CRYPTO_SHA_H
#define IA_CRYPTO_SHA_H

#include "base/err.h"
#include "base/span.h"
#include "base/types.h"

typedef enum ia_sha_kind { IA_SHA256, IA_SHA384, IA_SHA512 } ia_sha_kind;

/* One-shot. A libcrypto that cannot hash ends the process: no caller could go on safely. */
void ia_sha256(ia_h256 *out, ia_span in);
void ia_sha384(uint8_t out[48], ia_span in);
void ia_sha512(uint8_t out[64], ia_span in);

/* Streaming. Updates never fail one by one; final reports. */
typedef struct ia_sha ia_sha;
IA_MUST bool ia_sha_new(ia_sha **out, ia_sha_kind kind, ia_err *e);
void ia_sha_free(ia_sha *s); /* NULL is fine */
IA_DEFINE_AUTO(ia_sha, ia_sha_free)
void ia_sha_update(ia_sha *s, ia_span in);
/* out has room for 32, 48 or 64 bytes by kind. The object then starts anew. */
IA_MUST bool ia_sha_final(ia_sha *s, uint8_t *out, ia_err *e);

#endif
