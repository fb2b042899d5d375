/* Content identifiers (multiformats CID v0 and v1) over SHA2-256: text, bytes, and the node bytes
 * of UnixFS files (dag-pb) that give them. */
#ifndef IA_STORE_CID_H
#define IA_STORE_CID_H

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
/* v0 text, or v1 in base32 (b), base58btc (z), base16 (f). Only raw and dag-pb, only sha2-256:
 * UNSUPPORTED otherwise, PARSE when it is no CID. */
IA_MUST bool ia_cid_parse(ia_cid *c, ia_span text, ia_err *e);
/* Binary form: 12 20 digest (v0), 01 codec 12 20 digest (v1); no bytes may follow. */
void ia_cid_bytes(ia_buf *out, const ia_cid *c);
IA_MUST bool ia_cid_from_bytes(ia_cid *c, ia_span bytes, ia_err *e);
/* multiaddr bytes of /p2p/<hash> (a5 03 22 1220 digest): the form in which datasets name a CID on
 * the ledger (data.md). A text multiaddr "/ipfs/<cid>" or "/p2p/<cid>" is taken as well. */
void ia_cid_multiaddr(ia_buf *out, const ia_cid *c);
IA_MUST bool ia_cid_from_multiaddr(ia_cid *c, ia_span multiaddr, ia_err *e);

void ia_base58(ia_buf *out, ia_span bytes);
IA_MUST bool ia_unbase58(ia_buf *out, ia_span text); /* at most 128 characters */

/* -- UnixFS nodes -- */
typedef struct ia_dag_link {
  ia_cid cid;
  uint64_t tsize; /* bytes of the whole subtree with its own block */
  uint64_t fsize; /* bytes of file below it */
} ia_dag_link;
enum { IA_DAG_LINKS = 174, IA_DAG_CHUNK = 262144 };

/* Leaf: UnixFS file node with its data inside (dag-pb). */
void ia_dag_leaf(ia_buf *out, ia_span data);
/* Inner node over at most IA_DAG_LINKS links. */
void ia_dag_node(ia_buf *out, const ia_dag_link *links, size_t n);
/* Reads a dag-pb UnixFS file node strictly. links has room for IA_DAG_LINKS; data points into
 * block. */
IA_MUST bool ia_dag_parse(ia_span block, ia_span *data, ia_dag_link *links, size_t *n, ia_err *e);

/* -- the balanced DAG of a file, in constant memory -- */
typedef struct ia_dag ia_dag;
typedef struct ia_dag_options {
  bool raw_leaves; /* what Kubo does with cid-version=1 */
  unsigned version;
} ia_dag_options;
IA_MUST bool ia_dag_new(ia_dag **out, const ia_dag_options *o, ia_err *e);
void ia_dag_free(ia_dag *d); /* NULL is fine */
IA_DEFINE_AUTO(ia_dag, ia_dag_free)
IA_MUST bool ia_dag_add(ia_dag *d, ia_span data, ia_err *e);
/* Called for each full leaf, in order, with the hash of its block. */
typedef bool ia_dag_leaf_fn(void *ctx, const ia_h256 *leaf, uint64_t bytes, ia_err *e);
void ia_dag_on_leaf(ia_dag *d, ia_dag_leaf_fn *fn, void *ctx);
/* A leaf whose hash is known already, instead of its bytes. */
IA_MUST bool ia_dag_add_leaf(ia_dag *d, const ia_h256 *leaf, uint64_t bytes, ia_err *e);
/* tsize: size of the whole DAG with its blocks, as Kubo's Size. */
IA_MUST bool ia_dag_finish(ia_dag *d, ia_cid *cid, uint64_t *fsize, uint64_t *tsize, ia_err *e);
/* CID of bytes in memory. */
IA_MUST bool ia_cid_of(ia_cid *out, ia_span data, const ia_dag_options *o, ia_err *e);

#endif
