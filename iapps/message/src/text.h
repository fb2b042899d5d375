/* Texts: UTF-8, base64. */
#ifndef MESSAGE_TEXT_H
#define MESSAGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes of the character at p (at most n are there) and its code point; 0 where it is no UTF-8
 * (RFC 3629: no overlong forms, no surrogates). */
size_t text_char(uint32_t *point, const char *p, size_t n);
bool text_is_utf8(const char *p, size_t n);
/* Length as JavaScript counts it, which is what web3mail's limits are in. */
size_t text_utf16_units(const char *p, size_t n);
void text_put_char(FILE *out, uint32_t point);

/* Lines of at most `line` characters (a multiple of 4), each but the last ended by CRLF; 0: one. */
void text_put_base64(FILE *out, const void *p, size_t n, size_t line);
/* Standard alphabet with padding, nothing else. False when it is none or is not exactly `want`
 * bytes. */
bool text_get_base64(uint8_t *out, size_t want, const char *text);

#endif
