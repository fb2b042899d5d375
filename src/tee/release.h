/* How secrets travel from the SMS to one enclave (docs/release.md 3, 4.1, 6, 7): the bytes that are
 * sealed, signed and hashed. Both sides of the wire use this page; it decides nothing. */
#ifndef IA_TEE_RELEASE_H
#define IA_TEE_RELEASE_H

#include "base/secret.h"
#include "base/types.h"
#include "tee/domain.h"

enum {
  IA_RELEASE_ITEMS_MAX = 256, /* datasets of a slice, secrets and the task */
  IA_RELEASE_NAME_MAX = 96,
  IA_LEASE_MAX_SECONDS = 300,
  IA_NONCE_SECONDS = 120,
  IA_RELEASE_TAG = 16, /* a ciphertext is its plaintext and this many bytes */
};

/* SHA-256(LP(quote) || LP(eventLog) || LP(aux)). */
IA_MUST bool ia_evidence_hash(ia_h256 *out, ia_span quote, ia_span event_log, ia_span aux,
                              ia_err *e);

/* What ties a sealed release to one challenge, one quote and one task. Texts are borrowed. */
typedef struct ia_release_bind {
  ia_domain domain;
  const char *tee;
  const char *stage;
  ia_h256 nonce;
  ia_h512 report_data;
  ia_h256 evidence_hash;
  ia_h256 task_id;
} ia_release_bind;

/* The item that holds 32 bytes, the same for every attempt of a task: a sealed result's digest and
 * manifest hash cover them, so that nobody else can try contents against those (docs/release.md 8).
 */
#define IA_RELEASE_BLIND "result-blind"

typedef struct ia_release_item {
  char name[IA_RELEASE_NAME_MAX]; /* "dataset-key/0x..", "app-secret", "requester-secret/1",
                                     IA_RELEASE_BLIND, "task" */
  ia_span plain;
} ia_release_item;

typedef struct ia_sealed_item {
  char name[IA_RELEASE_NAME_MAX];
  ia_buf ct; /* ciphertext || tag */
} ia_sealed_item;

typedef struct ia_sealed_release {
  ia_h256 enc; /* HPKE encapsulated key */
  size_t n;
  ia_sealed_item *items; /* owned */
  uint8_t sig[64];       /* Ed25519 by smsKey */
} ia_sealed_release;

void ia_sealed_release_free(ia_sealed_release *r); /* NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_sealed_release, ia_sealed_release_free)

/* HPKE info and the AAD of item i of count. */
void ia_release_info_put(ia_buf *out, const ia_release_bind *bind);
void ia_release_aad_put(ia_buf *out, const ia_release_bind *bind, const char *name, uint32_t i,
                        uint32_t count);

/* Seals items in order to the guest's X25519 key and signs. renew_key (NULL: not wanted) receives K
 * of release.md 6. sk_e: fixed ephemeral key for vectors; NULL makes one. */
IA_MUST bool ia_release_seal(ia_sealed_release *out, const ia_release_bind *bind,
                             const ia_h256 *pk_guest, const ia_release_item *items, size_t n,
                             const ia_secret *sms_seed, const ia_secret *sk_e, ia_secret *renew_key,
                             ia_err *e);
/* Guest side: checks the signature of the expected SMS, then opens every item in order. plains: n
 * zeroed secrets, owned by the caller. SMS_SIGNATURE, CRYPTO. */
IA_MUST bool ia_release_open(ia_secret *plains, const ia_sealed_release *r,
                             const ia_release_bind *bind, const ia_h256 *sms_key,
                             const ia_secret *sk_guest, ia_err *e);
/* The signature alone, for those who hold no key. cts_hash = SHA-256(LP(ct_0) || LP(ct_1) ..). */
IA_MUST bool ia_release_sig_verify(const ia_release_bind *bind, const ia_h256 *enc,
                                   const ia_h256 *cts_hash, const uint8_t sig[64],
                                   const ia_h256 *sms_key, ia_err *e);
IA_MUST bool ia_release_cts_hash(ia_h256 *out, const ia_sealed_release *r, ia_err *e);

/* The certificate by which the SMS tells the scheduler that enclave belongs to an attested guest.
 */
typedef struct ia_enclave_cert {
  ia_domain domain;
  char tee[8];
  ia_h256 task_id;
  ia_addr worker;
  ia_addr enclave;
  ia_h256 evidence_hash;
  uint64_t expires; /* Unix seconds */
  uint8_t sig[64];
} ia_enclave_cert;

IA_MUST bool ia_enclave_cert_sign(ia_enclave_cert *c, const ia_secret *sms_seed, ia_err *e);
/* Signature only; what it must say is the caller's: SMS_SIGNATURE. */
IA_MUST bool ia_enclave_cert_verify(const ia_enclave_cert *c, const ia_h256 *sms_key, ia_err *e);

/* A lease as the pool owner signs it (EIP-191 over this hash). */
typedef struct ia_lease {
  ia_h256 task_id;
  ia_addr worker;
  uint64_t fencing;
  uint64_t expires; /* Unix seconds */
  uint8_t sig[65];  /* r || s || v */
} ia_lease;

IA_MUST bool ia_lease_hash(ia_h256 *out, ia_domain d, const ia_lease *lease, ia_err *e);

/* An owner's message (release.md 7); signed EIP-191 over the hash. */
typedef struct ia_owner_message {
  ia_domain domain;
  const char *kind; /* "policy", "revoke", "approve", "lock", "transfer", "forget", "rotate",
                       "audit", "why" */
  uint64_t chain_id;
  ia_addr hub;
  ia_h256 sms_key;
  ia_addr object;
  uint64_t version;
  ia_span body; /* canonical JSON */
} ia_owner_message;

IA_MUST bool ia_owner_message_hash(ia_h256 *out, const ia_owner_message *m, ia_err *e);

/* Ed25519 over LP(label) || LP(text): IA_RECORD_LABEL and "sms-info". */
IA_MUST bool ia_text_sign(uint8_t sig[64], ia_domain d, const char *label, ia_span text,
                          const ia_secret *sms_seed, ia_err *e);
IA_MUST bool ia_text_verify(ia_domain d, const char *label, ia_span text, const uint8_t sig[64],
                            const ia_h256 *sms_key, ia_err *e);

/* MAC of a lease renewal and the bytes of its answer (release.md 6). */
typedef struct ia_renewal {
  ia_domain domain;
  const char *tee;
  ia_h256 nonce;
  ia_h256 task_id;
  uint64_t fencing;
  uint64_t counter;
} ia_renewal;

IA_MUST bool ia_renewal_mac(uint8_t mac[32], const ia_renewal *r, ia_span key, ia_err *e);
IA_MUST bool ia_renewal_ok_put(ia_buf *out, const ia_renewal *r, uint64_t seconds, ia_err *e);

#endif
