/* The walkers. */
#include "receipt/fields.h"

#include "base/hex.h"
#include "base/json.h"
#include "poco/orders.h"
#include "tee/domain.h"

enum { INT_SAFE_BITS = 53 };

static json_t *write_one(const ia_field *f, const void *at)
{
  switch (f->kind) {
  case IA_FIELD_ADDR: return ia_json_addr(at);
  case IA_FIELD_H256: return ia_json_h256(at);
  case IA_FIELD_H512:
  case IA_FIELD_SIG64: return ia_json_hex(ia_span_of(at, 64));
  case IA_FIELD_U64: {
    uint64_t v = *(const uint64_t *)at;

    return v >> INT_SAFE_BITS ? NULL : json_integer((json_int_t)v);
  }
  case IA_FIELD_U32: return json_integer(*(const uint32_t *)at);
  case IA_FIELD_INT: return json_integer(*(const int *)at);
  case IA_FIELD_BOOL: return json_boolean(*(const bool *)at);
  case IA_FIELD_TEXT: return json_string(at);
  case IA_FIELD_DOMAIN: return json_string(ia_domain_name(*(const ia_domain *)at));
  case IA_FIELD_SIGNING: return json_string(ia_order_signing_name(*(const ia_order_signing *)at));
  case IA_FIELD_OTHER: break;
  }
  return NULL;
}

json_t *ia_fields_write(const ia_field *fields, size_t n, const void *from, ia_err *e)
{
  IA_AUTO_JSON *obj = json_object();

  for (size_t i = 0; i < n; i++) {
    if (fields[i].kind == IA_FIELD_OTHER)
      continue;
    json_t *v = write_one(&fields[i], (const char *)from + fields[i].offset);

    if (!v || json_object_set_new(obj, fields[i].name, v) != 0) {
      (void)ia_fail(e, IA_E_INVALID, "\"%s\" cannot be written", fields[i].name);
      return NULL;
    }
  }
  return json_incref(obj);
}

static bool bad(const ia_field *f, ia_err *e)
{
  return ia_fail(e, IA_E_PARSE, "\"%s\" has a value of another kind", f->name);
}

static bool read_hex(void *at, size_t len, const json_t *v)
{
  return json_is_string(v) && strncmp(json_string_value(v), "0x", 2) == 0 &&
         ia_unhex(at, len, ia_span_of(json_string_value(v), json_string_length(v)));
}

static bool read_int(json_int_t *out, const json_t *v, json_int_t least, json_int_t most)
{
  if (!json_is_integer(v))
    return false;
  *out = json_integer_value(v);
  return *out >= least && *out <= most;
}

static bool read_text(char *at, size_t size, const json_t *v)
{
  if (!json_is_string(v) || json_string_length(v) >= size)
    return false;
  memset(at, 0, size);
  memcpy(at, json_string_value(v), json_string_length(v));
  return true;
}

static bool read_one(const ia_field *f, void *at, const json_t *v)
{
  json_int_t n = 0;

  switch (f->kind) {
  case IA_FIELD_ADDR: return read_hex(at, 20, v);
  case IA_FIELD_H256: return read_hex(at, 32, v);
  case IA_FIELD_H512:
  case IA_FIELD_SIG64: return read_hex(at, 64, v);
  case IA_FIELD_U64:
    if (!read_int(&n, v, 0, ((json_int_t)1 << INT_SAFE_BITS) - 1))
      return false;
    *(uint64_t *)at = (uint64_t)n;
    return true;
  case IA_FIELD_U32:
    if (!read_int(&n, v, 0, UINT32_MAX))
      return false;
    *(uint32_t *)at = (uint32_t)n;
    return true;
  case IA_FIELD_INT:
    if (!read_int(&n, v, INT32_MIN, INT32_MAX))
      return false;
    *(int *)at = (int)n;
    return true;
  case IA_FIELD_BOOL: *(bool *)at = json_is_true(v); return json_is_boolean(v);
  case IA_FIELD_TEXT: return read_text(at, f->size, v);
  case IA_FIELD_DOMAIN: return json_is_string(v) && ia_domain_parse(at, json_string_value(v));
  case IA_FIELD_SIGNING:
    return json_is_string(v) && ia_order_signing_parse(at, json_string_value(v));
  case IA_FIELD_OTHER: return true;
  }
  return false;
}

bool ia_fields_read(void *to, const ia_field *fields, size_t n, const json_t *obj, ia_err *e)
{
  if (!json_is_object(obj))
    return ia_fail(e, IA_E_PARSE, "want an object");
  for (size_t i = 0; i < n; i++) {
    const json_t *v = json_object_get(obj, fields[i].name);

    if (!v)
      return ia_fail(e, IA_E_RECEIPT_FIELD, "\"%s\" is missing", fields[i].name);
    if (!read_one(&fields[i], (char *)to + fields[i].offset, v))
      return bad(&fields[i], e);
  }
  if (json_object_size(obj) != n)
    return ia_fail(e, IA_E_RECEIPT_FIELD, "a member that nothing covers");
  return true;
}
