/* A ledger in this process with people on it. */
#include "ledger_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hex.h"
#include "crypto/keccak.h"
#include "eth/eip191.h"
#include "eth/tx.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "poco/tag.h"

enum { GAS = 8000000 };

static uint64_t clock_now = 1800000000;

void world_set_clock(uint64_t seconds)
{
  clock_now = seconds;
}

static uint64_t clock_read(void)
{
  return clock_now;
}

/* --- opening
 * ----------------------------------------------------------------------------------------- */

static void addresses(world *w)
{
  static const char *const kinds[IA_ASSET_KINDS] = {"app", "dataset", "workerpool"};
  IA_AUTO_JSON *info = ia_ledger_info(w->l, NULL);
  json_t *registries = json_object_get(info, "registries");
  ia_err e;

  assert_true(ia_json_get_addr(info, "hub", &w->hub, &e));
  assert_true(ia_json_get_addr(info, "token", &w->token, &e));
  assert_true(ia_json_get_addr(info, "dataProtector", &w->dataprotector, &e));
  assert_true(ia_json_get_addr(info, "pool", &w->pool, &e));
  assert_true(ia_json_get_addr(json_object_get(info, "whitelist"), "web3mail", &w->group, &e));
  assert_true(ia_json_get_addr(info, "groupFactory", &w->group_factory, &e));
  assert_true(ia_json_get_addr(info, "walletFactory", &w->wallet_factory, &e));
  for (int i = 0; i < IA_ASSET_KINDS; i++)
    assert_true(ia_json_get_addr(registries, kinds[i], &w->registry[i], &e));
  w->chain_id = ia_ledger_chain_id(w->l);
  ia_order_separator(&w->separator, w->chain_id, &w->hub);
}

static void open_ledger(world *w)
{
  ia_ledger_config c = {.path = w->dir[0] ? w->path : NULL, .test = true, .now = clock_read};
  ia_err e;

  c.genesis.pool_owner = w->who[POOL_OWNER];
  c.genesis.rules = w->rules;
  c.genesis.dev_accounts = true;
  memset(c.genesis.seed.b, 0x5e, 32);
  if (!ia_ledger_open(&w->l, &c, &e))
    fail_msg("%s", e.msg);
}

void world_open(world *w, bool on_disk, const char *rules)
{
  memset(w, 0, sizeof(*w));
  w->rules = rules;
  assert_true(ia_secp_new(&w->secp, NULL));
  for (int i = 0; i < PEOPLE; i++) {
    assert_true(ia_secret_new(&w->key[i], 32, NULL));
    memset(w->key[i].ptr, i + 1, 32);
    assert_true(ia_secp_address(w->secp, &w->who[i], &w->key[i], NULL));
  }
  if (on_disk) {
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/ia-ledger-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->path, sizeof(w->path), "%s/ledger.db", w->dir);
  }
  open_ledger(w);
  addresses(w);
}

void world_reopen(world *w)
{
  ia_ledger_close(w->l);
  w->l = NULL;
  open_ledger(w);
}

void world_close(world *w)
{
  ia_ledger_close(w->l);
  ia_secp_free(w->secp);
  for (int i = 0; i < PEOPLE; i++)
    ia_secret_free(&w->key[i]);
  if (w->dir[0])
    assert_true(ia_remove_tree(w->dir, NULL));
}

/* --- JSON-RPC
 * ---------------------------------------------------------------------------------------- */

json_t *world_rpc(world *w, const char *method, const char *params)
{
  IA_AUTOV(ia_buf) request = {0};
  IA_AUTOV(ia_buf) reply = {0};
  json_t *v;
  ia_err e;

  ia_buf_printf(&request, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":", method);
  ia_buf_str(&request, params);
  ia_buf_str(&request, "}");
  assert_true(ia_ledger_request(w->l, ia_buf_view(&request), &reply, &e));
  v = ia_json_parse(ia_buf_view(&reply), 0, &e);
  assert_non_null(v);
  assert_int_equal(json_integer_value(json_object_get(v, "id")), 7);
  return v;
}

json_t *world_ask(world *w, const char *method, const char *params)
{
  IA_AUTO_JSON *v = world_rpc(w, method, params);
  json_t *result = json_object_get(v, "result");

  if (!result)
    fail_msg("%s: %s", method,
             json_string_value(json_object_get(json_object_get(v, "error"), "message")));
  return json_incref(result);
}

uint64_t world_nonce(world *w, person who)
{
  char params[80];
  ia_u256 v;

  (void)snprintf(params, sizeof(params), "[\"%s\",\"pending\"]", ia_addr_lower(&w->who[who]).s);
  IA_AUTO_JSON *n = world_ask(w, "eth_getTransactionCount", params);
  assert_true(ia_u256_parse(&v, ia_span_str(json_string_value(n)), NULL));
  return v.w[0];
}

void world_sign_tx(world *w, ia_buf *hex, person from, const ia_addr *to, ia_span data,
                   uint64_t nonce)
{
  ia_tx tx = {
      .type = 2, .chain_id = w->chain_id, .nonce = nonce, .gas = GAS, .to = *to, .data = data};
  IA_AUTOV(ia_buf) raw = {0};

  assert_true(ia_tx_sign(&raw, &tx, w->secp, &w->key[from], NULL));
  ia_buf_hex0x(hex, ia_buf_view(&raw));
}

json_t *world_send(world *w, person from, const ia_addr *to, ia_call_id id, const void *args,
                   bool ok)
{
  IA_AUTOV(ia_buf) data = {0};
  IA_AUTOV(ia_buf) params = {0};

  ia_call_encode(&data, id, args);
  ia_buf_str(&params, "[\"");
  world_sign_tx(w, &params, from, to, ia_buf_view(&data), world_nonce(w, from));
  ia_buf_str(&params, "\"]");
  ia_buf_u8(&params, 0);
  IA_AUTO_JSON *hash = world_ask(w, "eth_sendRawTransaction", (const char *)params.ptr);
  char ask[80];
  (void)snprintf(ask, sizeof(ask), "[\"%s\"]", json_string_value(hash));
  json_t *receipt = world_ask(w, "eth_getTransactionReceipt", ask);
  assert_string_equal(json_string_value(json_object_get(receipt, "status")), ok ? "0x1" : "0x0");
  return receipt;
}

static json_t *call(world *w, const ia_addr *from, const ia_addr *to, ia_call_id id,
                    const void *args)
{
  IA_AUTOV(ia_buf) data = {0};
  IA_AUTOV(ia_buf) params = {0};

  ia_call_encode(&data, id, args);
  ia_buf_printf(&params, "[{\"from\":\"%s\",\"to\":\"%s\",\"data\":\"", ia_addr_lower(from).s,
                ia_addr_lower(to).s);
  ia_buf_hex0x(&params, ia_buf_view(&data));
  ia_buf_str(&params, "\"},\"latest\"]");
  ia_buf_u8(&params, 0);
  return world_rpc(w, "eth_call", (const char *)params.ptr);
}

void world_view(world *w, const ia_addr *to, ia_call_id id, const void *args, void *result,
                ia_buf *store)
{
  IA_AUTO_JSON *v = call(w, &w->who[STRANGER], to, id, args);
  const char *hex = json_string_value(json_object_get(v, "result"));
  ia_err e;

  if (!hex)
    fail_msg("%s: %s", ia_call_of(id)->name,
             json_string_value(json_object_get(json_object_get(v, "error"), "message")));
  ia_buf_clear(store);
  assert_true(ia_unhex_buf(store, ia_span_str(hex)));
  if (!ia_result_decode(result, id, ia_buf_view(store), &e))
    fail_msg("%s", e.msg);
}

void world_reverts(world *w, person from, const ia_addr *to, ia_call_id id, const void *args,
                   const char *reason)
{
  IA_AUTO_JSON *v = call(w, &w->who[from], to, id, args);
  json_t *error = json_object_get(v, "error");
  const char *message = json_string_value(json_object_get(error, "message"));
  char want[160];

  (void)snprintf(want, sizeof(want), "execution reverted%s%s", reason[0] ? ": " : "", reason);
  if (!error)
    fail_msg("%s did not revert with %s", ia_call_of(id)->name, reason);
  assert_int_equal(json_integer_value(json_object_get(error, "code")), 3);
  if (strcmp(message, want) != 0)
    fail_msg("%s: %s (%s), want %s", ia_call_of(id)->name, message,
             json_string_value(json_object_get(error, "detail")), want);
}

bool world_has_event(const json_t *receipt, const ia_addr *by, ia_event_id id)
{
  const json_t *logs = json_object_get(receipt, "logs"), *log;
  size_t i;

  json_array_foreach (logs, i, log) {
    const char *topic = json_string_value(json_array_get(json_object_get(log, "topics"), 0));

    if (strcmp(json_string_value(json_object_get(log, "address")), ia_addr_lower(by).s) == 0 &&
        strcmp(topic, ia_h256_text(&ia_event_of(id)->topic0).s) == 0)
      return true;
  }
  return false;
}

/* --- PoCo
 * -------------------------------------------------------------------------------------------- */

static void deposit(world *w, person who, uint64_t nrlc)
{
  ia_args a = {.addr = {w->hub}, .value = {ia_u256_of(nrlc)}};

  json_decref(world_send(w, who, &w->token, IA_CALL_FAUCET, &a, true));
  json_decref(world_send(w, who, &w->token, IA_CALL_APPROVE_AND_CALL, &a, true));
}

void world_settle_in(world *w)
{
  ia_args app = {.addr = {w->who[APP_OWNER]},
                 .bytes = {ia_span_str("app"), ia_span_str("DOCKER"), ia_span_str("/ipfs/Qm")}};
  ia_args data = {.addr = {w->who[DATA_OWNER]},
                  .bytes = {ia_span_str("data"), ia_span_str("/ipfs/Qd")}};
  IA_AUTOV(ia_buf) store = {0};
  ia_args out;

  memset(app.id[0].b, 0xa1, 32);
  memset(data.id[0].b, 0xda, 32);
  world_view(w, &w->registry[IA_ASSET_APP], IA_CALL_PREDICT_APP, &app, &out, &store);
  w->app = out.addr[0];
  world_view(w, &w->registry[IA_ASSET_DATASET], IA_CALL_PREDICT_DATASET, &data, &out, &store);
  w->dataset = out.addr[0];
  json_decref(world_send(w, STRANGER, &w->registry[IA_ASSET_APP], IA_CALL_CREATE_APP, &app, true));
  json_decref(
      world_send(w, STRANGER, &w->registry[IA_ASSET_DATASET], IA_CALL_CREATE_DATASET, &data, true));
  deposit(w, REQUESTER, 1000000);
  deposit(w, POOL_OWNER, 1000000);
  deposit(w, WORKER, 1000000);
}

void world_orders(world *w, ia_match *m, uint64_t volume)
{
  ia_h256 tag = ia_tag_of(IA_TAG_TEE | IA_TAG_TDX);

  memset(m, 0, sizeof(*m));
  m->app = (ia_app_order){.app = w->app, .appprice = ia_u256_of(1), .tag = tag};
  m->dataset = (ia_dataset_order){.dataset = w->dataset, .datasetprice = ia_u256_of(2), .tag = tag};
  m->workerpool =
      (ia_workerpool_order){.workerpool = w->pool, .workerpoolprice = ia_u256_of(100), .tag = tag};
  m->request = (ia_request_order){.app = w->app,
                                  .dataset = w->dataset,
                                  .appmaxprice = ia_u256_of(1),
                                  .datasetmaxprice = ia_u256_of(2),
                                  .workerpoolmaxprice = ia_u256_of(100),
                                  .requester = w->who[REQUESTER],
                                  .beneficiary = w->who[REQUESTER],
                                  .tag = tag,
                                  .params = ia_span_str("{}")};
  m->app.volume = m->dataset.volume = m->workerpool.volume = m->request.volume = ia_u256_of(volume);
}

void world_sign(world *w, ia_match *m, ia_sig sigs[IA_ORDER_KINDS])
{
  static const person signer[IA_ORDER_KINDS] = {APP_OWNER, DATA_OWNER, POOL_OWNER, REQUESTER};
  const void *const order[IA_ORDER_KINDS] = {&m->app, &m->dataset, &m->workerpool, &m->request};
  ia_span *const sign[IA_ORDER_KINDS] = {&m->app.sign, &m->dataset.sign, &m->workerpool.sign,
                                         &m->request.sign};

  for (int i = 0; i < IA_ORDER_KINDS; i++) {
    ia_h256 hash;

    ia_order_hash(&hash, &w->separator, (ia_order_kind)i, order[i]);
    assert_true(ia_secp_sign(w->secp, &sigs[i], &hash, &w->key[signer[i]], NULL));
    *sign[i] = IA_SPAN_ARR(sigs[i].b);
  }
}

ia_h256 world_match(world *w, const ia_match *m, person from, ia_call_id id)
{
  IA_AUTO_JSON *receipt = world_send(w, from, &w->hub, id, m, true);
  ia_h256 hash, dealid;
  ia_u256 first;
  IA_AUTOV(ia_buf) store = {0};
  ia_args a = {0}, out;

  assert_true(world_has_event(receipt, &w->hub, IA_EV_ORDERS_MATCHED));
  ia_order_hash(&hash, &w->separator, IA_ORDER_REQUEST, &m->request);
  a.id[0] = hash;
  world_view(w, &w->hub, IA_CALL_VIEW_CONSUMED, &a, &out, &store);
  /* these tests match a request order in one go */
  first = ia_u256_of(0);
  ia_deal_id(&dealid, &hash, &first);
  return dealid;
}

ia_h256 world_initialize(world *w, const ia_h256 *dealid, uint64_t idx)
{
  ia_args a = {.id = {*dealid}, .value = {ia_u256_of(idx)}};
  ia_h256 taskid;

  json_decref(world_send(w, STRANGER, &w->hub, IA_CALL_INITIALIZE, &a, true));
  ia_task_id(&taskid, dealid, &a.value[0]);
  return taskid;
}

void world_proofs(world *w, ia_args *a, const ia_h256 *taskid, const char *results,
                  const char *callback, ia_buf *store)
{
  ia_h256 hash, seal, message;
  ia_sig enclave, authorization;

  memset(a, 0, sizeof(*a));
  a->id[0] = *taskid;
  memset(a->id[1].b, 0xd1, 32);
  if (callback)
    ia_keccak256(&a->id[1], ia_span_str(callback));
  a->addr[0] = w->who[ENCLAVE];
  ia_result_hash(&hash, taskid, &a->id[1]);
  ia_result_seal(&seal, &w->who[WORKER], taskid, &a->id[1]);
  ia_enclave_message(&message, &hash, &seal);
  assert_true(ia_eip191_sign(w->secp, &enclave, IA_SPAN_ARR(message.b), &w->key[ENCLAVE], NULL));
  ia_authorization_message(&message, &w->who[WORKER], taskid, &w->who[ENCLAVE]);
  assert_true(
      ia_eip191_sign(w->secp, &authorization, IA_SPAN_ARR(message.b), &w->key[POOL_OWNER], NULL));
  ia_buf_clear(store);
  ia_buf_put(store, enclave.b, 65);
  ia_buf_put(store, authorization.b, 65);
  assert_true(ia_buf_ok(store, NULL));
  a->bytes[0] = ia_span_str(results);
  a->bytes[1] = ia_span_str(callback ? callback : "");
  a->bytes[2] = ia_span_of(store->ptr, 65);
  a->bytes[3] = ia_span_of(store->ptr + 65, 65);
}

ia_task world_task(world *w, const ia_h256 *taskid, ia_buf *store)
{
  ia_args a = {.id = {*taskid}};
  ia_task t;

  world_view(w, &w->hub, IA_CALL_VIEW_TASK, &a, &t, store);
  return t;
}

static ia_account account(world *w, const ia_addr *who)
{
  ia_args a = {.addr = {*who}};
  IA_AUTOV(ia_buf) store = {0};
  ia_account out;

  world_view(w, &w->hub, IA_CALL_VIEW_ACCOUNT, &a, &out, &store);
  return out;
}

uint64_t world_stake(world *w, const ia_addr *who)
{
  return account(w, who).stake.w[0];
}

uint64_t world_locked(world *w, const ia_addr *who)
{
  return account(w, who).locked.w[0];
}
