/* The ledger on disk (SQLite, WAL, synchronous FULL): the log of blocks, its indexes, and the state
 * after the last of them, written together in one transaction by a thread of its own. While it
 * syncs, the next blocks gather for the next transaction (group commit). */
#ifndef IA_SERVICE_LEDGER_DISK_H
#define IA_SERVICE_LEDGER_DISK_H

#include "base/buf.h"
#include "base/types.h"

typedef struct ia_disk ia_disk;

/* Called on the writer's thread after every commit, and after a failure (durable unchanged). */
typedef void ia_disk_notify(void *ctx);

enum ia_disk_flags {
  IA_DISK_FAST = 1, /* no syncing: a store that is thrown away (verify) */
};

/* path NULL: in memory. */
IA_MUST bool ia_disk_open(ia_disk **out, const char *path, unsigned flags, ia_err *e);
/* Writes what is queued, ends the thread. NULL is fine. */
void ia_disk_close(ia_disk *d);
IA_DEFINE_AUTO(ia_disk, ia_disk_close)
/* Before the first block. */
void ia_disk_on_commit(ia_disk *d, ia_disk_notify *notify, void *ctx);

/* -- writing: any number of puts, then the block they belong to -- */
void ia_disk_put_state(ia_disk *d, ia_span key, ia_span value); /* empty = remove */
void ia_disk_put_index(ia_disk *d, uint64_t term, uint64_t number);
void ia_disk_put_ref(ia_disk *d, const ia_h256 *hash, uint64_t number);
/* Queues the block with everything put before it. */
IA_MUST bool ia_disk_put_block(ia_disk *d, uint64_t number, ia_span body, ia_err *e);
/* Drops every block above `number`, with what was put before as the state after it; returns when
 * that is durable. Only when everything queued is on disk already. */
IA_MUST bool ia_disk_rewind(ia_disk *d, uint64_t number, ia_err *e);
/* Last block on disk; UINT64_MAX while there is none. Any thread. */
uint64_t ia_disk_durable(ia_disk *d);
/* Waits until block `number` is durable. False with the writer's error. Any thread. */
IA_MUST bool ia_disk_wait(ia_disk *d, uint64_t number, ia_err *e);
/* False with the writer's error once it failed; nothing is written after that. */
IA_MUST bool ia_disk_healthy(ia_disk *d, ia_err *e);

/* State and indexes of another store in the place of ours, in one durable transaction; while
 * nothing is being written. */
IA_MUST bool ia_disk_replace_derived(ia_disk *d, const char *other, ia_err *e);

/* -- reading what is durable; one thread -- */
IA_MUST bool ia_disk_get_state(ia_disk *d, ia_span key, ia_buf *value, ia_err *e);
/* Appends the body; *found false when there is none. */
IA_MUST bool ia_disk_get_block(ia_disk *d, uint64_t number, ia_buf *body, bool *found, ia_err *e);
IA_MUST bool ia_disk_get_ref(ia_disk *d, const ia_h256 *hash, uint64_t *number, bool *found,
                             ia_err *e);
/* Numbers of blocks that have the term, from..to, ascending, at most cap; *n = how many. */
IA_MUST bool ia_disk_find(ia_disk *d, uint64_t term, uint64_t from, uint64_t to, uint64_t *numbers,
                          size_t cap, size_t *n, ia_err *e);

/* Every state row in key order: for the comparison of two stores. *more false at the end; spans
 * live until the next step. */
typedef struct ia_disk_cursor ia_disk_cursor;
IA_MUST bool ia_disk_scan(ia_disk_cursor **out, ia_disk *d, ia_err *e);
IA_MUST bool ia_disk_next(ia_disk_cursor *c, ia_span *key, ia_span *value, bool *more, ia_err *e);
void ia_disk_scan_end(ia_disk_cursor *c); /* NULL is fine */
IA_DEFINE_AUTO(ia_disk_cursor, ia_disk_scan_end)

#endif
