/* JSON-RPC: blocks, transactions, receipts. */
#include "base/hex.h"
#include "eth/tx.h"
#include "service/ledger/rpc_int.h"

enum { PERCENTILES_MAX = 100 };

/* keccak256(rlp([])): what a block without uncles has */
static const char no_uncles[] =
    "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";
static const char zero_address[] = "0x0000000000000000000000000000000000000000";

/* A block with the bytes it borrows. */
typedef struct held {
  ia_buf record;
  ia_block b;
  ia_h256 hash;
} held;

static void held_free(held *h)
{
  ia_buf_free(&h->record);
}
IA_DEFINE_AUTO_VALUE(held, held_free)

static bool load(ia_lrpc *r, uint64_t number, held *h, bool *found)
{
  ia_err e;

  if (!ia_ledger_record(r->l, number, &h->record, found, &e) ||
      (*found && !ia_block_decode(&h->b, ia_buf_view(&h->record), &e)))
    return ia_lrpc_failed(r, &e);
  if (*found)
    ia_block_hash(&h->hash, ia_buf_view(&h->record));
  return true;
}

static bool put(json_t *v, const char *key, json_t *value)
{
  return json_object_set_new(v, key, value) == 0;
}

/* --- logs
 * -------------------------------------------------------------------------------------------- */

static void bloom_of(const ia_block *b, uint8_t bloom[IA_BLOOM_SIZE])
{
  ia_span logs = b->logs;
  ia_log_entry log;

  memset(bloom, 0, IA_BLOOM_SIZE);
  for (uint32_t i = 0; i < b->n_logs && ia_block_take_log(&logs, &log, NULL); i++)
    ia_bloom_add(bloom, &log);
}

json_t *ia_lrpc_log(const ia_block *b, const ia_h256 *block_hash, const ia_log_entry *log,
                    uint64_t index)
{
  json_t *topics = json_array();

  for (size_t i = 0; i < log->n_topics; i++)
    if (json_array_append_new(topics, ia_json_h256(&log->topics[i])) != 0) {
      json_decref(topics);
      return NULL;
    }
  return json_pack("{s:o,s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:b}", "address",
                   ia_json_addr(&log->address), "topics", topics, "data", ia_json_hex(log->data),
                   "blockNumber", ia_lrpc_hex(b->number), "transactionHash",
                   ia_json_h256(&b->tx_hash), "transactionIndex", "0x0", "blockHash",
                   ia_json_h256(block_hash), "logIndex", ia_lrpc_hex(index), "blockTimestamp",
                   ia_lrpc_hex(b->timestamp), "removed", 0);
}

static json_t *logs_of(const held *h)
{
  IA_AUTO_JSON *all = json_array();
  ia_span logs = h->b.logs;
  ia_log_entry log;

  for (uint32_t i = 0; i < h->b.n_logs; i++)
    if (!ia_block_take_log(&logs, &log, NULL) ||
        json_array_append_new(all, ia_lrpc_log(&h->b, &h->hash, &log, i)) != 0)
      return NULL;
  return ia_steal(&all);
}

/* --- transactions
 * ------------------------------------------------------------------------------------ */

static bool put_signature(json_t *v, const ia_tx *tx)
{
  uint64_t parity = tx->sig.b[64] - 27u;
  ia_u256 r = ia_u256_from_be(tx->sig.b), s = ia_u256_from_be(tx->sig.b + 32);

  return put(v, "r", ia_lrpc_hex256(&r)) && put(v, "s", ia_lrpc_hex256(&s)) &&
         put(v, "v", ia_lrpc_hex(tx->type == 2 ? parity : parity + 35 + 2 * tx->chain_id)) &&
         (tx->type != 2 || put(v, "yParity", ia_lrpc_hex(parity)));
}

static bool put_fees(json_t *v, const ia_tx *tx)
{
  if (tx->type != 2)
    return put(v, "gasPrice", ia_lrpc_hex256(&tx->max_fee));
  return put(v, "gasPrice", json_string("0x0")) &&
         put(v, "maxFeePerGas", ia_lrpc_hex256(&tx->max_fee)) &&
         put(v, "maxPriorityFeePerGas", ia_lrpc_hex256(&tx->max_priority)) &&
         put(v, "accessList", json_array());
}

static json_t *tx_json(const held *h)
{
  ia_tx tx;

  if (!ia_tx_decode(&tx, h->b.raw, NULL))
    return NULL;
  IA_AUTO_JSON *v = json_pack(
      "{s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "hash", ia_json_h256(&h->b.tx_hash),
      "blockHash", ia_json_h256(&h->hash), "blockNumber", ia_lrpc_hex(h->b.number),
      "transactionIndex", "0x0", "from", ia_json_addr(&h->b.sender), "to",
      tx.creates ? json_null() : ia_json_addr(&tx.to), "nonce", ia_lrpc_hex(tx.nonce), "gas",
      ia_lrpc_hex(tx.gas), "value", ia_lrpc_hex256(&tx.value), "input", ia_json_hex(tx.data),
      "type", ia_lrpc_hex(tx.type), "chainId", ia_lrpc_hex(tx.chain_id));
  return v && put_fees(v, &tx) && put_signature(v, &tx) ? ia_steal(&v) : NULL;
}

static json_t *receipt_json(const held *h)
{
  uint8_t bloom[IA_BLOOM_SIZE];
  ia_tx tx;

  if (!ia_tx_decode(&tx, h->b.raw, NULL))
    return NULL;
  bloom_of(&h->b, bloom);
  return json_pack(
      "{s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:n,s:o,s:o,s:s,s:o}", "transactionHash",
      ia_json_h256(&h->b.tx_hash), "transactionIndex", "0x0", "blockHash", ia_json_h256(&h->hash),
      "blockNumber", ia_lrpc_hex(h->b.number), "from", ia_json_addr(&h->b.sender), "to",
      tx.creates ? json_null() : ia_json_addr(&tx.to), "cumulativeGasUsed",
      ia_lrpc_hex(h->b.gas_used), "gasUsed", ia_lrpc_hex(h->b.gas_used), "effectiveGasPrice", "0x0",
      "contractAddress", "logs", logs_of(h), "logsBloom", ia_json_hex(IA_SPAN_ARR(bloom)), "status",
      h->b.ok ? "0x1" : "0x0", "type", ia_lrpc_hex(tx.type));
}

/* The block that holds the transaction; *found false when there is none. */
static bool load_tx(ia_lrpc *r, held *h, bool *found)
{
  uint64_t number;
  ia_h256 hash;
  ia_err e;

  if (!ia_lrpc_hash(r, ia_lrpc_param(r, 0), "transaction hash", &hash))
    return false;
  if (!ia_ledger_find_hash(r->l, &hash, true, &number, found, &e))
    return ia_lrpc_failed(r, &e);
  if (!*found)
    return true;
  if (!load(r, number, h, found))
    return false;
  *found = *found && h->b.has_tx && ia_h256_eq(&h->b.tx_hash, &hash);
  return true;
}

bool ia_lrpc_tx_by_hash(ia_lrpc *r)
{
  IA_AUTOV(held) h = {0};
  bool found;

  return load_tx(r, &h, &found) && (!found || ia_lrpc_result(r, tx_json(&h)));
}

bool ia_lrpc_raw_tx_by_hash(ia_lrpc *r)
{
  IA_AUTOV(held) h = {0};
  bool found;

  return load_tx(r, &h, &found) && (!found || ia_lrpc_result(r, ia_json_hex(h.b.raw)));
}

bool ia_lrpc_receipt(ia_lrpc *r)
{
  IA_AUTOV(held) h = {0};
  bool found;

  return load_tx(r, &h, &found) && (!found || ia_lrpc_result(r, receipt_json(&h)));
}

bool ia_lrpc_block_receipts(ia_lrpc *r)
{
  IA_AUTOV(held) h = {0};
  uint64_t number;
  bool found;

  if (!ia_lrpc_block_tag(r, ia_lrpc_param(r, 0), &number) || !load(r, number, &h, &found))
    return false;
  if (!found)
    return true;
  return ia_lrpc_result(r, h.b.has_tx ? json_pack("[o]", receipt_json(&h)) : json_array());
}

/* --- blocks
 * ------------------------------------------------------------------------------------------ */

static json_t *block_txs(const held *h, bool full)
{
  if (!h->b.has_tx)
    return json_array();
  return json_pack("[o]", full ? tx_json(h) : ia_json_h256(&h->b.tx_hash));
}

/* stateRoot carries the digest of what the block changed: this ledger has no state trie. */
static json_t *block_json(const held *h, bool full)
{
  static const ia_h256 none;
  uint8_t bloom[IA_BLOOM_SIZE];

  bloom_of(&h->b, bloom);
  return json_pack(
      "{s:o,s:o,s:o,s:o,s:s,s:s,s:s,s:o,s:o,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:[]}",
      "number", ia_lrpc_hex(h->b.number), "hash", ia_json_h256(&h->hash), "parentHash",
      ia_json_h256(&h->b.parent), "timestamp", ia_lrpc_hex(h->b.timestamp), "nonce",
      "0x0000000000000000", "difficulty", "0x0", "totalDifficulty", "0x0", "gasLimit",
      ia_lrpc_hex(IA_BLOCK_GAS_LIMIT), "gasUsed", ia_lrpc_hex(h->b.gas_used), "miner", zero_address,
      "extraData", "0x", "baseFeePerGas", "0x0", "mixHash", ia_json_h256(&none), "stateRoot",
      ia_json_h256(&h->b.writes), "receiptsRoot", ia_json_h256(&none), "transactionsRoot",
      ia_json_h256(&h->b.tx_hash), "logsBloom", ia_json_hex(IA_SPAN_ARR(bloom)), "sha3Uncles",
      no_uncles, "size", ia_lrpc_hex(h->record.len), "transactions", block_txs(h, full), "uncles");
}

bool ia_lrpc_block_number(ia_lrpc *r)
{
  return ia_lrpc_result(r, ia_lrpc_hex(r->l->head));
}

bool ia_lrpc_block_by_number(ia_lrpc *r)
{
  IA_AUTOV(held) h = {0};
  uint64_t number;
  bool found;

  if (!ia_lrpc_block_tag(r, ia_lrpc_param(r, 0), &number) || !load(r, number, &h, &found))
    return false;
  return !found || ia_lrpc_result(r, block_json(&h, json_is_true(ia_lrpc_param(r, 1))));
}

bool ia_lrpc_block_by_hash(ia_lrpc *r)
{
  IA_AUTOV(held) h = {0};
  uint64_t number;
  ia_h256 hash;
  bool found;
  ia_err e;

  if (!ia_lrpc_hash(r, ia_lrpc_param(r, 0), "block hash", &hash))
    return false;
  if (!ia_ledger_find_hash(r->l, &hash, false, &number, &found, &e))
    return ia_lrpc_failed(r, &e);
  if (!found)
    return true;
  if (!load(r, number, &h, &found))
    return false;
  if (!found || !ia_h256_eq(&h.hash, &hash))
    return true; /* the hash of a transaction */
  return ia_lrpc_result(r, block_json(&h, json_is_true(ia_lrpc_param(r, 1))));
}

static bool append_zero(json_t *list)
{
  return json_array_append_new(list, json_string("0x0")) == 0;
}

/* Percentiles rise from 0 to 100. */
static bool percentiles(ia_lrpc *r, const json_t *p)
{
  double before = 0, now;

  if (p && !json_is_null(p) && !json_is_array(p))
    return ia_lrpc_fail(r, IA_RPC_PARAMS, "rewardPercentiles: want an array");
  if (json_array_size(p) > PERCENTILES_MAX)
    return ia_lrpc_fail(r, IA_RPC_PARAMS, "rewardPercentiles: at most %d", PERCENTILES_MAX);
  for (size_t i = 0; i < json_array_size(p); i++, before = now) {
    now = json_number_value(json_array_get(p, i));
    if (!json_is_number(json_array_get(p, i)) || now < before || now > 100)
      return ia_lrpc_fail(r, IA_RPC_PARAMS, "rewardPercentiles: want numbers that rise, 0 to 100");
  }
  return true;
}

/* A list for each block: what was paid at each percentile. */
static json_t *rewards(uint64_t blocks, size_t n)
{
  json_t *all = json_array();

  for (uint64_t i = 0; all && i < blocks; i++) {
    json_t *one = json_array();
    bool ok = one != NULL;

    for (size_t k = 0; ok && k < n; k++)
      ok = append_zero(one);
    if (!ok || json_array_append_new(all, one) != 0) {
      json_decref(all);
      return NULL;
    }
  }
  return all;
}

/* Nothing costs anything: zeros for as many blocks as asked, at most 1024. */
bool ia_lrpc_fee_history(ia_lrpc *r)
{
  IA_AUTO_JSON *fees = json_array();
  IA_AUTO_JSON *ratios = json_array();
  const json_t *wanted = ia_lrpc_param(r, 2);
  uint64_t count, newest;
  json_t *out;

  if (!ia_lrpc_quantity(r, ia_lrpc_param(r, 0), "blockCount", &count) ||
      !ia_lrpc_block_tag(r, ia_lrpc_param(r, 1), &newest) || !percentiles(r, wanted))
    return false;
  count = count > 1024 ? 1024 : count;
  count = count > newest + 1 ? newest + 1 : count;
  for (uint64_t i = 0; i <= count; i++)
    if (!append_zero(fees) || (i < count && json_array_append_new(ratios, json_integer(0)) != 0))
      return ia_lrpc_fail(r, IA_RPC_INTERNAL, "out of memory");
  out = json_pack("{s:o,s:O,s:O}", "oldestBlock", ia_lrpc_hex(newest + 1 - count), "baseFeePerGas",
                  fees, "gasUsedRatio", ratios);
  if (out && json_is_array(wanted) &&
      json_object_set_new(out, "reward", rewards(count, json_array_size(wanted))) != 0) {
    json_decref(out);
    out = NULL;
  }
  return ia_lrpc_result(r, out);
}
