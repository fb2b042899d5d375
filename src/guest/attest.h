/* Keys of one task, evidence, and the release that comes back (docs/release.md 1-3), seen from the
 * enclave. */
#ifndef IA_GUEST_ATTEST_H
#define IA_GUEST_ATTEST_H

#include "crypto/secp.h"
#include "guest/hints.h"
#include "guest/link.h"
#include "tee/release.h"

/* Made here, never leave. */
typedef struct ia_agent_keys {
  ia_secret x25519, enclave;
  ia_h256 pk;      /* X25519 public key */
  ia_addr address; /* of the enclave key: the PoCo enclave challenge */
} ia_agent_keys;

IA_MUST bool ia_agent_keys_new(ia_agent_keys *k, const ia_secp *secp, ia_err *e);
void ia_agent_keys_free(ia_agent_keys *k);
IA_DEFINE_AUTO_VALUE(ia_agent_keys, ia_agent_keys_free)

typedef struct ia_released {
  size_t n;
  char (*names)[IA_RELEASE_NAME_MAX]; /* owned */
  ia_secret *plains;                  /* owned; the last is the task */
  ia_h256 desc_hash, nonce;
} ia_released;

void ia_released_free(ia_released *r);
IA_DEFINE_AUTO_VALUE(ia_released, ia_released_free)
/* NULL when there is no such item. */
const ia_secret *ia_released_find(const ia_released *r, const char *name);

/* Challenge, events, quote, release, opening. The image with digest hints->desc.app_digest must
 * have been verified before. A refusal of the SMS keeps its code (docs/errors.md). */
IA_MUST bool ia_agent_attest(ia_released *out, ia_link *l, const ia_hints *hints,
                             const ia_agent_keys *keys, ia_err *e);

#endif
