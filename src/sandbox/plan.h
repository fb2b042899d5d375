/* What the first process of a box does before anything is executed: a list of steps with all its
 * texts made by the parent, so that the child allocates nothing (it is a fork of a process that may
 * have threads). */
#ifndef IA_SANDBOX_PLAN_H
#define IA_SANDBOX_PLAN_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

typedef enum ia_step_kind {
  IA_STEP_PRIVATE, /* no mount event leaves or enters from here on */
  IA_STEP_MKDIR,   /* target, mode; an existing folder is fine */
  IA_STEP_OWN,     /* target becomes uid's and gid's */
  IA_STEP_FILE,    /* an empty file at target, for a bind on top */
  IA_STEP_SYMLINK, /* data -> target */
  IA_STEP_MOUNT,   /* type, target, flags, data */
  IA_STEP_OVERLAY, /* layers are the sources marked so, at target */
  IA_STEP_BIND,    /* source on target, then attributes `flags` (MOUNT_ATTR_*), recursively */
  IA_STEP_PROTECT, /* target on itself, then attributes `flags` */
  IA_STEP_CHDIR,
  IA_STEP_PIVOT, /* the working folder becomes "/" and the old root goes away */
  IA_STEP_ATTR,  /* attributes `flags` on target alone */
  IA_STEP_INODE, /* target is the folder with the inode `flags` */
  IA_STEP_SEND,  /* opens target and sends the descriptor to the parent */
} ia_step_kind;

typedef struct ia_step {
  ia_step_kind kind;
  bool optional; /* a missing target is no failure */
  bool view;     /* of the app's view of its limits (view.h): where one of these fails, what was
                  * mounted of it goes and the rest is left out */
  int source;    /* index, or -1 */
  mode_t mode;
  unsigned long flags;
  uint32_t uid, gid;
  char *target, *type, *data; /* owned by the plan; may be NULL */
} ia_step;

typedef enum ia_source_role {
  IA_SOURCE_PATH,
  IA_SOURCE_LAYER,
  IA_SOURCE_UPPER,
  IA_SOURCE_WORK
} ia_source_role;

/* Opened with O_PATH before anything is covered, and before the uid changes: what the caller may
 * reach stays reachable. */
typedef struct ia_source {
  char *path;
  ia_source_role role;
} ia_source;

enum { IA_PLAN_STEPS = 512, IA_PLAN_SOURCES = 256 };

typedef struct ia_plan {
  ia_step steps[IA_PLAN_STEPS];
  size_t n_steps;
  ia_source sources[IA_PLAN_SOURCES];
  size_t n_sources;
  bool bad; /* too many, or no memory */
} ia_plan;

void ia_plan_free(ia_plan *p);
IA_DEFINE_AUTO(ia_plan, ia_plan_free)

int ia_plan_source(ia_plan *p, const char *path, ia_source_role role);
/* The new last step; never NULL (a scratch step when the plan is full and so bad). */
ia_step *ia_plan_step(ia_plan *p, ia_step_kind kind, const char *fmt, ...) IA_PRINTF(3, 4);
void ia_plan_mount(ia_plan *p, const char *type, const char *target, unsigned long flags,
                   const char *fmt, ...) IA_PRINTF(5, 6);
/* Folders down to `path` (absolute, no "..") below the folder `base`; then, for a file, an empty
 * one. INVALID for other paths. */
IA_MUST bool ia_plan_node(ia_plan *p, const char *base, const char *path, bool file, ia_err *e);
IA_MUST bool ia_plan_ok(const ia_plan *p, ia_err *e);

struct ia_sandbox_spec;
struct ia_guestbox_spec;

#endif
