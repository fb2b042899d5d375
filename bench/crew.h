/* Threads that share out a list of things to do, each with connections of its own. */
#ifndef IA_BENCH_CREW_H
#define IA_BENCH_CREW_H

#include "client/net.h"

enum { CREW_MAX = 16 };

typedef struct crew {
  const char *rpc, *market; /* market: NULL when nobody needs it */
  uint64_t chain_id;
  ia_addr hub;
  ia_chain_info info;
  size_t threads; /* 1 to CREW_MAX */
} crew;

typedef void crew_work(const crew *c, ia_net *net, void *ctx, size_t index);

/* Ends the program with the message unless ok. */
void crew_check(bool ok, const ia_err *e);
/* Fills chain id and registries from the ledger at rpc; the hub, too, when ours is asked and it is
 * zero. */
void crew_open(crew *c);
/* Does work(index) for every index below n; seconds that it took. Items of the same remainder by
 * the number of threads are of one thread, in order. */
double crew_run(const crew *c, crew_work *work, void *ctx, size_t n);
ia_wallet *crew_wallet(void); /* of a new key; the caller frees it */

#endif
