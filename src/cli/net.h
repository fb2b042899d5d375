/* The services that a verb speaks to: from flags, settings and what runs. */
#ifndef IA_CLI_NET_H
#define IA_CLI_NET_H

#include "cli/cli.h"
#include "client/net.h"

/* Borrows from c. UNAVAILABLE without a ledger. Close by ia_net_close. */
IA_MUST bool ia_cli_net(ia_cli *c, ia_net *out, ia_err *e);
/* All nodes of the chain, "URL,URL": those of what runs here, where nothing else was said; else
 * "rpcUrl" alone. */
IA_MUST bool ia_cli_nodes(ia_cli *c, const char **out, ia_err *e);
/* An argument or option that is an address; `what` names it in the error. The zero address is
 * refused: on the ledger it stands for anyone, and nobody means that who types it. */
IA_MUST bool ia_cli_addr(ia_addr *out, const char *text, const char *what, ia_err *e);
/* The same; "any" or NULL becomes the zero address. */
IA_MUST bool ia_cli_addr_or_any(ia_addr *out, const char *text, const char *what, ia_err *e);
IA_MUST bool ia_cli_h256(ia_h256 *out, const char *text, const char *what, ia_err *e);

#endif
