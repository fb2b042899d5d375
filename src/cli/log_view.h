/* An app's outputs as the guest keeps them (docs/protocol.md 1.3), for people's eyes. */
#ifndef IA_CLI_LOG_VIEW_H
#define IA_CLI_LOG_VIEW_H

#include "cli/cli.h"

/* {"stdout":{"head","tail","total"},"stderr":{..}} -> one text a stream; *out is
 * {"stdout":text,"stderr":text,"skipped"?,"exitCode"?,"ending"?,"cause"?,"hints":[text]}, a new
 * reference; hints: what is known of errors in the outputs (app_hints.h). Control and
 * hidden characters but new line and tab, and what is not UTF-8, are escaped (base/show.h): an app
 * must not drive the terminal. */
IA_MUST bool ia_log_texts(json_t **out, const json_t *logs, ia_err *e);
/* Says them under [STDOUT] and [STDERR], each line behind "| ", or that there is nothing. */
void ia_log_say(ia_cli *c, const json_t *texts);
/* The hints alone, a line each; ia_log_say ends with them. */
void ia_log_say_hints(ia_cli *c, const json_t *texts);

#endif
