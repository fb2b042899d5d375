/* Times as people read them. Pure: no clock is read here. */
#ifndef IA_BASE_DATE_H
#define IA_BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/span.h"

typedef struct ia_text32 {
  char s[32];
} ia_text32;
ia_text32 ia_rfc3339(uint64_t unix_seconds);                         /* 2026-05-31T12:00:00Z */
ia_text32 ia_rfc3339_ms(uint64_t unix_ms);                           /* 2026-05-31T12:00:00.123Z */
IA_MUST bool ia_rfc3339_parse(uint64_t *unix_seconds, ia_span text); /* the Z form, seconds only */

#endif
