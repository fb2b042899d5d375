/* The user's trust anchors: HOME/trust.json, or --trust. */
#ifndef IA_CLI_TRUST_FILE_H
#define IA_CLI_TRUST_FILE_H

#include "cli/cli.h"
#include "client/net.h"
#include "receipt/trust.h"

/* file: NULL = HOME/trust.json; a missing default file trusts nobody. */
IA_MUST bool ia_cli_trust(ia_cli *c, ia_trust **out, const char *file, ia_err *e);
/* Asks the SMS who it is before it is given a secret, told something or believed: its domain, chain
 * and hub must be ours, its key in the trust file (else the user is asked, and the answer is kept).
 * That key is then the one of net to which secrets are sealed and under which answers are believed.
 * Warns of a simulated one. Once is enough for one net. */
IA_MUST bool ia_cli_trust_sms(ia_cli *c, ia_net *net, ia_err *e);
/* A word on stderr when the SMS says that it is a simulated one; nothing when it cannot be asked.
 */
void ia_cli_warn_simulated(ia_cli *c, const ia_net *net);

#endif
