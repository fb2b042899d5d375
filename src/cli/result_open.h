/* Opening what a task left for its beneficiary: results and logs, sealed or plain. */
#ifndef IA_CLI_RESULT_OPEN_H
#define IA_CLI_RESULT_OPEN_H

#include "cli/cli.h"
#include "client/net.h"
#include "client/wallet.h"
#include "data/result.h"

/* Opens the archive: of `file` itself, or of `plain` after decryption with the key in the PEM file,
 * or (NULL) with the result keys of the wallet w, which is opened here when NULL. Both descriptors
 * stay the caller's and must outlive *out. known: what receipt or ledger say of the result;
 * `sealed` is seen here. RESULT_UNREADABLE, RESULT_MISMATCH. */
IA_MUST bool ia_cli_result_open(ia_cli *c, const ia_wallet *w, ia_zip **out, int plain, int file,
                                const char *pem, const ia_result_claim *known, ia_err *e);
/* The logs of a task, as its verified receipt names them, decrypted where they are sealed:
 * {"stdout":text,"stderr":text}, a new reference. NOT_FOUND when there are none. */
IA_MUST bool ia_cli_logs_open(ia_cli *c, const ia_net *net, const ia_wallet *w, json_t **texts,
                              ia_span receipt, const char *pem, ia_err *e);

/* Warns that names were written in another form than they have, where one was. */
void ia_cli_names_warn(ia_cli *c, const ia_zip *zip);
/* {"path","size"} of every file, by shown names; new reference. */
json_t *ia_cli_files_json(const ia_zip *zip);

#endif
