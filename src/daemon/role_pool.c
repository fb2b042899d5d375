/* The scheduler of the workerpool, and a worker. */
#include <string.h>

#include "base/clock.h"
#include "base/owned.h"
#include "base/size.h"
#include "daemon/own_pool.h"
#include "daemon/roles.h"
#include "eth/address.h"
#include "eth/keystore.h"
#include "service/scheduler/scheduler.h"
#include "service/worker/worker.h"

enum { KEYSTORE_CAP = 1 << 16, WORKERS_MAX = 256, CONNECT_MS = 20000, ORDERS_MS = 5000 };
enum { DEAL_TASKS_MAX = 1000000000 }; /* --deal-tasks */

/* The key of HOME/ROLE/wallet.json. */
static bool own_key(ia_secret *key, const ia_role_ctx *r, ia_err *e)
{
  IA_AUTO(ia_secp) *secp = NULL;
  IA_AUTOV(ia_buf) text = {0};
  ia_path path;

  return ia_path_join(&path, e, "%s/wallet.json", r->dir.s) && ia_secp_new(&secp, e) &&
         ia_file_read_private(&text, path.s, KEYSTORE_CAP, e) &&
         ia_keystore_open(key, secp, ia_buf_view(&text), ia_secret_view(&r->passphrase), e);
}

typedef struct scheduler_role {
  ia_server *server;
  ia_scheduler *scheduler;
} scheduler_role;

static void scheduler_close(void *state)
{
  scheduler_role *s = state;

  ia_server_close(s->server);
  ia_scheduler_close(s->scheduler);
  free(s);
}

/* Our own worker and those of --admit. */
static bool admitted(ia_addr list[WORKERS_MAX], size_t *n, const ia_role_ctx *r, ia_err *e)
{
  const char *text = ia_role_text(r, "admit");

  *n = 0;
  if (ia_role_addr(r, "ownWorker", &list[0], NULL))
    *n = 1;
  while (text && *text) {
    size_t len = strcspn(text, ",");

    if (*n == WORKERS_MAX)
      return ia_fail(e, IA_E_TOO_LARGE, "--admit: at most %d workers", WORKERS_MAX);
    if (!ia_addr_parse(&list[(*n)++], ia_span_of(text, len), e))
      return ia_wrap(e, "--admit");
    text += len;
    text += *text == ',';
  }
  return true;
}

static bool open_scheduler(scheduler_role *s, ia_role_ctx *r, ia_err *e)
{
  ia_addr workers[WORKERS_MAX];
  IA_AUTOV(ia_secret) key = {0};
  IA_AUTOV(ia_buf) db = {0};
  ia_path outbox;
  uint64_t depth;
  ia_scheduler_config c = {.rpc = ia_role_text(r, "rpcUrl"),
                           .market = ia_role_text(r, "marketUrl"),
                           .sms = ia_role_text(r, "smsUrl"),
                           .ipfs = ia_role_text(r, "ipfsNodeUrl"),
                           .chain_id = ia_role_number(r, "chainId", 0),
                           .key = &key,
                           .first_block =
                               ia_role_first_block(json_object_get(r->config, "ledgerInfo")),
                           .domain = IA_DOMAIN_SIM,
                           .tee = "sim",
                           .wait_ms = ORDERS_MS,
                           .give_up = ia_role_ending,
                           .workers = workers};

  ia_buf_printf(&db, "sqlite:%s/scheduler.db", r->dir.s);
  ia_buf_u8(&db, 0);
  c.db = (const char *)db.ptr;
  if (!ia_buf_ok(&db, e) || !ia_role_sending(r, &c.sending, &outbox, e) ||
      !admitted(workers, &c.n_workers, r, e) || !own_key(&key, r, e))
    return false;
  if ((ia_role_text(r, "hubAddress") && !ia_role_addr(r, "hubAddress", &c.hub, e)) ||
      (ia_role_text(r, "wantPool") && !ia_role_addr(r, "wantPool", &c.pool, e)))
    return false;
  if (ia_role_flag(r, "ownPool") && !ia_own_pool(r, &key, e))
    return ia_wrap(e, "workerpool");
  if (!ia_role_reorg_depth(r, &depth, e))
    return false;
  c.reorg_depth = (size_t)depth;
  if (!ia_role_count(r, "dealTasks", "--deal-tasks", DEAL_TASKS_MAX, 0, &c.order_volume, e))
    return false;
  return ia_scheduler_open(&s->scheduler, &c, r->loop, e) &&
         ia_scheduler_mount(s->scheduler, s->server, e);
}

static bool scheduler_open(ia_role_ctx *r, void **state, json_t **ready, ia_err *e)
{
  scheduler_role *s = calloc(1, sizeof(*s));

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  *state = s;
  if (!ia_role_listen(r, &s->server, "schedulerPort", e) || !open_scheduler(s, r, e))
    return false;
  *ready = json_pack("{s:s}", "schedulerUrl", ia_server_url(s->server));
  return *ready || ia_fail(e, IA_E_MEMORY, "out of memory");
}

const ia_role_def ia_role_scheduler = {"scheduler", scheduler_open, scheduler_close};

typedef struct worker_role {
  ia_worker *worker;
  uint64_t drain_ms;
} worker_role;

static void worker_close(void *state)
{
  worker_role *s = state;

  (void)ia_worker_drain(s->worker, s->drain_ms, ia_role_hurried);
  ia_worker_close(s->worker);
  free(s);
}

/* Room for image and inputs: enough for a small image, and no slip of a unit. */
static bool task_room(const ia_role_ctx *r, uint64_t *out, ia_err *e)
{
  const uint64_t least = (uint64_t)8 << 20, most = (uint64_t)1 << 40;
  const char *text = ia_role_text(r, "taskRoom");

  *out = 0;
  if (!text)
    return true;
  if (!ia_size_parse(out, text, e))
    return ia_wrap(e, "--task-room");
  return (*out >= least && *out <= most) ||
         ia_fail(e, IA_E_USAGE, "--task-room is %s; the limits are %s and %s", ia_size_show(*out).s,
                 ia_size_show(least).s, ia_size_show(most).s);
}

static bool worker_open(ia_role_ctx *r, void **state, json_t **ready, ia_err *e)
{
  IA_AUTOV(ia_secret) key = {0};
  uint64_t until = ia_mono_ms() + CONNECT_MS;
  worker_role *s = calloc(1, sizeof(*s));
  ia_path guest, outbox;
  ia_worker_config c = {.dir = r->dir.s,
                        .guest = guest.s,
                        .scheduler = ia_role_text(r, "schedulerUrl"),
                        .rpc = ia_role_text(r, "rpcUrl"),
                        .key = &key,
                        .slots = (unsigned)ia_role_number(r, "slots", 0),
                        .local_inputs = ia_role_flag(r, "test"),
                        .warm = 1,
                        .allow_swap = ia_role_flag(r, "allowSwap")};

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  *state = s;
  s->drain_ms = ia_role_number(r, "drainMs", 0);
  const char *memory = ia_role_text(r, "appMemory");
  if (memory && !ia_app_memory_parse(&c.app_memory, memory, e))
    return ia_wrap(e, "--app-memory");
  if (!c.scheduler)
    return ia_fail(e, IA_E_USAGE, "no scheduler here: give --scheduler URL");
  if (!task_room(r, &c.room, e) || !ia_role_guest(r, &guest, e) ||
      !ia_role_sending(r, &c.sending, &outbox, e) || !own_key(&key, r, e) ||
      (ia_role_text(r, "workerpool") && !ia_role_addr(r, "workerpool", &c.pool, e)) ||
      !ia_worker_open(&s->worker, &c, e))
    return false;
  /* "ready" means that tasks can come */
  while (!ia_worker_ready(s->worker) && ia_mono_ms() < until && !ia_role_ending())
    (void)usleep(2000);
  if (!ia_worker_ready(s->worker))
    return ia_fail(e, IA_E_TIMEOUT, "the scheduler at %s does not take this worker", c.scheduler);
  *ready = json_object();
  return *ready || ia_fail(e, IA_E_MEMORY, "out of memory");
}

const ia_role_def ia_role_worker = {"worker", worker_open, worker_close};
