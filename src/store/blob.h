/* Content-addressed files with the CIDs that Kubo gives for the same bytes. A blob is a plain file
 * named by the hash of its root and its codec, with the hashes of its leaves beside it when it has
 * several; every byte that is read was checked against the CID. Writing: temporary file, fsync,
 * rename: a name never shows part of a blob. A handle may be used by every thread. */
#ifndef IA_STORE_BLOB_H
#define IA_STORE_BLOB_H

#include "crypto/unixfs.h"

typedef struct ia_blobs ia_blobs;
typedef struct ia_blob_writer ia_blob_writer;
typedef struct ia_blob ia_blob;

/* Makes the folder (0700) when missing and removes what interrupted writers left. */
IA_MUST bool ia_blobs_open(ia_blobs **out, const char *dir, ia_err *e);
void ia_blobs_close(ia_blobs *b); /* NULL is fine */
IA_DEFINE_AUTO(ia_blobs, ia_blobs_close)

/* Streaming add. o NULL = CIDv0. cap: most bytes (TOO_LARGE), 0 = none. */
IA_MUST bool ia_blob_begin(ia_blob_writer **out, ia_blobs *b, const ia_dag_options *o, uint64_t cap,
                           ia_err *e);
IA_MUST bool ia_blob_write(ia_blob_writer *w, ia_span data, ia_err *e);
/* Durable and readable when it returns true. size: bytes of file, dag_size: Kubo's Size; both may
 * be NULL. The writer is freed whatever happens. */
IA_MUST bool ia_blob_commit(ia_blob_writer **w, ia_cid *cid, uint64_t *size, uint64_t *dag_size,
                            ia_err *e);
void ia_blob_abort(ia_blob_writer *w); /* NULL is fine; leaves nothing behind */
IA_DEFINE_AUTO(ia_blob_writer, ia_blob_abort)
/* Bytes in memory, in one go. */
IA_MUST bool ia_blob_put(ia_cid *out, ia_blobs *b, ia_span data, ia_err *e);

/* v0 and v1 of one block are one blob; where there is no block of the CID's codec, one of the other
 * codec with this hash is opened. NOT_FOUND. */
IA_MUST bool ia_blob_open(ia_blob **out, ia_blobs *b, const ia_cid *cid, ia_err *e);
void ia_blob_close(ia_blob *b); /* NULL is fine */
IA_DEFINE_AUTO(ia_blob, ia_blob_close)
uint64_t ia_blob_size(const ia_blob *b);
/* Bytes of the root's block alone. */
uint64_t ia_blob_root_block(const ia_blob *b);
/* Is there such a blob, and how large is it, without reading it: nothing is checked. zip: its first
 * bytes are those of a zip. */
IA_MUST bool ia_blob_peek(ia_blobs *b, const ia_cid *cid, uint64_t *size, bool *zip, ia_err *e);
/* *n = 0 at the end. CORRUPT when the bytes are not those of the CID. */
IA_MUST bool ia_blob_read_at(ia_blob *b, uint64_t from, uint8_t *buf, size_t cap, size_t *n,
                             ia_err *e);
/* The whole blob, TOO_LARGE beyond cap. */
IA_MUST bool ia_blob_load(ia_buf *out, ia_blobs *b, const ia_cid *cid, size_t cap, ia_err *e);

#endif
