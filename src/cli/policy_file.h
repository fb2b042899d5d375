/* The owner's policy of a dataset as it was last pushed from this home: HOME/policies/0xDATA.json.
 * The SMS keeps one policy a dataset and gives none back, so that changes start from this copy. */
#ifndef IA_CLI_POLICY_FILE_H
#define IA_CLI_POLICY_FILE_H

#include "cli/cli.h"
#include "client/to_sms.h"

/* Clauses of --until, --purpose, --runs, --daily, --clear-logs, as far as they are given, over the
 * copy of this home. *out: new reference, NULL when no clause is given. */
IA_MUST bool ia_cli_policy(ia_cli *c, json_t **out, const ia_addr *dataset, ia_err *e);
/* Signs and pushes it, then keeps the copy. */
IA_MUST bool ia_cli_policy_push(ia_cli *c, const ia_net *net, const ia_wallet *w,
                                const ia_addr *dataset, const json_t *policy, uint64_t *version,
                                ia_err *e);

/* Orders that this home signed for a dataset (HOME/grants/0xDATA.json), so that a revocation also
 * meets those that no market lists. */
IA_MUST bool ia_cli_grant_note(ia_cli *c, const ia_addr *dataset, const json_t *order, ia_err *e);
/* New reference: an array, empty when none. */
json_t *ia_cli_grants_noted(ia_cli *c, const ia_addr *dataset, ia_err *e);

#endif
