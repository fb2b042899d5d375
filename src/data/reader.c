/* Values of an archive. */
#include "data/reader.h"

#include <math.h>

#include "base/hex.h"
#include "base/json.h"
#include "data/lenient.h"

void ia_value_free(ia_value *v)
{
  if (v)
    ia_buf_free(&v->bytes);
}

unsigned ia_read_zip_flags(unsigned flags)
{
  return IA_ZIP_PROTECTED | (flags & IA_READ_LENIENT ? IA_ZIP_LENIENT : 0);
}

static bool no_entry(const char *path, ia_err *e)
{
  return ia_fail(e, IA_E_NO_ENTRY, "Failed to load path %.100s", path);
}

bool ia_read_find(const ia_zip_entry **out, const ia_zip *zip, const char *path, unsigned flags,
                  ia_err *e)
{
  ia_autofree char *name = strdup(path);

  if (!name)
    return ia_fail(e, IA_E_MEMORY, "no memory for a path");
  if (!(flags & IA_READ_LENIENT) && strchr(path, '/'))
    return no_entry(path, e);
  for (char *p = name; *p; p++)
    if (*p == '.')
      *p = '/';
  *out = ia_zip_find(zip, name);
  if (!*out || (*out)->folder)
    return no_entry(path, e);
  return true;
}

/* Text of the first format: nothing that could be the length field of a shorter Borsh string. */
static bool plain_text(ia_span in)
{
  size_t head = in.len < 4 ? in.len : 4;

  return in.len > 0 && !memchr(in.ptr, 0, head) && ia_utf8_valid(in);
}

static bool read_string(ia_value *v, ia_span in, unsigned flags, ia_err *e)
{
  ia_span text;

  if (flags & IA_READ_LEGACY)
    return ia_utf8_valid(in) ||
           ia_fail(e, IA_E_BORSH_UTF8, "string of the first format: not valid UTF-8");
  if (ia_borsh_string(&text, in, NULL)) {
    /* text is the tail of v->bytes: move it down */
    memmove(v->bytes.ptr, text.ptr, text.len);
    v->bytes.len = text.len;
    return true;
  }
  if (plain_text(in))
    return true;
  return ia_borsh_string(&text, in, e) ||
         ia_hint(e, "`--legacy` reads texts of the first format, `--lenient` what npm reads");
}

/* v0 numbers are String(safe integer), so decimal text. */
static bool read_number(ia_value *v, ia_span in, ia_err *e)
{
  if (!ia_f64_parse(&v->number, in))
    return ia_fail(e, IA_E_LEGACY_NUMBER, "number of the first format: not decimal text");
  return true;
}

static bool decode(ia_value *v, unsigned flags, ia_err *e)
{
  ia_span in = ia_buf_view(&v->bytes);

  switch (v->type) {
  case IA_TYPE_BOOL:
  case IA_TYPE_BOOLEAN: return ia_borsh_bool(&v->boolean, in, e);
  case IA_TYPE_F64: return ia_borsh_f64(&v->number, in, e);
  case IA_TYPE_I128: return ia_borsh_i128(&v->i128, in, e);
  case IA_TYPE_NUMBER: return read_number(v, in, e);
  case IA_TYPE_STRING: return read_string(v, in, flags, e);
  default: return true;
  }
}

bool ia_read_entry(ia_value *out, const ia_zip *zip, const ia_zip_entry *entry, ia_type type,
                   unsigned flags, ia_err *e)
{
  out->bytes.secret = true;
  ia_buf_clear(&out->bytes);
  out->type = type;
  if (!ia_zip_read(zip, entry, &out->bytes, e))
    return false;
  if (!out->bytes.ptr && !ia_buf_reserve(&out->bytes, 1))
    return ia_buf_ok(&out->bytes, e);
  bool ok = flags & IA_READ_LENIENT ? ia_lenient_decode(out, flags & IA_READ_LEGACY, e)
                                    : decode(out, flags, e);
  return ok || ia_wrap(e, "%.100s", entry->name);
}

static bool guess(ia_value *out, const ia_zip *zip, const ia_zip_entry *entry, unsigned flags,
                  ia_err *e)
{
  ia_span text;

  if (flags & (IA_READ_LENIENT | IA_READ_LEGACY))
    return ia_read_entry(out, zip, entry, IA_TYPE_STRING, flags, e);
  if (!ia_read_entry(out, zip, entry, IA_TYPE_OCTETS, flags, e))
    return false;
  if (!ia_borsh_string(&text, ia_buf_view(&out->bytes), NULL))
    return true;
  out->type = IA_TYPE_STRING;
  return decode(out, flags, e);
}

bool ia_read_value(ia_value *out, const ia_zip *zip, const char *path, const char *type,
                   unsigned flags, ia_err *e)
{
  const ia_zip_entry *entry = NULL;
  ia_type t = IA_TYPE_OCTETS;

  if (type && !ia_type_parse(&t, type) && !(flags & IA_READ_LENIENT))
    return ia_fail(e, IA_E_UNKNOWN_TYPE, "no type \"%.64s\"", type);
  if (!ia_read_find(&entry, zip, path, flags, e))
    return false;
  return type ? ia_read_entry(out, zip, entry, t, flags, e) : guess(out, zip, entry, flags, e);
}

static json_t *f64_json(double v)
{
  uint8_t le[8];
  char hex[17];

  ia_f64_put(le, v);
  ia_hex(hex, le, sizeof(le));
  /* "$f64" is String(v), which hides the sign of zero; "le" has it */
  return json_pack("{s:s,s:s}", "$f64", v == 0 ? "0" : ia_f64_text(v).s, "le", hex);
}

static json_t *hex_json(ia_span bytes)
{
  ia_autofree char *hex = malloc(2 * bytes.len + 1);

  if (!hex)
    return NULL;
  ia_hex(hex, bytes.ptr, bytes.len);
  json_t *v = json_pack("{s:s}", "$hex", hex);
  explicit_bzero(hex, 2 * bytes.len);
  return v;
}

bool ia_value_json(json_t **out, const ia_value *v, ia_err *e)
{
  switch (v->type) {
  case IA_TYPE_BOOL:
  case IA_TYPE_BOOLEAN: *out = json_boolean(v->boolean); break;
  case IA_TYPE_F64:
  case IA_TYPE_NUMBER: *out = f64_json(v->number); break;
  case IA_TYPE_I128: *out = json_pack("{s:s}", "$i128", ia_i128_text(&v->i128).s); break;
  case IA_TYPE_STRING: *out = ia_json_bytes(ia_buf_view(&v->bytes)); break;
  default: *out = hex_json(ia_buf_view(&v->bytes)); break;
  }
  return *out || ia_fail(e, IA_E_MEMORY, "no memory for a value");
}

bool ia_value_plain(ia_buf *out, const ia_value *v, ia_err *e)
{
  switch (v->type) {
  case IA_TYPE_BOOL:
  case IA_TYPE_BOOLEAN: ia_buf_str(out, v->boolean ? "true" : "false"); break;
  case IA_TYPE_F64:
  case IA_TYPE_NUMBER: ia_buf_str(out, ia_f64_text(v->number).s); break;
  case IA_TYPE_I128: ia_buf_str(out, ia_i128_text(&v->i128).s); break;
  default: ia_buf_span(out, ia_buf_view(&v->bytes)); break;
  }
  return ia_buf_ok(out, e);
}
