/* What `iapp test` shows of a run: logs, verdict, files. */
#ifndef IA_CLI_TEST_VIEW_H
#define IA_CLI_TEST_VIEW_H

#include "cli/cli.h"
#include "runtime/local.h"

/* Puts the result's files into `dir`, an empty or missing folder. Fails with BAD_OUTPUT (exit 3),
 * APP_FAILED (4) or NO_RESOURCES (5) by the run's cause. */
IA_MUST bool ia_test_view(ia_cli *c, const ia_local_result *r, const char *dir, ia_err *e);

#endif
