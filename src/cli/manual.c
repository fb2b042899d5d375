/* The manual page iapp(1) in scdoc, from the tables that read the command line (`iapp __manual`),
 * so that it cannot tell of other verbs, options or errors than there are. */
#include <ctype.h>
#include <string.h>

#include "cli/verbs.h"

/* scdoc takes these characters for markup. */
static void plain(FILE *out, const char *text)
{
  for (; *text; text++) {
    if (strchr("_*\\<>#`", *text))
      fputc('\\', out);
    fputc(*text, out);
  }
}

static void options(FILE *out, const ia_option *rows)
{
  for (const ia_option *o = rows; o && o->name; o++) {
    fprintf(out, "*--%s*", o->name);
    if (o->value)
      fprintf(out, " ");
    plain(out, o->value ? o->value : "");
    fprintf(out, "\n\t%c", toupper((unsigned char)o->doc[0]));
    plain(out, o->doc + 1);
    fprintf(out, o->many ? " (may be repeated). " : ". ");
    fprintf(out, "Example: iapp ");
    plain(out, o->example);
    fprintf(out, "\n\n");
  }
}

static void verb(FILE *out, const ia_verb *v)
{
  fprintf(out, "## iapp %s%s", v->name, v->args[0] ? " " : "");
  plain(out, v->args);
  fprintf(out, "\n\n%c", toupper((unsigned char)v->brief[0]));
  plain(out, v->brief + 1);
  fprintf(out, ".%s%s%s\n\nExample: iapp ", v->uses & IA_USES_WALLET ? " Signs with a wallet." : "",
          v->uses & IA_USES_NET ? " Speaks to the services." : "", "");
  plain(out, v->example);
  fprintf(out, "\n\n");
  options(out, v->options);
}

static void errors(FILE *out)
{
  fprintf(out, "# ERRORS\n\n"
               "A failure says what went wrong, its class in brackets, and the next step. With "
               "*--json* it is {\"error\":{\"code\",\"message\",\"hint\"}} on standard output. The "
               "classes, their exit status, and what helps:\n\n");
  for (int c = 1; c < IA_E_COUNT; c++) {
    ia_err e = {0};

    ia_fail(&e, (ia_code)c, "-");
    fprintf(out, "*%s* (%d)", ia_code_name((ia_code)c), ia_code_exit((ia_code)c));
    fprintf(out, e.hint[0] ? "\n\t" : "\n\tThe message says it all.");
    plain(out, e.hint);
    fprintf(out, "\n\n");
  }
}

void ia_cli_manual(FILE *out)
{
  fprintf(out,
          "iapp(1)\n\n# NAME\n\niapp - run apps on protected data inside an enclave\n\n"
          "# SYNOPSIS\n\n*iapp* VERB [ARGUMENTS] [*--OPTIONS*]\n\n"
          "# DESCRIPTION\n\nA data owner protects data and grants an app and a user access; an "
          "app developer builds and deploys apps; a requester runs an app on granted data and "
          "gets an encrypted result with a receipt that verifies offline. *iapp up* starts "
          "everything on this machine.\n\n# COMMANDS\n\n");
  for (unsigned i = 0; ia_verbs[i]; i++)
    verb(out, ia_verbs[i]);
  fprintf(out, "# OPTIONS OF EVERY COMMAND\n\n");
  options(out, ia_options_global);
  fprintf(out, "# OPTIONS OF COMMANDS THAT SIGN\n\n");
  options(out, ia_options_wallet);
  fprintf(out, "# OPTIONS OF COMMANDS THAT SPEAK TO THE SERVICES\n\n");
  options(out, ia_options_net);
  errors(out);
  fprintf(
      out,
      "# EXIT STATUS\n\n0 done; 1 refused or failed; 2 wrong usage; 3 bad output, 4 app failed, "
      "5 no resources (*test*, *run*, *task --follow*).\n\n"
      "# ENVIRONMENT\n\n*IAPP\\_HOME*\n\tSettings and keys, instead of \\~/.iapp.\n\n"
      "*IAPP\\_PASSWORD\\_FILE*\n\tFile with the wallet's password.\n\n"
      "# SEE ALSO\n\n*iappd*(1)\n");
}
