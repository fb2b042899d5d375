/* Transactions of one account that left and are in no block that is final yet, kept in a folder so
 * that another process, or the next one, can carry on. Every change is made under a lock that holds
 * among threads and processes. Without a folder everything is the caller's memory. */
#ifndef IA_CHAIN_OUTBOX_H
#define IA_CHAIN_OUTBOX_H

#include "base/buf.h"
#include "base/file.h"
#include "eth/tx.h"

enum { IA_OUTGOING_FORMS = 16, IA_OUTBOX_MAX = 256 };

/* One nonce: the same call, signed once or several times with growing fees. Any of them may be
 * mined. */
typedef struct ia_outgoing {
  uint64_t nonce;
  uint64_t block; /* the head when the last form was signed */
  uint64_t ms;    /* Unix milliseconds of that */
  ia_buf raw[IA_OUTGOING_FORMS];
  size_t n;
} ia_outgoing;
void ia_outgoing_free(ia_outgoing *t);
IA_DEFINE_AUTO_VALUE(ia_outgoing, ia_outgoing_free)
/* Of the last form; borrows from it. */
IA_MUST bool ia_outgoing_tx(const ia_outgoing *t, ia_tx *out, ia_err *e);
/* Appends a form. TOO_LARGE when there are too many. */
IA_MUST bool ia_outgoing_add(ia_outgoing *t, ia_span raw, uint64_t block, ia_err *e);

typedef struct ia_outbox {
  bool kept;
  ia_path dir;
  int lock; /* descriptor; -1 = not held */
} ia_outbox;

/* top/CHAIN-ACCOUNT; top NULL: nothing is kept. */
IA_MUST bool ia_outbox_open(ia_outbox *o, const char *top, uint64_t chain_id,
                            const ia_addr *account, ia_err *e);
IA_MUST bool ia_outbox_lock(ia_outbox *o, ia_err *e); /* waits */
void ia_outbox_unlock(ia_outbox *o);                  /* and the end of its life; NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_outbox, ia_outbox_unlock)

/* Locked. Growing nonces; the first `max` of them. */
IA_MUST bool ia_outbox_list(const ia_outbox *o, uint64_t *nonces, size_t max, size_t *n, ia_err *e);
/* NOT_FOUND: it is final, or given up. */
IA_MUST bool ia_outbox_load(const ia_outbox *o, ia_outgoing *out, uint64_t nonce, ia_err *e);
IA_MUST bool ia_outbox_save(const ia_outbox *o, const ia_outgoing *t, ia_err *e);
void ia_outbox_drop(const ia_outbox *o, uint64_t nonce);

#endif
