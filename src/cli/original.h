/* Projects of iExec's own command line, as they are: whose wallet, which chain, what of them is not
 * used here. Its configuration may hold a private key in clear; it is used where it stands and
 * copied nowhere. */
#ifndef IA_CLI_ORIGINAL_H
#define IA_CLI_ORIGINAL_H

#include "cli/cli.h"
#include "client/net.h"
#include "client/wallet.h"

/* The verb works on a project (IA_USES_PROJECT) and stands in one: its configuration, else NULL. */
const json_t *ia_original_config(ia_cli *c);
/* walletFileName of the project: a file of the keystore. *found false: it names none. */
IA_MUST bool ia_original_wallet_file(ia_cli *c, ia_wallet_file *out, bool *found, ia_err *e);
/* walletPrivateKey of the project; *out stays NULL when there is none. Warns. */
IA_MUST bool ia_original_wallet(ia_cli *c, ia_wallet **out, ia_err *e);
/* `iapp wallet import --from-project`: the key for the keystore; then, once it is there, takes it
 * out of the configuration, which names the file instead. */
IA_MUST bool ia_original_key(ia_cli *c, ia_secret *key, ia_err *e);
IA_MUST bool ia_original_key_moved(ia_cli *c, const ia_wallet_file *file, ia_err *e);
/* --chain must be the chain that is spoken to; says when the project's defaultChain is another. */
IA_MUST bool ia_original_chain(ia_cli *c, const ia_net *net, ia_err *e);
/* Says what of the project's files a build does not use. */
void ia_original_build(ia_cli *c, const char *project);

#endif
