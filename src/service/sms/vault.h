/* Secrets at rest: sealed rows, written once but for web2 ones, of which every version stays while
 * a deal may still ask for it. A secret that was forgotten leaves a mark with a version, so
 * that what was signed before does not bring it back. For use inside a unit of the store. */
#ifndef IA_SERVICE_SMS_VAULT_H
#define IA_SERVICE_SMS_VAULT_H

#include "policy/release.h"
#include "service/sms/store.h"

enum {
  IA_SMS_SECRET_MAX = 4096, /* bytes of a value */
  /* Versions that are kept of one secret. Pushes that name no version can be repeated by whoever
   * saw them: they stop earlier, so that the owner's own form has room left. */
  IA_SMS_VERSIONS_PLAIN = 256,
  IA_SMS_VERSIONS_MAX = 1024,
  IA_SMS_VERSION_DAYS = 30, /* a version goes for a new one when it was replaced so long ago */
};

typedef struct ia_sms_secret_id {
  ia_secret_kind kind;
  ia_addr address;
  const char *name; /* "" for dataset keys */
} ia_sms_secret_id;

/* "dataset", "app", "requester", "web2". */
const char *ia_vault_kind_name(ia_secret_kind kind);

typedef struct ia_vault_top {
  uint64_t version; /* the newest, the mark of a forgotten one included; 0 = none ever */
  bool held;
  bool forgotten;
} ia_vault_top;
IA_MUST bool ia_vault_look(ia_db *db, const ia_sms_secret_id *id, ia_vault_top *out, ia_err *e);

typedef struct ia_vault_push {
  ia_span value;
  ia_addr pusher;
  uint64_t now;     /* Unix seconds */
  uint64_t version; /* that the pusher signed; 0 = iExec's form, which names none */
  bool replace;     /* of iExec's form: PUT, which wants one to be there */
} ia_vault_push;

typedef enum ia_vault_outcome {
  IA_VAULT_STORED,
  IA_VAULT_SAME,   /* this value of this pusher stands: nothing was written */
  IA_VAULT_EXISTS, /* another value stands, and it is written once */
  IA_VAULT_NEWER,  /* a version not below this one stands */
} ia_vault_outcome;
/* NOT_FOUND (replace without one), FORBIDDEN (iExec's form after it was forgotten), INVALID (the
 * version grows by too much), TOO_LARGE (too many versions). */
IA_MUST bool ia_vault_put(ia_db *db, const ia_sms_keys *k, const ia_sms_secret_id *id,
                          const ia_vault_push *p, ia_vault_outcome *out, ia_err *e);
/* The newest version not after `until` (Unix seconds). value may be NULL: then only has and pusher
 * are told, and that on the database's word: with the value, CORRUPT when who pushed it, when, or
 * anything else of the row was changed. */
IA_MUST bool ia_vault_get(ia_db *db, const ia_sms_keys *k, const ia_sms_secret_id *id,
                          uint64_t until, bool *has, ia_secret *value, ia_addr *pusher, ia_err *e);
/* Destroys every version and leaves the mark. by: who said so. */
IA_MUST bool ia_vault_forget(ia_db *db, const ia_sms_secret_id *id, const ia_addr *by, uint64_t now,
                             ia_err *e);
/* Is a secret of that kind, address and name there, whatever the letters' case? */
IA_MUST bool ia_vault_named(ia_db *db, const ia_sms_secret_id *id, bool *is, ia_err *e);

#endif
