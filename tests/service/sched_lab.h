/* A scheduler over a real ledger and a real market on one loop, an SMS of which only the info
 * document and the key are there, and workers and users that a test plays. */
#ifndef IA_TESTS_SERVICE_SCHED_LAB_H
#define IA_TESTS_SERVICE_SCHED_LAB_H

#include "../crypto/support.h"
#include "../http/fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "chain/poco.h"
#include "client/to_market.h"
#include "crypto/ed25519.h"
#include "crypto/keccak.h"
#include "crypto/sha.h"
#include "eth/eip191.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "poco/tag.h"
#include "receipt/settlement.h"
#include "service/ledger/service.h"
#include "service/market/market.h"
#include "service/scheduler/scheduler.h"
#include "tee/release.h"

enum { LAB_WORKER = 1, LAB_POOL = 2, LAB_DATA = 4, LAB_USER = 5, LAB_APP = 6, LAB_WORKER_2 = 7 };

typedef struct lab {
  fixture front; /* ledger, market, SMS */
  fixture pool;  /* scheduler */
  ia_ledger_service *ledger;
  ia_market *market;
  ia_scheduler *scheduler;
  ia_secp *secp;
  ia_secret seed; /* of the SMS */
  ia_h256 sms_key;
  ia_routes sms_routes;
  ia_chain *chain;
  ia_http *http;
  char dir[32];
  char front_url[128];
  ia_secret keys[16]; /* by number; made when used */
  ia_addr who[16];
  uint64_t counter[16];
  ia_addr pool_addr, app, dataset;
  ia_h256 app_digest, data_digest;
  ia_scheduler_config config;
  ia_addr workers[2];
  char db[64];
  int confirmations;          /* that the SMS wants; 0: it says nothing of them */
  ia_h256 completed, claimed; /* tasks of the tests before */
} lab;

static inline void lab_die(const ia_err *e, const char *what)
{
  if (e->code != IA_OK)
    print_error("%s: %s: %s\n", what, ia_code_name(e->code), e->msg);
  fail();
}
#define MUST(call)                                                                                 \
  do {                                                                                             \
    ia_err e = {0};                                                                                \
    if (!(call))                                                                                   \
      lab_die(&e, #call);                                                                          \
  } while (0)

/* -- the SMS: GET /info -- */
static inline bool lab_info(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  lab *b = ctx;
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *v = NULL;
  IA_AUTO_JSON *answer = NULL;
  uint8_t sig[64];

  (void)rq;
  v = json_pack("{s:i, s:s, s:o, s:I, s:o, s:{s:o, s:o, s:o}, s:o, s:[], s:[], s:b}", "v", 1,
                "domain", "sim", "smsKey", ia_json_h256(&b->sms_key), "chainId", (json_int_t)421614,
                "hub", ia_json_addr(&b->pool_addr), "registries", "app",
                ia_json_addr(&b->pool_addr), "dataset", ia_json_addr(&b->pool_addr), "workerpool",
                ia_json_addr(&b->pool_addr), "proxyCodeHash", ia_json_h256(&b->sms_key), "guests",
                "simRoots", "remoteSimulation", 0);
  if (!ia_json_canonical(&text, v, e) ||
      !ia_text_sign(sig, IA_DOMAIN_SIM, "sms-info", ia_buf_view(&text), &b->seed, e))
    return false;
  answer = json_pack("{s:o, s:o, s:i}", "text", ia_json_bytes(ia_buf_view(&text)), "sig",
                     ia_json_hex(IA_SPAN_ARR(sig)), "confirmations", b->confirmations);
  return ia_reply_json(rp, 200, answer, e);
}

static const ia_route lab_sms_rows[] = {
    {"GET", "/info", IA_ROUTE_INLINE, 0, false, lab_info, IA_MARK_PUBLIC}};

static inline void lab_front(lab *b)
{
  ia_ledger_config lc = {.genesis = {.pool_owner = b->who[LAB_POOL], .seed = {{9}}}, .test = true};
  ia_market_config mc = {.chain_id = 421614};
  char db[64];

  (void)snprintf(db, sizeof(db), "sqlite:%s/market.db", b->dir);
  MUST(fixture_start(&b->front, NULL, &e));
  MUST(ia_ledger_service_open(&b->ledger, &lc, b->front.loop, &e));
  (void)snprintf(b->front_url, sizeof(b->front_url), "%s", ia_server_url(b->front.server));
  mc.db = db;
  mc.rpc_url = b->front_url;
  mc.hub = ia_ledger_hub(ia_ledger_service_ledger(b->ledger));
  b->pool_addr = ia_ledger_pool(ia_ledger_service_ledger(b->ledger));
  MUST(ia_market_open(&b->market, &mc, b->front.loop, &e));
  MUST(ia_server_mount(b->front.server, ia_ledger_service_routes(b->ledger), &e));
  MUST(ia_market_mount(b->market, b->front.server, &e));
  b->sms_routes = (ia_routes){.rows = lab_sms_rows, .n = 1, .ctx = b};
  MUST(ia_server_mount(b->front.server, &b->sms_routes, &e));
  assert_true(fixture_run_on(&b->front));
}

static inline void lab_pool_up(lab *b)
{
  MUST(fixture_start(&b->pool, NULL, &e));
  MUST(ia_scheduler_open(&b->scheduler, &b->config, b->pool.loop, &e));
  MUST(ia_scheduler_mount(b->scheduler, b->pool.server, &e));
  assert_true(fixture_run_on(&b->pool));
}

static inline void lab_pool_down(lab *b)
{
  ia_loop_stop(b->pool.loop);
  pthread_join(b->pool.thread, NULL);
  ia_server_close(b->pool.server);
  ia_scheduler_close(b->scheduler);
  ia_loop_free(b->pool.loop);
  ia_http_free(b->pool.http);
}

/* Sends a call as one of the people; the contract's words when it reverts. */
static inline bool lab_send(lab *b, int who, const ia_addr *to, ia_call_id id, const void *args,
                            ia_chain_sent *out, ia_err *e)
{
  const ia_chain_account_key k = {b->secp, &b->keys[who]};

  return ia_chain_call(b->chain, out, &k, to, id, args, e);
}

static inline void lab_assets(lab *b)
{
  IA_AUTOV(ia_chain_sent) app = {0};
  IA_AUTOV(ia_chain_sent) data = {0};
  ia_chain_info info;
  ia_args a = {.addr = {b->who[LAB_APP]},
               .bytes = {ia_span_str("hello"), ia_span_str("DOCKER"), ia_span_str("/ipfs/x")}};
  ia_args d = {.addr = {b->who[LAB_DATA]}, .bytes = {ia_span_str("data"), ia_span_str("/ipfs/y")}};
  ia_event ev;

  memset(b->app_digest.b, 0x55, 32);
  memset(b->data_digest.b, 0x99, 32);
  a.id[0] = b->app_digest;
  d.id[0] = b->data_digest;
  MUST(ia_chain_info_get(b->chain, &info, &e));
  MUST(lab_send(b, LAB_APP, &info.registry[IA_ASSET_APP], IA_CALL_CREATE_APP, &a, &app, &e));
  MUST(lab_send(b, LAB_DATA, &info.registry[IA_ASSET_DATASET], IA_CALL_CREATE_DATASET, &d, &data,
                &e));
  MUST(ia_event_decode(&ev, IA_EV_NFT_TRANSFER, &app.receipt.logs.v[0].entry, &e));
  (void)ia_chain_find_log(&app.receipt.logs, IA_EV_NFT_TRANSFER, NULL);
  ia_u256_to_be(b->app_digest.b, &ev.value[0]); /* the token is the address */
  memcpy(b->app.b, b->app_digest.b + 12, 20);
  MUST(ia_event_decode(&ev, IA_EV_NFT_TRANSFER, &data.receipt.logs.v[0].entry, &e));
  ia_u256_to_be(b->data_digest.b, &ev.value[0]);
  memcpy(b->dataset.b, b->data_digest.b + 12, 20);
  memset(b->app_digest.b, 0x55, 32);
  memset(b->data_digest.b, 0x99, 32);
}

static inline void lab_people(lab *b)
{
  uint8_t raw[32];

  MUST(ia_secp_new(&b->secp, &e));
  for (uint8_t i = 1; i < 16; i++) {
    b->keys[i] = key_of(i);
    MUST(ia_secp_address(b->secp, &b->who[i], &b->keys[i], &e));
    b->counter[i] = ia_now_ms();
  }
  counting(raw, 32, 0x41);
  b->seed = secret_of(raw, 32);
  MUST(ia_ed25519_public(b->sms_key.b, &b->seed, &e));
}

static inline int lab_open(void **state)
{
  static lab b;
  ia_chain_options o = {0};

  b = (lab){0};
  (void)snprintf(b.dir, sizeof(b.dir), "/tmp/ia-sched-XXXXXX");
  assert_non_null(mkdtemp(b.dir));
  lab_people(&b);
  lab_front(&b);
  memcpy(b.workers, (ia_addr[]){b.who[LAB_WORKER], b.who[LAB_WORKER_2]}, sizeof(b.workers));
  (void)snprintf(b.db, sizeof(b.db), "sqlite:%s/scheduler.db", b.dir);
  b.config = (ia_scheduler_config){.db = b.db,
                                   .rpc = b.front_url,
                                   .market = b.front_url,
                                   .sms = b.front_url,
                                   .ipfs = b.front_url,
                                   .key = &b.keys[LAB_POOL],
                                   .domain = IA_DOMAIN_SIM,
                                   .tee = "sim",
                                   .workers = b.workers,
                                   .n_workers = 2,
                                   .lease_seconds = 30,
                                   .wait_ms = 5000};
  o.url = b.front_url;
  MUST(ia_chain_open(&b.chain, &o, &e));
  MUST(ia_http_new(&b.http, NULL, &e));
  lab_pool_up(&b);
  lab_assets(&b);
  *state = &b;
  return 0;
}

static inline int lab_close(void **state)
{
  lab *b = *state;

  lab_pool_down(b);
  ia_chain_close(b->chain);
  ia_http_free(b->http);
  ia_loop_stop(b->front.loop);
  pthread_join(b->front.thread, NULL);
  ia_server_close(b->front.server);
  ia_market_close(b->market);
  ia_ledger_service_close(b->ledger);
  ia_loop_free(b->front.loop);
  ia_http_free(b->front.http);
  for (size_t i = 0; i < 16; i++)
    ia_secret_free(&b->keys[i]);
  ia_secret_free(&b->seed);
  ia_secp_free(b->secp);
  return ia_remove_tree(b->dir, NULL) ? 0 : -1;
}

/* -- users -- */

static inline void lab_pool_order(lab *b, ia_offers *offers)
{
  ia_net net = {.http = b->http, .market = b->front_url, .chain_id = 421614};
  char query[128];

  net.hub = *ia_chain_hub(b->chain);
  (void)snprintf(query, sizeof(query), "workerpool=%s&category=0", ia_addr_lower(&b->pool_addr).s);
  for (int i = 0; i < 500 && offers->n == 0; i++) {
    ia_err e = {0};

    if (!ia_to_market_list(&net, offers, IA_ORDER_WORKERPOOL, query, 5, &e))
      lab_die(&e, "market");
    if (offers->n == 0)
      (void)usleep(10000);
  }
  assert_true(offers->n > 0);
}

static inline void lab_sign(lab *b, int who, ia_order_kind kind, const void *order, ia_sig *sig,
                            ia_span *at)
{
  ia_h256 h;

  ia_order_hash(&h, ia_chain_separator(b->chain), kind, order);
  MUST(ia_secp_sign(b->secp, sig, &h, &b->keys[who], &e));
  *at = IA_SPAN_ARR(sig->b);
}

/* The four orders of a deal of `tasks` tasks with our pool, not signed; the pool's order is the
 * market's, kept by `offers`. */
static inline ia_match lab_orders(lab *b, int who, ia_offers *offers, uint64_t tasks, uint32_t tag,
                                  ia_span params)
{
  static uint8_t salt;
  ia_match m = {0};

  lab_pool_order(b, offers);
  m.workerpool = offers->list[0].box.order.workerpool;
  m.app = (ia_app_order){.app = b->app, .volume = ia_u256_of(tasks), .tag = ia_tag_of(tag)};
  m.dataset = (ia_dataset_order){.dataset = b->dataset, .volume = ia_u256_of(tasks)};
  m.request = (ia_request_order){.app = b->app,
                                 .dataset = b->dataset,
                                 .workerpool = b->pool_addr,
                                 .requester = b->who[who],
                                 .beneficiary = b->who[who],
                                 .workerpoolmaxprice = m.workerpool.workerpoolprice,
                                 .volume = ia_u256_of(tasks),
                                 .tag = ia_tag_of(tag),
                                 .params = params};
  m.app.salt.b[0] = m.dataset.salt.b[0] = m.request.salt.b[0] = ++salt;
  return m;
}

/* Signs all but the pool's order and matches them; the deal's id. */
static inline ia_h256 lab_match_orders(lab *b, int who, ia_match *m)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_sig sigs[3];
  ia_event ev;

  lab_sign(b, LAB_APP, IA_ORDER_APP, &m->app, &sigs[0], &m->app.sign);
  if (!ia_addr_zero(&m->dataset.dataset))
    lab_sign(b, LAB_DATA, IA_ORDER_DATASET, &m->dataset, &sigs[1], &m->dataset.sign);
  lab_sign(b, who, IA_ORDER_REQUEST, &m->request, &sigs[2], &m->request.sign);
  MUST(lab_send(b, who, NULL, IA_CALL_MATCH_ORDERS, m, &sent, &e));
  const ia_chain_log *log =
      ia_chain_find_log(&sent.receipt.logs, IA_EV_ORDERS_MATCHED, ia_chain_hub(b->chain));
  assert_non_null(log);
  MUST(ia_event_decode(&ev, IA_EV_ORDERS_MATCHED, &log->entry, &e));
  return ev.id[0];
}

static inline ia_h256 lab_match_as(lab *b, int who, uint64_t tasks, uint32_t tag, ia_span params)
{
  IA_AUTOV(ia_offers) offers = {0};
  ia_match m = lab_orders(b, who, &offers, tasks, tag, params);

  return lab_match_orders(b, who, &m);
}

static inline ia_h256 lab_match(lab *b, uint64_t tasks, uint32_t tag)
{
  return lab_match_as(b, LAB_USER, tasks, tag, ia_span_str("{}"));
}

static inline ia_h256 lab_task(const ia_h256 *deal, uint64_t idx)
{
  ia_u256 wide = ia_u256_of(idx);
  ia_h256 id;

  ia_task_id(&id, deal, &wide);
  return id;
}

/* RLC from the faucet into the hub. */
static inline void lab_fund(lab *b, int who, uint64_t nrlc)
{
  ia_args faucet = {.value = {ia_u256_of(nrlc)}};
  ia_args approve = {.addr = {*ia_chain_hub(b->chain)}, .value = {ia_u256_of(nrlc)}};
  IA_AUTOV(ia_chain_sent) one = {0};
  IA_AUTOV(ia_chain_sent) two = {0};
  IA_AUTOV(ia_chain_sent) three = {0};
  ia_chain_info info;

  MUST(ia_chain_info_get(b->chain, &info, &e));
  MUST(lab_send(b, who, &info.token, IA_CALL_FAUCET, &faucet, &one, &e));
  MUST(lab_send(b, who, &info.token, IA_CALL_APPROVE, &approve, &two, &e));
  MUST(lab_send(b, who, NULL, IA_CALL_DEPOSIT, &faucet, &three, &e));
}

static inline uint64_t lab_stake(lab *b, int who, uint64_t *locked)
{
  uint64_t free_nrlc;
  ia_account a;

  MUST(ia_chain_account(b->chain, &a, &b->who[who], &e));
  assert_true(ia_u256_u64(&free_nrlc, &a.stake) && ia_u256_u64(locked, &a.locked));
  return free_nrlc;
}

/* GET under the scheduler; new reference. */
static inline json_t *lab_get(lab *b, const ia_h256 *task, const char *rest)
{
  char url[256];
  json_t *v = NULL;
  ia_err e = {0};

  (void)snprintf(url, sizeof(url), "%s/tasks/%s%s", ia_server_url(b->pool.server),
                 ia_h256_text(task).s, rest);
  if (!ia_http_json(b->http, &v, "GET", url, NULL, &e) && e.code != IA_E_NOT_FOUND)
    lab_die(&e, url);
  return v;
}

/* Waits by the scheduler's own long poll until the state is there. */
static inline json_t *lab_wait(lab *b, const ia_h256 *task, const char *state)
{
  char have[64] = "", rest[96];

  for (int i = 0; i < 20; i++) {
    json_t *v;

    (void)snprintf(rest, sizeof(rest), "/wait?state=%s", have);
    v = lab_get(b, task, rest);
    if (!v)
      continue;
    (void)snprintf(have, sizeof(have), "%s",
                   json_string_value(json_object_get(v, "currentStatus")));
    if (strcmp(have, state) == 0)
      return v;
    json_decref(v);
  }
  print_error("state %s, want %s\n", have, state);
  fail();
  return NULL;
}

/* -- workers -- */

/* A signed request; `e` has the refusal. */
static inline bool lab_ask_at(lab *b, int who, uint64_t counter, const char *path,
                              const json_t *body, json_t **out, ia_err *why)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTOV(ia_buf) m = {0};
  char url[192], h1[96], h2[64], h3[192] = "X-Iapp-Signature: 0x";
  const char *headers[] = {h1, h2, h3, NULL};
  ia_http_call call = {.method = "POST", .url = url, .headers = headers, .total_ms = 30000};
  ia_h256 sum, h;
  ia_sig sig;

  /* the client writes the same compact text */
  MUST(ia_json_write(&text, body, &e));
  ia_sha256(&sum, ia_buf_view(&text));
  ia_buf_lp_str(&m, "iapp-worker/v1");
  ia_buf_lp_str(&m, "POST");
  ia_buf_lp_str(&m, path);
  ia_buf_lp(&m, IA_SPAN_ARR(sum.b));
  ia_buf_u64be(&m, counter);
  ia_buf_lp(&m, IA_SPAN_ARR(b->pool_addr.b));
  ia_keccak256(&h, ia_buf_view(&m));
  MUST(ia_eip191_sign(b->secp, &sig, IA_SPAN_ARR(h.b), &b->keys[who], &e));
  (void)snprintf(url, sizeof(url), "%s%s", ia_server_url(b->pool.server), path);
  (void)snprintf(h1, sizeof(h1), "X-Iapp-Worker: %s", ia_addr_lower(&b->who[who]).s);
  (void)snprintf(h2, sizeof(h2), "X-Iapp-Counter: %llu", (unsigned long long)counter);
  ia_hex(h3 + strlen(h3), sig.b, 65);
  return ia_http_json_call(b->http, out, &call, body, why);
}

static inline bool lab_ask(lab *b, int who, const char *path, json_t *body, json_t **out, ia_err *e)
{
  bool ok = lab_ask_at(b, who, ++b->counter[who], path, body, out, e);

  json_decref(body);
  return ok;
}

/* tasks: those that the worker says it has; NULL: it does not say. */
static inline bool lab_hello_with(lab *b, int who, const char *boot, json_t *tasks, ia_err *e)
{
  return lab_ask(b, who, "/worker/v1/hello",
                 json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:o*}", "tee", "sim", "domain", "sim",
                           "slots", 1, "version", "test", "simRoot", "0x00", "boot", boot, "tasks",
                           tasks),
                 NULL, e);
}

static inline bool lab_hello(lab *b, int who, const char *boot, ia_err *e)
{
  return lab_hello_with(b, who, boot, NULL, e);
}

/* The next task; NULL after the time of a poll. */
static inline json_t *lab_poll(lab *b, int who)
{
  json_t *v = NULL;

  MUST(lab_ask(b, who, "/worker/v1/poll", json_pack("{s:i}", "free", 1), &v, &e));
  return v;
}

static inline uint64_t lab_fencing(const json_t *assignment)
{
  return (uint64_t)json_integer_value(
      json_object_get(json_object_get(assignment, "lease"), "fencing"));
}

/* What our SMS would say of an enclave. */
static inline json_t *lab_cert(lab *b, const ia_h256 *task, int worker, const ia_addr *enclave,
                               uint64_t expires)
{
  ia_enclave_cert c = {.domain = IA_DOMAIN_SIM,
                       .tee = "sim",
                       .task_id = *task,
                       .worker = b->who[worker],
                       .enclave = *enclave,
                       .expires = expires};

  MUST(ia_enclave_cert_sign(&c, &b->seed, &e));
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:o}", "tee", "sim", "taskId",
                   ia_json_h256(task), "worker", ia_json_addr(&c.worker), "enclaveAddress",
                   ia_json_addr(enclave), "evidenceHash", ia_json_h256(&c.evidence_hash), "expires",
                   (json_int_t)expires, "sig", ia_json_hex(IA_SPAN_ARR(c.sig)));
}

static inline bool lab_authorize(lab *b, int who, const ia_h256 *task, uint64_t fencing,
                                 json_t *cert, ia_buf *sig, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;

  ia_buf_clear(sig);
  return lab_ask(b, who, "/worker/v1/authorize",
                 json_pack("{s:o, s:I, s:o}", "taskId", ia_json_h256(task), "fencing",
                           (json_int_t)fencing, "certificate", cert),
                 &v, e) &&
         ia_json_get_hex(v, "authorization", sig, e);
}

/* contributeAndFinalize by the enclave of key 3. */
static inline bool lab_settle(lab *b, int who, const ia_h256 *task, ia_span authorization,
                              ia_chain_sent *sent, ia_err *why)
{
  ia_args a = {.id = {*task, {{0x44}}}, .addr = {b->who[3]}};
  ia_h256 result, seal, message;
  ia_sig sig;

  ia_result_hash(&result, task, &a.id[1]);
  ia_result_seal(&seal, &b->who[who], task, &a.id[1]);
  ia_enclave_message(&message, &result, &seal);
  MUST(ia_eip191_sign(b->secp, &sig, IA_SPAN_ARR(message.b), &b->keys[3], &e));
  a.bytes[0] = ia_span_str("{ \"storage\": \"ipfs\", \"location\": \"/ipfs/z\" }");
  a.bytes[2] = IA_SPAN_ARR(sig.b);
  a.bytes[3] = authorization;
  return lab_send(b, who, NULL, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, sent, why);
}

static inline void lab_advance(lab *b, uint64_t seconds)
{
  IA_AUTO_JSON *one = NULL;
  IA_AUTO_JSON *two = NULL;

  MUST(ia_rpc_call(ia_chain_rpc(b->chain), &one, "evm_increaseTime",
                   json_pack("[I]", (json_int_t)seconds), &e));
  MUST(ia_rpc_call(ia_chain_rpc(b->chain), &two, "evm_mine", NULL, &e));
}

#endif
