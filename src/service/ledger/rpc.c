/* JSON-RPC: parsing, batches, dispatch by table, errors. */
#include <stdarg.h>
#include <stdio.h>

#include "base/hex.h"
#include "eth/address.h"
#include "service/ledger/rpc_int.h"

enum { WAIT_MAX_MS = 25000 };

/* --- errors and values
 * ------------------------------------------------------------------------------- */

bool ia_lrpc_fail(ia_lrpc *r, int code, const char *fmt, ...)
{
  va_list ap;

  va_start(ap, fmt);
  r->code = code;
  (void)vsnprintf(r->message, sizeof(r->message), fmt, ap);
  va_end(ap);
  return false;
}

bool ia_lrpc_failed(ia_lrpc *r, const ia_err *e)
{
  return ia_lrpc_fail(r, IA_RPC_INTERNAL, "%s", e->msg);
}

bool ia_lrpc_result(ia_lrpc *r, json_t *value)
{
  r->result = value;
  return value || ia_lrpc_fail(r, IA_RPC_INTERNAL, "out of memory");
}

json_t *ia_lrpc_hex(uint64_t v)
{
  char text[20];

  if (snprintf(text, sizeof(text), "0x%llx", (unsigned long long)v) >= (int)sizeof(text))
    return NULL;
  return json_string(text);
}

json_t *ia_lrpc_hex256(const ia_u256 *v)
{
  return json_string(ia_u256_hex(v).s);
}

/* --- parameters
 * -------------------------------------------------------------------------------------- */

const json_t *ia_lrpc_param(const ia_lrpc *r, size_t i)
{
  const json_t *v = json_array_get(r->params, i);

  return json_is_null(v) ? NULL : v;
}

bool ia_lrpc_quantity(ia_lrpc *r, const json_t *v, const char *what, uint64_t *out)
{
  const char *s = json_string_value(v);
  ia_u256 wide;

  if (json_is_integer(v) && json_integer_value(v) >= 0) {
    *out = (uint64_t)json_integer_value(v);
    return true;
  }
  if (s && s[0] == '0' && s[1] == 'x' && ia_u256_parse(&wide, ia_span_str(s), NULL) &&
      ia_u256_u64(out, &wide))
    return true;
  return ia_lrpc_fail(r, IA_RPC_PARAMS, "%s: want a 0x quantity of at most 64 bits", what);
}

bool ia_lrpc_hash(ia_lrpc *r, const json_t *v, const char *what, ia_h256 *out)
{
  const char *s = json_string_value(v);

  return (s && ia_h256_parse(out, ia_span_str(s))) ||
         ia_lrpc_fail(r, IA_RPC_PARAMS, "%s: want 0x and 64 hex digits", what);
}

/* Any case: clients check checksums themselves. */
bool ia_lrpc_address(ia_lrpc *r, const json_t *v, const char *what, ia_addr *out)
{
  const char *s = json_string_value(v);

  return (s && s[0] == '0' && s[1] == 'x' && ia_unhex(out->b, 20, ia_span_str(s))) ||
         ia_lrpc_fail(r, IA_RPC_PARAMS, "%s: want 0x and 40 hex digits", what);
}

static bool tag_object(ia_lrpc *r, const json_t *v, uint64_t *number)
{
  const json_t *n = json_object_get(v, "blockNumber"), *h = json_object_get(v, "blockHash");
  ia_h256 hash;
  ia_err e;
  bool found;

  if (n)
    return ia_lrpc_quantity(r, n, "blockNumber", number);
  if (!ia_lrpc_hash(r, h, "blockHash", &hash))
    return false;
  if (!ia_ledger_find_hash(r->l, &hash, false, number, &found, &e))
    return ia_lrpc_failed(r, &e);
  return found || ia_lrpc_fail(r, IA_RPC_SERVER, "unknown block");
}

bool ia_lrpc_block_tag(ia_lrpc *r, const json_t *v, uint64_t *number)
{
  static const char *const heads[] = {"latest", "pending", "safe", "finalized"};
  const char *s = json_string_value(v);

  if (json_is_object(v))
    return tag_object(r, v, number);
  *number = r->l->head;
  if (!v || json_is_null(v))
    return true;
  for (size_t i = 0; s && i < IA_COUNT(heads); i++)
    if (strcmp(s, heads[i]) == 0)
      return true;
  if (s && strcmp(s, "earliest") == 0) {
    *number = 0;
    return true;
  }
  return ia_lrpc_quantity(r, v, "block", number);
}

bool ia_lrpc_head_only(ia_lrpc *r, const json_t *v)
{
  uint64_t number;

  if (!ia_lrpc_block_tag(r, v, &number))
    return false;
  return number == r->l->head ||
         ia_lrpc_fail(r, IA_RPC_SERVER, "this ledger keeps the state of its last block only");
}

/* --- small methods
 * ----------------------------------------------------------------------------------- */

static bool chain_id(ia_lrpc *r)
{
  return ia_lrpc_result(r, ia_lrpc_hex(r->l->world.chain_id));
}

static bool net_version(ia_lrpc *r)
{
  char text[24];

  (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)r->l->world.chain_id);
  return ia_lrpc_result(r, json_string(text));
}

static bool client_version(ia_lrpc *r)
{
  return ia_lrpc_result(r, json_string("iapp-ledger/" IA_VERSION));
}

static bool zero(ia_lrpc *r)
{
  return ia_lrpc_result(r, json_string("0x0"));
}

static bool no(ia_lrpc *r)
{
  return ia_lrpc_result(r, json_false());
}

static bool yes(ia_lrpc *r)
{
  return ia_lrpc_result(r, json_true());
}

static bool no_accounts(ia_lrpc *r)
{
  return ia_lrpc_result(r, json_array());
}

static bool info(ia_lrpc *r)
{
  ia_err e;
  json_t *v = ia_ledger_info(r->l, &e);

  return v ? ia_lrpc_result(r, v) : ia_lrpc_failed(r, &e);
}

static json_t *head_json(uint64_t number, const ia_h256 *hash)
{
  return json_pack("{s:I,s:o}", "number", (json_int_t)number, "hash", ia_json_h256(hash));
}

/* Alone and not behind that block: the reply waits. In a batch, or when there is news: at once. */
static bool wait_block(ia_lrpc *r)
{
  uint64_t above = 0, ms = WAIT_MAX_MS;

  if (!ia_lrpc_quantity(r, ia_lrpc_param(r, 0), "number", &above) ||
      (ia_lrpc_param(r, 1) && !ia_lrpc_quantity(r, ia_lrpc_param(r, 1), "timeoutMs", &ms)))
    return false;
  r->reply->wait_above = above;
  r->reply->wait_ms = ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
  if (!r->batch && r->l->head <= above && r->reply->wait_ms > 0)
    r->reply->wait = true;
  return ia_lrpc_result(r, head_json(r->l->head, &r->l->head_hash));
}

/* --- dispatch
 * ---------------------------------------------------------------------------------------- */

static const struct method {
  const char *name;
  ia_lrpc_fn *run;
  bool test_only; /* and changes something, like a transaction */
} methods[] = {
    {"eth_call", ia_lrpc_call, false},
    {"eth_chainId", chain_id, false},
    {"eth_sendRawTransaction", ia_lrpc_send, false},
    {"eth_getTransactionReceipt", ia_lrpc_receipt, false},
    {"eth_blockNumber", ia_lrpc_block_number, false},
    {"eth_getTransactionCount", ia_lrpc_nonce, false},
    {"eth_estimateGas", ia_lrpc_estimate, false},
    {"eth_getBlockByNumber", ia_lrpc_block_by_number, false},
    {"eth_getBlockByHash", ia_lrpc_block_by_hash, false},
    {"eth_getBlockReceipts", ia_lrpc_block_receipts, false},
    {"eth_getTransactionByHash", ia_lrpc_tx_by_hash, false},
    {"eth_getRawTransactionByHash", ia_lrpc_raw_tx_by_hash, false},
    {"eth_getLogs", ia_lrpc_logs, false},
    {"eth_getCode", ia_lrpc_code, false},
    {"eth_getBalance", ia_lrpc_balance, false},
    {"eth_gasPrice", zero, false},
    {"eth_maxPriorityFeePerGas", zero, false},
    {"eth_feeHistory", ia_lrpc_fee_history, false},
    {"eth_accounts", no_accounts, false},
    {"eth_syncing", no, false},
    {"net_version", net_version, false},
    {"net_listening", yes, false},
    {"web3_clientVersion", client_version, false},
    {"iapp_waitBlock", wait_block, false},
    {"iapp_info", info, false},
    {"evm_increaseTime", ia_lrpc_increase_time, true},
    {"evm_mine", ia_lrpc_mine, true},
    {"evm_setNextBlockTimestamp", ia_lrpc_next_timestamp, true},
    {"evm_snapshot", ia_lrpc_snapshot, true},
    {"evm_revert", ia_lrpc_revert, true},
};

static bool dispatch(ia_lrpc *r, const char *name)
{
  for (size_t i = 0; i < IA_COUNT(methods); i++)
    if (strcmp(name, methods[i].name) == 0 && (!methods[i].test_only || r->l->test)) {
      if (methods[i].test_only && r->reply->from_page)
        return ia_lrpc_fail(r, IA_RPC_REQUEST, "%s is not for a page of this origin", name);
      r->reply->wrote |= methods[i].test_only || methods[i].run == ia_lrpc_send;
      return methods[i].run(r);
    }
  return ia_lrpc_fail(r, IA_RPC_METHOD, "the method %.64s does not exist", name);
}

static json_t *error_json(const ia_lrpc *r)
{
  json_t *v = json_pack("{s:i,s:s}", "code", r->code, "message", r->message);

  if (r->has_data && v && json_object_set_new(v, "data", ia_json_hex(ia_buf_view(&r->data))) != 0)
    return json_decref(v), NULL;
  if (r->detail[0] && v && json_object_set_new(v, "detail", json_string(r->detail)) != 0)
    return json_decref(v), NULL;
  return v;
}

static bool put_json(ia_buf *out, const json_t *v, ia_err *e)
{
  if (v)
    return ia_json_write(out, v, e);
  ia_buf_str(out, "null");
  return true;
}

static bool put_reply(ia_buf *out, const json_t *id, const char *key, const json_t *value,
                      ia_err *e)
{
  ia_buf_str(out, "{\"jsonrpc\":\"2.0\",\"id\":");
  if (!ia_lrpc_put_id(out, id, e))
    return false;
  ia_buf_printf(out, ",\"%s\":", key);
  if (!put_json(out, value, e))
    return false;
  ia_buf_u8(out, '}');
  return ia_buf_ok(out, e);
}

bool ia_lrpc_put_error(ia_buf *out, const json_t *id, int code, const char *message, ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:i,s:s}", "code", code, "message", message);

  return v ? put_reply(out, id, "error", v, e) : ia_fail(e, IA_E_MEMORY, "no memory for a reply");
}

/* jsonrpc "2.0" is not insisted on: some clients leave it out. */
static const char *method_name(const json_t *request, const json_t **params)
{
  const char *name = json_string_value(json_object_get(request, "method"));

  *params = json_object_get(request, "params");
  if (*params && !json_is_array(*params) && !json_is_null(*params))
    return NULL;
  return name;
}

bool ia_lrpc_one(ia_ledger *l, const json_t *request, bool batch, ia_ledger_reply *out, ia_err *e)
{
  const json_t *id = json_object_get(request, "id"), *params;
  const char *name = method_name(request, &params);
  ia_lrpc r = {.l = l, .params = params, .batch = batch, .reply = out};

  if (!name || !ia_lrpc_is_id(id))
    return ia_lrpc_put_error(&out->text, NULL, IA_RPC_REQUEST, "not a JSON-RPC request", e);
  bool ok = dispatch(&r, name);
  IA_AUTO_JSON *result = r.result;
  IA_AUTO_JSON *error = ok ? NULL : error_json(&r);
  ia_buf_free(&r.data);
  if (!id)
    return true; /* a notification */
  if (out->wait)
    return ia_json_write(&out->wait_id, id, e);
  if (!ok && !error)
    return ia_fail(e, IA_E_MEMORY, "no memory for a reply");
  return put_reply(&out->text, id, ok ? "result" : "error", ok ? result : error, e);
}

bool ia_ledger_wait_reply(ia_ledger *l, ia_ledger_reply *r, ia_err *e)
{
  IA_AUTO_JSON *id = ia_json_parse(ia_buf_view(&r->wait_id), IA_JSON_ANY, e);
  IA_AUTO_JSON *head = head_json(l->head, &l->head_hash);

  r->wait = false;
  r->height = l->head;
  if (!id)
    return false;
  return head ? put_reply(&r->text, id, "result", head, e)
              : ia_fail(e, IA_E_MEMORY, "no memory for a reply");
}

bool ia_ledger_failed_reply(const ia_err *why, ia_buf *text, ia_err *e)
{
  ia_buf_clear(text);
  return ia_lrpc_put_error(text, NULL, IA_RPC_INTERNAL, why->msg, e);
}

void ia_ledger_reply_free(ia_ledger_reply *r)
{
  ia_buf_free(&r->text);
  ia_buf_free(&r->wait_id);
}

bool ia_ledger_request(ia_ledger *l, ia_span request, ia_buf *reply, ia_err *e)
{
  IA_AUTOV(ia_ledger_reply) r = {0};

  if (!ia_ledger_rpc(l, request, &r, e) || (r.wait && !ia_ledger_wait_reply(l, &r, e)) ||
      !ia_ledger_wait(l, r.height, e))
    return false;
  ia_ledger_trim(l);
  ia_buf_clear(reply);
  ia_buf_span(reply, ia_buf_view(&r.text));
  return ia_buf_ok(reply, e);
}
