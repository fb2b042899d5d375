/* A decision of the SMS, clause by clause (docs/protocol.md 2, POST /why/v1). */
#ifndef IA_CLI_CLAUSES_H
#define IA_CLI_CLAUSES_H

#include "cli/cli.h"

/* One line for each of {"clauses":[..]}. */
void ia_cli_clauses_say(ia_cli *c, const json_t *answer);

#endif
