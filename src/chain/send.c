/* Sending transactions and waiting for their receipts. */
#include "base/clock.h"
#include "base/log.h"
#include "chain/flight.h"
#include "chain/words.h"

enum {
  SEND_TRIES = 5,
  RECEIPT_PAUSE_MIN_MS = 20,
  RECEIPT_PAUSE_MAX_MS = 1000,
  FLIGHT_MS = 180000, /* so long a block is waited for */
};

void ia_chain_sent_free(ia_chain_sent *s)
{
  if (!s)
    return;
  ia_buf_free(&s->raw);
  ia_chain_receipt_free(&s->receipt);
}

bool ia_send_nonce(ia_chain *c, uint64_t *out, const ia_addr *who, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  json_t *params = json_pack("[o, s]", ia_json_addr(who), "pending");

  return ia_rpc_call(c->rpc, &v, "eth_getTransactionCount", params, e) && ia_rpc_u64(out, v, e);
}

bool ia_send_submit(ia_chain *c, ia_span raw, ia_err *e)
{
  static const char method[] = "eth_sendRawTransaction";
  IA_AUTO_JSON *v = NULL;
  ia_err why = {0};

  if (ia_rpc_call(c->rpc, &v, method, json_pack("[o]", ia_json_hex(raw)), &why))
    return true;
  if (strncmp(why.msg, method, sizeof(method) - 1) == 0)
    why.code = ia_send_refusal(why.msg + sizeof(method), why.code);
  return e && (*e = why, false);
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

enum { ASK_HEAD, ASK_GAS, ASK_NONCE, ASK_COUNT };

/* The figure is of this block's state; a fifth more covers the next one's. What a callback may use
 * shows in no estimate, because its failure is no failure of the call; a 64th stays behind. */
static bool set_gas(ia_tx *tx, const json_t *head, uint64_t estimate, uint64_t callback, ia_err *e)
{
  uint64_t limit = 0;

  if (estimate > UINT64_MAX / 4 || callback > UINT64_MAX / 4)
    return ia_fail(e, IA_E_INVALID, "ledger: impossible gas");
  tx->gas = estimate + estimate / 5 + callback + callback / 32;
  if (!json_object_get(head, "gasLimit"))
    return true;
  if (!ia_rpc_get_u64(head, "gasLimit", &limit, e))
    return false;
  if (estimate + callback > limit)
    return ia_fail(e, IA_E_TOO_LARGE, "the call needs %llu gas, a block has %llu",
                   (unsigned long long)(estimate + callback), (unsigned long long)limit);
  if (tx->gas > limit)
    tx->gas = limit;
  return true;
}

static bool take(ia_tx *tx, const ia_rpc_item ask[ASK_COUNT], uint64_t callback, ia_err *e)
{
  ia_block head;
  uint64_t gas;

  for (int i = 0; i < ASK_COUNT; i++)
    if (!ask[i].ok)
      return e && (*e = ask[i].err, false);
  if (!ia_chain_block_parse(&head, ask[ASK_HEAD].result, e) ||
      !ia_rpc_u64(&gas, ask[ASK_GAS].result, e) ||
      !ia_rpc_u64(&tx->nonce, ask[ASK_NONCE].result, e))
    return false;
  tx->type = head.has_base_fee ? 2 : 0;
  return set_gas(tx, ask[ASK_HEAD].result, gas, callback, e);
}

/* What the node must say beforehand, in one request: the head, the gas (a revert shows here), the
 * nonce. */
static bool prepare(ia_chain *c, ia_tx *tx, const ia_addr *from, uint64_t callback, ia_err *e)
{
  json_t *call = ia_chain_call_object(&tx->to, tx->data);
  json_object_set_new(call, "from", ia_json_addr(from));
  ia_rpc_item ask[ASK_COUNT] = {
      [ASK_HEAD] = {.method = "eth_getBlockByNumber", .params = json_pack("[s, b]", "latest", 0)},
      [ASK_GAS] = {.method = "eth_estimateGas", .params = json_pack("[o]", call)},
      [ASK_NONCE] = {.method = "eth_getTransactionCount",
                     .params = json_pack("[o, s]", ia_json_addr(from), "pending")}};

  tx->chain_id = c->chain_id;
  bool ok = ia_rpc_batch(c->rpc, ask, ASK_COUNT, e) && take(tx, ask, callback, e);
  ia_rpc_items_free(ask, ASK_COUNT);
  return ok;
}

/* -- our own ledger: a block a transaction, at once, no fees -- */

static bool send_here(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k, ia_tx *tx,
                      ia_err *e)
{
  ia_err why = {0};
  ia_addr from;
  ia_h256 hash;

  if (!ia_secp_address(k->secp, &from, k->key, e) || !prepare(c, tx, &from, 0, e))
    return false;
  for (int i = 0;; i++) {
    ia_buf_clear(&out->raw);
    if ((i > 0 && !ia_send_nonce(c, &tx->nonce, &from, e)) ||
        !ia_tx_sign(&out->raw, tx, k->secp, k->key, e))
      return false;
    if (out->before && !out->before(out->ctx, ia_buf_view(&out->raw), e))
      return false;
    if (ia_send_submit(c, ia_buf_view(&out->raw), &why))
      break;
    if (why.code != IA_E_NONCE_LOW || i + 1 == SEND_TRIES)
      return e && (*e = why, false);
  }
  ia_tx_hash(&hash, ia_buf_view(&out->raw));
  if (!await_receipt(c, &out->receipt, &hash, e))
    return false;
  return out->receipt.ok || mined_reverted(c, &from, tx, e);
}

/* -- chains -- */

static bool passes(const ia_err *why)
{
  return why->code == IA_E_UNAVAILABLE || why->code == IA_E_TIMEOUT || why->code == IA_E_BUSY;
}

/* Of nonces below `end`. */
static bool tend(ia_flight *f, uint64_t end, ia_chain_sent *like, ia_err *e)
{
  uint64_t list[IA_OUTBOX_MAX];
  size_t n;

  if (!ia_outbox_lock(&f->box, e))
    return false;
  bool ok = ia_outbox_list(&f->box, list, IA_OUTBOX_MAX, &n, e);
  ia_outbox_unlock(&f->box);
  for (size_t i = 0; ok && i < n && list[i] < end; i++) {
    IA_AUTOV(ia_outgoing) t = {.nonce = list[i]};
    ia_flight_state state;

    ok = ia_flight_step(f, &t, like, &state, e);
  }
  return ok;
}

/* What an earlier process left under lower nonces holds ours up. */
static void tend_below(const ia_flight *f, uint64_t nonce)
{
  ia_chain_sent none = {0};
  ia_flight g = *f;
  ia_err why = {0};

  g.orphans = true;
  if (!tend(&g, nonce, &none, &why))
    ia_log(IA_LOG_DEBUG, "chain.tend", "reason=\"%s\"", why.msg);
}

/* A node that is away for a while is waited for, too. */
static bool await(ia_flight *f, ia_outgoing *t, ia_chain_sent *out, ia_flight_state *state,
                  ia_err *e)
{
  uint32_t ms = f->c->timeout_ms > FLIGHT_MS ? f->c->timeout_ms : FLIGHT_MS;
  uint64_t end = ia_mono_ms() + ms;
  uint32_t pause = RECEIPT_PAUSE_MIN_MS;

  for (;;) {
    ia_err why = {0};
    bool ok = ia_flight_step(f, t, out, state, &why);

    if (ok && *state != IA_FLIGHT_WAITS)
      return true;
    if (!ok && (!passes(&why) || ia_mono_ms() >= end))
      return e && (*e = why, false);
    if (ia_mono_ms() >= end)
      return ia_fail(e, IA_E_TIMEOUT, "the transaction is in no final block yet");
    if (!ia_chain_pause(f->c, pause, e))
      return false;
    if (pause == RECEIPT_PAUSE_MAX_MS)
      tend_below(f, t->nonce);
    pause = pause * 2 < RECEIPT_PAUSE_MAX_MS ? pause * 2 : RECEIPT_PAUSE_MAX_MS;
  }
}

static bool form_of(ia_buf *raw, const ia_outgoing *t, const ia_h256 *hash)
{
  for (size_t i = 0; i < t->n; i++) {
    ia_h256 h;

    ia_tx_hash(&h, ia_buf_view(&t->raw[i]));
    if (hash && !ia_h256_eq(&h, hash))
      continue;
    ia_buf_clear(raw);
    ia_buf_span(raw, ia_buf_view(&t->raw[i]));
  }
  return ia_buf_ok(raw, NULL);
}

/* Waits; *again: the nonce went to another transaction, which is sure to stay. */
static bool finish(ia_flight *f, ia_outgoing *t, ia_chain_sent *out, bool *again, ia_err *e)
{
  ia_flight_state state = IA_FLIGHT_WAITS;
  ia_tx tx;

  *again = false;
  bool ok = await(f, t, out, &state, e);
  if (!form_of(&out->raw, t, ok && state == IA_FLIGHT_FINAL ? &out->receipt.tx : NULL))
    return ia_fail(e, IA_E_MEMORY, "ledger: out of memory");
  if (!ok)
    return false;
  *again = state == IA_FLIGHT_TAKEN;
  if (*again || out->receipt.ok)
    return true;
  return ia_tx_decode(&tx, ia_buf_view(&out->raw), e) && mined_reverted(f->c, &f->from, &tx, e);
}

static bool send_there(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k, ia_tx *tx,
                       uint64_t callback, ia_err *e)
{
  IA_AUTOV(ia_outgoing) t = {0};
  ia_flight f;

  if (!ia_flight_open(&f, c, k, e))
    return false;
  for (int i = 0; i < SEND_TRIES; i++) {
    bool again;

    ia_outgoing_free(&t);
    if (!prepare(c, tx, &f.from, callback, e) || !ia_flight_start(&f, &t, tx, out, e))
      return false;
    if (out->no_wait)
      return form_of(&out->raw, &t, NULL);
    if (!finish(&f, &t, out, &again, e))
      return false;
    if (!again)
      return true;
  }
  return ia_fail(e, IA_E_NONCE_LOW, "other programs use up this account's nonces");
}

bool ia_chain_resume(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k, ia_err *e)
{
  IA_AUTOV(ia_outgoing) t = {0};
  ia_flight f;
  bool again;
  ia_tx tx;

  if (c->local)
    return ia_chain_send_raw(c, &out->receipt, ia_buf_view(&out->raw), e);
  if (!ia_tx_decode(&tx, ia_buf_view(&out->raw), e) || !ia_flight_open(&f, c, k, e) ||
      !ia_outgoing_add(&t, ia_buf_view(&out->raw), 0, e))
    return false;
  t.nonce = tx.nonce;
  if (!finish(&f, &t, out, &again, e))
    return false;
  return !again || ia_fail(e, IA_E_NONCE_LOW, "another transaction took the nonce");
}

bool ia_chain_tend(ia_chain *c, const ia_chain_account_key *k, const ia_chain_sent *like, ia_err *e)
{
  ia_chain_sent unlike = {0};
  ia_flight f;

  if (c->local || !c->sending.outbox)
    return true;
  if (like)
    unlike = (ia_chain_sent){.before = like->before, .ctx = like->ctx};
  if (!ia_flight_open(&f, c, k, e))
    return false;
  f.orphans = true;
  return tend(&f, UINT64_MAX, &unlike, e);
}

/* -- both -- */

static bool send_call(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k,
                      const ia_addr *to, ia_span data, uint64_t callback, ia_err *e)
{
  ia_tx tx = {.to = *to, .data = data};

  return c->local ? send_here(c, out, k, &tx, e) : send_there(c, out, k, &tx, callback, e);
}

bool ia_chain_send(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k,
                   const ia_addr *to, ia_span data, ia_err *e)
{
  return send_call(c, out, k, to, data, 0, e);
}

/* Of the calls that call back. */
static bool callback_gas(ia_chain *c, uint64_t *out, ia_call_id id, const void *args, ia_err *e)
{
  const ia_args *a = args;
  IA_AUTOV(ia_buf) store = {0};
  ia_args r = {0};

  *out = 0;
  if (c->local || (id != IA_CALL_CONTRIBUTE_AND_FINALIZE && id != IA_CALL_FINALIZE) ||
      a->bytes[1].len == 0)
    return true;
  return ia_chain_read(c, &r, &store, NULL, IA_CALL_CALLBACK_GAS, NULL, e) &&
         (ia_u256_u64(out, &r.value[0]) || ia_fail(e, IA_E_INVALID, "the hub's callback gas"));
}

bool ia_chain_call(ia_chain *c, ia_chain_sent *out, const ia_chain_account_key *k,
                   const ia_addr *to, ia_call_id id, const void *args, ia_err *e)
{
  IA_AUTOV(ia_buf) data = {0};
  uint64_t callback;

  ia_call_encode(&data, id, args);
  if (!ia_buf_ok(&data, e) || !callback_gas(c, &callback, id, args, e))
    return false;
  return send_call(c, out, k, to ? to : &c->hub, ia_buf_view(&data), callback, e) ||
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
  if (!ia_send_submit(c, raw, &why) && why.code != IA_E_TX_KNOWN) {
    /* a node that has mined it says so by the nonce */
    if (why.code == IA_E_NONCE_LOW && ia_chain_receipt_get(c, out, &hash, NULL))
      return out->ok || mined_reverted(c, &from, &tx, e);
    return e && (*e = why, false);
  }
  return await_receipt(c, out, &hash, e) && (out->ok || mined_reverted(c, &from, &tx, e));
}
