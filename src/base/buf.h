/* Owned, growable bytes with a hard cap. Writers never fail one by one: a buffer that meets its
 * cap (or no memory) turns bad, drops what follows, and ia_buf_ok says so once at the end. */
#ifndef IA_BASE_BUF_H
#define IA_BASE_BUF_H

#include "base/err.h"
#include "base/span.h"
#include "base/types.h"

typedef struct ia_buf {
  uint8_t *ptr;
  size_t len;
  size_t room;
  size_t cap; /* most bytes ever held; 0 = IA_BUF_CAP */
  bool bad;
  bool secret; /* wipe at growth and free */
} ia_buf;

enum { IA_BUF_CAP = 64 << 20 };

/* A zeroed ia_buf is an empty one. */
void ia_buf_free(ia_buf *b); /* NULL is fine; leaves an empty buffer */
IA_DEFINE_AUTO_VALUE(ia_buf, ia_buf_free)
void ia_buf_clear(ia_buf *b); /* keeps the memory */
/* Room for n more bytes at ptr + len; NULL when bad. The caller then adds to len. */
uint8_t *ia_buf_reserve(ia_buf *b, size_t n);
void ia_buf_put(ia_buf *b, const void *p, size_t n);
void ia_buf_span(ia_buf *b, ia_span s);
void ia_buf_str(ia_buf *b, const char *text);
void ia_buf_printf(ia_buf *b, const char *fmt, ...) IA_PRINTF(2, 3);
void ia_buf_u8(ia_buf *b, uint8_t v);
void ia_buf_u16be(ia_buf *b, uint16_t v);
void ia_buf_u32be(ia_buf *b, uint32_t v);
void ia_buf_u64be(ia_buf *b, uint64_t v);
void ia_buf_u16le(ia_buf *b, uint16_t v);
void ia_buf_u32le(ia_buf *b, uint32_t v);
void ia_buf_u64le(ia_buf *b, uint64_t v);
void ia_buf_zero(ia_buf *b, size_t n);
/* LP(x): u32 big-endian length, then x. */
void ia_buf_lp(ia_buf *b, ia_span x);
void ia_buf_lp_str(ia_buf *b, const char *text);
/* UTF-8 of a code point; of what is none, that of U+FFFD. */
/* Text: what is no UTF-8 is replaced by U+FFFD. */
void ia_buf_lossy(ia_buf *b, ia_span bytes);
void ia_buf_utf8(ia_buf *b, uint32_t c);
/* False with TOO_LARGE or MEMORY when something did not fit. */
IA_MUST bool ia_buf_ok(const ia_buf *b, ia_err *e);
/* The bytes as NUL-terminated text that the caller frees; NULL when bad. The buffer is emptied. */
char *ia_buf_text(ia_buf *b);

static inline ia_span ia_buf_view(const ia_buf *b)
{
  return ia_span_of(b->ptr, b->len);
}

#endif
