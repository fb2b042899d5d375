/* Causes of failed tasks. */
#include "cli/causes.h"

#include <string.h>

static const ia_cause causes[] = {
#define IA_CAUSE(name, code, meaning, fix) {name, IA_E_##code, meaning, fix},
#include "cli/causes.def"
#undef IA_CAUSE
};

static const ia_cause unknown = {"", IA_E_INVALID, "a cause without a name",
                                 "iapp task TASK shows the attempts"};

const ia_cause *ia_cause_of(const char *name)
{
  for (unsigned i = 0; i < IA_COUNT(causes); i++) {
    size_t n = strlen(causes[i].name);

    if (causes[i].name[n - 1] == '_' ? strncmp(name, causes[i].name, n) == 0
                                     : strcmp(name, causes[i].name) == 0)
      return &causes[i];
  }
  return &unknown;
}

ia_code ia_cause_class(const char *name, const char *message)
{
  ia_code code = ia_cause_of(name)->code;

  return code == IA_E_APP_FAILED && strstr(message, "memory") ? IA_E_NO_RESOURCES : code;
}
