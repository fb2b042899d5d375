/* Leaves of protected data in Borsh: bool 1 byte, f64 8 bytes, i128 16 bytes (two's complement),
 * string u32 length and UTF-8; all little-endian. And the texts of numbers. */
#ifndef IA_DATA_BORSH_H
#define IA_DATA_BORSH_H

#include "base/buf.h"
#include "data/type.h"

typedef struct ia_i128 {
  uint8_t le[16];
} ia_i128;

/* Decimal with an optional '-', no leading zeros. I128_RANGE outside -2^127 .. 2^127 - 1;
 * BAD_INPUT_TYPE when it is no decimal. */
IA_MUST bool ia_i128_parse(ia_i128 *out, ia_span text, ia_err *e);
typedef struct ia_text48 {
  char s[48];
} ia_text48;
ia_text48 ia_i128_text(const ia_i128 *v);

/* Shortest text that reads back, laid out as JavaScript's String(number) does; "NaN", "Infinity".
 */
ia_text48 ia_f64_text(double v);
/* The whole text as a finite decimal number: -?digits[.digits][e[+-]digits]. */
IA_MUST bool ia_f64_parse(double *out, ia_span text);
double ia_f64_le(const uint8_t le[8]);
void ia_f64_put(uint8_t le[8], double v);

/* Encoders; a double must be finite (NOT_FINITE), text valid UTF-8 (BAD_INPUT_UTF). */
void ia_borsh_put_bool(ia_buf *out, bool v);
IA_MUST bool ia_borsh_put_f64(ia_buf *out, double v, ia_err *e);
void ia_borsh_put_i128(ia_buf *out, const ia_i128 *v);
IA_MUST bool ia_borsh_put_string(ia_buf *out, ia_span utf8, ia_err *e);

/* Strict decoders of a whole leaf: BORSH_SHORT, BORSH_TRAILING, BORSH_BOOL, BORSH_UTF8, NOT_FINITE.
 */
IA_MUST bool ia_borsh_bool(bool *out, ia_span in, ia_err *e);
IA_MUST bool ia_borsh_f64(double *out, ia_span in, ia_err *e);
IA_MUST bool ia_borsh_i128(ia_i128 *out, ia_span in, ia_err *e);
IA_MUST bool ia_borsh_string(ia_span *out, ia_span in, ia_err *e); /* points into `in` */

#endif
