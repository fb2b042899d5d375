/* AES-256-GCM (NIST SP 800-38D), 12-byte nonce, 16-byte tag after the ciphertext. */
#ifndef IA_CRYPTO_GCM_H
#define IA_CRYPTO_GCM_H

#include "base/buf.h"

enum { IA_GCM_TAG = 16, IA_GCM_NONCE = 12 };

/* Appends ciphertext || tag. key: 32 bytes. The caller never uses a nonce twice with one key. */
IA_MUST bool ia_gcm_seal(ia_buf *out, ia_span key, const uint8_t nonce[12], ia_span aad,
                         ia_span plain, ia_err *e);
/* Appends the plaintext; nothing is appended unless the tag fits (CRYPTO). Mark `out` secret when
 * the plaintext is. */
IA_MUST bool ia_gcm_open(ia_buf *out, ia_span key, const uint8_t nonce[12], ia_span aad,
                         ia_span sealed, ia_err *e);

#endif
