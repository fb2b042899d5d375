/* Foreign text made fit for people's eyes: what reaches a terminal or a log goes through here.
 * A format string is trusted, the strings that fill it are not: no value writes a line end, a
 * terminal's command, or a character that hides or reorders its neighbours.
 *
 * Escapes: \n \r \t \\ ; \xNN for other control bytes and for bytes that are not UTF-8; \uNNNN and
 * \UNNNNNNNN for the other characters of ia_hidden_char. Decoding is unambiguous. A blank after a
 * blank is \x20 (\uNNNN), so that no value pads itself to the next line of a terminal. */
#ifndef IA_BASE_SHOW_H
#define IA_BASE_SHOW_H

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

/* Controls (C0, DEL, C1), line and paragraph separators, format characters (bidirectional controls,
 * zero-width, tags, ..), characters that are drawn as nothing, noncharacters. */
bool ia_hidden_char(uint32_t c);
/* One character of UTF-8 at s: its bytes (1 to 4) and code point; 0 where none stands. */
size_t ia_utf8_char(ia_span s, uint32_t *c);
/* True where s is valid UTF-8 without a hidden character. */
bool ia_is_plain_text(ia_span s);

/* A value: on one line. */
void ia_show_value(ia_buf *out, ia_span text);
/* Text of several lines: new lines, tabs, blanks and backslashes stay. */
void ia_show_text(ia_buf *out, ia_span text);
/* JSON text: hidden characters become the \u escapes of JSON, which mean the same. */
void ia_show_json(ia_buf *out, ia_span json);

/* printf whose strings are shown as values; a conversion between quotes ("\"%s\"") escapes quotes
 * too. A NULL string is "-". Conversions: d i u x X o c s p f g e and %. */
void ia_show_printf(ia_buf *out, const char *fmt, ...) IA_PRINTF(2, 3);
void ia_show_vprintf(ia_buf *out, const char *fmt, va_list ap) IA_PRINTF(2, 0);
/* The same for "key=%s" pairs of a log: a value that is empty or has anything but plain ASCII
 * without blanks, quotes, '=' and '\' stands in quotes; at most IA_SHOW_PAIR_MAX bytes of it. */
enum { IA_SHOW_PAIR_MAX = 1024 };
void ia_show_vpairs(ia_buf *out, const char *fmt, va_list ap) IA_PRINTF(2, 0);

/* To a file. Nothing is written where memory does not suffice. */
void ia_print(FILE *f, const char *fmt, ...) IA_PRINTF(2, 3);
void ia_vprint(FILE *f, const char *fmt, va_list ap) IA_PRINTF(2, 0);

#endif
