/* Hex and base64 of bytes. Constant-time in the data, so that keys may pass through. */
#ifndef IA_BASE_HEX_H
#define IA_BASE_HEX_H

#include "base/buf.h"

/* Lower-case hex; out has room for 2 * len + 1. */
void ia_hex(char *out, const void *p, size_t len);
/* "0x" + hex into a buffer. */
void ia_buf_hex0x(ia_buf *b, ia_span s);
/* Exactly n bytes from text of 2n digits with an optional 0x; any case. */
IA_MUST bool ia_unhex(void *out, size_t n, ia_span text);
/* Any number of bytes; digits must be even in number; "0x" optional; "" and "0x" give none. */
IA_MUST bool ia_unhex_buf(ia_buf *out, ia_span text);

/* Text forms in static-size boxes: `ia_hex_addr(a).s` lives until the end of the full expression.
 */
typedef struct ia_text43 {
  char s[43];
} ia_text43;
typedef struct ia_text67 {
  char s[67];
} ia_text67;
ia_text43
ia_addr_lower(const ia_addr *a); /* 0x + 40 lower-case digits; checksummed: eth/address.h */
ia_text67 ia_h256_text(const ia_h256 *h);             /* 0x + 64 digits */
IA_MUST bool ia_h256_parse(ia_h256 *h, ia_span text); /* needs 0x */

/* Standard base64 with padding. Decoding is strict (RFC 4648 4): padding and zero tail bits. */
void ia_buf_base64(ia_buf *b, ia_span s);
IA_MUST bool ia_unbase64(ia_buf *out, ia_span text);

#endif
