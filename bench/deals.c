/* Deals made one after the other by a requester of its own, through the client library that `iapp
 * run` uses; what each took. The wallet is made here, so that no passphrase is in the way.
 *
 * deals RPC MARKET SCHEDULER APP N PAUSE_MS: one JSON line a deal:
 * {"taskId","sentUs","minedUs","completedUs","timeline":{..},"status"}, Unix microseconds by this
 * process's clock: matchOrders sent, its receipt here, the task COMPLETED in the ledger's state.
 * timeline: the scheduler's (GET /tasks/ID), once the worker's report is in. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/hex.h"
#include "client/run_orders.h"
#include "client/to_scheduler.h"
#include "eth/address.h"
#include "poco/ids.h"

enum { TASK_MS = 60000, WAIT_MS = 1000, REPORT_PAUSE_US = 2000 };

typedef struct bench {
  ia_net net;
  ia_wallet *wallet;
  ia_run_want want;
  ia_run_orders orders;
} bench;

typedef struct times {
  uint64_t sent, mined, completed;
  ia_task_status status;
} times;

static void check(bool ok, const ia_err *e)
{
  if (ok)
    return;
  (void)fprintf(stderr, "deals: %s: %s\n", ia_code_name(e->code), e->msg);
  exit(1);
}

static uint64_t now_us(void)
{
  struct timespec t;

  (void)clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void open_all(bench *b, char **argv)
{
  IA_AUTOV(ia_secret) key = {0};
  ia_chain *chain;
  ia_err e = {0};

  b->net = (ia_net){.rpc = argv[1], .market = argv[2], .scheduler = argv[3]};
  check(ia_net_open(&b->net, &e) && ia_net_chain(&b->net, &chain, &e), &e);
  b->net.chain_id = ia_chain_id(chain);
  b->net.hub = *ia_chain_hub(chain);
  check(ia_secp_key_new(&key, &e) && ia_wallet_of_key(&b->wallet, &key, &e), &e);
  b->want = (ia_run_want){
      .requester = b->wallet->address, .category = IA_RUN_ANY_CATEGORY, .tasks = 1, .params = "{}"};
  check(ia_addr_parse(&b->want.app, ia_span_str(argv[4]), &e) &&
            ia_run_pick(&b->net, &b->orders, &b->want, &e),
        &e);
}

/* Waits for blocks until the ledger says that the task is over. */
static void await_end(bench *b, const ia_h256 *id, times *t)
{
  uint64_t until = ia_mono_ms() + TASK_MS;
  ia_chain *chain;
  ia_err e = {0};

  check(ia_net_chain(&b->net, &chain, &e), &e);
  while (ia_mono_ms() < until) {
    IA_AUTOV(ia_buf) store = {0};
    ia_block head;
    ia_task task;

    /* the head first: a block that comes while we read the task is not slept over */
    check(ia_chain_head(chain, &head, &e) && ia_chain_task(chain, &task, &store, id, &e), &e);
    t->status = (ia_task_status)task.status;
    if (t->status == IA_TASK_COMPLETED || t->status == IA_TASK_FAILED) {
      t->completed = now_us();
      return;
    }
    check(ia_chain_wait_block(chain, &head, head.number, WAIT_MS, &e), &e);
  }
  (void)ia_fail(&e, IA_E_TIMEOUT, "%s is not completed after a minute", ia_h256_text(id).s);
  check(false, &e);
}

/* The worker reports just after it settled; its times come with the report. */
static json_t *timeline(bench *b, const ia_h256 *id)
{
  uint64_t until = ia_mono_ms() + TASK_MS;
  ia_err e = {0};

  for (;;) {
    IA_AUTO_JSON *seen = NULL;

    check(ia_to_scheduler_task(&b->net, &seen, id, &e), &e);
    json_t *found = json_object_get(json_object_get(seen, "iapp"), "timeline");
    if (json_object_get(found, "exitedMs"))
      return json_incref(found);
    if (ia_mono_ms() > until)
      check(ia_fail(&e, IA_E_TIMEOUT, "no report of %s", ia_h256_text(id).s), &e);
    nanosleep(&(struct timespec){.tv_nsec = REPORT_PAUSE_US * 1000}, NULL);
  }
}

static void one(bench *b)
{
  ia_run_deal deal;
  times t = {0};
  ia_u256 first;
  ia_err e = {0};
  ia_h256 id;

  check(ia_run_request(&b->net, b->wallet, &b->orders, &b->want, &e), &e);
  t.sent = now_us();
  check(ia_run_match(&b->net, b->wallet, &b->orders, &deal, &e), &e);
  t.mined = now_us();
  first = ia_u256_of(deal.first);
  ia_task_id(&id, &deal.id, &first);
  await_end(b, &id, &t);
  IA_AUTO_JSON *line = json_pack(
      "{s:o, s:I, s:I, s:I, s:s, s:o}", "taskId", ia_json_h256(&id), "sentUs", (json_int_t)t.sent,
      "minedUs", (json_int_t)t.mined, "completedUs", (json_int_t)t.completed, "status",
      t.status == IA_TASK_COMPLETED ? "COMPLETED" : "FAILED", "timeline", timeline(b, &id));
  if (!line || json_dumpf(line, stdout, JSON_COMPACT) != 0)
    check(ia_fail(&e, IA_E_MEMORY, "out of memory"), &e);
  (void)putchar('\n');
  (void)fflush(stdout);
}

int main(int argc, char **argv)
{
  bench b = {0};

  if (argc != 7) {
    (void)fputs("usage: deals RPC MARKET SCHEDULER APP N PAUSE_MS\n", stderr);
    return 2;
  }
  unsigned long n = strtoul(argv[5], NULL, 10), pause = strtoul(argv[6], NULL, 10);
  open_all(&b, argv);
  for (unsigned long i = 0; i < n; i++) {
    one(&b);
    nanosleep(&(struct timespec){.tv_sec = (time_t)(pause / 1000),
                                 .tv_nsec = (long)(pause % 1000) * 1000000},
              NULL);
  }
  ia_run_orders_free(&b.orders);
  ia_wallet_free(b.wallet);
  ia_net_close(&b.net);
  return 0;
}
