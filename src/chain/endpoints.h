/* Several nodes of one chain: which of them to ask next. No I/O and no clock of its own. */
#ifndef IA_CHAIN_ENDPOINTS_H
#define IA_CHAIN_ENDPOINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { IA_ENDPOINTS_MAX = 16, IA_ENDPOINT_REST_MS = 10000 };

typedef struct ia_endpoint {
  char *url;
  char name[96];       /* scheme, host and port: what follows may be an access key */
  uint64_t rest_until; /* it failed or was slow: others are asked first until then (ia_mono_ms) */
  bool known;          /* its chain was looked at */
  bool barred;         /* it is of another chain */
  bool has_head;
  uint64_t head; /* as last heard */
} ia_endpoint;

typedef struct ia_endpoints {
  ia_endpoint v[IA_ENDPOINTS_MAX];
  size_t n;
  size_t at; /* the one that ordinary questions go to */
} ia_endpoints;

/* "URL,URL": INVALID when there is none, too many, or the same twice. */
IA_MUST bool ia_endpoints_parse(ia_endpoints *s, const char *list, ia_err *e);
void ia_endpoints_free(ia_endpoints *s);
/* The next to ask of those without a bit in `tried`: the present one, then those that rest not, in
 * their order, then the others. False when none is left. */
bool ia_endpoints_next(const ia_endpoints *s, uint32_t tried, uint64_t now_ms, size_t *out);
/* It failed, or did not answer before the others had: it is asked last for a while. */
void ia_endpoints_failed(ia_endpoints *s, size_t i, uint64_t now_ms);
void ia_endpoints_worked(ia_endpoints *s, size_t i);
/* Leaves the present one when it is more than `lag` blocks behind the middle of the known heads,
 * the newest of two. False when it stays. */
bool ia_endpoints_leave_laggard(ia_endpoints *s, uint64_t lag);

#endif
