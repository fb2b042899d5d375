/* The wallet that a verb signs with: --wallet, else the setting `wallet`, else the only one. */
#ifndef IA_CLI_WALLET_H
#define IA_CLI_WALLET_H

#include "cli/cli.h"
#include "client/wallet.h"

/* --keystore, else the setting, else NULL for the default. */
const char *ia_cli_keystore(ia_cli *c);
/* Without opening it: who we are. */
IA_MUST bool ia_cli_wallet_file(ia_cli *c, ia_wallet_file *out, ia_err *e);
/* Asks for the password (ia_cli_password). The verb's `uses` has IA_USES_WALLET. */
IA_MUST bool ia_cli_wallet(ia_cli *c, ia_wallet **out, ia_err *e);

#endif
