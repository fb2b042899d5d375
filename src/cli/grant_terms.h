/* The terms of one grant, from options to the body of the owner's message, and as people read them
 * (docs/policy.md). */
#ifndef IA_CLI_GRANT_TERMS_H
#define IA_CLI_GRANT_TERMS_H

#include "base/types.h"
#include "cli/cli.h"

/* --until, --purpose and --runs as they are typed: {"until"?,"purposes"?,"runs"?}; *out: new
 * reference, NULL without any of them. USAGE, also for a time in the past. */
IA_MUST bool ia_cli_terms_asked(ia_cli *c, json_t **out, ia_err *e);
/* The list of --purpose, each once; new reference. */
IA_MUST bool ia_cli_purposes(ia_cli *c, json_t **out, ia_err *e);
/* Body of the message for this order; *out: new reference, NULL when asked is NULL. Spans of time
 * count from now. */
IA_MUST bool ia_cli_terms_body(json_t **out, const json_t *asked, const ia_h256 *order, ia_err *e);
/* Appends "; purposes: research; valid until ..; keys released for 1 of 3 runs". terms may be null;
 * runs: tasks that got the key, -1 = not known. */
void ia_cli_terms_text(ia_buf *out, const json_t *terms, json_int_t runs);

#endif
