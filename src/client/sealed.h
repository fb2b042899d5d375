/* A person's secrets at rest: AES-256-GCM under HKDF-SHA256(wallet key, label), nonce in front, so
 * that what stands on disk opens with the wallet's password alone. */
#ifndef IA_CLIENT_SEALED_H
#define IA_CLIENT_SEALED_H

#include "client/wallet.h"

/* Appends nonce || ciphertext || tag. label: what the secret is for; another label does not open
 * it. */
IA_MUST bool ia_wallet_seal(ia_buf *out, const ia_wallet *w, const char *label, ia_span plain,
                            ia_err *e);
/* Appends the plain bytes; CRYPTO when wallet, label or bytes are others. Mark `out` secret. */
IA_MUST bool ia_wallet_unseal(ia_buf *out, const ia_wallet *w, const char *label, ia_span sealed,
                              ia_err *e);

#endif
