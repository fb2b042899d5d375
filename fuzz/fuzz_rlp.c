/* RLP: walks a tree of items and writes it again. */
#include <stdint.h>

#include "eth/rlp.h"

int ia_fuzz_rlp(const uint8_t *p, size_t n);

static bool copy(ia_buf *out, ia_span in, unsigned depth)
{
  while (in.len > 0) {
    IA_AUTOV(ia_buf) inner = {0};
    ia_span item;

    if (ia_rlp_take(&in, &item, NULL)) {
      ia_rlp_put(out, item);
      continue;
    }
    if (depth > 32 || !ia_rlp_take_list(&in, &item, NULL) || !copy(&inner, item, depth + 1))
      return false;
    ia_rlp_put_list(out, ia_buf_view(&inner));
  }
  return true;
}

int ia_fuzz_rlp(const uint8_t *p, size_t n)
{
  IA_AUTOV(ia_buf) again = {0};
  ia_span in = ia_span_of(p, n);
  ia_u256 v;

  if (copy(&again, in, 0) && !ia_span_eq(ia_buf_view(&again), in))
    abort();
  (void)!ia_rlp_take_u256(&in, &v, NULL);
  return 0;
}
