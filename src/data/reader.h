/* Reading protected data: strict by default; --lenient reads as the npm deserializer does; --legacy
 * reads the first format (v0). Never part of a value: it is right or it is an error. */
#ifndef IA_DATA_READER_H
#define IA_DATA_READER_H

#include "data/borsh.h"
#include "data/zip.h"

enum ia_read_flags {
  IA_READ_LENIENT = 1, /* trailing bytes, odd booleans, texts of either format, any type name */
  IA_READ_LEGACY = 2,  /* strings are bare text */
};

typedef struct ia_value {
  ia_type type;
  bool boolean;  /* BOOL, BOOLEAN */
  double number; /* F64, NUMBER */
  ia_i128 i128;  /* I128 */
  ia_buf bytes;  /* STRING (valid UTF-8) and media types; wiped */
} ia_value;

void ia_value_free(ia_value *v);
IA_DEFINE_AUTO_VALUE(ia_value, ia_value_free)

/* The flags for ia_zip_open that fit these read flags. */
unsigned ia_read_zip_flags(unsigned flags);

/* path: "a.b.c" (lenient: slashes too). type: a name of the schema; NULL = a string where the bytes
 * are exactly one, else bytes. Without IA_READ_LEGACY a string that is no Borsh string but plain
 * text of the first format (UTF-8, no NUL among its first four bytes) is read as that.
 * NO_ENTRY, UNKNOWN_TYPE, BORSH_*, NOT_FINITE, LEGACY_NUMBER, TOO_LARGE beyond the cap of bytes. */
IA_MUST bool ia_read_value(ia_value *out, const ia_zip *zip, const char *path, const char *type,
                           unsigned flags, ia_err *e);
/* The entry of a path: NO_ENTRY for folders too. */
IA_MUST bool ia_read_find(const ia_zip_entry **out, const ia_zip *zip, const char *path,
                          unsigned flags, ia_err *e);
/* The same for one entry of the archive whose type is known. */
IA_MUST bool ia_read_entry(ia_value *out, const ia_zip *zip, const ia_zip_entry *entry,
                           ia_type type, unsigned flags, ia_err *e);

/* Tagged JSON: string, true, {"$f64":"1.5","le":"000000000000f83f"}, {"$i128":"1"}, {"$hex":".."}.
 */
struct json_t;
IA_MUST bool ia_value_json(struct json_t **out, const ia_value *v, ia_err *e);
/* As a plain file holds it: true/false, decimal, shortest number text, the bytes; no newline. */
IA_MUST bool ia_value_plain(ia_buf *out, const ia_value *v, ia_err *e);

#endif
