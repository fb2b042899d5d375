/* The bytes of a request as they come: its head, and a body in chunks. Strict where RFC 9112 leaves
 * a choice, so that no other reader can see another request in the same bytes: lines end with CRLF,
 * nothing is folded, no byte is a control byte, a chunk has neither extension nor trailer. Pure. */
#ifndef IA_HTTP_HEAD_H
#define IA_HTTP_HEAD_H

#include "http/fields.h"

enum { IA_HEAD_MAX = 16 << 10, IA_FIELDS_MAX = 100 };

typedef enum ia_scan { IA_SCAN_MORE, IA_SCAN_END, IA_SCAN_BAD } ia_scan;

/* Looks at the bytes from *at on; *at moves behind what was looked at. END: the head is the first
 * *at bytes. BAD: no further byte can make it a head that we take. */
ia_scan ia_head_scan(ia_span bytes, size_t *at);

/* Spans point into the bytes that were parsed; values are without the blanks around them. */
typedef struct ia_head {
  ia_span method, target;
  unsigned minor; /* of HTTP/1.x */
  size_t n_fields;
  ia_field fields[IA_FIELDS_MAX];
} ia_head;
/* head: what ia_head_scan ended. INVALID also for what ia_front_check refuses. */
IA_MUST bool ia_head_parse(ia_head *h, ia_span head, ia_err *e);
/* First field of that name, any case; "" when absent. */
ia_span ia_head_field(const ia_head *h, const char *name);
/* Whether a list field ("Connection") names that word. */
bool ia_head_lists(const ia_head *h, const char *name, const char *word);

/* A body in chunks. */
typedef struct ia_chunks {
  uint64_t left; /* bytes of the chunk that are still to come */
  unsigned digits, ends;
  bool last, in_data;
} ia_chunks;
/* Takes bytes from *in until there is a piece of body, which *out then is (END with *out empty: the
 * body is whole; MORE: nothing is left of *in). */
ia_scan ia_chunks_take(ia_chunks *c, ia_span *in, ia_span *out);

#endif
