/* JSON over jansson. */
#include "base/json.h"

#include "base/hex.h"

enum { DEPTH_MAX = 64 };

static bool depth_ok(const json_t *v, int depth)
{
  const char *key;
  json_t *child;
  size_t i;

  if (depth > DEPTH_MAX)
    return false;
  json_object_foreach ((json_t *)v, key, child)
    if (!depth_ok(child, depth + 1))
      return false;
  json_array_foreach (v, i, child)
    if (!depth_ok(child, depth + 1))
      return false;
  return true;
}

json_t *ia_json_parse(ia_span text, unsigned flags, ia_err *e)
{
  json_error_t je;
  size_t f = JSON_REJECT_DUPLICATES;

  if (flags & IA_JSON_ANY)
    f |= JSON_DECODE_ANY;
  if (flags & IA_JSON_ALLOW_NUL)
    f |= JSON_ALLOW_NUL;
  json_t *v = json_loadb((const char *)text.ptr, text.len, f, &je);
  if (!v) {
    (void)ia_fail(e, IA_E_PARSE, "JSON at byte %d: %s", je.position, je.text);
    return NULL;
  }
  if (!depth_ok(v, 0)) {
    json_decref(v);
    (void)ia_fail(e, IA_E_PARSE, "JSON nested deeper than %d", DEPTH_MAX);
    return NULL;
  }
  return v;
}

static int dump_to_buf(const char *p, size_t n, void *out)
{
  ia_buf_put(out, p, n);
  return 0;
}

bool ia_json_write(ia_buf *out, const json_t *v, ia_err *e)
{
  if (json_dump_callback(v, dump_to_buf, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
    return ia_fail(e, IA_E_INTERNAL, "JSON value cannot be written");
  return ia_buf_ok(out, e);
}

/* RFC 8785 3.2.3 sorts by UTF-16 code units. That differs from byte order only in that the
 * supplementary planes (lead byte >= F0, surrogates D800..DFFF) come before U+E000..U+FFFF (lead
 * bytes EE, EF). */
static int key_order(const void *pa, const void *pb)
{
  const unsigned char *a = *(const unsigned char *const *)pa;
  const unsigned char *b = *(const unsigned char *const *)pb;

  while (*a && *a == *b) {
    a++;
    b++;
  }
  if (*a >= 0xee && *b >= 0xee && (*a >= 0xf0) != (*b >= 0xf0))
    return *a >= 0xf0 ? -1 : 1;
  return (int)*a - (int)*b;
}

static bool canon(ia_buf *out, const json_t *v, ia_err *e);

static void canon_string(ia_buf *out, const json_t *v)
{
  const char *s = json_string_value(v);
  size_t n = json_string_length(v);

  ia_buf_u8(out, '"');
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    static const char shorts[] = "btn?fr"; /* 8 9 10 11 12 13 */

    if (c == '"' || c == '\\')
      ia_buf_printf(out, "\\%c", c);
    else if (c >= 8 && c <= 13 && c != 11)
      ia_buf_printf(out, "\\%c", shorts[c - 8]);
    else if (c < 0x20)
      ia_buf_printf(out, "\\u%04x", c);
    else
      ia_buf_u8(out, c);
  }
  ia_buf_u8(out, '"');
}

static bool canon_object(ia_buf *out, const json_t *v, ia_err *e)
{
  size_t n = json_object_size(v), i = 0;
  ia_autofree const char **keys = calloc(n + 1, sizeof(*keys));
  const char *key;
  json_t *child;

  if (!keys)
    return ia_fail(e, IA_E_MEMORY, "no memory for %zu keys", n);
  json_object_foreach ((json_t *)v, key, child)
    keys[i++] = key;
  qsort(keys, n, sizeof(*keys), key_order);
  ia_buf_u8(out, '{');
  for (i = 0; i < n; i++) {
    IA_AUTO_JSON *name = json_string_nocheck(keys[i]);

    if (i > 0)
      ia_buf_u8(out, ',');
    canon_string(out, name);
    ia_buf_u8(out, ':');
    if (!canon(out, json_object_get(v, keys[i]), e))
      return false;
  }
  ia_buf_u8(out, '}');
  return true;
}

static bool canon(ia_buf *out, const json_t *v, ia_err *e)
{
  json_t *child;
  size_t i;

  switch (json_typeof(v)) {
  case JSON_NULL: ia_buf_str(out, "null"); return true;
  case JSON_TRUE: ia_buf_str(out, "true"); return true;
  case JSON_FALSE: ia_buf_str(out, "false"); return true;
  case JSON_STRING: canon_string(out, v); return true;
  case JSON_OBJECT: return canon_object(out, v, e);
  case JSON_REAL: return ia_fail(e, IA_E_INVALID, "a fraction has no place in signed JSON");
  case JSON_INTEGER:
    /* RFC 8785 numbers are doubles: beyond 2^53 they would not survive another reader */
    if (json_integer_value(v) > 9007199254740991 || json_integer_value(v) < -9007199254740991)
      return ia_fail(e, IA_E_INVALID, "an integer beyond 2^53 must be a string in signed JSON");
    ia_buf_printf(out, "%lld", (long long)json_integer_value(v));
    return true;
  case JSON_ARRAY: break;
  }
  ia_buf_u8(out, '[');
  json_array_foreach (v, i, child) {
    if (i > 0)
      ia_buf_u8(out, ',');
    if (!canon(out, child, e))
      return false;
  }
  ia_buf_u8(out, ']');
  return true;
}

bool ia_json_canonical(ia_buf *out, const json_t *v, ia_err *e)
{
  return canon(out, v, e) && ia_buf_ok(out, e);
}

bool ia_json_set(json_t *obj, const char *key, json_t *value, ia_err *e)
{
  if (!value || json_object_set_new(obj, key, value) != 0)
    return ia_fail(e, IA_E_MEMORY, "no memory for JSON member %s", key);
  return true;
}

static json_t *from_buf(ia_buf *b)
{
  json_t *v = b->bad ? NULL : json_stringn_nocheck((const char *)b->ptr, b->len);

  ia_buf_free(b);
  return v;
}

json_t *ia_json_hex(ia_span bytes)
{
  ia_buf b = {0};

  ia_buf_hex0x(&b, bytes);
  return from_buf(&b);
}

json_t *ia_json_addr(const ia_addr *a)
{
  return ia_json_hex(IA_SPAN_ARR(a->b));
}

json_t *ia_json_h256(const ia_h256 *h)
{
  return ia_json_hex(IA_SPAN_ARR(h->b));
}

json_t *ia_json_base64(ia_span bytes)
{
  ia_buf b = {0};

  ia_buf_base64(&b, bytes);
  if (b.len == 0 && !b.bad)
    return json_string("");
  return from_buf(&b);
}

json_t *ia_json_bytes(ia_span utf8)
{
  return utf8.len == 0 ? json_string("") : json_stringn_nocheck((const char *)utf8.ptr, utf8.len);
}

json_t *ia_json_foreign(ia_span bytes)
{
  return ia_text_is_plain(bytes) ? ia_json_bytes(bytes)
                                 : json_pack("{s:o}", "hex", ia_json_hex(bytes));
}

json_t *ia_json_lossy(ia_span bytes)
{
  ia_buf b = {0};

  ia_buf_lossy(&b, bytes);
  if (b.len == 0 && !b.bad)
    return json_string("");
  return from_buf(&b);
}

bool ia_json_get_foreign(const json_t *obj, const char *key, ia_buf *out, ia_err *e)
{
  const json_t *v = json_object_get(obj, key);
  size_t before = out->len;

  if (json_is_string(v)) {
    ia_span text = ia_span_of(json_string_value(v), json_string_length(v));

    ia_buf_span(out, text);
    return (ia_text_is_plain(text) ||
            ia_fail(e, IA_E_PARSE, "\"%s\": a text with such bytes stands as {\"hex\"}", key)) &&
           ia_buf_ok(out, e);
  }
  if (!json_is_object(v) || json_object_size(v) != 1 || !ia_json_get_hex(v, "hex", out, NULL))
    return ia_fail(e, IA_E_PARSE, "\"%s\": want a text or {\"hex\":\"0x..\"}", key);
  return ((out->len > before &&
           !ia_text_is_plain(ia_span_of(out->ptr + before, out->len - before))) ||
          ia_fail(e, IA_E_PARSE, "\"%s\": plain text stands as a string", key)) &&
         ia_buf_ok(out, e);
}

bool ia_json_get_str(const json_t *obj, const char *key, const char **out, ia_err *e)
{
  const json_t *v = json_object_get(obj, key);

  if (!json_is_string(v))
    return ia_fail(e, IA_E_PARSE, "\"%s\": want a string", key);
  *out = json_string_value(v);
  return true;
}

bool ia_json_get_bool(const json_t *obj, const char *key, bool *out, ia_err *e)
{
  const json_t *v = json_object_get(obj, key);

  if (!json_is_boolean(v))
    return ia_fail(e, IA_E_PARSE, "\"%s\": want true or false", key);
  *out = json_is_true(v);
  return true;
}

static bool decimal(const char *s, uint64_t *out)
{
  uint64_t v = 0;

  if (!*s || (s[0] == '0' && s[1]))
    return false;
  for (; *s; s++) {
    if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, 10U, &v) ||
        __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
      return false;
  }
  *out = v;
  return true;
}

bool ia_json_get_u64(const json_t *obj, const char *key, uint64_t *out, ia_err *e)
{
  const json_t *v = json_object_get(obj, key);

  if (json_is_integer(v) && json_integer_value(v) >= 0) {
    *out = (uint64_t)json_integer_value(v);
    return true;
  }
  if (json_is_string(v) && decimal(json_string_value(v), out))
    return true;
  return ia_fail(e, IA_E_PARSE, "\"%s\": want a whole number that is not negative", key);
}

static ia_span text_of(const json_t *v)
{
  return ia_span_of(json_string_value(v), json_string_length(v));
}

bool ia_json_get_addr(const json_t *obj, const char *key, ia_addr *out, ia_err *e)
{
  const json_t *v = json_object_get(obj, key);

  if (!json_is_string(v) || json_string_length(v) != 42 ||
      strncmp(json_string_value(v), "0x", 2) != 0 || !ia_unhex(out->b, sizeof(out->b), text_of(v)))
    return ia_fail(e, IA_E_PARSE, "\"%s\": want an address (0x and 40 hex digits)", key);
  return true;
}

bool ia_json_get_h256(const json_t *obj, const char *key, ia_h256 *out, ia_err *e)
{
  const json_t *v = json_object_get(obj, key);

  if (!json_is_string(v) || !ia_h256_parse(out, text_of(v)))
    return ia_fail(e, IA_E_PARSE, "\"%s\": want 0x and 64 hex digits", key);
  return true;
}

bool ia_json_get_hex(const json_t *obj, const char *key, ia_buf *out, ia_err *e)
{
  const json_t *v = json_object_get(obj, key);

  if (!json_is_string(v) || strncmp(json_string_value(v), "0x", 2) != 0 ||
      !ia_unhex_buf(out, text_of(v)))
    return ia_fail(e, IA_E_PARSE, "\"%s\": want 0x and hex digits", key);
  return true;
}

bool ia_json_get_base64(const json_t *obj, const char *key, ia_buf *out, ia_err *e)
{
  const json_t *v = json_object_get(obj, key);

  if (!json_is_string(v) || !ia_unbase64(out, text_of(v)))
    return ia_fail(e, IA_E_PARSE, "\"%s\": want base64", key);
  return true;
}

bool ia_json_get_obj(const json_t *obj, const char *key, json_t **out, ia_err *e)
{
  *out = json_object_get(obj, key);
  if (!json_is_object(*out))
    return ia_fail(e, IA_E_PARSE, "\"%s\": want an object", key);
  return true;
}

bool ia_json_get_arr(const json_t *obj, const char *key, json_t **out, ia_err *e)
{
  *out = json_object_get(obj, key);
  if (!json_is_array(*out))
    return ia_fail(e, IA_E_PARSE, "\"%s\": want an array", key);
  return true;
}

bool ia_json_only(const json_t *obj, const char *const *keys, ia_err *e)
{
  const char *key;
  json_t *v;

  json_object_foreach ((json_t *)obj, key, v) {
    const char *const *k = keys;

    while (*k && strcmp(*k, key) != 0)
      k++;
    if (!*k)
      return ia_fail(e, IA_E_PARSE, "unknown member \"%.64s\"", key);
  }
  return true;
}
