/* A sandbox with the hostile program in it, for tests. */
#ifndef IA_TESTS_SANDBOX_HELP_H
#define IA_TESTS_SANDBOX_HELP_H

#include "base/file.h"
#include "sandbox/run.h"

typedef struct box_help {
  ia_path top;  /* everything of this test, removed at the end */
  ia_path root; /* the only layer: bin/hostile, etc/passwd */
  ia_path in;   /* bound at /iexec_in: data */
  bool plain;   /* runs as uid 65534 without cgroups */
} box_help;

/* argv: who ("self" or "plain") and the path of the hostile program. Becomes the plain uid. */
void box_open(box_help *h, int argc, char **argv);
void box_close(box_help *h);

/* Runs one deed; spec may hold limits and more, or be NULL. Asserts that the supervisor did its
 * part.
 */
void box_run(ia_sandbox_result *r, const box_help *h, const char *deed,
             const ia_sandbox_spec *spec);
/* stdout as text; the caller frees. */
char *box_out(const ia_sandbox_result *r);
/* The same of "environment", less the variables that take the place of control groups (view.h). */
char *box_environment(const ia_sandbox_result *r);
/* Asserts that stdout has this whole line. */
void box_said(const ia_sandbox_result *r, const char *line);

#endif
