/* The one chain of everything that this instance decides by. Each entry is bound to the one before
 * it by a MAC under a key of the instance's root. The tables that decisions ask are in memory,
 * filled from the chain at the start and with each new entry; nothing on disk decides but the
 * chain. What may be destroyed later (sealed secrets) lies beside it, by its hash. For use inside
 * a unit of the store. */
#ifndef IA_SERVICE_SMS_JOURNAL_H
#define IA_SERVICE_SMS_JOURNAL_H

#include "base/secret.h"
#include "store/db.h"

typedef enum ia_journal_kind {
  IA_J_META = 1,  /* key, number or null, bytes or null */
  IA_J_UNSET,     /* key */
  IA_J_SECRET,    /* kind, address, name, version, pusher, time, SHA-256 of what is sealed; zero
                     marks a forgotten one */
  IA_J_FORGET,    /* kind, address, name */
  IA_J_MESSAGE,   /* object, kind, version, signer, time, moves, body, sig */
  IA_J_REVOKED,   /* object, order hash or zero, signer */
  IA_J_DEAL,      /* deal, time of the first sight */
  IA_J_CLOSED,    /* order hash */
  IA_J_PRESIGNED, /* order hash, transaction */
  IA_J_FENCE,     /* task, number, worker */
  IA_J_RELEASE,   /* number, task, dataset, order hash, time; record, its signature */
  IA_J_SLICE,     /* number, task, dataset, order hash, time */
  IA_J_AUDIT,     /* object, verdict, task; the rest of the line, see audit.c */
  IA_J_SIM_ROOT,  /* digest */
  IA_J_OUTDATED,  /* kind, address, name, version: no deal may ask for it any more */
  IA_J_TERMS,     /* object, order hash, signer, version, body: terms of one grant */
  IA_J_ENDED,     /* number of a release, task, cause: the app failed by its own fault */
} ia_journal_kind;

/* An entry that is being written. Fields are put in their order. */
typedef struct ia_entry {
  ia_buf body;
} ia_entry;
void ia_entry_free(ia_entry *x);
IA_DEFINE_AUTO_VALUE(ia_entry, ia_entry_free)
void ia_entry_begin(ia_entry *x, ia_journal_kind kind);
void ia_entry_u64(ia_entry *x, uint64_t v);
void ia_entry_bytes(ia_entry *x, ia_span v);
void ia_entry_text(ia_entry *x, ia_span v);
void ia_entry_null(ia_entry *x);
void ia_entry_addr(ia_entry *x, const ia_addr *v);
void ia_entry_h256(ia_entry *x, const ia_h256 *v);

/* Appends the entry and changes the tables as it says. *seq (may be NULL): its number. */
IA_MUST bool ia_journal_put(ia_db *db, const ia_entry *x, uint64_t *seq, ia_err *e);

/* Fields of an entry that is read. */
enum { IA_ENTRY_FIELDS = 16 };
typedef struct ia_field {
  char type; /* 'i' number, 'b' bytes, 't' text, 'n' null */
  uint64_t number;
  ia_span bytes;
} ia_field;
typedef struct ia_fields {
  ia_journal_kind kind;
  size_t n;
  ia_field f[IA_ENTRY_FIELDS]; /* borrow from the entry */
} ia_fields;
/* CORRUPT for what is no entry. */
IA_MUST bool ia_entry_read(ia_fields *out, ia_span body, ia_err *e);
/* Entry seq from disk into *body: CORRUPT unless its SHA-256 is the one that memory holds. */
IA_MUST bool ia_journal_read(ia_db *db, uint64_t seq, ia_span digest, ia_buf *body, ia_fields *out,
                             ia_err *e);

/* Bytes beside the chain, by the number of the entry that holds their hash. */
IA_MUST bool ia_journal_keep(ia_db *db, uint64_t seq, ia_span bytes, ia_err *e);
IA_MUST bool ia_journal_kept(ia_db *db, uint64_t seq, ia_span digest, ia_buf *out, ia_err *e);
IA_MUST bool ia_journal_destroy(ia_db *db, uint64_t seq, ia_err *e);

/* -- for the store -- */
typedef struct ia_journal_tip {
  uint64_t seq; /* 0: there is no entry */
  uint8_t mac[32];
} ia_journal_tip;

/* A handle whose main database is the memory; the chain at `path` is attached. The first opening
 * makes it (*fresh). CORRUPT for a database with anything in it that is not ours, by name; INVALID
 * for one of an older version. */
IA_MUST bool ia_journal_open(ia_db **out, const char *path, bool *fresh, ia_err *e);
/* The bytes that the first entries set under `key`, before they are verified. */
IA_MUST bool ia_journal_peek(ia_db *db, const char *key, ia_buf *out, ia_err *e);
/* Inside a transaction: looks whether the database has still the form that it had (*form: the
 * number of its form, as it was last found sound), and that its last known entry is in its place;
 * reads what another process has appended. key NULL: nothing is verified (tests alone). */
IA_MUST bool ia_journal_follow(ia_db *db, const ia_secret *key, uint64_t *form, ia_err *e);
/* Writes what was put since the last call to disk, each entry with its MAC; *any: there was some.
 */
IA_MUST bool ia_journal_flush(ia_db *db, const ia_secret *key, bool *any, ia_err *e);
IA_MUST bool ia_journal_tip_get(ia_db *db, ia_journal_tip *out, ia_err *e);
/* MAC of an entry that was verified; has = false: there is no such entry. */
IA_MUST bool ia_journal_mac_of(ia_db *db, uint64_t seq, bool *has, uint8_t mac[32], ia_err *e);

#endif
