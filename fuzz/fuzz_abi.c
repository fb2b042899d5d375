/* ABI decoding: the first byte picks the types. What decodes must encode to the same bytes. */
#include <stdint.h>

#include "eth/abi.h"

int ia_fuzz_abi(const uint8_t *p, size_t n);

static const char *const types[] = {
    "(bytes)",
    "(string,address,bool)",
    "((address,uint256[],(bytes,bool)[2],string),bytes32,int8,(uint8,address)[])",
    "(bytes[][],uint16[3][])",
    "((address,uint256,uint256,bytes32,address,address,address,bytes32,bytes),bytes32)",
};

int ia_fuzz_abi(const uint8_t *p, size_t n)
{
  IA_AUTOV(ia_abi_list) l = {0};
  IA_AUTOV(ia_buf) again = {0};
  const char *t;
  char text[64];
  ia_span in;
  ia_err e;

  if (n == 0)
    return 0;
  t = types[p[0] % IA_COUNT(types)];
  in = ia_span_of(p + 1, n - 1);
  if (ia_abi_decode(&l, t, in, &e) &&
      (!ia_abi_encode(&again, t, l.v, l.n, &e) || !ia_span_eq(ia_buf_view(&again), in)))
    abort();
  (void)ia_abi_revert_text(text, sizeof(text), in);
  return 0;
}
