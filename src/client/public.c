/* The border of libiapp: errors and texts. */
#include "client/public.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"

IA_PUBLIC const char *iapp_version(void)
{
  return IA_VERSION;
}

IA_PUBLIC void iapp_free(char *text)
{
  if (text)
    ia_wipe(text, strlen(text));
  free(text);
}

bool ia_public(bool ok, const ia_err *from, iapp_error *to)
{
  if (ok || !to)
    return ok;
  (void)snprintf(to->code, sizeof(to->code), "%s", ia_code_name(from->code));
  (void)snprintf(to->message, sizeof(to->message), "%s", from->msg);
  (void)snprintf(to->hint, sizeof(to->hint), "%s", from->hint);
  return false;
}

bool ia_public_text(char **out, ia_span text, ia_err *e)
{
  if (text.len > 0 && memchr(text.ptr, 0, text.len))
    return ia_fail(e, IA_E_PARSE, "a text with a NUL byte");
  *out = strndup(text.len > 0 ? (const char *)text.ptr : "", text.len);
  return *out || ia_fail(e, IA_E_MEMORY, "out of memory");
}

bool ia_public_json(char **out, const json_t *v, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {.secret = true};

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  return ia_json_write(&text, v, e) && ia_public_text(out, ia_buf_view(&text), e);
}
