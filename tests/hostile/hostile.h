/* What the hostile program can do; each returns its exit status. Verdicts are lines "name=value" on
 * stdout, which the tests compare. */
#ifndef IA_TESTS_HOSTILE_H
#define IA_TESTS_HOSTILE_H

#include <stdio.h>

/* Prints "name=0", or "name=<errno word>" when rc says failure. */
void said(const char *name, long rc);

int do_fill(void);
int do_many_files(void);
int do_odd_output(void);
int do_odd_names(void);
int do_deep(void);
int do_sparse(void);
int do_read_only(void);
int do_setuid(void);
int do_computed_link(void);
int do_computed_large(void);

int do_machine(void);
int do_proc(void);
int do_calls(void);
int do_sockets(void);
int do_namespaces(void);
int do_mknod(void);
int do_devices(void);
int do_clock(void);
int do_ids(void);

int do_limits(void);

#endif
