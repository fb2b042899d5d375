/* Who is woken when: held reads of tasks, long polls at the scheduler, a scheduler that starts.
 * What is counted are looks, not times. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "sched_lab.h"
#include "service/scheduler/internal.h"

enum { TEE_TDX = IA_TAG_TEE | IA_TAG_TDX, TASKS = 8 };

static int ask_raw(const char *url, const char *text)
{
  const char *port = strrchr(url, ':');
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  to.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
  assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
  return fd;
}

/* A client that polls a task: its read is held while the task runs. */
static int watch_task(lab *b, const ia_h256 *task)
{
  IA_AUTOV(ia_buf) data = {0};
  IA_AUTOV(ia_buf) body = {0};
  IA_AUTOV(ia_buf) text = {0};
  ia_args of = {.id = {*task}};

  ia_call_encode(&data, IA_CALL_VIEW_TASK, &of);
  IA_AUTO_JSON *rq = json_pack("{s:s,s:i,s:s,s:[{s:o,s:o},s]}", "jsonrpc", "2.0", "id", 1, "method",
                               "eth_call", "params", "to", ia_json_addr(ia_chain_hub(b->chain)),
                               "data", ia_json_hex(ia_buf_view(&data)), "latest");
  MUST(ia_json_write(&body, rq, &e));
  ia_buf_printf(&text,
                "POST / HTTP/1.1\r\nHost: 127.0.0.1%s\r\nContent-Type: application/json\r\n"
                "Content-Length: %zu\r\n\r\n",
                strrchr(b->front_url, ':'), body.len);
  ia_buf_span(&text, ia_buf_view(&body));
  ia_buf_u8(&text, 0);
  return ask_raw(b->front_url, (const char *)text.ptr);
}

/* A copy made on the loop's thread. */
typedef struct wakes {
  lab *b;
  ia_ledger_wakes v;
  pthread_mutex_t lock;
  bool there;
} wakes;

static void copy_wakes(void *ctx)
{
  wakes *w = ctx;

  pthread_mutex_lock(&w->lock);
  w->v = *ia_ledger_service_wakes(w->b->ledger);
  w->there = true;
  pthread_mutex_unlock(&w->lock);
}

static ia_ledger_wakes wakes_of(lab *b)
{
  wakes w = {.b = b, .lock = PTHREAD_MUTEX_INITIALIZER};
  bool there = false;

  MUST(ia_loop_post(b->front.loop, copy_wakes, &w, &e));
  while (!there) {
    (void)usleep(1000);
    pthread_mutex_lock(&w.lock);
    there = w.there;
    pthread_mutex_unlock(&w.lock);
  }
  return w.v;
}

static bool is_at(lab *b, const ia_h256 *task, const char *state)
{
  IA_AUTO_JSON *v = lab_get(b, task, "");

  return v && strcmp(json_string_value(json_object_get(v, "currentStatus")), state) == 0;
}

static void initialized(lab *b, const ia_h256 *task)
{
  for (int i = 0; i < 3000 && !is_at(b, task, "INITIALIZED"); i++)
    (void)usleep(10000);
  assert_true(is_at(b, task, "INITIALIZED"));
}

static void settle_next(lab *b, ia_h256 *task)
{
  IA_AUTO_JSON *offer = lab_poll(b, LAB_WORKER);
  IA_AUTOV(ia_buf) auth = {0};
  IA_AUTOV(ia_chain_sent) sent = {0};

  assert_non_null(offer);
  MUST(ia_json_get_h256(json_object_get(offer, "lease"), "taskId", task, &e));
  MUST(lab_authorize(b, LAB_WORKER, task, lab_fencing(offer),
                     lab_cert(b, task, LAB_WORKER, &b->who[3], ia_now() + 60), &auth, &e));
  MUST(lab_settle(b, LAB_WORKER, task, ia_buf_view(&auth), &sent, &e));
}

/* Others' blocks pass by those who wait for a task; its end wakes them. */
static void a_block_wakes_whom_it_concerns(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, TASKS, TEE_TDX), tasks[TASKS], done;
  ia_ledger_wakes before, after;
  int fds[TASKS];

  for (uint64_t i = 0; i < TASKS; i++) {
    tasks[i] = lab_task(&deal, i);
    initialized(b, &tasks[i]);
  }
  MUST(lab_hello(b, LAB_WORKER, "one", &e));
  before = wakes_of(b);
  for (size_t i = 0; i < TASKS; i++)
    fds[i] = watch_task(b, &tasks[i]);
  for (int i = 0; i < TASKS; i++) /* blocks that are nobody's business */
    lab_fund(b, LAB_USER, 1);
  after = wakes_of(b);
  assert_true(after.commits - before.commits >= TASKS);
  assert_int_equal(after.task_looks - before.task_looks, 0);
  settle_next(b, &done);
  after = wakes_of(b);
  /* none when a slow machine has answered it by the clock */
  assert_true(after.task_looks - before.task_looks <= 1);
  for (size_t i = 0; i < TASKS; i++)
    close(fds[i]);
}

/* The end of a task is looked at while its read is held, else this fails for every task. */
static void the_end_of_a_task_wakes(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, TASKS, TEE_TDX), done;
  ia_ledger_wakes before = wakes_of(b);

  for (uint64_t i = 0; i < TASKS; i++) {
    ia_h256 task = lab_task(&deal, i);

    initialized(b, &task);
  }
  for (int n = 0; n < TASKS && wakes_of(b).task_looks == before.task_looks; n++) {
    int fds[TASKS];

    for (uint64_t i = 0; i < TASKS; i++) {
      ia_h256 task = lab_task(&deal, i);

      fds[i] = watch_task(b, &task);
    }
    settle_next(b, &done);
    for (size_t i = 0; i < TASKS; i++)
      close(fds[i]);
  }
  assert_true(wakes_of(b).task_looks > before.task_looks);
}

static uint64_t looks(lab *b)
{
  return b->scheduler->waiter_looks; /* nothing changes it meanwhile, or the test fails */
}

static void a_deal_wakes_whom_it_concerns(void **state)
{
  lab *b = *state;
  ia_h256 deal = lab_match(b, TASKS, TEE_TDX);
  int fds[TASKS];

  for (uint64_t i = 0; i < TASKS; i++) {
    ia_h256 task = lab_task(&deal, i);

    initialized(b, &task);
  }
  uint64_t before = looks(b);
  for (uint64_t i = 0; i < TASKS; i++) {
    ia_h256 task = lab_task(&deal, i);
    char text[256];

    (void)snprintf(text, sizeof(text),
                   "GET /tasks/%s/wait?state=INITIALIZED HTTP/1.1\r\nHost: 127.0.0.1%s\r\n\r\n",
                   ia_h256_text(&task).s, strrchr(ia_server_url(b->pool.server), ':'));
    fds[i] = ask_raw(ia_server_url(b->pool.server), text);
  }
  for (int i = 0; i < 3000 && looks(b) < before + TASKS; i++)
    (void)usleep(10000);
  for (int i = 0; i < 3; i++) {
    ia_h256 other = lab_match(b, 1, TEE_TDX), task = lab_task(&other, 0);

    initialized(b, &task);
  }
  /* each looked once, and may have seen a late event of its own initialisation */
  uint64_t seen = looks(b) - before;
  assert_true(seen >= TASKS && seen <= 2 * (uint64_t)TASKS);
  for (size_t i = 0; i < TASKS; i++)
    close(fds[i]);
}

/* Its orders were published: a market that says nothing yet keeps nobody waiting. */
static void a_later_start_does_not_wait_for_the_market(void **state)
{
  lab *b = *state;
  const char *market = b->config.market;

  lab_pool_down(b);
  b->config.market = "http://127.0.0.1:1";
  b->config.wait_ms = UINT32_MAX;
  lab_pool_up(b);
  b->config.market = market;
  b->config.wait_ms = 5000;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_block_wakes_whom_it_concerns),
      cmocka_unit_test(the_end_of_a_task_wakes),
      cmocka_unit_test(a_deal_wakes_whom_it_concerns),
      cmocka_unit_test(a_later_start_does_not_wait_for_the_market),
  };

  return cmocka_run_group_tests(tests, lab_open, lab_close);
}
