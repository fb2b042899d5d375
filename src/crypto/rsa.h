/* RSAES-PKCS1-v1_5 (RFC 8017 7.2) for result keys: 2048 to 8192 bits, odd modulus, odd
 * exponent >= 65537. */
#ifndef IA_CRYPTO_RSA_H
#define IA_CRYPTO_RSA_H

#include "base/buf.h"
#include "base/secret.h"

typedef struct ia_rsa ia_rsa;
void ia_rsa_free(ia_rsa *k); /* NULL is fine */
IA_DEFINE_AUTO(ia_rsa, ia_rsa_free)

/* bits: 2048, 3072, 4096 or 8192. */
IA_MUST bool ia_rsa_generate(ia_rsa **out, unsigned bits, ia_err *e);
/* "BEGIN PUBLIC KEY" or "BEGIN RSA PUBLIC KEY", one key in its one DER form and nothing before or
 * after it but white space. Keys outside the limits above, an even modulus: RESULT_KEY_INVALID. */
IA_MUST bool ia_rsa_public_pem(ia_rsa **out, ia_span pem, ia_err *e);
/* RESULT_KEY_INVALID for a modulus that is prime, a power, or has a small factor (SP 800-56B
 * 6.4.2.1): everybody opens what is sealed to it, or nobody. Takes a quarter of a second for 8192
 * bits, so never while others wait. */
IA_MUST bool ia_rsa_public_check(const ia_rsa *k, ia_err *e);
/* "BEGIN PRIVATE KEY" or "BEGIN RSA PRIVATE KEY", unencrypted. */
IA_MUST bool ia_rsa_private_pem(ia_rsa **out, ia_span pem, ia_err *e);
/* Appends "BEGIN PUBLIC KEY" (SubjectPublicKeyInfo) text. */
IA_MUST bool ia_rsa_write_public(ia_buf *out, const ia_rsa *k, ia_err *e);
/* Appends "BEGIN PRIVATE KEY" (PKCS#8) text; mark out secret. */
IA_MUST bool ia_rsa_write_private(ia_buf *out, const ia_rsa *k, ia_err *e);
size_t ia_rsa_bytes(const ia_rsa *k); /* of the modulus */

/* Appends ia_rsa_bytes bytes; plain is at most that less 11. */
IA_MUST bool ia_rsa_encrypt(ia_buf *out, const ia_rsa *k, ia_span plain, ia_err *e);
/* One error (RESULT_UNREADABLE) whatever fails, so that nothing is told of the padding. */
IA_MUST bool ia_rsa_decrypt(ia_secret *out, const ia_rsa *k, ia_span sealed, ia_err *e);

#endif
