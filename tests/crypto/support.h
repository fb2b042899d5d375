/* Hex in and out of crypto and eth tests. */
#ifndef IA_TESTS_CRYPTO_SUPPORT_H
#define IA_TESTS_CRYPTO_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/secret.h"

static inline void from_hex(void *out, size_t n, const char *hex)
{
  assert_true(ia_unhex(out, n, ia_span_str(hex)));
}

/* Compares n = strlen(hex) / 2 bytes. */
static inline void assert_hex(const void *got, const char *hex)
{
  size_t n = strlen(hex) / 2;
  uint8_t *want = malloc(n);

  assert_non_null(want);
  from_hex(want, n, hex);
  assert_memory_equal(got, want, n);
  free(want);
}

/* Bytes first, first + 1, ... */
static inline void counting(uint8_t *out, size_t n, uint8_t first)
{
  for (size_t i = 0; i < n; i++)
    out[i] = (uint8_t)(first + i);
}

static inline ia_secret secret_of(const void *p, size_t n)
{
  ia_secret s = {0};

  assert_true(ia_secret_copy(&s, ia_span_of(p, n), NULL));
  return s;
}

/* A key of 32 equal bytes. */
static inline ia_secret key_of(uint8_t v)
{
  uint8_t raw[32];

  memset(raw, v, sizeof(raw));
  return secret_of(raw, sizeof(raw));
}

#endif
