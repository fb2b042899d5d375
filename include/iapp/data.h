/* Protected data without a network: the archive, its cipher, its values. The formats are those of
 * the DataProtector packages: a zip with one Borsh-encoded entry a value, then 16 bytes of IV and
 * AES-256-CBC with PKCS#7 over it; the SHA-256 of the whole is what stands on the ledger. */
#ifndef IAPP_DATA_H
#define IAPP_DATA_H

#include "iapp/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Encrypts the values of a JSON object under a fresh key into a new file. What JSON lacks is
 * written
 * {"$i128":"1"}, {"$hex":"00ff"}, {"$f64":"1.5"}. *out (iapp_free):
 * {"schema":text,"checksum":"0x..","key":base64,"size":bytes}; the key is a secret.
 * BAD_INPUT_KEY, BAD_INPUT_TYPE, BAD_INPUT_UTF, NOT_FINITE, I128_RANGE, EXISTS, DISK_FULL. */
IAPP_MUST bool iapp_data_seal(char **out, const char *values_json, const char *sealed_path,
                              iapp_error *e);
/* Decrypts a file into a new plain archive. checksum: "0x" and 64 digits, compared before anything
 * is decrypted; NULL: not compared. BAD_KEY, BAD_CHECKSUM, BAD_LENGTH, BAD_PADDING, EXISTS. */
IAPP_MUST bool iapp_data_open(const char *sealed_path, const char *archive_path,
                              const char *key_base64, const char *checksum, iapp_error *e);
/* One value of a plain archive, as tagged JSON (iapp_free). path: "a.b.c". type: a name of the
 * schema, or NULL: a string where the bytes are exactly one, else bytes. NO_ENTRY, UNKNOWN_TYPE,
 * BAD_ZIP, ZIP_UNSAFE_NAME, ZIP_CORRUPT, ZIP_BOMB, BORSH_*. */
IAPP_MUST bool iapp_data_value(char **out, const char *archive_path, const char *path,
                               const char *type, iapp_error *e);

#ifdef __cplusplus
}
#endif

#endif
