/* Runs on many protected data: the list of --data, the slices, and which data became of which task.
 */
#ifndef IA_CLI_RUN_BULK_H
#define IA_CLI_RUN_BULK_H

#include "cli/cli.h"
#include "client/bulk.h"
#include "client/run_orders.h"

enum { IA_RUN_DATA_MAX = 20000 };

typedef struct ia_run_bulk {
  ia_addr *data; /* owned */
  size_t n;
  uint64_t per_task;
  json_t *slices;  /* arrays of dataset orders, one a task; owned */
  ia_cid_text cid; /* of the list of slices, once they are in the blob store */
} ia_run_bulk;
void ia_run_bulk_free(ia_run_bulk *b);

/* One value of --data: "a,b,c" or "@FILE" with one address a line. USAGE for the same twice. */
IA_MUST bool ia_run_bulk_add(ia_run_bulk *b, const char *text, ia_err *e);
uint64_t ia_run_bulk_tasks(const ia_run_bulk *b);
/* Finds every grant, signs those that are the user's own to sign, and uploads the slices. Where the
 * grants name one pool, want->workerpool becomes it. GRANT_MISSING naming the data. */
IA_MUST bool ia_run_bulk_prepare(ia_run_bulk *b, ia_cli *c, ia_net *net, const ia_wallet *w,
                                 ia_run_want *want, ia_err *e);

/* [{"dataset","state","code"?}] of slice i; state: "processed", "refused", "failed". New
 * reference. task: the scheduler's answer, or NULL for what is not over. */
json_t *ia_run_bulk_states(const ia_run_bulk *b, uint64_t i, const json_t *task);
/* The table data -> task -> state of those. */
void ia_run_bulk_say(ia_cli *c, const char *task, const json_t *states);

#endif
