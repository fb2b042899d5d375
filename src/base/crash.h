/* Named crash points: places, after a durable write or before a reply, where a test build can die
 * as by kill -9. Nothing at all in other builds. */
#ifndef IA_BASE_CRASH_H
#define IA_BASE_CRASH_H

#include "base/attr.h"

#ifdef IA_TEST_HOOKS
/* Dies by SIGKILL when the environment says so, at most once a name and run:
 *   IAPP_CRASH_DIR   folder of the run; a file `name` there means that this point has fired
 *   IAPP_CRASH_SEED  the point fires at its k-th passage, k in 1..4 drawn from seed and name
 *   IAPP_CRASH_ONLY  only these names fire (at their first passage when there is no seed); commas
 *                    between them
 *   IAPP_CRASH_TERM  the parent gets SIGTERM instead, and we go on: an orderly stop just here */
void ia_crash_point(const char *name);
#else
static inline void ia_crash_point(const char *name IA_UNUSED) {}
#endif

#endif
