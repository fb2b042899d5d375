/* JSON input of `iapp protect`: members, tags, and what the texts of other languages are told. */
#include <math.h>

#include "base/hex.h"
#include "base/json.h"
#include "data/node.h"

static ia_span text_of(const json_t *v)
{
  return ia_span_of(json_string_value(v), json_string_length(v));
}

static bool tag_i128(ia_node *folder, const char *key, const json_t *v, ia_err *e)
{
  ia_i128 n;

  if (!json_is_string(v))
    return ia_fail(e, IA_E_BAD_INPUT_TYPE, "%.64s: $i128 wants decimal text", key);
  if (!ia_i128_parse(&n, text_of(v), e))
    return ia_wrap(e, "%.64s", key);
  return ia_node_add_i128(folder, key, &n, e);
}

static bool tag_hex(ia_node *folder, const char *key, const json_t *v, ia_err *e)
{
  IA_AUTOV(ia_buf) bytes = {.secret = true};

  if (!json_is_string(v) || !ia_unhex_buf(&bytes, text_of(v)))
    return ia_fail(e, IA_E_BAD_INPUT_TYPE, "%.64s: $hex wants an even number of hex digits", key);
  return ia_node_add_bytes(folder, key, ia_buf_view(&bytes), e);
}

/* Text and, where it is there, the eight bytes, which must be the same number. */
static bool tag_f64(ia_node *folder, const char *key, const json_t *v, const json_t *le, ia_err *e)
{
  uint8_t bytes[8], mine[8];
  double n;

  if (!json_is_string(v) || (le && (!json_is_string(le) || !ia_unhex(bytes, 8, text_of(le)))))
    return ia_fail(e, IA_E_BAD_INPUT_TYPE, "%.64s: $f64 wants a number as text", key);
  if (!ia_f64_parse(&n, text_of(v))) {
    const char *s = json_string_value(v);

    s += *s == '-';
    bool words = strcmp(s, "NaN") == 0 || strcmp(s, "Infinity") == 0;
    return words || isinf(strtod(s, NULL))
               ? ia_fail(e, IA_E_NOT_FINITE, "Unsupported number value: infinity")
               : ia_fail(e, IA_E_BAD_INPUT_TYPE, "%.64s: $f64 wants a number as text", key);
  }
  ia_f64_put(mine, n);
  if (le && memcmp(mine, bytes, 8) != 0) {
    /* String(-0) is "0": the bytes then hold the sign */
    if (n != 0 || ia_f64_le(bytes) != 0)
      return ia_fail(e, IA_E_BAD_INPUT_TYPE, "%.64s: $f64 and its bytes differ", key);
    n = ia_f64_le(bytes);
  }
  return ia_node_add_f64(folder, key, n, e);
}

static bool add(ia_node *folder, const char *key, const json_t *v, ia_err *e);

static bool add_object(ia_node *folder, const char *key, const json_t *v, ia_err *e)
{
  const json_t *i128 = json_object_get(v, "$i128"), *hex = json_object_get(v, "$hex");
  const json_t *f64 = json_object_get(v, "$f64"), *le = json_object_get(v, "le");
  size_t n = json_object_size(v);
  ia_node *child;

  if (i128 && n == 1)
    return tag_i128(folder, key, i128, e);
  if (hex && n == 1)
    return tag_hex(folder, key, hex, e);
  if (f64 && (n == 1 || (n == 2 && le)))
    return tag_f64(folder, key, f64, le, e);
  return ia_node_add_folder(folder, &child, key, e) && ia_node_add_json(child, v, e);
}

static bool add(ia_node *folder, const char *key, const json_t *v, ia_err *e)
{
  switch (json_typeof(v)) {
  case JSON_OBJECT: return add_object(folder, key, v, e);
  case JSON_STRING: return ia_node_add_string(folder, key, text_of(v), e);
  case JSON_INTEGER: return ia_node_add_f64(folder, key, (double)json_integer_value(v), e);
  case JSON_REAL: return ia_node_add_f64(folder, key, json_real_value(v), e);
  case JSON_TRUE:
  case JSON_FALSE: return ia_node_add_bool(folder, key, json_is_true(v), e);
  case JSON_ARRAY:
    return ia_fail(e, IA_E_BAD_INPUT_TYPE, "data is not valid: Unsupported array data");
  case JSON_NULL: break;
  }
  return ia_fail(e, IA_E_BAD_INPUT_TYPE, "data is not valid: Unsupported null data");
}

bool ia_node_add_json(ia_node *folder, const json_t *object, ia_err *e)
{
  const char *key;
  json_t *v;

  json_object_foreach ((json_t *)object, key, v)
    if (!add(folder, key, v, e))
      return false;
  return true;
}

/* Words of JavaScript where JSON has a value. */
static const struct word {
  const char *text;
  ia_code code;
  const char *message;
} words[] = {
    {"undefined", IA_E_BAD_INPUT_TYPE, "data is not valid: Unsupported undefined data"},
    {"NaN", IA_E_NOT_FINITE, "Unsupported number value: infinity"},
    {"Infinity", IA_E_NOT_FINITE, "Unsupported number value: infinity"},
    {"new", IA_E_BAD_INPUT_TYPE, "data is not valid: Unsupported object data"},
    {"function", IA_E_BAD_INPUT_TYPE, "data is not valid: Unsupported function data"},
    {"Symbol", IA_E_BAD_INPUT_TYPE, "data is not valid: Unsupported symbol data"},
};

static bool letter(uint8_t c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The first such word outside of strings, in place of a value. */
static const struct word *foreign_word(ia_span in)
{
  bool quoted = false;

  for (size_t i = 0; i < in.len; i++) {
    uint8_t c = in.ptr[i];

    if (quoted && c == '\\')
      i++;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && letter(c)) {
      size_t from = i;

      while (i + 1 < in.len && letter(in.ptr[i + 1]))
        i++;
      for (size_t w = 0; w < IA_COUNT(words); w++)
        if (ia_span_is(ia_span_of(in.ptr + from, i + 1 - from), words[w].text))
          return &words[w];
    }
  }
  return NULL;
}

static bool refuse(ia_span text, const json_error_t *je, ia_err *e)
{
  const struct word *w = foreign_word(text);

  if (json_error_code(je) == json_error_numeric_overflow)
    return ia_fail(e, IA_E_NOT_FINITE, "Unsupported number value: infinity");
  if (strstr(je->text, "invalid Unicode"))
    return ia_fail(e, IA_E_BAD_INPUT_UTF, "half of a surrogate pair in a string, at byte %d",
                   je->position);
  if (w)
    return ia_fail(e, w->code, "%s", w->message);
  return ia_fail(e, IA_E_PARSE, "JSON at byte %d: %s", je->position, je->text);
}

bool ia_node_merge_json(ia_node *folder, ia_span text, ia_err *e)
{
  /* every number is a JavaScript number, however it is written */
  size_t flags =
      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
  json_error_t je;

  if (!ia_utf8_valid(text))
    return ia_fail(e, IA_E_BAD_INPUT_UTF, "the input is not valid UTF-8");
  IA_AUTO_JSON *v = json_loadb((const char *)text.ptr, text.len, flags, &je);
  if (!v)
    return refuse(text, &je, e);
  if (!json_is_object(v)) {
    const char *kind = json_is_null(v) ? "null" : json_is_array(v) ? "array" : "top-level";

    return ia_fail(e, IA_E_BAD_INPUT_TYPE, "data is not valid: Unsupported %s data", kind);
  }
  return ia_node_add_json(folder, v, e);
}

bool ia_node_from_json(ia_node **out, ia_span text, ia_err *e)
{
  IA_AUTO(ia_node) *top = NULL;

  if (!ia_node_new(&top, e) || !ia_node_merge_json(top, text, e))
    return false;
  *out = ia_steal(&top);
  return true;
}
