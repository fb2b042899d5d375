/* Head and tail of an output, the middle counted. Private to this layer. */
#ifndef IA_SANDBOX_LOGCAP_H
#define IA_SANDBOX_LOGCAP_H

#include "sandbox/run.h"

void ia_logcap_add(ia_sandbox_log *log, ia_span bytes, size_t cap);
void ia_logcap_end(ia_sandbox_log *log, size_t cap); /* puts the ring of the tail in order */
void ia_logcap_free(ia_sandbox_log *log);

#endif
