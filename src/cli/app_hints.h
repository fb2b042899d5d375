/* What to do about errors that apps print: one table of what runtimes say and what helps. */
#ifndef IA_CLI_APP_HINTS_H
#define IA_CLI_APP_HINTS_H

#include "base/json.h"

/* The hints for these outputs (either may be NULL), each once, the most telling first; a new array,
 * empty where nothing is known. */
json_t *ia_app_hints(const char *out, const char *err);

#endif
