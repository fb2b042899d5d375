/* An installation that settles on an EVM chain (--chain, --hub): what every role must know of it.
 */
#ifndef IA_DAEMON_ON_CHAIN_H
#define IA_DAEMON_ON_CHAIN_H

#include "daemon/home.h"

/* What our own ledger says by itself (docs/protocol.md 4, iapp_info), as far as a chain has it:
 * from HOME/chain.json, or from the chain at the first start, when it is kept there. NULL without
 * --chain. `pool_owner` owns the workerpool where --pool names none. USAGE; CHAIN_ID and INVALID:
 * another chain or hub than the options or this home say. */
IA_MUST bool ia_on_chain(json_t **info, const ia_home *h, const ia_daemon_options *o,
                         const ia_addr *pool_owner, ia_err *e);
/* Where the chain takes fees: INSUFFICIENT_FUNDS when one of these accounts has no coin at all;
 * names what to send to all of them. */
IA_MUST bool ia_on_chain_funds(const ia_daemon_options *o, const ia_addr *accounts, size_t n,
                               ia_err *e);
/* The workerpool of whom nobody named one: made by its owner's key, always the same. */
#define IA_OWN_POOL_NAME "iapp pool"

#endif
