/* Sizes of memory as people write them, and how much memory an app may have. */
#ifndef IA_BASE_SIZE_H
#define IA_BASE_SIZE_H

#include <stdint.h>

#include "base/err.h"

#define IA_APP_MEMORY     ((uint64_t)1 << 30) /* of an app that states nothing */
#define IA_APP_MEMORY_MIN ((uint64_t)32 << 20)
#define IA_APP_MEMORY_MAX ((uint64_t)1 << 40)

/* "512M", "1.5 GiB", "2g": powers of 1024, at most three decimals; a number without a unit counts
 * bytes. INVALID. */
IA_MUST bool ia_size_parse(uint64_t *bytes, const char *text, ia_err *e);
/* The same, for the memory of an app: INVALID beside IA_APP_MEMORY_MIN and IA_APP_MEMORY_MAX, with
 * both limits. */
IA_MUST bool ia_app_memory_parse(uint64_t *bytes, const char *text, ia_err *e);
IA_MUST bool ia_app_memory_check(uint64_t bytes, ia_err *e);

typedef struct ia_size_text {
  char s[32];
} ia_size_text;
/* "2 GiB", "1536 MiB", "1000 bytes": the largest unit without a remainder. */
ia_size_text ia_size_show(uint64_t bytes);

#endif
