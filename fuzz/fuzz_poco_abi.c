/* Call data and event data of PoCo: what decodes must encode and decode again. Byte 0 chooses. */
#include "poco/abi.h"

int ia_fuzz_poco_abi(const uint8_t *data, size_t size);

int ia_fuzz_poco_abi(const uint8_t *data, size_t size)
{
  IA_AUTOV(ia_buf) out = {0};
  ia_call_value value, again;
  ia_match match;

  if (size < 1)
    return 0;
  ia_call_id id = (ia_call_id)(data[0] % IA_CALLS);
  ia_span in = ia_span_of(data + 1, size - 1);
  memset(&value, 0, sizeof(value));
  if (ia_match_of_calldata(&match, in, NULL))
    ia_call_encode(&out, IA_CALL_MATCH_ORDERS, &match);
  if (ia_result_decode(&value, id, in, NULL)) {
    ia_buf_clear(&out);
    ia_result_encode(&out, id, &value);
    memset(&again, 0, sizeof(again));
    if (ia_buf_ok(&out, NULL) && !ia_result_decode(&again, id, ia_buf_view(&out), NULL))
      abort();
  }
  return 0;
}
