/* The ledger's state: keys to bytes, cached in memory up to a cap over a store on disk. Changes are
 * journaled, so that a refused call is undone exactly. One thread. */
#ifndef IA_SERVICE_LEDGER_KV_H
#define IA_SERVICE_LEDGER_KV_H

#include "base/buf.h"

typedef struct ia_kv ia_kv;

/* Loads a key that is not cached: value empty when there is none. Appends to `value`. */
typedef bool ia_kv_load(void *ctx, ia_span key, ia_buf *value, ia_err *e);

/* cap: bytes of keys and values kept; entries not yet durable are kept beyond it. */
IA_MUST bool ia_kv_new(ia_kv **out, size_t cap, ia_kv_load *load, void *ctx, ia_err *e);
void ia_kv_free(ia_kv *kv); /* NULL is fine */
IA_DEFINE_AUTO(ia_kv, ia_kv_free)

/* Empty when there is none. The bytes live until ia_kv_end. */
IA_MUST bool ia_kv_get(ia_kv *kv, ia_span key, ia_span *value);
/* An empty value removes the key. At most 64 KiB of key. */
IA_MUST bool ia_kv_put(ia_kv *kv, ia_span key, ia_span value);

size_t ia_kv_mark(const ia_kv *kv);
/* Takes back every change since the mark. */
void ia_kv_undo(ia_kv *kv, size_t mark);
/* Every key changed since the last end, once, with its value now, in the order of first change. */
typedef void ia_kv_visit(void *ctx, ia_span key, ia_span value);
void ia_kv_changes(ia_kv *kv, ia_kv_visit *visit, void *ctx);
/* The same keys with the values that they had before. */
void ia_kv_changed_from(ia_kv *kv, ia_kv_visit *visit, void *ctx);
size_t ia_kv_n_changes(const ia_kv *kv);
/* Ends a transaction: its changes belong to block `height` and stay in memory until ia_kv_trim
 * hears that it is durable. */
void ia_kv_end(ia_kv *kv, uint64_t height);
void ia_kv_trim(ia_kv *kv, uint64_t durable);

/* The first failure of a load or of memory; every call fails after it. */
const ia_err *ia_kv_error(const ia_kv *kv); /* NULL = none */
size_t ia_kv_bytes(const ia_kv *kv);

#endif
