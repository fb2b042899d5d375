/* The causes of failed tasks: a fixed list (causes.def), what each means, and what to do. */
#ifndef IA_BASE_CAUSES_H
#define IA_BASE_CAUSES_H

#include "base/err.h"

typedef struct ia_cause {
  const char *name; /* ends in '_': followed by the name of an error code */
  ia_code code;     /* class, for the exit status */
  const char *meaning;
  const char *fix;
} ia_cause;

bool ia_cause_is_known(const char *name); /* "" is not */
/* "" (all is well) or a known cause, else INVALID. */
IA_MUST bool ia_cause_check(const char *name, ia_err *e);
/* Never NULL: an unknown cause has a row that says so. */
const ia_cause *ia_cause_of(const char *name);
/* The class of a failure with these words: an app that ran out of memory is NO_RESOURCES, in a real
 * run as in `iapp test`. */
ia_code ia_cause_class(const char *name, const char *message);

#endif
