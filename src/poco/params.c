/* Deal params. */
#include "poco/params.h"

#include "base/size.h"

static bool wrong(const char *key, const char *want, ia_err *e)
{
  return ia_fail(e, IA_E_PARAMS_INVALID, "params.%s: want %s", key, want);
}

static bool text(const char **out, const json_t *root, const char *key, ia_err *e)
{
  const json_t *v = json_object_get(root, key);

  *out = "";
  if (!v || json_is_null(v))
    return true;
  if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
    return wrong(key, "text", e);
  *out = json_string_value(v);
  return true;
}

static bool files(const json_t **out, const json_t *root, ia_err *e)
{
  const json_t *v = json_object_get(root, "iexec_input_files"), *item;
  size_t i;

  *out = NULL;
  if (!v || json_is_null(v))
    return true;
  if (!json_is_array(v) || json_array_size(v) > IA_PARAMS_FILES_MAX)
    return wrong("iexec_input_files", "an array of at most 100 addresses", e);
  json_array_foreach (v, i, item)
    if (!json_is_string(item))
      return wrong("iexec_input_files", "an array of texts", e);
  *out = v;
  return true;
}

/* "1", "2", ...: no sign, no leading zero, at most 9 digits */
static bool is_index(const char *s)
{
  size_t n = strspn(s, "0123456789");

  return n > 0 && n <= 9 && s[n] == '\0' && s[0] != '0';
}

static bool secrets(const json_t **out, const json_t *root, ia_err *e)
{
  json_t *v = json_object_get(root, "iexec_secrets"), *name;
  const char *key;

  *out = NULL;
  if (!v || json_is_null(v))
    return true;
  if (!json_is_object(v) || json_object_size(v) > IA_PARAMS_SECRETS_MAX)
    return wrong("iexec_secrets", "an object {\"1\":name,..} of at most 100 names", e);
  json_object_foreach (v, key, name)
    if (!is_index(key) || !json_is_string(name))
      return wrong("iexec_secrets", "an object {\"1\":name,..}", e);
  *out = v;
  return true;
}

static bool encryption(bool *out, const json_t *root, ia_err *e)
{
  const json_t *v = json_object_get(root, "iexec_result_encryption");

  *out = false;
  if (!v || json_is_null(v))
    return true;
  if (!json_is_boolean(v))
    return wrong("iexec_result_encryption", "true or false", e);
  *out = json_is_true(v);
  return true;
}

/* A number of bytes, or a size as people write it. */
static bool memory(uint64_t *out, const json_t *root, ia_err *e)
{
  const json_t *v = json_object_get(root, "iapp_memory");
  ia_err why = {0};
  bool ok = false;

  *out = 0;
  if (!v || json_is_null(v))
    return true;
  if (json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v)) {
    ok = ia_app_memory_parse(out, json_string_value(v), &why);
  } else if (json_is_integer(v) && json_integer_value(v) >= 0) {
    *out = (uint64_t)json_integer_value(v);
    ok = ia_app_memory_check(*out, &why);
  } else {
    return wrong("iapp_memory", "a number of bytes, or a text as \"2G\"", e);
  }
  return ok || ia_fail(e, IA_E_PARAMS_INVALID, "params.iapp_memory: %s", why.msg);
}

static bool read_all(ia_params *p, ia_err *e)
{
  return text(&p->args, p->root, "iexec_args", e) && files(&p->files, p->root, e) &&
         encryption(&p->encrypt, p->root, e) &&
         text(&p->storage, p->root, "iexec_result_storage_provider", e) &&
         text(&p->proxy, p->root, "iexec_result_storage_proxy", e) &&
         secrets(&p->secrets, p->root, e) && text(&p->bulk_cid, p->root, "bulk_cid", e) &&
         text(&p->purpose, p->root, "iapp_purpose", e) && memory(&p->memory, p->root, e);
}

static bool begins_with_brace(ia_span s)
{
  while (s.len > 0 && (*s.ptr == ' ' || *s.ptr == '\t' || *s.ptr == '\n' || *s.ptr == '\r')) {
    s.ptr++;
    s.len--;
  }
  return s.len > 0 && *s.ptr == '{';
}

bool ia_params_parse(ia_params *out, ia_span in, ia_err *e)
{
  IA_AUTOV(ia_params) p = {0};

  if (in.len > IA_PARAMS_CAP)
    return ia_fail(e, IA_E_PARAMS_INVALID, "params: %zu bytes; the limit is %d", in.len,
                   IA_PARAMS_CAP);
  if (begins_with_brace(in)) {
    ia_err why;

    p.root = ia_json_parse(in, 0, &why);
    if (!p.root)
      return ia_fail(e, IA_E_PARAMS_INVALID, "params: %s", why.msg);
  } else {
    if (!ia_utf8_valid(in) || memchr(in.ptr ? in.ptr : (const uint8_t *)"", 0, in.len))
      return ia_fail(e, IA_E_PARAMS_INVALID, "params: not text");
    p.root = json_pack("{s:s%}", "iexec_args", in.ptr ? (const char *)in.ptr : "", in.len);
    if (!p.root)
      return ia_fail(e, IA_E_MEMORY, "no memory for params");
  }
  if (!read_all(&p, e))
    return false;
  *out = p;
  p = (ia_params){0};
  return true;
}

void ia_params_free(ia_params *p)
{
  if (!p)
    return;
  json_decref(p->root);
  memset(p, 0, sizeof(*p));
}
