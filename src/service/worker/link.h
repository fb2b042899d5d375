/* Signed requests of a worker to its scheduler (docs/protocol.md 3). */
#ifndef IA_SERVICE_WORKER_LINK_H
#define IA_SERVICE_WORKER_LINK_H

#include "crypto/secp.h"
#include "http/client.h"

typedef struct ia_link ia_link;

typedef struct ia_link_config {
  const char *url; /* of the scheduler; copied */
  const ia_secp *secp;
  const ia_secret *key; /* borrowed for the life of the link */
  ia_addr worker, pool;
} ia_link_config;

IA_MUST bool ia_link_new(ia_link **out, const ia_link_config *c, ia_err *e);
void ia_link_free(ia_link *l); /* NULL is fine */
IA_DEFINE_AUTO(ia_link, ia_link_free)

typedef struct ia_link_call {
  const char *path;
  const json_t *body;
  uint32_t total_ms; /* 0 = 30 s */
  const volatile bool *cancel;
} ia_link_call;
/* POST. *out: new reference, NULL for 204. Any thread, each with its own http handle. Errors are
 * the scheduler's own, by class. */
IA_MUST bool ia_link_post(ia_link *l, ia_http *h, json_t **out, const ia_link_call *c, ia_err *e);

/* What is signed (EIP-191): keccak256(LP("iapp-worker/v1") || LP(method) || LP(path with query) ||
 * LP(SHA-256(body)) || u64be counter || LP(pool20)). */
IA_MUST bool ia_link_hash(ia_h256 *out, const char *method, const char *path, ia_span body,
                          uint64_t counter, const ia_addr *pool, ia_err *e);

#endif
