/* Sending transactions and waiting for their receipts. */
#include "base/clock.h"
#include "chain/internal.h"
#include "eth/tx.h"

enum { SEND_TRIES = 5, RECEIPT_PAUSE_MIN_MS = 20, RECEIPT_PAUSE_MAX_MS = 1000 };

void ia_chain_sent_free(ia_chain_sent *s)
{
  if (!s)
    return;
  ia_buf_free(&s->raw);
  ia_chain_receipt_free(&s->receipt);
}

static bool get_nonce(ia_chain *c, uint64_t *out, const ia_addr *who, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  json_t *params = json_pack("[o, s]", ia_json_addr(who), "pending");

  return ia_rpc_call(c->rpc, &v, "eth_getTransactionCount", params, e) && ia_rpc_u64(out, v, e);
}

/* Nothing on our ledger; elsewhere the node's tip and room for the base fee to double. A node whose
 * gas price is lower than base fee and tip takes that too: on a chain without fees it is 0. */
static bool set_fees(ia_chain *c, ia_tx *tx, const ia_block *head, ia_err *e)
{
  ia_rpc_item ask[] = {{.method = "eth_gasPrice"}, {.method = "eth_maxPriorityFeePerGas"}};
  ia_u256 price, twice, rest = {0};
  bool ok;

  tx->type = head->has_base_fee ? 2 : 0;
  if (c->local)
    return true;
  ok = ia_rpc_batch(c->rpc, ask, IA_COUNT(ask), e) && ia_rpc_u256(&price, ask[0].result, e) &&
       (!ask[1].ok || ia_rpc_u256(&tx->max_priority, ask[1].result, e));
  if (!ok)
    ia_rpc_items_free(ask, IA_COUNT(ask));
  if (!ok)
    return false;
  bool tip = ask[1].ok;
  ia_rpc_items_free(ask, IA_COUNT(ask));
  if (!ia_u256_sub(&rest, &price, &head->base_fee))
    rest = (ia_u256){0};
  if (!tip || ia_u256_cmp(&rest, &tx->max_priority) < 0)
    tx->max_priority = rest;
  tx->max_fee = tx->max_priority;
  if (!head->has_base_fee)
    return true;
  return (ia_u256_add(&twice, &head->base_fee, &head->base_fee) &&
          ia_u256_add(&tx->max_fee, &tx->max_priority, &twice)) ||
         ia_fail(e, IA_E_INVALID, "ledger: impossible base fee");
}

enum { ASK_HEAD, ASK_GAS, ASK_NONCE, ASK_COUNT };

static bool take(ia_chain *c, ia_tx *tx, const ia_rpc_item ask[ASK_COUNT], ia_err *e)
{
  ia_block head;
  uint64_t gas;

  for (int i = 0; i < ASK_COUNT; i++)
    if (!ask[i].ok) {
      if (e)
        *e = ask[i].err;
      return false;
    }
  if (!ia_chain_block_parse(&head, ask[ASK_HEAD].result, e) || !set_fees(c, tx, &head, e) ||
      !ia_rpc_u64(&gas, ask[ASK_GAS].result, e) ||
      !ia_rpc_u64(&tx->nonce, ask[ASK_NONCE].result, e))
    return false;
  /* the figure is of this block's state; a fifth more covers the next one's */
  tx->gas = gas < UINT64_MAX / 2 ? gas + gas / 5 : gas;
  return true;
}

static bool submit(ia_chain *c, ia_span raw, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;

  return ia_rpc_call(c->rpc, &v, "eth_sendRawTransaction", json_pack("[o]", ia_json_hex(raw)), e);
}

static bool await_receipt(ia_chain *c, ia_chain_receipt *out, const ia_h256 *hash, ia_err *e)
{
  uint64_t end = ia_mono_ms() + c->timeout_ms;
  uint32_t pause = RECEIPT_PAUSE_MIN_MS;
  ia_err why = {0};

  while (!ia_chain_receipt_get(c, out, hash, &why)) {
    if (why.code != IA_E_NOT_FOUND) {
      if (e)
        *e = why;
      return false;
    }
    if (ia_mono_ms() >= end)
      return ia_fail(e, IA_E_TIMEOUT, "the transaction is not in a block yet");
    if (!ia_chain_pause(c, pause, e))
      return false;
    pause = pause * 2 < RECEIPT_PAUSE_MAX_MS ? pause * 2 : RECEIPT_PAUSE_MAX_MS;
  }
  return true;
}

/* Ledgers that answer errors of a mined, reverted transaction only by status 0: the reason comes
 * from calling it again. */
static bool mined_reverted(ia_chain *c, const ia_addr *from, const ia_tx *tx, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  json_t *call = ia_chain_call_object(&tx->to, tx->data);
  ia_err why = {0};

  json_object_set_new(call, "from", ia_json_addr(from));
  if (!ia_rpc_call(c->rpc, &v, "eth_call", json_pack("[o, s]", call, "latest"), &why) &&
      why.code == IA_E_REVERT && e)
    return (*e = why, false);
  return ia_fail(e, IA_E_REVERT, "the transaction was mined and reverted");
}

/* What the node must say beforehand, in one request: the head, the gas (a revert shows here), the
 * nonce. */
static bool prepare(ia_chain *c, ia_tx *tx, const ia_addr *from, ia_err *e)
{
  json_t *call = ia_chain_call_object(&tx->to, tx->data);
  json_object_set_new(call, "from", ia_json_addr(from));
  ia_rpc_item ask[ASK_COUNT] = {
      [ASK_HEAD] = {.method = "eth_getBlockByNumber", .params = json_pack("[s, b]", "latest", 0)},
      [ASK_GAS] = {.method = "eth_estimateGas", .params = json_pack("[o]", call)},
      [ASK_NONCE] = {.method = "eth_getTransactionCount",
                     .params = json_pack("[o, s]", ia_json_addr(from), "pending")}};

  tx->chain_id = c->chain_id;
  bool ok = ia_rpc_batch(c->rpc, ask, ASK_COUNT, e) && take(c, tx, ask, e);
  ia_rpc_items_free(ask, ASK_COUNT);
  return ok;
}

bool ia_chain_send(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k,
                   const ia_addr *to, ia_span data, ia_err *e)
{
  ia_tx tx = {.to = *to, .data = data};
  ia_err why = {0};
  ia_addr from;
  ia_h256 hash;

  if (!ia_secp_address(k->secp, &from, k->key, e) || !prepare(c, &tx, &from, e))
    return false;
  for (int i = 0;; i++) {
    ia_buf_clear(&out->raw);
    if ((i > 0 && !get_nonce(c, &tx.nonce, &from, e)) ||
        !ia_tx_sign(&out->raw, &tx, k->secp, k->key, e))
      return false;
    if (out->before && !out->before(out->ctx, ia_buf_view(&out->raw), e))
      return false;
    if (submit(c, ia_buf_view(&out->raw), &why))
      break;
    if (why.code != IA_E_NONCE_LOW || i + 1 == SEND_TRIES) {
      if (e)
        *e = why;
      return false;
    }
  }
  ia_tx_hash(&hash, ia_buf_view(&out->raw));
  if (!await_receipt(c, &out->receipt, &hash, e))
    return false;
  return out->receipt.ok || mined_reverted(c, &from, &tx, e);
}

bool ia_chain_call(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k,
                   const ia_addr *to, ia_call_id id, const void *args, ia_err *e)
{
  IA_AUTOV(ia_buf) data = {0};

  ia_call_encode(&data, id, args);
  if (!ia_buf_ok(&data, e))
    return false;
  return ia_chain_send(c, out, k, to ? to : &c->hub, ia_buf_view(&data), e) ||
         ia_wrap(e, "%s", ia_call_of(id)->name);
}

bool ia_chain_send_raw(ia_chain *c, ia_chain_receipt *out, ia_span raw, ia_err *e)
{
  ia_err why = {0};
  ia_addr from;
  ia_h256 hash;
  ia_tx tx;

  if (!ia_tx_decode(&tx, raw, e) || !ia_tx_sender(&from, &tx, e))
    return false;
  ia_tx_hash(&hash, raw);
  if (!submit(c, raw, &why)) {
    /* a node that has it already says so by the nonce */
    if (why.code == IA_E_NONCE_LOW && ia_chain_receipt_get(c, out, &hash, NULL))
      return out->ok || mined_reverted(c, &from, &tx, e);
    if (e)
      *e = why;
    return false;
  }
  return await_receipt(c, out, &hash, e) && (out->ok || mined_reverted(c, &from, &tx, e));
}
