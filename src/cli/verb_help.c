/* iapp help, iapp version. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/frame.h"

static bool write_help(ia_cli *c, FILE *out, ia_err *e)
{
  int used = 0;

  if (ia_cli_n_args(c) == 0) {
    ia_cli_help_all(out);
    return true;
  }
  const ia_verb *v = ia_verb_find((int)c->n_args, c->args, &used);
  if (v && (unsigned)used == c->n_args) {
    ia_cli_help_verb(out, v);
    return true;
  }
  if (v) {
    (void)ia_fail(e, IA_E_USAGE, "help: unexpected argument \"%s\"", c->args[used]);
    return ia_hint(e, "iapp help %s", v->name);
  }
  return ia_cli_help_group(out, (int)c->n_args, c->args) ||
         ia_verb_unknown((int)c->n_args, c->args, "iapp help", e);
}

static bool help(ia_cli *c, ia_err *e)
{
  ia_autofree char *text = NULL;
  size_t len = 0;

  if (!ia_cli_is_json(c))
    return write_help(c, c->io.out, e);
  FILE *out = open_memstream(&text, &len);
  if (!out)
    return ia_fail_errno(e, "help");
  bool ok = write_help(c, out, e);
  if (fclose(out) != 0)
    return ia_fail_errno(e, "help");
  return ok && ia_cli_json(c, json_pack("{s:s}", "text", text), e);
}

const ia_verb ia_verb_help = {
    .name = "help",
    .args = "[VERB ..]",
    .max_args = 8,
    .brief = "what there is, or all about one verb",
    .example = "help app line new",
    .run = help,
};

static bool version(ia_cli *c, ia_err *e)
{
  ia_cli_out(c, "iapp %s", IA_VERSION);
  return ia_cli_json(c, json_pack("{s:s}", "version", IA_VERSION), e);
}

const ia_verb ia_verb_version = {
    .name = "version",
    .args = "",
    .brief = "print the version",
    .example = "version",
    .run = version,
};
