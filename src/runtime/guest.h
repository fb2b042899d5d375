/* The host's side of one guest: starts iapp-guest in its box, relays its frames (docs/protocol.md
 * 1) to whoever can answer them, and ends it. Decides nothing about the task: what the guest asks
 * for is fetched, sent and stored as it says. One guest takes one task in its life. */
#ifndef IA_RUNTIME_GUEST_H
#define IA_RUNTIME_GUEST_H

#include <stdint.h>

#include "base/json.h"
#include "base/types.h"

typedef struct ia_guest ia_guest;

typedef struct ia_guest_spec {
  const char *exe;     /* iapp-guest */
  const char *images;  /* folder of an image store; bound read-only at /image */
  bool local;          /* --local: plain tasks of `iapp test`, no keys, no evidence */
  uint64_t app_memory; /* most that its app may have, bytes; 0 = IA_APP_MEMORY. The box has
                        * IA_GUEST_ROOM more, for the guest, the image and the inputs */
  uint64_t room;       /* bytes for the guest, the image and the inputs; 0 = IA_GUEST_ROOM */
  uint32_t slot;       /* guests alive at one time have different ones: picks the uid range */
  bool allow_swap;     /* the operator takes it on herself that data may reach a swap device */
  int stderr_fd;       /* the guest's own words, in tests; <= 0 = nowhere */
} ia_guest_spec;

#define IA_GUEST_ROOM ((uint64_t)1 << 30)
enum { IA_GUEST_HELLO_MS = 10000 };

/* Returns once the guest said HELLO. SANDBOX, TIMEOUT, PARSE. */
IA_MUST bool ia_guest_start(ia_guest **out, const ia_guest_spec *spec, ia_err *e);
void ia_guest_close(ia_guest *g); /* kills and reaps; NULL is fine */
IA_DEFINE_AUTO(ia_guest, ia_guest_close)
/* The guest unpacks this image before it has a task; returns at once. */
IA_MUST bool ia_guest_prepare(ia_guest *g, const ia_h256 *image, ia_err *e);
/* From any thread while the guest is open: SIGKILL to all of it. A running ia_guest_run returns. */
void ia_guest_stop(ia_guest *g);
const char *ia_guest_build(const ia_guest *g); /* of HELLO */

/* Takes the next bytes of a download. */
typedef bool (*ia_guest_sink)(void *sink, ia_span data, ia_err *e);

/* A file that the guest asks for. */
typedef struct ia_guest_file {
  const char *kind; /* "dataset" or "input" */
  const char *uri;
  uint64_t max;  /* bytes that are taken */
  uint64_t size; /* out: of a file that is larger, where that is known; 0 = it is not */
} ia_guest_file;

/* Who answers the guest. Called on the thread of ia_guest_run, one at a time; a call may block. */
typedef struct ia_guest_calls {
  void *ctx;
  /* evidence over 64 bytes of report data; extend: 48 bytes into RTMR3. NULL in local mode. */
  bool (*quote)(void *ctx, ia_span report_data, ia_buf *quote, ia_buf *aux, ia_err *e);
  bool (*extend)(void *ctx, ia_span digest, ia_err *e);
  /* A message for the SMS; a false return is answered to the guest as status 503. */
  bool (*post)(void *ctx, const char *path, ia_span body, int *status, ia_buf *answer, ia_err *e);
  /* At most file->max bytes into sink; TOO_LARGE beyond. The guest and the network read e->msg. */
  bool (*fetch)(void *ctx, ia_guest_file *file, ia_guest_sink write, void *sink, ia_err *e);
  /* name "result" or "logs": fd at its start, size bytes; cid has room for 64. */
  bool (*put)(void *ctx, const char *name, int fd, uint64_t size, char *cid, ia_err *e);
  void (*started)(void *ctx); /* the app was executed; may be NULL */
} ia_guest_calls;

typedef struct ia_guest_outcome {
  json_t *run;    /* payload of RUN, or NULL */
  json_t *usage;  /* payload of USAGE, or NULL */
  char cause[64]; /* of END; "" = all is well */
  char message[192];
  char hint[192]; /* of a local task: what to do; may be "" */
} ia_guest_outcome;
void ia_guest_outcome_free(ia_guest_outcome *o);
IA_DEFINE_AUTO_VALUE(ia_guest_outcome, ia_guest_outcome_free)

typedef struct ia_guest_run_options {
  const json_t *task; /* payload of TASK */
  const char *tmp;    /* folder for uploads under way; they have no name there */
  uint64_t put_max;   /* most bytes of one upload */
  uint64_t wall_ms;   /* the guest is killed after it */
} ia_guest_run_options;

/* Sends the task and serves the guest until it ends. True when it said END; false when it broke the
 * protocol, died (UNAVAILABLE), was stopped, or TIMEOUT. */
IA_MUST bool ia_guest_run(ia_guest *g, ia_guest_outcome *out, const ia_guest_run_options *o,
                          const ia_guest_calls *calls, ia_err *e);

#endif
