/* Amounts and times as people write them. */
#ifndef IA_CLI_PARSE_H
#define IA_CLI_PARSE_H

#include <stdint.h>

#include "base/err.h"

/* "0.5RLC", "0.5 rlc", "100nRLC"; a bare number is nRLC (10^-9 RLC). At most 9 decimals. */
IA_MUST bool ia_parse_amount(uint64_t *nrlc, const char *text, ia_err *e);
/* A date 2026-12-31, a time 2026-12-31T12:00:00Z, a span from now (30m, 12h, 7d, 4w), or Unix
 * seconds. Spans and dates: now is Unix seconds; a date ends at its last second (UTC). USAGE, also
 * for a time that is not after now. */
IA_MUST bool ia_parse_until(uint64_t *unix_seconds, const char *text, uint64_t now, ia_err *e);

typedef struct ia_amount_text {
  char s[40];
} ia_amount_text;
ia_amount_text ia_amount(uint64_t nrlc); /* "0.5 RLC", "0 RLC" */

#endif
