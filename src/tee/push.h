/* How a secret travels from its owner's client to one SMS (docs/release.md 12): sealed to a key
 * that the SMS's own key certifies in a fresh challenge, signed by its pusher, acknowledged by the
 * SMS. Both sides of the wire use this page; it decides nothing. */
#ifndef IA_TEE_PUSH_H
#define IA_TEE_PUSH_H

#include "base/json.h"
#include "base/secret.h"
#include "base/types.h"
#include "tee/domain.h"

enum {
  IA_PUSH_SECONDS = 120, /* life of a challenge */
  IA_PUSH_PAD = 512,     /* a sealed value is padded to whole multiples */
  IA_PUSH_STEP = 65536,  /* a push raises the version of a secret by at most so much */
};

/* Where a secret lives at the SMS. Texts are borrowed. */
typedef struct ia_push_place {
  const char *kind; /* "dataset", "app", "requester", "web2" */
  ia_addr object;   /* dataset, app, or the wallet whose secret it is */
  const char *name; /* "" for a dataset; "1" for an app; names of web2 in lower case */
} ia_push_place;

/* What an SMS signs before a push. */
typedef struct ia_push_challenge {
  ia_domain domain;
  uint64_t chain_id;
  ia_addr hub;
  ia_h256 sms_key;
  ia_push_place at;
  ia_h256 client_nonce; /* of the client, so that an old challenge is of no use */
  ia_h256 nonce;        /* of the SMS, good for one push */
  uint64_t expires;     /* Unix seconds, by the clock of the SMS */
  ia_h256 push_key;     /* X25519 */
  uint64_t version;     /* the newest that the SMS knows; 0 = none ever */
  const char *state;    /* "none", "held", "forgotten"; borrowed */
} ia_push_challenge;

/* Appends the canonical text; signed as "push-challenge" (ia_text_sign). */
IA_MUST bool ia_push_challenge_text(ia_buf *out, const ia_push_challenge *c, ia_err *e);
/* An answer {"text","sig"} to a client that filled domain, chain_id, hub, sms_key, at and
 * client_nonce of *c: everything else is read from it, and the whole text must be as signed.
 * SMS_SIGNATURE. *text owns what c borrows. */
IA_MUST bool ia_push_challenge_open(ia_push_challenge *c, json_t **text, const json_t *answer,
                                    ia_err *e);

/* One push under a challenge. */
typedef struct ia_push {
  const ia_push_challenge *challenge;
  ia_addr pusher;
  uint64_t version;
} ia_push;

typedef struct ia_push_sealed {
  ia_h256 enc; /* HPKE encapsulated key */
  ia_buf ct;   /* owned */
} ia_push_sealed;
void ia_push_sealed_free(ia_push_sealed *s); /* NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_push_sealed, ia_push_sealed_free)

/* ephemeral: for vectors; NULL makes one. */
IA_MUST bool ia_push_seal(ia_push_sealed *out, const ia_push *p, ia_span value,
                          const ia_secret *ephemeral, ia_err *e);
/* CRYPTO when it was sealed for another place, pusher, version, challenge or SMS. */
IA_MUST bool ia_push_open(ia_secret *value, const ia_push *p, const ia_push_sealed *sealed,
                          const ia_secret *push_secret, ia_err *e);
/* What the pusher signs (EIP-191 over it): all of the above and the ciphertext. */
IA_MUST bool ia_push_hash(ia_h256 *out, const ia_push *p, const ia_push_sealed *sealed, ia_err *e);

/* Appends the canonical text of an acknowledgement; signed as "push-ok". outcome: "stored",
 * "same" (that value stands already), "exists" (another one does, and it is written once), "newer"
 * (a version not below this one stands). */
IA_MUST bool ia_push_ok_text(ia_buf *out, const ia_h256 *push, const char *outcome, ia_err *e);
/* *outcome points into a constant. SMS_SIGNATURE, also for an outcome that there is not. */
IA_MUST bool ia_push_ok_open(const char **outcome, const json_t *answer, ia_domain d,
                             const ia_h256 *push, const ia_h256 *sms_key, ia_err *e);

#endif
