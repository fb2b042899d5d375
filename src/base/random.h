/* Random bytes of the kernel. */
#ifndef IA_BASE_RANDOM_H
#define IA_BASE_RANDOM_H

#include "base/err.h"

IA_MUST bool ia_random(void *p, size_t n, ia_err *e);

#endif
