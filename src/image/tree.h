/* Changing a tree below one folder without ever leaving it: parents are resolved inside the root
 * (RESOLVE_IN_ROOT, no magic links), last components are not followed. */
#ifndef IA_IMAGE_TREE_H
#define IA_IMAGE_TREE_H

#include "image/inodes.h"

/* Splits a normalised path ("a/b/c"; "" = the root itself) into an O_PATH descriptor of its parent,
 * made when missing or when a link there dangles (what is made is added to `made`), and its last
 * component (points into path). */
IA_MUST bool ia_tree_parent(int root, const char *path, int *parent, const char **last,
                            ia_inodes *made, ia_err *e);
/* Opens a file for reading, resolving every link inside the root. */
IA_MUST bool ia_tree_open_file(int root, const char *path, int *fd, ia_err *e);
/* Removes what is at `name`, whole; nothing there is fine. keep (may be NULL): inodes that stay,
 * with the folders above them. */
IA_MUST bool ia_tree_remove(int dir, const char *name, const ia_inodes *keep, ia_err *e);
/* Removes what is inside, not the folder. */
IA_MUST bool ia_tree_empty(int dir, const char *name, const ia_inodes *keep, ia_err *e);

#endif
