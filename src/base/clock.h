/* Clocks. Times are Unix seconds UTC on the wire and RFC 3339 where people read. Pure layers take
 * the time as an argument and never include this. */
#ifndef IA_BASE_CLOCK_H
#define IA_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/span.h"

uint64_t ia_now(void);     /* Unix seconds */
uint64_t ia_now_ms(void);  /* Unix milliseconds */
uint64_t ia_mono_ms(void); /* CLOCK_BOOTTIME milliseconds: the host's wall clock does not move it */
uint64_t ia_mono_us(void);

typedef struct ia_text32 {
  char s[32];
} ia_text32;
ia_text32 ia_rfc3339(uint64_t unix_seconds);                         /* 2026-05-31T12:00:00Z */
ia_text32 ia_rfc3339_ms(uint64_t unix_ms);                           /* 2026-05-31T12:00:00.123Z */
IA_MUST bool ia_rfc3339_parse(uint64_t *unix_seconds, ia_span text); /* the Z form, seconds only */

#endif
