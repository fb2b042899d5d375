/* The roles that this build has; NULL-terminated. One file role_X.c each. */
#ifndef IA_DAEMON_ROLES_H
#define IA_DAEMON_ROLES_H

#include "daemon/role.h"

extern const ia_role_def *const ia_role_defs[];

#endif
