/* The roles, one file role_X.c each (role_pool.c: scheduler and worker). */
#ifndef IA_DAEMON_ROLES_H
#define IA_DAEMON_ROLES_H

#include "daemon/options.h"
#include "daemon/role.h"

extern const ia_role_def ia_role_front, ia_role_sms, ia_role_scheduler, ia_role_worker;

#endif
