/* Questions to the index (GraphQL). */
#ifndef IA_CLIENT_TO_INDEX_H
#define IA_CLIENT_TO_INDEX_H

#include "base/json.h"

/* The data of the answer; a new reference. UNAVAILABLE when the index answers with errors. */
IA_MUST bool ia_to_index_ask(json_t **data, const char *url, const json_t *question, ia_err *e);

#endif
