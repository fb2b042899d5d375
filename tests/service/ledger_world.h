/* A ledger in this process with people on it: for the ledger's tests. */
#ifndef IA_TESTS_SERVICE_LEDGER_WORLD_H
#define IA_TESTS_SERVICE_LEDGER_WORLD_H

#include "base/json.h"
#include "crypto/secp.h"
#include "poco/abi.h"
#include "service/ledger/ledger.h"

/* Private key of person p = 32 bytes of value p + 1. */
typedef enum person {
  POOL_OWNER,
  APP_OWNER,
  DATA_OWNER,
  REQUESTER,
  WORKER,
  ENCLAVE,
  STRANGER,
  PEOPLE
} person;

typedef struct world {
  ia_ledger *l;
  ia_secp *secp;
  ia_secret key[PEOPLE];
  ia_addr who[PEOPLE];
  ia_addr hub, token, registry[IA_ASSET_KINDS], dataprotector, pool, group, group_factory;
  ia_addr wallet_factory;
  ia_h256 separator;
  uint64_t chain_id;
  ia_addr app, dataset;
  char dir[64]; /* "" = in memory */
  char path[96];
  const char *rules;
} world;

/* The clock that test ledgers have; tests set it. */
void world_set_clock(uint64_t seconds);

/* on_disk: in a folder of its own, removed by world_close. Test methods on; 6.2 unless rules says.
 */
void world_open(world *w, bool on_disk, const char *rules);
void world_reopen(world *w); /* closes and opens again */
void world_close(world *w);

/* -- JSON-RPC -- */
/* New reference to the whole reply. params: JSON text of the array. */
json_t *world_rpc(world *w, const char *method, const char *params);
/* The result of a request that must succeed. */
json_t *world_ask(world *w, const char *method, const char *params);
/* Raw signed transaction as 0x hex. */
void world_sign_tx(world *w, ia_buf *hex, person from, const ia_addr *to, ia_span data,
                   uint64_t nonce);
uint64_t world_nonce(world *w, person who);
/* Sends and gives the receipt (new reference); its status must be as said. */
json_t *world_send(world *w, person from, const ia_addr *to, ia_call_id id, const void *args,
                   bool ok);
/* eth_call that must succeed; the bytes stay in `store`. */
void world_view(world *w, const ia_addr *to, ia_call_id id, const void *args, void *result,
                ia_buf *store);
/* eth_call that must revert; the JSON-RPC message after "execution reverted" (": " taken off), ""
 * for a bare one. `data` takes the revert data as hex when not NULL. */
void world_reverts(world *w, person from, const ia_addr *to, ia_call_id id, const void *args,
                   const char *reason);
/* Whether a log of this event by that address is in the receipt. */
bool world_has_event(const json_t *receipt, const ia_addr *by, ia_event_id id);

/* -- PoCo -- */
/* App and dataset are made; requester and pool owner and worker have deposits. */
void world_settle_in(world *w);
/* Unsigned orders that match at prices 1 (app), 2 (data), 100 (pool), tag TEE + TDX. */
void world_orders(world *w, ia_match *m, uint64_t volume);
/* Signatures by the right people, kept in `sigs`. */
void world_sign(world *w, ia_match *m, ia_sig sigs[IA_ORDER_KINDS]);
ia_h256 world_match(world *w, const ia_match *m, person from, ia_call_id id);
/* Initialises a task of the deal. */
ia_h256 world_initialize(world *w, const ia_h256 *dealid, uint64_t idx);
/* The arguments of contributeAndFinalize with all signatures; they live in `store`. */
void world_proofs(world *w, ia_args *a, const ia_h256 *taskid, const char *results,
                  const char *callback, ia_buf *store);
ia_task world_task(world *w, const ia_h256 *taskid, ia_buf *store);
/* deposit (free) and locked of a person at the hub, nRLC */
uint64_t world_stake(world *w, const ia_addr *who);
uint64_t world_locked(world *w, const ia_addr *who);

#endif
