/* What the workers of a pool offer to one task, asked for before anything is paid. */
#ifndef IA_CLI_POOL_LIMITS_H
#define IA_CLI_POOL_LIMITS_H

#include "cli/cli.h"
#include "client/net.h"

/* The scheduler's answer to GET /pool (docs/protocol.md 3); new reference. */
IA_MUST bool ia_pool_ask(const ia_net *net, json_t **out, ia_err *e);
/* Member `name` of its limits; false where no connected worker states it. */
bool ia_pool_limit(uint64_t *out, const json_t *pool, const char *name);

/* NO_RESOURCES when the pool's workers offer less memory than the run or its app asks for. A pool
 * that cannot be asked is a warning. digest, multiaddr: of the app's image, whose label is looked
 * at where the blob store has it; zero and NULL = the run alone. */
IA_MUST bool ia_pool_memory_check(ia_cli *c, const ia_net *net, uint64_t run_memory,
                                  const ia_h256 *digest, const char *multiaddr, ia_err *e);

#endif
