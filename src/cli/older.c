/* Options under older names. */
#include "cli/older.h"

#include <stdlib.h>
#include <string.h>

#include "cli/frame.h"

static const struct {
  const char *old, *now;
} names[] = {{"protectedData", "data"},
             {"inputFile", "input-file"},
             {"inputFiles", "input-file"},
             {"requesterSecret", "requester-secret"},
             {"secrets", "requester-secret"}};

/* Options of lists, as they stand in a line. */
static bool is_list(const char *word)
{
  for (unsigned i = 0; i < IA_COUNT(names); i++)
    if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, names[i].old) == 0)
      return true;
  return false;
}

bool ia_cli_older_line(ia_cli *c, int *argc, char ***argv, ia_err *e)
{
  char **in = *argv, **out, *list = NULL;
  bool any = false;
  int n = 0;

  for (int i = 0; i < *argc; i++)
    any |= is_list(in[i]);
  if (!any)
    return true;
  out = c->line = calloc((size_t)*argc * 2 + 1, sizeof(*out));
  if (!out)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  for (int i = 0; i < *argc; i++) {
    bool option = in[i][0] == '-';

    if (is_list(in[i])) {
      list = in[i];
      if (i + 1 == *argc || in[i + 1][0] == '-') {
        out[n++] = list;
        out[n++] = (char *)"default";
      }
      continue;
    }
    if (option)
      list = NULL;
    if (list)
      out[n++] = list;
    out[n++] = in[i];
  }
  *argc = n;
  *argv = out;
  return true;
}

bool ia_cli_each(ia_cli *c, const char *name, bool (*fn)(void *ctx, const char *value, ia_err *e),
                 void *ctx, ia_err *e)
{
  const char *v;

  for (unsigned i = 0; (v = ia_cli_opt_at(c, name, i)); i++)
    if (!fn(ctx, v, e))
      return false;
  for (unsigned k = 0; k < IA_COUNT(names); k++) {
    if (strcmp(names[k].now, name) != 0)
      continue;
    for (unsigned i = 0; (v = ia_cli_opt_at(c, names[k].old, i)); i++) {
      if (i == 0)
        ia_cli_warn(c, "--%s is now --%s", names[k].old, name);
      if (!fn(ctx, v, e))
        return false;
    }
  }
  return true;
}

bool ia_cli_given(const ia_cli *c, const char *name)
{
  bool given = ia_cli_flag(c, name);

  for (unsigned k = 0; k < IA_COUNT(names); k++)
    given |= strcmp(names[k].now, name) == 0 && ia_cli_flag(c, names[k].old);
  return given;
}
