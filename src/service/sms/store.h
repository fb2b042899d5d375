/* The SMS's database: one writer whose transactions are grouped, so that many releases share one
 * commit. A unit runs whole or not at all; it returns to its caller after the commit is durable. */
#ifndef IA_SERVICE_SMS_STORE_H
#define IA_SERVICE_SMS_STORE_H

#include "service/sms/keys.h"
#include "store/db.h"

typedef struct ia_sms_store ia_sms_store;

/* Runs inside the writer's transaction, under a savepoint: false rolls back what it wrote. It is
 * called once, by some thread, and must not wait for anything. */
typedef bool ia_sms_unit(void *ctx, ia_db *db, ia_err *e);

IA_MUST bool ia_sms_store_open(ia_sms_store **out, const char *dir, ia_err *e);
void ia_sms_store_close(ia_sms_store *s); /* NULL is fine */
IA_DEFINE_AUTO(ia_sms_store, ia_sms_store_close)

/* writes: the unit changes the store (a generation, an fsync). Blocks until the outcome is durable.
 * Any thread. */
IA_MUST bool ia_sms_store_run(ia_sms_store *s, bool writes, ia_sms_unit *fn, void *ctx, ia_err *e);

/* Called after each commit with the new generation, before the units' callers go on; false fails
 * them. Set once, before the first write. */
typedef bool ia_sms_committed(void *ctx, uint64_t generation, ia_err *e);
void ia_sms_store_on_commit(ia_sms_store *s, ia_sms_committed *fn, void *ctx);
uint64_t ia_sms_store_generation(const ia_sms_store *s); /* before the first run */
bool ia_sms_store_fresh(const ia_sms_store *s);

/* Small values by name. has may be NULL (then a missing one is NOT_FOUND). */
IA_MUST bool ia_sms_meta_u64(ia_db *db, const char *key, uint64_t *out, bool *has, ia_err *e);
IA_MUST bool ia_sms_meta_set_u64(ia_db *db, const char *key, uint64_t v, ia_err *e);
IA_MUST bool ia_sms_meta_bytes(ia_db *db, const char *key, ia_buf *out, bool *has, ia_err *e);
IA_MUST bool ia_sms_meta_set_bytes(ia_db *db, const char *key, ia_span v, ia_err *e);
/* Counts a number up and gives the new one. */
IA_MUST bool ia_sms_meta_next(ia_db *db, const char *key, uint64_t *out, ia_err *e);

#endif
