/* What the command line says: answers, what surrounds them, progress. This file and ask.c write to
 * the terminal, nothing else does: formats are ours, values are shown by base/show.h. */
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/show.h"
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
  ia_vprint(c->io.out, fmt, ap);
  va_end(ap);
  (void)fputc('\n', c->io.out);
}

/* Bytes at the end that begin a character and do not end it. */
static size_t open_tail(ia_span s)
{
  for (size_t back = 1; back <= 3 && back <= s.len; back++) {
    uint8_t b = s.ptr[s.len - back];

    if ((b & 0xc0) != 0x80)
      return (b >= 0xf0 ? 4U : b >= 0xe0 ? 3U : b >= 0xc0 ? 2U : 1U) > back ? back : 0;
  }
  return 0;
}

/* Chunks of a stream as text; a character that is cut between two of them waits for its end. */
static void show_chunk(ia_cli *c, ia_span bytes, bool last)
{
  IA_AUTOV(ia_buf) whole = {0}, shown = {0};

  ia_buf_put(&whole, c->tail, c->n_tail);
  ia_buf_span(&whole, bytes);
  c->n_tail = last ? 0 : open_tail(ia_buf_view(&whole));
  ia_show_text(&shown, ia_span_of(whole.ptr, whole.len - c->n_tail));
  if (!whole.bad && c->n_tail > 0)
    memcpy(c->tail, whole.ptr + whole.len - c->n_tail, c->n_tail);
  if (!whole.bad && !shown.bad && shown.len > 0)
    (void)fwrite(shown.ptr, 1, shown.len, c->io.out);
}

void ia_cli_out_bytes(ia_cli *c, ia_span bytes)
{
  if (c->json)
    return;
  ia_cli_settle(c);
  if (terminal(c->io.out) && !ia_cli_flag(c, "raw"))
    show_chunk(c, bytes, false);
  else
    (void)fwrite(bytes.ptr, 1, bytes.len, c->io.out);
}

void ia_cli_end_bytes(ia_cli *c)
{
  if (c->n_tail > 0)
    show_chunk(c, (ia_span){0}, true);
}

void ia_cli_say_text(ia_cli *c, const char *before, ia_span text)
{
  IA_AUTOV(ia_buf) shown = {0};

  if (c->json || c->quiet)
    return;
  ia_cli_settle(c);
  while (text.len > 0) {
    const uint8_t *end = memchr(text.ptr, '\n', text.len);
    size_t n = end ? (size_t)(end - text.ptr) : text.len;

    ia_buf_str(&shown, before);
    ia_show_text(&shown, ia_span_of(text.ptr, n));
    ia_buf_u8(&shown, '\n');
    n += end != NULL;
    text = ia_span_of(text.ptr + n, text.len - n);
  }
  if (!shown.bad && shown.len > 0)
    (void)fwrite(shown.ptr, 1, shown.len, c->io.out);
}

void ia_cli_say(ia_cli *c, const char *fmt, ...)
{
  va_list ap;

  if (c->json || c->quiet)
    return;
  ia_cli_settle(c);
  va_start(ap, fmt);
  ia_vprint(c->io.out, fmt, ap);
  va_end(ap);
  (void)fputc('\n', c->io.out);
}

void ia_cli_warn(ia_cli *c, const char *fmt, ...)
{
  va_list ap;

  ia_cli_settle(c);
  (void)fputs("warning: ", c->io.err);
  va_start(ap, fmt);
  ia_vprint(c->io.err, fmt, ap);
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
  ia_vprint(c->io.err, fmt, ap);
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
  IA_AUTOV(ia_buf) text = {0}, shown = {0};

  if (!own)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!c->json)
    return true;
  ia_cli_settle(c);
  if (!ia_json_write(&text, own, e))
    return false;
  ia_show_json(&shown, ia_buf_view(&text));
  if (!ia_buf_ok(&shown, e))
    return false;
  if (fwrite(shown.ptr, 1, shown.len, c->io.out) != shown.len || fputc('\n', c->io.out) == EOF ||
      fflush(c->io.out) != 0)
    return ia_fail_errno(e, "writing to stdout");
  return true;
}
