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
/* The class of a failure with these words: an app that ran out of memory is NO_RESOURCES, in a real
 * run as in `iapp test`. */
ia_code ia_cause_class(const char *name, const char *message);

#endif
