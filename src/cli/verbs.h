/* Every verb of the command line; each stands in its own file verb_X.c. */
#ifndef IA_CLI_VERBS_H
#define IA_CLI_VERBS_H

#include "cli/cli.h"

#define IA_VERB(name) extern const ia_verb ia_verb_##name;
#include "cli/verbs.def"
#undef IA_VERB

/* NULL-terminated, in the order of help (verbs.def). */
extern const ia_verb *const ia_verbs[];
/* The verb that the words begin with (the longest name wins) and how many words it took; NULL when
 * none does. */
const ia_verb *ia_verb_find(int n, char *const *words, int *used);
/* Says that no verb has these words, and which is near; command: what stands before the verb that
 * is meant. Always false. */
bool ia_verb_unknown(int n, char *const *words, const char *command, ia_err *e);

/* Options that stand everywhere, and the groups of ia_verb_uses. */
extern const ia_option ia_options_global[];
extern const ia_option ia_options_wallet[];
extern const ia_option ia_options_net[];
extern const ia_option ia_options_project[];

/* help.c */
void ia_cli_help_all(FILE *out);
void ia_cli_help_verb(FILE *out, const ia_verb *v);
/* The verbs that begin with these words, a line each; false when there are none. */
bool ia_cli_help_group(FILE *out, int n, char *const *words);
/* manual.c: the page iapp(1) in scdoc. */
void ia_cli_manual(FILE *out);
/* Candidates for the last word, one a line. */
void ia_cli_complete(FILE *out, int n, char *const *words);

#endif
