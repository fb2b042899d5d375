/* Protected values as plain files, for apps in any language: a folder that mirrors the archive, one
 * file a value, without final newline: true/false, decimal, shortest number text, the bytes. */
#ifndef IA_DATA_PLAIN_H
#define IA_DATA_PLAIN_H

#include "data/reader.h"

/* Type of a value told from its bytes: exactly a Borsh string: string; 1 byte 0 or 1: bool; 8 bytes
 * that are a usual number (0 or 10^-30 .. 10^30): f64; 16 bytes of an integer below 2^96: i128;
 * anything else: bytes. Values of the first format (v0) are their own text. */
ia_type ia_plain_type(const ia_zip *zip, const ia_zip_entry *entry);

/* Writes the values under dir (an empty, private folder): files 0444, folders 0755. schema: the
 * parsed schema object, or NULL (types are then told from the bytes). TOO_LARGE before anything is
 * written when they need more than `budget` bytes. After a failure the folder is empty again. */
struct json_t;
IA_MUST bool ia_plain_write(int dir, const ia_zip *zip, const struct json_t *schema,
                            uint64_t budget, ia_err *e);

#endif
