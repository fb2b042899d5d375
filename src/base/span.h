/* Borrowed bytes and cursor reading. A take that would run short returns false and changes
 * nothing. Integers on the wire are big-endian unless the name says le. */
#ifndef IA_BASE_SPAN_H
#define IA_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

typedef struct ia_span {
  const uint8_t *ptr;
  size_t len;
} ia_span;

static inline ia_span ia_span_of(const void *p, size_t n)
{
  return (ia_span){(const uint8_t *)p, n};
}

/* Of a NUL-terminated text, without the NUL. */
static inline ia_span ia_span_str(const char *s)
{
  return ia_span_of(s, strlen(s));
}

#define IA_SPAN_ARR(a) ia_span_of((a), sizeof(a))

static inline bool ia_span_eq(ia_span a, ia_span b)
{
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool ia_span_is(ia_span a, const char *literal)
{
  return ia_span_eq(a, ia_span_str(literal));
}

IA_MUST static inline bool ia_span_take(ia_span *in, size_t n, ia_span *out)
{
  if (in->len < n)
    return false;
  *out = ia_span_of(in->ptr, n);
  in->ptr += n;
  in->len -= n;
  return true;
}

/* Copies n bytes out. */
IA_MUST static inline bool ia_span_copy(ia_span *in, void *dst, size_t n)
{
  ia_span s;

  if (!ia_span_take(in, n, &s))
    return false;
  if (n > 0)
    memcpy(dst, s.ptr, n);
  return true;
}

IA_MUST bool ia_span_u8(ia_span *in, uint8_t *v);
IA_MUST bool ia_span_u16be(ia_span *in, uint16_t *v);
IA_MUST bool ia_span_u32be(ia_span *in, uint32_t *v);
IA_MUST bool ia_span_u64be(ia_span *in, uint64_t *v);
IA_MUST bool ia_span_u16le(ia_span *in, uint16_t *v);
IA_MUST bool ia_span_u32le(ia_span *in, uint32_t *v);
IA_MUST bool ia_span_u64le(ia_span *in, uint64_t *v);
/* LP(x): u32 big-endian length, then x. */
IA_MUST bool ia_span_lp(ia_span *in, ia_span *out);

/* Sums and products that report overflow. */
IA_MUST static inline bool ia_add(size_t a, size_t b, size_t *out)
{
  return !__builtin_add_overflow(a, b, out);
}

IA_MUST static inline bool ia_mul(size_t a, size_t b, size_t *out)
{
  return !__builtin_mul_overflow(a, b, out);
}

/* Strict UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool ia_utf8_valid(ia_span s);
/* Valid UTF-8 without control characters (below U+0020, U+007F). */
bool ia_text_is_plain(ia_span s);
/* Bytes at the beginning of s that are one character (*valid), or that no character begins with:
 * then as many as a decoder replaces by one U+FFFD (Unicode 3.9, maximal subparts). s is not empty.
 */
size_t ia_utf8_next(ia_span s, bool *valid);

#endif
