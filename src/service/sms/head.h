/* How an older copy of the database is noticed: every write counts a generation up, and a file
 * beside the database keeps the highest one under a MAC. A database that is behind its head file
 * was put back. Not noticed: both put back together (docs/sms.md). */
#ifndef IA_SERVICE_SMS_HEAD_H
#define IA_SERVICE_SMS_HEAD_H

#include "base/err.h"
#include "base/secret.h"

typedef struct ia_sms_head {
  int fd;
  const ia_secret *key; /* borrowed */
  uint64_t generation;  /* highest that is on disk */
} ia_sms_head;

/* Opens or makes DIR/head; fresh: the database was made just now. CORRUPT when the file is missing
 * beside an old database, damaged, or ahead of `generation`. */
IA_MUST bool ia_sms_head_open(ia_sms_head *h, const char *dir, const ia_secret *key, bool fresh,
                              uint64_t generation, bool ignore, ia_err *e);
void ia_sms_head_close(ia_sms_head *h);
/* Durable when it returns true. Called after the commit of that generation. */
IA_MUST bool ia_sms_head_set(ia_sms_head *h, uint64_t generation, ia_err *e);

#endif
