/* What the files of the worker share. */
#ifndef IA_SERVICE_WORKER_INSIDE_H
#define IA_SERVICE_WORKER_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "chain/poco.h"
#include "client/net.h"
#include "image/store.h"
#include "runtime/quoting.h"
#include "runtime/warm.h"
#include "service/worker/link.h"
#include "service/worker/worker.h"

enum { WORKER_SLOTS = 64, WORKER_WAITING = 16, WORKER_GATEWAYS = 8 };

typedef struct worker_slot worker_slot;

struct ia_worker {
  ia_path dir, tmp, done, guest;
  char *scheduler, *rpc, *sms, *ipfs;
  char *outbox, *max_fee; /* of sending, which borrows them */
  ia_chain_sending sending;
  char *gateways[WORKER_GATEWAYS];
  size_t n_gateways;
  bool local_inputs;
  ia_secp *secp;
  ia_secret key;
  ia_addr address, pool;
  char boot[33]; /* of this process: the scheduler frees the leases of the one before */
  ia_link *link;
  ia_chain *chain; /* of the main thread; NULL until it is needed */
  ia_images *images;
  ia_quoting *quoting;
  ia_h384 mr_td;
  ia_h256 root;
  ia_warm *warm;
  unsigned offered;    /* tasks at a time */
  unsigned n_slots;    /* more than that: results that wait for their deal are no work */
  uint64_t app_memory; /* most that one app may have, bytes */
  uint64_t room;       /* of a task's image and inputs, bytes */
  worker_slot *slots;
  pthread_mutex_t mutex;        /* slots[].used, and the wake-up below */
  pthread_mutex_t images_mutex; /* one import at a time */
  pthread_cond_t wake;
  pthread_t thread;
  bool running;
  volatile bool closing;
  volatile bool draining; /* takes no more tasks: it is to end */
  uint64_t drain_ms;
  /* rest.c; under mutex */
  const char *unfit_cause; /* why this machine cannot do its part; NULL: it can */
  ia_err unfit;
  json_t *returned; /* ids of tasks that were not finished; NULL: none */
  atomic_bool ready;
  atomic_bool is_final;       /* the ledger is ours: its blocks are never taken back */
  pthread_mutex_t kept_mutex; /* files of kept.c */
  /* pay.c, written by the main thread alone; cannot_pay under mutex */
  uint64_t looked_ms;   /* ia_mono_ms of the last look; 0 = none yet */
  ia_err cannot_pay;    /* code 0: it can */
  bool told_why;        /* the last poll said why no tasks are taken */
  atomic_bool look_now; /* any thread: a settlement could not be paid */
  /* of hello; written before the first task */
  ia_h256 sms_key;
  uint64_t chain_id;
  ia_addr hub;
  uint32_t lease_seconds;
};

/* Time marks of a task, Unix milliseconds, 0 = not reached. */
typedef struct worker_times {
  uint64_t leased, guest, released, started, exited, result, settled;
} worker_times;

/* A file that was fetched before the guest asked for it. */
typedef struct worker_held {
  char *uri;
  int fd;
} worker_held;

/* One task under way. */
typedef struct worker_task {
  ia_worker *w;
  worker_slot *slot;
  json_t *hints, *lease; /* lease: the newest, under `mutex` */
  ia_h256 task_id, app_digest;
  uint64_t fencing, attempt, time_limit, deadline;
  uint64_t memory; /* that the request asks for, bytes; 0: nothing */
  char image_type[16];
  char *multiaddr;
  json_t *reads; /* {"files","data"}: what the task reads, as far as the scheduler knows; NULL */
  worker_held *held; /* what was fetched ahead; owned */
  size_t n_held;
  /* heartbeat thread and relay */
  pthread_mutex_t mutex;
  pthread_cond_t beat;
  const char *state;
  const char *why_cause; /* what it waits for; NULL = for nothing */
  ia_err why;
  bool over, tell;       /* tell: a heartbeat before its time */
  volatile bool stopped; /* fenced off or closing */
  bool returning;        /* its lease is to be given back */
  bool reported;         /* its failure */
  volatile bool fenced;  /* while settling: the scheduler has no lease of ours any more */
  ia_guest *guest;
  ia_h384 rtmr3;
  worker_times times;
  json_t *release;  /* for the scheduler: enc, itemsHash, sig, record, recordSig, certificate */
  json_t *evidence; /* quote, eventLog, aux as the guest sent them */
  ia_err refusal;   /* of the SMS; code 0 = none */
} worker_task;

struct worker_slot {
  bool used;          /* under the worker's mutex, as what follows */
  bool troubled;      /* its result is finished and kept, and cannot be settled now */
  bool waiting;       /* so, and its deal is away */
  char task_text[67]; /* whose task, while used */
  pthread_t thread;
  bool joinable;
  ia_worker *w;
  json_t *lease;     /* the assignment, taken over by the thread */
  worker_task *task; /* under the worker's mutex; NULL when there is none */
  /* clients of this slot's thread, kept from task to task */
  ia_http *http;
  ia_http *secure;
  ia_chain *chain;
};

/* -- fetch.c -- */
/* Makes the app's image complete in our store. *cause: of causes.def when it fails. */
IA_MUST bool worker_image(worker_task *t, const char **cause, ia_err *e);
/* ia_guest_calls.fetch; ctx is the worker_task. */
bool worker_fetch(void *ctx, ia_guest_file *file, ia_guest_sink write, void *sink, ia_err *e);
/* A file of the task into fd; *size: of one that has more than max bytes, 0 = not known. */
IA_MUST bool worker_get(worker_task *t, int fd, const char *uri, uint64_t max, uint64_t *size,
                        ia_err *e);
/* A file without a name in our folder; -1 after a failure. */
int worker_temp(const ia_worker *w, ia_err *e);
/* The same address in two spellings? */
bool worker_same_uri(const char *a, const char *b);
/* ia_guest_calls.put. */
bool worker_put(void *ctx, const char *name, int fd, uint64_t size, char *cid, ia_err *e);

/* -- ahead.c -- */
/* Fetches what the task reads. What is refused, missing or too large fails it here, before a key is
 * released. *cause: of causes.def when it fails. */
IA_MUST bool worker_ahead(worker_task *t, const char **cause, ia_err *e);
/* The descriptor of what was fetched ahead; borrowed, -1: it was not. */
int worker_held_fd(const worker_task *t, const char *uri);
void worker_held_free(worker_task *t);

/* -- relay.c -- */
/* Guest, task, relay: to the guest's END. */
IA_MUST bool worker_relay(worker_task *t, ia_guest_outcome *out, ia_err *e);

/* -- settle.c -- */
/* Keeps the result on disk; then authorisation, contributeAndFinalize and report, again and again
 * until the deadline. Reports a failure itself. */
void worker_settle(worker_task *t, const json_t *run);
/* The same of a result that is kept under `name`. */
void worker_settle_kept(worker_task *t, const char *name, json_t *v);

/* -- pay.c; the main thread -- */
/* False: w->cannot_pay says why. Asks the ledger now and then. */
bool worker_can_pay(ia_worker *w);

/* -- report.c -- */
json_t *worker_timeline(const worker_task *t);
/* Tells the scheduler of a settled result that is kept under `name`. */
IA_MUST bool worker_report(ia_worker *w, ia_http *h, const char *name, json_t *v, ia_err *e);
/* Reports a failure; run may be NULL. */
void worker_failed(worker_task *t, const char *cause, const ia_err *why, bool retry,
                   const json_t *run);
/* Reports that were never answered before a restart. */
void worker_resend(ia_worker *w, ia_http *h);

/* The main thread: transactions on an EVM chain that are under way and that no task waits for. */
void worker_tend(ia_worker *w);

/* -- rest.c -- */
/* A task failed by a fault that may be this machine's: looks, and pauses the worker if it is. */
void worker_doubt(worker_task *t);
/* Main thread. False when the worker is to end; returns not before this machine can do its part. */
bool worker_is_fit(ia_worker *w, ia_http *http);
/* {"cause","message"} while it cannot, or cannot pay; else NULL. */
json_t *worker_why(ia_worker *w);
/* Gives the lease back: of a task that was stopped, and one that nobody here began. */
void worker_return(worker_task *t);
void worker_refuse(ia_worker *w, ia_http *http, const json_t *assignment);
/* DIR/stopping.json, for whoever waits for our end. */
void worker_note_clear(const ia_worker *w);
void worker_note_end(ia_worker *w);

/* -- worker.c -- */
/* Sleeps until ms have passed or the worker is to end. */
void worker_pause(ia_worker *w, uint64_t ms);

/* -- task.c -- */
/* Whether a service that did not answer is worth another try: keys are released a few times only,
 * so a run is not given up for a service that starts anew. Waits, longer each time, 13 s in all. */
bool worker_again(worker_task *t, unsigned *tries, const ia_err *e);
/* The scheduler hears with the next heartbeat, which is now, why the task does not get on. */
void worker_waits(worker_task *t, const char *cause, const ia_err *why);
/* Nothing of the task's guest is needed any more. */
void worker_give_guest(worker_task *t);
uint64_t worker_deadline(worker_task *t);
void *worker_task_thread(void *slot);
void worker_state(worker_task *t, const char *state);
/* Kills the task's guest; its run ends. Any thread. */
void worker_stop(worker_task *t);
/* The same, and its lease is given back, unless its result is being settled. */
void worker_stop_return(worker_task *t);

#endif
