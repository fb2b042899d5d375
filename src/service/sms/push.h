/* Secrets that our own client pushes (docs/release.md 12): challenges, and the key to which they
 * are sealed, both of this process alone. */
#ifndef IA_SERVICE_SMS_PUSH_H
#define IA_SERVICE_SMS_PUSH_H

#include "base/secret.h"
#include "base/types.h"
#include "http/server.h"
#include "tee/push.h"

typedef struct ia_sms_push ia_sms_push;

IA_MUST bool ia_sms_push_open(ia_sms_push **out, ia_err *e);
void ia_sms_push_close(ia_sms_push *p); /* NULL is fine */
IA_DEFINE_AUTO(ia_sms_push, ia_sms_push_close)

/* A nonce that answers the client's at this place; nothing is kept of it. */
IA_MUST bool ia_sms_push_nonce(const ia_sms_push *p, ia_push_challenge *c, uint64_t now, ia_err *e);
/* NONCE_INVALID unless it was given for this place and client's nonce, less than IA_PUSH_SECONDS
 * ago, and was not used. Of the used ones the last IA_SMS_PUSH_USED are remembered; an older one
 * changes nothing all the same, since the version that it was sealed with stands already. */
IA_MUST bool ia_sms_push_use(ia_sms_push *p, const ia_push_challenge *c, uint64_t now, ia_err *e);
enum { IA_SMS_PUSH_USED = 4096 };

/* -- handlers; ctx is the ia_sms -- */
ia_handler ia_sms_h_push_challenge, ia_sms_h_push_secret;

#endif
