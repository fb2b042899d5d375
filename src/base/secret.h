/* Secrets: locked, not dumped, wiped. ia_secret owns bytes in their own pages; there is no
 * formatter for it and it never becomes part of a log line or an error. */
#ifndef IA_BASE_SECRET_H
#define IA_BASE_SECRET_H

#include "base/err.h"
#include "base/span.h"

typedef struct ia_secret {
  uint8_t *ptr;
  size_t len;
} ia_secret;

/* Zeroed bytes; mlock'ed where the limit allows, MADV_DONTDUMP and MADV_WIPEONFORK always. */
IA_MUST bool ia_secret_new(ia_secret *s, size_t len, ia_err *e);
IA_MUST bool ia_secret_copy(ia_secret *s, ia_span from, ia_err *e);
IA_MUST bool ia_secret_random(ia_secret *s, size_t len, ia_err *e);
void ia_secret_free(ia_secret *s); /* wipes; NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_secret, ia_secret_free)

static inline ia_span ia_secret_view(const ia_secret *s)
{
  return ia_span_of(s->ptr, s->len);
}

/* Equality whose time depends on n alone. */
static inline bool ia_ct_eq(const void *a, const void *b, size_t n)
{
  const uint8_t *x = a, *y = b;
  volatile uint8_t d = 0;

  for (size_t i = 0; i < n; i++)
    d = (uint8_t)(d | (x[i] ^ y[i]));
  return d == 0;
}

static inline void ia_wipe(void *p, size_t n)
{
  explicit_bzero(p, n);
}

/* Cleanup attribute for arrays of key bytes on the stack: `IA_WIPED uint8_t key[32];` */
#define IA_WIPE_FN(n)                                                                              \
  static inline void ia_wipe_##n(uint8_t(*p)[n])                                                   \
  {                                                                                                \
    explicit_bzero(*p, n);                                                                         \
  }
IA_WIPE_FN(32)
IA_WIPE_FN(48)
IA_WIPE_FN(64)
#define IA_WIPED(n) __attribute__((cleanup(ia_wipe_##n)))

/* Makes the process non-dumpable and unreadable to ptrace of the same uid. */
IA_MUST bool ia_process_harden(ia_err *e);

#endif
