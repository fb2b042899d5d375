/* A role's process: what it was told, its loop, its passphrase, and the way to say that it serves.
 */
#ifndef IA_DAEMON_ROLE_H
#define IA_DAEMON_ROLE_H

#include "base/file.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/secret.h"
#include "base/types.h"
#include "chain/poco.h"
#include "http/server.h"

typedef struct ia_role_ctx {
  const char *name;
  json_t *config; /* supervisor.c, tell() */
  ia_loop *loop;
  ia_secret passphrase;
  ia_path dir; /* HOME/name */
} ia_role_ctx;

/* One role: opens its services on the loop, sets *ready (a new reference) to what it offers, and
 * returns what to close. */
typedef struct ia_role_def {
  const char *name;
  bool (*open)(ia_role_ctx *r, void **state, json_t **ready, ia_err *e);
  void (*close)(void *state);
} ia_role_def;

/* The main function of `iappd role NAME`; exit status. */
int ia_role_main(const char *name);

/* While a role opens: it is to end, or its supervisor has ended. Whatever waits gives up then. */
bool ia_role_ending(void);

/* A role that ends is not to wait for anything any more: the supervisor said so, or has ended. */
bool ia_role_hurried(void);

/* Of the configuration: NULL or 0 when absent. */
const char *ia_role_text(const ia_role_ctx *r, const char *key);
bool ia_role_flag(const ia_role_ctx *r, const char *key);
uint64_t ia_role_number(const ia_role_ctx *r, const char *key, uint64_t without);
/* Of an option in whole numbers: `without` when it was not given, USAGE when it is none or above
 * `most`. */
IA_MUST bool ia_role_count(const ia_role_ctx *r, const char *key, const char *option, uint64_t most,
                           uint64_t without, uint64_t *out, ia_err *e);
IA_MUST bool ia_role_addr(const ia_role_ctx *r, const char *key, ia_addr *out, ia_err *e);

/* How this role sends on an EVM chain; borrows from the configuration and from `outbox`, which is
 * filled. */
IA_MUST bool ia_role_sending(const ia_role_ctx *r, ia_chain_sending *out, ia_path *outbox,
                             ia_err *e);
/* Listens where the configuration says (host, TLS, the port of that name). */
IA_MUST bool ia_role_listen(const ia_role_ctx *r, ia_server **out, const char *port_key, ia_err *e);
/* What the ledger is (docs/protocol.md 4, iapp_info): as our own front said, else as the ledger at
 * rpcUrl says. New reference. */
json_t *ia_role_ledger_info(const ia_role_ctx *r, ia_err *e);
/* Where a new store begins to follow the ledger that is described. */
uint64_t ia_role_first_block(const json_t *info);
/* Is it a chain of others, rather than the ledger of an installation like this one? */
bool ia_role_foreign(const json_t *info);
/* Blocks of its end that may be rewritten. */
IA_MUST bool ia_role_reorg_depth(const ia_role_ctx *r, uint64_t *out, ia_err *e);
/* The iapp-guest to start and to accept: --guest, or the one beside this program. */
IA_MUST bool ia_role_guest(const ia_role_ctx *r, ia_path *out, ia_err *e);

#endif
