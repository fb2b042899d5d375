/* JSON over the client, and the words in which services refuse. */
#include <stdio.h>
#include <string.h>

#include "http/client.h"

/* For answers that name no class of ours. */
static ia_code class_of(int status)
{
  static const struct {
    int status;
    ia_code code;
  } rows[] = {
      {400, IA_E_INVALID},     {401, IA_E_UNAUTHORIZED}, {403, IA_E_FORBIDDEN},
      {404, IA_E_NOT_FOUND},   {405, IA_E_METHOD},       {409, IA_E_EXISTS},
      {413, IA_E_TOO_LARGE},   {416, IA_E_RANGE},        {429, IA_E_BUSY},
      {501, IA_E_UNSUPPORTED}, {503, IA_E_UNAVAILABLE},  {504, IA_E_TIMEOUT},
      {507, IA_E_DISK_FULL},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++)
    if (rows[i].status == status)
      return rows[i].code;
  return status >= 500 ? IA_E_UNAVAILABLE : IA_E_INVALID;
}

static const char *text_at(const json_t *o, const char *key)
{
  const char *s = json_string_value(json_object_get(o, key));

  return s ? s : "";
}

static ia_code named_class(const char *name, ia_code otherwise)
{
  ia_code named = ia_code_from_name(name);

  return named != IA_E_INTERNAL || strcmp(name, "INTERNAL") == 0 ? named : otherwise;
}

bool ia_http_refused(const ia_http_answer *a, const char *what, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&a->body), 0, NULL);
  const json_t *error = json_object_get(v, "error");
  ia_code code = class_of(a->status);
  const char *message = "", *hint = NULL;

  if (json_is_object(error)) { /* our own services, and our ipfs */
    code = named_class(text_at(error, "code"), code);
    message = text_at(error, "message");
    hint = text_at(error, "hint");
  } else if (json_is_string(error)) { /* the market */
    code = named_class(text_at(v, "code"), code);
    message = json_string_value(error);
    hint = text_at(v, "hint");
  } else if (json_is_string(json_object_get(v, "Message"))) { /* IPFS */
    message = text_at(v, "Message");
  }
  if (*message)
    (void)ia_fail(e, code, "%s: %s", what, message);
  else
    (void)ia_fail(e, code, "%s: status %d", what, a->status);
  if (hint && *hint)
    (void)ia_hint(e, "%s", hint);
  return false;
}

/* Path of the URL without query, for messages. */
static void route_of(char *out, size_t size, const char *method, const char *url)
{
  const char *host = strstr(url, "://");
  const char *path = host ? strchr(host + 3, '/') : url;
  size_t n = path ? strcspn(path, "?#") : 0;

  (void)snprintf(out, size, "%s %.*s", method, (int)(n < 80 ? n : 80), path ? path : "/");
}

bool ia_http_json_call(ia_http *h, json_t **out, const ia_http_call *call, const json_t *body,
                       ia_err *e)
{
  static const char type[] = "Content-Type: application/json";
  const char *headers[18] = {"Accept: application/json"};
  size_t n = 1;
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTOV(ia_http_answer) a = {0};
  ia_http_call c = *call;
  char what[120];

  if (out)
    *out = NULL;
  if (!c.method)
    c.method = body ? "POST" : "GET";
  for (size_t i = 0; c.headers && c.headers[i]; i++) {
    if (n + 2 >= IA_COUNT(headers))
      return ia_fail(e, IA_E_INTERNAL, "too many header fields");
    headers[n++] = c.headers[i];
  }
  if (body && !ia_json_write(&text, body, e))
    return false;
  if (body)
    headers[n++] = type;
  headers[n] = NULL;
  c.headers = headers;
  c.body = ia_buf_view(&text);
  if (!ia_http_do(h, &a, &c, e))
    return false;
  route_of(what, sizeof(what), c.method, c.url);
  if (a.status >= 400 || a.status < 200)
    return ia_http_refused(&a, what, e);
  if (a.status >= 300)
    return ia_fail(e, IA_E_INVALID, "%s: a redirect, which is not followed", what);
  if (!out || a.body.len == 0)
    return true;
  *out = ia_json_parse(ia_buf_view(&a.body), IA_JSON_ANY, e);
  if (!*out)
    return ia_wrap(e, "%s", what);
  return true;
}

bool ia_http_json(ia_http *h, json_t **out, const char *method, const char *url, const json_t *body,
                  ia_err *e)
{
  ia_http_call c = {.method = method, .url = url};

  return ia_http_json_call(h, out, &c, body, e);
}
