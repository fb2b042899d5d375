/* Growable bytes. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

static size_t cap_of(const ia_buf *b)
{
  return b->cap ? b->cap : IA_BUF_CAP;
}

void ia_buf_free(ia_buf *b)
{
  if (!b)
    return;
  if (b->secret && b->ptr)
    explicit_bzero(b->ptr, b->room);
  free(b->ptr);
  *b = (ia_buf){.cap = b->cap, .secret = b->secret};
}

void ia_buf_clear(ia_buf *b)
{
  if (b->secret && b->ptr)
    explicit_bzero(b->ptr, b->room);
  b->len = 0;
  b->bad = false;
}

/* realloc would leave copies of a secret behind, so secret buffers move by hand. */
static uint8_t *grow(ia_buf *b, size_t room)
{
  if (!b->secret)
    return realloc(b->ptr, room);
  uint8_t *p = malloc(room);
  if (!p)
    return NULL;
  if (b->ptr) {
    memcpy(p, b->ptr, b->len);
    explicit_bzero(b->ptr, b->room);
    free(b->ptr);
  }
  return p;
}

uint8_t *ia_buf_reserve(ia_buf *b, size_t n)
{
  size_t need;

  if (b->bad)
    return NULL;
  if (!ia_add(b->len, n, &need) || need > cap_of(b)) {
    b->bad = true;
    return NULL;
  }
  if (need > b->room || !b->ptr) {
    size_t room = b->room ? b->room : 64;

    while (room < need)
      room *= 2; /* need <= cap, far below SIZE_MAX / 2 */
    uint8_t *p = grow(b, room);
    if (!p) {
      b->bad = true;
      return NULL;
    }
    b->ptr = p;
    b->room = room;
  }
  return b->ptr + b->len;
}

void ia_buf_put(ia_buf *b, const void *p, size_t n)
{
  uint8_t *at = ia_buf_reserve(b, n);

  if (!at || n == 0)
    return;
  memcpy(at, p, n);
  b->len += n;
}

void ia_buf_span(ia_buf *b, ia_span s)
{
  ia_buf_put(b, s.ptr, s.len);
}

void ia_buf_str(ia_buf *b, const char *text)
{
  ia_buf_put(b, text, strlen(text));
}

void ia_buf_printf(ia_buf *b, const char *fmt, ...)
{
  va_list ap;

  va_start(ap, fmt);
  int n = vsnprintf(NULL, 0, fmt, ap);
  va_end(ap);
  if (n < 0) {
    b->bad = true;
    return;
  }
  uint8_t *at = ia_buf_reserve(b, (size_t)n + 1);
  if (!at)
    return;
  va_start(ap, fmt);
  (void)vsnprintf((char *)at, (size_t)n + 1, fmt, ap);
  va_end(ap);
  b->len += (size_t)n;
}

static void put_be(ia_buf *b, uint64_t v, size_t n)
{
  uint8_t t[8];

  for (size_t i = 0; i < n; i++)
    t[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
  ia_buf_put(b, t, n);
}

static void put_le(ia_buf *b, uint64_t v, size_t n)
{
  uint8_t t[8];

  for (size_t i = 0; i < n; i++)
    t[i] = (uint8_t)(v >> (8 * i));
  ia_buf_put(b, t, n);
}

void ia_buf_u8(ia_buf *b, uint8_t v)
{
  ia_buf_put(b, &v, 1);
}

void ia_buf_u16be(ia_buf *b, uint16_t v)
{
  put_be(b, v, 2);
}

void ia_buf_u32be(ia_buf *b, uint32_t v)
{
  put_be(b, v, 4);
}

void ia_buf_u64be(ia_buf *b, uint64_t v)
{
  put_be(b, v, 8);
}

void ia_buf_u16le(ia_buf *b, uint16_t v)
{
  put_le(b, v, 2);
}

void ia_buf_u32le(ia_buf *b, uint32_t v)
{
  put_le(b, v, 4);
}

void ia_buf_u64le(ia_buf *b, uint64_t v)
{
  put_le(b, v, 8);
}

void ia_buf_zero(ia_buf *b, size_t n)
{
  uint8_t *at = ia_buf_reserve(b, n);

  if (!at || n == 0)
    return;
  memset(at, 0, n);
  b->len += n;
}

void ia_buf_lp(ia_buf *b, ia_span x)
{
  if (x.len > UINT32_MAX) {
    b->bad = true;
    return;
  }
  ia_buf_u32be(b, (uint32_t)x.len);
  ia_buf_span(b, x);
}

void ia_buf_lp_str(ia_buf *b, const char *text)
{
  ia_buf_lp(b, ia_span_str(text));
}

void ia_buf_utf8(ia_buf *b, uint32_t c)
{
  if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
    c = 0xfffd;
  if (c < 0x80) {
    ia_buf_u8(b, (uint8_t)c);
    return;
  }
  if (c < 0x800) {
    ia_buf_u8(b, (uint8_t)(0xc0 | c >> 6));
  } else {
    if (c < 0x10000) {
      ia_buf_u8(b, (uint8_t)(0xe0 | c >> 12));
    } else {
      ia_buf_u8(b, (uint8_t)(0xf0 | c >> 18));
      ia_buf_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
    }
    ia_buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
  }
  ia_buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
}

bool ia_buf_ok(const ia_buf *b, ia_err *e)
{
  if (!b->bad)
    return true;
  return ia_fail(e, IA_E_TOO_LARGE, "more than %zu bytes (or no memory)", cap_of(b));
}

char *ia_buf_text(ia_buf *b)
{
  ia_buf_u8(b, 0);
  if (b->bad)
    return NULL;
  char *text = (char *)b->ptr;
  b->ptr = NULL;
  b->len = b->room = 0;
  return text;
}

void ia_buf_lossy(ia_buf *b, ia_span bytes)
{
  while (bytes.len > 0) {
    bool valid;
    size_t n = ia_utf8_next(bytes, &valid);

    if (valid)
      ia_buf_put(b, bytes.ptr, n);
    else
      ia_buf_utf8(b, 0xfffd);
    bytes = ia_span_of(bytes.ptr + n, bytes.len - n);
  }
}
