/* Taking what a task left into the user's folder: DIR (the result, decrypted and unpacked),
 * DIR.result.zip (as it was downloaded, for `iapp verify --result`), DIR.receipt.json. */
#ifndef IA_CLI_TASK_RESULT_H
#define IA_CLI_TASK_RESULT_H

#include "cli/cli.h"
#include "client/net.h"

typedef struct ia_task_files {
  ia_path result;  /* "" when the task left no files */
  ia_path receipt; /* "" when there is none */
  bool simulated;
} ia_task_files;

/* Verifies the receipt against the trust file first; nothing is kept of a task whose receipt does
 * not hold; of one that reached no enclave the pool's word is kept, with a warning. w: whose result
 * keys open it. The receipt of a failure is kept too. EXISTS when one of the three is there. */
IA_MUST bool ia_cli_task_take(ia_cli *c, const ia_net *net, const ia_wallet *w, const ia_h256 *task,
                              const char *dir, ia_task_files *out, ia_err *e);
/* EXISTS when one of the three is there: asked before a run is paid for. */
IA_MUST bool ia_cli_task_room(const char *dir, ia_err *e);
/* The first lines of result.txt or result.json, where there is one. */
void ia_cli_task_preview(ia_cli *c, const char *dir);

#endif
