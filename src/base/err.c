/* Error objects and the table of error classes. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"

static const struct code_row {
  const char *name;
  int exit_status;
  int http;
  const char *hint;
} rows[IA_E_COUNT] = {
    [IA_OK] = {"OK", 0, 200, ""},
#define IA_CODE(name, exit_status, http, hint) [IA_E_##name] = {#name, exit_status, http, hint},
#include "base/codes.def"
#undef IA_CODE
};

/* Cuts at a UTF-8 boundary: a message is shown to people and put into JSON. */
IA_PRINTF(3, 0) static void put(char *dst, size_t cap, const char *fmt, va_list ap)
{
  int n = vsnprintf(dst, cap, fmt, ap);

  if (n < 0)
    dst[0] = '\0';
  if (n < 0 || (size_t)n < cap)
    return;
  size_t i = cap - 1;
  while (i > 0 && ((unsigned char)dst[i - 1] & 0xc0) == 0x80)
    i--;
  if (i > 0 && (unsigned char)dst[i - 1] >= 0xc0)
    i--;
  if (cap - 1 - i < 4)
    dst[i] = '\0';
}

IA_PRINTF(3, 4) static void putf(char *dst, size_t cap, const char *fmt, ...)
{
  va_list ap;

  va_start(ap, fmt);
  put(dst, cap, fmt, ap);
  va_end(ap);
}

bool ia_fail(ia_err *e, ia_code code, const char *fmt, ...)
{
  va_list ap;

  if (!e)
    return false;
  e->code = code;
  va_start(ap, fmt);
  put(e->msg, sizeof(e->msg), fmt, ap);
  va_end(ap);
  putf(e->hint, sizeof(e->hint), "%s", rows[code].hint);
  return false;
}

bool ia_fail_errno(ia_err *e, const char *fmt, ...)
{
  int err = errno;
  char text[160];
  va_list ap;

  va_start(ap, fmt);
  put(text, sizeof(text), fmt, ap);
  va_end(ap);
  ia_code code = err == ENOSPC || err == EDQUOT ? IA_E_DISK_FULL
                 : err == ENOENT                ? IA_E_NOT_FOUND
                 : err == EEXIST                ? IA_E_EXISTS
                 : err == ENOMEM                ? IA_E_MEMORY
                                                : IA_E_IO;
  return ia_fail(e, code, "%s: %s", text, strerror(err));
}

bool ia_wrap(ia_err *e, const char *fmt, ...)
{
  char old[sizeof(e->msg)];
  char text[sizeof(e->msg)];
  va_list ap;

  if (!e)
    return false;
  memcpy(old, e->msg, sizeof(old));
  va_start(ap, fmt);
  put(text, sizeof(text), fmt, ap);
  va_end(ap);
  putf(e->msg, sizeof(e->msg), "%s: %s", text, old);
  return false;
}

bool ia_hint(ia_err *e, const char *fmt, ...)
{
  va_list ap;

  if (!e)
    return false;
  va_start(ap, fmt);
  put(e->hint, sizeof(e->hint), fmt, ap);
  va_end(ap);
  return false;
}

static void put_utf8(char *dst, size_t cap, const char *src)
{
  static const char replacement[] = "\xef\xbf\xbd";
  ia_span in = ia_span_str(src);
  size_t len = 0;

  while (in.len > 0) {
    bool valid;
    size_t n = ia_utf8_next(in, &valid), put = valid ? n : sizeof(replacement) - 1;

    if (len + put >= cap)
      break;
    memcpy(dst + len, valid ? (const char *)in.ptr : replacement, put);
    len += put;
    in = ia_span_of(in.ptr + n, in.len - n);
  }
  dst[len] = '\0';
}

ia_err ia_err_utf8(const ia_err *e)
{
  ia_err out = {.code = e->code};

  put_utf8(out.msg, sizeof(out.msg), e->msg);
  put_utf8(out.hint, sizeof(out.hint), e->hint);
  return out;
}

const char *ia_code_name(ia_code code)
{
  return (unsigned)code < IA_E_COUNT ? rows[code].name : "INTERNAL";
}

int ia_code_exit(ia_code code)
{
  return (unsigned)code < IA_E_COUNT ? rows[code].exit_status : 1;
}

int ia_code_http(ia_code code)
{
  return (unsigned)code < IA_E_COUNT ? rows[code].http : 500;
}

ia_code ia_code_from_name(const char *name)
{
  for (unsigned i = 0; i < IA_E_COUNT; i++)
    if (strcmp(rows[i].name, name) == 0)
      return (ia_code)i;
  return IA_E_INTERNAL;
}
