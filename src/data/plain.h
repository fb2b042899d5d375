/* Protected values as plain files, for apps in any language: a folder that mirrors the archive, one
 * file a value, without final newline: true/false, decimal, shortest number text, the bytes. */
#ifndef IA_DATA_PLAIN_H
#define IA_DATA_PLAIN_H

#include "data/reader.h"

/* Types of values: from a schema text where one is given, else told from the bytes: exactly a Borsh
 * string without NUL: string; 1 byte 0/1: bool; 8 bytes that are a usual number: f64; 16 bytes:
 * i128; anything else: the bytes as they are. Values of the first format (v0) are their own text.
 */
ia_type ia_plain_type(const ia_zip *zip, const ia_zip_entry *entry);

/* Writes the values under dir (an empty, private folder): files 0444, folders 0755. Returns false
 * with TOO_LARGE before anything is written when they need more than `budget` bytes. */
IA_MUST bool ia_plain_write(int dir, const ia_zip *zip, uint64_t budget, ia_err *e);

#endif
