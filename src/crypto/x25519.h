/* X25519 (RFC 7748). */
#ifndef IA_CRYPTO_X25519_H
#define IA_CRYPTO_X25519_H

#include "base/err.h"
#include "base/secret.h"

IA_MUST bool ia_x25519_public(uint8_t out[32], const ia_secret *key, ia_err *e);
/* The shared point; an all-zero one is refused (CRYPTO). */
IA_MUST bool ia_x25519(uint8_t shared[32], const ia_secret *key, const uint8_t peer[32], ia_err *e);

#endif
