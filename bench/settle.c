/* Settlements (matchOrders, initialize, contributeAndFinalize: three transactions, three blocks) on
 * any ledger with the PoCo contracts, over its JSON-RPC. Everything is signed before its clock
 * runs. A development account that everybody knows, which must hold RLC there, gives the money.
 *
 * settle RPC HUB N BATCH READS: N settlements, BATCH transactions a request (1 = one after the
 * other), then READS calls of viewAccount, singly and 100 a request. One JSON line:
 * {"settlements","batch","seconds","perSecond","readsPerSecond","batchedReadsPerSecond"} */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/hex.h"
#include "crew.h"
#include "eth/address.h"
#include "eth/eip191.h"
#include "eth/tx.h"
#include "poco/ids.h"
#include "poco/orders.h"

enum { DEPOSIT_NRLC = 1000000000, GAS = 2000000, STRETCH = 500, BATCH_MAX = 200, READS_EACH = 100 };
enum { POOL, APP, DATA, REQUESTER, WORKER, ENCLAVE, ANYONE, STARTER, PEOPLE };

/* account 0 of "test test ... junk" */
static const char rich_key[] = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

typedef struct bench {
  crew c;
  ia_net net;
  ia_chain *chain;
  ia_wallet *who[PEOPLE];
  uint64_t nonce[PEOPLE];
  ia_addr pool, app, dataset;
  ia_h256 separator;
} bench;

/* -- people, assets, deposits -- */

static void call(bench *b, const ia_wallet *w, const ia_addr *to, ia_call_id id,
                 const ia_args *args)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_err e = {0};

  crew_check(ia_net_call(&b->net, w, to, id, args, &sent, &e), &e);
}

static void fund(bench *b)
{
  static const int paying[] = {REQUESTER, POOL};
  IA_AUTOV(ia_secret) key = {0};
  IA_AUTO(ia_wallet) *rich = NULL;
  ia_h256 raw;
  ia_err e = {0};

  crew_check(ia_secret_new(&key, sizeof(raw.b), &e), &e);
  if (ia_h256_parse(&raw, ia_span_str(rich_key)))
    memcpy(key.ptr, raw.b, sizeof(raw.b));
  crew_check(ia_wallet_of_key(&rich, &key, &e), &e);
  for (size_t i = 0; i < IA_COUNT(paying); i++) {
    ia_args give = {.addr = {b->who[paying[i]]->address}, .value = {ia_u256_of(DEPOSIT_NRLC)}};
    ia_args deposit = {.addr = {b->c.hub}, .value = {ia_u256_of(DEPOSIT_NRLC)}};

    call(b, rich, &b->c.info.token, IA_CALL_TRANSFER, &give);
    call(b, b->who[paying[i]], &b->c.info.token, IA_CALL_APPROVE_AND_CALL, &deposit);
  }
}

static void make_assets(bench *b)
{
  const crew *c = &b->c;
  ia_app_info app = {
      .owner = b->who[APP]->address, .name = ia_span_str("a"), .type = ia_span_str("DOCKER")};
  ia_dataset_info data = {.owner = b->who[DATA]->address, .name = ia_span_str("d")};
  ia_args make_app = {.addr = {app.owner}, .bytes = {app.name, app.type}};
  ia_args make_data = {.addr = {data.owner}, .bytes = {data.name}};
  ia_args make_pool = {.addr = {b->who[POOL]->address}, .bytes = {ia_span_str("p")}};

  call(b, b->who[ANYONE], &c->info.registry[IA_ASSET_APP], IA_CALL_CREATE_APP, &make_app);
  call(b, b->who[ANYONE], &c->info.registry[IA_ASSET_DATASET], IA_CALL_CREATE_DATASET, &make_data);
  call(b, b->who[ANYONE], &c->info.registry[IA_ASSET_WORKERPOOL], IA_CALL_CREATE_WORKERPOOL,
       &make_pool);
  ia_app_address(&b->app, &c->info.registry[IA_ASSET_APP], &c->info.proxy_code_hash, &app);
  ia_dataset_address(&b->dataset, &c->info.registry[IA_ASSET_DATASET], &c->info.proxy_code_hash,
                     &data);
  ia_workerpool_address(&b->pool, &c->info.registry[IA_ASSET_WORKERPOOL], &c->info.proxy_code_hash,
                        &b->who[POOL]->address, make_pool.bytes[0]);
}

static void settle_in(bench *b, const char *rpc, const char *hub)
{
  ia_err e = {0};

  b->c = (crew){.rpc = rpc};
  crew_check(ia_addr_parse(&b->c.hub, ia_span_str(hub), &e), &e);
  crew_open(&b->c);
  b->net = (ia_net){.rpc = rpc, .chain_id = b->c.chain_id, .hub = b->c.hub};
  crew_check(ia_net_open(&b->net, &e) && ia_net_chain(&b->net, &b->chain, &e), &e);
  ia_order_separator(&b->separator, b->c.chain_id, &b->c.hub);
  for (int i = 0; i < PEOPLE; i++)
    b->who[i] = crew_wallet();
  fund(b);
  make_assets(b);
  b->nonce[ANYONE] = IA_ASSET_KINDS;
}

/* Parameters of eth_sendRawTransaction. */
static json_t *signed_call(bench *b, int from, ia_call_id id, const void *args)
{
  IA_AUTOV(ia_buf) data = {0};
  IA_AUTOV(ia_buf) raw = {0};
  ia_tx tx = {
      .type = 2, .chain_id = b->c.chain_id, .nonce = b->nonce[from]++, .gas = GAS, .to = b->c.hub};
  ia_err e = {0};

  ia_call_encode(&data, id, args);
  tx.data = ia_buf_view(&data);
  crew_check(ia_buf_ok(&data, &e) &&
                 ia_tx_sign(&raw, &tx, b->who[from]->secp, &b->who[from]->key, &e),
             &e);
  return json_pack("[o]", ia_json_hex(ia_buf_view(&raw)));
}

/* -- one settlement -- */

static void orders(bench *b, ia_match *m, uint64_t n, ia_sig sigs[IA_ORDER_KINDS])
{
  static const int signer[IA_ORDER_KINDS] = {APP, DATA, POOL, REQUESTER};
  ia_span *const sign[IA_ORDER_KINDS] = {&m->app.sign, &m->dataset.sign, &m->workerpool.sign,
                                         &m->request.sign};
  const void *const order[IA_ORDER_KINDS] = {&m->app, &m->dataset, &m->workerpool, &m->request};
  ia_h256 salt = {{0}};
  ia_err e = {0};

  memset(m, 0, sizeof(*m));
  memcpy(salt.b, &n, sizeof(n));
  m->app = (ia_app_order){.app = b->app, .volume = ia_u256_of(1), .salt = salt};
  m->dataset = (ia_dataset_order){.dataset = b->dataset, .volume = ia_u256_of(1), .salt = salt};
  m->workerpool = (ia_workerpool_order){.workerpool = b->pool,
                                        .volume = ia_u256_of(1),
                                        .workerpoolprice = ia_u256_of(10),
                                        .salt = salt};
  m->request = (ia_request_order){.app = b->app,
                                  .dataset = b->dataset,
                                  .volume = ia_u256_of(1),
                                  .workerpoolmaxprice = ia_u256_of(10),
                                  .salt = salt,
                                  .requester = b->who[REQUESTER]->address,
                                  .params = ia_span_str("{}")};
  m->app.tag.b[31] = m->dataset.tag.b[31] = m->workerpool.tag.b[31] = m->request.tag.b[31] = 9;
  for (int i = 0; i < IA_ORDER_KINDS; i++) {
    ia_h256 hash;

    ia_order_hash(&hash, &b->separator, (ia_order_kind)i, order[i]);
    crew_check(ia_secp_sign(b->who[signer[i]]->secp, &sigs[i], &hash, &b->who[signer[i]]->key, &e),
               &e);
    *sign[i] = IA_SPAN_ARR(sigs[i].b);
  }
}

static json_t *finalize(bench *b, const ia_h256 *taskid)
{
  ia_args a = {.id = {*taskid}, .addr = {b->who[ENCLAVE]->address}};
  ia_h256 hash, seal, message;
  ia_sig enclave, authorization;
  ia_err e = {0};

  ia_result_hash(&hash, taskid, &a.id[1]);
  ia_result_seal(&seal, &b->who[WORKER]->address, taskid, &a.id[1]);
  ia_enclave_message(&message, &hash, &seal);
  crew_check(ia_eip191_sign(b->who[ENCLAVE]->secp, &enclave, IA_SPAN_ARR(message.b),
                            &b->who[ENCLAVE]->key, &e),
             &e);
  ia_authorization_message(&message, &b->who[WORKER]->address, taskid, &b->who[ENCLAVE]->address);
  crew_check(ia_eip191_sign(b->who[POOL]->secp, &authorization, IA_SPAN_ARR(message.b),
                            &b->who[POOL]->key, &e),
             &e);
  a.bytes[0] = ia_span_str(
      "{\"storage\":\"ipfs\",\"location\":\"/ipfs/QmTz3oc4gdpRMKP2sdGUPZTAGRngqjsi99BPoztyP53JMM\"}");
  a.bytes[2] = IA_SPAN_ARR(enclave.b);
  a.bytes[3] = IA_SPAN_ARR(authorization.b);
  return signed_call(b, WORKER, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a);
}

/* Transactions of up to STRETCH settlements: first, second, third of each. */
typedef struct stretch {
  json_t *tx[3][STRETCH];
  ia_h256 taskid[STRETCH];
} stretch;

static void prepare(bench *b, stretch *s, size_t at, uint64_t n)
{
  ia_sig sigs[IA_ORDER_KINDS];
  ia_u256 zero = ia_u256_of(0);
  ia_args init = {0};
  ia_h256 hash;
  ia_match m;

  orders(b, &m, n, sigs);
  s->tx[0][at] = signed_call(b, ANYONE, IA_CALL_MATCH_ORDERS, &m);
  ia_order_hash(&hash, &b->separator, IA_ORDER_REQUEST, &m.request);
  ia_deal_id(&init.id[0], &hash, &zero);
  s->tx[1][at] = signed_call(b, STARTER, IA_CALL_INITIALIZE, &init);
  ia_task_id(&s->taskid[at], &init.id[0], &zero);
  s->tx[2][at] = finalize(b, &s->taskid[at]);
}

/* -- measuring -- */

static void check_items(ia_rpc_item *items, size_t n)
{
  for (size_t i = 0; i < n; i++)
    crew_check(items[i].ok, &items[i].err);
  ia_rpc_items_free(items, n);
}

/* n requests of this method, `each` at a time; takes params over. Microseconds. */
static uint64_t timed(bench *b, const char *method, json_t **params, size_t n, size_t each)
{
  ia_rpc_item items[BATCH_MAX];
  uint64_t start = ia_mono_us();
  ia_err e = {0};

  for (size_t i = 0; i < n; i += each) {
    size_t now = n - i < each ? n - i : each;

    for (size_t k = 0; k < now; k++)
      items[k] = (ia_rpc_item){.method = method, .params = params[i + k]};
    crew_check(ia_rpc_batch(ia_chain_rpc(b->chain), items, now, &e), &e);
    check_items(items, now);
  }
  return ia_mono_us() - start;
}

/* A node may mine after it answered. */
static void await_mined(bench *b, int sender)
{
  for (uint64_t have = 0; have < b->nonce[sender];) {
    IA_AUTO_JSON *v = NULL;
    ia_err e = {0};
    json_t *params = json_pack("[s, s]", ia_addr_text(&b->who[sender]->address).s, "latest");

    crew_check(ia_rpc_call(ia_chain_rpc(b->chain), &v, "eth_getTransactionCount", params, &e) &&
                   ia_rpc_u64(&have, v, &e),
               &e);
  }
}

/* It may also mine what fails. */
static void check_settled(bench *b, const ia_h256 *taskid)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_task task = {0};
  ia_err e = {0};

  crew_check(ia_chain_task(b->chain, &task, &store, taskid, &e), &e);
  if (task.status != IA_TASK_COMPLETED)
    crew_check(ia_fail(&e, IA_E_REVERT, "a task was not settled"), &e);
}

/* All matches of a stretch, then all that build on them: some nodes take the requests of a batch in
 * any order. */
static uint64_t settlements(bench *b, size_t n, size_t batch)
{
  static const int sender[] = {ANYONE, STARTER, WORKER};
  static stretch s;
  uint64_t took = 0;

  for (size_t done = 0; done < n; done += STRETCH) {
    size_t now = n - done < STRETCH ? n - done : STRETCH;

    for (size_t i = 0; i < now; i++)
      prepare(b, &s, i, done + i);
    for (size_t k = 0; k < IA_COUNT(sender); k++) {
      uint64_t start = ia_mono_us();

      (void)timed(b, "eth_sendRawTransaction", s.tx[k], now, batch);
      await_mined(b, sender[k]);
      took += ia_mono_us() - start;
    }
    for (size_t i = 0; i < now; i++)
      check_settled(b, &s.taskid[i]);
  }
  return took;
}

static double reads(bench *b, size_t n, size_t each)
{
  IA_AUTOV(ia_buf) data = {0};
  ia_args who = {.addr = {b->who[REQUESTER]->address}};
  json_t **params = calloc(n, sizeof(*params));

  if (!params)
    exit(1);
  ia_call_encode(&data, IA_CALL_VIEW_ACCOUNT, &who);
  for (size_t i = 0; i < n; i++)
    params[i] = json_pack("[{s:s, s:o}, s]", "to", ia_addr_text(&b->c.hub).s, "data",
                          ia_json_hex(ia_buf_view(&data)), "latest");
  uint64_t took = timed(b, "eth_call", params, n, each);
  free(params);
  return took > 0 ? (double)n * 1e6 / (double)took : 0;
}

int main(int argc, char **argv)
{
  bench b = {0};

  if (argc != 6) {
    (void)fputs("usage: settle RPC HUB N BATCH READS\n", stderr);
    return 2;
  }
  size_t n = strtoul(argv[3], NULL, 10), batch = strtoul(argv[4], NULL, 10),
         asked = strtoul(argv[5], NULL, 10);
  if (batch < 1 || batch > BATCH_MAX)
    batch = 1;
  settle_in(&b, argv[1], argv[2]);
  uint64_t took = settlements(&b, n, batch);
  double single = reads(&b, asked, 1), many = reads(&b, asked, READS_EACH);
  (void)printf("{\"settlements\":%zu,\"batch\":%zu,\"seconds\":%.2f,\"perSecond\":%.1f,"
               "\"readsPerSecond\":%.0f,\"batchedReadsPerSecond\":%.0f}\n",
               n, batch, (double)took / 1e6, (double)n * 1e6 / (double)took, single, many);
  for (int i = 0; i < PEOPLE; i++)
    ia_wallet_free(b.who[i]);
  ia_net_close(&b.net);
  return 0;
}
