/* The system call filter of an app, as BPF bytes built before the fork. */
#ifndef IA_SANDBOX_FILTER_H
#define IA_SANDBOX_FILTER_H

#include "base/buf.h"

/* Appends an array of struct sock_filter. UNSUPPORTED on machines other than x86-64. */
IA_MUST bool ia_filter_build(ia_buf *out, ia_err *e);

#endif
