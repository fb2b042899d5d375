/* What is said and kept when everything is ready. */
#ifndef IA_DAEMON_ANNOUNCE_H
#define IA_DAEMON_ANNOUNCE_H

#include "daemon/home.h"

/* Enters our own SMS into HOME/trust.json, writes HOME/ready.json, prints the line of readiness
 * (JSON with --json, text otherwise, nothing with --quiet). fields: what the roles said. */
IA_MUST bool ia_announce(const ia_home *h, const ia_daemon_options *o, const json_t *fields,
                         uint64_t ms, ia_err *e);

#endif
