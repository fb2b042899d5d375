/* secp256k1 as Ethereum uses it: recoverable ECDSA over a 32-byte digest, low s only (EIP-2). */
#ifndef IA_CRYPTO_SECP_H
#define IA_CRYPTO_SECP_H

#include "base/err.h"
#include "base/secret.h"
#include "base/types.h"

/* r || s || v with v 27 or 28. */
typedef struct ia_sig {
  uint8_t b[65];
} ia_sig;

/* The blinded signing context. Make one in main, share it: signing from many threads is fine. */
typedef struct ia_secp ia_secp;
IA_MUST bool ia_secp_new(ia_secp **out, ia_err *e);
void ia_secp_free(ia_secp *s); /* NULL is fine */
IA_DEFINE_AUTO(ia_secp, ia_secp_free)

/* Private keys are 32 bytes in an ia_secret. */
IA_MUST bool ia_secp_key_new(ia_secret *key, ia_err *e);
/* Not 32 bytes, zero, or not below the group order: BAD_KEY. */
IA_MUST bool ia_secp_key_check(const ia_secret *key, ia_err *e);
/* Last 20 bytes of keccak256 of the uncompressed point. */
IA_MUST bool ia_secp_address(const ia_secp *s, ia_addr *out, const ia_secret *key, ia_err *e);
/* RFC 6979 nonces: the same digest and key give the same signature. */
IA_MUST bool ia_secp_sign(const ia_secp *s, ia_sig *out, const ia_h256 *digest,
                          const ia_secret *key, ia_err *e);
/* Address of the signer. r or s out of range, high s, v outside 27..28: INVALID. Needs no context.
 */
IA_MUST bool ia_secp_recover(ia_addr *out, const ia_h256 *digest, const ia_sig *sig, ia_err *e);

/* 65 bytes r || s || v (v in 0, 1, 27, 28) or 64 bytes of EIP-2098; other lengths PARSE. High s is
 * refused here too. */
IA_MUST bool ia_sig_parse(ia_sig *out, ia_span in, ia_err *e);
/* EIP-2098: r || (v - 27) << 255 | s. */
void ia_sig_compact(uint8_t out[64], const ia_sig *sig);
/* The two in one: does `signer` stand behind this signature? */
IA_MUST bool ia_sig_verify(const ia_addr *signer, const ia_h256 *digest, ia_span sig, ia_err *e);

#endif
