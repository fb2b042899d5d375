/* Secrets at rest: sealed rows, written once but for web2 ones, of which every version stays. For
 * use inside a unit of the store. */
#ifndef IA_SERVICE_SMS_VAULT_H
#define IA_SERVICE_SMS_VAULT_H

#include "policy/release.h"
#include "service/sms/store.h"

enum { IA_SMS_SECRET_MAX = 4096 /* bytes of a value */ };

typedef struct ia_sms_secret_id {
  ia_secret_kind kind;
  ia_addr address;
  const char *name; /* "" for dataset keys */
} ia_sms_secret_id;

IA_MUST bool ia_vault_has(ia_db *db, const ia_sms_secret_id *id, bool *has, ia_err *e);
/* Refuses a value that is not of the form of its kind (secret_form.h), whichever route it came by.
 * EXISTS unless replace (web2), which needs one: NOT_FOUND. */
IA_MUST bool ia_vault_put(ia_db *db, const ia_sms_keys *k, const ia_sms_secret_id *id,
                          ia_span value, const ia_addr *pusher, uint64_t now, bool replace,
                          ia_err *e);
/* The newest version not after `until` (Unix seconds). value may be NULL: then only has and pusher
 * are told, and that on the database's word: with the value, CORRUPT when who pushed it, when, or
 * anything else of the row was changed. */
IA_MUST bool ia_vault_get(ia_db *db, const ia_sms_keys *k, const ia_sms_secret_id *id,
                          uint64_t until, bool *has, ia_secret *value, ia_addr *pusher, ia_err *e);
IA_MUST bool ia_vault_forget(ia_db *db, const ia_sms_secret_id *id, ia_err *e);

#endif
