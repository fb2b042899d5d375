/* Settlements a second on the embedded ledger (match, initialize, contributeAndFinalize: three
 * blocks), through the JSON-RPC function, on disk. Signing is done before the clock starts. settle
 * [N]   one JSON line: one transaction after another, then 64 in flight; memory after each. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "crypto/secp.h"
#include "eth/eip191.h"
#include "eth/tx.h"
#include "poco/abi.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "service/ledger/ledger.h"

enum { DEPOSIT_NRLC = 1000000000, GAS = 8000000, IN_FLIGHT = 64 };
enum { POOL, APP, DATA, REQUESTER, WORKER, ENCLAVE, ANYONE, PEOPLE };

typedef struct bench {
  ia_ledger *l;
  ia_secp *secp;
  ia_secret key[PEOPLE];
  ia_addr who[PEOPLE];
  uint64_t nonce[PEOPLE];
  ia_addr hub, token, registry[2], pool, app, dataset;
  ia_h256 separator;
} bench;

static void check(bool ok, const ia_err *e)
{
  if (ok)
    return;
  (void)fprintf(stderr, "%s\n", e->msg);
  exit(1);
}

/* A request with a signed transaction. */
static void request(bench *b, ia_buf *out, int from, const ia_addr *to, ia_call_id id,
                    const void *args)
{
  IA_AUTOV(ia_buf) data = {0};
  IA_AUTOV(ia_buf) raw = {0};
  ia_tx tx = {.type = 2,
              .chain_id = ia_ledger_chain_id(b->l),
              .nonce = b->nonce[from]++,
              .gas = GAS,
              .to = *to};
  ia_err e;

  ia_call_encode(&data, id, args);
  tx.data = ia_buf_view(&data);
  check(ia_tx_sign(&raw, &tx, b->secp, &b->key[from], &e), &e);
  ia_buf_str(out,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_sendRawTransaction\",\"params\":[\"");
  ia_buf_hex0x(out, ia_buf_view(&raw));
  ia_buf_str(out, "\"]}");
}

static uint64_t submit(bench *b, const ia_buf *text)
{
  IA_AUTOV(ia_ledger_reply) r = {0};
  ia_err e;

  check(ia_ledger_rpc(b->l, ia_buf_view(text), &r, &e), &e);
  if (memmem(r.text.ptr, r.text.len, "\"error\"", 7)) {
    (void)fprintf(stderr, "%.*s\n", (int)r.text.len, (const char *)r.text.ptr);
    exit(1);
  }
  return r.height;
}

static void send_now(bench *b, int from, const ia_addr *to, ia_call_id id, const void *args)
{
  IA_AUTOV(ia_buf) text = {0};

  request(b, &text, from, to, id, args);
  (void)submit(b, &text);
}

/* --- people, assets, deposits
 * ------------------------------------------------------------------------ */

static void describe(bench *b)
{
  ia_err e;
  IA_AUTO_JSON *info = ia_ledger_info(b->l, &e);
  json_t *registries = json_object_get(info, "registries");
  ia_h256 code;

  check(info && ia_json_get_addr(info, "hub", &b->hub, &e) &&
            ia_json_get_addr(info, "token", &b->token, &e) &&
            ia_json_get_addr(info, "pool", &b->pool, &e) &&
            ia_json_get_h256(info, "proxyCodeHash", &code, &e) &&
            ia_json_get_addr(registries, "app", &b->registry[0], &e) &&
            ia_json_get_addr(registries, "dataset", &b->registry[1], &e),
        &e);
  ia_app_info app = {.owner = b->who[APP], .name = ia_span_str("a"), .type = ia_span_str("DOCKER")};
  ia_dataset_info data = {.owner = b->who[DATA], .name = ia_span_str("d")};
  ia_app_address(&b->app, &b->registry[0], &code, &app);
  ia_dataset_address(&b->dataset, &b->registry[1], &code, &data);
  ia_order_separator(&b->separator, ia_ledger_chain_id(b->l), &b->hub);
}

static void settle_in(bench *b)
{
  static const int rich[] = {REQUESTER, POOL};
  ia_args app = {.addr = {b->who[APP]}, .bytes = {ia_span_str("a"), ia_span_str("DOCKER")}};
  ia_args data = {.addr = {b->who[DATA]}, .bytes = {ia_span_str("d")}};
  ia_args money = {.addr = {b->hub}, .value = {ia_u256_of(DEPOSIT_NRLC)}};

  send_now(b, ANYONE, &b->registry[0], IA_CALL_CREATE_APP, &app);
  send_now(b, ANYONE, &b->registry[1], IA_CALL_CREATE_DATASET, &data);
  for (size_t i = 0; i < IA_COUNT(rich); i++) {
    send_now(b, rich[i], &b->token, IA_CALL_FAUCET, &money);
    send_now(b, rich[i], &b->token, IA_CALL_APPROVE_AND_CALL, &money);
  }
}

/* --- one settlement
 * ---------------------------------------------------------------------------------- */

static void orders(bench *b, ia_match *m, uint64_t n, ia_sig sigs[IA_ORDER_KINDS])
{
  static const int signer[IA_ORDER_KINDS] = {APP, DATA, POOL, REQUESTER};
  ia_span *const sign[IA_ORDER_KINDS] = {&m->app.sign, &m->dataset.sign, &m->workerpool.sign,
                                         &m->request.sign};
  const void *const order[IA_ORDER_KINDS] = {&m->app, &m->dataset, &m->workerpool, &m->request};
  ia_h256 salt = {{0}};
  ia_err e;

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
                                  .requester = b->who[REQUESTER],
                                  .params = ia_span_str("{}")};
  m->app.tag.b[31] = m->dataset.tag.b[31] = m->workerpool.tag.b[31] = m->request.tag.b[31] = 9;
  for (int i = 0; i < IA_ORDER_KINDS; i++) {
    ia_h256 hash;

    ia_order_hash(&hash, &b->separator, (ia_order_kind)i, order[i]);
    check(ia_secp_sign(b->secp, &sigs[i], &hash, &b->key[signer[i]], &e), &e);
    *sign[i] = IA_SPAN_ARR(sigs[i].b);
  }
}

static void finalize(bench *b, ia_buf *out, const ia_h256 *taskid)
{
  ia_args a = {.id = {*taskid}, .addr = {b->who[ENCLAVE]}};
  ia_h256 hash, seal, message;
  ia_sig enclave, authorization;
  ia_err e;

  ia_result_hash(&hash, taskid, &a.id[1]);
  ia_result_seal(&seal, &b->who[WORKER], taskid, &a.id[1]);
  ia_enclave_message(&message, &hash, &seal);
  check(ia_eip191_sign(b->secp, &enclave, IA_SPAN_ARR(message.b), &b->key[ENCLAVE], &e), &e);
  ia_authorization_message(&message, &b->who[WORKER], taskid, &b->who[ENCLAVE]);
  check(ia_eip191_sign(b->secp, &authorization, IA_SPAN_ARR(message.b), &b->key[POOL], &e), &e);
  a.bytes[0] = ia_span_str(
      "{\"storage\":\"ipfs\",\"location\":\"/ipfs/QmTz3oc4gdpRMKP2sdGUPZTAGRngqjsi99BPoztyP53JMM\"}");
  a.bytes[2] = IA_SPAN_ARR(enclave.b);
  a.bytes[3] = IA_SPAN_ARR(authorization.b);
  request(b, out, WORKER, &b->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a);
}

static void prepare(bench *b, ia_buf text[3], uint64_t n)
{
  ia_sig sigs[IA_ORDER_KINDS];
  ia_u256 zero = ia_u256_of(0);
  ia_h256 hash, taskid;
  ia_args init = {0};
  ia_match m;

  orders(b, &m, n, sigs);
  request(b, &text[0], ANYONE, &b->hub, IA_CALL_MATCH_ORDERS, &m);
  ia_order_hash(&hash, &b->separator, IA_ORDER_REQUEST, &m.request);
  ia_deal_id(&init.id[0], &hash, &zero);
  request(b, &text[1], ANYONE, &b->hub, IA_CALL_INITIALIZE, &init);
  ia_task_id(&taskid, &init.id[0], &zero);
  finalize(b, &text[2], &taskid);
}

/* --- measuring
 * --------------------------------------------------------------------------------------- */

static long memory_kib(void)
{
  IA_AUTOV(ia_buf) text = {0};
  long kib = 0;

  if (!ia_file_read(&text, "/proc/self/status", 1 << 16, NULL))
    return -1;
  ia_buf_u8(&text, 0);
  const char *at = strstr((const char *)text.ptr, "VmRSS:");
  if (at)
    kib = strtol(at + 6, NULL, 10);
  return kib;
}

/* Settlements a second; flight = requests that may wait for the disk at once. */
static double run(bench *b, const ia_buf *texts, size_t n, uint64_t flight)
{
  uint64_t start = ia_mono_us();
  ia_err e;

  for (size_t i = 0; i < 3 * n; i++) {
    uint64_t height = submit(b, &texts[i]);

    if (height >= flight)
      check(ia_ledger_wait(b->l, height - flight + 1, &e), &e);
    ia_ledger_trim(b->l);
  }
  check(ia_ledger_wait(b->l, ia_ledger_head(b->l), &e), &e);
  return (double)n * 1e6 / (double)(ia_mono_us() - start);
}

static double measure(bench *b, size_t n, uint64_t first, uint64_t flight)
{
  ia_buf *texts = calloc(3 * n, sizeof(*texts));
  double rate;

  if (!texts)
    exit(1);
  for (size_t i = 0; i < n; i++)
    prepare(b, texts + 3 * i, first + i);
  rate = run(b, texts, n, flight);
  for (size_t i = 0; i < 3 * n; i++)
    ia_buf_free(&texts[i]);
  free(texts);
  return rate;
}

int main(int argc, char **argv)
{
  char dir[] = "/tmp/ia-settle-XXXXXX";
  size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
  ia_ledger_config c = {.test = true};
  bench b = {0};
  ia_path path;
  ia_err e;

  check(mkdtemp(dir) != NULL && ia_path_join(&path, &e, "%s/ledger.db", dir), &e);
  check(ia_secp_new(&b.secp, &e), &e);
  for (int i = 0; i < PEOPLE; i++) {
    check(ia_secret_new(&b.key[i], 32, &e), &e);
    memset(b.key[i].ptr, i + 1, 32);
    check(ia_secp_address(b.secp, &b.who[i], &b.key[i], &e), &e);
  }
  c.path = path.s;
  c.genesis.pool_owner = b.who[POOL];
  check(ia_ledger_open(&b.l, &c, &e), &e);
  describe(&b);
  settle_in(&b);
  double one = measure(&b, n, 0, 1);
  long memory_one = memory_kib();
  double many = measure(&b, n, n, IN_FLIGHT);
  (void)printf("{\"settlements\":%zu,\"sequential_per_s\":%.0f,\"in_flight\":%d,"
               "\"pipelined_per_s\":%.0f,\"rss_kib\":[%ld,%ld],\"blocks\":%llu}\n",
               n, one, IN_FLIGHT, many, memory_one, memory_kib(),
               (unsigned long long)ia_ledger_head(b.l));
  ia_ledger_close(b.l);
  ia_secp_free(b.secp);
  for (int i = 0; i < PEOPLE; i++)
    ia_secret_free(&b.key[i]);
  check(ia_remove_tree(dir, &e), &e);
  return 0;
}
