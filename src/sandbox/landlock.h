/* Landlock for the app: a second barrier behind the mounts. */
#ifndef IA_SANDBOX_LANDLOCK_H
#define IA_SANDBOX_LANDLOCK_H

#include <stdbool.h>

int ia_landlock_abi(void); /* 0 when the kernel has none */
/* Restricts the calling thread. Async-signal-safe. errno on failure. */
bool ia_landlock_enter(int abi, bool writable);

#endif
