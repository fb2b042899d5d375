/* Keys of an instance, all from one root: signing key, storage keys of its domain, key of the head
 * file. */
#ifndef IA_SERVICE_SMS_KEYS_H
#define IA_SERVICE_SMS_KEYS_H

#include "base/buf.h"
#include "base/secret.h"
#include "base/types.h"
#include "tee/domain.h"

typedef struct ia_sms_keys {
  ia_domain domain;
  ia_secret seed;    /* Ed25519 */
  ia_secret kek;     /* HKDF(root, "iapp-kek-hw/v1" | "iapp-kek-sim/v1") */
  ia_secret head;    /* HMAC key of the head file */
  ia_secret blind;   /* HKDF(root, "iapp-blind-hw/v1" | "iapp-blind-sim/v1") */
  ia_secret journal; /* HMAC key of the journal */
  ia_h256 sms_key;
} ia_sms_keys;

void ia_sms_keys_free(ia_sms_keys *k);
IA_DEFINE_AUTO_VALUE(ia_sms_keys, ia_sms_keys_free)

/* Opens DIR/root (an Ethereum keystore file that holds 32 random bytes), or makes it 0600. kek_of:
 * the domain whose storage keys are derived, which is `domain` but in a test. */
IA_MUST bool ia_sms_keys_open(ia_sms_keys *out, const char *dir, const ia_secret *passphrase,
                              bool random_passphrase, ia_domain domain, ia_domain kek_of,
                              ia_err *e);

/* 32 bytes for the results of one task: HKDF-Expand(blind, LP("iapp-result-blind/v1") ||
 * LP(taskId32)), with -SIM in the label of the simulated domain. The same at every attempt and
 * after every restart; nothing about it can be told without the root. */
IA_MUST bool ia_sms_result_blind(ia_secret *out, const ia_sms_keys *k, const ia_h256 *task,
                                 ia_err *e);

/* Where a sealed value lives: the AAD binds it there. Texts are borrowed. */
typedef struct ia_sms_place {
  const char *table;
  ia_addr address;
  const char *name;
  uint64_t version;
  ia_addr pusher;
  uint64_t time; /* Unix seconds of the push */
} ia_sms_place;

/* nonce 12 || ciphertext || tag 16 under a key of this place. */
IA_MUST bool ia_sms_seal(ia_buf *out, const ia_sms_keys *k, const ia_sms_place *at, ia_span value,
                         ia_err *e);
/* CORRUPT when it was not sealed at this place by this instance. */
IA_MUST bool ia_sms_unseal(ia_secret *out, const ia_sms_keys *k, const ia_sms_place *at,
                           ia_span sealed, ia_err *e);

#endif
