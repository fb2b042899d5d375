/* Starts the roles as processes of their own, in the order of their needs, each with the files it
 * needs and no more; starts them again with growing pauses when they end; ends them all on SIGTERM
 * or SIGINT. */
#ifndef IA_DAEMON_SUPERVISOR_H
#define IA_DAEMON_SUPERVISOR_H

#include "daemon/home.h"

/* Runs until a signal ends it; false when a role cannot start at first. */
IA_MUST bool ia_supervise(const ia_daemon_options *o, ia_err *e);

#endif
