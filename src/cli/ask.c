/* Questions and passwords. Nothing is asked without a terminal, with --json, or with --yes. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/owned.h"
#include "base/show.h"
#include "cli/frame.h"

enum { PASSWORD_MAX = 1024, PASSWORD_MIN = 8, LINE_MAX_BYTES = 4096 };

static bool may_ask(const ia_cli *c)
{
  return !c->json && !c->yes && isatty(fileno(c->io.in)) && isatty(fileno(c->io.err));
}

bool ia_cli_confirm(ia_cli *c, ia_err *e, const char *fmt, ...)
{
  char line[16] = "";
  va_list ap;

  if (c->yes)
    return true;
  va_start(ap, fmt);
  if (!may_ask(c)) {
    char question[160];

    if (vsnprintf(question, sizeof(question), fmt, ap) < 0)
      question[0] = '\0';
    va_end(ap);
    ia_fail(e, IA_E_USAGE, "this needs an answer: %s", question);
    return ia_hint(e, "add --yes");
  }
  ia_cli_settle(c);
  ia_vprint(c->io.err, fmt, ap);
  va_end(ap);
  ia_print(c->io.err, " [y/N] ");
  (void)fflush(c->io.err);
  if (fgets(line, sizeof(line), c->io.in) && (line[0] == 'y' || line[0] == 'Y'))
    return true;
  return ia_fail(e, IA_E_CANCELLED, "Operation cancelled");
}

bool ia_cli_ask(ia_cli *c, char **out, const char *question, const char *without, const char *flag,
                ia_err *e)
{
  char line[LINE_MAX_BYTES] = "";

  if (may_ask(c)) {
    ia_cli_settle(c);
    ia_print(c->io.err, "%s%s%s%s ", question, without ? " (" : "", without ? without : "",
             without ? ")" : "");
    (void)fflush(c->io.err);
    if (!fgets(line, sizeof(line), c->io.in))
      return ia_fail(e, IA_E_CANCELLED, "Operation cancelled");
    line[strcspn(line, "\r\n")] = '\0';
  }
  const char *text = line[0] ? line : without;
  if (!text) {
    ia_fail(e, IA_E_USAGE, "not given: %s", question);
    return ia_hint(e, "add --%s", flag);
  }
  *out = strdup(text);
  return *out || ia_fail(e, IA_E_MEMORY, "out of memory");
}

/* One line of a descriptor, without its end, in secret memory. */
static bool secret_line(ia_secret *out, int fd, const char *what, ia_err *e)
{
  IA_AUTOV(ia_secret) raw = {0};
  size_t n = 0;

  if (!ia_secret_new(&raw, PASSWORD_MAX, e))
    return false;
  while (n < raw.len) {
    ssize_t got = read(fd, raw.ptr + n, 1);

    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return ia_fail_errno(e, "reading %s", what);
    if (got == 0 || raw.ptr[n] == '\n')
      break;
    n++;
  }
  if (n > 0 && raw.ptr[n - 1] == '\r')
    n--;
  if (n == raw.len)
    return ia_fail(e, IA_E_TOO_LARGE, "%s is longer than %d bytes", what, PASSWORD_MAX - 1);
  if (n == 0)
    return ia_fail(e, IA_E_INVALID, "%s is empty", what);
  return ia_secret_copy(out, ia_span_of(raw.ptr, n), e);
}

static bool from_file(ia_secret *out, const char *path, const char *what, ia_err *e)
{
  ia_autoclose int fd = -1;

  return ia_file_open_private(&fd, path, e) && secret_line(out, fd, what, e);
}

/* On the terminal, without echo; the old mode comes back whatever happens. */
static bool from_terminal(ia_cli *c, ia_secret *out, const char *prompt, ia_err *e)
{
  int fd = fileno(c->io.in);
  struct termios old, silent;

  if (tcgetattr(fd, &old) != 0)
    return ia_fail_errno(e, "terminal");
  silent = old;
  silent.c_lflag &= ~(tcflag_t)ECHO;
  ia_cli_settle(c);
  ia_print(c->io.err, "%s: ", prompt);
  (void)fflush(c->io.err);
  (void)tcsetattr(fd, TCSAFLUSH, &silent);
  bool ok = secret_line(out, fd, prompt, e);
  (void)tcsetattr(fd, TCSAFLUSH, &old);
  ia_print(c->io.err, "\n");
  return ok;
}

static bool asked(ia_cli *c, ia_secret *out, const char *what, bool fresh, ia_err *e)
{
  IA_AUTOV(ia_secret) again = {0};

  if (!may_ask(c)) {
    ia_fail(e, IA_E_USAGE, "no password for %s", what);
    return ia_hint(e, "set IAPP_PASSWORD_FILE, or --password-file FILE");
  }
  char prompt[160];
  if (snprintf(prompt, sizeof(prompt), "Password of %.120s", what) < 0)
    return ia_fail(e, IA_E_INTERNAL, "prompt");
  if (!from_terminal(c, out, prompt, e))
    return false;
  if (!fresh)
    return true;
  if (!from_terminal(c, &again, "Once more", e))
    return false;
  if (again.len != out->len || !ia_ct_eq(again.ptr, out->ptr, out->len))
    return ia_fail(e, IA_E_INVALID, "the two passwords differ");
  return true;
}

bool ia_cli_password(ia_cli *c, ia_secret *out, const char *what, bool fresh, ia_err *e)
{
  const char *path = ia_cli_opt(c, "password-file");
  uint64_t fd = 0;
  bool ok;

  if (!path)
    path = getenv("IAPP_PASSWORD_FILE");
  if (!ia_cli_opt_u64(c, "password-fd", 0, &fd, e))
    return false;
  if (ia_cli_flag(c, "password-fd") && fd <= 1 << 20)
    ok = secret_line(out, (int)fd, "the password", e);
  else if (path && path[0])
    ok = from_file(out, path, "the password", e);
  else
    ok = asked(c, out, what, fresh, e);
  if (!ok)
    return false;
  if (fresh && out->len < PASSWORD_MIN)
    return ia_fail(e, IA_E_INVALID, "a password has at least %d characters", PASSWORD_MIN);
  return true;
}

bool ia_cli_secret(ia_cli *c, ia_secret *out, const char *what, const char *path, const char *flag,
                   ia_err *e)
{
  if (path)
    return from_file(out, path, what, e);
  if (!may_ask(c)) {
    ia_fail(e, IA_E_USAGE, "not given: %s", what);
    return ia_hint(e, "add --%s FILE", flag);
  }
  return from_terminal(c, out, what, e);
}
