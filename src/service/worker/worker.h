/* The worker of a pool (docs/protocol.md 3): connects out to the scheduler, and for each task that
 * it is leased fetches the app's image, starts a guest, relays what the guest asks for, stores the
 * sealed result and settles it on the ledger. Nothing is taken on its word: what it could forge is
 * signed by others. It holds no secret of a task; its own are its wallet and, where there is no
 * TEE, the key of the SIMULATED quoting. */
#ifndef IA_SERVICE_WORKER_H
#define IA_SERVICE_WORKER_H

#include "base/secret.h"
#include "base/types.h"
#include "chain/poco.h"

typedef struct ia_worker ia_worker;

/* What is borrowed is copied by ia_worker_open. */
typedef struct ia_worker_config {
  const char *dir;       /* HOME/worker: sim-root.*, images/, tmp/, done/ */
  const char *guest;     /* the iapp-guest to start */
  const char *scheduler; /* base URL */
  const char *rpc;       /* NULL = as the scheduler says */
  const char *sms;
  const char *ipfs;
  ia_addr pool;                /* zero = that of our own ledger (needs rpc) */
  const ia_secret *key;        /* wallet */
  unsigned slots;              /* tasks at a time; 0 = processors less one, at least 1 */
  uint64_t app_memory;         /* most that one app may have, bytes; 0 = what fits (offer.h) */
  uint64_t room;               /* bytes of a task's image and inputs; 0 = IA_GUEST_ROOM */
  unsigned warm;               /* guests kept started; at most slots */
  const char *const *gateways; /* other IPFS gateways, "https://host", tried in order; NULL-ended */
  bool allow_swap;             /* run tasks although this machine may swap their memory out */
  ia_chain_sending sending;    /* of its transactions */
  bool local_inputs;           /* input files may be fetched from loopback over http (--test) */
} ia_worker_config;

/* Starts its threads and returns: the scheduler may still be down, it is asked again with growing
 * pauses. USAGE, BAD_KEY, NOT_FOUND (no guest file), IO. */
IA_MUST bool ia_worker_open(ia_worker **out, const ia_worker_config *c, ia_err *e);
/* Takes no more tasks from here on, and waits until those that run have ended: at most ms, and not
 * once give_up (which may be NULL) says so. Returns how many still run. NULL is fine. */
unsigned ia_worker_drain(ia_worker *w, uint64_t ms, bool (*give_up)(void));
/* Stops the tasks that still run and returns their leases: another try begins at once, here or
 * elsewhere. DIR/stopping.json names them. NULL is fine. */
void ia_worker_close(ia_worker *w);
IA_DEFINE_AUTO(ia_worker, ia_worker_close)
/* True once the scheduler has answered hello. Any thread. */
bool ia_worker_ready(const ia_worker *w);

#endif
