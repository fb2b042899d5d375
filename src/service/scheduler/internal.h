/* Shared by the files of the scheduler; not for others.
 *
 * Threads: the loop's thread owns the lists of held requests. One long job follows the ledger
 * (watch.c), one does everything that is due: transactions, time-outs, receipts, pool orders
 * (actor.c), one reads the lists of bulk deals (load.c). Handlers of workers and clients are short
 * jobs. `lock` guards the database handle and what is marked so below; it is never held across a
 * request to another process. */
#ifndef IA_SERVICE_SCHEDULER_INTERNAL_H
#define IA_SERVICE_SCHEDULER_INTERNAL_H

#include <pthread.h>

#include "chain/follow.h"
#include "client/wallet.h"
#include "eth/challenge.h"
#include "service/scheduler/plan.h"
#include "service/scheduler/scheduler.h"
#include "store/db.h"
#include "tee/release.h"

enum {
  SCH_LEASE_SECONDS = 60,
  SCH_POLL_MS = 25000,
  SCH_OPEN_TASKS = 256, /* rows made ahead for one requester */
  SCH_FEW_TASKS = 32,   /* so few are left of them: more are made */
  SCH_ALIVE_MS = 40000, /* a worker that spoke within this is connected */
  SCH_CAUSE = 64,
  SCH_MESSAGE = 300,
  SCH_HOLDER_S = 30,  /* so long a task is kept for the worker that has its result */
  SCH_SETTLE_S = 300, /* so long a lease outlives its worker's silence while it settles */
  SCH_POOLS = 16,
};

/* Names are iExec's (off-chain task states). Kept as numbers in the store: append only. */
typedef enum sch_state {
  SCH_RECEIVED = 0,
  SCH_INITIALIZED = 1,
  SCH_RUNNING = 2,
  SCH_COMPLETED = 3,
  SCH_RUNNING_FAILED = 4,
  SCH_TIMEOUT = 5, /* of the contribution */
  SCH_FAILED = 6,  /* claimed: the requester has the money back */
} sch_state;
const char *sch_state_name(sch_state s);

enum { SCH_LIMITS = 16, SCH_LIMIT_NAME = 32 };

/* What one task may have at most, by its name in the pool's answer: "memoryMax" in bytes. */
typedef struct sch_limit {
  char name[SCH_LIMIT_NAME];
  uint64_t value;
} sch_limit;

typedef struct sch_worker {
  ia_addr address;
  /* guarded by auth_lock */
  uint64_t highest;   /* counter */
  uint64_t window[4]; /* bit i: highest - i was seen */
  uint64_t last_ms;   /* ia_mono_ms of the last request */
  char boot[36];      /* of the last hello */
  uint64_t slots;     /* of the last hello, as what follows */
  sch_limit limits[SCH_LIMITS];
  size_t n_limits;
  char state[12]; /* "ready", "paused", "draining"; "": nothing was said yet */
  char cause[SCH_CAUSE], message[SCH_MESSAGE]; /* why it is paused */
} sch_worker;

typedef struct sch_poll sch_poll;
typedef struct sch_waiter sch_waiter;

struct ia_scheduler {
  /* set at open, constant afterwards */
  char *rpc, *market, *sms, *ipfs, *worker_rpc, *worker_sms, *worker_ipfs, *tee;
  char *outbox, *max_fee;
  uint64_t final_blocks; /* of our own transactions */
  uint32_t stuck_ms;
  ia_addr want_hub, want_pool;
  uint64_t want_chain;
  ia_domain domain;
  ia_wallet *wallet; /* the pool's owner */
  sch_worker *workers;
  size_t n_workers;
  uint32_t lease_seconds;
  uint64_t price_nrlc, order_volume, categories, first_block;
  size_t reorg_depth;
  ia_loop *loop;

  pthread_mutex_t lock;
  pthread_cond_t wake; /* of the actor */
  /* guarded by lock */
  ia_db *db;
  bool ready;     /* chain_id, hub, pool, separator are known */
  bool has_sms;   /* sms_key */
  bool due;       /* something for the actor */
  bool load_due;  /* something for the loader */
  bool orders_up; /* the pool's orders are on the market */
  uint64_t sold;  /* tasks of deals since the orders were last looked at */
  uint64_t chain_id;
  ia_addr hub, pool; /* workers sign for this one; it is pools[0] */
  ia_h256 sms_key;
  uint64_t confirmations; /* blocks that the SMS wants above a deal */
  uint64_t head;          /* block up to which was followed */
  int64_t ahead_s;        /* the ledger's clock before ours; negative: behind */
  uint64_t clock_head;    /* the block that said so, and one; 0 = none yet */

  pthread_mutex_t auth_lock;
  /* guarded by auth_lock, as the members of workers: copies of ready and pool */
  bool auth_ready;
  ia_addr auth_pool;
  uint64_t auth_chain;
  ia_challenges *challenges;
  bool away[SCH_POOLS]; /* pools that another owns now */

  /* set by the first connection, constant afterwards: read by those alone who have a chain */
  ia_addr pools[SCH_POOLS]; /* whose deals we take */
  size_t n_pools;
  ia_addr registry; /* of pools */

  volatile bool stop;
  /* the loop's thread alone */
  int running; /* long jobs and assignments */
  bool assigning, assign_again;
  sch_poll *polls;
  sch_waiter *waiters;
  uint64_t waiter_looks; /* how often a waiter looked at its task */
  ia_timer *timer;
  ia_routes tables[2]; /* what is mounted */
};

/* -- open.c -- */
void sch_lock(ia_scheduler *s);
void sch_unlock(ia_scheduler *s);
static inline void sch_unlock_auto(ia_scheduler **s)
{
  if (*s)
    sch_unlock(*s);
}
#define SCH_LOCKED __attribute__((cleanup(sch_unlock_auto))) ia_scheduler
void sch_wake(ia_scheduler *s); /* the actor; call locked */
/* Any thread: workers that wait may get something. */
void sch_offer(ia_scheduler *s);
/* Any thread: clients that wait for this task (NULL: any) shall look again. */
void sch_changed(ia_scheduler *s, const ia_h256 *task);
/* Locked: the ledger's time, as far as we can know. */
uint64_t sch_ledger_now(const ia_scheduler *s);

/* The fault is ours, the node's or of the moment: the same again later. Else it is that of the
 * thing at hand, which must stop nothing but itself. */
bool sch_may_pass(const ia_err *why);
/* Sleeps, or less when the scheduler stops. */
void sch_pause(ia_scheduler *s, uint32_t ms);

/* Copies text, cut at a whole character where it is too long. */
void sch_copy(char *out, size_t size, const char *text);

/* -- schema.c; locked -- */
IA_MUST bool sch_store_open(ia_db **out, const char *url, ia_err *e);
IA_MUST bool sch_cursor_get(ia_scheduler *s, ia_cursor *out, ia_buf *past, ia_err *e);
IA_MUST bool sch_cursor_put(ia_scheduler *s, const ia_cursor *c, ia_span past, ia_err *e);
/* Small values under a name. */
IA_MUST bool sch_meta_get(ia_scheduler *s, const char *name, ia_buf *out, ia_err *e);
IA_MUST bool sch_meta_put(ia_scheduler *s, const char *name, ia_span value, ia_err *e);

/* -- ownership.c -- */
/* SQL: the task's pool is ours. */
#define SCH_SERVED                                                                                 \
  "NOT EXISTS (SELECT 1 FROM pools_away o JOIN deals d ON d.deal_id = tasks.deal_id"               \
  " WHERE d.pool = o.pool OR d.pool IS NULL AND o.main = 1)"
/* Asks whose the pools are, ends the leases of one that was given away, serves one that came back.
 */
IA_MUST bool sch_owners_read(ia_scheduler *s, ia_chain *c, ia_err *e);
bool sch_pool_is_away(ia_scheduler *s, size_t i);
/* The log tells that a pool of ours changed hands. */
bool sch_moves_pool(const ia_scheduler *s, const ia_chain_log *log);

/* -- tasks.c; locked -- */
typedef struct sch_task {
  ia_h256 id, deal;
  uint64_t idx;
  sch_state state;
  bool initialized; /* on the ledger */
  uint64_t fencing;
  ia_addr worker; /* of the last lease; zero: none yet */
  uint64_t lease_expires, next_try;
  uint64_t attempts;
  uint64_t contribution_deadline, final_deadline;
  ia_h256 settle_tx;
  uint64_t settle_block;
  ia_h256 settle_hash;
  char cause[SCH_CAUSE];
} sch_task;
/* NOT_FOUND. */
IA_MUST bool sch_task_get(ia_scheduler *s, sch_task *out, const ia_h256 *id, ia_err *e);
/* Columns of SCH_TASK_COLUMNS of the current row. */
#define SCH_TASK_COLUMNS                                                                            \
  "task_id, deal_id, idx, state, initialized, fencing, worker, lease_expires, next_try, attempts, " \
  "contribution_deadline, final_deadline, settle_tx, settle_block, settle_hash, cause"
IA_MUST bool sch_task_row(sch_task *out, ia_stmt *st, ia_err *e);
/* With its line in the history. */
IA_MUST bool sch_task_set_state(ia_scheduler *s, const ia_h256 *id, sch_state state, ia_err *e);
IA_MUST bool sch_task_set_cause(ia_scheduler *s, const ia_h256 *id, const char *cause,
                                const char *code, const char *message, ia_err *e);
IA_MUST bool sch_attempt_end(ia_scheduler *s, const ia_h256 *id, uint64_t fencing,
                             const char *cause, const char *code, const char *message, ia_err *e);
/* Makes the next rows of deals with many tasks. */
IA_MUST bool sch_tasks_make(ia_scheduler *s, const ia_h256 *deal, ia_err *e);
/* For one requester, and one refused deal, that has few left. */
IA_MUST bool sch_tasks_more(ia_scheduler *s, ia_err *e);

/* -- retry.c; locked -- */
#define SCH_RETURNED "LEASE_RETURNED"      /* cause of attempts that are no tries */
sch_again sch_again_of(const char *cause); /* the table of causes */
/* The current lease has ended without a result: another try after a pause, or the end (*over, which
 * may be NULL). */
IA_MUST bool sch_task_retry(ia_scheduler *s, const sch_task *t, sch_again again, bool is_stated,
                            bool *over, ia_err *e);
/* The lease in force came back, or never arrived: the task is free, and it was no try. */
IA_MUST bool sch_lease_returned(ia_scheduler *s, const sch_task *t, const char *why, ia_err *e);

/* -- intake.c, facts.c -- */
typedef struct sch_deal {
  ia_h256 id, tx;
  uint64_t block;
  ia_deal deal;
  ia_buf deal_store;
  ia_category category;
  ia_buf category_store;
  ia_app_info app;
  ia_buf app_store;
  ia_dataset_info dataset;
  ia_buf dataset_store;
  ia_workerpool_info pool;
  ia_buf pool_store;
  ia_h256 request_hash, dataset_hash;
  json_t *orders, *assets, *image, *inputs; /* owned */
  json_t *reads;         /* {"files":[url],"data":[multiaddr]} of a task; owned */
  uint64_t memory;       /* that the request asks for, bytes; 0: nothing */
  bool pending;          /* inputs and slices of bulk are still to be read (load.c) */
  json_t *slices;        /* of bulk: [{"idx","orders","datasets"}] of the deal's tasks; owned */
  char cause[SCH_CAUSE]; /* why we do not run it */
  char message[160];
} sch_deal;
void sch_deal_free(sch_deal *d);
IA_DEFINE_AUTO_VALUE(sch_deal, sch_deal_free)
/* Everything we need of a deal of ours, from the ledger and the blob store; not locked. A deal that
 * we cannot run has its cause. False: try again later. */
IA_MUST bool sch_deal_load(ia_scheduler *s, ia_chain *c, sch_deal *out, const ia_event *matched,
                           const ia_chain_log *log, ia_err *e);
IA_MUST bool sch_deal_put(ia_scheduler *s, const sch_deal *d, ia_err *e); /* locked */
/* inputsHash of all tasks; of bulk nothing, and d->pending. */
IA_MUST bool sch_inputs(sch_deal *d, json_t **out, ia_err *e);
IA_MUST bool sch_assets(ia_chain *c, const sch_deal *d, json_t **out, ia_err *e);
/* The member "workerpool" of the assets, where the pool's address is derived from its fields and
 * our key; else nothing. */
IA_MUST bool sch_pool_asset(ia_scheduler *s, ia_chain *c, sch_deal *d, ia_err *e);
/* One dataset as a receipt shows it. NULL on failure. */
json_t *sch_dataset_json(ia_chain *c, const ia_chain_info *info, const ia_addr *at,
                         const ia_dataset_info *data, ia_err *e);
/* -- slices.c -- */
/* inputsHash by the task's index, and d->slices; not locked. */
IA_MUST bool sch_bulk(ia_scheduler *s, ia_chain *c, sch_deal *d, const char *cid, json_t **out,
                      ia_err *e);
IA_MUST bool sch_slices_put(ia_scheduler *s, const sch_deal *d, ia_err *e); /* locked */
/* Locked: adds what the record says of the slice to orders and assets of a receipt. */
IA_MUST bool sch_slice_parts(ia_scheduler *s, const sch_task *t, const json_t *release,
                             json_t *orders, json_t *assets, ia_err *e);
IA_MUST bool sch_orders(ia_scheduler *s, ia_chain *c, const ia_event *matched, const ia_h256 *tx,
                        json_t **out, ia_err *e);

/* -- undo.c; locked -- */
#define SCH_GONE  "DEAL_REORGANISED"       /* cause of tasks whose deal is gone */
#define SCH_MOVED "WORKERPOOL_TRANSFERRED" /* of tasks whose pool is another's (ownership.c) */
/* Everything of blocks above `to` is taken back; of all blocks when it has no hash. */
IA_MUST bool sch_undo(ia_scheduler *s, const ia_cursor *to, ia_err *e);
/* Every deal counts as gone until it is read again. */
IA_MUST bool sch_deals_gone(ia_db *db, ia_err *e);
IA_MUST bool sch_deal_back(ia_scheduler *s, const ia_h256 *deal, uint64_t contribution,
                           uint64_t final, ia_err *e);
/* *gone: the deal is out of the ledger; *moved: it came again in another block while this lease
 * ran. What such a lease says of its failure ends nothing. */
IA_MUST bool sch_deal_moved(ia_scheduler *s, const sch_task *t, bool *gone, bool *moved, ia_err *e);
/* Blocks above the deal; 0 while it is gone. */
IA_MUST bool sch_confirmations(ia_scheduler *s, const ia_h256 *deal, uint64_t *have, ia_err *e);

/* -- watch.c, actor.c -- */
void sch_watch_job(void *ctx);
void sch_actor_job(void *ctx);
/* -- load.c -- */
void sch_load_job(void *ctx);
/* Connects and checks that ledger, hub and pool are those that were meant. */
IA_MUST bool sch_connect(ia_scheduler *s, ia_chain **out, ia_err *e);

/* -- lease.c -- */
void sch_offer_post(void *ctx); /* on the loop */
/* Holds the request until there is a task for the worker. */
IA_MUST bool sch_poll_hold(ia_scheduler *s, ia_request *rq, const ia_addr *worker, ia_err *e);
void sch_polls_end(ia_scheduler *s);
/* Drops the held poll of a worker. */
void sch_poll_drop(ia_scheduler *s, const ia_addr *worker);
json_t *sch_lease_json(const ia_lease *l);
/* Locked: a lease with the given fencing until now + lease_seconds, signed; stored by the caller.
 */
IA_MUST bool sch_lease_sign(ia_scheduler *s, ia_lease *out, const ia_h256 *task,
                            const ia_addr *worker, uint64_t fencing, ia_err *e);

/* -- auth.c -- */
/* The worker that signed this request; UNAUTHORIZED, FORBIDDEN. */
IA_MUST bool sch_auth(ia_scheduler *s, ia_request *rq, ia_addr *worker, ia_err *e);
/* Locked: the counters of the store, and one of them into the store. */
IA_MUST bool sch_auth_load(ia_scheduler *s, ia_err *e);
IA_MUST bool sch_auth_keep(ia_scheduler *s, const ia_addr *worker, ia_err *e);
/* Another admitted worker was heard of lately, and takes tasks. */
bool sch_others_alive(ia_scheduler *s, const ia_addr *but);
/* Locked: how many of those have not had this task yet. */
IA_MUST bool sch_others_untried(ia_scheduler *s, const ia_h256 *task, const ia_addr *but,
                                unsigned *untried, ia_err *e);
/* True when the boot id differs from that of the last hello. */
bool sch_booted(ia_scheduler *s, const ia_addr *worker, const char *boot);

sch_worker *sch_worker_of(ia_scheduler *s, const ia_addr *address); /* NULL: not admitted */
/* It was heard of lately. */
bool sch_worker_alive(ia_scheduler *s, const sch_worker *w);

/* -- offers.c -- */
/* Keeps "slots" and "limits" of a hello. INVALID. */
IA_MUST bool sch_offers_put(ia_scheduler *s, const ia_addr *worker, const json_t *hello, ia_err *e);
/* The memory for one app that this worker offers, and the most that a connected one does, bytes. */
uint64_t sch_offers_memory(ia_scheduler *s, const ia_addr *worker);
uint64_t sch_offers_memory_most(ia_scheduler *s);
IA_MUST bool sch_pool_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);

/* -- workers.c -- */
/* What a hello or a poll says of its worker; INVALID. */
IA_MUST bool sch_worker_says(ia_scheduler *s, const ia_addr *worker, const json_t *body, ia_err *e);
bool sch_takes_tasks(ia_scheduler *s, const ia_addr *worker);
/* None that is connected takes tasks: `why` gets a sentence, `list` those that are connected. */
bool sch_nobody_takes_tasks(ia_scheduler *s, ia_buf *why, json_t *list);
bool sch_workers_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);

/* -- waits.c; locked -- */
/* Adds "waitsFor" to a task that waits. */
IA_MUST bool sch_waits_json(ia_scheduler *s, const sch_task *t, json_t *iapp, ia_err *e);

/* -- settle.c, receipts.c -- */
/* A worker's words without control characters. */
void sch_clean(char *out, size_t size, const char *text);
IA_MUST bool sch_authorize(ia_scheduler *s, const ia_addr *worker, const json_t *body,
                           json_t **answer, ia_err *e);
IA_MUST bool sch_done(ia_scheduler *s, const ia_addr *worker, const json_t *body, ia_err *e);
IA_MUST bool sch_failed(ia_scheduler *s, const ia_addr *worker, const json_t *body, ia_err *e);
/* Locked: makes the receipt of a task that has ended, when its parts are there. One that cannot be
 * made is named in the log, and the task goes on without. */
IA_MUST bool sch_receipt_make(ia_scheduler *s, const ia_h256 *task, ia_err *e);

/* -- routes -- */
extern const ia_route sch_worker_rows[], sch_client_rows[];
extern const size_t sch_n_worker_rows, sch_n_client_rows;
/* On the loop's thread; task NULL: all. */
void sch_waiters_changed(ia_scheduler *s, const ia_h256 *task);
void sch_waiters_end(ia_scheduler *s);
void sch_waiters_tick(ia_scheduler *s, uint64_t now_ms);
void sch_polls_tick(ia_scheduler *s, uint64_t now_ms);
void sch_tick_later(ia_scheduler *s); /* something is held: look again in a second */
/* Locked; new reference. */
json_t *sch_task_json(ia_scheduler *s, const ia_h256 *id, ia_err *e);
/* replicates.c: attempts in iExec's words. The texts are borrowed. */
typedef struct sch_replicate {
  ia_addr worker;
  const char *state, *cause;
  uint64_t started_ms, ended_ms; /* 0 = goes on */
} sch_replicate;
/* exit_code is taken over; may be NULL. */
json_t *sch_replicate_json(const sch_replicate *r, json_t *exit_code);
IA_MUST bool sch_replicate_worker(ia_request *rq, ia_addr *worker, ia_err *e);
IA_MUST bool sch_replicate_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
IA_MUST bool sch_version_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
IA_MUST bool sch_challenges_open(ia_scheduler *s, ia_err *e);
IA_MUST bool sch_logs_challenge(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
IA_MUST bool sch_logs(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);
IA_MUST bool sch_task_of(ia_request *rq, ia_h256 *task, ia_err *e);

/* -- pool.c -- */
/* Whether orders of every pool and category were published at today's terms; not locked. */
IA_MUST bool sch_pool_orders_kept(ia_scheduler *s, bool *all, ia_err *e);
/* Puts an order of every pool and category on the market where none with enough volume is left; not
 * locked. *again_s: when to look again. */
IA_MUST bool sch_pool_orders(ia_scheduler *s, ia_chain *c, uint64_t *again_s, ia_err *e);

#endif
