/* The secret management service: secrets pushed to the SMS that net trusts (client/push.h), owners'
 * messages, the owner's log, and what a release would decide (docs/protocol.md 2). What `has` says
 * is nobody's word: no secret and no money may depend on it. */
#ifndef IA_CLIENT_TO_SMS_H
#define IA_CLIENT_TO_SMS_H

#include "client/net.h"
#include "client/secret_auth.h"

IA_MUST bool ia_to_sms_has_dataset_key(const ia_net *net, bool *has, const ia_addr *dataset,
                                       ia_err *e);
/* value: 44 characters of base64. EXISTS: keys are written once, and the SMS says by its signature
 * that it keeps another one; the same one again is fine. */
IA_MUST bool ia_to_sms_push_dataset_key(const ia_net *net, const ia_wallet *w,
                                        const ia_addr *dataset, ia_span value, ia_err *e);
IA_MUST bool ia_to_sms_push_app_secret(const ia_net *net, const ia_wallet *w, const ia_addr *app,
                                       ia_span value, ia_err *e);
/* name: letters, digits, - and _, at most 64. */
IA_MUST bool ia_to_sms_push_requester_secret(const ia_net *net, const ia_wallet *w,
                                             const char *name, ia_span value, ia_err *e);
IA_MUST bool ia_to_sms_has_result_key(const ia_net *net, bool *has, const ia_addr *owner,
                                      ia_err *e);
/* pem: SubjectPublicKeyInfo. Replaces an older one (results of older tasks stay readable with the
 * older key alone). */
IA_MUST bool ia_to_sms_push_result_key(const ia_net *net, const ia_wallet *w, ia_span pem,
                                       ia_err *e);

/* The signed description of an instance; the signature is checked against the key it names: whether
 * that key is to be trusted is for the caller (trust file). */
typedef struct ia_sms_info {
  json_t *text;    /* owned; docs/protocol.md 2, GET /info */
  ia_h256 sms_key; /* Ed25519 */
  bool simulated;
  uint64_t confirmations; /* blocks that it wants above a deal; beside the text, so nobody's word */
} ia_sms_info;
void ia_sms_info_free(ia_sms_info *i); /* NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_sms_info, ia_sms_info_free)
IA_MUST bool ia_to_sms_info(const ia_net *net, ia_sms_info *out, ia_err *e);

/* What follows is told to the SMS that net trusts (sms_key), signed for it alone, and believed only
 * under its signature: UNKNOWN_SMS where none is trusted, SMS_SIGNATURE when another one answers.
 * Answers are sealed to a key of the question, so who hears or sends it again reads nothing. */
/* Signs and posts an owner's message (docs/release.md 7) under the version after her newest one of
 * this object and kind, which the SMS tells; *version (may be NULL) is it. */
IA_MUST bool ia_to_sms_owner_message(const ia_net *net, const ia_wallet *w, const char *kind,
                                     const ia_addr *object, const json_t *body, uint64_t *version,
                                     ia_err *e);
/* The same under just this version: POLICY_ROLLBACK when a newer one is there. */
IA_MUST bool ia_to_sms_owner_message_at(const ia_net *net, const ia_wallet *w, const char *kind,
                                        const ia_addr *object, uint64_t version, const json_t *body,
                                        ia_err *e);
/* What the wallet has in force for her data, and what was used of it (docs/protocol.md 2, GET
 * /owner/v1/limits, all its pages); new reference. */
IA_MUST bool ia_to_sms_limits(const ia_net *net, const ia_wallet *w, const ia_addr *object,
                              json_t **out, ia_err *e);
/* Would a run on one of her grants get the key (POST /owner/v1/test)? New reference: the form of
 * ia_to_sms_why. */
IA_MUST bool ia_to_sms_try(const ia_net *net, const ia_wallet *w, const ia_addr *dataset,
                           const json_t *what, json_t **out, ia_err *e);
/* One page of the owner's log; new reference: {"entries":[..],"next"?}. */
IA_MUST bool ia_to_sms_log(const ia_net *net, const ia_wallet *w, const ia_addr *object,
                           uint64_t after, json_t **out, ia_err *e);
/* {"taskId"} or {"orders":{..}} -> {"verdict","clauses":[..]}; new reference. Signed by w, so that
 * the requester reads sentences and the owner her past; NULL: codes alone, and nobody's word. */
IA_MUST bool ia_to_sms_why(const ia_net *net, const ia_wallet *w, const json_t *what, json_t **out,
                           ia_err *e);

#endif
