/* What the cause of a failed task means, and what to do. */
#ifndef IA_CLI_CAUSES_H
#define IA_CLI_CAUSES_H

#include "base/err.h"

typedef struct ia_cause {
  const char *name; /* ends in '_': all that begin so */
  ia_code code;     /* class, for the exit status */
  const char *meaning;
  const char *fix;
} ia_cause;

/* Never NULL: an unknown cause has a row that says so. */
const ia_cause *ia_cause_of(const char *name);

#endif
