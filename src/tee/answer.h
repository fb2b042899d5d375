/* What an SMS answers under its signature (docs/release.md 7): that it took an owner's message, and
 * what only the asker may read, sealed to a key that her signed question names. Who holds the SMS's
 * port can pretend neither, and a question that is sent again tells nobody but its asker. Both
 * sides of the wire use this page; it decides nothing. */
#ifndef IA_TEE_ANSWER_H
#define IA_TEE_ANSWER_H

#include "base/json.h"
#include "base/secret.h"
#include "base/types.h"
#include "tee/domain.h"

enum { IA_ANSWER_PAD = 4096 /* a sealed answer is padded to whole multiples */ };

/* *text of {"text","sig"}, borrowed of the answer; signed by this key under this label
 * (ia_text_sign). SMS_SIGNATURE. */
IA_MUST bool ia_signed_text(const char **text, const json_t *answer, ia_domain d, const char *label,
                            const ia_h256 *sms_key, ia_err *e);

/* Appends the canonical text that says that this message (ia_owner_message_hash) is taken; signed
 * as "owner-ok". The hash is over object, kind, version and SMS: said again, it still says no more
 * than that. */
IA_MUST bool ia_owner_ok_text(ia_buf *out, const ia_h256 *message, ia_err *e);
/* SMS_SIGNATURE, also for the acknowledgement of another message. */
IA_MUST bool ia_owner_ok_check(const json_t *answer, ia_domain d, const ia_h256 *message,
                               const ia_h256 *sms_key, ia_err *e);

/* Appends the body of a signed question: what is asked, and the X25519 key to which the answer is
 * to be sealed. The asker makes that key for this question alone. */
IA_MUST bool ia_question_body(ia_buf *out, const json_t *asked, const ia_h256 *reply_key,
                              ia_err *e);
/* Appends the canonical text of a sealed answer; signed as "owner-answer". question: the hash of
 * the signed message. */
IA_MUST bool ia_answer_seal(ia_buf *out, ia_domain d, const ia_h256 *question,
                            const ia_h256 *reply_key, const json_t *answer, ia_err *e);
/* *out: new reference. SMS_SIGNATURE when the SMS did not sign it for this question; CRYPTO when
 * it was sealed to another key. */
IA_MUST bool ia_answer_open(json_t **out, const json_t *answer, ia_domain d,
                            const ia_h256 *question, const ia_secret *reply_secret,
                            const ia_h256 *sms_key, ia_err *e);

#endif
