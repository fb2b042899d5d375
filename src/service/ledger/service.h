/* The ledger as a role: JSON-RPC at POST / of a server. */
#ifndef IA_SERVICE_LEDGER_SERVICE_H
#define IA_SERVICE_LEDGER_SERVICE_H

#include "http/server.h"
#include "service/ledger/ledger.h"

typedef struct ia_ledger_service ia_ledger_service;

/* Texts of the genesis live as long as the service. */
IA_MUST bool ia_ledger_service_open(ia_ledger_service **out, const ia_ledger_config *c, ia_loop *l,
                                    ia_err *e);
/* After the server has closed. NULL is fine. */
void ia_ledger_service_close(ia_ledger_service *s);
IA_DEFINE_AUTO(ia_ledger_service, ia_ledger_service_close)
/* Called on the loop's thread when blocks have become durable. */
void ia_ledger_service_on_blocks(ia_ledger_service *s, ia_loop_fn *fn, void *ctx);
/* How often held requests were looked at, and why. On the loop's thread. */
typedef struct ia_ledger_wakes {
  uint64_t commits;    /* wake-ups by the disk */
  uint64_t task_looks; /* held reads of a task that were looked at again */
} ia_ledger_wakes;
const ia_ledger_wakes *ia_ledger_service_wakes(const ia_ledger_service *s);
const ia_routes *ia_ledger_service_routes(const ia_ledger_service *s);
/* Until the next request: a failure of the disk makes a new one of it. */
ia_ledger *ia_ledger_service_ledger(ia_ledger_service *s);

#endif
