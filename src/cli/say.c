/* What the command line says: answers, what surrounds them, progress. */
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/frame.h"

enum { STEP_MS = 100 }; /* at most 10 updates a second */

static bool terminal(FILE *f)
{
  int fd = fileno(f);

  return fd >= 0 && isatty(fd);
}

void ia_cli_settle(ia_cli *c)
{
  if (c->step_open)
    fprintf(c->io.err, "\r\033[K");
  c->step_open = false;
}

void ia_cli_out(ia_cli *c, const char *fmt, ...)
{
  va_list ap;

  if (c->json)
    return;
  ia_cli_settle(c);
  va_start(ap, fmt);
  (void)vfprintf(c->io.out, fmt, ap);
  va_end(ap);
  (void)fputc('\n', c->io.out);
}

void ia_cli_out_bytes(ia_cli *c, ia_span bytes)
{
  if (c->json)
    return;
  ia_cli_settle(c);
  (void)fwrite(bytes.ptr, 1, bytes.len, c->io.out);
}

void ia_cli_say(ia_cli *c, const char *fmt, ...)
{
  va_list ap;

  if (c->json || c->quiet)
    return;
  ia_cli_settle(c);
  va_start(ap, fmt);
  (void)vfprintf(c->io.out, fmt, ap);
  va_end(ap);
  (void)fputc('\n', c->io.out);
}

void ia_cli_warn(ia_cli *c, const char *fmt, ...)
{
  va_list ap;

  ia_cli_settle(c);
  (void)fputs("warning: ", c->io.err);
  va_start(ap, fmt);
  (void)vfprintf(c->io.err, fmt, ap);
  va_end(ap);
  (void)fputc('\n', c->io.err);
}

void ia_cli_step(ia_cli *c, const char *fmt, ...)
{
  bool tty = terminal(c->io.err);
  uint64_t now = ia_mono_ms();
  va_list ap;

  if (c->json || c->quiet || (tty && c->step_open && now - c->last_step_ms < STEP_MS))
    return;
  if (tty)
    (void)fputs("\r\033[K", c->io.err);
  va_start(ap, fmt);
  (void)vfprintf(c->io.err, fmt, ap);
  va_end(ap);
  if (!tty)
    (void)fputc('\n', c->io.err);
  (void)fflush(c->io.err);
  c->step_open = tty;
  c->last_step_ms = now;
}

bool ia_cli_json(ia_cli *c, json_t *v, ia_err *e)
{
  IA_AUTO_JSON *own = v;
  IA_AUTOV(ia_buf) text = {0};

  if (!own)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!c->json)
    return true;
  ia_cli_settle(c);
  if (!ia_json_write(&text, own, e))
    return false;
  if (fwrite(text.ptr, 1, text.len, c->io.out) != text.len || fputc('\n', c->io.out) == EOF ||
      fflush(c->io.out) != 0)
    return ia_fail_errno(e, "writing to stdout");
  return true;
}
