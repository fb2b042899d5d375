/* Opening what a task left for its beneficiary: results and logs, sealed or plain. */
#ifndef IA_CLI_RESULT_OPEN_H
#define IA_CLI_RESULT_OPEN_H

#include "cli/cli.h"
#include "data/stream.h"

/* *out reads the plain archive: of `file` itself, or of `plain` after decryption with the key in
 * the PEM file, or (NULL) with the wallet's own result keys, whose password is asked for then. Both
 * descriptors stay the caller's and must outlive *out. RESULT_UNREADABLE. */
IA_MUST bool ia_cli_result_open(ia_cli *c, ia_blob *out, int plain, int file, const char *pem,
                                ia_err *e);

#endif
