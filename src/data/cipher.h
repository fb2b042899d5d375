/* The cipher of protected data: 16 bytes of IV, then AES-256-CBC with PKCS#7. There is no MAC: the
 * SHA-256 of the whole (IV included) that stands on the ledger is the only integrity, so it is
 * compared before anything is decrypted. */
#ifndef IA_DATA_CIPHER_H
#define IA_DATA_CIPHER_H

#include "base/secret.h"
#include "base/types.h"
#include "data/stream.h"

enum { IA_DATA_KEY = 32, IA_DATA_IV = 16 };

/* Standard base64 of exactly 32 bytes (44 characters): BAD_KEY. */
IA_MUST bool ia_data_key_parse(ia_secret *key, ia_span base64, ia_err *e);

/* Encrypts what is written to it. */
typedef struct ia_data_writer ia_data_writer;
/* iv: 16 bytes, or NULL for random ones. Writes the IV at once. */
IA_MUST bool ia_data_writer_new(ia_data_writer **out, ia_sink to, const ia_secret *key,
                                const uint8_t *iv, ia_err *e);
void ia_data_writer_free(ia_data_writer *w);
IA_DEFINE_AUTO(ia_data_writer, ia_data_writer_free)
ia_sink ia_data_writer_sink(ia_data_writer *w);
/* Ends the stream: checksum over all that was written out, and its size. Either may be NULL. */
IA_MUST bool ia_data_writer_end(ia_data_writer *w, ia_h256 *checksum, uint64_t *size, ia_err *e);

/* Decrypts, in two passes: first the checksum (BAD_CHECKSUM; NULL: not compared), then the bytes.
 * BAD_LENGTH, BAD_PADDING. What was written before a failure is to be thrown away. */
IA_MUST bool ia_data_decrypt(ia_sink to, const ia_blob *sealed, const ia_secret *key,
                             const ia_h256 *checksum, ia_err *e);
IA_MUST bool ia_blob_sha256(ia_h256 *out, const ia_blob *b, ia_err *e);
/* The checksum when it is not NULL, and whether this can be an IV and whole blocks. */
IA_MUST bool ia_data_sealed_check(const ia_blob *sealed, const ia_h256 *checksum, ia_err *e);

/* The plain bytes where they are read, in memory that does not depend on their size. Checked at
 * opening as by ia_data_decrypt; sealed must stay as it is and outlive the view. One thread. */
typedef struct ia_data_view ia_data_view;
IA_MUST bool ia_data_view_open(ia_data_view **out, const ia_blob *sealed, const ia_secret *key,
                               const ia_h256 *checksum, ia_err *e);
void ia_data_view_free(ia_data_view *v); /* NULL is fine */
IA_DEFINE_AUTO(ia_data_view, ia_data_view_free)
ia_blob ia_data_view_blob(ia_data_view *v); /* lives as long as the view */

#endif
