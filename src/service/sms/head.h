/* How an older copy of the database is noticed: a file beside it keeps the number and the MAC of
 * the journal's last entry under a MAC of its own. A journal that does not hold that entry was put
 * back, or another one put in its place. Not noticed: both files put back together (docs/sms.md).
 */
#ifndef IA_SERVICE_SMS_HEAD_H
#define IA_SERVICE_SMS_HEAD_H

#include "base/err.h"
#include "base/secret.h"
#include "service/sms/journal.h"

typedef struct ia_sms_head {
  int fd;
  const ia_secret *key; /* borrowed */
  bool slot;            /* where the highest stands */
  bool any;             /* it was there and holds something that we wrote */
  ia_journal_tip tip;   /* highest that is on disk */
} ia_sms_head;

/* Opens or makes DIR/head and reads it. */
IA_MUST bool ia_sms_head_open(ia_sms_head *h, const char *dir, const ia_secret *key, ia_err *e);
void ia_sms_head_close(ia_sms_head *h);
/* Durable when it returns true. Called after the commit of that entry. */
IA_MUST bool ia_sms_head_set(ia_sms_head *h, const ia_journal_tip *tip, ia_err *e);

#endif
