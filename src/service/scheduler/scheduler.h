/* The scheduler of one owner's workerpools (docs/scheduler.md): follows the ledger for their deals,
 * initialises their tasks, leases each to one connected worker at a time, signs authorisations for
 * certified enclaves, claims what was not finished, keeps causes, assembles receipts, and keeps the
 * pool's orders on the market. Money and truth are the ledger's: the store can be thrown away but
 * for its fencing numbers and causes. */
#ifndef IA_SERVICE_SCHEDULER_H
#define IA_SERVICE_SCHEDULER_H

#include "base/loop.h"
#include "base/secret.h"
#include "chain/poco.h"
#include "http/server.h"
#include "tee/domain.h"

typedef struct ia_scheduler ia_scheduler;

/* What is borrowed is copied by ia_scheduler_open. */
typedef struct ia_scheduler_config {
  const char *db;  /* "sqlite:/path/scheduler.db" */
  const char *rpc; /* base URLs that this process uses */
  const char *market;
  const char *sms;
  const char *ipfs;
  const char *worker_rpc; /* the same as workers are told them; NULL = as above */
  const char *worker_sms;
  const char *worker_ipfs;
  uint64_t chain_id;      /* 0 = the ledger's word */
  ia_addr hub;            /* zero = the ledger's word (our own ledger only) */
  ia_addr pool;           /* workerpool; zero = those of our own ledger (iapp_info) that are ours */
  const ia_secret *key;   /* of the pool's owner */
  ia_domain domain;       /* of the SMS; its key is learned at the first start and pinned */
  const char *tee;        /* "sim", "tdx": what workers must offer */
  const ia_addr *workers; /* wallets that the pool admits */
  size_t n_workers;
  uint32_t lease_seconds; /* 0 = 60; at most 300 */
  /* orders that the pool keeps on the market, one a category */
  uint64_t price_nrlc;
  uint64_t order_volume; /* most tasks of one deal; 0 = 10000 */
  uint64_t categories;   /* how many, from 0; 0 = 5 */
  uint64_t first_block;  /* where following begins on a new store */
  size_t reorg_depth;    /* blocks that are remembered; 0 = IA_REORG_DEPTH */
  uint32_t wait_ms; /* open waits so long for the pool's first orders, unless they were published
                       before; 0 = not at all */
  bool (*give_up)(void);    /* NULL, or: wait no longer */
  ia_chain_sending sending; /* of the pool's transactions */
} ia_scheduler_config;

/* Makes the store at the first start. The ledger and the SMS may still be down: they are waited for
 * in the background. BAD_KEY, USAGE, CORRUPT. */
IA_MUST bool ia_scheduler_open(ia_scheduler **out, const ia_scheduler_config *c, ia_loop *l,
                               ia_err *e);
/* After the server that mounts it is closed. NULL is fine. */
void ia_scheduler_close(ia_scheduler *s);
IA_DEFINE_AUTO(ia_scheduler, ia_scheduler_close)
/* Forgets the deals of the store and how far it has read: the next start reads the ledger from the
 * first block. Tasks keep what the ledger does not know (leases, causes, receipts). While no
 * scheduler runs on this store. */
IA_MUST bool ia_scheduler_reindex(const char *db, ia_err *e);
IA_MUST bool ia_scheduler_mount(ia_scheduler *s, ia_server *server, ia_err *e);

#endif
