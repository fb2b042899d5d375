/* The tables in memory that decisions ask, what each entry of the journal does to them, and the
 * form of the database on disk. */
#ifndef IA_SERVICE_SMS_TABLES_H
#define IA_SERVICE_SMS_TABLES_H

#include "service/sms/journal.h"

typedef struct ia_sms_effect {
  size_t fields; /* of the entry */
  size_t kept;   /* the first so many are bound, in their order; then .. */
  bool numbered; /* .. the entry's number, */
  bool hashed;   /* .. the SHA-256 of the entry: the rest of it stays on disk */
  const char *sql;
} ia_sms_effect;
const ia_sms_effect *ia_sms_effect_of(ia_journal_kind kind); /* NULL: there is no such kind */

IA_MUST bool ia_sms_tables_make(ia_db *db, ia_err *e);

/* Makes the tables of an empty database (*fresh), or looks at what is there. */
IA_MUST bool ia_sms_form_make(ia_db *db, const char *path, bool *fresh, ia_err *e);
/* CORRUPT with the name of what is not ours, or is ours no more. *form: SQLite's number of the
 * form when it was last found sound; 0 = never. */
IA_MUST bool ia_sms_form_check(ia_db *db, uint64_t *form, ia_err *e);

#endif
