/* The policy of a dataset as a whole, from the options of `iapp policy set`, and as people read it
 * (docs/policy.md). */
#ifndef IA_CLI_POLICY_OPTIONS_H
#define IA_CLI_POLICY_OPTIONS_H

#include "base/types.h"
#include "cli/cli.h"

extern const ia_option ia_policy_options[];

/* Changes the clauses of `policy` that the options name. USAGE when they name none. */
IA_MUST bool ia_cli_policy_change(ia_cli *c, json_t *policy, ia_err *e);
/* Takes a clause away by its name in the document. USAGE for another name. */
IA_MUST bool ia_cli_policy_drop(json_t *policy, const char *clause, ia_err *e);
/* One line a clause; `runs`: {"total","today"}, how many tasks got the key. */
IA_MUST bool ia_cli_policy_say(ia_cli *c, const json_t *policy, const json_t *runs, ia_err *e);

#endif
