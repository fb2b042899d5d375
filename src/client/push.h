/* Secrets pushed to the one SMS that is trusted: sealed to a key which that SMS certifies in a
 * fresh challenge, bound to ledger, SMS, kind, object, name and version, acknowledged by its
 * signature (docs/release.md 12). Who merely holds its port learns nothing and cannot pretend. */
#ifndef IA_CLIENT_PUSH_H
#define IA_CLIENT_PUSH_H

#include "client/net.h"
#include "tee/push.h"

typedef enum ia_push_outcome {
  IA_PUSH_STORED,
  IA_PUSH_SAME,   /* that value of this wallet stands already */
  IA_PUSH_EXISTS, /* another value stands, and it is written once */
} ia_push_outcome;

/* UNKNOWN_SMS when net names no SMS that is trusted; SMS_SIGNATURE when what answers is not it.
 * Neither outcome nor success is ever taken from an answer that it did not sign. */
IA_MUST bool ia_push_secret(const ia_net *net, const ia_wallet *w, const ia_push_place *at,
                            ia_span value, ia_push_outcome *outcome, ia_err *e);

#endif
