/* Content identifiers (multiformats CID v0 and v1) over SHA2-256: text, bytes, multiaddr. */
#ifndef IA_CRYPTO_CID_H
#define IA_CRYPTO_CID_H

#include "base/buf.h"
#include "base/types.h"

typedef enum ia_codec { IA_CODEC_RAW = 0x55, IA_CODEC_DAG_PB = 0x70 } ia_codec;

typedef struct ia_cid {
  unsigned version; /* 0 (always dag-pb) or 1 */
  ia_codec codec;
  ia_h256 hash; /* SHA2-256 of the block */
} ia_cid;

typedef struct ia_cid_text {
  char s[64];
} ia_cid_text;

/* "Qm..." (base58btc) for version 0, "b..." (base32 lower) for version 1. */
ia_cid_text ia_cid_format(const ia_cid *c);
/* v0 text, or v1 in base32 (b, B), base58btc (z), base16 (f, F). Only raw and dag-pb, only
 * sha2-256: UNSUPPORTED otherwise, PARSE when it is no CID. */
IA_MUST bool ia_cid_parse(ia_cid *c, ia_span text, ia_err *e);
/* Binary form: 12 20 digest (v0), 01 codec 12 20 digest (v1). */
void ia_cid_bytes(ia_buf *out, const ia_cid *c);
/* No bytes may follow. */
IA_MUST bool ia_cid_from_bytes(ia_cid *c, ia_span bytes, ia_err *e);
/* Multiaddr bytes of /p2p/<hash> (a5 03, length, CID bytes): the form in which datasets name a CID
 * on the ledger. Reading also takes the texts "/ipfs/<cid>" and "/p2p/<cid>". */
void ia_cid_multiaddr(ia_buf *out, const ia_cid *c);
IA_MUST bool ia_cid_from_multiaddr(ia_cid *c, ia_span multiaddr, ia_err *e);

/* base58btc. Inputs of at most 128 bytes or characters (more: the buffer turns bad, or false). */
void ia_base58(ia_buf *out, ia_span bytes);
IA_MUST bool ia_unbase58(ia_buf *out, ia_span text);

#endif
