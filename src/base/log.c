/* The log sink: the one piece of process-wide state besides libraries' own. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/show.h"

enum { LINE_CAP = 16 << 10 };

static struct log_sink {
  const char *role;
  ia_level most;
  bool journal;
} sink = {"iapp", IA_LOG_WARN, false};

void ia_log_init(const char *role, ia_level most)
{
  sink = (struct log_sink){role, most, getenv("JOURNAL_STREAM") != NULL};
}

static const char *level_word(ia_level level)
{
  switch (level) {
  case IA_LOG_ERROR: return "error";
  case IA_LOG_WARN: return "warn";
  case IA_LOG_INFO: return "info";
  case IA_LOG_DEBUG: return "debug";
  }
  return "?";
}

static void put_head(ia_buf *line, ia_level level, const char *event)
{
  if (sink.journal)
    ia_show_printf(line, "<%d>role=%s event=%s ", (int)level, sink.role, event);
  else
    ia_show_printf(line, "%s %s role=%s event=%s ", ia_rfc3339_ms(ia_now_ms()).s, level_word(level),
                   sink.role, event);
}

void ia_log(ia_level level, const char *event, const char *fmt, ...)
{
  IA_AUTOV(ia_buf) line = {.cap = LINE_CAP};
  va_list ap;

  if (level > sink.most)
    return;
  put_head(&line, level, event);
  va_start(ap, fmt);
  ia_show_vpairs(&line, fmt, ap);
  va_end(ap);
  if (line.bad) {
    ia_buf_clear(&line);
    put_head(&line, level, event);
  }
  ia_buf_u8(&line, '\n');
  /* in one piece: lines of several processes share a file */
  if (!line.bad)
    (void)fwrite(line.ptr, 1, line.len, stderr);
}
