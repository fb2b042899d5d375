/* Arguments and environment of the app, from the image's configuration, the task and the secrets.
 * The texts are wiped when freed. */
#ifndef IA_GUEST_WORDS_H
#define IA_GUEST_WORDS_H

#include "guest/attest.h"
#include "guest/task.h"
#include "image/oci.h"
#include "receipt/run.h"

enum { IA_WORDS_MAX = 2048 };

typedef struct ia_words {
  char *v[IA_WORDS_MAX + 1]; /* NULL-terminated, owned */
  size_t n;
} ia_words;

void ia_words_free(ia_words *w);
IA_DEFINE_AUTO(ia_words, ia_words_free)

/* Entrypoint ++ (arguments of the task if there are any, else the image's Cmd). INVALID when empty.
 */
IA_MUST bool ia_words_argv(ia_words **out, const ia_oci_config *image, const ia_agent_task *t,
                           ia_err *e);
/* The image's variables (none that begins with IEXEC_), defaults for PATH, HOME, LANG and TZ, the
 * task's IEXEC_*, IEXEC_DATASET_<i>_FAILED for each of run->failed, and the secrets. released is
 * NULL in local runs: secrets are then the task's. */
IA_MUST bool ia_words_env(ia_words **out, const ia_oci_config *image, const ia_agent_task *t,
                          const ia_released *released, const ia_run *run, ia_err *e);

#endif
