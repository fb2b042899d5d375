/* Orders as JSON, by the shapes. */
#include "base/hex.h"
#include "eth/address.h"
#include "poco/abi.h"
#include "poco/orders.h"

enum { SIGN_CAP = 64 << 10, PARAMS_CAP = 1 << 20 };

static bool bad(const ia_shape_field *f, const char *want, ia_err *e)
{
  return ia_fail(e, IA_E_PARSE, "order.%s: want %s", f->name, want);
}

static bool read_number(ia_u256 *out, const ia_shape_field *f, const json_t *v, ia_err *e)
{
  if (json_is_integer(v) && json_integer_value(v) >= 0) {
    *out = ia_u256_of((uint64_t)json_integer_value(v));
    return true;
  }
  const char *s = json_string_value(v);
  if (s && s[0] >= '0' && s[0] <= '9' && s[1] != 'x' && ia_u256_parse(out, ia_span_str(s), NULL))
    return true;
  return bad(f, "a number below 2^256 (JSON integer or decimal text)", e);
}

/* Text of the parsed JSON is copied into `params` or `sign`; the rest goes into the order. */
static bool read_field(void *order, ia_buf *params, ia_buf *sign, const ia_shape_field *f,
                       const json_t *v, ia_err *e)
{
  void *p = (uint8_t *)order + f->offset;
  const char *s = json_string_value(v);

  if (f->type == IA_SH_U256)
    return read_number(p, f, v, e);
  if (!s)
    return bad(f, "text", e);
  switch (f->type) {
  case IA_SH_ADDR: return ia_addr_parse(p, ia_span_str(s), e) || ia_wrap(e, "order.%s", f->name);
  case IA_SH_B32: return ia_h256_parse(p, ia_span_str(s)) || bad(f, "0x and 64 hex digits", e);
  case IA_SH_STR:
    if (json_string_length(v) > PARAMS_CAP)
      return bad(f, "at most 1 MiB", e);
    ia_buf_put(params, s, json_string_length(v));
    return ia_buf_ok(params, e);
  case IA_SH_BYTES:
    if (s[0] != '0' || s[1] != 'x' || json_string_length(v) > SIGN_CAP ||
        !ia_unhex_buf(sign, ia_span_str(s)))
      return bad(f, "0x and hex digits", e);
    return true;
  default: return bad(f, "a field of an order", e);
  }
}

bool ia_order_parse(ia_order_box *out, ia_order_kind kind, const json_t *in, ia_err *e)
{
  const ia_shape *shape = ia_shape_order(kind);
  IA_AUTOV(ia_buf) params = {0};
  IA_AUTOV(ia_buf) sign = {0};
  ia_order order = {.kind = kind};
  size_t seen = 0;

  if (!json_is_object(in))
    return ia_fail(e, IA_E_PARSE, "%s: want an object", ia_order_kind_name(kind));
  for (size_t i = 0; i < shape->n_fields; i++) {
    const ia_shape_field *f = &shape->fields[i];
    const json_t *v = json_object_get(in, f->name);

    if (!v && (f->flags & IA_SH_UNSIGNED))
      continue;
    if (!v)
      return bad(f, "this field", e);
    if (!read_field(&order.app, &params, &sign, f, v, e))
      return false;
    seen++;
  }
  if (seen != json_object_size(in))
    return ia_fail(e, IA_E_PARSE, "%s: unknown fields", ia_order_kind_name(kind));
  if (kind == IA_ORDER_REQUEST)
    order.request.params = ia_buf_view(&params);
  *(ia_span *)(void *)((uint8_t *)&order.app + shape->fields[shape->n_fields - 1].offset) =
      ia_buf_view(&sign);
  return ia_order_copy(out, kind, &order.app, e);
}

bool ia_order_parse_text(ia_order_box *out, ia_order_kind kind, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(text, IA_JSON_ALLOW_NUL, e);

  return v && ia_order_parse(out, kind, v, e);
}

static json_t *number(const ia_u256 *v, unsigned flags)
{
  uint64_t small;

  if (!(flags & IA_ORDER_DECIMAL) && ia_u256_u64(&small, v) && small <= INT64_MAX)
    return json_integer((json_int_t)small);
  return json_string(ia_u256_dec(v).s);
}

static json_t *field_json(const void *order, const ia_shape_field *f, unsigned flags)
{
  const void *p = (const uint8_t *)order + f->offset;

  switch (f->type) {
  case IA_SH_U256: return number(p, flags);
  case IA_SH_ADDR: return json_string(ia_addr_text(p).s);
  case IA_SH_B32: return ia_json_h256(p);
  case IA_SH_STR: return ia_json_bytes(*(const ia_span *)p);
  default: return ia_json_hex(*(const ia_span *)p);
  }
}

json_t *ia_order_json(ia_order_kind kind, const void *order, unsigned flags, ia_err *e)
{
  const ia_shape *shape = ia_shape_order(kind);
  IA_AUTO_JSON *out = json_object();

  if (!out) {
    (void)ia_fail(e, IA_E_MEMORY, "no memory for an order");
    return NULL;
  }
  for (size_t i = 0; i < shape->n_fields; i++) {
    const ia_shape_field *f = &shape->fields[i];

    if (!ia_json_set(out, f->name, field_json(order, f, flags), e))
      return NULL;
  }
  return ia_steal(&out);
}
