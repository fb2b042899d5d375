/* Executing transactions: one block each. */
#include "crypto/keccak.h"
#include "eth/address.h"
#include "eth/tx.h"
#include "service/ledger/ledger_int.h"

enum { GAS_TX = 21000, GAS_ZERO_BYTE = 4, GAS_BYTE = 16, GAS_CHANGE = 5000, GAS_LOG_BYTE = 8 };

uint64_t ia_ledger_next_time(const ia_ledger *l)
{
  uint64_t now = l->next_time ? l->next_time : l->now() + l->offset_s;

  return now > l->head_time ? now : l->head_time;
}

/* What the bytes of a call cost before it runs. */
static uint64_t intrinsic_gas(ia_span data)
{
  uint64_t gas = GAS_TX;

  for (size_t i = 0; i < data.len; i++)
    gas += data.ptr[i] ? GAS_BYTE : GAS_ZERO_BYTE;
  return gas;
}

/* Nothing is paid for gas; the figure says how much a call did, so that clients have one. */
static uint64_t gas_of(const ia_ledger *l, ia_span data)
{
  return intrinsic_gas(data) + GAS_CHANGE * ia_kv_n_changes(l->kv) +
         GAS_LOG_BYTE * (uint64_t)l->vm.logs.len;
}

static bool broken(ia_ledger *l, ia_err *e)
{
  const ia_err *why = ia_kv_error(l->kv);

  if (why && e)
    *e = *why;
  return why ? false : ia_fail(e, IA_E_INTERNAL, "the ledger's state is damaged");
}

/* --- one message
 * ------------------------------------------------------------------------------------ */

static bool move_coins(ia_lvm *vm, const ia_message *m)
{
  ia_span from = IA_SPAN_ARR(m->from.b), to = IA_SPAN_ARR(m->to.b);
  ia_u256 v;

  return ia_lvm_get_u256(vm, &v, IA_WKEY_COINS, from, IA_NO_SPAN) &&
         (ia_u256_sub(&v, &v, &m->value) || ia_revert_set(&vm->why, IA_REVERT_ARITHMETIC)) &&
         ia_lvm_put_u256(vm, IA_WKEY_COINS, from, IA_NO_SPAN, &v) &&
         ia_lvm_get_u256(vm, &v, IA_WKEY_COINS, to, IA_NO_SPAN) &&
         (ia_u256_add(&v, &v, &m->value) || ia_revert_set(&vm->why, IA_REVERT_ARITHMETIC)) &&
         ia_lvm_put_u256(vm, IA_WKEY_COINS, to, IA_NO_SPAN, &v);
}

static bool run(ia_lvm *vm, const ia_message *m, ia_buf *out)
{
  const ia_contract *c;

  if (m->creates)
    return ia_revert_set(&vm->why, IA_REVERT_NO_CREATE);
  if (!ia_u256_zero(&m->value)) {
    if (!ia_lvm_contract_at(vm, &c, &m->to))
      return false;
    if (c)
      return ia_revert_set(&vm->why,
                           ia_contract_has(c, m->data) ? IA_REVERT_NOT_PAYABLE : c->unknown);
    if (!move_coins(vm, m))
      return false;
  }
  return ia_lvm_call(vm, &m->to, &m->from, m->data, out);
}

/* Runs; on a revert the state is as before and the revert data stands in x->out. False only when
 * the state cannot be read or written. */
static bool execute(ia_ledger *l, const ia_message *m, ia_executed *x, ia_err *e)
{
  size_t mark = ia_kv_mark(l->kv);

  x->ok = run(&l->vm, m, &x->out) &&
          (l->vm.n_logs <= IA_LOGS_MAX || ia_revert_set(&l->vm.why, IA_REVERT_TOO_MUCH));
  if (ia_kv_error(l->kv) ||
      (!x->ok && (l->vm.why.id == IA_REVERT_FAULT || l->vm.why.id == IA_REVERT_NONE)))
    return broken(l, e);
  if (!x->ok) {
    ia_kv_undo(l->kv, mark);
    ia_buf_clear(&l->vm.logs);
    l->vm.n_logs = 0;
    ia_buf_clear(&x->out);
    ia_revert_data(&x->out, l->world.rules, &l->vm.why);
    (void)snprintf(x->reason, sizeof(x->reason), "%s",
                   ia_revert_reason(l->world.rules, &l->vm.why));
  }
  x->gas = gas_of(l, m->data);
  return ia_buf_ok(&x->out, e);
}

bool ia_ledger_dry_run(ia_ledger *l, const ia_message *m, ia_executed *x, ia_err *e)
{
  ia_lvm_reset(&l->vm, ia_ledger_next_time(l), l->head + 1);
  bool ok = execute(l, m, x, e);
  ia_kv_undo(l->kv, 0);
  ia_kv_end(l->kv, 0);
  return ok;
}

/* --- blocks
 * ----------------------------------------------------------------------------------------- */

static void lp(ia_keccak *k, ia_span s)
{
  uint8_t n[4] = {(uint8_t)(s.len >> 24), (uint8_t)(s.len >> 16), (uint8_t)(s.len >> 8),
                  (uint8_t)s.len};

  ia_keccak_update(k, IA_SPAN_ARR(n));
  ia_keccak_update(k, s);
}

static void hash_write(void *ctx, ia_span key, ia_span value)
{
  lp(ctx, key);
  lp(ctx, value);
}

static void put_write(void *ctx, ia_span key, ia_span value)
{
  ia_disk_put_state(ctx, key, value);
}

/* Index terms of a block: addresses and topics of its logs, each once. */
static void index_logs(ia_ledger *l, const ia_block *b)
{
  ia_span logs = b->logs;
  ia_log_entry log;

  for (uint32_t i = 0; i < b->n_logs && ia_block_take_log(&logs, &log, NULL); i++) {
    ia_disk_put_index(l->disk, ia_term_address(&log.address), b->number);
    for (size_t k = 0; k < log.n_topics; k++)
      ia_disk_put_index(l->disk, ia_term_topic(k, &log.topics[k]), b->number);
  }
}

/* Closes the block: hashes what changed, chains it, queues it for the disk. What may fail comes
 * before the first put, so that nothing of a block that is not made reaches the disk. */
static bool seal(ia_ledger *l, ia_block *b, ia_err *e)
{
  IA_AUTOV(ia_buf) record = {0};
  ia_keccak k;
  ia_h256 hash;

  ia_keccak_init(&k);
  ia_kv_changes(l->kv, hash_write, &k);
  ia_keccak_final(&k, &b->writes);
  b->logs = ia_buf_view(&l->vm.logs);
  b->n_logs = l->vm.n_logs;
  ia_block_encode(&record, b);
  if (!ia_buf_ok(&record, e) || !ia_snapshots_keep(l, e) ||
      !ia_ledger_remember(l, &b->tx_hash, ia_buf_view(&record), e))
    return false;
  ia_block_hash(&hash, ia_buf_view(&record));
  ia_kv_changes(l->kv, put_write, l->disk);
  index_logs(l, b);
  ia_disk_put_ref(l->disk, &hash, b->number);
  if (b->has_tx)
    ia_disk_put_ref(l->disk, &b->tx_hash, b->number);
  if (!ia_disk_put_block(l->disk, b->number, ia_buf_view(&record), e))
    return false;
  l->head = b->number;
  l->head_time = b->timestamp;
  l->head_hash = hash;
  /* later blocks go on from a time that was set by hand */
  if (l->next_time)
    l->offset_s = l->next_time > l->now() ? l->next_time - l->now() : 0;
  l->next_time = 0;
  ia_kv_end(l->kv, b->number);
  return true;
}

bool ia_ledger_make_genesis(ia_ledger *l, ia_span text, uint64_t time, ia_err *e)
{
  ia_block b = {.timestamp = time, .raw = text, .ok = true};

  ia_lvm_reset(&l->vm, time, 0);
  if (!ia_genesis_apply(&l->vm, text, e) || !seal(l, &b, e))
    return false;
  l->genesis_hash = l->head_hash;
  return true;
}

bool ia_ledger_apply_empty(ia_ledger *l, uint64_t time, ia_err *e)
{
  ia_block b = {.number = l->head + 1, .parent = l->head_hash, .timestamp = time, .ok = true};

  ia_lvm_reset(&l->vm, time, b.number);
  return seal(l, &b, e);
}

/* --- transactions
 * ------------------------------------------------------------------------------------ */

static bool u256_at(ia_ledger *l, ia_u256 *out, ia_world_key tag, const ia_addr *who, ia_err *e)
{
  return ia_lvm_get_u256(&l->vm, out, tag, IA_SPAN_ARR(who->b), IA_NO_SPAN) || broken(l, e);
}

bool ia_ledger_nonce(ia_ledger *l, const ia_addr *who, uint64_t *nonce, ia_err *e)
{
  ia_u256 v;

  return u256_at(l, &v, IA_WKEY_NONCE, who, e) && (ia_u256_u64(nonce, &v) || broken(l, e));
}

bool ia_ledger_coins(ia_ledger *l, const ia_addr *who, ia_u256 *wei, ia_err *e)
{
  return u256_at(l, wei, IA_WKEY_COINS, who, e);
}

/* Call data for an address where no contract is was signed for another ledger of our chain id,
 * whose contracts stand elsewhere: here it would do nothing but use up the sender's nonce. */
static bool meant_for_us(ia_ledger *l, const ia_tx *tx, ia_err *e)
{
  const ia_contract *c;

  if (tx->creates || tx->data.len == 0)
    return true;
  if (!ia_lvm_contract_at(&l->vm, &c, &tx->to))
    return broken(l, e);
  if (c)
    return true;
  ia_fail(e, IA_E_INVALID, "no contract at %s on this ledger", ia_addr_text(&tx->to).s);
  return ia_hint(e, "was it signed for another one?");
}

/* Everything that keeps a transaction out of any block. */
static bool admissible(ia_ledger *l, const ia_tx *tx, const ia_addr *from, ia_err *e)
{
  uint64_t nonce;
  ia_u256 coins;

  if (tx->chain_id != l->world.chain_id)
    return ia_fail(e, IA_E_CHAIN_ID, "invalid chain id for signer: have %llu want %llu",
                   (unsigned long long)tx->chain_id, (unsigned long long)l->world.chain_id);
  if (!ia_ledger_nonce(l, from, &nonce, e) || !ia_ledger_coins(l, from, &coins, e))
    return false;
  if (tx->nonce < nonce)
    return ia_fail(e, IA_E_NONCE_LOW, "nonce too low: next nonce %llu, tx nonce %llu",
                   (unsigned long long)nonce, (unsigned long long)tx->nonce);
  if (tx->nonce > nonce)
    return ia_fail(e, IA_E_INVALID, "nonce too high: next nonce %llu, tx nonce %llu",
                   (unsigned long long)nonce, (unsigned long long)tx->nonce);
  if (ia_u256_cmp(&tx->value, &coins) > 0)
    return ia_fail(e, IA_E_INVALID, "Insufficient funds for gas * price + value");
  if (tx->gas < intrinsic_gas(tx->data))
    return ia_fail(e, IA_E_INVALID, "intrinsic gas too low: have %llu, want %llu",
                   (unsigned long long)tx->gas, (unsigned long long)intrinsic_gas(tx->data));
  return meant_for_us(l, tx, e);
}

static bool apply(ia_ledger *l, const ia_tx *tx, ia_block *b, ia_err *e)
{
  ia_message m = {.from = b->sender,
                  .to = tx->to,
                  .creates = tx->creates,
                  .value = tx->value,
                  .data = tx->data};
  ia_u256 next = ia_u256_of(tx->nonce + 1);
  IA_AUTOV(ia_executed) x = {0};

  ia_lvm_reset(&l->vm, b->timestamp, b->number);
  if (!ia_lvm_put_u256(&l->vm, IA_WKEY_NONCE, IA_SPAN_ARR(b->sender.b), IA_NO_SPAN, &next))
    return broken(l, e);
  if (!execute(l, &m, &x, e))
    return false;
  b->ok = x.ok;
  b->gas_used = x.gas < tx->gas ? x.gas : tx->gas;
  l->last_sender = b->sender;
  return seal(l, b, e);
}

bool ia_ledger_apply(ia_ledger *l, ia_span raw, uint64_t time, ia_err *e)
{
  ia_block b = {
      .number = l->head + 1, .parent = l->head_hash, .timestamp = time, .has_tx = true, .raw = raw};
  ia_tx tx;

  if (ia_kv_error(l->kv))
    return broken(l, e);
  if (!ia_disk_healthy(l->disk, e) || !ia_tx_decode(&tx, raw, e) ||
      !ia_tx_sender(&b.sender, &tx, e) || !admissible(l, &tx, &b.sender, e))
    return false;
  ia_tx_hash(&b.tx_hash, raw);
  if (apply(l, &tx, &b, e))
    return true;
  ia_kv_undo(l->kv, 0);
  ia_kv_end(l->kv, 0);
  return false;
}
