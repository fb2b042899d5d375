/* The plans of the two kinds of box: what their root looks like. Private to this layer. */
#ifndef IA_SANDBOX_ROOT_H
#define IA_SANDBOX_ROOT_H

#include "sandbox/cgroup.h"
#include "sandbox/guestbox.h"
#include "sandbox/plan.h"

/* Overlay of the layers, /tmp, /dev, /iexec_out, masked /proc, binds; limits are filled. */
IA_MUST bool ia_root_app(ia_plan *p, const ia_sandbox_spec *spec, const ia_sandbox_limits *l,
                         const ia_cgroup *group, ia_err *e);
/* A tmpfs with the guest's executable, its libraries when dynamic, binds, unmasked /proc;
 * cgroup_dirs: IA_CG_COUNT folders, NULL where there is none. */
IA_MUST bool ia_root_guest(ia_plan *p, const ia_guestbox_spec *spec, const char *const *cgroup_dirs,
                           uint64_t data_bytes, ia_err *e);

#endif
