/* The body of a published order, field by field: what the public market takes, refused in its
 * words, and made plain: numbers as numbers, addresses without regard to their case, nothing
 * unknown. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "poco/abi.h"
#include "service/market/market_int.h"

typedef struct label {
  char s[40];
} label;

static label label_of(const ia_shape_field *f)
{
  label l;

  (void)snprintf(l.s, sizeof(l.s), "order.%s", f->name);
  return l;
}

static bool plain_number(json_t **out, const json_t *v, const ia_shape_field *f, ia_err *e)
{
  uint64_t least = strcmp(f->name, "volume") == 0, n = 0;
  char text[64] = "";
  ia_span s = ia_span_str(text);

  if (json_is_string(v)) {
    s = ia_span_of(json_string_value(v), json_string_length(v));
  } else if (json_is_integer(v)) {
    (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(v));
    s = ia_span_str(text);
  } else if (json_is_real(v)) {
    /* from here on the reader of JSON has rounded a fraction away */
    if (fabs(json_real_value(v)) >= 0x1p52)
      return ia_fail(e, IA_E_INVALID, "%s must be an integer", label_of(f).s);
    (void)snprintf(text, sizeof(text), "%.17g", json_real_value(v));
    s = ia_span_str(text);
  }
  if (!ia_market_number(s, label_of(f).s, least, NUMBER_MAX, &n, e))
    return false;
  *out = json_integer((json_int_t)n);
  return true;
}

static bool plain_sign(const char *name, ia_span s, ia_err *e)
{
  if (s.len >= 2 && s.ptr[0] == '0' && s.ptr[1] == 'x')
    return true;
  return ia_fail(e, IA_E_INVALID, "%s must be a valid signature", name);
}

static bool plain_text(json_t **out, const json_t *v, const ia_shape_field *f, ia_err *e)
{
  ia_span s = ia_span_of(json_string_value(v), json_string_length(v));
  label l = label_of(f);
  ia_addr addr;
  ia_h256 hash;

  switch (f->type) {
  case IA_SH_ADDR:
    if (!ia_market_address(s, l.s, &addr, e))
      return false;
    *out = ia_json_addr(&addr);
    return true;
  case IA_SH_B32:
    if (!ia_market_bytes32(s, l.s, &hash, e))
      return false;
    *out = ia_json_h256(&hash);
    return true;
  case IA_SH_BYTES:
    if (!plain_sign(l.s, s, e))
      return false;
    break;
  default: break;
  }
  *out = json_deep_copy(v);
  return true;
}

static bool plain_field(json_t **out, const json_t *v, const ia_shape_field *f, ia_err *e)
{
  bool empty = json_is_string(v) && json_string_length(v) == 0 && f->type != IA_SH_U256 &&
               f->type != IA_SH_STR;

  if (!v || json_is_null(v) || empty)
    return ia_market_required(label_of(f).s, e);
  if (f->type == IA_SH_U256)
    return plain_number(out, v, f, e);
  if (!json_is_string(v))
    return ia_fail(e, IA_E_INVALID, "%s must be a `string` type", label_of(f).s);
  return plain_text(out, v, f, e);
}

bool ia_market_plain_order(json_t **out, ia_order_kind kind, const json_t *body, ia_err *e)
{
  const ia_shape *shape = ia_shape_order(kind);
  const json_t *in = json_object_get(body, "order");
  IA_AUTO_JSON *plain = json_object();

  if (!in || json_is_null(in))
    return ia_market_required("order", e);
  if (!json_is_object(in))
    return ia_fail(e, IA_E_INVALID, "order must be a `object` type");
  for (size_t i = 0; i < shape->n_fields; i++) {
    const ia_shape_field *f = &shape->fields[i];
    json_t *value = NULL;

    if (!plain_field(&value, json_object_get(in, f->name), f, e) ||
        !ia_json_set(plain, f->name, value, e))
      return false;
  }
  *out = ia_steal(&plain);
  return true;
}
