/* The services that a verb speaks to: from flags, settings and what runs. */
#ifndef IA_CLI_NET_H
#define IA_CLI_NET_H

#include "cli/cli.h"
#include "client/net.h"

/* Borrows from c. UNAVAILABLE without a ledger. */
IA_MUST bool ia_cli_net(ia_cli *c, ia_net *out, ia_err *e);
void ia_cli_net_free(ia_net *net);
IA_DEFINE_AUTO_VALUE(ia_net, ia_cli_net_free)

#endif
