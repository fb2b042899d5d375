/* HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, AES-256-GCM
 * 0x0002. Private keys are 32 raw bytes. */
#ifndef IA_CRYPTO_HPKE_H
#define IA_CRYPTO_HPKE_H

#include "base/buf.h"
#include "base/secret.h"

/* One direction of one exchange. Sequence numbers count from 0, one a seal or open. */
typedef struct ia_hpke {
  uint8_t key[32];
  uint8_t base_nonce[12];
  uint8_t exporter[32];
  uint64_t seq;
} ia_hpke;
void ia_hpke_free(ia_hpke *h); /* wipes */
IA_DEFINE_AUTO_VALUE(ia_hpke, ia_hpke_free)

/* The sender makes an ephemeral key; enc goes to the receiver. */
IA_MUST bool ia_hpke_send(ia_hpke *h, uint8_t enc[32], const uint8_t receiver[32], ia_span info,
                          ia_err *e);
/* The same with a given ephemeral key: for test vectors only. */
IA_MUST bool ia_hpke_send_with(ia_hpke *h, uint8_t enc[32], const ia_secret *ephemeral,
                               const uint8_t receiver[32], ia_span info, ia_err *e);
IA_MUST bool ia_hpke_receive(ia_hpke *h, const uint8_t enc[32], const ia_secret *receiver,
                             ia_span info, ia_err *e);
/* Appends ciphertext || tag under the next sequence number. */
IA_MUST bool ia_hpke_seal(ia_hpke *h, ia_buf *out, ia_span aad, ia_span plain, ia_err *e);
/* Appends the plaintext; a failed open does not use up the sequence number. */
IA_MUST bool ia_hpke_open(ia_hpke *h, ia_buf *out, ia_span aad, ia_span sealed, ia_err *e);
/* Context.Export (RFC 9180 5.3), both sides alike. */
IA_MUST bool ia_hpke_export(const ia_hpke *h, uint8_t *out, size_t len, ia_span context, ia_err *e);

#endif
