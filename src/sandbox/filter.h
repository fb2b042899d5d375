/* The system call filter of an app, as BPF bytes built before the fork. */
#ifndef IA_SANDBOX_FILTER_H
#define IA_SANDBOX_FILTER_H

#include "base/buf.h"

/* Appends an array of struct sock_filter. counted: a memory cgroup holds the app, so that memory
 * outside of every process's size is bounded too. UNSUPPORTED on machines other than x86-64. */
IA_MUST bool ia_filter_build(ia_buf *out, bool counted, ia_err *e);

#endif
