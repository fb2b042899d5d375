/* What the files of the agent share. */
#ifndef IA_GUEST_AGENT_INTERNAL_H
#define IA_GUEST_AGENT_INTERNAL_H

#include "guest/agent.h"
#include "guest/attest.h"
#include "guest/inputs.h"
#include "guest/link.h"
#include "guest/output.h"
#include "guest/task.h"
#include "image/run.h"
#include "image/unpack.h"
#include "receipt/run.h"

typedef struct ia_agent {
  const ia_agent_spec *spec;
  ia_link link;
  ia_secp *secp;
  ia_buf filter; /* of the app's system calls */
  /* image */
  bool loaded;
  ia_h256 image;
  ia_oci_config *config;
  ia_image_run place; /* user and working folder */
  char root[64];      /* folder of its tree */
  unsigned roots;
  uint64_t memory; /* that the app gets, bytes; of ia_agent_memory */
  /* task */
  ia_hints hints;
  ia_agent_keys keys;
  ia_released released;
  ia_agent_task task;
  const ia_secret *blind; /* among the released items; NULL: the result is not blinded */
  ia_run run;
  ia_output output;
  const char *cause;         /* of the protocol's list */
  char told[IA_INPUTS_TOLD]; /* about inputs that failed; everybody may read it */
  bool no_run;               /* ended in a way that nothing may be stated about */
} ia_agent;

/* Is what the app does for the reader of its logs alone? Then neither its exit code nor how it
 * ended is told. */
static inline bool ia_agent_is_quiet(const ia_agent *a)
{
  return !a->spec->local && a->task.logs != IA_LOGS_CLEAR;
}

/* -- image.c -- verifies and unpacks; a loaded image stays. */
IA_MUST bool ia_agent_image(ia_agent *a, const ia_h256 *image, ia_err *e);
/* a->memory: what the image or the request asks for, whichever is more; IA_APP_MEMORY where neither
 * asks. NO_RESOURCES beyond what the host offers. requested: bytes, 0 = the request does not say.
 */
IA_MUST bool ia_agent_memory(ia_agent *a, uint64_t requested, ia_err *e);
/* -- compute.c -- inputs, app, output. False with a->cause; the statement is made either way unless
 * a->no_run. */
IA_MUST bool ia_agent_compute(ia_agent *a, ia_err *e);
/* -- statement.c -- RUN. */
IA_MUST bool ia_agent_state(ia_agent *a, ia_err *e);

#endif
