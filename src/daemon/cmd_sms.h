/* Verbs of the SMS's operator: `iappd sms confirm-ledger`, `iappd sms trust-sim ROOT.pem`. */
#ifndef IA_DAEMON_CMD_SMS_H
#define IA_DAEMON_CMD_SMS_H

#include "daemon/options.h"

IA_MUST bool ia_cmd_confirm_ledger(const ia_daemon_options *o, int n, char **words, ia_err *e);
IA_MUST bool ia_cmd_trust_sim(const ia_daemon_options *o, int n, char **words, ia_err *e);

#endif
