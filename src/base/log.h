/* Log lines: one line, key=value, never a payload or a secret. To stderr with a <N> priority prefix
 * when journald reads it (JOURNAL_STREAM set), else with a UTC time stamp. */
#ifndef IA_BASE_LOG_H
#define IA_BASE_LOG_H

#include "base/attr.h"

typedef enum ia_level {
  IA_LOG_ERROR = 3,
  IA_LOG_WARN = 4,
  IA_LOG_INFO = 6,
  IA_LOG_DEBUG = 7
} ia_level;

/* Set once in main; role stands on every line. Default: warnings and worse. */
void ia_log_init(const char *role, ia_level most);
/* event: a fixed word or two ("task.leased"); then pairs, e.g. "task=%s worker=%s". Values are
 * escaped, and quoted where they hold more than plain ASCII (base/show.h): no value makes a pair or
 * a line. */
void ia_log(ia_level level, const char *event, const char *fmt, ...) IA_PRINTF(3, 4);

#endif
