/* Result keys of a wallet, in HOME/keys: one file a key, its private half sealed under the wallet
 * (client/sealed.h). Results do not name their key, so a reader tries them all. */
#ifndef IA_CLIENT_RESULT_KEYS_H
#define IA_CLIENT_RESULT_KEYS_H

#include "client/wallet.h"
#include "crypto/rsa.h"
#include "data/stream.h"

enum {
  IA_RESULT_KEY_BITS = 3072,
  IA_LOGS_MAX = 8 << 20, /* bytes of a task's logs, as JSON */
};

/* Makes a key, stores it and appends its public PEM, which the owner then pushes to the SMS. */
IA_MUST bool ia_result_key_make(ia_buf *public_pem, const char *home, const ia_wallet *w,
                                ia_err *e);
/* Appends the public PEM of the newest key of this wallet; NOT_FOUND when there is none. Needs no
 * password. */
IA_MUST bool ia_result_key_newest(ia_buf *public_pem, const char *home, const ia_addr *owner,
                                  ia_err *e);
/* Appends the private PEM of the same key; private_pem is marked secret by the caller. */
IA_MUST bool ia_result_key_private(ia_buf *private_pem, const char *home, const ia_wallet *w,
                                   ia_err *e);
/* What the plain bytes must be: a wrong key may pass RSA and AES padding by chance. */
typedef enum ia_sealed_kind { IA_SEALED_ARCHIVE, IA_SEALED_LOGS } ia_sealed_kind;
/* Opens what was sealed for the wallet with whichever of its keys fits, newest first, and writes
 * the plain bytes to a descriptor (truncated before each try). RESULT_UNREADABLE. */
IA_MUST bool ia_result_keys_open(int fd, const ia_blob *sealed, ia_sealed_kind kind,
                                 const char *home, const ia_wallet *w, ia_err *e);

#endif
