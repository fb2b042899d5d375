/* Causes of failed tasks. */
#include "base/causes.h"

#include <string.h>

static const ia_cause causes[] = {
#define IA_CAUSE(name, code, meaning, fix) {name, IA_E_##code, meaning, fix},
#include "base/causes.def"
#undef IA_CAUSE
};

static const ia_cause unknown = {"", IA_E_INVALID, "not a cause that this version knows",
                                 "iapp task TASK shows the attempts"};

/* A name that ends in '_' is followed by the name of an error code. */
static bool fits(const char *row, const char *name)
{
  size_t n = strlen(row);

  if (row[n - 1] != '_')
    return strcmp(row, name) == 0;
  return strncmp(row, name, n) == 0 &&
         strcmp(ia_code_name(ia_code_from_name(name + n)), name + n) == 0;
}

static const ia_cause *find(const char *name)
{
  for (unsigned i = 0; i < IA_COUNT(causes); i++)
    if (fits(causes[i].name, name))
      return &causes[i];
  return NULL;
}

bool ia_cause_is_known(const char *name)
{
  return find(name) != NULL;
}

bool ia_cause_check(const char *name, ia_err *e)
{
  return name[0] == '\0' || ia_cause_is_known(name) ||
         ia_fail(e, IA_E_INVALID, "unknown cause \"%.60s\"", name);
}

const ia_cause *ia_cause_of(const char *name)
{
  const ia_cause *known = find(name);

  return known ? known : &unknown;
}

ia_code ia_cause_class(const char *name, const char *message)
{
  ia_code code = ia_cause_of(name)->code;

  return code == IA_E_APP_FAILED && strstr(message, "memory") ? IA_E_NO_RESOURCES : code;
}
