/* Clocks. Times are Unix seconds UTC on the wire and RFC 3339 where people read. Pure layers take
 * the time as an argument and never include this. */
#ifndef IA_BASE_CLOCK_H
#define IA_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/date.h"

uint64_t ia_now(void);     /* Unix seconds */
uint64_t ia_now_ms(void);  /* Unix milliseconds */
uint64_t ia_mono_ms(void); /* CLOCK_BOOTTIME milliseconds: the host's wall clock does not move it */
uint64_t ia_mono_us(void);

#endif
