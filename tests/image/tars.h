/* Layers made in memory for tests: one call an entry, then applied to a temporary folder. */
#ifndef IA_TESTS_IMAGE_TARS_H
#define IA_TESTS_IMAGE_TARS_H

#include <stdio.h>
#include <string.h>

#include "crypto/sha.h"
#include "image/unpack.h"

static inline void tar_entry(ia_buf *b, char type, const char *path, const char *link,
                             unsigned mode, ia_span content)
{
  uint8_t h[512] = {0};
  unsigned sum = 0;

  (void)snprintf((char *)h, 100, "%s", path);
  (void)snprintf((char *)h + 100, 8, "%07o", mode & 07777777u);
  (void)snprintf((char *)h + 124, 12, "%011zo", content.len & 077777777777u);
  (void)snprintf((char *)h + 136, 12, "%011o", 1000);
  (void)snprintf((char *)h + 157, 100, "%s", link);
  h[156] = (uint8_t)type;
  memcpy(h + 257, "ustar\00000", 8);
  memset(h + 148, ' ', 8);
  for (size_t i = 0; i < sizeof(h); i++)
    sum += h[i];
  (void)snprintf((char *)h + 148, 8, "%06o", sum);
  ia_buf_put(b, h, sizeof(h));
  ia_buf_span(b, content);
  ia_buf_zero(b, -content.len & 511);
}

static inline void tar_file(ia_buf *b, const char *path, const char *text)
{
  tar_entry(b, '0', path, "", 0600, ia_span_str(text));
}

enum { TAR_PROGRAM_LEN = 64 + 56 };

/* The shortest thing that passes for a static ELF program of x86-64. */
static inline void program_bytes(uint8_t out[TAR_PROGRAM_LEN])
{
  static const uint8_t head[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

  memset(out, 0, TAR_PROGRAM_LEN);
  memcpy(out, head, sizeof(head));
  out[16] = 2;  /* executable */
  out[18] = 62; /* x86-64 */
  out[32] = 64; /* program headers: where, */
  out[54] = 56; /* how large, */
  out[56] = 1;  /* how many */
  out[64] = 1;  /* PT_LOAD */
}

static inline void tar_program(ia_buf *b, const char *path)
{
  uint8_t bytes[TAR_PROGRAM_LEN];

  program_bytes(bytes);
  tar_entry(b, '0', path, "", 0755, ia_span_of(bytes, sizeof(bytes)));
}

static inline void tar_end(ia_buf *b)
{
  ia_buf_zero(b, 1024);
}

typedef struct span_source {
  ia_span left;
} span_source;

static inline bool span_read(void *arg, void *buf, size_t room, size_t *n, ia_err *e IA_UNUSED)
{
  span_source *s = arg;

  *n = room < s->left.len ? room : s->left.len;
  *n = *n > 1000 ? 1000 : *n; /* small pieces */
  if (*n > 0)
    memcpy(buf, s->left.ptr, *n);
  s->left.ptr += *n;
  s->left.len -= *n;
  return true;
}

/* Applies stored bytes whose descriptor is right. */
static inline bool apply(int root, ia_span stored, const ia_oci_limits *limits, ia_err *e)
{
  ia_oci_desc d = {.kind = IA_OCI_LAYER, .size = stored.len};
  ia_oci_limits l = limits ? *limits : ia_oci_limits_default();
  span_source s = {stored};
  ia_oci_usage u = {0};

  ia_sha256(&d.digest, stored);
  return ia_oci_layer_apply(root, &d, NULL, span_read, &s, &l, &u, NULL, e);
}

#endif
