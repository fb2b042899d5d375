/* The form of a secret, checked when it is pushed: what could only fail inside a task, after keys
 * of others have left, is refused at once. */
#ifndef IA_SERVICE_SMS_SECRET_FORM_H
#define IA_SERVICE_SMS_SECRET_FORM_H

#include "service/sms/vault.h"

/* Key of a dataset: standard base64 of exactly 32 bytes (BAD_KEY). Result key: a PEM text, or its
 * base64, of an RSA public key that results can be encrypted for (RESULT_KEY_INVALID). App and
 * requester secrets: no NUL byte, which no environment variable can hold (INVALID). Other named
 * secrets have no form. Judging an RSA key takes time: never inside a unit of the store. */
IA_MUST bool ia_sms_secret_form(const ia_sms_secret_id *id, ia_span value, ia_err *e);

/* Appends the PEM text of a result key as iExec clients push it (base64) or in the clear. */
void ia_sms_result_key_pem(ia_buf *pem, ia_span value);

#endif
