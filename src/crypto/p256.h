/* ECDSA on P-256 with SHA-256 (FIPS 186-4), signatures raw r || s, public keys raw x || y. */
#ifndef IA_CRYPTO_P256_H
#define IA_CRYPTO_P256_H

#include "base/buf.h"
#include "base/secret.h"

/* A private key. */
typedef struct ia_p256 ia_p256;
void ia_p256_free(ia_p256 *k); /* NULL is fine */
IA_DEFINE_AUTO(ia_p256, ia_p256_free)

IA_MUST bool ia_p256_generate(ia_p256 **out, ia_err *e);
/* PKCS#8 or SEC1 PEM, unencrypted. */
IA_MUST bool ia_p256_read_pem(ia_p256 **out, ia_span pem, ia_err *e);
IA_MUST bool ia_p256_write_pem(ia_buf *out, const ia_p256 *k, ia_err *e); /* PKCS#8; mark secret */
IA_MUST bool ia_p256_public(uint8_t out[64], const ia_p256 *k, ia_err *e);
/* The libcrypto EVP_PKEY, borrowed, for building X.509 certificates. */
struct evp_pkey_st *ia_p256_evp(const ia_p256 *k);

/* Over SHA-256 of the message. */
IA_MUST bool ia_p256_sign(uint8_t sig[64], const ia_p256 *k, ia_span message, ia_err *e);
/* A point off the curve or a signature that does not fit: INVALID. */
IA_MUST bool ia_p256_verify(const uint8_t public_key[64], ia_span message, const uint8_t sig[64],
                            ia_err *e);

#endif
