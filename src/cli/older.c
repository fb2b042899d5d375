/* Options under older names. */
#include "cli/older.h"

#include <string.h>

static const struct {
  const char *old, *now;
} names[] = {{"protectedData", "data"},
             {"inputFile", "input-file"},
             {"inputFiles", "input-file"},
             {"requesterSecret", "requester-secret"},
             {"secrets", "requester-secret"}};

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
