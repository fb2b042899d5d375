/* The limits of an app where programs look for them: its own control groups, read-only below
 * /sys/fs/cgroup of the box, with nothing in them that tells of the machine; and the variables that
 * take their place where the kernel does not let us mount them. */
#ifndef IA_SANDBOX_VIEW_H
#define IA_SANDBOX_VIEW_H

#include "sandbox/cgroup.h"
#include "sandbox/limits.h"
#include "sandbox/plan.h"

/* Are there groups of the app's own, its memory's among them, where a runtime finds them all? */
bool ia_view_possible(const ia_cgroup *g);
/* Mount points, below the folder `base` of the skeleton. */
IA_MUST bool ia_view_nodes(ia_plan *p, const char *base, const ia_cgroup *g, ia_err *e);
/* The mounts, in the working folder: steps that are of the view, all or none (plan.h). */
IA_MUST bool ia_view_mounts(ia_plan *p, const ia_cgroup *g, ia_err *e);

enum { IA_VIEW_NAMES = 4 };

typedef struct ia_view_env {
  const char **v; /* NULL-terminated; owned, the texts of `env` are borrowed */
  char *own[IA_VIEW_NAMES];
} ia_view_env;

/* env, and JAVA_TOOL_OPTIONS, GOMEMLIMIT, GOMAXPROCS and NODE_OPTIONS where it does not set them.
 */
IA_MUST bool ia_view_env_make(ia_view_env *out, const char *const *env, const ia_sandbox_limits *l,
                              ia_err *e);
void ia_view_env_free(ia_view_env *v);
IA_DEFINE_AUTO_VALUE(ia_view_env, ia_view_env_free)

#endif
