/* Streaming reader of multipart/form-data (RFC 7578, RFC 2046 5.1): bytes in as they come, parts
 * out by callbacks; memory is bounded by one part header. Strict: CRLF line ends, no preamble but
 * CRLF, the closing delimiter is required. */
#ifndef IA_HTTP_MULTIPART_H
#define IA_HTTP_MULTIPART_H

#include "base/buf.h"

typedef struct ia_multipart ia_multipart;

typedef struct ia_part {
  char name[64];      /* of Content-Disposition; "" when none */
  char filename[256]; /* percent-decoded; "" when none */
  char type[128];     /* Content-Type; "" when none */
} ia_part;

/* A false return ends the reading with the callback's error. */
typedef struct ia_multipart_sink {
  bool (*begin)(void *ctx, const ia_part *p, ia_err *e);
  bool (*data)(void *ctx, ia_span bytes, ia_err *e);
  bool (*end)(void *ctx, ia_err *e); /* of a part */
  void *ctx;
} ia_multipart_sink;

/* content_type: the request's field; INVALID unless it is multipart/form-data with a boundary of 1
 * to 70 allowed bytes. At most max_parts parts (TOO_LARGE). */
IA_MUST bool ia_multipart_new(ia_multipart **out, ia_span content_type, size_t max_parts,
                              const ia_multipart_sink *sink, ia_err *e);
void ia_multipart_free(ia_multipart *m); /* NULL is fine */
IA_DEFINE_AUTO(ia_multipart, ia_multipart_free)
IA_MUST bool ia_multipart_feed(ia_multipart *m, ia_span bytes, ia_err *e);
/* PARSE unless the closing delimiter was seen. */
IA_MUST bool ia_multipart_finish(ia_multipart *m, ia_err *e);

#endif
