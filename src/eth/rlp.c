/* RLP. */
#include "eth/rlp.h"

static void put_head(ia_buf *out, uint8_t base, size_t len)
{
  unsigned digits = 0;

  if (len < 56) {
    ia_buf_u8(out, (uint8_t)(base + len));
    return;
  }
  while (digits < sizeof(len) && len >> (8 * digits))
    digits++;
  ia_buf_u8(out, (uint8_t)(base + 55 + digits));
  while (digits-- > 0)
    ia_buf_u8(out, (uint8_t)(len >> (8 * digits)));
}

void ia_rlp_put(ia_buf *out, ia_span bytes)
{
  if (bytes.len != 1 || bytes.ptr[0] >= 0x80)
    put_head(out, 0x80, bytes.len);
  ia_buf_span(out, bytes);
}

void ia_rlp_put_u256(ia_buf *out, const ia_u256 *v)
{
  uint8_t be[32];
  size_t n = (ia_u256_bits(v) + 7) / 8;

  ia_u256_to_be(be, v);
  ia_rlp_put(out, ia_span_of(be + 32 - n, n));
}

void ia_rlp_put_u64(ia_buf *out, uint64_t v)
{
  ia_u256 wide = ia_u256_of(v);

  ia_rlp_put_u256(out, &wide);
}

void ia_rlp_put_list(ia_buf *out, ia_span payload)
{
  put_head(out, 0xc0, payload.len);
  ia_buf_span(out, payload);
}

/* The long form: `digits` bytes of length, no leading zero, at least 56. */
static bool long_length(ia_span *in, size_t digits, size_t *out, ia_err *e)
{
  ia_span be;
  uint64_t v = 0;

  if (!ia_span_take(in, digits, &be))
    return ia_fail(e, IA_E_PARSE, "rlp: too short");
  for (size_t i = 0; i < digits; i++)
    v = v << 8 | be.ptr[i];
  if (be.ptr[0] == 0 || v < 56 || v > SIZE_MAX / 2)
    return ia_fail(e, IA_E_PARSE, "rlp: a length is not in its shortest form");
  *out = (size_t)v;
  return true;
}

static bool take(ia_span *in, bool list, ia_span *out, ia_err *e)
{
  const uint8_t base = list ? 0xc0 : 0x80;
  ia_span rest = *in;
  uint8_t first;
  size_t len;

  if (!ia_span_u8(&rest, &first))
    return ia_fail(e, IA_E_PARSE, "rlp: too short");
  if (list != (first >= 0xc0))
    return ia_fail(e, IA_E_PARSE, "rlp: want a %s", list ? "list" : "string");
  if (!list && first < 0x80) {
    *out = ia_span_of(in->ptr, 1);
    *in = rest;
    return true;
  }
  len = (size_t)(first - base);
  if (len > 55 && !long_length(&rest, len - 55, &len, e))
    return false;
  if (!ia_span_take(&rest, len, out))
    return ia_fail(e, IA_E_PARSE, "rlp: too short");
  if (!list && len == 1 && out->ptr[0] < 0x80)
    return ia_fail(e, IA_E_PARSE, "rlp: a byte is not in its shortest form");
  *in = rest;
  return true;
}

bool ia_rlp_take(ia_span *in, ia_span *bytes, ia_err *e)
{
  return take(in, false, bytes, e);
}

bool ia_rlp_take_list(ia_span *in, ia_span *payload, ia_err *e)
{
  return take(in, true, payload, e);
}

bool ia_rlp_take_u256(ia_span *in, ia_u256 *v, ia_err *e)
{
  ia_span rest = *in, be;

  if (!ia_rlp_take(&rest, &be, e))
    return false;
  if ((be.len > 0 && be.ptr[0] == 0) || !ia_u256_from_span(v, be))
    return ia_fail(e, IA_E_PARSE, "rlp: not a number of at most 256 bits");
  *in = rest;
  return true;
}

bool ia_rlp_take_u64(ia_span *in, uint64_t *v, ia_err *e)
{
  ia_span rest = *in;
  ia_u256 wide;

  if (!ia_rlp_take_u256(&rest, &wide, e))
    return false;
  if (!ia_u256_u64(v, &wide))
    return ia_fail(e, IA_E_PARSE, "rlp: number above 2^64");
  *in = rest;
  return true;
}

bool ia_rlp_end(ia_span in, ia_err *e)
{
  return in.len == 0 || ia_fail(e, IA_E_PARSE, "rlp: %zu bytes too many", in.len);
}
