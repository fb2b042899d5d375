/* Orders as JSON: what parses must survive writing and hash the same. First byte: the kind. */
#include "poco/orders.h"

int ia_fuzz_orders(const uint8_t *data, size_t size);

int ia_fuzz_orders(const uint8_t *data, size_t size)
{
  IA_AUTOV(ia_order_box) box = {0};
  IA_AUTOV(ia_order_box) again = {0};
  ia_h256 separator = {{0}}, a, b;

  if (size < 1)
    return 0;
  ia_order_kind kind = (ia_order_kind)(data[0] % IA_ORDER_KINDS);
  if (!ia_order_parse_text(&box, kind, ia_span_of(data + 1, size - 1), NULL))
    return 0;
  IA_AUTO_JSON *v = ia_order_json(kind, &box.order.app, data[0] & 4 ? IA_ORDER_DECIMAL : 0, NULL);
  if (!v || !ia_order_parse(&again, kind, v, NULL))
    abort();
  ia_order_hash(&a, &separator, kind, &box.order.app);
  ia_order_hash(&b, &separator, kind, &again.order.app);
  if (!ia_h256_eq(&a, &b))
    abort();
  return 0;
}
