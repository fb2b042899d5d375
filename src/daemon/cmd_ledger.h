/* Verbs of the ledger's operator, while no daemon runs: `iappd ledger verify`, `iappd reindex`. */
#ifndef IA_DAEMON_CMD_LEDGER_H
#define IA_DAEMON_CMD_LEDGER_H

#include "daemon/options.h"

IA_MUST bool ia_cmd_ledger_verify(const ia_daemon_options *o, int n, char **words, ia_err *e);
/* What derives from the ledger's log is thrown away and derived again: the ledger's state and
 * indexes, the market's deals and the state of its orders, the graph's index, the scheduler's
 * deals.
 */
IA_MUST bool ia_cmd_reindex(const ia_daemon_options *o, int n, char **words, ia_err *e);

#endif
