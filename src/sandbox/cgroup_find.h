/* Finding the groups of this process, and small reads and writes below them. */
#ifndef IA_SANDBOX_CGROUP_FIND_H
#define IA_SANDBOX_CGROUP_FIND_H

#include "sandbox/cgroup.h"

typedef struct ia_cgroup_bases {
  char *dir[IA_CG_COUNT]; /* NULL where a hierarchy is not there; owned */
} ia_cgroup_bases;

/* root: folder of delegated hierarchies, or NULL to look at /proc/self. Never fails. */
void ia_cgroup_find(ia_cgroup_bases *out, const char *root);
void ia_cgroup_bases_free(ia_cgroup_bases *b);
IA_DEFINE_AUTO_VALUE(ia_cgroup_bases, ia_cgroup_bases_free)

enum { IA_CGROUP_NAME = 64 };
/* The controllers of the version 1 hierarchy that c is part of, as the kernel lists them
 * ("cpu,cpuacct"). False when there is none, or its list is longer. */
bool ia_cgroup_hierarchy(char out[IA_CGROUP_NAME], ia_cgroup_control c);

bool ia_cgroup_write(const char *dir, const char *file, const char *text);
char *ia_cgroup_read(const char *dir, const char *file); /* NULL when unreadable; caller frees */

#endif
