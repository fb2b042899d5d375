/* Ed25519 (RFC 8032). Keys are raw: 32-byte seed, 32-byte public key. */
#ifndef IA_CRYPTO_ED25519_H
#define IA_CRYPTO_ED25519_H

#include "base/err.h"
#include "base/secret.h"

IA_MUST bool ia_ed25519_public(uint8_t out[32], const ia_secret *seed, ia_err *e);
IA_MUST bool ia_ed25519_sign(uint8_t sig[64], const ia_secret *seed, ia_span message, ia_err *e);
/* BAD_KEY for a point of small order, for which signatures can be made that fit every message, and
 * for one that is not written in its one way. Whoever takes a key to trust it asks this. */
IA_MUST bool ia_ed25519_key_check(const uint8_t public_key[32], ia_err *e);
/* A signature that does not fit: INVALID; a key that the check above refuses: BAD_KEY. */
IA_MUST bool ia_ed25519_verify(const uint8_t public_key[32], ia_span message, ia_span sig,
                               ia_err *e);

#endif
