/* Where no memory controller is ours: the memory of a process tree, by /proc. */
#ifndef IA_SANDBOX_WATCH_H
#define IA_SANDBOX_WATCH_H

#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

typedef struct ia_tree_use {
  uint64_t bytes;  /* private memory of the processes, and their page tables; not pages of files,
                    * which the kernel takes back, nor shared ones, which are counted elsewhere */
  uint64_t cpu_ms; /* of what still lives */
  unsigned processes;
} ia_tree_use;

/* Everything below (and including) the first process of a box: orphans come back to it, so that the
 * tree is whole. */
void ia_tree_use_get(ia_tree_use *out, pid_t root);
bool ia_swap_active(void);         /* /proc/swaps lists a device, or cannot be read */
bool ia_swap_listed(ia_span text); /* the text of /proc/swaps */

#endif
