/* Header fields and targets, without sockets: the front check, percent-decoding, byte ranges. */
#ifndef IA_HTTP_FIELDS_H
#define IA_HTTP_FIELDS_H

#include "base/buf.h"

typedef struct ia_field {
  ia_span name;
  ia_span value;
} ia_field;

/* The front check of a request. INVALID for: Content-Length together with Transfer-Encoding; a
 * Transfer-Encoding other than exactly "chunked"; a Content-Length that is not 1*19DIGIT; repeated
 * Content-Length, Transfer-Encoding, Host, Authorization, Content-Type, Origin, Sec-Fetch-Site or
 * Referer; names that are no token,
 * or control bytes in a value (RFC 9110 5.1, 5.5; RFC 9112 6.3); a target that does not start with
 * "/" or holds bytes outside printable ASCII. */
IA_MUST bool ia_front_check(ia_span target, const ia_field *fields, size_t n, ia_err *e);

/* False on a broken escape or an escaped NUL. plus: '+' means a blank (query strings). */
IA_MUST bool ia_percent_decode(ia_buf *out, ia_span text, bool plus);

/* RFC 9110 14: one byte range of a body of `size` bytes.
 * IA_RANGE_WHOLE: no field, not bytes, several ranges or not well formed: serve everything (200).
 * IA_RANGE_PART: serve [*from, *from + *n) (206). IA_RANGE_BAD: 416. */
typedef enum ia_range { IA_RANGE_WHOLE, IA_RANGE_PART, IA_RANGE_BAD } ia_range;
ia_range ia_range_parse(ia_span field, uint64_t size, uint64_t *from, uint64_t *n);

/* Any-case equality of ASCII text. */
bool ia_span_is_nocase(ia_span a, const char *literal);
/* Cuts blanks and tabs at both ends. */
ia_span ia_span_trim(ia_span s);

#endif
