/* The Merkle DAG of a file as Kubo builds it by default: chunks of 256 KiB, UnixFS nodes in dag-pb,
 * balanced, at most 174 links a node. Gives the CID of a stream in constant memory. */
#ifndef IA_CRYPTO_UNIXFS_H
#define IA_CRYPTO_UNIXFS_H

#include "crypto/cid.h"

enum { IA_DAG_LINKS = 174, IA_DAG_CHUNK = 262144 };

typedef struct ia_dag_options {
  unsigned version; /* of the CID, 0 or 1 */
  bool raw_leaves;  /* leaves are the bare bytes: what Kubo does by default with version 1 */
} ia_dag_options;

typedef struct ia_dag ia_dag;
/* o NULL: version 0. INVALID: version 0 with raw leaves is allowed (as in Kubo), other versions
 * not. */
IA_MUST bool ia_dag_new(ia_dag **out, const ia_dag_options *o, ia_err *e);
void ia_dag_free(ia_dag *d); /* NULL is fine */
IA_DEFINE_AUTO(ia_dag, ia_dag_free)
/* Called for each complete leaf, in order: hash of its block, bytes of file in it. */
typedef bool ia_dag_leaf_fn(void *ctx, const ia_h256 *leaf, uint64_t bytes, ia_err *e);
void ia_dag_on_leaf(ia_dag *d, ia_dag_leaf_fn *fn, void *ctx);
IA_MUST bool ia_dag_add(ia_dag *d, ia_span data, ia_err *e);
/* A leaf whose hash is known, instead of its bytes. INVALID unless every leaf before was full. */
IA_MUST bool ia_dag_add_leaf(ia_dag *d, const ia_h256 *leaf, uint64_t bytes, ia_err *e);
/* size: bytes of file; dag_size: of all blocks together (Kubo's "Size"); both may be NULL. The
 * object can only be freed after. */
IA_MUST bool ia_dag_finish(ia_dag *d, ia_cid *cid, uint64_t *size, uint64_t *dag_size, ia_err *e);
/* After finish: bytes of the root's own block. */
uint64_t ia_dag_root_block(const ia_dag *d);
/* CID of bytes in memory. */
IA_MUST bool ia_cid_of(ia_cid *out, ia_span data, const ia_dag_options *o, ia_err *e);

/* Hash of the block that holds these at most IA_DAG_CHUNK bytes as a leaf. */
void ia_dag_leaf_hash(ia_h256 *out, ia_span data, bool raw);

typedef struct ia_dag_link {
  ia_cid cid;
  uint64_t tsize; /* bytes of all blocks below, this one too */
  uint64_t fsize; /* bytes of file below */
} ia_dag_link;
/* Reads one dag-pb block that holds a UnixFS file node, strictly: field order, minimal varints,
 * sizes that add up. links has room for IA_DAG_LINKS; data points into block. */
IA_MUST bool ia_dag_parse(ia_span block, ia_span *data, ia_dag_link *links, size_t *n, ia_err *e);

#endif
