/* Options under the names that the documentation of the first command line uses. */
#ifndef IA_CLI_OLDER_H
#define IA_CLI_OLDER_H

#include "cli/cli.h"

#define IA_OLDER_OPTIONS(verb)                                                                     \
  {"protectedData", "NAME,..", true, "older name of --data", verb " --protectedData default"},     \
      {"inputFile", "URL", true, "older name of --input-file",                                     \
       verb " --inputFile https://example.com/a.csv"},                                             \
      {"inputFiles", "URL", true, "older name of --input-file",                                    \
       verb " --inputFiles https://example.com/a.csv"},                                            \
      {"requesterSecret", "N=@FILE", true, "older name of --requester-secret",                     \
       verb " --requesterSecret 1=@./key.txt"},                                                    \
  {                                                                                                \
    "secrets", "N=@FILE", true, "older name of --requester-secret", verb " --secrets 1=@./key.txt" \
  }

/* The first command line takes several values after one such option, and none for a mock of its own
 * choice: each value gets its option. */
IA_MUST bool ia_cli_older_line(ia_cli *c, int *argc, char ***argv, ia_err *e);
/* Calls fn with every value of an option and of its older names; says once that one is old. */
IA_MUST bool ia_cli_each(ia_cli *c, const char *name,
                         bool (*fn)(void *ctx, const char *value, ia_err *e), void *ctx, ia_err *e);
/* Is the option given, under any of its names? */
bool ia_cli_given(const ia_cli *c, const char *name);

#endif
