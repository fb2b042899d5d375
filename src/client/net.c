/* URLs of an installation's services. */
#include "client/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { URL_CAP = 4096 };

bool ia_net_url(ia_buf *out, const char *base, const char *what, ia_err *e, const char *path, ...)
{
  char text[URL_CAP];
  va_list ap;

  if (!base)
    return ia_fail(e, IA_E_UNAVAILABLE, "no address of the %s is known", what);
  va_start(ap, path);
  int n = vsnprintf(text, sizeof(text), path, ap);
  va_end(ap);
  if (n < 0 || (size_t)n >= sizeof(text))
    return ia_fail(e, IA_E_TOO_LARGE, "address of the %s is too long", what);
  size_t len = strlen(base);
  while (len > 0 && base[len - 1] == '/')
    len--;
  ia_buf_clear(out);
  ia_buf_put(out, base, len);
  ia_buf_str(out, text);
  ia_buf_u8(out, 0);
  return ia_buf_ok(out, e);
}
