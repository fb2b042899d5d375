/* One run of an app on this machine, with plain data of the user's own: the same guest, sandbox,
 * environment and limits as a run of the network, without ledger, keys or evidence (`iapp test`).
 */
#ifndef IA_RUNTIME_LOCAL_H
#define IA_RUNTIME_LOCAL_H

#include "runtime/guest.h"

typedef struct ia_local_data {
  const char *path; /* a plain archive of protected data, or any file */
  ia_addr address;  /* what stands for the dataset's address */
} ia_local_data;

/* Downloads an input file into sink, at most max bytes. */
typedef bool (*ia_local_fetch)(void *ctx, const char *url, uint64_t max, ia_guest_sink write,
                               void *sink, ia_err *e);

typedef struct ia_local_run {
  const char *guest;  /* iapp-guest */
  const char *images; /* folder of the store that holds the image */
  ia_h256 image;
  ia_h256 task_id;
  const json_t *argv; /* array of texts */
  const ia_local_data *data;
  size_t n_data;         /* more than one: as a bulk slice */
  const json_t *urls;    /* input files: array of texts, or NULL */
  const json_t *secrets; /* {"app":text,"requester":{"1":text}}, or NULL */
  bool allow_swap;       /* see ia_guest_spec */
  bool callback;         /* the app is to leave callback data */
  uint64_t time_limit;   /* seconds */
  uint64_t memory;       /* asked for by --memory, bytes; 0 = as the image says */
  const char *tmp;       /* folder for what comes back */
  ia_local_fetch fetch;
  void *ctx;
} ia_local_run;

typedef struct ia_local_result {
  ia_guest_outcome outcome; /* run: exitCode, resultDigest, callbackData.. */
  int result_fd;            /* zip of /iexec_out, -1 when there is none */
  int logs_fd;              /* {"stdout":{"head","tail","total"},"stderr":{..}}, base64 */
} ia_local_result;
void ia_local_result_free(ia_local_result *r);
IA_DEFINE_AUTO_VALUE(ia_local_result, ia_local_result_free)

/* True when the guest came to an end of its own; how the app did stands in outcome.cause. SANDBOX
 * or NO_RESOURCES when it could not start. */
IA_MUST bool ia_local_run_app(ia_local_result *out, const ia_local_run *r, ia_err *e);

#endif
