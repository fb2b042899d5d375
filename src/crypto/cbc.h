/* AES-256-CBC with PKCS#7 padding, streaming. */
#ifndef IA_CRYPTO_CBC_H
#define IA_CRYPTO_CBC_H

#include "base/buf.h"
#include "base/secret.h"

typedef struct ia_cbc ia_cbc;
typedef enum ia_cbc_way { IA_CBC_DECRYPT = 0, IA_CBC_ENCRYPT = 1 } ia_cbc_way;

/* key: 32 bytes (BAD_KEY otherwise). */
IA_MUST bool ia_cbc_new(ia_cbc **out, ia_cbc_way way, ia_span key, const uint8_t iv[16], ia_err *e);
void ia_cbc_free(ia_cbc *c); /* NULL is fine */
IA_DEFINE_AUTO(ia_cbc, ia_cbc_free)
/* Appends what is ready, at most in.len + 16 bytes. */
IA_MUST bool ia_cbc_update(ia_cbc *c, ia_buf *out, ia_span in, ia_err *e);
/* Appends the rest. When decrypting: BAD_LENGTH for no whole blocks, BAD_PADDING. */
IA_MUST bool ia_cbc_final(ia_cbc *c, ia_buf *out, ia_err *e);

#endif
