/* The life of a guest: warm, one task, end (docs/protocol.md 1). */
#ifndef IA_GUEST_AGENT_H
#define IA_GUEST_AGENT_H

#include <stdint.h>

#include "base/err.h"

typedef struct ia_agent_spec {
  int stream_fd;
  bool local;          /* --local: tasks of `iapp test`, and none of the network's */
  uint64_t memory_max; /* most that the app may have, bytes */
  const char *images;  /* folder with blobs/sha256 */
  const char *data;    /* our memory-backed folder */
  const char *cgroup;  /* delegated hierarchies */
} ia_agent_spec;

/* True when the stream ended as it should: END said, or the host closed it before a task. */
IA_MUST bool ia_agent_run(const ia_agent_spec *spec, ia_err *e);

#endif
