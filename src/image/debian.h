/* Debian packages without a Debian system: apt resolves against an empty one by this machine's own
 * sources (Debian main only), the .deb files are kept by their SHA-256, and are unpacked without
 * running a script of theirs. */
#ifndef IA_IMAGE_DEBIAN_H
#define IA_IMAGE_DEBIAN_H

#include "image/lock.h"
#include "image/maker.h"

/* Tells the user what goes on; may be NULL. */
typedef void (*ia_build_say)(void *ctx, const char *text);

/* Fills lock->packages, sorted by name, with `names` (NULL-terminated) and all that they need.
 * UNAVAILABLE when this machine's apt has no lists. scratch: a folder of the caller's. */
IA_MUST bool ia_debian_resolve(ia_lock *lock, const char *const *names, const char *scratch,
                               ia_err *e);
/* The tree of the locked packages into an empty folder; debs are kept in `cache`. NOT_FOUND when
 * the archive has a version no more. */
IA_MUST bool ia_debian_unpack(const ia_lock *lock, const char *root, const char *cache,
                              const char *scratch, ia_err *e);
/* Fills `package` of the lock's files of this host with "name=version" where dpkg knows it. */
IA_MUST bool ia_debian_owners(ia_lock *lock, ia_err *e);

#endif
