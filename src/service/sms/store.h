/* The SMS's store: the tables in memory and the journal on disk (journal.h), with one writer whose
 * transactions are grouped, so that many releases share one commit. A unit runs whole or not at
 * all; it returns to its caller after the commit is durable. */
#ifndef IA_SERVICE_SMS_STORE_H
#define IA_SERVICE_SMS_STORE_H

#include "service/sms/journal.h"
#include "service/sms/keys.h"

typedef struct ia_sms_store ia_sms_store;

/* Runs inside the writer's transaction, under a savepoint: false rolls back what it wrote. It is
 * called once, by some thread, and must not wait for anything. */
typedef bool ia_sms_unit(void *ctx, ia_db *db, ia_err *e);

IA_MUST bool ia_sms_store_open(ia_sms_store **out, const char *dir, ia_err *e);
void ia_sms_store_close(ia_sms_store *s); /* NULL is fine */
IA_DEFINE_AUTO(ia_sms_store, ia_sms_store_close)

/* Blocks until the outcome is durable.
 * Any thread. */
IA_MUST bool ia_sms_store_run(ia_sms_store *s, ia_sms_unit *fn, void *ctx, ia_err *e);

/* Called after each commit that appended to the journal, with its new end, before the units'
 * callers go on; false fails them. */
typedef bool ia_sms_committed(void *ctx, const ia_journal_tip *tip, ia_err *e);
bool ia_sms_store_fresh(const ia_sms_store *s);
/* What the store was made for, before anything of it is verified: meta bytes. */
IA_MUST bool ia_sms_store_peek(ia_sms_store *s, const char *key, ia_buf *out, ia_err *e);
/* Before the first run: verifies the journal under its key (borrowed) and fills the tables. *tip is
 * its end. verify false: looks away, in a test. */
IA_MUST bool ia_sms_store_load(ia_sms_store *s, const ia_secret *key, bool verify,
                               ia_journal_tip *tip, ia_err *e);
/* MAC of an entry of the loaded journal. */
IA_MUST bool ia_sms_store_mac_of(ia_sms_store *s, uint64_t seq, bool *has, uint8_t mac[32],
                                 ia_err *e);
void ia_sms_store_on_commit(ia_sms_store *s, ia_sms_committed *fn, void *ctx);

/* Small values by name. has may be NULL (then a missing one is NOT_FOUND). */
IA_MUST bool ia_sms_meta_u64(ia_db *db, const char *key, uint64_t *out, bool *has, ia_err *e);
IA_MUST bool ia_sms_meta_set_u64(ia_db *db, const char *key, uint64_t v, ia_err *e);
IA_MUST bool ia_sms_meta_set(ia_db *db, const char *key, uint64_t number, ia_span bytes, ia_err *e);
IA_MUST bool ia_sms_meta_bytes(ia_db *db, const char *key, ia_buf *out, bool *has, ia_err *e);
IA_MUST bool ia_sms_meta_set_bytes(ia_db *db, const char *key, ia_span v, ia_err *e);
#endif
