/* Everything an app finds under /iexec_in: protected data decrypted after its checksum was right,
 * its values as plain files, input files by URL, content/<n> that requester secret n names
 * (docs/release.md 1, data formats in data/). */
#ifndef IA_GUEST_INPUTS_H
#define IA_GUEST_INPUTS_H

#include "guest/attest.h"
#include "guest/link.h"
#include "guest/task.h"
#include "receipt/run.h"

typedef struct ia_inputs_spec {
  const ia_agent_task *task;
  const ia_released *released; /* NULL in local runs: plain datasets */
  json_t *labels;              /* of the image, read only; NULL: none */
  int in_fd;                   /* the folder that the app will see */
  int scratch_fd;              /* a folder of ours in memory, for ciphertext under way */
  char *told; /* IA_INPUTS_TOLD bytes: a sentence about a failure that everybody may read, or "" */
} ia_inputs_spec;

enum { IA_INPUTS_TOLD = 192 };

/* Fills run->inputs and run->failed. On failure e->code is the cause in our words and `cause` the
 * one in the protocol's ("PRE_COMPUTE_..."). A dataset of a slice without a key is refused by its
 * owner, and one that cannot be used (no bytes, others than were registered, a key that does not
 * open them, no archive, no room) is entered into run->failed: an empty folder and no file, and the
 * others go on. Where none is left the task fails, with the words of the first that failed.
 *
 * All values of a dataset are written or none; what does not fit into the folder's file system
 * fails the dataset (PRE_COMPUTE_DATASET_TOO_LARGE) with the bytes that it needs and those that are
 * free. */
IA_MUST bool ia_inputs_fetch(const ia_inputs_spec *s, ia_link *l, ia_run *run, const char **cause,
                             ia_err *e);

#endif
