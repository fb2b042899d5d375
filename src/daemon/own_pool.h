/* The workerpool of an installation on an EVM chain to which nobody gave one. */
#ifndef IA_DAEMON_OWN_POOL_H
#define IA_DAEMON_OWN_POOL_H

#include "daemon/role.h"

/* Creates it with the scheduler's key unless it is there. INSUFFICIENT_FUNDS names the account that
 * must be given coin. */
IA_MUST bool ia_own_pool(const ia_role_ctx *r, const ia_secret *key, ia_err *e);

#endif
