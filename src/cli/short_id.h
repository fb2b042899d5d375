/* Ids cut short, as outputs show them: 0x69d4.. or 0x69d4..1f2e, where the index knows exactly one.
 */
#ifndef IA_CLI_SHORT_ID_H
#define IA_CLI_SHORT_ID_H

#include "cli/frame.h"

/* Puts the whole id in the place of every short one among the arguments of the verb and the values
 * of its options, where these name a task, an app, protected data or a workerpool. NOT_FOUND,
 * USAGE with those that fit when there are several, UNAVAILABLE without an index. */
IA_MUST bool ia_cli_short_ids(ia_cli *c, ia_err *e);

#endif
