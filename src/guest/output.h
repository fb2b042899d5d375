/* What becomes of an app's output: judged, digested, zipped, sealed, handed to the host
 * (docs/release.md 8). Nothing in it is believed, and nothing of it leaves in clear but callback
 * data and what a task without encryption asks for. */
#ifndef IA_GUEST_OUTPUT_H
#define IA_GUEST_OUTPUT_H

#include "guest/link.h"
#include "guest/task.h"
#include "receipt/run.h"
#include "sandbox/run.h"

enum {
  IA_OUTPUT_NAME = 31, /* bytes of a file name that the network takes */
};
#define IA_OUTPUT_BYTES ((uint64_t)50 << 20)

typedef struct ia_output {
  bool has_digest;
  ia_h256 digest, manifest;
  ia_run_object result, logs;
  ia_buf callback; /* callback data, when the deal asks for it */
  bool has_callback;
  uint64_t bytes;  /* of all files */
  json_t *skipped; /* [{"path","kind"}]: what is no file and no folder, at most the first 100 */
} ia_output;

void ia_output_free(ia_output *o);
IA_DEFINE_AUTO_VALUE(ia_output, ia_output_free)

typedef struct ia_output_spec {
  const ia_agent_task *task;
  int scratch_fd;         /* folder of ours in memory */
  bool simulated;         /* the domain of the manifest hash */
  const ia_secret *blind; /* of the release; NULL: result and manifest are not blinded */
  const char *ending;     /* how the app ended, "" when well; for its logs */
  const char *cause;      /* of an app that did not end well, "" else; for its logs */
} ia_output_spec;

/* Judges and sends the folder out_fd. A folder with exactly one file and no computed.json gets one
 * that names it. On failure *cause is of the protocol's list. */
IA_MUST bool ia_output_result(ia_output *o, const ia_output_spec *s, ia_link *l, int out_fd,
                              const char **cause, ia_err *e);
/* Sends what the app printed:
 * {"v":1,"stdout":{"head","tail","total"},"stderr":{..},"skipped":[..],"exitCode","ending","cause"},
 * texts of the app in base64; sealed to the result key, in clear, or not at all, as the task says.
 */
IA_MUST bool ia_output_logs(ia_output *o, const ia_output_spec *s, ia_link *l,
                            const ia_sandbox_result *r, ia_err *e);

#endif
