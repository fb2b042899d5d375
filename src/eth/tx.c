/* Transactions: what is signed, and the signed form. */
#include "eth/tx.h"

#include "crypto/keccak.h"
#include "eth/rlp.h"

enum { TX_1559 = 2 };

static void put_to(ia_buf *out, const ia_tx *tx)
{
  ia_rlp_put(out, tx->creates ? ia_span_of(NULL, 0) : IA_SPAN_ARR(tx->to.b));
}

/* EIP-155: nonce, price, gas, to, value, data */
static void legacy_body(ia_buf *out, const ia_tx *tx)
{
  ia_rlp_put_u64(out, tx->nonce);
  ia_rlp_put_u256(out, &tx->max_fee);
  ia_rlp_put_u64(out, tx->gas);
  put_to(out, tx);
  ia_rlp_put_u256(out, &tx->value);
  ia_rlp_put(out, tx->data);
}

/* EIP-1559: the members before the signature */
static void fee_body(ia_buf *out, const ia_tx *tx)
{
  ia_rlp_put_u64(out, tx->chain_id);
  ia_rlp_put_u64(out, tx->nonce);
  ia_rlp_put_u256(out, &tx->max_priority);
  ia_rlp_put_u256(out, &tx->max_fee);
  ia_rlp_put_u64(out, tx->gas);
  put_to(out, tx);
  ia_rlp_put_u256(out, &tx->value);
  ia_rlp_put(out, tx->data);
  ia_rlp_put_list(out, tx->access_list);
}

static bool check_type(const ia_tx *tx, ia_err *e)
{
  if (tx->type != 0 && tx->type != TX_1559)
    return ia_fail(e, IA_E_UNSUPPORTED, "transaction: type %u is not offered", tx->type);
  if (tx->chain_id == 0 || tx->chain_id > (UINT64_MAX - 36) / 2)
    return ia_fail(e, IA_E_CHAIN_ID, "transaction: no usable chain id");
  return true;
}

bool ia_tx_digest(ia_h256 *out, const ia_tx *tx, ia_err *e)
{
  IA_AUTOV(ia_buf) body = {0};
  IA_AUTOV(ia_buf) whole = {0};

  if (!check_type(tx, e))
    return false;
  if (tx->type == 0) {
    legacy_body(&body, tx);
    ia_rlp_put_u64(&body, tx->chain_id);
    ia_rlp_put_u64(&body, 0);
    ia_rlp_put_u64(&body, 0);
  } else {
    ia_buf_u8(&whole, TX_1559);
    fee_body(&body, tx);
  }
  if (!ia_buf_ok(&body, e))
    return false;
  ia_rlp_put_list(&whole, ia_buf_view(&body));
  if (!ia_buf_ok(&whole, e))
    return false;
  ia_keccak256(out, ia_buf_view(&whole));
  return true;
}

static void put_signature(ia_buf *out, const ia_tx *tx)
{
  uint64_t parity = (uint64_t)(tx->sig.b[64] - 27);
  ia_u256 r = ia_u256_from_be(tx->sig.b), s = ia_u256_from_be(tx->sig.b + 32);

  ia_rlp_put_u64(out, tx->type == 0 ? 35 + 2 * tx->chain_id + parity : parity);
  ia_rlp_put_u256(out, &r);
  ia_rlp_put_u256(out, &s);
}

bool ia_tx_sign(ia_buf *out, ia_tx *tx, const ia_secp *s, const ia_secret *key, ia_err *e)
{
  IA_AUTOV(ia_buf) body = {0};
  ia_h256 digest;

  if (!ia_tx_digest(&digest, tx, e) || !ia_secp_sign(s, &tx->sig, &digest, key, e))
    return false;
  if (tx->type == 0)
    legacy_body(&body, tx);
  else
    fee_body(&body, tx);
  put_signature(&body, tx);
  if (!ia_buf_ok(&body, e))
    return false;
  if (tx->type != 0)
    ia_buf_u8(out, tx->type);
  ia_rlp_put_list(out, ia_buf_view(&body));
  return ia_buf_ok(out, e);
}

static bool take_to(ia_span *in, ia_tx *tx, ia_err *e)
{
  ia_span to;

  if (!ia_rlp_take(in, &to, e))
    return false;
  tx->creates = to.len == 0;
  if (to.len != 0 && to.len != 20)
    return ia_fail(e, IA_E_PARSE, "transaction: `to` has %zu bytes", to.len);
  if (to.len == 20)
    memcpy(tx->to.b, to.ptr, 20);
  return true;
}

static bool take_tail(ia_span *in, ia_tx *tx, ia_err *e)
{
  return ia_rlp_take_u64(in, &tx->gas, e) && take_to(in, tx, e) &&
         ia_rlp_take_u256(in, &tx->value, e) && ia_rlp_take(in, &tx->data, e);
}

static bool take_rs(ia_span *in, ia_tx *tx, uint64_t parity, ia_err *e)
{
  ia_u256 r, s;

  if (!ia_rlp_take_u256(in, &r, e) || !ia_rlp_take_u256(in, &s, e) || !ia_rlp_end(*in, e))
    return false;
  ia_u256_to_be(tx->sig.b, &r);
  ia_u256_to_be(tx->sig.b + 32, &s);
  tx->sig.b[64] = (uint8_t)(27 + parity);
  return true;
}

static bool decode_legacy(ia_tx *tx, ia_span in, ia_err *e)
{
  uint64_t v;

  if (!ia_rlp_take_u64(&in, &tx->nonce, e) || !ia_rlp_take_u256(&in, &tx->max_fee, e) ||
      !take_tail(&in, tx, e) || !ia_rlp_take_u64(&in, &v, e))
    return false;
  tx->max_priority = tx->max_fee;
  if (v < 37)
    return ia_fail(e, IA_E_CHAIN_ID, "transaction: signed without a chain id (EIP-155)");
  tx->chain_id = (v - 35) / 2;
  return take_rs(&in, tx, (v - 35) % 2, e);
}

static bool access_list_shape(ia_span list, ia_err *e)
{
  while (list.len > 0) {
    ia_span entry, keys, one;

    if (!ia_rlp_take_list(&list, &entry, e) || !ia_rlp_take(&entry, &one, e) ||
        !ia_rlp_take_list(&entry, &keys, e) || !ia_rlp_end(entry, e))
      return false;
    if (one.len != 20)
      return ia_fail(e, IA_E_PARSE, "transaction: bad access list");
    while (keys.len > 0) {
      if (!ia_rlp_take(&keys, &one, e))
        return false;
      if (one.len != 32)
        return ia_fail(e, IA_E_PARSE, "transaction: bad access list");
    }
  }
  return true;
}

static bool decode_fee(ia_tx *tx, ia_span in, ia_err *e)
{
  uint64_t parity;

  if (!ia_rlp_take_u64(&in, &tx->chain_id, e) || !ia_rlp_take_u64(&in, &tx->nonce, e) ||
      !ia_rlp_take_u256(&in, &tx->max_priority, e) || !ia_rlp_take_u256(&in, &tx->max_fee, e) ||
      !take_tail(&in, tx, e) || !ia_rlp_take_list(&in, &tx->access_list, e) ||
      !access_list_shape(tx->access_list, e) || !ia_rlp_take_u64(&in, &parity, e))
    return false;
  if (parity > 1)
    return ia_fail(e, IA_E_PARSE, "transaction: signature parity is not 0 or 1");
  if (ia_u256_cmp(&tx->max_priority, &tx->max_fee) > 0)
    return ia_fail(e, IA_E_PARSE, "transaction: priority fee above the whole fee");
  return take_rs(&in, tx, parity, e);
}

bool ia_tx_decode(ia_tx *tx, ia_span raw, ia_err *e)
{
  ia_span list;

  *tx = (ia_tx){0};
  if (raw.len == 0)
    return ia_fail(e, IA_E_PARSE, "transaction: empty");
  if (raw.ptr[0] < 0xc0) {
    tx->type = raw.ptr[0];
    if (tx->type != TX_1559)
      return ia_fail(e, IA_E_UNSUPPORTED, "transaction: type %u is not offered", tx->type);
    raw = ia_span_of(raw.ptr + 1, raw.len - 1);
  }
  if (!ia_rlp_take_list(&raw, &list, e) || !ia_rlp_end(raw, e))
    return false;
  return (tx->type == 0 ? decode_legacy(tx, list, e) : decode_fee(tx, list, e)) &&
         check_type(tx, e);
}

bool ia_tx_sender(ia_addr *out, const ia_tx *tx, ia_err *e)
{
  ia_h256 digest;

  return ia_tx_digest(&digest, tx, e) && ia_secp_recover(out, &digest, &tx->sig, e);
}

void ia_tx_hash(ia_h256 *out, ia_span raw)
{
  ia_keccak256(out, raw);
}
