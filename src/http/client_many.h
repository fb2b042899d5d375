/* Several calls at once, each at a place of its own, so that a server that does not answer delays
 * none of the others. Blocking, like client.h: one object belongs to one thread at a time. */
#ifndef IA_HTTP_CLIENT_MANY_H
#define IA_HTTP_CLIENT_MANY_H

#include "http/client.h"

typedef struct ia_http_many ia_http_many;

/* n places; o as for ia_http_new. */
IA_MUST bool ia_http_many_new(ia_http_many **out, size_t n, const ia_http_options *o, ia_err *e);
void ia_http_many_free(ia_http_many *m); /* NULL is fine; calls that still run are stopped */
IA_DEFINE_AUTO(ia_http_many, ia_http_many_free)
/* As ia_http_until, for all places. */
void ia_http_many_until(ia_http_many *m, uint64_t mono_ms);

/* Begins a call at a place where none runs. What c points to must live until the call has ended.
 * False: it could not begin. */
IA_MUST bool ia_http_many_start(ia_http_many *m, size_t at, const ia_http_call *c, ia_err *e);
/* Waits up to ms for a call to end; *at is its place. False: none has. */
bool ia_http_many_wait(ia_http_many *m, uint32_t ms, size_t *at);
/* How the call at this place ended, as ia_http_do says it. *a lives until the next start there. */
IA_MUST bool ia_http_many_result(ia_http_many *m, size_t at, const ia_http_answer **a, ia_err *e);
/* Ends the call at this place without an answer, if one runs; its connection is closed. */
void ia_http_many_stop(ia_http_many *m, size_t at);
bool ia_http_many_is_running(const ia_http_many *m, size_t at);

#endif
