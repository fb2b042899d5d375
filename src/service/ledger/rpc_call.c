/* JSON-RPC: calls, estimates, transactions, and the state of addresses. */
#include "base/crash.h"
#include "base/hex.h"
#include "eth/tx.h"
#include "service/ledger/rpc_int.h"

enum { CALL_DATA_CAP = 4 << 20 };

/* Call data as clients name it, "input" or "data". */
static bool call_data(ia_lrpc *r, const json_t *call, ia_buf *out)
{
  const json_t *v = json_object_get(call, "input");
  const char *s;

  if (!v || json_is_null(v))
    v = json_object_get(call, "data");
  if (!v || json_is_null(v))
    return true;
  s = json_string_value(v);
  out->cap = CALL_DATA_CAP;
  return (s && s[0] == '0' && s[1] == 'x' &&
          ia_unhex_buf(out, ia_span_of(s, json_string_length(v)))) ||
         ia_lrpc_fail(r, IA_RPC_PARAMS, "data: want 0x and hex digits, at most 4 MiB");
}

static bool optional_address(ia_lrpc *r, const json_t *call, const char *key, ia_addr *out,
                             bool *there)
{
  const json_t *v = json_object_get(call, key);

  memset(out, 0, sizeof(*out));
  *there = v && !json_is_null(v);
  return !*there || ia_lrpc_address(r, v, key, out);
}

static bool message_of(ia_lrpc *r, ia_message *m, ia_buf *data)
{
  const json_t *call = ia_lrpc_param(r, 0);
  bool from, to;

  memset(m, 0, sizeof(*m));
  if (!json_is_object(call))
    return ia_lrpc_fail(r, IA_RPC_PARAMS, "want a call object");
  if (!optional_address(r, call, "from", &m->from, &from) ||
      !optional_address(r, call, "to", &m->to, &to) || !call_data(r, call, data))
    return false;
  const char *value = json_string_value(json_object_get(call, "value"));
  if (value && !ia_u256_parse(&m->value, ia_span_str(value), NULL))
    return ia_lrpc_fail(r, IA_RPC_PARAMS, "value: want a 0x quantity");
  m->creates = !to;
  m->data = ia_buf_view(data);
  return true;
}

/* The faucet pours only where the option says so; asked here, so that a replay needs no options. */
static bool faucet_call(const ia_ledger *l, const ia_addr *to, ia_span data)
{
  uint32_t selector;

  return ia_addr_eq(to, &l->world.token) && ia_call_selector(&selector, data) &&
         selector == ia_call_of(IA_CALL_FAUCET)->selector;
}

static bool reverted(ia_lrpc *r, ia_executed *x)
{
  ia_revert_id id = r->l->vm.why.id;

  r->data = x->out;
  r->has_data = true;
  x->out = (ia_buf){0};
  (void)snprintf(r->detail, sizeof(r->detail), "%s: %s", ia_revert_row_of(id)->id,
                 ia_revert_row_of(id)->condition);
  if (x->reason[0] == '\0')
    return ia_lrpc_fail(r, IA_RPC_REVERTED, "execution reverted");
  return ia_lrpc_fail(r, IA_RPC_REVERTED, "execution reverted: %s", x->reason);
}

static bool faucet_shut(const ia_lrpc *r)
{
  return !r->l->faucet || r->reply->from_page;
}

static bool refuse_faucet(ia_lrpc *r)
{
  ia_executed x = {0};

  (void)ia_revert_set(&r->l->vm.why, IA_REVERT_FAUCET_OFF);
  ia_revert_data(&x.out, r->l->world.rules, &r->l->vm.why);
  (void)snprintf(x.reason, sizeof(x.reason), "%s",
                 ia_revert_reason(r->l->world.rules, &r->l->vm.why));
  return reverted(r, &x);
}

static bool dry_run(ia_lrpc *r, ia_executed *x)
{
  IA_AUTOV(ia_buf) data = {0};
  ia_message m;
  ia_err e;

  if (!message_of(r, &m, &data) || !ia_lrpc_head_only(r, ia_lrpc_param(r, 1)))
    return false;
  if (faucet_shut(r) && faucet_call(r->l, &m.to, m.data))
    return refuse_faucet(r);
  if (!ia_ledger_dry_run(r->l, &m, x, &e))
    return ia_lrpc_failed(r, &e);
  ia_hold_look_at_call(r, &m);
  return x->ok || reverted(r, x);
}

bool ia_lrpc_call(ia_lrpc *r)
{
  IA_AUTOV(ia_executed) x = {0};

  return dry_run(r, &x) && ia_lrpc_result(r, ia_json_hex(ia_buf_view(&x.out)));
}

bool ia_lrpc_estimate(ia_lrpc *r)
{
  IA_AUTOV(ia_executed) x = {0};

  return dry_run(r, &x) && ia_lrpc_result(r, ia_lrpc_hex(x.gas + x.gas / 4));
}

/* --- transactions
 * ------------------------------------------------------------------------------------ */

static bool free_of_charge(ia_lrpc *r, const ia_tx *tx)
{
  if (r->l->allow_fees || (ia_u256_zero(&tx->max_fee) && ia_u256_zero(&tx->max_priority)))
    return true;
  return ia_lrpc_fail(
      r, IA_RPC_REJECTED,
      "this ledger takes no fees and refuses offers (a transaction with a fee could "
      "be replayed on the public network): set the gas price to 0");
}

static bool rejected(ia_lrpc *r, const ia_err *e)
{
  switch (e->code) {
  case IA_E_IO:
  case IA_E_DISK_FULL:
  case IA_E_MEMORY:
  case IA_E_INTERNAL:
  case IA_E_CORRUPT: return ia_lrpc_failed(r, e);
  default: return ia_lrpc_fail(r, IA_RPC_REJECTED, "%s", e->msg);
  }
}

bool ia_lrpc_send(ia_lrpc *r)
{
  const json_t *v = ia_lrpc_param(r, 0);
  const char *s = json_string_value(v);
  IA_AUTOV(ia_buf) raw = {.cap = CALL_DATA_CAP};
  ia_h256 hash;
  ia_err e;
  ia_tx tx;

  if (!s || s[0] != '0' || s[1] != 'x' || !ia_unhex_buf(&raw, ia_span_of(s, json_string_length(v))))
    return ia_lrpc_fail(r, IA_RPC_PARAMS, "want a signed transaction as 0x and hex digits");
  if (!ia_tx_decode(&tx, ia_buf_view(&raw), &e))
    return rejected(r, &e);
  if (!free_of_charge(r, &tx))
    return false;
  if (faucet_shut(r) && faucet_call(r->l, &tx.to, tx.data))
    return refuse_faucet(r);
  if (!ia_ledger_apply(r->l, ia_buf_view(&raw), ia_ledger_next_time(r->l), &e))
    return rejected(r, &e);
  ia_tx_hash(&hash, ia_buf_view(&raw));
  ia_crash_point("ledger.executed");
  ia_hold_look_at_logs(r->l);
  r->reply->sent |= ia_hold_was_asked(r->l, &r->l->last_sender);
  return ia_lrpc_result(r, ia_json_h256(&hash));
}

/* --- addresses
 * --------------------------------------------------------------------------------------- */

static bool address_at_head(ia_lrpc *r, ia_addr *who)
{
  return ia_lrpc_address(r, ia_lrpc_param(r, 0), "address", who) &&
         ia_lrpc_head_only(r, ia_lrpc_param(r, 1));
}

bool ia_lrpc_code(ia_lrpc *r)
{
  const ia_contract *c;
  ia_addr who;

  if (!address_at_head(r, &who))
    return false;
  bool ok = ia_lvm_contract_at(&r->l->vm, &c, &who);
  ia_kv_end(r->l->kv, 0);
  if (!ok)
    return ia_lrpc_fail(r, IA_RPC_INTERNAL, "the ledger's state cannot be read");
  return ia_lrpc_result(r, ia_json_hex(c ? c->code : IA_NO_SPAN));
}

bool ia_lrpc_balance(ia_lrpc *r)
{
  ia_addr who;
  ia_u256 wei;
  ia_err e;

  if (!address_at_head(r, &who))
    return false;
  return ia_ledger_coins(r->l, &who, &wei, &e) ? ia_lrpc_result(r, ia_lrpc_hex256(&wei))
                                               : ia_lrpc_failed(r, &e);
}

bool ia_lrpc_nonce(ia_lrpc *r)
{
  uint64_t nonce;
  ia_addr who;
  ia_err e;

  if (!address_at_head(r, &who))
    return false;
  const char *tag = json_string_value(ia_lrpc_param(r, 1));
  if (tag && strcmp(tag, "pending") == 0)
    ia_hold_nonce_asked(r->l, &who);
  return ia_ledger_nonce(r->l, &who, &nonce, &e) ? ia_lrpc_result(r, ia_lrpc_hex(nonce))
                                                 : ia_lrpc_failed(r, &e);
}
