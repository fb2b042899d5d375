/* A set of inode numbers: what one layer has put into the tree, so that its whiteouts spare it. */
#ifndef IA_IMAGE_INODES_H
#define IA_IMAGE_INODES_H

#include <sys/types.h>

#include "base/err.h"

typedef struct ia_inodes {
  ino_t *slots; /* 0 = empty; no file has inode 0 */
  size_t room;  /* a power of two */
  size_t n;
} ia_inodes;

/* A zeroed set is empty. */
IA_MUST bool ia_inodes_add(ia_inodes *s, ino_t ino, ia_err *e);
bool ia_inodes_has(const ia_inodes *s, ino_t ino);
void ia_inodes_free(ia_inodes *s);
IA_DEFINE_AUTO_VALUE(ia_inodes, ia_inodes_free)

#endif
