/* The log sink: the one piece of process-wide state besides libraries' own. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

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

/* Escapes control bytes, so that a hostile name cannot forge a line or drive a terminal. */
static void escape(char *out, size_t cap, const char *in)
{
  size_t n = 0;

  for (; *in && n + 5 < cap; in++) {
    unsigned char c = (unsigned char)*in;

    if (c >= 0x20 && c != 0x7f) {
      out[n++] = (char)c;
      continue;
    }
    n += (size_t)snprintf(out + n, cap - n, "\\x%02x", c);
  }
  out[n] = '\0';
}

void ia_log(ia_level level, const char *event, const char *fmt, ...)
{
  char text[1024], safe[2048];
  va_list ap;

  if (level > sink.most)
    return;
  va_start(ap, fmt);
  (void)vsnprintf(text, sizeof(text), fmt, ap);
  va_end(ap);
  escape(safe, sizeof(safe), text);
  if (sink.journal)
    fprintf(stderr, "<%d>role=%s event=%s %s\n", (int)level, sink.role, event, safe);
  else
    fprintf(stderr, "%s %s role=%s event=%s %s\n", ia_rfc3339_ms(ia_now_ms()).s, level_word(level),
            sink.role, event, safe);
}
