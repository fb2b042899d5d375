/* The roles that this build has. */
#include "daemon/roles.h"

#include <stddef.h>

const ia_role_def *const ia_role_defs[] = {
    NULL,
};
